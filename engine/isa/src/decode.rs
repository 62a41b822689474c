//! From slots to instructions.
//!
//! Within an instruction the checks come in the order of Linux 6.18 (`resolve_pseudo_ldimm64`, then
//! `do_check` and what it calls), so that the first error here is the kernel's.

use crate::opcode::{LD_IMM64, X, alu, atomic, class, jmp, mode, pseudo, size};
use crate::{
    AddrSpaceCast, Alu, AluOp, Atomic, AtomicOp, BtfId, ByteSwap, Callee, CastInsn, Cond,
    DecodeErrorKind, Family, Fd, FdIndex, Field, HelperId, Imm, Imm64, Insn, Jump, JumpOffset,
    KfuncModule, Load, LoadImm, LoadPacket, LoadSx, LongOffset, Mov, MovSx, NarrowSize, Neg,
    Offset, RawInsn, Reg, SignExtension, Size, Source, Store, StoreRelease, SwapBits, SwapKind,
    Width,
};

type Result<T> = std::result::Result<T, DecodeErrorKind>;

/// Decodes the instruction at the beginning of `slots`, which is not empty; it occupies
/// [`Insn::slots`] of them.
///
/// Two fields are neither checked nor kept, because the kernel ignores them: `off` of an exit, and `imm`
/// of the second slot of the address of a function.
pub(crate) fn decode(slot: RawInsn, next: Option<RawInsn>) -> Result<Insn> {
    if !in_table(slot.opcode) {
        // The modes of loads are the only thing that is looked at before the table.
        let mode = slot.opcode & mode::MASK;
        let is_load = slot.opcode & class::MASK == class::LDX;
        if is_load && mode != mode::MEM && mode != mode::MEMSX {
            return Err(reserved(Family::Ldx, Field::Opcode, slot.opcode.into()));
        }
        if is_load && slot.imm != 0 {
            return Err(reserved(Family::Ldx, Field::Imm, slot.imm));
        }
        return Err(DecodeErrorKind::UnknownOpcode(slot.opcode));
    }
    match slot.opcode & class::MASK {
        class::LD if slot.opcode == LD_IMM64 => load_imm(slot, next),
        class::LD => load_packet(slot),
        class::LDX => load(slot),
        class::ST => store_imm(slot),
        class::STX if slot.opcode & mode::MASK == mode::ATOMIC => atomic(slot),
        class::STX => store_reg(slot),
        class::ALU => arithmetic(slot, Width::Bits32),
        class::ALU64 => arithmetic(slot, Width::Bits64),
        class::JMP => jump(slot, Width::Bits64),
        // The last one of eight classes.
        _ => jump(slot, Width::Bits32),
    }
}

/// The opcode is one of Linux 6.18, `bpf_opcode_in_insntable`.
fn in_table(opcode: u8) -> bool {
    let operation = opcode & 0xf0;
    let size = opcode & size::MASK;
    match opcode & class::MASK {
        class::LD => match opcode & mode::MASK {
            mode::IMM => size == size::DW,
            mode::ABS | mode::IND => size != size::DW,
            _ => false,
        },
        class::LDX => match opcode & mode::MASK {
            mode::MEM => true,
            mode::MEMSX => size != size::DW,
            _ => false,
        },
        class::ST => opcode & mode::MASK == mode::MEM,
        class::STX => matches!(opcode & mode::MASK, mode::MEM | mode::ATOMIC),
        class::ALU => match operation {
            alu::NEG => opcode & X == 0,
            _ => operation <= alu::END,
        },
        class::ALU64 => match operation {
            alu::NEG | alu::END => opcode & X == 0,
            _ => operation <= alu::END,
        },
        class::JMP => match operation {
            jmp::JA | jmp::CALL | jmp::EXIT | jmp::JCOND => opcode & X == 0,
            _ => operation <= jmp::JSLE,
        },
        _ => match operation {
            jmp::JA => opcode & X == 0,
            jmp::CALL | jmp::EXIT => false,
            _ => operation <= jmp::JSLE,
        },
    }
}

fn reserved(family: Family, field: Field, value: i32) -> DecodeErrorKind {
    DecodeErrorKind::Reserved { family, field, value }
}

fn zero(family: Family, field: Field, value: impl Into<i32>) -> Result<()> {
    match value.into() {
        0 => Ok(()),
        value => Err(reserved(family, field, value)),
    }
}

fn dst(slot: RawInsn) -> Result<Reg> {
    let number = slot.dst;
    Reg::from_number(number).ok_or(DecodeErrorKind::Register { field: Field::Dst, number })
}

fn src(slot: RawInsn) -> Result<Reg> {
    let number = slot.src;
    Reg::from_number(number).ok_or(DecodeErrorKind::Register { field: Field::Src, number })
}

