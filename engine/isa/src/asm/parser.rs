//! Tokens to instructions.

use super::lexer::{Token, TokenKind, Tokens};
use super::registers::{Named, Number, register};
use super::{AsmError, AsmErrorKind};
use crate::disasm;
use crate::opcode::LD_IMM64;
use crate::{
    Alu, AluOp, BtfId, Callee, Cond, Fd, FdIndex, HelperId, Imm64, Insn, Jump, JumpOffset,
    KfuncModule, LoadImm, LongOffset, Mov, MovSx, Neg, SignExtension, Source, SwapBits, SwapKind,
    Width,
};

/// Labels, and an instruction behind them.
pub(super) struct Line<'t> {
    pub(super) labels: Vec<Token<'t>>,
    pub(super) statement: Option<Statement<'t>>,
}

/// An instruction.
pub(super) struct Statement<'t> {
    /// The instruction, with an offset of zero where a label was written.
    pub(super) insn: Insn,
    /// The label.
    pub(super) target: Option<Target<'t>>,
    /// The opcode, if it was written.
    opcode: Option<(u8, Token<'t>)>,
}

impl Statement<'_> {
    /// An opcode that was written must be that of the instruction.
    pub(super) fn check_opcode(&self, insn: &Insn) -> Result<(), AsmError> {
        match self.opcode {
            Some((written, token)) if written != insn.opcode() => {
                Err(token.error(AsmErrorKind::Opcode { actual: insn.opcode() }))
            }
            _ => Ok(()),
        }
    }
}

/// A name instead of an offset.
pub(super) struct Target<'t> {
    pub(super) name: Token<'t>,
}

