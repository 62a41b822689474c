//! What instructions are made of: registers, sizes, immediates, offsets and operators.

/// A register of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reg {
    /// Return value of calls and of the program.
    R0,
    /// First argument; the context at the entry of a program.
    R1,
    /// Second argument.
    R2,
    /// Third argument.
    R3,
    /// Fourth argument.
    R4,
    /// Fifth argument.
    R5,
    /// Kept across calls; the context of packet loads.
    R6,
    /// Kept across calls.
    R7,
    /// Kept across calls.
    R8,
    /// Kept across calls.
    R9,
    /// Frame pointer, read only.
    R10,
}

impl Reg {
    /// Every register, by number.
    pub const ALL: [Self; 11] = [
        Self::R0,
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
    ];

    /// How many registers there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The register with a number; `None` from 11 on.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The register's number, 0 to 10.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The register's number as an index into a table of [`Reg::COUNT`] entries.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A signed immediate; 64-bit instructions sign-extend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Imm(pub i32);

impl Imm {
    /// The operand of a 64-bit instruction.
    pub fn to_u64(self) -> u64 {
        i64::from(self.0).cast_unsigned()
    }

    /// The operand of a 32-bit instruction.
    pub fn to_u32(self) -> u32 {
        self.0.cast_unsigned()
    }
}

/// Bytes added to a base register to address memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset(pub i16);

/// The number of an instruction slot of 8 bytes, as the kernel, line info and function info count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pc(pub u32);

impl Pc {
    /// The slot as an index into a table of slots.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot with an index; the last number there is if it does not fit, which no program reaches.
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

impl std::fmt::Display for Pc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Slots from the slot after the instruction to a target, within 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JumpOffset(pub i16);

impl JumpOffset {
    /// The target of a jump at `from`; `None` before the first slot. It may lie behind the program.
    pub fn target(self, from: Pc) -> Option<Pc> {
        LongOffset(self.0.into()).target(from)
    }
}

/// Slots from the slot after the instruction to a target, within 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LongOffset(pub i32);

impl LongOffset {
    /// The target from an instruction at `from`; `None` before the first slot. It may lie behind the program.
    pub fn target(self, from: Pc) -> Option<Pc> {
        let target = i64::from(from.0) + 1 + i64::from(self.0);
        u32::try_from(target).ok().map(Pc)
    }
}

/// The second operand of arithmetic, jumps and stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The value of a register.
    Reg(Reg),
    /// A constant.
    Imm(Imm),
}

/// How many bits of its operands an instruction works on. Results of 32-bit arithmetic are
/// zero-extended to the whole register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// The lower half (`w0` in assembly).
    Bits32,
    /// The whole register (`r0` in assembly).
    Bits64,
}

impl Width {
    /// 32 or 64.
    pub fn bits(self) -> u32 {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }

    /// 4 or 8.
    pub fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// The size of a memory access of this width.
    pub fn size(self) -> Size {
        match self {
            Self::Bits32 => Size::W,
            Self::Bits64 => Size::DW,
        }
    }
}

/// The size of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// 1 byte.
    B,
    /// 2 bytes.
    H,
    /// 4 bytes.
    W,
    /// 8 bytes.
    DW,
}

impl Size {
    /// Every size.
    pub const ALL: [Self; 4] = [Self::B, Self::H, Self::W, Self::DW];

    /// 1, 2, 4 or 8.
    pub fn bytes(self) -> u32 {
        match self {
            Self::B => 1,
            Self::H => 2,
            Self::W => 4,
            Self::DW => 8,
        }
    }
}

/// The size of a memory access that leaves room in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NarrowSize {
    /// 1 byte.
    B,
    /// 2 bytes.
    H,
    /// 4 bytes.
    W,
}

impl NarrowSize {
    /// Every narrow size.
    pub const ALL: [Self; 3] = [Self::B, Self::H, Self::W];

    /// The same size among all sizes.
    pub fn size(self) -> Size {
        match self {
            Self::B => Size::B,
            Self::H => Size::H,
            Self::W => Size::W,
        }
    }
}

/// An operator of two operands. `Mov` is an instruction of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AluOp {
    /// `+=`
    Add,
    /// `-=`
    Sub,
    /// `*=`
    Mul,
    /// `/=`, unsigned; division by zero gives zero.
    Div,
    /// `s/=`, signed; division by zero gives zero.
    SignedDiv,
    /// `|=`
    Or,
    /// `&=`
    And,
    /// `<<=`; the count is taken modulo the width.
    Lsh,
    /// `>>=`, logical; the count is taken modulo the width.
    Rsh,
    /// `%=`, unsigned; modulo zero changes nothing but the upper half of a 32-bit operation.
    Mod,
    /// `s%=`, signed, with the sign of the dividend; modulo zero as for `Mod`.
    SignedMod,
    /// `^=`
    Xor,
    /// `s>>=`, arithmetic; the count is taken modulo the width.
    Arsh,
}

