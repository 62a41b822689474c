//! The ends of paths, and forgetting what is dead in states that all paths have left.

use super::scc;
use crate::cfg::liveness::Query;
use crate::cx::{Check, Cx};
use crate::state::{Reg, SlotKind, StackSlot, State, StateId};

/// The path of a state ends: the states it comes from have one path less (`update_branch_counts`).
pub(super) fn end_path(cx: &mut Cx<'_>, state: &mut State) -> Check {
    state.path.branches -= 1;
    let mut next = state.path.parent;
    while let Some(id) = next {
        let stored = cx.explored.state_mut(id);
        stored.path.branches = stored.path.branches.saturating_sub(1);
        if stored.path.branches > 0 {
            break;
        }
        next = stored.path.parent;
        scc::exit(cx, id)?;
        free_if_done(cx, id);
    }
    Ok(())
}

/// Forgets a state that nothing needs any more (`maybe_free_verifier_state`).
pub(super) fn free_if_done(cx: &mut Cx<'_>, id: StateId) {
    if cx.explored.is_done(id) && !scc::is_incomplete(cx, cx.explored.state(id)) {
        cx.explored.free(id);
    }
}

/// Forgets what is dead in the stored states of this bucket that agree with `state` in where they are
/// (`clean_live_states`).
pub(super) fn clean_states(cx: &mut Cx<'_>, bucket: usize, state: &State) {
    for place in 0..cx.explored.listed(bucket).len() {
        let id = cx.explored.listed(bucket)[place];
        let stored = cx.explored.state(id);
        if stored.path.branches > 0
            || stored.path.cleaned
            || stored.path.pc != state.path.pc
            || !same_callsites(stored, state)
            || scc::is_incomplete(cx, stored)
        {
            continue;
        }
        let mut stored = std::mem::replace(cx.explored.state_mut(id), State::nothing());
        clean(cx, &mut stored);
        *cx.explored.state_mut(id) = stored;
    }
}

/// The same calls led to both.
pub(super) fn same_callsites(a: &State, b: &State) -> bool {
    a.frames.len() == b.frames.len()
        && a.frames.iter().zip(&b.frames).all(|(a, b)| a.callsite == b.callsite)
}

/// Registers and slots that are not read before they are written are forgotten (`clean_verifier_state`).
fn clean(cx: &mut Cx<'_>, state: &mut State) {
    let query = Query::new(cx, state, state.path.pc);
    state.path.cleaned = true;
    for index in 0..state.frames.len() {
        let pc = state.frame_pc(index);
        let live = cx.aux.get(pc.index()).map_or(u16::MAX, |aux| aux.live_regs);
        let frame = &mut state.frames[index];
        for (number, reg) in frame.regs.iter_mut().enumerate().take(10) {
            if live >> number & 1 == 0 {
                *reg = Reg::NOT_INIT;
            }
        }
        let number = frame.number;
        for (slot, stored) in (0..).zip(&mut frame.stack) {
            if stored.kinds != [SlotKind::Invalid; 8] && !query.is_live(cx, number, slot) {
                *stored = StackSlot::INVALID;
            }
        }
    }
}
