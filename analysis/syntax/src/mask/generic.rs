//! Rules that know no names. They look at shape and place, and leave alone what they are not sure of.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::lexer::span;
use crate::mask::specifiers::Run;
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
}