/// `check_alu_op`
fn arithmetic(slot: RawInsn, width: Width) -> Result<Insn> {
    match slot.opcode & 0xf0 {
        alu::NEG => {
            zero(Family::Neg, Field::Src, slot.src)?;
            zero(Family::Neg, Field::Off, slot.off)?;
            zero(Family::Neg, Field::Imm, slot.imm)?;
            Ok(Insn::Neg(Neg { width, dst: dst(slot)? }))
        }
        alu::END => byte_swap(slot, width),
        alu::MOV => mov(slot, width),
        operation => {
            let op = alu_op(operation, slot.off)
                .ok_or_else(|| reserved(Family::Alu, Field::Off, slot.off.into()))?;
            let src = source(slot, Family::Alu)?;
            Ok(Insn::Alu(Alu { width, op, dst: dst(slot)?, src }))
        }
    }
}

fn byte_swap(slot: RawInsn, width: Width) -> Result<Insn> {
    zero(Family::End, Field::Src, slot.src)?;
    zero(Family::End, Field::Off, slot.off)?;
    let bits = match slot.imm {
        16 => SwapBits::Bits16,
        32 => SwapBits::Bits32,
        64 => SwapBits::Bits64,
        imm => return Err(reserved(Family::End, Field::Imm, imm)),
    };
    let kind = match width {
        Width::Bits64 => SwapKind::Always,
        Width::Bits32 if slot.opcode & X == 0 => SwapKind::ToLe,
        Width::Bits32 => SwapKind::ToBe,
    };
    Ok(Insn::ByteSwap(ByteSwap { kind, bits, dst: dst(slot)? }))
}

fn mov(slot: RawInsn, width: Width) -> Result<Insn> {
    if slot.opcode & X == 0 {
        zero(Family::Mov, Field::Src, slot.src)?;
        zero(Family::Mov, Field::Off, slot.off)?;
        return Ok(Insn::Mov(Mov { width, dst: dst(slot)?, src: Source::Imm(Imm(slot.imm)) }));
    }
    if width == Width::Bits64 && slot.off == alu::ADDR_SPACE_CAST {
        let cast = match slot.imm {
            alu::CAST_TO_KERNEL => AddrSpaceCast::ArenaToKernel,
            alu::CAST_TO_ARENA => AddrSpaceCast::KernelToArena,
            imm => return Err(DecodeErrorKind::AddrSpaces(imm)),
        };
        let src = src(slot)?;
        return Ok(Insn::AddrSpaceCast(CastInsn { cast, dst: dst(slot)?, src }));
    }
    let extension = match (width, slot.off) {
        (_, 0) => None,
        (Width::Bits32, 8) => Some(SignExtension::S8To32),
        (Width::Bits32, 16) => Some(SignExtension::S16To32),
        (Width::Bits64, 8) => Some(SignExtension::S8To64),
        (Width::Bits64, 16) => Some(SignExtension::S16To64),
        (Width::Bits64, 32) => Some(SignExtension::S32To64),
        (_, off) => return Err(reserved(Family::Mov, Field::Off, off.into())),
    };
    zero(Family::Mov, Field::Imm, slot.imm)?;
    let src = src(slot)?;
    let dst = dst(slot)?;
    Ok(match extension {
        Some(extension) => Insn::MovSx(MovSx { extension, dst, src }),
        None => Insn::Mov(Mov { width, dst, src: Source::Reg(src) }),
    })
}

/// The second operand; the field of the other kind of operand is zero.
fn source(slot: RawInsn, family: Family) -> Result<Source> {
    if slot.opcode & X == 0 {
        zero(family, Field::Src, slot.src)?;
        Ok(Source::Imm(Imm(slot.imm)))
    } else {
        zero(family, Field::Imm, slot.imm)?;
        src(slot).map(Source::Reg)
    }
}

fn alu_op(operation: u8, off: i16) -> Option<AluOp> {
    Some(match (operation, off) {
        (alu::ADD, 0) => AluOp::Add,
        (alu::SUB, 0) => AluOp::Sub,
        (alu::MUL, 0) => AluOp::Mul,
        (alu::DIV, 0) => AluOp::Div,
        (alu::DIV, alu::SIGNED) => AluOp::SignedDiv,
        (alu::OR, 0) => AluOp::Or,
        (alu::AND, 0) => AluOp::And,
        (alu::LSH, 0) => AluOp::Lsh,
        (alu::RSH, 0) => AluOp::Rsh,
        (alu::MOD, 0) => AluOp::Mod,
        (alu::MOD, alu::SIGNED) => AluOp::SignedMod,
        (alu::XOR, 0) => AluOp::Xor,
        (alu::ARSH, 0) => AluOp::Arsh,
        _ => return None,
    })
}

