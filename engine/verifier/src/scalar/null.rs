//! Pointers that may be NULL, once it is known whether they are.

use kernel_model::TypeFlags;

use crate::cx::Cx;
use crate::memory::FieldKind;
use crate::program::MapId;
use crate::state::{Detail, RefKind, Reg, RegKind, RegType, State};

/// The pointers with the identity of this one are, or are not, NULL on this path (`mark_ptr_or_null_regs`).
pub(super) fn mark_all(cx: &Cx<'_>, state: &mut State, pointer: &Reg, is_null: bool) {
    if is_null && pointer.ref_obj_id != 0 && pointer.ref_obj_id == pointer.id {
        crate::calls::refs::forget(state, RefKind::Ptr, pointer.id);
    }
    state.each_reg(|reg| mark(cx, reg, pointer.id, is_null));
}

/// `mark_ptr_or_null_reg`
fn mark(cx: &Cx<'_>, reg: &mut Reg, id: u32, is_null: bool) {
    let rcu = reg.ty.has(TypeFlags::MEM_RCU);
    if !reg.ty.may_be_null() || reg.id != id || id == 0 && !rcu {
        return;
    }
    // No arithmetic is allowed on pointers that may be NULL, but some begin with an offset.
    let allocated = is_allocated(reg) || reg.ty.has(TypeFlags::NON_OWN_REF);
    if reg.num.as_constant() != Some(0) || reg.off != 0 && !allocated {
        return;
    }
    if is_null {
        reg.ty = RegType::of(RegKind::Scalar);
        reg.id = 0;
        reg.ref_obj_id = 0;
        return;
    }
    mark_not_null(cx, reg);
    if !may_hold_lock(cx, reg) {
        reg.id = 0;
    }
}

/// An object of the program (`type_is_ptr_alloc_obj`).
fn is_allocated(reg: &Reg) -> bool {
    reg.kind() == RegKind::BtfId && reg.ty.has(TypeFlags::MEM_ALLOC)
}

/// The pointer is not NULL, and may so be something else (`mark_ptr_not_null_reg`).
pub(crate) fn mark_not_null(cx: &Cx<'_>, reg: &mut Reg) {
    let (RegKind::MapValue, Detail::Map { map, uid }) = (reg.kind(), reg.detail) else {
        reg.ty = reg.ty.without(TypeFlags::PTR_MAYBE_NULL);
        return;
    };
    let holds_maps =
        !map.inner && cx.program.map(map).is_some_and(|facts| facts.map.inner.is_some());
    let kind = if holds_maps {
        let map = MapId { inner: true, ..map };
        let timed = cx.program.record(map).is_some_and(|record| {
            record.fields.iter().any(|field| {
                matches!(field.kind, FieldKind::Timer | FieldKind::Workqueue | FieldKind::TaskWork)
            })
        });
        reg.detail = Detail::Map { map, uid: if timed { reg.id } else { uid } };
        RegKind::ConstMapPtr
    } else if super::is_map_of(cx, map, "xskmap") {
        RegKind::XdpSock
    } else if super::is_map_of(cx, map, "sockmap") || super::is_map_of(cx, map, "sockhash") {
        RegKind::Socket
    } else {
        RegKind::MapValue
    };
    reg.ty = RegType::of(kind);
}

/// What the pointer points to has a spin lock (`reg_may_point_to_spin_lock`).
pub(crate) fn may_hold_lock(cx: &Cx<'_>, reg: &Reg) -> bool {
    let is_lockable = reg.ty == RegType::of(RegKind::MapValue) || is_allocated(reg);
    let record = if is_lockable { crate::memory::record_of(cx.program, reg) } else { None };
    record.is_some_and(|record| {
        record
            .fields
            .iter()
            .any(|field| matches!(field.kind, FieldKind::SpinLock | FieldKind::ResSpinLock))
    })
}

/// The pointer cannot be NULL (`reg_not_null`).
pub(crate) fn is_not_null(reg: &Reg) -> bool {
    if reg.ty.may_be_null() {
        return false;
    }
    match reg.kind() {
        RegKind::Socket
        | RegKind::TcpSock
        | RegKind::MapValue
        | RegKind::MapKey
        | RegKind::SockCommon
        | RegKind::ConstMapPtr => true,
        RegKind::BtfId => is_trusted(reg),
        RegKind::Mem => !reg.ty.has(TypeFlags::PTR_UNTRUSTED),
        _ => false,
    }
}

/// The pointer is known to be valid (`is_trusted_reg`).
pub(crate) fn is_trusted(reg: &Reg) -> bool {
    if reg.ref_obj_id != 0 {
        return true;
    }
    let trusting = TypeFlags::MEM_ALLOC.union(TypeFlags::PTR_TRUSTED).union(TypeFlags::NON_OWN_REF);
    if reg.ty.flags.0 & !trusting.0 != 0 {
        return false;
    }
    let known_kind = matches!(
        reg.kind(),
        RegKind::Socket | RegKind::SockCommon | RegKind::TcpSock | RegKind::ConstMapPtr
    );
    known_kind || reg.ty.flags.0 & trusting.0 != 0
}
