//! Dynptrs on the stack, and as arguments.

use isa::{Pc, Reg};

use crate::cx::{Check, Cx};
use crate::state::{DynptrKind, State};

/// How a call takes a dynptr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DynptrArg {
    /// It makes it (`MEM_UNINIT`), of this kind.
    pub makes: Option<DynptrKind>,
    /// It does not change it (`MEM_RDONLY`).
    pub read_only: bool,
    /// The kind it must be of, if that matters.
    pub kind: Option<DynptrKind>,
    /// Of a clone: the identity of the dynptr it is cloned from, and its reference.
    pub clone_of: Option<(u32, u32)>,
}

/// Checks a dynptr argument and, if the call makes it, marks its slots (`process_dynptr_func`).
pub(crate) fn argument(
    cx: &mut Cx<'_>,
    _state: &mut State,
    reg: Reg,
    _pc: Pc,
    _arg: DynptrArg,
) -> Check {
    cx.unsupported(format!("dynptr in {reg:?}"))
}

/// The kind of the dynptr that `reg` points to, its identity and its reference
/// (`dynptr_get_type`, `dynptr_id`, `dynptr_ref_obj_id`). `None` if it points to none.
pub(crate) fn of(_state: &State, _reg: Reg) -> Option<(DynptrKind, u32, u32)> {
    None
}

/// The dynptr that `reg` points to is given back: its slots, its clones and its slices are gone
/// (`unmark_stack_slots_dynptr`).
pub(crate) fn release(cx: &mut Cx<'_>, _state: &mut State, reg: Reg) -> Check {
    cx.unsupported(format!("release of the dynptr in {reg:?}"))
}

/// A store to the slots of dynptrs destroys them, if that is allowed (`destroy_if_dynptr_stack_slot`): the dynptr in
/// slot `slot` of frame `frame`.
pub(crate) fn destroy_by_store(
    cx: &mut Cx<'_>,
    _state: &mut State,
    _frame: u32,
    slot: usize,
) -> Check {
    cx.unsupported(format!("a store over the dynptr in slot {slot}"))
}

/// Everything derived from packets is gone: packet pointers and slices of packet dynptrs (`clear_all_pkt_pointers`).
pub(crate) fn clear_packet_pointers(_state: &mut State) {}
