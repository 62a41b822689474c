//! The instructions: one variant each, with a small structure for its operands.
//!
//! Whatever a value of these types says can be encoded, and is an instruction Linux knows; nothing else
//! decodes to one. What the kernel checks beyond the encoding (a write to R10, a division by the constant
//! zero, a shift beyond the width, a target outside of the program) is for the verifier to say.

use crate::{
    AddrSpaceCast, AluOp, AtomicOp, BtfId, Cond, Fd, FdIndex, HelperId, Imm, JumpOffset,
    KfuncModule, LongOffset, NarrowSize, Offset, Reg, SignExtension, Size, Source, SwapBits,
    SwapKind, Width,
};

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// Arithmetic on two operands.
    Alu(Alu),
    /// A move.
    Mov(Mov),
    /// A move with sign extension.
    MovSx(MovSx),
    /// Negation.
    Neg(Neg),
    /// A change of byte order.
    ByteSwap(ByteSwap),
    /// A conversion of an arena pointer.
    AddrSpaceCast(CastInsn),
    /// A constant of 64 bits, or the address of a map, a value, a variable or a function. Two slots.
    LoadImm(LoadImm),
    /// A load.
    Load(Load),
    /// A load with sign extension.
    LoadSx(LoadSx),
    /// A load from the packet through the context in R6, `LD_ABS` and `LD_IND`.
    LoadPacket(LoadPacket),
    /// A store.
    Store(Store),
    /// A read-modify-write that no other processor can divide.
    Atomic(Atomic),
    /// A load that later accesses cannot pass.
    LoadAcquire(Load),
    /// A store that earlier accesses cannot pass.
    StoreRelease(StoreRelease),
    /// A conditional jump.
    Jump(Jump),
    /// An unconditional jump, 16 bits.
    Goto(JumpOffset),
    /// An unconditional jump, 32 bits.
    GotoLong(LongOffset),
    /// A jump that is taken at last when the program has run for too long.
    MayGoto(JumpOffset),
    /// A call.
    Call(Callee),
    /// A return from the function or the program.
    Exit,
}

impl Insn {
    /// How many slots the instruction occupies: 2 for [`Insn::LoadImm`], otherwise 1.
    pub fn slots(&self) -> usize {
        if matches!(self, Self::LoadImm(_)) { 2 } else { 1 }
    }

    /// The offset of the jump, if the instruction is one of any kind; calls are none.
    pub fn jump_offset(&self) -> Option<LongOffset> {
        match *self {
            Self::Jump(Jump { offset, .. }) | Self::Goto(offset) | Self::MayGoto(offset) => {
                Some(LongOffset(offset.0.into()))
            }
            Self::GotoLong(offset) => Some(offset),
            Self::Alu(_)
            | Self::Mov(_)
            | Self::MovSx(_)
            | Self::Neg(_)
            | Self::ByteSwap(_)
            | Self::AddrSpaceCast(_)
            | Self::LoadImm(_)
            | Self::Load(_)
            | Self::LoadSx(_)
            | Self::LoadPacket(_)
            | Self::Store(_)
            | Self::Atomic(_)
            | Self::LoadAcquire(_)
            | Self::StoreRelease(_)
            | Self::Call(_)
            | Self::Exit => None,
        }
    }

    /// Execution can go on with the next instruction.
    pub fn falls_through(&self) -> bool {
        !matches!(self, Self::Goto(_) | Self::GotoLong(_) | Self::Exit)
    }
}

/// `dst op= src`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alu {
    /// The bits worked on.
    pub width: Width,
    /// The operator.
    pub op: AluOp,
    /// The first operand and the result.
    pub dst: Reg,
    /// The second operand.
    pub src: Source,
}

/// `dst = src`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mov {
    /// The bits moved.
    pub width: Width,
    /// The register written.
    pub dst: Reg,
    /// The value.
    pub src: Source,
}

/// `dst = (s8)src`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MovSx {
    /// The bits taken and filled.
    pub extension: SignExtension,
    /// The register written.
    pub dst: Reg,
    /// The register read.
    pub src: Reg,
}

