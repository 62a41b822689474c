//! Pointer plus or minus number (`adjust_ptr_min_max_vals`).

use isa::{Alu, AluOp, Width};
use kernel_model::TypeFlags;

use super::alu::operator;
use super::sanitize::{self, Operation};
use crate::cx::{Check, Cx, reject};
use crate::state::{Detail, Reg, RegKind, RegType, State};

/// The greatest offset of a pointer (`BPF_MAX_VAR_OFF`), exclusive.
const MAX_OFFSET: i64 = 1 << 29;
/// The size of a frame (`MAX_BPF_STACK`).
const MAX_STACK: i64 = 512;

/// `dst op= …`, of which one operand is the pointer `ptr` and the other the number `off`.
pub(super) fn adjust(
    cx: &mut Cx<'_>,
    state: &mut State,
    insn: &Alu,
    ptr: &Reg,
    off: &Reg,
) -> Check {
    let number = insn.dst.number();
    let num = &off.num;
    let known = num.as_constant().is_some();
    if known && (num.smin != num.smax || num.umin != num.umax)
        || num.smin > num.smax
        || num.umin > num.umax
    {
        // On a path that cannot be.
        *state.reg_mut(insn.dst) = cx.unknown();
        return Ok(());
    }
    if insn.width == Width::Bits32 {
        if insn.op == AluOp::Sub && cx.program.allows_ptr_leaks() {
            *state.reg_mut(insn.dst) = cx.unknown();
            return Ok(());
        }
        reject!(EACCES, "R{number} 32-bit pointer arithmetic prohibited");
    }
    if ptr.ty.may_be_null() {
        let ty = ptr.ty;
        reject!(EACCES, "R{number} pointer arithmetic on {ty} prohibited, null-check it first");
    }
    if ptr.kind() == RegKind::Mem && ptr.ty.has(TypeFlags::PTR_UNTRUSTED) {
        // Accesses are probed, so offsets are of no interest.
        return Ok(());
    }
    if !is_movable(insn, ptr, off) {
        reject!(EACCES, "R{number} pointer arithmetic on {} prohibited", ptr.ty);
    }
    let mut dst = *state.reg(insn.dst);
    let number_is_dst = dst.is_scalar();
    dst.ty = ptr.ty;
    dst.id = ptr.id;
    dst.origin = ptr.origin;
    check_offset(off, ptr.ty)?;
    check_offset(ptr, ptr.ty)?;
    dst.num.forget_32();
    let operation = Operation { insn, ptr, off, number_is_dst };
    let begun = match sanitize::is_needed(cx, insn) {
        true => Some(sanitize::begin(cx, state, &operation, &dst)?),
        false => None,
    };
    match insn.op {
        AluOp::Add => add(cx, &mut dst, ptr, off),
        AluOp::Sub if number_is_dst => {
            reject!(EACCES, "R{number} tried to subtract pointer from scalar");
        }
        AluOp::Sub if ptr.ty == RegType::of(RegKind::Stack) => {
            reject!(EACCES, "R{number} subtraction from stack pointer prohibited");
        }
        AluOp::Sub => subtract(cx, &mut dst, ptr, off),
        AluOp::And | AluOp::Or | AluOp::Xor => {
            let operator = operator(insn.op);
            reject!(EACCES, "R{number} bitwise operator {operator} on pointer prohibited");
        }
        _ => {
            let operator = operator(insn.op);
            reject!(EACCES, "R{number} pointer arithmetic with {operator} operator prohibited");
        }
    }
    check_offset(&dst, ptr.ty)?;
    dst.num.sync();
    check_reach(cx, &dst, insn.dst)?;
    if let Some(begun) = begun {
        sanitize::finish(cx, state, &operation, begun, &dst)?;
    }
    *state.reg_mut(insn.dst) = dst;
    Ok(())
}

/// Pointers of this type may be moved by this.
fn is_movable(insn: &Alu, ptr: &Reg, off: &Reg) -> bool {
    let adds_zero = insn.op == AluOp::Add && off.num.as_constant() == Some(0);
    match ptr.kind() {
        RegKind::Ctx
        | RegKind::MapValue
        | RegKind::MapKey
        | RegKind::Stack
        | RegKind::PacketMeta
        | RegKind::Packet
        | RegKind::TpBuffer
        | RegKind::BtfId
        | RegKind::Mem
        | RegKind::Buf
        | RegKind::Func
        | RegKind::Dynptr => true,
        RegKind::FlowKeys => off.num.as_constant().is_some(),
        RegKind::ConstMapPtr => adds_zero,
        RegKind::NotInit
        | RegKind::Scalar
        | RegKind::PacketEnd
        | RegKind::Socket
        | RegKind::SockCommon
        | RegKind::TcpSock
        | RegKind::XdpSock
        | RegKind::Arena => false,
    }
}

