//! Cutting paths off at states that others have covered, and storing states (`is_state_visited`).

use isa::Reg;

use super::clean::{clean_states, free_if_done};
use super::equal::{Exact, covers, iterators_differ, may_loop};
use super::{history, precision, scc};
use crate::cx::{Check, Cx, Errno, Reject, Stop};
use crate::log;
use crate::state::{Detail, IterState, State, StateId};

/// Longer histories make a state worth storing.
const HISTORY: usize = 40;
/// States are stored after so many jumps and instructions at the earliest.
const OFTEN: (u32, u32) = (2, 8);
/// In loops, only after so many.
const SELDOM: (u32, u32) = (20, 100);
/// So many states per instruction are compared without privileges (`BPF_COMPLEXITY_LIMIT_STATES`).
const STATES: u32 = 64;

/// What comparing with a stored state has shown.
enum Compared {
    /// The path ends here; whether the states are in a loop.
    Hit(bool),
    /// It goes on.
    Miss,
}

/// Whether the state needs no following, because one that was followed covers it; else it may be stored.
pub(super) fn is_visited(cx: &mut Cx<'_>, state: &mut State) -> Check<bool> {
    let pc = cx.pc;
    let bucket = cx.explored.bucket(pc, state);
    let forced = cx.aux[pc.index()].force_checkpoint || state.path.history.len() > HISTORY;
    let mut add = forced || cx.explored.has_passed(OFTEN);
    clean_states(cx, bucket, state);
    let mut count = 0;
    // Those stored last come first; what is dropped meanwhile lies behind.
    let mut place = cx.explored.listed(bucket).len();
    while place > 0 {
        place -= 1;
        count += 1;
        let id = cx.explored.listed(bucket)[place];
        if cx.explored.state(id).path.pc != pc {
            continue;
        }
        match compare(cx, id, state, forced, &mut add)? {
            Compared::Hit(in_loop) => {
                hit(cx, id, state, in_loop)?;
                return Ok(true);
            }
            Compared::Miss => miss(cx, bucket, place, id, add),
        }
    }
    let most = &mut cx.explored.stats.max_states_per_insn;
    *most = (*most).max(count);
    if !add || (!cx.program.options.privileged && count > STATES) {
        return Ok(false);
    }
    store(cx, bucket, state);
    Ok(false)
}

fn compare(
    cx: &mut Cx<'_>,
    id: StateId,
    state: &State,
    forced: bool,
    add: &mut bool,
) -> Check<Compared> {
    if cx.explored.state(id).path.branches == 0 {
        let in_loop = scc::is_incomplete(cx, cx.explored.state(id));
        let exact = if in_loop { Exact::Within } else { Exact::Not };
        let hit = covers(cx, id, state, exact);
        return Ok(if hit { Compared::Hit(in_loop) } else { Compared::Miss });
    }
    if let Some(hit) = compare_in_loop(cx, id, state)? {
        return Ok(hit);
    }
    if !forced && !cx.explored.has_passed_either(SELDOM) {
        *add = false;
    }
    Ok(Compared::Miss)
}

/// The stored state is on the path, so that the two are in a loop. `None` if nothing follows from that.
fn compare_in_loop(cx: &mut Cx<'_>, id: StateId, state: &State) -> Check<Option<Compared>> {
    let stored = cx.explored.state(id);
    let (old, new) = (stored.frame(), state.frame());
    if old.in_async_callback && old.async_entries != new.async_entries {
        return Ok(None);
    }
    let aux = &cx.aux[cx.pc.index()];
    let (steps_iterator, calls_callback) = (aux.steps_iterator, aux.calls_callback);
    if steps_iterator {
        let hit = covers(cx, id, state, Exact::Within) && goes_on(state);
        return Ok(hit.then_some(Compared::Hit(true)));
    }
    let is_may_goto = matches!(cx.program.insn(cx.pc), Some(isa::Insn::MayGoto(_)));
    let (unrolled, depth) = (stored.path.callback_unroll_depth, stored.path.may_goto_depth);
    if is_may_goto && depth != state.path.may_goto_depth && covers(cx, id, state, Exact::Within) {
        return Ok(Some(Compared::Hit(true)));
    }
    if calls_callback {
        let hit = covers(cx, id, state, Exact::Within);
        return Ok(hit.then_some(Compared::Hit(false)));
    }
    if may_loop(cx.explored.state(id), state)
        && covers(cx, id, state, Exact::Yes)
        && !iterators_differ(cx.explored.state(id), state)
        && depth == state.path.may_goto_depth
        && unrolled == state.path.callback_unroll_depth
    {
        return Err(endless(cx, id, state));
    }
    Ok(None)
}

/// The iterator that the instruction steps may have more (`iter_state->iter.state == BPF_ITER_STATE_ACTIVE`).
fn goes_on(state: &State) -> bool {
    crate::calls::iter::of_next_call(state, Reg::R1).is_some_and(|(frame, slot)| {
        let slot = state.frames.get(frame as usize).and_then(|frame| frame.stack.get(slot));
        let detail = slot.map(|slot| slot.spilled.detail);
        matches!(detail, Some(Detail::Iter { state: IterState::Active, .. }))
    })
}

fn endless(cx: &mut Cx<'_>, id: StateId, state: &State) -> Stop {
    let pc = cx.pc;
    log::print_line(cx, pc);
    let frame = state.frame().number;
    let now = log::print_state(cx, state, frame, true);
    let before = log::print_state(cx, cx.explored.state(id), frame, true);
    Stop::Reject(Box::new(Reject {
        errno: Errno::EINVAL,
        message: format!(
            "infinite loop detected at insn {}\ncur state:{now}\nold state:{before}",
            pc.0
        ),
    }))
}

/// The path ends: what matters behind the stored state matters on this path too.
fn hit(cx: &mut Cx<'_>, id: StateId, state: &mut State, in_loop: bool) -> Check {
    cx.explored.count_hit(id);
    if cx.aux[cx.pc.index()].jump_point {
        history::note_jump(cx, state);
    }
    precision::propagate(cx, id, state)?;
    if in_loop {
        scc::add_backedge(cx, id, state)?;
    }
    Ok(())
}

fn miss(cx: &mut Cx<'_>, bucket: usize, place: usize, id: StateId, add: bool) {
    if add {
        cx.explored.count_miss(id);
    }
    let is_open = cx.explored.state(id).path.branches > 0;
    let patience = if cx.aux[cx.pc.index()].force_checkpoint && is_open { 64 } else { 3 };
    if cx.explored.is_useless(id, patience) {
        cx.explored.unlist(bucket, place);
        free_if_done(cx, id);
    }
}

/// Stores the state; the path goes on from it.
fn store(cx: &mut Cx<'_>, bucket: usize, state: &mut State) {
    cx.explored.count_stored();
    if cx.program.options.privileged {
        precision::mark_all_imprecise(state);
    }
    let id = cx.explored.store(bucket, state);
    scc::enter(cx, id);
    state.path.parent = Some(id);
    state.path.first_insn = cx.pc;
    state.path.depth += 1;
    state.path.history.clear();
}
