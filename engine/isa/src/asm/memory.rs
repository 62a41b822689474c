//! Instructions that access memory.

use super::lexer::Token;
use super::parser::Parser;
use super::registers::{Named, register, size};
use super::{AsmError, AsmErrorKind};
use crate::disasm;
use crate::{
    AddrSpaceCast, Atomic, AtomicOp, CastInsn, Imm, Insn, Load, LoadPacket, LoadSx, NarrowSize,
    Offset, Reg, Size, Source, Store, StoreRelease, Width,
};

type Result<T, E = AsmError> = std::result::Result<T, E>;

/// The type of an access.
enum Access {
    Unsigned(Size),
    Signed(NarrowSize),
}

/// Atomic functions: of LLVM, with the width and without a type; of the kernel and of LLVM, with a type.
const FUNCTIONS: [(&str, Option<Width>, AtomicOp); 16] = [
    ("xchg_64", Some(Width::Bits64), AtomicOp::Xchg),
    ("xchg32_32", Some(Width::Bits32), AtomicOp::Xchg),
    ("cmpxchg_64", Some(Width::Bits64), AtomicOp::CmpXchg),
    ("cmpxchg32_32", Some(Width::Bits32), AtomicOp::CmpXchg),
    ("atomic_fetch_add", None, AtomicOp::Add { fetch: true }),
    ("atomic64_fetch_add", None, AtomicOp::Add { fetch: true }),
    ("atomic_fetch_or", None, AtomicOp::Or { fetch: true }),
    ("atomic64_fetch_or", None, AtomicOp::Or { fetch: true }),
    ("atomic_fetch_and", None, AtomicOp::And { fetch: true }),
    ("atomic64_fetch_and", None, AtomicOp::And { fetch: true }),
    ("atomic_fetch_xor", None, AtomicOp::Xor { fetch: true }),
    ("atomic64_fetch_xor", None, AtomicOp::Xor { fetch: true }),
    ("atomic_xchg", None, AtomicOp::Xchg),
    ("atomic64_xchg", None, AtomicOp::Xchg),
    ("atomic_cmpxchg", None, AtomicOp::CmpXchg),
    ("atomic64_cmpxchg", None, AtomicOp::CmpXchg),
];

/// The token should have been something else.
fn instead_of(token: Token<'_>, expected: &'static str) -> AsmError {
    let found = format!("`{}`", token.text);
    token.error(AsmErrorKind::Expected { expected, found })
}

impl<'t> Parser<'t> {
    /// `(u32 *)`, and where the type is.
    fn access(&mut self) -> Result<(Access, Token<'t>)> {
        self.sign("(", "`(`")?;
        let access = self.read("a type such as `u32`", |token| {
            let signed = |size: &NarrowSize| disasm::signed(*size) == token.text;
            let narrow = || NarrowSize::ALL.into_iter().find(signed).map(Access::Signed);
            Some((size(token.text).map(Access::Unsigned).or_else(narrow)?, token))
        })?;
        self.sign("*", "`*`")?;
        self.sign(")", "`)`")?;
        Ok(access)
    }

    /// `(u32 *)`
    fn unsigned_access(&mut self) -> Result<Size> {
        self.sign("(", "`(`")?;
        let size = self.read("an unsigned type such as `u32`", |token| size(token.text))?;
        self.sign("*", "`*`")?;
        self.sign(")", "`)`")?;
        Ok(size)
    }

    /// `(u32 *)` or `(u64 *)`
    fn atomic_access(&mut self) -> Result<Width> {
        self.sign("(", "`(`")?;
        let width = self.read("`u32` or `u64`", |token| match size(token.text)? {
            Size::W => Some(Width::Bits32),
            Size::DW => Some(Width::Bits64),
            Size::B | Size::H => None,
        })?;
        self.sign("*", "`*`")?;
        self.sign(")", "`)`")?;
        Ok(width)
    }

    /// `r1 + 8`, or only `r1`.
    fn address(&mut self) -> Result<(Reg, Offset)> {
        let base = self.wide_register()?.reg;
        let sum = self.peek().is_some_and(|token| matches!(token.text, "+" | "-"));
        let offset = if sum { self.number("an offset")?.offset()? } else { Offset(0) };
        Ok((base, offset))
    }

    /// `(r1 + 8)`
    fn place(&mut self) -> Result<(Reg, Offset)> {
        self.sign("(", "`(`")?;
        let address = self.address()?;
        self.sign(")", "`)`")?;
        Ok(address)
    }

