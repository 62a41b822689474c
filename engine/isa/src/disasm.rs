//! The text form of the kernel, as `print_bpf_insn` (v6.18) writes it into the log of the verifier.

use std::borrow::Cow;
use std::fmt::{Display, Formatter, Result};

use crate::{
    AddrSpaceCast, AluOp, AtomicOp, Callee, Cond, HelperId, Imm64, Insn, LoadImm, NarrowSize,
    Offset, Pc, Program, Reg, SignExtension, Size, Source, SwapKind, Width,
};

/// Names that are not in the instruction itself. Each has a default: the name is not known.
pub trait Names {
    /// The name of a helper, `bpf_map_lookup_elem`. Not known: `unknown`.
    fn helper(&self, id: HelperId) -> Option<Cow<'_, str>> {
        let _ = id;
        None
    }

    /// The name of a kfunc. Not known: `kernel-function`.
    fn kfunc(&self, callee: Callee) -> Option<Cow<'_, str>> {
        let _ = callee;
        None
    }

    /// What stands for a 64-bit immediate. Not known: the number in the encoding. The kernel prints
    /// addresses for everything but [`Imm64::Value`].
    fn imm64(&self, value: &Imm64) -> Option<Cow<'_, str>> {
        let _ = value;
        None
    }
}

/// No names.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {}

/// An instruction as text, `(b7) r0 = 0`.
#[derive(Clone, Copy, Debug)]
pub struct Disassembly<'a, N> {
    insn: &'a Insn,
    names: &'a N,
}

impl Insn {
    /// The instruction as text, `(b7) r0 = 0`.
    pub fn display<'a, N: Names>(&'a self, names: &'a N) -> Disassembly<'a, N> {
        Disassembly { insn: self, names }
    }
}

impl Program {
    /// The program as text, one instruction a line: `0: (b7) r0 = 0`.
    pub fn disassemble<N: Names>(&self, names: &N) -> String {
        self.iter().map(|(pc, insn)| line(pc, insn, names)).collect()
    }
}

fn line<N: Names>(pc: Pc, insn: &Insn, names: &N) -> String {
    format!("{pc}: {}\n", insn.display(names))
}

impl<N: Names> Display for Disassembly<'_, N> {
    #[allow(clippy::too_many_lines, reason = "one arm for each instruction")]
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "({:02x}) ", self.insn.opcode())?;
        match *self.insn {
            Insn::Alu(insn) => {
                let dst = Sub(insn.width, insn.dst);
                write!(f, "{dst} {} {}", alu_op(insn.op), Operand(insn.width, insn.src))
            }
            Insn::Mov(insn) => {
                write!(f, "{} = {}", Sub(insn.width, insn.dst), Operand(insn.width, insn.src))
            }
            Insn::MovSx(insn) => {
                let width = insn.extension.width();
                let cast = match insn.extension {
                    SignExtension::S8To32 | SignExtension::S8To64 => "(s8)",
                    SignExtension::S16To32 | SignExtension::S16To64 => "(s16)",
                    SignExtension::S32To64 => "(s32)",
                };
                write!(f, "{} = {cast}{}", Sub(width, insn.dst), Sub(width, insn.src))
            }
            Insn::Neg(insn) => {
                let dst = Sub(insn.width, insn.dst);
                write!(f, "{dst} = -{dst}")
            }
            Insn::ByteSwap(insn) => {
                let kind = match insn.kind {
                    SwapKind::ToLe => "le",
                    SwapKind::ToBe => "be",
                    SwapKind::Always => "bswap",
                };
                write!(f, "{} = {kind}{} {}", insn.dst, insn.bits.bits(), insn.dst)
            }
            Insn::AddrSpaceCast(insn) => {
                let (to, from) = match insn.cast {
                    AddrSpaceCast::ArenaToKernel => (0, 1),
                    AddrSpaceCast::KernelToArena => (1, 0),
                };
                write!(f, "{} = addr_space_cast({}, {to}, {from})", insn.dst, insn.src)
            }
            Insn::LoadImm(insn) => self.load_imm(insn, f),
            Insn::Load(insn) => {
                let memory = Memory(unsigned(insn.size), insn.base, insn.offset);
                write!(f, "{} = *{memory}", insn.dst)
            }
            Insn::LoadSx(insn) => {
                let memory = Memory(signed(insn.size), insn.base, insn.offset);
                write!(f, "{} = *{memory}", insn.dst)
            }
            Insn::LoadPacket(insn) => {
                write!(f, "r0 = *({} *)skb[", unsigned(insn.size.size()))?;
                if let Some(index) = insn.index {
                    write!(f, "{index} + ")?;
                }
                write!(f, "{}]", insn.offset.0)
            }
            Insn::Store(insn) => {
                let memory = Memory(unsigned(insn.size), insn.base, insn.offset);
                write!(f, "*{memory} = {}", Operand(Width::Bits64, insn.src))
            }
            Insn::Atomic(insn) => {
                let memory = Memory(unsigned(insn.width.size()), insn.base, insn.offset);
                let src = insn.src;
                let suffix = match insn.width {
                    Width::Bits32 => "",
                    Width::Bits64 => "64",
                };
                let (sign, name, fetch) = match insn.op {
                    AtomicOp::Add { fetch } => ("+=", "add", fetch),
                    AtomicOp::Or { fetch } => ("|=", "or", fetch),
                    AtomicOp::And { fetch } => ("&=", "and", fetch),
                    AtomicOp::Xor { fetch } => ("^=", "xor", fetch),
                    AtomicOp::Xchg => {
                        return write!(f, "{src} = atomic{suffix}_xchg({memory}, {src})");
                    }
                    AtomicOp::CmpXchg => {
                        return write!(f, "r0 = atomic{suffix}_cmpxchg({memory}, r0, {src})");
                    }
                };
                if fetch {
                    write!(f, "{src} = atomic{suffix}_fetch_{name}({memory}, {src})")
                } else {
                    write!(f, "lock *{memory} {sign} {src}")
                }
            }
            Insn::LoadAcquire(insn) => {
                let memory = Memory(unsigned(insn.size), insn.base, insn.offset);
                write!(f, "{} = load_acquire({memory})", insn.dst)
            }
            Insn::StoreRelease(insn) => {
                let memory = Memory(unsigned(insn.size), insn.base, insn.offset);
                write!(f, "store_release({memory}, {})", insn.src)
            }
            Insn::Jump(insn) => {
                write!(f, "if {} {} ", Sub(insn.width, insn.lhs), condition(insn.cond))?;
                match insn.rhs {
                    Source::Reg(reg) => write!(f, "{}", Sub(insn.width, reg))?,
                    Source::Imm(imm) => write!(f, "{:#x}", imm.0)?,
                }
                write!(f, " goto pc{:+}", insn.offset.0)
            }
            Insn::Goto(offset) => write!(f, "goto pc{:+}", offset.0),
            Insn::GotoLong(offset) => write!(f, "gotol pc{:+}", offset.0),
            Insn::MayGoto(offset) => write!(f, "may_goto pc{:+}", offset.0),
            Insn::Call(callee) => self.call(callee, f),
            Insn::Exit => f.write_str("exit"),
        }
    }
}

