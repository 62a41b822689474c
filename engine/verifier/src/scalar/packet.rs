//! Comparisons of packet pointers (`try_match_pkt_pointers`, `is_pkt_ptr_branch_taken`).

use isa::{Cond, Jump, Reg as RegName, Width};

use super::compare::flipped;
use super::operand::register;
use crate::state::{AT_END, BEYOND_END, Detail, Reg, RegKind, RegType, State};

/// The greatest offset into a packet (`MAX_PACKET_OFF`).
const MAX_PACKET_OFFSET: u64 = 0xffff;

/// A pointer into a packet, into its metadata or at its end (`reg_is_pkt_pointer_any`).
pub(super) fn is_any(reg: &Reg) -> bool {
    reg.ty.flags == kernel_model::TypeFlags::NONE
        && matches!(reg.kind(), RegKind::Packet | RegKind::PacketMeta | RegKind::PacketEnd)
}

/// Whether the condition holds, because the pointer was compared with the end before.
pub(super) fn outcome(lhs: &Reg, rhs: &Reg, cond: Cond) -> Option<bool> {
    let (pointer, cond) = if rhs.kind() == RegKind::PacketEnd {
        (lhs, cond)
    } else if lhs.kind() == RegKind::PacketEnd {
        (rhs, flipped(cond))
    } else {
        return None;
    };
    match (cond, pointer.range()) {
        (Cond::Le | Cond::Gt, BEYOND_END) => Some(cond == Cond::Gt),
        (Cond::Lt | Cond::Ge, BEYOND_END | AT_END) => Some(cond == Cond::Ge),
        _ => None,
    }
}

/// If the jump compares a packet pointer with the end, or metadata with the packet, tells both ways how far they may
/// go; whether it does.
pub(super) fn learn(state: &mut State, other: &mut State, jump: &Jump) -> bool {
    let Some(rhs) = register(jump.rhs) else { return false };
    if jump.width == Width::Bits32 {
        return false;
    }
    let (a, b) = (*state.reg(jump.lhs), *state.reg(rhs));
    let (pointer, name, cond) = if is_bounded_by(&a, &b) {
        (a, jump.lhs, jump.cond)
    } else if is_bounded_by(&b, &a) {
        (b, rhs, flipped(jump.cond))
    } else {
        return false;
    };
    // Where the pointer is not behind the end, so many bytes are there; where it is, it is known to be.
    let (inside, outside, open) = match cond {
        Cond::Gt => (state, other, false),
        Cond::Ge => (state, other, true),
        Cond::Lt => (other, state, true),
        Cond::Le => (other, state, false),
        _ => return false,
    };
    extend(inside, &pointer, open);
    mark_end(outside, name, !open);
    true
}

/// `end` is where the part of the packet that `pointer` points to ends.
fn is_bounded_by(pointer: &Reg, end: &Reg) -> bool {
    let is = |reg: &Reg, kind| reg.ty == RegType::of(kind);
    let is_start = || {
        is(end, RegKind::Packet) && end.id == 0 && end.off == 0 && end.num.as_constant() == Some(0)
    };
    is(pointer, RegKind::Packet) && is(end, RegKind::PacketEnd)
        || is(pointer, RegKind::PacketMeta) && is_start()
}

/// The bytes up to the pointer are in the packet, and the one it points to if the comparison leaves out equality
/// (`find_good_pkt_pointers`).
fn extend(state: &mut State, pointer: &Reg, open: bool) {
    if pointer.off < 0 || pointer.off == 0 && open {
        return;
    }
    let offset = u64::from(pointer.off.unsigned_abs());
    if pointer.num.umax > MAX_PACKET_OFFSET || pointer.num.umax + offset > MAX_PACKET_OFFSET {
        // Beyond that, the sum could wrap around.
        return;
    }
    let range = pointer.off + i32::from(open);
    state.each_reg(|reg| {
        if reg.ty == pointer.ty && reg.id == pointer.id {
            reg.detail = Detail::Range(reg.range().max(range));
        }
    });
}

/// The pointer is at the end of the packet, or behind it (`mark_pkt_end`). Metadata is not followed that far.
fn mark_end(state: &mut State, name: RegName, beyond: bool) {
    let reg = state.reg_mut(name);
    if reg.ty == RegType::of(RegKind::Packet) {
        reg.detail = Detail::Range(if beyond { BEYOND_END } else { AT_END });
    }
}