    /// A register that is read from memory or written to it. With less than 64 bits both names mean the
    /// same.
    fn data(&mut self, size: Size) -> Result<Named<'t>> {
        if size == Size::DW { self.wide_register() } else { self.register() }
    }

    /// A load, behind the star.
    pub(super) fn load(&mut self, dst: Named<'t>) -> Result<Insn> {
        let (access, token) = self.access()?;
        if self.take("skb") {
            return self.packet(dst, &access, token);
        }
        let (base, offset) = self.place()?;
        let wide = match access {
            Access::Unsigned(size) => size == Size::DW,
            Access::Signed(_) => true,
        };
        self.check_wide(dst, wide)?;
        Ok(match access {
            Access::Unsigned(size) => Insn::Load(Load { size, dst: dst.reg, base, offset }),
            Access::Signed(size) => Insn::LoadSx(LoadSx { size, dst: dst.reg, base, offset }),
        })
    }

    /// `dst` was written as a 64-bit register, if it must be.
    fn check_wide(&self, dst: Named<'t>, wide: bool) -> Result<()> {
        if !wide || dst.width == Width::Bits64 {
            return Ok(());
        }
        Err(instead_of(dst.token, "a 64-bit register"))
    }

    /// `skb[r1 + 8]`, behind `skb`.
    fn packet(&mut self, dst: Named<'t>, access: &Access, token: Token<'t>) -> Result<Insn> {
        let size = match access {
            Access::Unsigned(Size::B) => NarrowSize::B,
            Access::Unsigned(Size::H) => NarrowSize::H,
            Access::Unsigned(Size::W) => NarrowSize::W,
            Access::Unsigned(Size::DW) | Access::Signed(_) => {
                return Err(instead_of(token, "`u8`, `u16` or `u32`"));
            }
        };
        if dst.reg != Reg::R0 {
            return Err(dst.token.error(AsmErrorKind::SameRegister(Reg::R0)));
        }
        self.sign("[", "`[`")?;
        let has_index = self.peek().and_then(register).is_some();
        let index = has_index.then(|| self.wide_register()).transpose()?.map(|index| index.reg);
        let negative = |token: Token<'_>| token.text == "-";
        let offset = if index.is_none() || self.take("+") || self.peek().is_some_and(negative) {
            self.number("an offset")?.imm()?
        } else {
            Imm(0)
        };
        self.sign("]", "`]`")?;
        Ok(Insn::LoadPacket(LoadPacket { size, index, offset }))
    }

    /// A store, behind the star.
    pub(super) fn store(&mut self) -> Result<Insn> {
        let size = self.unsigned_access()?;
        let (base, offset) = self.place()?;
        self.sign("=", "`=`")?;
        let is_register = self.peek().and_then(register).is_some();
        let src = if is_register {
            Source::Reg(self.data(size)?.reg)
        } else {
            self.source(Width::Bits64)?
        };
        Ok(Insn::Store(Store { size, base, offset, src }))
    }

    /// `lock *(u64 *)(r1 + 0) += r2`, behind `lock`.
    pub(super) fn lock(&mut self) -> Result<Insn> {
        self.sign("*", "`*`")?;
        let width = self.atomic_access()?;
        let (base, offset) = self.place()?;
        let op = self.read("`+=`, `|=`, `&=` or `^=`", |token| match token.text {
            "+=" => Some(AtomicOp::Add { fetch: false }),
            "|=" => Some(AtomicOp::Or { fetch: false }),
            "&=" => Some(AtomicOp::And { fetch: false }),
            "^=" => Some(AtomicOp::Xor { fetch: false }),
            _ => None,
        })?;
        let src = self.data(width.size())?.reg;
        Ok(Insn::Atomic(Atomic { op, width, base, offset, src }))
    }

    /// `store_release((u32 *)(r1 + 0), w2)`, behind the name.
    pub(super) fn store_release(&mut self) -> Result<Insn> {
        self.sign("(", "`(`")?;
        let size = self.unsigned_access()?;
        let (base, offset) = self.place()?;
        self.sign(",", "`,`")?;
        let src = self.data(size)?.reg;
        self.sign(")", "`)`")?;
        Ok(Insn::StoreRelease(StoreRelease { size, base, offset, src }))
    }

    /// `dst = name(…)`, behind the parenthesis; `None` if the name is not one of these.
    pub(super) fn memory_function(
        &mut self,
        dst: Named<'t>,
        name: Token<'t>,
    ) -> Result<Option<Insn>> {
        let insn = match name.text {
            "addr_space_cast" => self.addr_space_cast(dst)?,
            "load_acquire" => {
                let size = self.unsigned_access()?;
                let (base, offset) = self.place()?;
                self.check_wide(dst, size == Size::DW)?;
                Insn::LoadAcquire(Load { size, dst: dst.reg, base, offset })
            }
            name => match FUNCTIONS.into_iter().find(|(function, ..)| *function == name) {
                Some((_, width, op)) => self.atomic_function(dst, width, op)?,
                None => return Ok(None),
            },
        };
        self.sign(")", "`)`")?;
        Ok(Some(insn))
    }

    fn atomic_function(
        &mut self,
        dst: Named<'t>,
        width: Option<Width>,
        op: AtomicOp,
    ) -> Result<Insn> {
        let (width, (base, offset)) = match width {
            Some(width) => (width, self.address()?),
            None => (self.atomic_access()?, self.place()?),
        };
        self.check_wide(dst, width == Width::Bits64)?;
        self.sign(",", "`,`")?;
        let src = if op == AtomicOp::CmpXchg {
            if dst.reg != Reg::R0 {
                return Err(dst.token.error(AsmErrorKind::SameRegister(Reg::R0)));
            }
            self.same_register(dst)?;
            self.sign(",", "`,`")?;
            self.data(width.size())?.reg
        } else {
            self.same_register(dst)?;
            dst.reg
        };
        Ok(Insn::Atomic(Atomic { op, width, base, offset, src }))
    }

    /// `src, 0, 1`: to which space, from which.
    fn addr_space_cast(&mut self, dst: Named<'t>) -> Result<Insn> {
        self.check_wide(dst, true)?;
        let src = self.wide_register()?.reg;
        self.sign(",", "`,`")?;
        let cast = self.read("0 or 1", |token| match token.text {
            "0" => Some(AddrSpaceCast::ArenaToKernel),
            "1" => Some(AddrSpaceCast::KernelToArena),
            _ => None,
        })?;
        self.sign(",", "`,`")?;
        match cast {
            AddrSpaceCast::ArenaToKernel => self.sign("1", "1")?,
            AddrSpaceCast::KernelToArena => self.sign("0", "0")?,
        }
        Ok(Insn::AddrSpaceCast(CastInsn { cast, dst: dst.reg, src }))
    }
}