/// Reads labels and an instruction.
pub(super) fn line(tokens: Tokens<'_>) -> Result<Line<'_>, AsmError> {
    let mut parser = Parser { tokens, at: 0, opcode: None, target: None };
    let mut labels = Vec::new();
    while parser.tokens.list.get(parser.at + 1).is_some_and(|token| token.text == ":") {
        labels.push(parser.word("a label")?);
        parser.at += 1;
    }
    if parser.peek().is_none() {
        return Ok(Line { labels, statement: None });
    }
    parser.opcode()?;
    let insn = parser.insn()?;
    if parser.peek().is_some() {
        return Err(parser.expected("the end of the instruction"));
    }
    let statement = Some(Statement { insn, target: parser.target, opcode: parser.opcode });
    Ok(Line { labels, statement })
}

/// A place among the tokens of one instruction.
pub(super) struct Parser<'t> {
    tokens: Tokens<'t>,
    at: usize,
    opcode: Option<(u8, Token<'t>)>,
    target: Option<Target<'t>>,
}

type Result<T, E = AsmError> = std::result::Result<T, E>;

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.tokens.list.get(self.at).copied()
    }

    /// The next token is not what it should be.
    pub(super) fn expected(&self, expected: &'static str) -> AsmError {
        let (token, found) = match self.peek() {
            Some(token) => (token, format!("`{}`", token.text)),
            None => (self.tokens.end, "the end of the instruction".to_owned()),
        };
        token.error(AsmErrorKind::Expected { expected, found })
    }

    /// Takes the next token if it is `text`.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let taken = self.peek().is_some_and(|token| token.text == text);
        self.at += usize::from(taken);
        taken
    }

    /// The next token is `text`, as `expected` says in words.
    pub(super) fn sign(&mut self, text: &str, expected: &'static str) -> Result<()> {
        if self.take(text) { Ok(()) } else { Err(self.expected(expected)) }
    }

    pub(super) fn word(&mut self, expected: &'static str) -> Result<Token<'t>> {
        match self.peek() {
            Some(token) if token.kind == TokenKind::Word => {
                self.at += 1;
                Ok(token)
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// Takes the next word if `read` can make something of it.
    pub(super) fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(Token<'t>) -> Option<T>,
    ) -> Result<T> {
        let value = self.peek().and_then(read);
        let value = value.ok_or_else(|| self.expected(expected))?;
        self.at += 1;
        Ok(value)
    }

    pub(super) fn register(&mut self) -> Result<Named<'t>> {
        self.read("a register", register)
    }

    /// A register under its 64-bit name.
    pub(super) fn wide_register(&mut self) -> Result<Named<'t>> {
        let wide = |token| register(token).filter(|named| named.width == Width::Bits64);
        self.read("a 64-bit register", wide)
    }

    /// A register of the width that another operand has.
    fn register_like(&mut self, width: Width) -> Result<Named<'t>> {
        let expected = match width {
            Width::Bits32 => "a 32-bit register",
            Width::Bits64 => "a 64-bit register",
        };
        self.read(expected, |token| register(token).filter(|named| named.width == width))
    }

    /// The register `named` once more.
    pub(super) fn same_register(&mut self, named: Named<'_>) -> Result<()> {
        let again = self.register()?;
        if again.reg == named.reg {
            Ok(())
        } else {
            Err(again.token.error(AsmErrorKind::SameRegister(named.reg)))
        }
    }

    /// A number, with a sign or not.
    pub(super) fn number(&mut self, expected: &'static str) -> Result<Number<'t>> {
        let start = self.at;
        let negative = self.take("-");
        if !negative {
            self.take("+");
        }
        let number = self.read(expected, |token| Number::read(negative, token));
        if number.is_err() {
            self.at = start;
            return Err(self.expected(expected));
        }
        number
    }

    /// A register of the width, or an immediate.
    pub(super) fn source(&mut self, width: Width) -> Result<Source> {
        if self.peek().and_then(register).is_some() {
            return Ok(Source::Reg(self.register_like(width)?.reg));
        }
        let expected = match width {
            Width::Bits32 => "a 32-bit register or a number",
            Width::Bits64 => "a 64-bit register or a number",
        };
        Ok(Source::Imm(self.number(expected)?.imm()?))
    }

    /// `(b7)` in front of an instruction, as the kernel prints it, is kept in `opcode`.
    fn opcode(&mut self) -> Result<()> {
        if !self.take("(") {
            return Ok(());
        }
        let read = |token: Token<'t>| {
            let number = u8::from_str_radix(token.text, 16).ok()?;
            (token.text.len() == 2).then_some((number, token))
        };
        self.opcode = Some(self.read("an opcode of two hexadecimal digits", read)?);
        self.sign(")", "`)`")
    }

    fn insn(&mut self) -> Result<Insn> {
        let expected = "an instruction";
        let first = self.peek().ok_or_else(|| self.expected(expected))?;
        if let Some(dst) = register(first) {
            self.at += 1;
            return self.assignment(dst);
        }
        self.at += 1;
        match first.text {
            "*" => self.store(),
            "lock" => self.lock(),
            "store_release" => self.store_release(),
            "if" => self.conditional(),
            "goto" => Ok(Insn::Goto(JumpOffset(self.near_target()?))),
            "may_goto" => Ok(Insn::MayGoto(JumpOffset(self.near_target()?))),
            "gotol" => Ok(Insn::GotoLong(LongOffset(self.far_target()?))),
            "call" => self.call(),
            "exit" => Ok(Insn::Exit),
            _ => {
                self.at -= 1;
                Err(self.expected(expected))
            }
        }
    }

    /// What follows a register at the beginning.
    fn assignment(&mut self, dst: Named<'t>) -> Result<Insn> {
        if self.take("=") {
            return self.value(dst);
        }
        let read =
            |token: Token<'_>| AluOp::ALL.into_iter().find(|op| disasm::alu_op(*op) == token.text);
        let op = self.read("an assignment", read)?;
        let src = self.source(dst.width)?;
        Ok(Insn::Alu(Alu { width: dst.width, op, dst: dst.reg, src }))
    }

    /// What follows `dst =`.
    fn value(&mut self, dst: Named<'t>) -> Result<Insn> {
        let expected = "a value";
        let token = self.peek().ok_or_else(|| self.expected(expected))?;
        let next = self.tokens.list.get(self.at + 1).copied();
        if token.text == "*" {
            self.at += 1;
            return self.load(dst);
        }
        if token.text == "(" {
            self.at += 1;
            return self.sign_extension(dst);
        }
        if token.text == "-" && next.and_then(register).is_some() {
            self.at += 1;
            self.register_like(dst.width)?;
            self.at -= 1;
            self.same_register(dst)?;
            return Ok(Insn::Neg(Neg { width: dst.width, dst: dst.reg }));
        }
        if let Some((kind, bits)) = byte_swap(token.text) {
            self.at += 1;
            self.same_register(dst)?;
            return Ok(Insn::ByteSwap(crate::ByteSwap { kind, bits, dst: dst.reg }));
        }
        if next.is_some_and(|next| next.text == "(") {
            self.at += 2;
            return self.function(dst, token);
        }
        if register(token).is_some() {
            let src = self.source(dst.width)?;
            return Ok(Insn::Mov(Mov { width: dst.width, dst: dst.reg, src }));
        }
        let number = self.number(expected)?;
        // The kernel does not print the `ll`; the opcode tells.
        if self.take("ll") || self.opcode.is_some_and(|(opcode, _)| opcode == LD_IMM64) {
            let value = Imm64::Value(number.imm64()?);
            return Ok(Insn::LoadImm(LoadImm { dst: dst.reg, value }));
        }
        let src = Source::Imm(number.imm()?);
        Ok(Insn::Mov(Mov { width: dst.width, dst: dst.reg, src }))
    }

    /// `(s8)src`, behind the parenthesis.
    fn sign_extension(&mut self, dst: Named<'t>) -> Result<Insn> {
        let extension = self.read("a signed type", |token| {
            let bits = token.text.strip_prefix('s')?;
            let fits = |extension: &SignExtension| {
                extension.width() == dst.width && extension.source_bits().to_string() == bits
            };
            SignExtension::ALL.into_iter().find(fits)
        })?;
        self.sign(")", "`)`")?;
        let src = self.register_like(dst.width)?.reg;
        Ok(Insn::MovSx(MovSx { extension, dst: dst.reg, src }))
    }

    /// `name(…)`, behind the parenthesis.
    fn function(&mut self, dst: Named<'t>, name: Token<'t>) -> Result<Insn> {
        if let Some(insn) = self.memory_function(dst, name)? {
            return Ok(insn);
        }
        let value = match name.text {
            "map_fd" => Imm64::MapFd(Fd(self.argument()?.far()?)),
            "map_idx" => Imm64::MapIdx(FdIndex(self.argument()?.far()?)),
            "map_value" => {
                let map = Fd(self.argument()?.far()?);
                Imm64::MapValue { map, offset: self.next_argument()?.unsigned()? }
            }
            "map_idx_value" => {
                let map = FdIndex(self.argument()?.far()?);
                Imm64::MapIdxValue { map, offset: self.next_argument()?.unsigned()? }
            }
            "btf_id" => {
                let id = BtfId(self.argument()?.far()?);
                let module = Fd(self.optional_argument()?.map_or(Ok(0), Number::far)?);
                Imm64::BtfId { id, module }
            }
            "func" => Imm64::Func(LongOffset(self.far_target()?)),
            _ => {
                self.at -= 2;
                return Err(self.expected("a function"));
            }
        };
        self.sign(")", "`)`")?;
        Ok(Insn::LoadImm(LoadImm { dst: dst.reg, value }))
    }

    pub(super) fn argument(&mut self) -> Result<Number<'t>> {
        self.number("a number")
    }

    pub(super) fn next_argument(&mut self) -> Result<Number<'t>> {
        self.sign(",", "`,`")?;
        self.argument()
    }

    fn optional_argument(&mut self) -> Result<Option<Number<'t>>> {
        if self.take(",") { self.argument().map(Some) } else { Ok(None) }
    }

    fn conditional(&mut self) -> Result<Insn> {
        let lhs = self.register()?;
        let cond = self.read("a comparison", |token| {
            Cond::ALL.into_iter().find(|cond| disasm::condition(*cond) == token.text)
        })?;
        let rhs = self.source(lhs.width)?;
        self.sign("goto", "`goto`")?;
        let offset = JumpOffset(self.near_target()?);
        Ok(Insn::Jump(Jump { width: lhs.width, cond, lhs: lhs.reg, rhs, offset }))
    }

    /// An offset of 16 bits; 0 if it is a label.
    fn near_target(&mut self) -> Result<i16> {
        self.offset()?.map_or(Ok(0), Number::near)
    }

    /// An offset of 32 bits; 0 if it is a label.
    fn far_target(&mut self) -> Result<i32> {
        self.offset()?.map_or(Ok(0), Number::far)
    }

    /// `+1`, `pc+1`, or a label, which is kept in `target`.
    fn offset(&mut self) -> Result<Option<Number<'t>>> {
        let relative = self.take("pc");
        if self.peek().is_some_and(|token| matches!(token.text, "+" | "-")) {
            return self.number("an offset").map(Some);
        }
        if relative {
            return Err(self.expected("an offset"));
        }
        let name = self.word("a label or an offset")?;
        self.target = Some(Target { name });
        Ok(None)
    }

    fn call(&mut self) -> Result<Insn> {
        let token = self.peek().ok_or_else(|| self.expected("a function"))?;
        let hash = self.tokens.list.get(self.at + 1).is_some_and(|token| token.text == "#");
        let callee = if token.text == "kfunc" {
            self.kfunc()?
        } else if hash {
            self.at += 2;
            Callee::Helper(HelperId(self.argument()?.far()?))
        } else if Number::read(false, token).is_some() || token.text == "-" {
            Callee::Helper(HelperId(self.argument()?.far()?))
        } else {
            Callee::Subprogram(LongOffset(self.far_target()?))
        };
        Ok(Insn::Call(callee))
    }

    fn kfunc(&mut self) -> Result<Callee> {
        self.at += 1;
        self.sign("(", "`(`")?;
        let id = BtfId(self.argument()?.far()?);
        let module = KfuncModule(self.optional_argument()?.map_or(Ok(0), Number::near)?);
        self.sign(")", "`)`")?;
        Ok(Callee::Kfunc { id, module })
    }
}

/// `be16` and its like.
fn byte_swap(name: &str) -> Option<(SwapKind, SwapBits)> {
    let kinds = [("le", SwapKind::ToLe), ("be", SwapKind::ToBe), ("bswap", SwapKind::Always)];
    kinds.into_iter().find_map(|(prefix, kind)| {
        let number = name.strip_prefix(prefix)?;
        let bits = SwapBits::ALL.into_iter().find(|bits| bits.bits().to_string() == number)?;
        Some((kind, bits))
    })
}
