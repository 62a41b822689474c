//! Whether a path may end because what follows was explored, and whether its state is stored (`is_state_visited`).

use std::fmt::Write as _;

use isa::{Insn, Pc, Reg};

use super::equal::{self, Level};
use super::masks::Masks;
use super::{clean, history, precision, scc};
use crate::beyond;
use crate::calls::iter;
use crate::cx::{Check, Cx, reject};
use crate::log;
use crate::observe;
use crate::state::{Detail, IterState, RegKind, SlotKind, State, StateId};

/// So many notes are enough for a state to be stored.
const LONG_HISTORY: usize = 40;

/// The instruction that a frame is at: the next one, or the call (`frame_insn_idx`).
pub(crate) fn frame_pc(state: &State, frame: usize) -> Pc {
    state.frames.get(frame + 1).and_then(|inner| inner.callsite).unwrap_or(state.path.pc)
}

/// The same calls led to both.
pub(super) fn same_callsites(one: &State, other: &State) -> bool {
    one.frames.len() == other.frames.len()
        && one.frames.iter().zip(&other.frames).all(|(one, other)| one.callsite == other.callsite)
}

/// What a stored state says about the path.
#[derive(PartialEq, Eq)]
enum Verdict {
    /// It covers it.
    Covered,
    /// It does not.
    Missed,
}

/// How often and how readily states are stored here.
struct Storing {
    /// Always.
    forced: bool,
    /// This time.
    wanted: bool,
    /// It is a place where a state is always stored.
    checkpoint: bool,
    /// What must be exact in the state compared with is not known yet, because it is in a loop. States at calls of
    /// callbacks leave this as it was of the one before.
    in_loop: bool,
}

/// The path may end here. If not, its state may have been stored.
pub(super) fn is_visited(cx: &mut Cx<'_>, state: &mut State) -> Check<bool> {
    let pc = cx.pc;
    let checkpoint = cx.aux.get(pc.index()).is_some_and(|aux| aux.force_checkpoint);
    let forced = checkpoint || state.path.history.len() > LONG_HISTORY;
    let (jumps, insns) = since_stored(cx);
    let wanted = forced || jumps >= 2 && insns >= 8;
    let mut storing = Storing { forced, wanted, checkpoint, in_loop: false };
    let bucket = cx.explored.bucket(pc, state);
    clean::clean_states(cx, bucket, pc, state);
    let mut count = 0;
    for place in (0..cx.explored.listed(bucket).len()).rev() {
        let id = cx.explored.listed(bucket)[place];
        count += 1;
        if cx.explored.state(id).path.pc != pc {
            continue;
        }
        if compare(cx, state, id, &mut storing)? == Verdict::Covered
            && beyond::may_cut(cx, id, state)
        {
            end_path(cx, state, id, storing.in_loop)?;
            return Ok(true);
        }
        count_miss(cx, bucket, place, &storing);
    }
    let stats = &mut cx.explored.stats;
    stats.max_states_per_insn = stats.max_states_per_insn.max(count);
    // Without privileges only so many states are compared (`BPF_COMPLEXITY_LIMIT_STATES`).
    let is_full = !cx.program.is_bpf_capable() && count > 64;
    if storing.wanted && !is_full {
        store(cx, state, bucket);
    }
    Ok(false)
}

/// How many jumps and instructions were processed since a state was stored.
fn since_stored(cx: &Cx<'_>) -> (u32, u32) {
    let explored = &cx.explored;
    (
        explored.jumps - explored.jumps_at_state,
        explored.stats.insns_processed - explored.insns_at_state,
    )
}

fn compare(cx: &mut Cx<'_>, state: &State, id: StateId, storing: &mut Storing) -> Check<Verdict> {
    let stored = cx.explored.state(id);
    if stored.path.branches > 0 {
        return compare_with_ancestor(cx, state, id, storing);
    }
    storing.in_loop = scc::is_incomplete(cx, stored);
    let level = if storing.in_loop { Level::RangeWithin } else { Level::NotExact };
    Ok(if covers(cx, id, state, level) { Verdict::Covered } else { Verdict::Missed })
}

