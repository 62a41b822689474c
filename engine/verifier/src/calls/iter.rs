//! Iterators on the stack.

use isa::Reg;

use crate::cx::{Check, Cx};
use crate::state::State;

/// The slot `slot` of the frame is part of an iterator or of a saved interrupt state that a store must not destroy
/// (part of `check_stack_write_*`).
pub(crate) fn is_protected(state: &State, frame: u32, slot: usize) -> bool {
    use crate::state::SlotKind::{IrqFlag, Iter};
    let slot = state.frames.get(frame as usize).and_then(|frame| frame.stack.get(slot));
    slot.is_some_and(|slot| matches!(slot.kind(), Iter | IrqFlag))
}

/// The register of the iterator that the call at this instruction steps: its frame and slot
/// (`get_iter_from_state`).
pub(crate) fn of_next_call(state: &State, reg: Reg) -> Option<(u32, usize)> {
    let reg = state.reg(reg);
    let offset = i64::from(reg.off) + reg.num.bits.as_constant()?.cast_signed();
    let slot = usize::try_from((-1 - offset) / 8).ok()?;
    (offset < 0).then_some((reg.frame, slot))
}

/// A call of `bpf_iter_*_next`: paths part into one with an element and one without (`process_iter_next_call`).
pub(crate) fn next_call(cx: &mut Cx<'_>, _state: &mut State, reg: Reg) -> Check {
    cx.unsupported(format!("the iterator in {reg:?}"))
}