/// The offset, or what is added to it, is within what pointers may have (`check_reg_sane_offset`).
fn check_offset(reg: &Reg, ty: RegType) -> Check {
    let limits = -MAX_OFFSET + 1..MAX_OFFSET;
    if let Some(value) = reg.num.as_constant().map(u64::cast_signed)
        && !limits.contains(&value)
    {
        reject!(EINVAL, "math between {ty} pointer and {value} is not allowed");
    }
    if !limits.contains(&reg.off.into()) {
        reject!(EINVAL, "{ty} pointer offset {} is not allowed", reg.off);
    }
    if reg.num.smin == i64::MIN {
        reject!(
            EINVAL,
            "math between {ty} pointer and register with unbounded min value is not allowed"
        );
    }
    if !limits.contains(&reg.num.smin) {
        reject!(EINVAL, "value {} makes {ty} pointer be out of bounds", reg.num.smin);
    }
    Ok(())
}

fn is_packet(reg: &Reg) -> bool {
    matches!(reg.kind(), RegKind::Packet | RegKind::PacketMeta)
}

/// The pointer with another known part of the offset.
fn shifted(dst: &mut Reg, ptr: &Reg, off: i32) {
    dst.num.smin = ptr.num.smin;
    dst.num.smax = ptr.num.smax;
    dst.num.umin = ptr.num.umin;
    dst.num.umax = ptr.num.umax;
    dst.num.bits = ptr.num.bits;
    dst.off = off;
    dst.detail = ptr.detail;
}

fn add(cx: &mut Cx<'_>, dst: &mut Reg, ptr: &Reg, off: &Reg) {
    let (p, n) = (&ptr.num, &off.num);
    let known = n.as_constant().map(|_| n.smin.wrapping_add(ptr.off.into()));
    if let Some(sum) = known.and_then(|sum| i32::try_from(sum).ok()) {
        shifted(dst, ptr, sum);
        return;
    }
    let signed = p.smin.checked_add(n.smin).zip(p.smax.checked_add(n.smax));
    (dst.num.smin, dst.num.smax) = signed.unwrap_or((i64::MIN, i64::MAX));
    let unsigned = p.umin.checked_add(n.umin).zip(p.umax.checked_add(n.umax));
    (dst.num.umin, dst.num.umax) = unsigned.unwrap_or((0, u64::MAX));
    dst.num.bits = p.bits + n.bits;
    dst.off = ptr.off;
    dst.detail = ptr.detail;
    if is_packet(ptr) {
        dst.id = cx.new_id();
        dst.detail = Detail::Range(0);
    }
}

fn subtract(cx: &mut Cx<'_>, dst: &mut Reg, ptr: &Reg, off: &Reg) {
    let (p, n) = (&ptr.num, &off.num);
    let known = n.as_constant().map(|_| i64::from(ptr.off).wrapping_sub(n.smin));
    if let Some(difference) = known.and_then(|difference| i32::try_from(difference).ok()) {
        shifted(dst, ptr, difference);
        return;
    }
    let signed = p.smin.checked_sub(n.smax).zip(p.smax.checked_sub(n.smin));
    (dst.num.smin, dst.num.smax) = signed.unwrap_or((i64::MIN, i64::MAX));
    (dst.num.umin, dst.num.umax) = match p.umin.checked_sub(n.umax) {
        None => (0, u64::MAX),
        Some(min) => (min, p.umax.wrapping_sub(n.umin)),
    };
    dst.num.bits = p.bits - n.bits;
    dst.off = ptr.off;
    dst.detail = ptr.detail;
    if is_packet(ptr) {
        dst.id = cx.new_id();
        if n.smin < 0 {
            dst.detail = Detail::Range(0);
        }
    }
}

/// Without privileges, a pointer must not leave what it points to (`sanitize_check_bounds`).
fn check_reach(cx: &Cx<'_>, dst: &Reg, reg: isa::Reg) -> Check {
    let number = reg.number();
    if cx.program.bypasses_spec_v1() {
        return Ok(());
    }
    match (dst.kind(), dst.num.as_constant()) {
        (RegKind::Stack, None) => {
            let (value, mask) = (dst.num.bits.value(), dst.num.bits.mask());
            reject!(
                EACCES,
                "R{number} variable stack access prohibited for !root, var_off=({value:#x}; {mask:#x}) off={}",
                i64::from(dst.off).wrapping_add(value.cast_signed())
            );
        }
        (RegKind::Stack, Some(value)) => {
            let off = i64::from(dst.off).wrapping_add(value.cast_signed());
            if !(-MAX_STACK..0).contains(&off) {
                reject!(
                    EACCES,
                    "R{number} stack pointer arithmetic goes out of range, prohibited for !root; off={off}"
                );
            }
            Ok(())
        }
        (RegKind::MapValue, _) if dst.ty.flags.0 == 0 => {
            crate::memory::check_map_pointer(cx, reg, dst).map_err(|stop| {
                stop.and_says(&format!(
                "R{number} pointer arithmetic of map value goes out of range, prohibited for !root"
            ))
            })
        }
        _ => Ok(()),
    }
}