/// Compares with a state from which not all paths were explored: the path is in a loop.
fn compare_with_ancestor(
    cx: &mut Cx<'_>,
    state: &State,
    id: StateId,
    storing: &mut Storing,
) -> Check<Verdict> {
    let pc = cx.pc;
    let stored = cx.explored.state(id);
    let entered_again = stored.frame().in_async_callback
        && stored.frame().async_entries != state.frame().async_entries;
    let is_other_depth = stored.path.may_goto_depth != state.path.may_goto_depth;
    let aux = &cx.aux[pc.index()];
    let (steps_iterator, calls_callback) = (aux.steps_iterator, aux.calls_callback);
    if entered_again {
        // Another entry of the same callback is no loop.
    } else if steps_iterator {
        if covers(cx, id, state, Level::RangeWithin) && is_active(state) {
            storing.in_loop = true;
            return Ok(Verdict::Covered);
        }
    } else {
        let is_may_goto = matches!(cx.program.insn(pc), Some(Insn::MayGoto(_)));
        if is_may_goto && is_other_depth && covers(cx, id, state, Level::RangeWithin) {
            storing.in_loop = true;
            return Ok(Verdict::Covered);
        }
        if calls_callback {
            if covers(cx, id, state, Level::RangeWithin) {
                return Ok(Verdict::Covered);
            }
        } else {
            refuse_endless(cx, state, id)?;
        }
    }
    // In a loop, states are stored less often, since they may not help.
    let (jumps, insns) = since_stored(cx);
    if !storing.forced && jumps < 20 && insns < 100 {
        storing.wanted = false;
    }
    Ok(Verdict::Missed)
}

fn covers(cx: &mut Cx<'_>, old: StateId, new: &State, level: Level) -> bool {
    let allows_uninit = cx.program.allows_uninit_stack();
    equal::covers(&mut cx.explored, &cx.aux, (cx.last_id, allows_uninit), (old, new), level)
}

/// The iterator that is stepped may give another element.
fn is_active(state: &State) -> bool {
    let Some((frame, slot)) = iter::of_next_call(state, Reg::R1) else { return false };
    let frame = state.frames.get(frame as usize);
    let slot = frame.and_then(|frame| frame.stack.get(slot));
    slot.is_some_and(|slot| {
        matches!(slot.spilled.detail, Detail::Iter { state: IterState::Active, .. })
    })
}

/// The state is exactly one that led to it, so that the loop does not end.
fn refuse_endless(cx: &mut Cx<'_>, state: &State, id: StateId) -> Check {
    let stored = cx.explored.state(id);
    let is_loop = may_be_same(stored, state) && covers(cx, id, state, Level::Exact) && {
        let stored = cx.explored.state(id);
        !depths_differ(stored, state)
            && stored.path.may_goto_depth == state.path.may_goto_depth
            && stored.path.callback_unroll_depth == state.path.callback_unroll_depth
    };
    if !is_loop {
        return Ok(());
    }
    let pc = cx.pc;
    log::print_line(cx, pc);
    let mut message = format!("infinite loop detected at insn {pc}");
    for (heading, state) in [("cur state:", state), ("old state:", cx.explored.state(id))] {
        // Writing to a string does not fail.
        let _ = write!(message, "\n{heading}");
        let frame = state.frames.len() - 1;
        log::write_frame(&mut message, cx.program, state, frame, log::Touched::ALL);
    }
    reject!(EINVAL, "{message}")
}

/// A cheap look at whether states may be the same (`states_maybe_looping`).
fn may_be_same(old: &State, new: &State) -> bool {
    old.frames.len() == new.frames.len()
        && old.frame().regs.iter().zip(&new.frame().regs).all(|(old, new)| {
            equal::is_same(old, new) && old.id == new.id && old.ref_obj_id == new.ref_obj_id
        })
}

/// An iterator has gone on (`iter_active_depths_differ`).
fn depths_differ(old: &State, new: &State) -> bool {
    old.frames.iter().zip(&new.frames).any(|(old, new)| {
        old.stack.iter().enumerate().any(|(index, slot)| match slot.spilled.detail {
            Detail::Iter { state: IterState::Active, depth, .. }
                if slot.kinds[0] == SlotKind::Iter =>
            {
                let new = new.stack.get(index).map(|slot| slot.spilled.detail);
                !matches!(new, Some(Detail::Iter { depth: new, .. }) if new == depth)
            }
            _ => false,
        })
    })
}

