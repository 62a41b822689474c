//! Forgetting numbers that differ from iteration to iteration, so that loops converge (`widen_imprecise_scalars`).

use isa::Pc;

use super::clean::same_callsites;
use super::equal::regs_exact;
use super::idmap::IdMap;
use crate::cx::{Check, Cx};
use crate::state::{Reg, State, StateId};

/// In `queued`, which goes on behind the step at `pc`, numbers that differ from the last visit of that step on this path
/// are forgotten, so that the loop converges (`widen_imprecise_scalars` in `process_iter_next_call`).
pub(crate) fn widen_since_last_step(
    cx: &mut Cx<'_>,
    state: &State,
    queued: &mut State,
    pc: Pc,
) -> Check {
    let Some(parent) = state.path.parent else { return Ok(()) };
    let parent = cx.explored.state(parent);
    let depth = parent.path.depth;
    if let Some(previous) = previous_entry(cx, parent, depth, pc) {
        widen(cx, previous, queued);
    }
    Ok(())
}

/// As [`widen_since_last_step`], of a callback that has returned to the call at `pc` (`prepare_func_exit`).
pub(crate) fn widen_since_last_visit(cx: &mut Cx<'_>, state: &mut State, pc: Pc) -> Check {
    if let Some(previous) = previous_entry(cx, state, state.path.depth, pc) {
        widen(cx, previous, state);
    }
    Ok(())
}

/// The last stored state at this instruction that is on the path and comes before `depth` (`find_prev_entry`).
fn previous_entry(cx: &Cx<'_>, state: &State, depth: u32, pc: Pc) -> Option<StateId> {
    let bucket = cx.explored.bucket(pc, state);
    cx.explored.listed(bucket).iter().rev().copied().find(|&id| {
        let stored = cx.explored.state(id);
        stored.path.pc == pc
            && stored.path.branches > 0
            && same_callsites(stored, state)
            && stored.path.depth < depth
    })
}

fn widen(cx: &mut Cx<'_>, previous: StateId, state: &mut State) {
    let mut ids = std::mem::take(&mut cx.explored.ids);
    ids.reset(cx.last_id);
    let unknown = cx.unknown();
    let old = cx.explored.state(previous);
    for (old, new) in old.frames.iter().zip(&mut state.frames).rev() {
        for (old, new) in old.regs.iter().zip(&mut new.regs) {
            forget_difference(old, new, &unknown, &mut ids);
        }
        for (old, new) in old.stack.iter().zip(&mut new.stack) {
            if old.is_spilled() && new.is_spilled() {
                forget_difference(&old.spilled, &mut new.spilled, &unknown, &mut ids);
            }
        }
    }
    cx.explored.ids = ids;
}

/// `maybe_widen_reg`
fn forget_difference(old: &Reg, new: &mut Reg, unknown: &Reg, ids: &mut IdMap) {
    if old.is_scalar()
        && new.is_scalar()
        && !old.precise
        && !new.precise
        && !regs_exact(old, new, ids)
    {
        *new = *unknown;
    }
}
