//! Why bytes are not a program.

use crate::{Pc, RawInsn};

/// A slot that is no valid instruction. What is checked, and in which order within an instruction, is what
/// Linux 6.18 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instruction {pc}: {kind}")]
pub struct DecodeError {
    /// The slot, the first one of a load of a 64-bit immediate.
    pub pc: Pc,
    /// Its fields.
    pub raw: RawInsn,
    /// What is wrong.
    pub kind: DecodeErrorKind,
}

/// A field of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `code`
    Opcode,
    /// `dst_reg`
    Dst,
    /// `src_reg`
    Src,
    /// `off`
    Off,
    /// `imm`
    Imm,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Opcode => "opcode",
            Self::Dst => "dst",
            Self::Src => "src",
            Self::Off => "off",
            Self::Imm => "imm",
        })
    }
}

/// The groups of instructions whose reserved fields the kernel checks together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Arithmetic on two operands.
    Alu,
    /// Negation.
    Neg,
    /// Byte swaps.
    End,
    /// Moves.
    Mov,
    /// Loads.
    Ldx,
    /// Stores of a constant.
    St,
    /// Stores of a register.
    Stx,
    /// Loads from the packet.
    LdAbsInd,
    /// Loads of 64-bit immediates.
    LdImm64,
    /// Conditional jumps.
    Jmp,
    /// Unconditional jumps.
    Ja,
    /// Calls.
    Call,
    /// Returns.
    Exit,
}

impl Family {
    /// The name in the kernel's message.
    fn kernel_name(self) -> &'static str {
        match self {
            Self::Alu => "BPF_ALU",
            Self::Neg => "BPF_NEG",
            Self::End => "BPF_END",
            Self::Mov => "BPF_MOV",
            Self::Ldx => "BPF_LDX",
            Self::St => "BPF_ST",
            Self::Stx => "BPF_STX",
            Self::LdAbsInd => "BPF_LD_[ABS|IND]",
            Self::LdImm64 => "BPF_LD_IMM64",
            Self::Jmp => "BPF_JMP/JMP32",
            Self::Ja => "BPF_JA",
            Self::Call => "BPF_CALL",
            Self::Exit => "BPF_EXIT",
        }
    }
}

/// What is wrong with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecodeErrorKind {
    /// The opcode is not in the kernel's table (`bpf_opcode_in_insntable`).
    #[error("opcode: {0:#04x} is not an instruction")]
    UnknownOpcode(u8),
    /// A field has a value that means nothing in this instruction.
    #[error("{field}: {value} is not allowed in {}", .family.kernel_name())]
    Reserved {
        /// The kind of instruction.
        family: Family,
        /// The field.
        field: Field,
        /// Its value.
        value: i32,
    },
    /// A register from 11 to 15.
    #[error("{field}: there is no register {number}")]
    Register {
        /// `Dst` or `Src`.
        field: Field,
        /// The number.
        number: u8,
    },
    /// `imm` of an atomic instruction is no operation.
    #[error("imm: {0:#x} is not an atomic operation")]
    AtomicOp(i32),
    /// An atomic read-modify-write of 1 or 2 bytes.
    #[error("opcode: there are no atomic operations of {0} bytes but load and store")]
    AtomicSize(u32),
    /// The first half of a load of a 64-bit immediate ends the program.
    #[error("the second slot is missing")]
    MissingSecondSlot,
    /// The second half of a load of a 64-bit immediate has a field beside `imm`.
    #[error("{0} of the second slot is not zero")]
    SecondSlot(Field),
    /// `src` of a load of a 64-bit immediate is no source.
    #[error("src: {0} is not a source of a 64-bit immediate")]
    PseudoSource(u8),
    /// The second half of the load of a map has an offset.
    #[error("imm of the second slot: {0} is not allowed for a map")]
    MapOffset(i32),
    /// `imm` of an address space cast is neither of the two casts.
    #[error("imm: {0:#x} is not a cast between the address spaces 0 and 1")]
    AddrSpaces(i32),
    /// A field of `may_goto` is not zero.
    #[error("{field}: {value} is not allowed in may_goto")]
    MayGoto {
        /// `Dst`, `Src` or `Imm`.
        field: Field,
        /// Its value.
        value: i32,
    },
}

/// When the kernel finds an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before verification, in any slot: `resolve_pseudo_ldimm64`.
    Load,
    /// When verification gets to the instruction: `do_check`. Code that is never reached is not looked at.
    Step,
}

impl DecodeError {
    /// When the kernel finds the error.
    pub fn stage(&self) -> Stage {
        match self.kind {
            DecodeErrorKind::UnknownOpcode(_)
            | DecodeErrorKind::Reserved { family: Family::Ldx, .. }
            | DecodeErrorKind::MissingSecondSlot
            | DecodeErrorKind::SecondSlot(_)
            | DecodeErrorKind::PseudoSource(_)
            | DecodeErrorKind::MapOffset(_) => Stage::Load,
            DecodeErrorKind::Reserved { .. }
            | DecodeErrorKind::Register { .. }
            | DecodeErrorKind::AtomicOp(_)
            | DecodeErrorKind::AtomicSize(_)
            | DecodeErrorKind::AddrSpaces(_)
            | DecodeErrorKind::MayGoto { .. } => Stage::Step,
        }
    }

    /// The line in the log of Linux 6.18. Each of these ends with `EINVAL`.
    pub fn kernel_message(&self) -> String {
        match self.kind {
            DecodeErrorKind::UnknownOpcode(opcode) => format!("unknown opcode {opcode:02x}"),
            DecodeErrorKind::Reserved { family, .. } => {
                format!("{} uses reserved fields", family.kernel_name())
            }
            DecodeErrorKind::Register { number, .. } => format!("R{number} is invalid"),
            DecodeErrorKind::AtomicOp(imm) => {
                format!("BPF_ATOMIC uses invalid atomic opcode {imm:02x}")
            }
            DecodeErrorKind::AtomicSize(_) => "invalid atomic operand size".to_owned(),
            DecodeErrorKind::MissingSecondSlot | DecodeErrorKind::SecondSlot(_) => {
                "invalid bpf_ld_imm64 insn".to_owned()
            }
            DecodeErrorKind::PseudoSource(_) | DecodeErrorKind::MapOffset(_) => {
                "unrecognized bpf_ld_imm64 insn".to_owned()
            }
            DecodeErrorKind::AddrSpaces(_) => {
                "addr_space_cast insn can only convert between address space 1 and 0".to_owned()
            }
            DecodeErrorKind::MayGoto { .. } => format!("invalid may_goto imm {}", self.raw.imm),
        }
    }
}

/// Why bytes could not be read as a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are no whole number of slots.
    #[error("{0} bytes are not a multiple of 8")]
    Length(usize),
    /// A slot is no valid instruction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}
