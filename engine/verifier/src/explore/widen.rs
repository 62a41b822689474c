//! Forgetting what changes from one round of a loop to the next, so that the loop converges
//! (`widen_imprecise_scalars`).

use isa::Pc;

use super::equal::is_same;
use super::idmap::IdMap;
use super::visit::same_callsites;
use crate::cx::{Check, Cx};
use crate::state::{Reg, State, StateId};

/// In `queued`, which goes on behind the iterator step at `pc`, numbers that differ from the last visit of that step on
/// this path are forgotten (`widen_imprecise_scalars` in `process_iter_next_call`).
pub(crate) fn widen_since_last_step(
    cx: &mut Cx<'_>,
    state: &State,
    queued: &mut State,
    pc: Pc,
) -> Check {
    // The state that was stored right at this step is not the last visit.
    if let Some(depth) = state.path.depth.checked_sub(1)
        && let Some(last) = find_last(cx, state, pc, depth)
    {
        widen(cx, last, queued);
    }
    Ok(())
}

/// As [`widen_since_last_step`], of a callback that has returned to the call at `pc` (`prepare_func_exit`).
pub(crate) fn widen_since_last_visit(cx: &mut Cx<'_>, state: &mut State, pc: Pc) -> Check {
    if let Some(last) = find_last(cx, state, pc, state.path.depth) {
        widen(cx, last, state);
    }
    Ok(())
}

/// The state stored last at this instruction, on this path, with fewer states in front than `depth`
/// (`find_prev_entry`).
fn find_last(cx: &Cx<'_>, state: &State, pc: Pc, depth: u32) -> Option<StateId> {
    let bucket = cx.explored.bucket(pc, state);
    cx.explored.listed(bucket).iter().rev().copied().find(|id| {
        let stored = cx.explored.state(*id);
        stored.path.pc == pc
            && stored.path.branches > 0
            && same_callsites(stored, state)
            && stored.path.depth < depth
    })
}

fn widen(cx: &mut Cx<'_>, last: StateId, state: &mut State) {
    let mut ids = std::mem::take(&mut cx.explored.ids);
    ids.reset(cx.last_id);
    let unknown = cx.unknown();
    let last = cx.explored.state(last);
    for (old, new) in last.frames.iter().zip(&mut state.frames).rev() {
        for (old, new) in old.regs.iter().zip(&mut new.regs) {
            widen_reg(&mut ids, old, new, unknown);
        }
        for (old, new) in old.stack.iter().zip(&mut new.stack) {
            if old.is_spilled() && new.is_spilled() {
                widen_reg(&mut ids, &old.spilled, &mut new.spilled, unknown);
            }
        }
    }
    cx.explored.ids = ids;
}

/// `maybe_widen_reg`
fn widen_reg(ids: &mut IdMap, old: &Reg, new: &mut Reg, unknown: Reg) {
    let differs = |ids: &mut IdMap| {
        !(is_same(old, new)
            && ids.matches(old.id, new.id)
            && ids.matches(old.ref_obj_id, new.ref_obj_id))
    };
    if old.is_scalar() && new.is_scalar() && !old.precise && !new.precise && differs(ids) {
        *new = unknown;
    }
}