fn access_size(opcode: u8) -> Size {
    match opcode & size::MASK {
        size::B => Size::B,
        size::H => Size::H,
        size::W => Size::W,
        // The last one of four.
        _ => Size::DW,
    }
}

/// The size of an access that the table does not list with 8 bytes.
fn narrow_size(opcode: u8) -> Result<NarrowSize> {
    match opcode & size::MASK {
        size::B => Ok(NarrowSize::B),
        size::H => Ok(NarrowSize::H),
        size::W => Ok(NarrowSize::W),
        _ => Err(DecodeErrorKind::UnknownOpcode(opcode)),
    }
}

/// `resolve_pseudo_ldimm64`, then `check_load_mem`
fn load(slot: RawInsn) -> Result<Insn> {
    zero(Family::Ldx, Field::Imm, slot.imm)?;
    let base = src(slot)?;
    let dst = dst(slot)?;
    let offset = Offset(slot.off);
    Ok(if slot.opcode & mode::MASK == mode::MEMSX {
        Insn::LoadSx(LoadSx { size: narrow_size(slot.opcode)?, dst, base, offset })
    } else {
        Insn::Load(Load { size: access_size(slot.opcode), dst, base, offset })
    })
}

fn store_imm(slot: RawInsn) -> Result<Insn> {
    zero(Family::St, Field::Src, slot.src)?;
    let size = access_size(slot.opcode);
    let (base, offset, src) = (dst(slot)?, Offset(slot.off), Source::Imm(Imm(slot.imm)));
    Ok(Insn::Store(Store { size, base, offset, src }))
}

fn store_reg(slot: RawInsn) -> Result<Insn> {
    zero(Family::Stx, Field::Imm, slot.imm)?;
    let size = access_size(slot.opcode);
    let src = Source::Reg(src(slot)?);
    Ok(Insn::Store(Store { size, base: dst(slot)?, offset: Offset(slot.off), src }))
}

/// `check_atomic`
fn atomic(slot: RawInsn) -> Result<Insn> {
    let size = access_size(slot.opcode);
    let offset = Offset(slot.off);
    match slot.imm {
        atomic::LOAD_ACQ => {
            let base = src(slot)?;
            return Ok(Insn::LoadAcquire(Load { size, dst: dst(slot)?, base, offset }));
        }
        atomic::STORE_REL => {
            let src = src(slot)?;
            return Ok(Insn::StoreRelease(StoreRelease { size, base: dst(slot)?, offset, src }));
        }
        _ => {}
    }
    let op = atomic_op(slot.imm).ok_or(DecodeErrorKind::AtomicOp(slot.imm))?;
    let width = match size {
        Size::W => Width::Bits32,
        Size::DW => Width::Bits64,
        Size::B | Size::H => return Err(DecodeErrorKind::AtomicSize(size.bytes())),
    };
    let src = src(slot)?;
    Ok(Insn::Atomic(Atomic { op, width, base: dst(slot)?, offset, src }))
}

fn atomic_op(imm: i32) -> Option<AtomicOp> {
    match imm {
        atomic::XCHG => return Some(AtomicOp::Xchg),
        atomic::CMPXCHG => return Some(AtomicOp::CmpXchg),
        _ => {}
    }
    let fetch = imm & atomic::FETCH != 0;
    match u8::try_from(imm & !atomic::FETCH).ok()? {
        alu::ADD => Some(AtomicOp::Add { fetch }),
        alu::OR => Some(AtomicOp::Or { fetch }),
        alu::AND => Some(AtomicOp::And { fetch }),
        alu::XOR => Some(AtomicOp::Xor { fetch }),
        _ => None,
    }
}

/// `resolve_pseudo_ldimm64`, then `check_ld_imm`
fn load_imm(slot: RawInsn, next: Option<RawInsn>) -> Result<Insn> {
    let next = next.ok_or(DecodeErrorKind::MissingSecondSlot)?;
    let second = [
        (Field::Opcode, next.opcode != 0),
        (Field::Dst, next.dst != 0),
        (Field::Src, next.src != 0),
        (Field::Off, next.off != 0),
    ];
    if let Some((field, _)) = second.into_iter().find(|(_, used)| *used) {
        return Err(DecodeErrorKind::SecondSlot(field));
    }
    let (low, high) = (slot.imm, next.imm);
    let no_offset = |value: Imm64| match high {
        0 => Ok(value),
        _ => Err(DecodeErrorKind::MapOffset(high)),
    };
    let offset = high.cast_unsigned();
    let value = match slot.src {
        0 => Imm64::Value(u64::from(offset) << 32 | u64::from(low.cast_unsigned())),
        pseudo::MAP_FD => no_offset(Imm64::MapFd(Fd(low)))?,
        pseudo::MAP_VALUE => Imm64::MapValue { map: Fd(low), offset },
        pseudo::BTF_ID => Imm64::BtfId { id: BtfId(low), module: Fd(high) },
        pseudo::FUNC => Imm64::Func(LongOffset(low)),
        pseudo::MAP_IDX => no_offset(Imm64::MapIdx(FdIndex(low)))?,
        pseudo::MAP_IDX_VALUE => Imm64::MapIdxValue { map: FdIndex(low), offset },
        src => return Err(DecodeErrorKind::PseudoSource(src)),
    };
    zero(Family::LdImm64, Field::Off, slot.off)?;
    Ok(Insn::LoadImm(LoadImm { dst: dst(slot)?, value }))
}

