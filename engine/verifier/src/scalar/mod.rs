//! Numbers and arithmetic: ranges and bits, what an operator does to them, what a comparison tells.

mod bounds;

pub use bounds::Bounds;

use isa::{Insn, Jump, Pc};

use crate::cx::{Check, Cx, Next};
use crate::state::State;

/// Arithmetic, moves, negations, byte swaps and address space casts (`check_alu_op`).
pub(crate) fn alu(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc, insn: &Insn) -> Check {
    cx.unsupported(format!("{insn:?}"))
}

/// A conditional jump (`check_cond_jmp_op`): the other way is left for later.
pub(crate) fn jump(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc, jump: &Jump) -> Check<Next> {
    cx.unsupported(format!("{jump:?}"))
}

/// The pointer with identity `id` is, or is not, NULL on this path (`mark_ptr_or_null_regs`).
pub(crate) fn mark_ptr_or_null(_cx: &mut Cx<'_>, _state: &mut State, _id: u32, _is_null: bool) {}

/// The pointer, if it is not NULL (`mark_ptr_not_null_reg`).
pub(crate) fn not_null(_cx: &Cx<'_>, reg: crate::state::Reg) -> crate::state::Reg {
    reg
}
