//! Functions of the program: calls, returns, arguments of global ones.

use isa::Pc;

use crate::cx::{Check, Cx, Next};
use crate::state::State;

/// A call of a function of the program (`check_func_call`).
pub(crate) fn call(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc, target: Pc) -> Check<Next> {
    cx.unsupported(format!("a call of the function at {target}"))
}

/// Reads the arguments of the subprogram from BTF (`btf_prepare_func_args` of kernel/bpf/btf.c), once.
pub(crate) fn prepare_args(cx: &mut Cx<'_>, subprog: u32) -> Check {
    cx.unsupported(format!("the arguments of subprogram {subprog}"))
}

/// Fills the registers with which the subprogram begins if it is verified alone (part of `do_check_common`).
pub(crate) fn entry_state(cx: &mut Cx<'_>, subprog: u32) -> Check<State> {
    cx.unsupported(format!("the entry of subprogram {subprog}"))
}
