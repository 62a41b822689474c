//! Everything but following paths: what is checked when a program is loaded, in the kernel's order, and what must be
//! in R0 at the end.

use crate::Verdict;
use crate::cx::{Check, Cx};
use crate::program::Program;
use crate::state::State;

/// Verifies a program (`bpf_prog_load`, `bpf_check`).
pub(crate) fn verify(_program: &Program<'_>) -> Verdict {
    Verdict::Unsupported("everything".to_owned())
}

/// What R0 must be at the end of the main program or of a callback (`check_return_code`).
pub(crate) fn check_return(cx: &mut Cx<'_>, _state: &mut State) -> Check {
    cx.unsupported("return codes")
}

/// What a register must be that becomes the result of the program, as R0 at its end or R1 of `bpf_throw`
/// (`check_return_code`).
pub(crate) fn check_return_in(cx: &mut Cx<'_>, _state: &mut State, reg: isa::Reg) -> Check {
    cx.unsupported(format!("return codes in {reg:?}"))
}
