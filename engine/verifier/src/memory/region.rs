//! Accesses to memory of a known size, with known and unknown offsets.

use isa::Reg as Name;

use super::Request;
use crate::cx::{Check, Cx, reject};
use crate::state::{Reg, RegKind};

/// Unknown offsets from here on count as unbounded (`BPF_MAX_VAR_OFF`).
pub(super) const MAX_VARIABLE_OFFSET: i64 = 1 << 29;

/// What an access may touch, and in what words it is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The offset from the beginning of the memory, without the unknown part.
    pub offset: i32,
    /// In bytes.
    pub size: i32,
    /// The size of the memory.
    pub limit: u32,
    /// No bytes at all are fine.
    pub zero_allowed: bool,
}

impl Span {
    fn fits(&self, offset: i32) -> bool {
        let size_ok = self.size > 0 || self.size == 0 && self.zero_allowed;
        offset >= 0 && size_ok && i64::from(offset) + i64::from(self.size) <= i64::from(self.limit)
    }

    /// Why the access at `offset` is refused (`__check_mem_access`).
    fn refusal(&self, reg: Name, pointer: &Reg, offset: i32) -> String {
        let (size, limit, number) = (self.size, self.limit, reg.number());
        let plain = pointer.ty.flags.0 == 0;
        match pointer.kind() {
            RegKind::MapKey if plain => {
                format!("invalid access to map key, key_size={limit} off={offset} size={size}")
            }
            RegKind::MapValue if plain => {
                format!("invalid access to map value, value_size={limit} off={offset} size={size}")
            }
            RegKind::Packet | RegKind::PacketMeta | RegKind::PacketEnd if plain => format!(
                "invalid access to packet, off={offset} size={size}, R{number}(id={},off={offset},r={})",
                pointer.id,
                limit.cast_signed(),
            ),
            _ => format!("invalid access to memory, mem_size={limit} off={offset} size={size}"),
        }
    }

    /// The access is inside without regard to the unknown offset (`__check_mem_access`); if not, why.
    pub(super) fn check_fixed(&self, reg: Name, pointer: &Reg) -> Result<(), String> {
        if self.fits(self.offset) {
            return Ok(());
        }
        Err(self.refusal(reg, pointer, self.offset))
    }
}

/// The access is inside with every unknown offset (`check_mem_region_access`).
#[expect(clippy::cast_possible_truncation, reason = "the kernel cuts offsets to 32 bits here")]
pub(super) fn check(reg: Name, pointer: &Reg, span: Span) -> Check {
    let number = reg.number();
    let num = &pointer.num;
    let offset = i64::from(span.offset);
    let lowest = num.smin.wrapping_add(offset);
    if num.smin < 0 && (num.smin == i64::MIN || lowest != i64::from(lowest as i32) || lowest < 0) {
        reject!(
            EACCES,
            "R{number} min value is negative, either use unsigned index or do a if (index >=0) check."
        );
    }
    if !span.fits(lowest as i32) {
        let why = span.refusal(reg, pointer, lowest as i32);
        reject!(EACCES, "{why}\nR{number} min value is outside of the allowed memory range");
    }
    if num.umax >= MAX_VARIABLE_OFFSET.cast_unsigned() {
        reject!(
            EACCES,
            "R{number} unbounded memory access, make sure to bounds check any such access"
        );
    }
    let highest = num.umax.wrapping_add(offset.cast_unsigned()) as i32;
    if !span.fits(highest) {
        let why = span.refusal(reg, pointer, highest);
        reject!(EACCES, "{why}\nR{number} max value is outside of the allowed memory range");
    }
    Ok(())
}

