//! Rules that go by names: sections, attributes, map members, loops, `asm`.

use text::Span;

use crate::lexer::TokenKind;
use crate::mask::structure::NONE;
use crate::mask::words::{MapMacro, Word};
use crate::mask::{MaskKind, Masker};

impl Masker<'_> {
    /// Applies all rules that go by names. Tokens that are dealt with leave the stream.
    pub(super) fn tables(&mut self) {
        let mut gone = vec![false; self.stream.len()];
        let mut at = 0;
        while at < self.stream.len() {
            let done = match self.stream.word(at) {
                Word::Section => self.section(at),
                Word::Attribute | Word::AttributeCall
                    if !self.is_member(at) && !self.is_declared(at) =>
                {
                    Some(self.attribute(at))
                }
                Word::OddQualifier => Some(self.attribute(at)),
                Word::OddSigned => {
                    self.replace(at, at, b"signed", MaskKind::Spelling).then_some((at, at))
                }
                Word::Asm => self.asm(at),
                Word::Map(which) => {
                    self.map_member(at, which);
                    None
                }
                _ => None,
            };
            if let Some((from, to)) = done {
                gone[from..=to].fill(true);
                at = to;
            }
            at += 1;
        }
        self.stream.compact(&gone);
    }

    fn is_member(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| {
            self.stream.is(before, b'.')
                || self.stream.is(before, b'>') && before > 0 && self.stream.is(before - 1, b'-')
        })
    }

    /// Whether the attribute word at `at` is the name that a declaration declares: `char __unused[4];`.
    fn is_declared(&self, at: usize) -> bool {
        if self.stream.is(at + 1, b'[') && !self.stream.is(at + 2, b'[') {
            return true;
        }
        let typed = at.checked_sub(1).is_some_and(|before| {
            matches!(self.stream.word(before), Word::BaseType | Word::Typedef)
                || self.stream.is(before, b'*')
        });
        typed && [b';', b',', b'=', b':', b')'].iter().any(|byte| self.stream.is(at + 1, *byte))
    }

    /// `SEC(…)`. This and the next two return the first and last token that are dealt with.
    fn section(&mut self, at: usize) -> Option<(usize, usize)> {
        let close = self.stream.parens(at + 1)?;
        let strings = close > at + 2
            && (at + 2..close).all(|at| self.stream.tokens[at].kind == TokenKind::Str);
        let value = strings.then(|| self.stream.span(at + 2, close - 1));
        self.erase(at, close, MaskKind::Section(value));
        Some((at, close))
    }

    fn attribute(&mut self, at: usize) -> (usize, usize) {
        let end = match self.stream.word(at) {
            Word::AttributeCall => self.stream.parens(at + 1).unwrap_or(at),
            _ => at,
        };
        self.erase(at, end, MaskKind::Attribute);
        (at, end)
    }

    /// `__uint(n, v)` becomes `int    n[ v]`, the others `__type(   T)`: offsets of value and type stay.
    fn map_member(&mut self, at: usize, which: MapMacro) {
        let starts = at.checked_sub(1).is_none_or(|before| {
            [b'{', b';', b'}'].iter().any(|byte| self.stream.is(before, *byte))
        });
        let Some(close) = self.stream.parens(at + 1).filter(|_| starts) else { return };
        let named = self.stream.is_ident(at + 2) && self.stream.is(at + 3, b',') && close > at + 4;
        if !named {
            return;
        }
        let tokens = &self.stream.tokens;
        let (head, open, name, comma) =
            (tokens[at].span, tokens[at + 1].span, tokens[at + 2].span, tokens[at + 3].span);
        let end = tokens[close].span;
        let value = self.stream.span(at + 4, close - 1);
        if which == MapMacro::Uint {
            self.buffer.blank(Span::new(head.start, open.end).range());
            self.buffer.put(head.start as usize, b"int");
            self.buffer.put(comma.start as usize, b"[");
            self.buffer.put(end.start as usize, b"]");
        } else {
            self.buffer.blank(name.cover(comma).range());
        }
        self.record(head.cover(end), MaskKind::MapMember { which, name, value });
    }

    /// `asm volatile ("…" : … : …)` becomes `asm volatile (""   )`; behind a declarator it is erased.
    fn asm(&mut self, at: usize) -> Option<(usize, usize)> {
        let mut open = at + 1;
        let mut jumps = false;
        while let "volatile" | "__volatile__" | "__volatile" | "inline" | "goto" =
            self.stream.str(open)
        {
            jumps |= self.stream.str(open) == "goto";
            open += 1;
        }
        let close = self.stream.parens(open)?;
        let in_declarator = at.checked_sub(1).is_some_and(|before| {
            self.stream.is_ident(before) && !self.stream.word(before).is_statement()
                || self.stream.is(before, b']')
                || self.stream.is(before, b')') && !self.ends_head(before)
        });
        if in_declarator {
            self.erase(at, close, MaskKind::Attribute);
            return Some((at, close));
        }
        let string = (open + 1..close).find(|&at| {
            let token = self.stream.tokens[at];
            token.kind == TokenKind::Str && token.span.len() >= 2
        })?;
        let place = self.stream.tokens[string].span.start as usize;
        if !self.buffer.fits(place, 2) {
            return None;
        }
        let tokens = &self.stream.tokens;
        let (head, from, to) = (tokens[at].span, tokens[open].span, tokens[close].span);
        self.buffer.blank(Span::new(head.end, from.start).range());
        self.buffer.blank(Span::new(from.end, to.start).range());
        self.buffer.put(place, b"\"\"");
        self.record(head.cover(to), MaskKind::Asm { jumps });
        Some((open + 1, close - 1))
    }

    /// Whether the `)` at `close` ends the head of `if`, `while`, `for` or `switch`.
    pub(super) fn ends_head(&self, close: usize) -> bool {
        let open = self.stream.pairs[close];
        open != NONE && open.checked_sub(1).is_some_and(|head| self.stream.word(head) == Word::Head)
    }
}
