//! What stands around the cursor, found in the text alone, because it is often not a program yet.

use syntax::{Token, TokenKind, lex};
use text::Span;

/// How far back a call or structure is looked for, in bytes.
const WINDOW: usize = 8 * 1024;

/// The identifier that an offset touches.
pub(crate) fn word_at(text: &str, offset: u32) -> Option<Span> {
    let word = Span::new(word_start(text, offset), word_end(text, offset));
    let first = word.text(text).bytes().next()?;
    (!first.is_ascii_digit()).then_some(word)
}

/// Where the identifier that ends at `offset` begins.
pub(crate) fn word_start(text: &str, offset: u32) -> u32 {
    let before = text.as_bytes().get(..offset as usize).unwrap_or_default();
    let length = before.iter().rev().take_while(|byte| is_word(**byte)).count();
    offset.saturating_sub(u32::try_from(length).unwrap_or(0))
}

fn word_end(text: &str, offset: u32) -> u32 {
    let behind = text.as_bytes().get(offset as usize..).unwrap_or_default();
    let length = behind.iter().take_while(|byte| is_word(**byte)).count();
    offset.saturating_add(u32::try_from(length).unwrap_or(0))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether an offset lies in one of the comments, which are in order.
pub(crate) fn in_comment(comments: &[Span], offset: u32) -> bool {
    let next = comments.partition_point(|comment| comment.end < offset);
    comments.get(next).is_some_and(|comment| comment.start < offset && offset <= comment.end)
}

/// A call that is open at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenCall {
    /// The called name.
    pub(crate) name: String,
    /// Its place.
    pub(crate) name_span: Span,
    /// The argument the cursor is in, from 0.
    pub(crate) argument: usize,
    /// The text of the arguments before that one.
    pub(crate) before: Vec<String>,
}

/// What is open at the cursor, from the outside to the inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    /// The innermost call, if nothing else was opened inside it.
    pub(crate) call: Option<OpenCall>,
    /// How many braces are open since the window began, and whether the innermost is that of a structure.
    pub(crate) in_struct: bool,
}

/// Reads the tokens in front of the cursor. Reading starts at `from`, the beginning of a declaration.
pub(crate) fn open_at(text: &str, from: u32, offset: u32) -> Open {
    let from = (from as usize).max((offset as usize).saturating_sub(WINDOW));
    let Some(before) = text.get(from..offset as usize) else { return Open::default() };
    let tokens = lex(before);
    let mut stack: Vec<Bracket> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'(' | b'[') => stack.push(Bracket::call(&tokens, at, before)),
            TokenKind::Punct(b'{') => stack.push(Bracket::brace(&tokens, at, before)),
            TokenKind::Punct(b')' | b']' | b'}') => drop(stack.pop()),
            TokenKind::Punct(b',') => {
                if let Some(open) = stack.last_mut() {
                    open.commas.push(token.span);
                }
            }
            _ => {}
        }
    }
    let in_struct = stack.iter().rev().find(|open| open.brace).is_some_and(|open| open.structure);
    let call = stack.last().and_then(|open| open.as_call(before, from));
    Open { call, in_struct }
}

struct Bracket {
    /// Behind the bracket.
    start: u32,
    name: Option<Span>,
    commas: Vec<Span>,
    brace: bool,
    structure: bool,
}

impl Bracket {
    fn call(tokens: &[Token], at: usize, text: &str) -> Self {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_call = tokens[at].is(b'(');
        let name = before.filter(|token| is_call && token.kind == TokenKind::Ident);
        let name = name.map(|token| token.span).filter(|span| {
            !matches!(span.text(text), "if" | "while" | "for" | "switch" | "return" | "sizeof")
        });
        let start = tokens[at].span.end;
        Self { start, name, commas: Vec::new(), brace: false, structure: false }
    }

    fn brace(tokens: &[Token], at: usize, text: &str) -> Self {
        let word = |back: usize| {
            let token = at.checked_sub(back).and_then(|before| tokens.get(before));
            token.map_or("", |token| token.span.text(text))
        };
        let structure = word(1) == "struct" || word(2) == "struct";
        let start = tokens[at].span.end;
        Self { start, name: None, commas: Vec::new(), brace: true, structure }
    }

    fn as_call(&self, text: &str, from: usize) -> Option<OpenCall> {
        let name = self.name?;
        let from = u32::try_from(from).ok()?;
        let mut start = self.start;
        let mut before = Vec::new();
        for comma in &self.commas {
            before.push(Span::new(start, comma.start).text(text).trim().to_owned());
            start = comma.end;
        }
        Some(OpenCall {
            name: name.text(text).to_owned(),
            name_span: Span::new(name.start.saturating_add(from), name.end.saturating_add(from)),
            argument: self.commas.len(),
            before,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Open {
        open_at(text, 0, u32::try_from(text.len()).expect("is short"))
    }

    #[test]
    fn the_innermost_call_and_its_argument_are_found() {
        for (text, expected) in [
            ("f(", Some(("f", 0))),
            ("f(a, g(b), ", Some(("f", 2))),
            ("f(a, g(b, (c)", Some(("g", 1))),
            ("x = f(\"(,\", 'c', /* , */ ", Some(("f", 2))),
            ("f(a);", None),
            ("if (", None),
            ("f(a[", None),
        ] {
            let call = open(text).call;
            let found = call.as_ref().map(|call| (call.name.as_str(), call.argument));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(open("__uint(type, ").call.expect("is open").before, ["type"]);
    }

    #[test]
    fn structures_are_told_from_blocks() {
        assert!(open("struct {\n\t__uint(type, X);\n\t").in_struct);
        assert!(open("struct x { int a; ").in_struct);
        assert!(!open("int f(void) { ").in_struct);
        assert!(!open("struct x { int a; };\n").in_struct);
    }

    #[test]
    fn words_are_found_at_both_ends() {
        for (offset, expected) in [(0, "ab_1"), (4, "ab_1"), (5, "+"), (6, "c")] {
            let word = word_at("ab_1 +c 12", offset).map_or("+", |span| span.text("ab_1 +c 12"));
            assert_eq!(word, expected, "{offset}");
        }
        assert_eq!(word_at("ab_1 +c 12", 9), None, "a number is no word");
    }
}
