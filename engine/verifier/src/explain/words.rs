//! What is in registers, and what is called, in words for people.

use isa::{Callee, Insn, Pc};
use kernel_model::TypeFlags;

use crate::program::Program;
use crate::state::{Detail, Reg, RegKind};

/// The greatest number of 32 bits.
const ANY_WORD: i64 = 0xffff_ffff;
/// An upper bound beyond this one says nothing to people.
const NEARLY_ANY: i64 = 1 << 62;

/// What a register holds.
pub(super) fn value(program: &Program<'_>, reg: &Reg) -> String {
    let what = match reg.kind() {
        RegKind::NotInit => return "nothing".to_owned(),
        RegKind::Scalar => return number(reg),
        RegKind::Ctx => "the context".to_owned(),
        RegKind::ConstMapPtr => format!("the map{}", map_name(program, reg)),
        RegKind::MapValue => format!("a value of the map{}", map_name(program, reg)),
        RegKind::MapKey => format!("a key of the map{}", map_name(program, reg)),
        RegKind::Stack => "a pointer to the stack".to_owned(),
        RegKind::PacketMeta => "a pointer to the packet's metadata".to_owned(),
        RegKind::Packet => "a packet pointer".to_owned(),
        RegKind::PacketEnd => "the end of the packet".to_owned(),
        RegKind::FlowKeys => "a pointer to flow keys".to_owned(),
        RegKind::Socket | RegKind::SockCommon | RegKind::TcpSock | RegKind::XdpSock => {
            "a socket".to_owned()
        }
        RegKind::TpBuffer => "the buffer of the tracepoint".to_owned(),
        RegKind::BtfId => pointee(program, reg),
        RegKind::Mem => match reg.detail {
            Detail::Mem { size, .. } => format!("a pointer to {size} bytes"),
            _ => "a pointer to memory".to_owned(),
        },
        RegKind::Arena => "an arena pointer".to_owned(),
        RegKind::Buf => "a pointer to a buffer".to_owned(),
        RegKind::Func => "a function".to_owned(),
        RegKind::Dynptr => "a dynptr".to_owned(),
    };
    if reg.ty.may_be_null() { format!("{what}, or NULL") } else { what }
}

fn map_name(program: &Program<'_>, reg: &Reg) -> String {
    let facts = reg.map().and_then(|id| program.map(id));
    facts.map_or_else(String::new, |facts| format!(" `{}`", facts.map.name))
}

fn pointee(program: &Program<'_>, reg: &Reg) -> String {
    let Detail::Btf { id, own } = reg.detail else { return "a pointer".to_owned() };
    let ty = if own { program.btf.and_then(|btf| btf.get(id)) } else { program.kernel.get(id) };
    match ty.map(|ty| ty.name()) {
        Some(name) if !name.is_empty() => format!("a pointer to `struct {name}`"),
        _ => "a pointer".to_owned(),
    }
}

/// Memory that something is loaded from.
pub(super) fn memory(program: &Program<'_>, base: &Reg) -> String {
    match base.kind() {
        RegKind::Stack => "the stack".to_owned(),
        RegKind::Packet => "the packet".to_owned(),
        _ => value(program, &Reg { ty: base.ty.without(TypeFlags::PTR_MAYBE_NULL), ..*base }),
    }
}

/// So many bytes.
pub(super) fn bytes(count: impl Into<i64>) -> String {
    match count.into() {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}

/// A number, by what is known of it.
pub(super) fn number(reg: &Reg) -> String {
    let num = &reg.num;
    if let Some(value) = reg.as_constant() {
        return format!("{}", value.cast_signed());
    }
    match (num.smin, num.smax) {
        (i64::MIN, i64::MAX) if num.umax == u64::MAX => "any number".to_owned(),
        (0, ANY_WORD) => "any number of 32 bits".to_owned(),
        // What is left of any number that was shifted.
        (i64::MIN, max) if max > NEARLY_ANY => "any number".to_owned(),
        (i64::MIN, i64::MAX) => format!("a number up to {}", num.umax),
        (i64::MIN, max) => format!("a number up to {max}, which may be negative"),
        (min, i64::MAX) => format!("a number from {min} on"),
        (min, max) => format!("a number from {min} to {max}"),
    }
}

/// The name of what a call calls.
pub(super) fn callee(program: &Program<'_>, pc: Pc) -> Option<String> {
    match *program.insn(pc)? {
        Insn::Call(Callee::Helper(id)) => {
            let function = kernel_model::helper(u32::try_from(id.0).ok()?)?;
            Some(function.name.to_owned())
        }
        Insn::Call(Callee::Kfunc { id, .. }) => {
            let function = program.kernel.get(btf::TypeId(u32::try_from(id.0).ok()?))?;
            Some(function.name().to_owned())
        }
        Insn::Call(Callee::Subprogram(offset)) => {
            let target = offset.target(pc)?;
            let info = program.functions.iter().find(|info| info.insn == target.0)?;
            Some(program.btf?.get(info.ty)?.name().to_owned())
        }
        _ => None,
    }
}
