//! Which exact values matter: walking a path backwards (`mark_chain_precision`).

use isa::Reg;

use crate::cx::{Check, Cx};
use crate::state::State;

/// The exact value of a register of the innermost frame matters from here on (`mark_chain_precision`).
pub(crate) fn mark_precise(cx: &mut Cx<'_>, _state: &State, _reg: Reg) -> Check {
    cx.unsupported("precision")
}

/// The exact value of a number spilled into a slot matters from here on (`bt_set_frame_slot` with
/// `mark_chain_precision_batch`).
pub(crate) fn mark_precise_slot(
    cx: &mut Cx<'_>,
    _state: &State,
    _frame: u32,
    _slot: usize,
) -> Check {
    cx.unsupported("precision")
}
