//! Where a text can be cut at file scope. What lies between two cuts is masked, parsed and kept by itself.

use text::Span;

use crate::lexer::{Scan, Token, TokenKind, offset, scan};
use crate::mask::conditional::{self, Live};
use crate::mask::structure::{NONE, pair};
use crate::mask::words::{Word, word};

/// A text cut into parts that end behind a `;` or a body at file scope.
pub(crate) struct Outline {
    /// The tokens that count, without directives.
    tokens: Vec<Token>,
    /// Comments, in order.
    pub(crate) comments: Vec<Span>,
    /// Preprocessor lines, in order.
    directives: Vec<Span>,
    /// Branches that are left out, in order.
    inactive: Vec<Span>,
    /// Constants that nothing closes, in order.
    unclosed: Vec<Span>,
    /// The parts: they cover the text.
    pub(crate) parts: Vec<Span>,
}

/// What an [`Outline`] knows about one part, with offsets into the part.
pub(crate) struct Contents {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Span>,
    pub(crate) directives: Vec<Span>,
    pub(crate) unclosed: Vec<Span>,
}

impl Outline {
    /// Cuts `text`.
    pub(crate) fn new(text: &str) -> Self {
        let Scan { tokens, comments, unclosed } = scan(text);
        let directives = conditional::directive_spans(&tokens);
        let Live { tokens, inactive } = conditional::select(text, &tokens);
        let parts = parts(text, &tokens);
        Self { tokens, comments, directives, inactive, unclosed, parts }
    }

    /// Preprocessor lines outside branches that are left out.
    pub(crate) fn live_directives(&self) -> impl Iterator<Item = Span> {
        self.directives.iter().copied().filter(|span| {
            let hole = self.inactive.partition_point(|hole| hole.end <= span.start);
            !self.inactive.get(hole).is_some_and(|hole| hole.contains(*span))
        })
    }

    /// The branches that are left out in a part, with offsets into the part.
    pub(crate) fn inactive_in(&self, part: Span) -> Vec<Span> {
        inside(&self.inactive, part)
    }

    /// What stands in a part.
    pub(crate) fn contents(&self, part: Span) -> Contents {
        let from = self.tokens.partition_point(|token| token.span.start < part.start);
        let len = self.tokens[from..].partition_point(|token| token.span.start < part.end);
        let tokens = self.tokens[from..from + len].iter();
        Contents {
            tokens: tokens
                .map(|token| Token { kind: token.kind, span: relative(token.span, part) })
                .collect(),
            comments: inside(&self.comments, part),
            directives: inside(&self.directives, part),
            unclosed: inside(&self.unclosed, part),
        }
    }
}

fn relative(span: Span, part: Span) -> Span {
    Span::new(span.start.saturating_sub(part.start), span.end.min(part.end) - part.start)
}

/// Those of the sorted `spans` that lie in `part`, with offsets into it.
fn inside(spans: &[Span], part: Span) -> Vec<Span> {
    let from = spans.partition_point(|span| span.end <= part.start);
    let len = spans[from..].partition_point(|span| span.start < part.end);
    spans[from..from + len].iter().map(|span| relative(*span, part)).collect()
}

fn parts(text: &str, tokens: &[Token]) -> Vec<Span> {
    let cutter = Cutter { text, tokens, pairs: pair(text, tokens) };
    let mut parts = Vec::new();
    let mut start = 0;
    for cut in cutter.cuts() {
        parts.push(Span::new(start, cut));
        start = cut;
    }
    parts.push(Span::new(start, offset(text.len())));
    parts
}

struct Cutter<'t> {
    text: &'t str,
    tokens: &'t [Token],
    pairs: Vec<usize>,
}

impl Cutter<'_> {
    /// Offsets behind each `;` and body at file scope.
    fn cuts(&self) -> Vec<u32> {
        let mut cuts = Vec::new();
        // The tokens of the item so far, without attributes and what is in brackets.
        let mut item: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if let Some(end) = self.attribute(at) {
                at = end + 1;
                continue;
            }
            let close = self.pairs[at];
            let last = if close != NONE && close > at { close } else { at };
            let ends = match self.tokens[at].kind {
                TokenKind::Punct(b';') => true,
                TokenKind::Punct(b'{') => self.is_body(&item),
                _ => false,
            };
            if ends {
                cuts.push(self.tokens[last].span.end);
                item.clear();
            } else {
                item.push(at);
                if last > at {
                    item.push(last);
                }
            }
            at = last + 1;
        }
        cuts
    }

    /// The last token of the attribute at `at`, if there is one.
    fn attribute(&self, at: usize) -> Option<usize> {
        let attribute = matches!(
            self.word(at),
            Word::Section | Word::Attribute | Word::AttributeCall | Word::OddQualifier
        );
        if !attribute {
            return None;
        }
        let open = at + 1;
        let call =
            self.tokens.get(open).is_some_and(|next| next.is(b'(')) && self.pairs[open] != NONE;
        Some(if call { self.pairs[open] } else { at })
    }

    fn word(&self, at: usize) -> Word {
        let token = self.tokens[at];
        if token.kind == TokenKind::Ident { word(token.span.text(self.text)) } else { Word::Plain }
    }

    /// Whether a `{` behind these tokens opens the body of a function or block, which ends the item. Bodies of
    /// records and initialisers do not: a `;` follows.
    fn is_body(&self, item: &[usize]) -> bool {
        let Some((&before, rest)) = item.split_last() else { return true };
        match self.tokens[before].kind {
            TokenKind::Punct(b')') => {
                // In front of the parentheses: the name of a function, or what makes them something else.
                let head = rest.split_last().and_then(|(_, front)| front.last());
                head.is_some_and(|&head| {
                    let name = self.tokens[head].kind == TokenKind::Ident
                        && !matches!(self.word(head), Word::Statement | Word::Sizeof | Word::Case);
                    name && !self.is_tag_call(rest) || self.tokens[head].is(b')')
                })
            }
            TokenKind::Punct(b'=' | b',' | b'[' | b']') => false,
            TokenKind::Ident => !self.has_tag(item),
            _ => true,
        }
    }

    /// `struct MARK(x) {`: parentheses directly behind a tag are no parameters. `rest` ends in the `(`.
    fn is_tag_call(&self, rest: &[usize]) -> bool {
        matches!(rest, [.., tag, _, _] if matches!(self.word(*tag), Word::Record | Word::Enum))
    }

    /// `struct {`, `struct name {`, `struct MARK name {`, `enum name : u8 {`.
    fn has_tag(&self, item: &[usize]) -> bool {
        for &at in item.iter().rev().take(5) {
            let word = self.word(at);
            if matches!(word, Word::Record | Word::Enum) {
                return true;
            }
            let passes = self.tokens[at].kind == TokenKind::Ident || self.tokens[at].is(b':');
            if !passes || word.is_statement() {
                return false;
            }
        }
        false
    }
}