impl AluOp {
    /// Every operator.
    pub const ALL: [Self; 13] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::SignedDiv,
        Self::Or,
        Self::And,
        Self::Lsh,
        Self::Rsh,
        Self::Mod,
        Self::SignedMod,
        Self::Xor,
        Self::Arsh,
    ];
}

/// Which bits a move with sign extension takes and which it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignExtension {
    /// `w1 = (s8)w2`
    S8To32,
    /// `w1 = (s16)w2`
    S16To32,
    /// `r1 = (s8)r2`
    S8To64,
    /// `r1 = (s16)r2`
    S16To64,
    /// `r1 = (s32)r2`
    S32To64,
}

impl SignExtension {
    /// Every form.
    pub const ALL: [Self; 5] =
        [Self::S8To32, Self::S16To32, Self::S8To64, Self::S16To64, Self::S32To64];

    /// How many low bits are taken: 8, 16 or 32.
    pub fn source_bits(self) -> u32 {
        match self {
            Self::S8To32 | Self::S8To64 => 8,
            Self::S16To32 | Self::S16To64 => 16,
            Self::S32To64 => 32,
        }
    }

    /// The width that is filled; a 32-bit result is then zero-extended.
    pub fn width(self) -> Width {
        match self {
            Self::S8To32 | Self::S16To32 => Width::Bits32,
            Self::S8To64 | Self::S16To64 | Self::S32To64 => Width::Bits64,
        }
    }
}

/// When a byte swap swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwapKind {
    /// `le16`: swaps on a big-endian machine, otherwise only truncates.
    ToLe,
    /// `be16`: swaps on a little-endian machine, otherwise only truncates.
    ToBe,
    /// `bswap16`: swaps on every machine.
    Always,
}

impl SwapKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::ToLe, Self::ToBe, Self::Always];
}

/// How many low bits a byte swap keeps; the others become zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwapBits {
    /// 16 bits.
    Bits16,
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

impl SwapBits {
    /// Every number of bits.
    pub const ALL: [Self; 3] = [Self::Bits16, Self::Bits32, Self::Bits64];

    /// 16, 32 or 64.
    pub fn bits(self) -> u32 {
        match self {
            Self::Bits16 => 16,
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }
}

/// The two conversions between the address spaces of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddrSpaceCast {
    /// From an arena pointer (space 1) to one the program may dereference (space 0).
    ArenaToKernel,
    /// From space 0 to an arena pointer as user space sees it (space 1).
    KernelToArena,
}

/// What an atomic instruction does to memory. With `fetch` the old value goes to the source register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// Adds the source register.
    Add {
        /// The old value is returned in the source register.
        fetch: bool,
    },
    /// Ors the source register.
    Or {
        /// The old value is returned in the source register.
        fetch: bool,
    },
    /// Ands the source register.
    And {
        /// The old value is returned in the source register.
        fetch: bool,
    },
    /// Xors the source register.
    Xor {
        /// The old value is returned in the source register.
        fetch: bool,
    },
    /// Exchanges memory with the source register.
    Xchg,
    /// Stores the source register if memory equals R0; R0 becomes the old value.
    CmpXchg,
}

impl AtomicOp {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Add { fetch: false },
        Self::Add { fetch: true },
        Self::Or { fetch: false },
        Self::Or { fetch: true },
        Self::And { fetch: false },
        Self::And { fetch: true },
        Self::Xor { fetch: false },
        Self::Xor { fetch: true },
        Self::Xchg,
        Self::CmpXchg,
    ];
}

/// The condition of a jump, `lhs cond rhs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `&`: some bit is set in both.
    Set,
    /// `>`, unsigned.
    Gt,
    /// `>=`, unsigned.
    Ge,
    /// `<`, unsigned.
    Lt,
    /// `<=`, unsigned.
    Le,
    /// `s>`
    SignedGt,
    /// `s>=`
    SignedGe,
    /// `s<`
    SignedLt,
    /// `s<=`
    SignedLe,
}

impl Cond {
    /// Every condition.
    pub const ALL: [Self; 11] = [
        Self::Eq,
        Self::Ne,
        Self::Set,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
        Self::SignedGt,
        Self::SignedGe,
        Self::SignedLt,
        Self::SignedLe,
    ];
}

/// A file descriptor of the loading process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fd(pub i32);

/// An index into the array of file descriptors that is given when a program is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdIndex(pub i32);

/// The number of a type in the BTF of the kernel or of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BtfId(pub i32);

/// The number of a helper, `enum bpf_func_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HelperId(pub i32);

/// Where a kfunc lives: 0 is the kernel itself, otherwise an index into the array of file descriptors,
/// where the BTF of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KfuncModule(pub i16);
