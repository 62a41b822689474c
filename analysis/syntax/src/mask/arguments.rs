//! Arguments that are no expressions: types, operators, member paths, statements.

use crate::lexer::TokenKind;
use crate::mask::structure::{NONE, Stream};
use crate::mask::words::Word;
use crate::mask::{MaskKind, Masker};

impl Masker<'_> {
    /// Rewrites the arguments of the call whose `(` is at `open`. Returns the ranges of tokens that are dealt with.
    pub(super) fn arguments(&mut self, open: usize) -> Vec<(usize, usize)> {
        let close = self.stream.pairs[open];
        if close == NONE || open == 0 {
            return Vec::new();
        }
        if self.stream.word(open - 1) == Word::Offsetof {
            return self.member_path(open, close).into_iter().collect();
        }
        self.empty_arguments(open, close);
        let mut done = Vec::new();
        for (from, to) in split(&self.stream, open, close) {
            let kind = if is_type(&self.stream, from, to) {
                MaskKind::TypeArgument
            } else if let Some(control) = is_opaque(&self.stream, from, to) {
                MaskKind::OpaqueArgument { control }
            } else {
                continue;
            };
            if self.replace(from, to, b"0", kind) {
                done.push((from, to));
            }
        }
        done
    }

    /// `f(a, b, )`: a comma with nothing behind it is erased.
    fn empty_arguments(&mut self, open: usize, close: usize) {
        if close > open + 1 && self.stream.is(close - 1, b',') {
            self.erase(close - 1, close - 1, MaskKind::Empty);
        }
    }

    /// `offsetof(T, a.b[1])`: the path becomes one identifier.
    fn member_path(&mut self, open: usize, close: usize) -> Option<(usize, usize)> {
        let (from, to) = *split(&self.stream, open, close).get(1)?;
        if from == to || !self.stream.is_ident(from) {
            return None;
        }
        let span = self.stream.span(from, to);
        let joined = "_".repeat(span.len() as usize);
        let head = self.stream.str(from).len();
        let place = span.start as usize + head;
        if !self.buffer.fits(place, joined.len() - head) {
            return None;
        }
        self.buffer.put(place, &joined.as_bytes()[head..]);
        self.record(span, MaskKind::MemberPath);
        Some((from, to))
    }
}

/// The first and last token of each argument that has one.
fn split(stream: &Stream<'_>, open: usize, close: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut from = open + 1;
    let mut at = from;
    while at <= close {
        if at == close || stream.is(at, b',') {
            if at > from {
                parts.push((from, at - 1));
            }
            from = at + 1;
        } else if stream.pairs[at] != NONE && stream.pairs[at] > at {
            at = stream.pairs[at];
        }
        at += 1;
    }
    parts
}

fn is_type(stream: &Stream<'_>, from: usize, to: usize) -> bool {
    match stream.word(from) {
        Word::Record | Word::Enum | Word::BaseType | Word::Qualifier | Word::Typeof => true,
        // A lone typedef reads as a name, except for the few that the grammar has as keywords.
        Word::Typedef => {
            from == to && is_grammar_type(stream.str(from)) || to > from && stream.is(to, b'*')
        }
        _ => to > from && stream.is(to, b'*') && stream.is_ident(from),
    }
}

fn is_grammar_type(name: &str) -> bool {
    matches!(name, "size_t" | "ssize_t" | "ptrdiff_t" | "intptr_t" | "uintptr_t")
        || name
            .strip_prefix('u')
            .unwrap_or(name)
            .strip_prefix("int")
            .is_some_and(|rest| matches!(rest, "8_t" | "16_t" | "32_t" | "64_t"))
}

/// Whether the argument is no expression, and then whether it holds a statement.
fn is_opaque(stream: &Stream<'_>, from: usize, to: usize) -> Option<bool> {
    if stream.word(from).is_statement() {
        return Some(true);
    }
    let operators = (from..=to).all(|at| {
        let kind = stream.tokens[at].kind;
        matches!(kind, TokenKind::Punct(byte) if !matches!(byte, b'(' | b')' | b'{' | b'}'))
    });
    (operators || stream.is(from, b'[') || stream.is(from, b'.')).then_some(false)
}
