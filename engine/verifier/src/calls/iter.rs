//! Iterators on the stack.

use isa::Reg;

use crate::cx::{Check, Cx};
use crate::state::State;

/// The slot `slot` of the frame is part of an iterator or of a saved interrupt state that a store must not destroy
/// (part of `check_stack_write_*`).
pub(crate) fn is_protected(_state: &State, _frame: u32, _slot: usize) -> bool {
    false
}

/// The register of the iterator that the call at this instruction steps: its frame and slot
/// (`get_iter_from_state`).
pub(crate) fn of_next_call(_state: &State, _reg: Reg) -> Option<(u32, usize)> {
    None
}

/// A call of `bpf_iter_*_next`: paths part into one with an element and one without (`process_iter_next_call`).
pub(crate) fn next_call(cx: &mut Cx<'_>, _state: &mut State, reg: Reg) -> Check {
    cx.unsupported(format!("the iterator in {reg:?}"))
}
