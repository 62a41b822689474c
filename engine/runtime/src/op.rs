//! Instructions as the interpreter reads them: 16 bytes each, jumps resolved to places in one table.

use crate::helpers::Helper;
use std::sync::Arc;

/// The place of an instruction among those of an image. Unlike slots, the places of several programs are one count, and
/// an instruction of two slots has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpIndex(pub u32);

impl OpIndex {
    /// As an index into a table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct Op {
    pub(crate) code: Code,
    pub(crate) dst: u8,
    pub(crate) src: u8,
    /// The target of a jump or call.
    pub(crate) target: u32,
    /// The immediate, sign-extended; the offset of a memory access; an index of a table.
    pub(crate) imm: i64,
}

macro_rules! codes {
    ($($name:ident),* $(,)?) => {
        /// What an [`Op`] does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Code { $(#[allow(missing_docs, reason = "the names are those of the instructions")] $name),* }
    };
}

codes!(
    Add64R,
    Add64I,
    Sub64R,
    Sub64I,
    Mul64R,
    Mul64I,
    Div64R,
    Div64I,
    Sdiv64R,
    Sdiv64I,
    Or64R,
    Or64I,
    And64R,
    And64I,
    Lsh64R,
    Lsh64I,
    Rsh64R,
    Rsh64I,
    Mod64R,
    Mod64I,
    Smod64R,
    Smod64I,
    Xor64R,
    Xor64I,
    Arsh64R,
    Arsh64I,
    Add32R,
    Add32I,
    Sub32R,
    Sub32I,
    Mul32R,
    Mul32I,
    Div32R,
    Div32I,
    Sdiv32R,
    Sdiv32I,
    Or32R,
    Or32I,
    And32R,
    And32I,
    Lsh32R,
    Lsh32I,
    Rsh32R,
    Rsh32I,
    Mod32R,
    Mod32I,
    Smod32R,
    Smod32I,
    Xor32R,
    Xor32I,
    Arsh32R,
    Arsh32I,
    Mov64R,
    Mov64I,
    Mov32R,
    Mov32I,
    Movsx8To32,
    Movsx16To32,
    Movsx8To64,
    Movsx16To64,
    Movsx32To64,
    Neg64,
    Neg32,
    Swap16,
    Swap32,
    Swap64,
    Keep16,
    Keep32,
    Keep64,
    CastToKernel,
    CastToUser,
    Load8,
    Load16,
    Load32,
    Load64,
    LoadSx8,
    LoadSx16,
    LoadSx32,
    LoadPacket,
    Store8R,
    Store16R,
    Store32R,
    Store64R,
    Store8I,
    Store16I,
    Store32I,
    Store64I,
    Atomic,
    JeqR,
    JeqI,
    JneR,
    JneI,
    JsetR,
    JsetI,
    JgtR,
    JgtI,
    JgeR,
    JgeI,
    JltR,
    JltI,
    JleR,
    JleI,
    JsgtR,
    JsgtI,
    JsgeR,
    JsgeI,
    JsltR,
    JsltI,
    JsleR,
    JsleI,
    Jeq32R,
    Jeq32I,
    Jne32R,
    Jne32I,
    Jset32R,
    Jset32I,
    Jgt32R,
    Jgt32I,
    Jge32R,
    Jge32I,
    Jlt32R,
    Jlt32I,
    Jle32R,
    Jle32I,
    Jsgt32R,
    Jsgt32I,
    Jsge32R,
    Jsge32I,
    Jslt32R,
    Jslt32I,
    Jsle32R,
    Jsle32I,
    Goto,
    MayGoto,
    CallLocal,
    CallKernel,
    Exit,
    Bad,
);

impl Code {
    /// Whether execution goes on at the target or with the next instruction.
    pub(crate) fn is_conditional(self) -> bool {
        (Self::JeqR as u8..=Self::Jsle32I as u8).contains(&(self as u8)) || self == Self::MayGoto
    }
}

/// A function of the kernel that an image calls.
#[derive(Clone, Debug)]
pub(crate) struct Callable {
    pub(crate) name: Arc<str>,
    pub(crate) what: CallableKind,
    /// Pointers into the packet end with a call, as the verifier has it.
    pub(crate) changes_packet: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum CallableKind {
    Modelled(Helper),
    /// Known, but nothing says here what it does.
    NotModelled,
    /// Not in the kernel: what linking left for a reference that cannot be resolved.
    Missing,
}
