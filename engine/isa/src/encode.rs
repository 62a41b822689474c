//! From instructions to slots; it cannot fail.

use crate::opcode::{LD_IMM64, X, alu, atomic, class, jmp, mode, pseudo, size};
use crate::{
    AddrSpaceCast, AluOp, AtomicOp, Callee, Cond, Imm64, Insn, NarrowSize, RawInsn, Reg,
    SignExtension, Size, Source, SwapKind, Width,
};

impl Insn {
    /// The slots of the instruction, the second one for [`Insn::LoadImm`] only.
    pub fn encode(&self) -> (RawInsn, Option<RawInsn>) {
        match self {
            Self::LoadImm(insn) => {
                let (src, low, high) = imm64(insn.value);
                let first = raw(LD_IMM64, insn.dst, src, 0, low);
                (first, Some(RawInsn { imm: high, ..RawInsn::default() }))
            }
            insn => (single(insn), None),
        }
    }

    /// The opcode, the first byte of the encoding.
    pub fn opcode(&self) -> u8 {
        self.encode().0.opcode
    }
}

#[allow(clippy::too_many_lines, reason = "one arm for each instruction")]
fn single(insn: &Insn) -> RawInsn {
    match *insn {
        Insn::LoadImm(_) => insn.encode().0,
        Insn::Alu(insn) => {
            let (operation, off) = alu_op(insn.op);
            let raw = with_source(alu_class(insn.width) | operation, insn.dst, insn.src);
            RawInsn { off, ..raw }
        }
        Insn::Mov(insn) => with_source(alu_class(insn.width) | alu::MOV, insn.dst, insn.src),
        Insn::MovSx(insn) => {
            let opcode = alu_class(insn.extension.width()) | alu::MOV | X;
            let off = match insn.extension {
                SignExtension::S8To32 | SignExtension::S8To64 => 8,
                SignExtension::S16To32 | SignExtension::S16To64 => 16,
                SignExtension::S32To64 => 32,
            };
            raw(opcode, insn.dst, insn.src.number(), off, 0)
        }
        Insn::Neg(insn) => raw(alu_class(insn.width) | alu::NEG, insn.dst, 0, 0, 0),
        Insn::ByteSwap(insn) => {
            let opcode = match insn.kind {
                SwapKind::ToLe => class::ALU | alu::END,
                SwapKind::ToBe => class::ALU | alu::END | X,
                SwapKind::Always => class::ALU64 | alu::END,
            };
            raw(opcode, insn.dst, 0, 0, insn.bits.bits().cast_signed())
        }
        Insn::AddrSpaceCast(insn) => {
            let imm = match insn.cast {
                AddrSpaceCast::ArenaToKernel => alu::CAST_TO_KERNEL,
                AddrSpaceCast::KernelToArena => alu::CAST_TO_ARENA,
            };
            let opcode = class::ALU64 | alu::MOV | X;
            raw(opcode, insn.dst, insn.src.number(), alu::ADDR_SPACE_CAST, imm)
        }
        Insn::Load(insn) => {
            let opcode = class::LDX | mode::MEM | size_bits(insn.size);
            raw(opcode, insn.dst, insn.base.number(), insn.offset.0, 0)
        }
        Insn::LoadSx(insn) => {
            let opcode = class::LDX | mode::MEMSX | narrow_bits(insn.size);
            raw(opcode, insn.dst, insn.base.number(), insn.offset.0, 0)
        }
        Insn::LoadPacket(insn) => {
            let (mode, src) = match insn.index {
                Some(index) => (mode::IND, index.number()),
                None => (mode::ABS, 0),
            };
            raw(class::LD | mode | narrow_bits(insn.size), Reg::R0, src, 0, insn.offset.0)
        }
        Insn::Store(insn) => {
            let opcode = mode::MEM | size_bits(insn.size);
            let off = insn.offset.0;
            match insn.src {
                Source::Reg(src) => raw(class::STX | opcode, insn.base, src.number(), off, 0),
                Source::Imm(imm) => raw(class::ST | opcode, insn.base, 0, off, imm.0),
            }
        }
        Insn::Atomic(insn) => {
            let opcode = class::STX | mode::ATOMIC | size_bits(insn.width.size());
            raw(opcode, insn.base, insn.src.number(), insn.offset.0, atomic_imm(insn.op))
        }
        Insn::LoadAcquire(insn) => {
            let opcode = class::STX | mode::ATOMIC | size_bits(insn.size);
            raw(opcode, insn.dst, insn.base.number(), insn.offset.0, atomic::LOAD_ACQ)
        }
        Insn::StoreRelease(insn) => {
            let opcode = class::STX | mode::ATOMIC | size_bits(insn.size);
            raw(opcode, insn.base, insn.src.number(), insn.offset.0, atomic::STORE_REL)
        }
        Insn::Jump(insn) => {
            let opcode = jmp_class(insn.width) | condition(insn.cond);
            RawInsn { off: insn.offset.0, ..with_source(opcode, insn.lhs, insn.rhs) }
        }
        Insn::Goto(offset) => raw(class::JMP | jmp::JA, Reg::R0, 0, offset.0, 0),
        Insn::GotoLong(offset) => raw(class::JMP32 | jmp::JA, Reg::R0, 0, 0, offset.0),
        Insn::MayGoto(offset) => raw(class::JMP | jmp::JCOND, Reg::R0, jmp::MAY_GOTO, offset.0, 0),
        Insn::Call(callee) => {
            let (src, off, imm) = match callee {
                Callee::Helper(id) => (0, 0, id.0),
                Callee::Subprogram(offset) => (pseudo::CALL, 0, offset.0),
                Callee::Kfunc { id, module } => (pseudo::KFUNC_CALL, module.0, id.0),
            };
            raw(class::JMP | jmp::CALL, Reg::R0, src, off, imm)
        }
        Insn::Exit => raw(class::JMP | jmp::EXIT, Reg::R0, 0, 0, 0),
    }
}

