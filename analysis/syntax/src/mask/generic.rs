//! Rules that know no names. They look at shape and place, and leave alone what they are not sure of.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use text::Span;

use crate::lexer::span;
use crate::mask::specifiers::{Run, is_mark};
use crate::mask::structure::{Brace, NONE};
use crate::mask::words::Word;
use crate::mask::{MaskKind, Masker};

/// What the tokens at hand are part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// File scope.
    File,
    /// Members of a record.
    Record,
    /// Enumerators.
    Enum,
    /// Statements.
    Code,
    /// Parameters of a declarator.
    Params,
    /// An expression or initialiser.
    Expr,
}

/// How far a `case` label is searched for its colon.
const MAX_CASE_TOKENS: usize = 64;

/// How far the width of a bit-field is searched for its end.
const MAX_WIDTH_TOKENS: usize = 32;

/// How many tokens of casts in a row are looked at together.
const MAX_CAST_TOKENS: usize = 24;

impl Masker<'_> {
    /// Applies all rules without name tables.
    pub(super) fn generic(&mut self) {
        // Brackets that are open, innermost last: the index that closes each, and what is inside.
        let mut open: Vec<(usize, Place)> = Vec::new();
        // Arguments that are dealt with: first and last token.
        let mut skip: FxHashMap<usize, usize> = FxHashMap::default();
        let mut starts = true;
        let mut at = 0;
        while at < self.stream.len() {
            while open.last().is_some_and(|(close, _)| *close <= at) {
                open.pop();
            }
            let place = open.last().map_or(Place::File, |(_, place)| *place);
            if let Some(end) = skip.get(&at) {
                at = end + 1;
                continue;
            }
            if starts && let Some(next) = self.item(at, place) {
                at = next;
                continue;
            }
            if starts && let Some(next) = self.specifiers(at, place) {
                at = next;
                starts = false;
                continue;
            }
            if self.stream.word(at) == Word::Typeof
                && let Some(end) = self.type_of(at)
            {
                at = end + 1;
                starts = false;
                continue;
            }
            if matches!(place, Place::Code | Place::Expr)
                && let Some(end) = self.casts(at)
            {
                at = end + 1;
                starts = false;
                continue;
            }
            self.word_rules(at, place);
            if self.stream.pairs[at] != NONE && self.stream.pairs[at] > at {
                let inside = self.inside(at, place);
                if inside == Place::Expr && self.stream.is(at, b'(') && self.is_call(at, place) {
                    skip.extend(self.arguments(at));
                }
                open.push((self.stream.pairs[at], inside));
            }
            starts = self.starts_item(at, place);
            at += 1;
        }
    }

    /// What the bracket at `at` encloses.
    fn inside(&self, at: usize, place: Place) -> Place {
        match self.stream.braces[at] {
            Brace::Record => Place::Record,
            Brace::Enum => Place::Enum,
            Brace::Function | Brace::Block => Place::Code,
            Brace::Init => Place::Expr,
            Brace::File => Place::File,
            Brace::No if self.stream.is(at, b'(') && self.is_parameters(at, place) => Place::Params,
            Brace::No => Place::Expr,
        }
    }

    /// Whether the `(` at `at` opens parameters of a declarator rather than arguments.
    fn is_parameters(&self, at: usize, place: Place) -> bool {
        match place {
            Place::Params => true,
            Place::File | Place::Record => !self.is_call(at, place),
            _ => false,
        }
    }

    /// Whether the `(` at `at` opens the arguments of a call.
    fn is_call(&self, at: usize, place: Place) -> bool {
        let Some(callee) = at.checked_sub(1) else { return false };
        if !self.stream.is_ident(callee) {
            return false;
        }
        if !matches!(
            self.stream.word(callee),
            Word::Plain | Word::Loop | Word::Offsetof | Word::Attribute
        ) {
            return false;
        }
        let Some(before) = callee.checked_sub(1) else { return false };
        if self.stream.is_ident(before) {
            return self.stream.word(before).is_statement()
                || self.stream.word(before) == Word::Sizeof;
        }
        match place {
            Place::File | Place::Record => {
                [b'=', b'(', b'[', b'+', b'-', b'/', b'&', b'|', b'<', b'>', b'!', b'~', b'?', b':']
                    .iter()
                    .any(|byte| self.stream.is(before, *byte))
            }
            Place::Params | Place::Enum => !self.stream.is(before, b','),
            Place::Code | Place::Expr => true,
        }
    }

    /// Whether a declaration, statement or parameter starts behind the token at `at`.
    fn starts_item(&self, at: usize, place: Place) -> bool {
        if self.stream.is(at, b'{') {
            return !matches!(self.stream.braces[at], Brace::Init | Brace::No);
        }
        if self.stream.is(at, b'}') {
            let open = self.stream.pairs[at];
            return open == NONE
                || matches!(
                    self.stream.braces[open],
                    Brace::Function | Brace::Block | Brace::File
                );
        }
        if self.stream.is(at, b'(') && self.inside(at, place) == Place::Params {
            return true;
        }
        match place {
            Place::File | Place::Record => self.stream.is(at, b';'),
            Place::Code => {
                self.stream.is(at, b';')
                    || self.stream.is(at, b':')
                    || self.statement_ends.contains(&at)
                    || self.stream.word(at) == Word::Before
                    || self.stream.is(at, b')') && self.ends_head(at)
            }
            Place::Params | Place::Enum => self.stream.is(at, b','),
            Place::Expr => false,
        }
    }

    /// Rules for the start of a declaration or statement. The index where to go on if something was masked.
    fn item(&mut self, at: usize, place: Place) -> Option<usize> {
        let nothing = at > 0 && (self.stream.is(at - 1, b';') || self.stream.is(at - 1, b'{'));
        if place == Place::Record && nothing && self.stream.is(at, b';') {
            self.erase(at, at, MaskKind::Empty);
            return Some(at + 1);
        }
        if !self.stream.is_ident(at) {
            return None;
        }
        match place {
            Place::File => self.file_macro(at),
            Place::Record => self.record_macro(at),
            Place::Code => self.statement_macro(at),
            Place::Enum => self.enum_macro(at),
            Place::Params | Place::Expr => None,
        }
    }

    /// `NAME(…)` among enumerators, with its comma.
    fn enum_macro(&mut self, at: usize) -> Option<usize> {
        let close = self.stream.parens(at + 1)?;
        let end = close + usize::from(self.stream.is(close + 1, b','));
        self.erase(at, end, MaskKind::MacroCall);
        Some(end + 1)
    }

    /// `NAME(…)` where a declaration starts, unless it may be the declarator of a function.
    fn file_macro(&mut self, at: usize) -> Option<usize> {
        if self.stream.word(at) != Word::Plain {
            return None;
        }
        let close = self.stream.parens(at + 1)?;
        let next = close + 1;
        if self.stream.is(next, b'{') {
            self.implicit_int(at);
            return None;
        }
        let goes_on = self.stream.tokens.get(next).is_some_and(|_| {
            !self.stream.is(next, b';')
                && !self.stream.is(next, b'}')
                && !self.stream.is_ident(next)
        });
        if goes_on {
            return None;
        }
        self.erase(at, close, MaskKind::MacroCall);
        Some(next)
    }

    /// `NAME(…) {` where a declaration starts: an `int` goes where attributes were blanked in front of it.
    fn implicit_int(&mut self, at: usize) {
        let start = self.stream.tokens[at].span.start as usize;
        let from =
            at.checked_sub(1).map_or(0, |before| self.stream.tokens[before].span.end as usize);
        // One blank in front too, so that the word stands alone.
        if let Some(place) = self.buffer.blanks(from..start, 3)
            && self.buffer.put(place, b"int")
        {
            self.record(span(place, place + 3), MaskKind::ImplicitInt);
        }
    }

    /// `NAME(…);` among the members of a record.
    fn record_macro(&mut self, at: usize) -> Option<usize> {
        if self.stream.word(at) != Word::Plain {
            return None;
        }
        let close = self.stream.parens(at + 1)?;
        if !self.stream.is(close + 1, b';') {
            return None;
        }
        self.replace(at, close, b"int", MaskKind::RecordMacro).then_some(close + 1)
    }

    /// `NAME(…) {` and `NAME for (…)` where a statement starts.
    fn statement_macro(&mut self, at: usize) -> Option<usize> {
        let word = self.stream.word(at);
        if !matches!(word, Word::Plain | Word::Loop) {
            return None;
        }
        if word == Word::Plain
            && self.stream.word(at + 1).is_statement()
            && self.stream.word(at + 1) != Word::Case
        {
            self.erase(at, at, MaskKind::SurplusWord);
            return Some(at + 1);
        }
        let close = self.stream.parens(at + 1)?;
        if word == Word::Loop || self.stream.is(close + 1, b'{') {
            self.loop_macro(at, close);
        } else if self.stream.is_ident(close + 1) || self.stream.is(close + 1, b'}') {
            match self.indent_behind(at, close) {
                Some(Ordering::Greater) => self.loop_macro(at, close),
                Some(_) => self.bare_call(at, close),
                None => {}
            }
        }
        None
    }

    /// How far the line of the token behind `close` is indented compared to the one of `at`; `None` if that token does
    /// not start a line.
    fn indent_behind(&self, at: usize, close: usize) -> Option<Ordering> {
        let text = self.stream.text.as_bytes();
        let column = |token: usize| {
            let start = self.stream.tokens[token].span.start as usize;
            let line = memchr::memrchr(b'\n', &text[..start]).map_or(0, |at| at + 1);
            text[line..start].trim_ascii().is_empty().then_some(start - line)
        };
        Some(column(close + 1)?.cmp(&column(at)?))
    }

    /// `NAME(a, b)` without a semicolon becomes `a, b;`.
    fn bare_call(&mut self, at: usize, close: usize) {
        if self.stream.is(at + 2, b'{') {
            return;
        }
        self.statement_ends.insert(close);
        let (name, open) = (self.stream.tokens[at].span, self.stream.tokens[at + 1].span);
        self.buffer.blank(name.cover(open).range());
        self.buffer.put(self.stream.tokens[close].span.start as usize, b";");
        let span = self.stream.span(at, close);
        self.record(span, MaskKind::StatementMacro(name));
    }

    /// `NAME(a, b)` becomes `while (a, b)`, or `if  (a, b)` if the name is too short for that.
    fn loop_macro(&mut self, at: usize, close: usize) {
        self.statement_ends.insert(close);
        let name = self.stream.tokens[at].span;
        let kind = MaskKind::LoopMacro(name);
        let keyword: &[u8] = if name.len() >= 5 { b"while" } else { b"if" };
        if close == at + 2 {
            let whole: &[u8] = if name.len() >= 6 { b"while(1)" } else { b"if(1)" };
            self.replace(at, close, whole, kind);
        } else if name.len() as usize >= keyword.len() {
            self.buffer.blank(name.range());
            self.buffer.put(name.start as usize, keyword);
            let span = self.stream.span(at, close);
            self.record(span, kind);
        }
    }

    /// Erases what the grammar of declarations has no place for. The index where to go on if that is not the next token.
    fn specifiers(&mut self, at: usize, place: Place) -> Option<usize> {
        if matches!(place, Place::Enum | Place::Expr) {
            return None;
        }
        self.tag_mark(at);
        let run = Run::read(&self.stream, at)?;
        for surplus in run.surplus(&self.stream) {
            self.erase(surplus, surplus, MaskKind::SurplusWord);
        }
        let unnamed = place == Place::Record && self.stream.is(run.end, b':') && run.is_unnamed();
        if unnamed { self.unnamed_bits(run.end) } else { None }
    }

    /// `struct MARK name {`: all but the last identifier.
    fn tag_mark(&mut self, at: usize) {
        let mut head = at;
        while matches!(self.stream.word(head), Word::Storage | Word::Qualifier) {
            head += 1;
        }
        if self.stream.word(head) != Word::Record {
            return;
        }
        let mut end = head + 1;
        while self.stream.is_ident(end) && self.stream.word(end) == Word::Plain {
            end += 1;
        }
        if self.stream.is(end, b'{') {
            for mark in head + 1..end.saturating_sub(1) {
                self.erase(mark, mark, MaskKind::SurplusWord);
            }
        }
    }

    /// `u32 :5, :1, a:2;`: widths without names at the start are erased with their commas.
    fn unnamed_bits(&mut self, colon: usize) -> Option<usize> {
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
    fn more_unnamed_bits(&mut self, comma: usize) {
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

    /// Rules for words that stand anywhere in their place.
    fn word_rules(&mut self, at: usize, place: Place) {
        match self.stream.word(at) {
            Word::Enum => self.enum_base(at),
            Word::Storage if self.stream.str(at) == "typedef" => self.note_typedef(at),
            Word::Case if place == Place::Code => self.case_range(at),
            _ => {}
        }
        if matches!(place, Place::File | Place::Record) && self.stream.is(at, b']') {
            self.mark_behind_array(at + 1);
        }
        if place == Place::File && self.stream.is(at, b')') {
            self.marks_behind_parameters(at);
        }
        if place == Place::Record && self.stream.is(at, b',') && self.stream.is(at + 1, b':') {
            self.more_unnamed_bits(at);
        }
    }

    /// `int a[3] MARK;`: no name can stand there.
    fn mark_behind_array(&mut self, at: usize) {
        let ends = [b';', b',', b'='].iter().any(|byte| self.stream.is(at + 1, *byte));
        if ends && self.stream.is_ident(at) && self.stream.word(at) == Word::Plain {
            self.erase(at, at, MaskKind::SurplusWord);
        }
    }

    /// `int f(void) __MARK;`: words behind the parameters of a prototype. The parenthesis must follow a name: the one of
    /// `= (void *)__x;` does not.
    fn marks_behind_parameters(&mut self, close: usize) {
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
    fn enum_base(&mut self, at: usize) {
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
    fn case_range(&mut self, at: usize) {
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
    fn note_typedef(&mut self, at: usize) {
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
    fn casts(&mut self, at: usize) -> Option<usize> {
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
            || self.typedefs.contains(name);
        known
            && self.stream.is(at, b'(')
            && self.stream.is_ident(at + 1)
            && self.stream.is(at + 2, b')')
    }

    /// `typeof(…)` becomes `int`; the index of the closing parenthesis.
    fn type_of(&mut self, at: usize) -> Option<usize> {
        let close = self.stream.parens(at + 1)?;
        let (open, end) = (self.stream.tokens[at + 1].span, self.stream.tokens[close].span);
        let operand = Span::new(open.end, end.start);
        self.replace(at, close, b"int", MaskKind::Typeof(operand)).then_some(close)
    }
}
