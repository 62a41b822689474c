//! Helpers: arguments, effects and results by their prototypes.

pub(crate) mod argument;

use isa::{HelperId, Pc};

use crate::cx::{Check, Cx, Next};
use crate::state::State;

/// A call of a helper (`check_helper_call`).
pub(crate) fn call(cx: &mut Cx<'_>, _state: &mut State, pc: Pc, id: HelperId) -> Check<Next> {
    cx.unsupported(format!("{id:?} at {pc}"))
}