impl<N: Names> Disassembly<'_, N> {
    fn load_imm(&self, insn: LoadImm, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} = ", insn.dst)?;
        if let Some(name) = self.names.imm64(&insn.value) {
            return f.write_str(&name);
        }
        let (first, second) = self.insn.encode();
        let half = |imm: i32| u64::from(imm.cast_unsigned());
        let high = second.map_or(0, |second| half(second.imm));
        write!(f, "{:#x}", high << 32 | half(first.imm))
    }

    fn call(&self, callee: Callee, f: &mut Formatter<'_>) -> Result {
        match callee {
            Callee::Subprogram(offset) => write!(f, "call pc{:+}", offset.0),
            Callee::Helper(id) => {
                let name = self.names.helper(id);
                write!(f, "call {}#{}", name.as_deref().unwrap_or("unknown"), id.0)
            }
            Callee::Kfunc { id, .. } => {
                let name = self.names.kfunc(callee);
                write!(f, "call {}#{}", name.as_deref().unwrap_or("kernel-function"), id.0)
            }
        }
    }
}

impl Display for Reg {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "r{}", self.number())
    }
}

/// A register under the name of the half that is used.
#[derive(Clone, Copy)]
struct Sub(Width, Reg);

impl Display for Sub {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Width::Bits32 => write!(f, "w{}", self.1.number()),
            Width::Bits64 => write!(f, "r{}", self.1.number()),
        }
    }
}

/// A second operand.
struct Operand(Width, Source);

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.1 {
            Source::Reg(reg) => Sub(self.0, reg).fmt(f),
            Source::Imm(imm) => imm.0.fmt(f),
        }
    }
}

/// A place in memory, `(u32 *)(r1 +0)`.
struct Memory(&'static str, Reg, Offset);

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "({} *)({} {:+})", self.0, self.1, self.2.0)
    }
}

/// The type of an access.
pub(crate) fn unsigned(size: Size) -> &'static str {
    match size {
        Size::B => "u8",
        Size::H => "u16",
        Size::W => "u32",
        Size::DW => "u64",
    }
}

/// The type of an access that extends the sign.
pub(crate) fn signed(size: NarrowSize) -> &'static str {
    match size {
        NarrowSize::B => "s8",
        NarrowSize::H => "s16",
        NarrowSize::W => "s32",
    }
}

/// The sign of an assignment.
pub(crate) fn alu_op(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div => "/=",
        AluOp::SignedDiv => "s/=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Mod => "%=",
        AluOp::SignedMod => "s%=",
        AluOp::Xor => "^=",
        AluOp::Arsh => "s>>=",
    }
}

/// The sign of a comparison.
pub(crate) fn condition(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::Set => "&",
        Cond::Gt => ">",
        Cond::Ge => ">=",
        Cond::Lt => "<",
        Cond::Le => "<=",
        Cond::SignedGt => "s>",
        Cond::SignedGe => "s>=",
        Cond::SignedLt => "s<",
        Cond::SignedLe => "s<=",
    }
}
