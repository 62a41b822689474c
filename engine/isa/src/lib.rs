//! BPF instructions: one typed enum, decoding, encoding, assembly and disassembly.
//!
//! [`Program::decode`] turns slots of 8 bytes into [`Insn`]s, once; everything behind it matches on the enum
//! without a catch-all arm. An encoding that Linux 6.18 does not accept is a [`DecodeError`] that names the
//! field and knows the kernel's words for it.

mod asm;
mod decode;
mod disasm;
mod encode;
mod error;
mod fuzz;
mod insn;
mod opcode;
mod operand;
mod program;
mod raw;

pub use asm::{AsmError, AsmErrorKind, assemble, assemble_with};
pub use disasm::{Disassembly, Names, NoNames};
pub use error::{DecodeError, DecodeErrorKind, Family, Field, ReadError, Stage};
pub use fuzz::fuzz_decode;
pub use insn::{
    Alu, Atomic, ByteSwap, Callee, CastInsn, Imm64, Insn, Jump, Load, LoadImm, LoadPacket, LoadSx,
    Mov, MovSx, Neg, Store, StoreRelease,
};
pub use operand::{
    AddrSpaceCast, AluOp, AtomicOp, BtfId, Cond, Fd, FdIndex, HelperId, Imm, JumpOffset,
    KfuncModule, LongOffset, NarrowSize, Offset, Pc, Reg, SignExtension, Size, Source, SwapBits,
    SwapKind, Width,
};
pub use program::{Program, read};
pub use raw::{Endian, RawInsn};