/// `check_ld_abs`
fn load_packet(slot: RawInsn) -> Result<Insn> {
    zero(Family::LdAbsInd, Field::Dst, slot.dst)?;
    zero(Family::LdAbsInd, Field::Off, slot.off)?;
    let index = if slot.opcode & mode::MASK == mode::IND {
        Some(src(slot)?)
    } else {
        zero(Family::LdAbsInd, Field::Src, slot.src)?;
        None
    };
    let size = narrow_size(slot.opcode)?;
    Ok(Insn::LoadPacket(LoadPacket { size, index, offset: Imm(slot.imm) }))
}

/// `do_check` for jumps, calls and exits
fn jump(slot: RawInsn, width: Width) -> Result<Insn> {
    match (slot.opcode & 0xf0, width) {
        (jmp::JA, _) => {
            zero(Family::Ja, Field::Src, slot.src)?;
            zero(Family::Ja, Field::Dst, slot.dst)?;
            match width {
                Width::Bits64 => {
                    zero(Family::Ja, Field::Imm, slot.imm)?;
                    Ok(Insn::Goto(JumpOffset(slot.off)))
                }
                Width::Bits32 => {
                    zero(Family::Ja, Field::Off, slot.off)?;
                    Ok(Insn::GotoLong(LongOffset(slot.imm)))
                }
            }
        }
        (jmp::CALL, Width::Bits64) => call(slot),
        (jmp::EXIT, Width::Bits64) => {
            zero(Family::Exit, Field::Imm, slot.imm)?;
            zero(Family::Exit, Field::Src, slot.src)?;
            zero(Family::Exit, Field::Dst, slot.dst)?;
            Ok(Insn::Exit)
        }
        (jmp::JCOND, Width::Bits64) => may_goto(slot),
        (operation, _) => {
            let cond = condition(operation).ok_or(DecodeErrorKind::UnknownOpcode(slot.opcode))?;
            let lhs = dst(slot)?;
            let rhs = source(slot, Family::Jmp)?;
            Ok(Insn::Jump(Jump { width, cond, lhs, rhs, offset: JumpOffset(slot.off) }))
        }
    }
}

fn call(slot: RawInsn) -> Result<Insn> {
    let off = || zero(Family::Call, Field::Off, slot.off);
    let callee = match slot.src {
        0 => {
            off()?;
            Callee::Helper(HelperId(slot.imm))
        }
        pseudo::CALL => {
            off()?;
            Callee::Subprogram(LongOffset(slot.imm))
        }
        pseudo::KFUNC_CALL => Callee::Kfunc { id: BtfId(slot.imm), module: KfuncModule(slot.off) },
        src => return Err(reserved(Family::Call, Field::Src, src.into())),
    };
    zero(Family::Call, Field::Dst, slot.dst)?;
    Ok(Insn::Call(callee))
}

/// `check_cond_jmp_op`
fn may_goto(slot: RawInsn) -> Result<Insn> {
    let fields = [
        (Field::Src, i32::from(slot.src ^ jmp::MAY_GOTO)),
        (Field::Dst, i32::from(slot.dst)),
        (Field::Imm, slot.imm),
    ];
    match fields.into_iter().find(|(_, value)| *value != 0) {
        Some((field, value)) => Err(DecodeErrorKind::MayGoto { field, value }),
        None => Ok(Insn::MayGoto(JumpOffset(slot.off))),
    }
}

fn condition(operation: u8) -> Option<Cond> {
    Some(match operation {
        jmp::JEQ => Cond::Eq,
        jmp::JNE => Cond::Ne,
        jmp::JSET => Cond::Set,
        jmp::JGT => Cond::Gt,
        jmp::JGE => Cond::Ge,
        jmp::JLT => Cond::Lt,
        jmp::JLE => Cond::Le,
        jmp::JSGT => Cond::SignedGt,
        jmp::JSGE => Cond::SignedGe,
        jmp::JSLT => Cond::SignedLt,
        jmp::JSLE => Cond::SignedLe,
        _ => return None,
    })
}
