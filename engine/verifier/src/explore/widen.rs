//! Forgetting numbers that differ from iteration to iteration, so that loops converge (`widen_imprecise_scalars`).

use isa::Pc;

use crate::cx::{Check, Cx};
use crate::state::State;

/// In `queued`, which goes on behind the iterator step at `pc`, numbers that differ from the last visit of that step on
/// this path are forgotten, so that the loop converges (`widen_imprecise_scalars` in `process_iter_next_call`).
pub(crate) fn widen_since_last_step(
    cx: &mut Cx<'_>,
    _state: &State,
    _queued: &mut State,
    _pc: Pc,
) -> Check {
    cx.unsupported("widening")
}

/// As [`widen_since_last_step`], of a callback that has returned to the call at `pc` (`prepare_func_exit`).
pub(crate) fn widen_since_last_visit(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc) -> Check {
    cx.unsupported("widening")
}
