//! Generic rules for single constructs; [`super::generic`] decides where they apply.

use text::Span;

use crate::mask::specifiers::is_mark;
use crate::mask::structure::NONE;
use crate::mask::words::Word;
use crate::mask::{MaskKind, Masker};

/// How far a `case` label is searched for its colon.
const MAX_CASE_TOKENS: usize = 64;

/// How far the width of a bit-field is searched for its end.
const MAX_WIDTH_TOKENS: usize = 32;

/// How many tokens of casts in a row are looked at together.
const MAX_CAST_TOKENS: usize = 24;

impl Masker<'_> {
    /// `u32 :5, :1, a:2;`: widths without names at the start are erased with their commas.
    pub(super) fn unnamed_bits(&mut self, colon: usize) -> Option<usize> {
        let mut at = colon;
        while self.stream.is(at, b':') {
            let end = self.width_end(at)?;
            let width = self.stream.span(at + 1, end - 1);
            let last = if self.stream.is(end, b',') { end } else { end - 1 };
            self.erase(at, last, MaskKind::UnnamedBits(width));
            at = last + 1;
        }
        Some(at)
    }

    /// `, :5` behind another member.
    pub(super) fn more_unnamed_bits(&mut self, comma: usize) {
        if let Some(end) = self.width_end(comma + 1) {
            let width = self.stream.span(comma + 2, end - 1);
            self.erase(comma, end - 1, MaskKind::UnnamedBits(width));
        }
    }

    /// The token behind the width whose colon is at `colon`.
    fn width_end(&self, colon: usize) -> Option<usize> {
        let limit = (colon + MAX_WIDTH_TOKENS).min(self.stream.len());
        let end =
            (colon + 1..limit).find(|&at| self.stream.is(at, b';') || self.stream.is(at, b','))?;
        (end > colon + 1).then_some(end)
    }

    /// `int a[3] MARK;`: no name can stand there.
    pub(super) fn mark_behind_array(&mut self, at: usize) {
        let ends = [b';', b',', b'='].iter().any(|byte| self.stream.is(at + 1, *byte));
        if ends && self.stream.is_ident(at) && self.stream.word(at) == Word::Plain {
            self.erase(at, at, MaskKind::SurplusWord);
        }
    }

    /// `int f(void) __MARK;`: words behind the parameters of a prototype. The parenthesis must follow a name: the one of
    /// `= (void *)__x;` does not.
    pub(super) fn marks_behind_parameters(&mut self, close: usize) {
        let named = self.stream.pairs[close]
            .checked_sub(1)
            .is_some_and(|name| self.stream.word(name) == Word::Plain);
        let mut end = close + 1;
        while self.stream.is_ident(end) && is_mark(self.stream.str(end)) {
            end += 1;
        }
        let called = named && self.stream.is_ident(self.stream.pairs[close].wrapping_sub(1));
        if called && self.stream.is(end, b';') {
            for mark in close + 1..end {
                self.erase(mark, mark, MaskKind::SurplusWord);
            }
        }
    }

    /// `enum name : u8 {`.
    pub(super) fn enum_base(&mut self, at: usize) {
        let colon = at + 1 + usize::from(self.stream.is_ident(at + 1));
        if !self.stream.is(colon, b':') {
            return;
        }
        let mut end = colon + 1;
        while self.stream.is_ident(end) {
            end += 1;
        }
        if end > colon + 1 && self.stream.is(end, b'{') {
            self.erase(colon, end - 1, MaskKind::EnumBase);
        }
    }

    /// `case a ... b:` becomes `case a ||  b:`.
    pub(super) fn case_range(&mut self, at: usize) {
        let end = (at + MAX_CASE_TOKENS).min(self.stream.len());
        for dots in at + 1..end {
            if self.stream.is(dots, b':') || self.stream.is(dots, b';') {
                return;
            }
            if (0..3).all(|dot| self.stream.is(dots + dot, b'.')) {
                self.replace(dots, dots + 2, b"||", MaskKind::CaseRange);
                return;
            }
        }
    }

    /// Remembers the name that the `typedef` at `at` declares.
    pub(super) fn note_typedef(&mut self, at: usize) {
        let mut end = at + 1;
        while end < self.stream.len() && !self.stream.is(end, b';') {
            let close = self.stream.pairs[end];
            end = if close != NONE && close > end { close + 1 } else { end + 1 };
        }
        if self.stream.is_ident(end - 1) {
            self.typedefs.insert(self.stream.str(end - 1));
        }
    }

    /// `(type)` in front of an operator that has an infix form too, or of a parenthesis: erased, because only a
    /// list of types can tell it from a parenthesised variable. The index of the last token that was erased.
    pub(super) fn casts(&mut self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        if !self.is_cast(at)
            || self.stream.is_ident(before) && !self.stream.word(before).is_statement()
        {
            return None;
        }
        let mut end = at + 3;
        while end < at + MAX_CAST_TOKENS && self.is_cast(end) {
            end += 3;
        }
        let infix = [b'-', b'+', b'*', b'&', b'('].iter().any(|byte| self.stream.is(end, *byte));
        let and = self.stream.is(end, b'&') && self.stream.is(end + 1, b'&');
        if !infix || and {
            return None;
        }
        for open in (at..end).step_by(3) {
            let name = self.stream.tokens[open + 1].span;
            self.erase(open, open + 2, MaskKind::Cast(name));
        }
        Some(end - 1)
    }

    fn is_cast(&self, at: usize) -> bool {
        let name = self.stream.str(at + 1);
        let known = self.stream.word(at + 1) == Word::Typedef
            || name.ends_with("_t")
            || self.typedefs.contains(name)
            || self.types.contains(name);
        known
            && self.stream.is(at, b'(')
            && self.stream.is_ident(at + 1)
            && self.stream.is(at + 2, b')')
    }

    /// `typeof(…)` becomes `int`; the index of the closing parenthesis.
    pub(super) fn type_of(&mut self, at: usize) -> Option<usize> {
        let close = self.stream.parens(at + 1)?;
        let (open, end) = (self.stream.tokens[at + 1].span, self.stream.tokens[close].span);
        let operand = Span::new(open.end, end.start);
        self.replace(at, close, b"int", MaskKind::Typeof(operand)).then_some(close)
    }
}