/// `dst = -dst`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Neg {
    /// The bits worked on.
    pub width: Width,
    /// Operand and result.
    pub dst: Reg,
}

/// `dst = be16 dst`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteSwap {
    /// When it swaps.
    pub kind: SwapKind,
    /// The bits that are kept.
    pub bits: SwapBits,
    /// Operand and result.
    pub dst: Reg,
}

/// `dst = addr_space_cast(src, 0, 1)`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CastInsn {
    /// The direction.
    pub cast: AddrSpaceCast,
    /// The register written.
    pub dst: Reg,
    /// The pointer.
    pub src: Reg,
}

/// `dst = value ll`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoadImm {
    /// The register written.
    pub dst: Reg,
    /// What is loaded.
    pub value: Imm64,
}

/// What a [`LoadImm`] loads; the variants but the first are the `BPF_PSEUDO_` sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// A constant.
    Value(u64),
    /// A map.
    MapFd(Fd),
    /// The address of a byte of the only value of a map.
    MapValue {
        /// The map.
        map: Fd,
        /// Bytes from the beginning of the value.
        offset: u32,
    },
    /// The address of a variable or function of the kernel.
    BtfId {
        /// The variable or function.
        id: BtfId,
        /// The module's BTF; 0 for the kernel's own.
        module: Fd,
    },
    /// The address of a subprogram, for a callback.
    Func(LongOffset),
    /// A map, by its place in the array of file descriptors.
    MapIdx(FdIndex),
    /// As `MapValue`, the map by its place in the array of file descriptors.
    MapIdxValue {
        /// The map.
        map: FdIndex,
        /// Bytes from the beginning of the value.
        offset: u32,
    },
}

/// `dst = *(u32 *)(base + offset)`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// How much is read; the rest of the register becomes zero.
    pub size: Size,
    /// The register written.
    pub dst: Reg,
    /// The pointer.
    pub base: Reg,
    /// Added to the pointer.
    pub offset: Offset,
}

/// `dst = *(s32 *)(base + offset)`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoadSx {
    /// How much is read; the rest of the register becomes copies of the sign.
    pub size: NarrowSize,
    /// The register written.
    pub dst: Reg,
    /// The pointer.
    pub base: Reg,
    /// Added to the pointer.
    pub offset: Offset,
}

/// `r0 = *(u32 *)skb[index + offset]`, in the byte order of the machine. Ends the program if the packet
/// is too short; destroys R1 to R5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoadPacket {
    /// How much is read.
    pub size: NarrowSize,
    /// A register added to the offset (`LD_IND`).
    pub index: Option<Reg>,
    /// Bytes from the beginning of the packet.
    pub offset: Imm,
}

/// `*(u32 *)(base + offset) = src`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// How much is written.
    pub size: Size,
    /// The pointer.
    pub base: Reg,
    /// Added to the pointer.
    pub offset: Offset,
    /// The value; a constant is sign-extended.
    pub src: Source,
}

/// `lock *(u64 *)(base + offset) += src`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Atomic {
    /// What is done.
    pub op: AtomicOp,
    /// How much is read and written.
    pub width: Width,
    /// The pointer.
    pub base: Reg,
    /// Added to the pointer.
    pub offset: Offset,
    /// The operand, and where the operation returns the old value, unless it is `CmpXchg`.
    pub src: Reg,
}

/// `store_release((u32 *)(base + offset), src)`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreRelease {
    /// How much is written.
    pub size: Size,
    /// The pointer.
    pub base: Reg,
    /// Added to the pointer.
    pub offset: Offset,
    /// The value.
    pub src: Reg,
}

/// `if lhs cond rhs goto offset`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Jump {
    /// The bits compared.
    pub width: Width,
    /// The condition.
    pub cond: Cond,
    /// The first operand.
    pub lhs: Reg,
    /// The second operand.
    pub rhs: Source,
    /// Where to, if the condition holds.
    pub offset: JumpOffset,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A helper.
    Helper(HelperId),
    /// A function of the program.
    Subprogram(LongOffset),
    /// A function of the kernel or a module.
    Kfunc {
        /// The function in the BTF.
        id: BtfId,
        /// Whose BTF.
        module: KfuncModule,
    },
}
