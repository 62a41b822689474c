//! Calls: of helpers, of kfuncs, of the program's own functions and by the kernel back into the program.

pub(crate) mod callback;
pub(crate) mod dynptr;
pub(crate) mod fixup;
pub(crate) mod graph;
pub(crate) mod helper;
pub(crate) mod iter;
pub(crate) mod kfunc;
pub(crate) mod lock;
pub(crate) mod prototype;
pub(crate) mod refs;
pub(crate) mod subprog;
#[cfg(test)]
mod tests;

use isa::{Callee, Pc};

use crate::cx::{Check, Cx, Next};
use crate::state::{Reg, State};

pub(crate) use refs::check_leaks;
pub(crate) use subprog::exit_frame;

/// What calls leave at their instruction for later visits.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallNote {
    /// Of `bpf_loop`: always inlined so far, and with which callback.
    pub inline_loop: Option<(bool, u32)>,
}

/// An argument of a global function (`struct bpf_subprog_arg_info`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SubprogArg {
    /// What it is.
    pub ty: crate::state::RegType,
    /// Of memory: its size in bytes.
    pub mem_size: u32,
    /// Of BTF pointers: the type in the kernel's BTF.
    pub btf: Option<btf::TypeId>,
}

/// A call.
pub(crate) fn call(cx: &mut Cx<'_>, state: &mut State, pc: Pc, callee: Callee) -> Check<Next> {
    lock::check_call(cx, state, callee)?;
    let next = match callee {
        Callee::Helper(id) => helper::call(cx, state, pc, id),
        Callee::Subprogram(offset) => match offset.target(pc) {
            Some(target) => subprog::call(cx, state, pc, target),
            None => cx.unsupported("a call in front of the program"),
        },
        Callee::Kfunc { id, module } => kfunc::call(cx, state, pc, id, module),
    }?;
    cx.log.touched_regs |= 1 << isa::Reg::R0.number();
    Ok(next)
}

/// The registers that a call does not keep are gone: R0 to R5 (`clear_caller_saved_regs`).
pub(crate) fn clobber(state: &mut State) {
    for reg in &mut state.frame_mut().regs[..6] {
        *reg = Reg::NOT_INIT;
    }
}