/// The pointer is as it was given (`__check_ptr_off_reg`).
pub(super) fn check_unmodified(reg: Name, pointer: &Reg, fixed_ok: bool) -> Check {
    let number = reg.number();
    if pointer.off < 0 {
        reject!(
            EACCES,
            "negative offset {} ptr R{number} off={} disallowed",
            pointer.ty,
            pointer.off
        );
    }
    if !fixed_ok && pointer.off != 0 {
        reject!(
            EACCES,
            "dereference of modified {} ptr R{number} off={} disallowed",
            pointer.ty,
            pointer.off
        );
    }
    if pointer.num.bits.as_constant() != Some(0) {
        reject!(EACCES, "variable {} access var_off={} disallowed", pointer.ty, bits(pointer));
    }
    Ok(())
}

/// A buffer whose size is found out later may be accessed here (`__check_buffer_access`).
pub(super) fn check_buffer(what: &str, reg: Name, pointer: &Reg, offset: i32, size: i32) -> Check {
    let number = reg.number();
    if offset < 0 {
        reject!(EACCES, "R{number} invalid {what} buffer access: off={offset}, size={size}");
    }
    if pointer.num.bits.as_constant() != Some(0) {
        reject!(
            EACCES,
            "R{number} invalid variable buffer offset: off={offset}, var_off={}",
            bits(pointer)
        );
    }
    Ok(())
}

/// The unknown offset of a pointer as the kernel prints it (`tnum_strn` of kernel/bpf/log.c).
pub(super) fn bits(pointer: &Reg) -> String {
    let (value, mask) = (pointer.num.bits.value(), pointer.num.bits.mask());
    match mask {
        0 if value <= u64::from(u16::MAX) => value.to_string(),
        0 => format!("{value:#x}"),
        _ => format!("({value:#x}; {mask:#x})"),
    }
}

/// The access is aligned, if that matters (`check_ptr_alignment`). `offset` is without that of the pointer.
pub(super) fn check_alignment(request: &Request, offset: i32, strict: bool) -> Check {
    let Request { pointer, size, .. } = request;
    let plain = pointer.ty.flags.0 == 0;
    let strict = strict || plain && pointer.kind() == RegKind::Stack;
    if !strict || *size == 1 || plain && pointer.kind() == RegKind::Arena {
        return Ok(());
    }
    let packet = plain && matches!(pointer.kind(), RegKind::Packet | RegKind::PacketMeta);
    // As if packets began two bytes behind a boundary (`NET_IP_ALIGN`).
    let shift = if packet { 2 } else { 0 };
    let fixed = i64::from(pointer.off.wrapping_add(offset).wrapping_add(shift)).cast_unsigned();
    let sum = pointer.num.bits + domains::Tnum::constant(fixed);
    if (sum.value() | sum.mask()) & u64::from(size - 1) == 0 {
        return Ok(());
    }
    let (var, off) = (bits(pointer), pointer.off);
    if packet {
        reject!(EACCES, "misaligned packet access off {shift}+{var}+{off}+{offset} size {size}");
    }
    let what = if plain { description(pointer.kind()) } else { "" };
    reject!(EACCES, "misaligned {what}access off {var}+{off}+{offset} size {size}")
}

fn description(kind: RegKind) -> &'static str {
    match kind {
        RegKind::FlowKeys => "flow keys ",
        RegKind::MapKey => "key ",
        RegKind::MapValue => "value ",
        RegKind::Ctx => "context ",
        RegKind::Stack => "stack ",
        RegKind::Socket => "sock ",
        RegKind::SockCommon => "sock_common ",
        RegKind::TcpSock => "tcp_sock ",
        RegKind::XdpSock => "xdp_sock ",
        _ => "",
    }
}

/// A register without privileges is not stored where others can read it.
pub(super) fn check_leak(cx: &Cx<'_>, request: &Request, value: Option<&Reg>, into: &str) -> Check {
    if let (super::Access::Write, Some(name), Some(value)) = (request.access, request.value, value)
        && cx.leaks(value)
    {
        reject!(EACCES, "R{} leaks addr into {into}", name.number());
    }
    Ok(())
}
