//! References: what was acquired and must be given back.

use isa::Pc;

use crate::cx::Cx;
use crate::state::{LockOwner, RefKind, Reference, State};

/// Something is acquired at `pc`; its identity is returned (`acquire_reference`).
pub(crate) fn acquire(cx: &mut Cx<'_>, state: &mut State, kind: RefKind, pc: Pc) -> u32 {
    let id = cx.new_id();
    state.refs.push(Reference { kind, id, pc, owner: LockOwner::None });
    id
}

/// The reference is given back, without regard to registers that hold it; whether it was held
/// (`release_reference_nomark`).
pub(crate) fn forget(state: &mut State, kind: RefKind, id: u32) -> bool {
    let held = state.refs.iter().position(|held| held.kind == kind && held.id == id);
    // What was acquired later moves up: saved interrupt states are given back in reverse order.
    held.map(|index| state.refs.remove(index)).is_some()
}

/// The object is given back, and registers that hold it are invalid; whether it was held (`release_reference`).
pub(crate) fn release(cx: &Cx<'_>, state: &mut State, id: u32) -> bool {
    if !forget(state, RefKind::Ptr, id) {
        return false;
    }
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        if reg.ref_obj_id == id {
            *reg = invalid;
        }
    });
    true
}
