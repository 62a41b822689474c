//! Instructions with the names of what they call.

use std::borrow::Cow;
use std::fmt::Write as _;

use btf::TypeId;
use isa::{
    BtfId, DecodeErrorKind, Field, HelperId, Imm64, Insn, KfuncModule, Names, NoNames, Pc, RawInsn,
};

use crate::program::Program;

/// What stands for an address of the kernel.
const ADDRESS: &str = "0xKERNEL";
/// How long an address is, as text.
const ADDRESS_LEN: usize = 18;
/// What stands for the address of a map that the loader must not see.
const HIDDEN: &str = "0x0";

/// An instruction as the kernel prints it, without the end of the line (`verbose_insn`). Returns by how much the
/// kernel's line is longer, because it has an address.
pub(crate) fn write_insn(out: &mut String, program: &Program<'_>, pc: Pc) -> usize {
    let names = KernelNames { program };
    let Some(insn) = program.insn(pc) else {
        write_odd(out, program, pc);
        return 0;
    };
    // Writing to a string does not fail.
    let _ = write!(out, "{}", insn.display(&names));
    match insn {
        Insn::LoadImm(load) if shown_address(program, &load.value) == Some(ADDRESS) => {
            ADDRESS_LEN - ADDRESS.len()
        }
        _ => 0,
    }
}

/// Instructions that are none, but that the kernel prints all the same from their fields.
fn odd_text(raw: RawInsn) -> Option<String> {
    let RawInsn { opcode, dst, src, off, imm } = raw;
    let letter = if opcode & CLASS == ALU32 { 'w' } else { 'r' };
    Some(match opcode {
        // Changes of byte order, by any number of bits.
        0xd4 => format!("(d4) r{dst} = le{imm} r{dst}"),
        0xdc => format!("(dc) r{dst} = be{imm} r{dst}"),
        0xd7 => format!("(d7) r{dst} = bswap{imm} r{dst}"),
        0xbf if off == 1 => {
            let (to, from) = (imm.cast_unsigned() >> 16, imm.cast_unsigned() & 0xffff);
            format!("(bf) r{dst} = addr_space_cast(r{src}, {to}, {from})")
        }
        0xbf | 0xbc => {
            let cast = match off {
                8 => "(s8)",
                16 => "(s16)",
                32 => "(s32)",
                _ => "",
            };
            format!("({opcode:02x}) {letter}{dst} = {cast}{letter}{src}")
        }
        0xb7 | 0xb4 => format!("({opcode:02x}) {letter}{dst} = {imm}"),
        _ => return None,
    })
}

/// The class of an instruction, and that of arithmetic with 32 bits.
const CLASS: u8 = 0x07;
const ALU32: u8 = 0x04;

/// Atomic operations of 4, 2 and 1 bytes.
const ATOMIC: [(u8, &str); 3] = [(0xc3, "u32"), (0xcb, "u16"), (0xd3, "u8")];

/// An atomic operation of 1 or 2 bytes, which there are none of: like one of 4 bytes.
fn narrow_atomic(raw: RawInsn) -> Option<String> {
    let (_, ty) = ATOMIC.iter().skip(1).find(|(opcode, _)| *opcode == raw.opcode)?;
    let wide = RawInsn { opcode: ATOMIC[0].0, ..raw };
    let (decoded, _) = isa::Program::decode_partial(&[wide]);
    let text = decoded.get(Pc(0))?.display(&NoNames).to_string();
    let text = text.replacen(ATOMIC[0].1, ty, 1);
    Some(text.replacen("(c3)", &format!("({:02x})", raw.opcode), 1))
}

/// An instruction with reserved fields: as without what is in them. Of others that are none, the kernel prints the
/// operation code at most.
fn write_odd(out: &mut String, program: &Program<'_>, pc: Pc) {
    let Some(&raw) = program.raw.get(pc.index()) else { return };
    if let Some(text) = odd_text(raw).or_else(|| narrow_atomic(raw)) {
        out.push_str(&text);
        return;
    }
    let second = program.raw.get(pc.index() + 1).copied().unwrap_or_default();
    let mut slots = [raw, second];
    // Each round clears a field, of which there are four.
    for _ in 0..5 {
        let (decoded, errors) = isa::Program::decode_partial(&slots);
        if let Some(insn) = decoded.get(Pc(0)) {
            // Writing to a string does not fail, here and below.
            let _ = write!(out, "{}", insn.display(&KernelNames { program }));
            return;
        }
        match errors.first().map(|error| error.kind) {
            Some(
                DecodeErrorKind::Reserved { field, .. } | DecodeErrorKind::MayGoto { field, .. },
            ) => clear(&mut slots[0], field),
            _ => break,
        }
    }
    let _ = write!(out, "BUG_{:02x}", raw.opcode);
}

fn clear(raw: &mut RawInsn, field: Field) {
    match field {
        Field::Off => raw.off = 0,
        Field::Imm => raw.imm = 0,
        Field::Src => raw.src = 0,
        Field::Dst => raw.dst = 0,
        Field::Opcode => {}
    }
}

struct KernelNames<'a, 'p> {
    program: &'a Program<'p>,
}

impl Names for KernelNames<'_, '_> {
    fn helper(&self, id: HelperId) -> Option<Cow<'_, str>> {
        let helper = kernel_model::helper(u32::try_from(id.0).ok()?)?;
        Some(Cow::Borrowed(helper.name))
    }

    fn kfunc(&self, id: BtfId, module: KfuncModule) -> Option<Cow<'_, str>> {
        if module != KfuncModule(0) {
            return None;
        }
        let id = u32::try_from(id.0).ok()?;
        Some(Cow::Borrowed(self.program.kernel.get(TypeId(id))?.name()))
    }

    fn imm64(&self, value: &Imm64) -> Option<Cow<'_, str>> {
        shown_address(self.program, value).map(Cow::Borrowed)
    }
}

/// The kernel has put an address in its place, which is shown like this; those of maps only to loaders who may see
/// them.
fn shown_address(program: &Program<'_>, value: &Imm64) -> Option<&'static str> {
    match value {
        Imm64::MapFd(_) | Imm64::MapValue { .. } | Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => {
            Some(if program.allows_ptr_leaks() { ADDRESS } else { HIDDEN })
        }
        Imm64::BtfId { .. } => Some(ADDRESS),
        Imm64::Value(_) | Imm64::Func(_) => None,
    }
}
