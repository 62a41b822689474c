//! Records before their layout: the definition, and what its text says beyond the syntax tree.

use std::sync::Arc;

use syntax::ast::{Member, Name, RecordType, Type};
use syntax::{Token, TokenKind, lex};
use text::Span;

/// What is known of a structure or union before its layout.
#[derive(Debug)]
pub(crate) struct RecordNode {
    pub(crate) is_union: bool,
    pub(crate) tag: Option<Name>,
    /// The members; nothing for a record that is only declared, or has several definitions that differ.
    pub(crate) body: Option<RecordType>,
    /// The limit of `#pragma pack` in force at the definition, in bytes.
    pub(crate) pack: Option<u64>,
    /// The text that the spans of the definition point into.
    pub(crate) source: Option<Source>,
    pub(crate) marks: Marks,
}

/// A text, and where in it offset 0 lies.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) text: Arc<str>,
    pub(crate) base: u32,
}

impl Source {
    fn slice(&self, span: Span) -> &str {
        let at = |offset: u32| offset.saturating_add(self.base);
        Span::new(at(span.start), at(span.end)).text(&self.text)
    }
}

/// What the text of a definition says about its layout that the syntax tree does not.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Members from here on have no known place: they depend on a condition of the preprocessor, or
    /// something in front of them could not be read.
    unknown_from: Option<u32>,
    /// Attributes of members, by the range of their declaration.
    attributes: Vec<(Span, MemberMark)>,
}

/// Attributes of a member.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemberMark {
    pub(crate) packed: bool,
    pub(crate) aligned: Aligned,
}

/// `aligned(n)` of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Aligned {
    /// Not there.
    #[default]
    No,
    /// To this many bytes.
    To(u64),
    /// To a number that is not written as one.
    Unknown,
}

impl RecordNode {
    /// A record without a definition.
    pub(crate) fn incomplete(is_union: bool, tag: Name) -> RecordNode {
        let (body, pack, source) = (None, None, None);
        RecordNode { is_union, tag: Some(tag), body, pack, source, marks: Marks::default() }
    }

    /// The record that `body` defines. `errors` are the ranges of `source` that could not be read.
    pub(crate) fn defined(
        body: RecordType,
        pack: Option<u64>,
        source: Source,
        errors: &[Span],
    ) -> RecordNode {
        let marks = Marks::read(&body, &source, errors);
        let (is_union, tag) = (body.is_union, body.tag.clone());
        RecordNode { is_union, tag, body: Some(body), pack, source: Some(source), marks }
    }
}

impl RecordNode {
    /// Whether the definition leaves the place of a member open.
    pub(crate) fn is_doubtful(&self) -> bool {
        let members =
            self.body.as_ref().and_then(|body| body.members.as_deref()).unwrap_or_default();
        let by_macro = |member: &Member| member.map.is_none() && member.ty == Type::Unknown;
        self.marks.any_unknown() || members.iter().any(by_macro)
    }
}

impl Marks {
    fn read(record: &RecordType, source: &Source, errors: &[Span]) -> Marks {
        let mut marks = Marks::default();
        let inside = errors.iter().filter(|error| record.span.contains(**error));
        marks.unknown_from = inside.map(|error| error.start).min();
        let text = source.slice(record.span);
        // A definition made by a macro has spans that lead elsewhere.
        let is_here = text.starts_with("struct") || text.starts_with("union");
        if is_here && ["#", "aligned", "packed"].iter().any(|word| text.contains(word)) {
            Reader { text, start: record.span.start, tokens: lex(text), marks: &mut marks }.read();
        }
        marks
    }

    /// Whether the place of the member at `span` is in doubt.
    pub(crate) fn is_unknown(&self, span: Span) -> bool {
        self.unknown_from.is_some_and(|from| from <= span.start)
    }

    /// Whether the place of any member is in doubt.
    pub(crate) fn any_unknown(&self) -> bool {
        self.unknown_from.is_some()
    }

    /// The attributes of the member at `span`.
    pub(crate) fn of_member(&self, span: Span) -> MemberMark {
        let found = self.attributes.iter().find(|(range, _)| range.contains_offset(span.start));
        found.map(|(_, mark)| *mark).unwrap_or_default()
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Where `text` starts, in the offsets of the definition.
    start: u32,
    tokens: Vec<Token>,
    marks: &'a mut Marks,
}

impl Reader<'_> {
    fn read(mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        for token in tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
            if self.is_condition(*token) {
                let at = self.start.saturating_add(token.span.start);
                self.marks.unknown_from =
                    Some(self.marks.unknown_from.map_or(at, |from| from.min(at)));
            }
        }
        let mut depth = 0usize;
        let mut first = 0;
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Punct(b'{') => {
                    depth += 1;
                    if depth == 1 {
                        first = at + 1;
                    }
                }
                TokenKind::Punct(b'}') => depth = depth.saturating_sub(1),
                TokenKind::Punct(b';') if depth == 1 => {
                    self.member(&tokens[first..at]);
                    first = at + 1;
                }
                _ => {}
            }
        }
    }

    /// Whether a directive makes members depend on what is defined elsewhere. The byte order does not: it
    /// changes the order of bit-fields within their bytes only.
    fn is_condition(&self, token: Token) -> bool {
        let line = token.span.text(self.text).trim_start_matches('#').trim_start();
        let condition = line.strip_prefix("if").map(str::trim);
        condition
            .is_some_and(|condition| !line.contains("ENDIAN") && !matches!(condition, "0" | "1"))
    }

    /// Notes the attributes in the tokens of one declaration of members.
    fn member(&mut self, tokens: &[Token]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let mut mark = MemberMark::default();
        let (mut braces, mut parens, mut several, mut of_type) = (0usize, 0usize, false, false);
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Punct(b'{') => braces += 1,
                TokenKind::Punct(b'}') => {
                    braces = braces.saturating_sub(1);
                    // Attributes directly behind a nested record are the record's own.
                    of_type = braces == 0;
                }
                _ if braces > 0 => {}
                TokenKind::Punct(b'(') => parens += 1,
                TokenKind::Punct(b')') => parens = parens.saturating_sub(1),
                TokenKind::Punct(b',') => several |= parens == 0,
                TokenKind::Ident => {
                    let word = token.span.text(self.text);
                    let attribute = parens > 0 || word.starts_with("__");
                    of_type &= attribute;
                    if attribute && !of_type {
                        self.attribute(word, &tokens[at + 1..], &mut mark);
                    }
                }
                _ => of_type &= parens > 0,
            }
        }
        if several && (mark.packed || mark.aligned != Aligned::No) {
            mark.aligned = Aligned::Unknown;
        }
        if mark.packed || mark.aligned != Aligned::No {
            let range = first.span.cover(last.span);
            let at = |offset: u32| self.start.saturating_add(offset);
            self.marks.attributes.push((Span::new(at(range.start), at(range.end)), mark));
        }
    }

    fn attribute(&self, word: &str, behind: &[Token], mark: &mut MemberMark) {
        match word.trim_matches('_') {
            "packed" => mark.packed = true,
            "aligned" => {
                let number = match behind {
                    [open, number, close, ..] if open.is(b'(') && close.is(b')') => {
                        number.span.text(self.text).parse().ok()
                    }
                    _ => None,
                };
                mark.aligned = number.map_or(Aligned::Unknown, Aligned::To);
            }
            // `____cacheline_aligned` and its like, but not a type such as `__aligned_u64`.
            other if other.contains("aligned") && !other.starts_with("aligned") => {
                mark.aligned = Aligned::Unknown;
            }
            _ => {}
        }
    }
}
