//! Functions of the program that helpers and kfuncs call.

use isa::Pc;

use crate::cx::{Check, Cx, Next};
use crate::state::{Frame, State};

/// Fills the frame of a callback from the caller's registers (`set_callee_state_fn`).
pub(crate) type SetCallee = fn(&mut Cx<'_>, caller: &Frame, callee: &mut Frame, pc: Pc) -> Check;

/// The helper or kfunc at `pc` calls the subprogram, now or, for asynchronous ones, later
/// (`push_callback_call`).
pub(crate) fn push(
    cx: &mut Cx<'_>,
    _state: &mut State,
    _pc: Pc,
    subprog: u32,
    _set: SetCallee,
) -> Check {
    cx.unsupported(format!("subprogram {subprog} as a callback"))
}

/// A callback returns (part of `prepare_func_exit`).
pub(crate) fn exit(cx: &mut Cx<'_>, _state: &mut State, pc: Pc) -> Check<Next> {
    cx.unsupported(format!("the return of a callback at {pc}"))
}