fn raw(opcode: u8, dst: Reg, src: u8, off: i16, imm: i32) -> RawInsn {
    RawInsn { opcode, dst: dst.number(), src, off, imm }
}

fn with_source(opcode: u8, dst: Reg, src: Source) -> RawInsn {
    match src {
        Source::Reg(src) => raw(opcode | X, dst, src.number(), 0, 0),
        Source::Imm(imm) => raw(opcode, dst, 0, 0, imm.0),
    }
}

fn alu_class(width: Width) -> u8 {
    match width {
        Width::Bits32 => class::ALU,
        Width::Bits64 => class::ALU64,
    }
}

fn jmp_class(width: Width) -> u8 {
    match width {
        Width::Bits32 => class::JMP32,
        Width::Bits64 => class::JMP,
    }
}

/// The bits of the opcode and `off`.
fn alu_op(op: AluOp) -> (u8, i16) {
    match op {
        AluOp::Add => (alu::ADD, 0),
        AluOp::Sub => (alu::SUB, 0),
        AluOp::Mul => (alu::MUL, 0),
        AluOp::Div => (alu::DIV, 0),
        AluOp::SignedDiv => (alu::DIV, alu::SIGNED),
        AluOp::Or => (alu::OR, 0),
        AluOp::And => (alu::AND, 0),
        AluOp::Lsh => (alu::LSH, 0),
        AluOp::Rsh => (alu::RSH, 0),
        AluOp::Mod => (alu::MOD, 0),
        AluOp::SignedMod => (alu::MOD, alu::SIGNED),
        AluOp::Xor => (alu::XOR, 0),
        AluOp::Arsh => (alu::ARSH, 0),
    }
}

fn size_bits(size: Size) -> u8 {
    match size {
        Size::B => size::B,
        Size::H => size::H,
        Size::W => size::W,
        Size::DW => size::DW,
    }
}

fn narrow_bits(size: NarrowSize) -> u8 {
    size_bits(size.size())
}

fn atomic_imm(op: AtomicOp) -> i32 {
    let (operation, fetch) = match op {
        AtomicOp::Add { fetch } => (alu::ADD, fetch),
        AtomicOp::Or { fetch } => (alu::OR, fetch),
        AtomicOp::And { fetch } => (alu::AND, fetch),
        AtomicOp::Xor { fetch } => (alu::XOR, fetch),
        AtomicOp::Xchg => return atomic::XCHG,
        AtomicOp::CmpXchg => return atomic::CMPXCHG,
    };
    i32::from(operation) | if fetch { atomic::FETCH } else { 0 }
}

/// `src`, and `imm` of both slots.
fn imm64(value: Imm64) -> (u8, i32, i32) {
    match value {
        Imm64::Value(value) => {
            let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_le_bytes();
            (0, i32::from_le_bytes([b0, b1, b2, b3]), i32::from_le_bytes([b4, b5, b6, b7]))
        }
        Imm64::MapFd(map) => (pseudo::MAP_FD, map.0, 0),
        Imm64::MapValue { map, offset } => (pseudo::MAP_VALUE, map.0, offset.cast_signed()),
        Imm64::BtfId { id, module } => (pseudo::BTF_ID, id.0, module.0),
        Imm64::Func(offset) => (pseudo::FUNC, offset.0, 0),
        Imm64::MapIdx(map) => (pseudo::MAP_IDX, map.0, 0),
        Imm64::MapIdxValue { map, offset } => (pseudo::MAP_IDX_VALUE, map.0, offset.cast_signed()),
    }
}

fn condition(cond: Cond) -> u8 {
    match cond {
        Cond::Eq => jmp::JEQ,
        Cond::Ne => jmp::JNE,
        Cond::Set => jmp::JSET,
        Cond::Gt => jmp::JGT,
        Cond::Ge => jmp::JGE,
        Cond::Lt => jmp::JLT,
        Cond::Le => jmp::JLE,
        Cond::SignedGt => jmp::JSGT,
        Cond::SignedGe => jmp::JSGE,
        Cond::SignedLt => jmp::JSLT,
        Cond::SignedLe => jmp::JSLE,
    }
}
