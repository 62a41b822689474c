//! Functions of the program that helpers and kfuncs call.

use isa::{Pc, Reg};

use crate::cx::{Check, Cx, Next};
use crate::state::{Frame, State};

/// Fills the frame of a callback from the caller's registers (`set_callee_state_fn`).
pub(crate) type SetCallee = fn(&mut Cx<'_>, caller: &Frame, callee: &mut Frame, pc: Pc) -> Check;

/// A function that a helper or kfunc calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallbackCall {
    /// The subprogram.
    pub subprog: u32,
    /// What is in its registers.
    pub set: SetCallee,
    /// It runs after the call (`is_async_callback_calling_insn`).
    pub later: bool,
    /// It may sleep when it runs later.
    pub may_sleep: bool,
}

/// The helper or kfunc at `pc` calls a function, now or later (`push_callback_call`).
pub(crate) fn push(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc, call: CallbackCall) -> Check {
    cx.unsupported(format!("subprogram {} as a callback", call.subprog))
}

/// Of timers and work queues: the map, key and value of the object in R1 (`set_timer_callback_state`).
pub(crate) fn set_timer(cx: &mut Cx<'_>, _caller: &Frame, _callee: &mut Frame, _pc: Pc) -> Check {
    cx.unsupported("timers")
}

/// Of task work: the map, key and value of the object in R3 (`set_task_work_schedule_callback_state`).
pub(crate) fn set_task_work(
    cx: &mut Cx<'_>,
    _caller: &Frame,
    _callee: &mut Frame,
    _pc: Pc,
) -> Check {
    cx.unsupported("task work")
}

/// A callback returns (part of `prepare_func_exit`).
pub(crate) fn exit(cx: &mut Cx<'_>, _state: &mut State, pc: Pc) -> Check<Next> {
    cx.unsupported(format!("the return of a callback at {pc}"))
}