/// The path ends in a stored state; what must be exact there must have been so on the path.
fn end_path(cx: &mut Cx<'_>, state: &mut State, id: StateId, in_loop: bool) -> Check {
    cx.explored.count_hit(id);
    observe::cover(cx, state, id);
    if cx.aux.get(cx.pc.index()).is_some_and(|aux| aux.jump_point) {
        history::note_jump(cx, state);
    }
    propagate_precision(cx, id, state, &mut false)?;
    if in_loop {
        scc::add_backedge(cx, id, state)?;
    }
    Ok(())
}

/// What must be exact in the stored state must be so in the parents of `state` (`propagate_precision`).
pub(super) fn propagate_precision(
    cx: &mut Cx<'_>,
    stored: StateId,
    state: &State,
    changed: &mut bool,
) -> Check {
    let crate::cx::Cx { explored, log, .. } = cx;
    let stored = explored.state(stored);
    let mut masks = Masks::new(state.frames.len() - 1);
    for (number, frame) in stored.frames.iter().enumerate().rev() {
        let mut is_first = true;
        let mut note = |name: std::fmt::Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = match (log.is_verbose(), std::mem::take(&mut is_first)) {
                (false, _) => Ok(()),
                (true, true) => write!(log.text, "frame {number}: propagating {name}"),
                (true, false) => write!(log.text, ",{name}"),
            };
        };
        let Some(regs) = masks.regs.get_mut(number) else { break };
        for (reg, known) in frame.regs[..Reg::R10.index()].iter().enumerate() {
            if known.is_scalar() && known.precise {
                note(format_args!("r{reg}"));
                *regs |= 1 << reg;
            }
        }
        let slots = &mut masks.slots[number];
        for (slot, stack) in frame.stack.iter().enumerate().take(64) {
            if stack.is_spilled_scalar() && stack.spilled.precise {
                note(format_args!("fp-{}", (slot + 1) * 8));
                *slots |= 1 << slot;
            }
        }
        if !is_first && log.is_verbose() {
            log.text.push('\n');
        }
    }
    precision::mark(cx, state, masks, changed)
}

/// The stored state did not help; if that happens too often, it is not compared with any more.
fn count_miss(cx: &mut Cx<'_>, bucket: usize, place: usize, storing: &Storing) {
    let id = cx.explored.listed(bucket)[place];
    if storing.wanted {
        cx.explored.count_miss(id);
    }
    let is_open = cx.explored.state(id).path.branches > 0;
    let patience = if storing.checkpoint && is_open { 64 } else { 3 };
    if cx.explored.is_useless(id, patience) {
        cx.explored.unlist(bucket, place);
        free_if_done(cx, id);
    }
}

/// Gives the memory of a state free that nothing needs any more (`maybe_free_verifier_state`).
pub(super) fn free_if_done(cx: &mut Cx<'_>, id: StateId) {
    if cx.explored.is_done(id) && !scc::is_incomplete(cx, cx.explored.state(id)) {
        observe::forget(cx, id);
        cx.explored.free(id);
    }
}

/// Stores the state; the path goes on from there.
fn store(cx: &mut Cx<'_>, state: &mut State, bucket: usize) {
    cx.explored.count_stored();
    if cx.program.is_bpf_capable() {
        forget_precision(state);
    }
    let id = cx.explored.store(bucket, state);
    scc::enter(cx, id);
    observe::store(cx, id);
    let path = &mut state.path;
    path.parent = Some(id);
    path.first_insn = cx.pc;
    path.depth += 1;
    path.history.clear();
    // The note on this instruction went to the stored state.
    cx.explored.is_noted = false;
}

/// `mark_all_scalars_imprecise`
fn forget_precision(state: &mut State) {
    for frame in &mut state.frames {
        for reg in &mut frame.regs[..Reg::R10.index()] {
            reg.precise &= reg.kind() != RegKind::Scalar;
        }
        for slot in &mut frame.stack {
            if slot.is_spilled_scalar() {
                slot.spilled.precise = false;
            }
        }
    }
}
