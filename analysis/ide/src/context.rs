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

/// Whether an offset lies inside a string or character constant, which may not be closed yet.
pub(crate) fn in_constant(text: &str, offset: u32) -> bool {
    let Some(before) = text.get(..offset as usize) else { return false };
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let Some(last) = before.get(line..).and_then(constant) else { return false };
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    // What ends at the cursor may go on behind it.
    let whole = text.get(line as usize..).unwrap_or("");
    let end = whole.find('\n').unwrap_or(whole.len());
    let token = lex(&whole[..end]).into_iter().find(|token| token.span.start == last.start);
    token.is_some_and(|token| {
        let body = token.span.text(whole);
        let quote = body.bytes().find(|byte| matches!(byte, b'"' | b'\''));
        let closed = body.len() > 1 && body.bytes().next_back() == quote;
        let end = line.saturating_add(token.span.end);
        offset < end || offset == end && !closed
    })
}

/// The constant that the text ends in.
fn constant(line: &str) -> Option<Span> {
    let tokens = lex(line);
    let last = tokens.last()?;
    let is_constant = matches!(last.kind, TokenKind::Str | TokenKind::Char);
    (is_constant && last.span.end as usize == line.len()).then_some(last.span)
}

/// Whether the name at `offset` stands behind `.` or `->`.
pub(crate) fn is_member(text: &str, offset: u32) -> bool {
    let before = text.get(..offset as usize).unwrap_or("").trim_end();
    before.ends_with("->") || before.ends_with('.') && !before.ends_with("..")
}

/// Where reading may begin to find out what is open at `offset`: at the start of the function around it or of a
/// line in front of it.
pub(crate) fn reading_start(text: &str, function: Option<u32>, offset: u32) -> u32 {
    if let Some(start) = function
        && (offset.saturating_sub(start) as usize) < WINDOW
    {
        return start;
    }
    let far = (offset as usize).saturating_sub(WINDOW);
    if far == 0 {
        return 0;
    }
    let bytes = text.as_bytes();
    let line = bytes.get(far..offset as usize).and_then(|window| {
        window.iter().position(|byte| *byte == b'\n').map(|newline| far + newline + 1)
    });
    line.and_then(|line| u32::try_from(line).ok()).unwrap_or(offset)
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
    /// The innermost open brace is that of a structure.
    pub(crate) in_struct: bool,
    /// The innermost open brace is that of a block.
    pub(crate) in_block: bool,
}

/// Reads the tokens in front of the cursor, from [`reading_start`] on.
pub(crate) fn open_at(text: &str, from: u32, offset: u32) -> Open {
    let from = from as usize;
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
    let brace = stack.iter().rev().find(|open| open.brace);
    let in_struct = brace.is_some_and(|brace| brace.structure);
    let call = stack.last().and_then(|open| open.as_call(before, from));
    Open { call, in_struct, in_block: brace.is_some() && !in_struct }
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
    fn constants_are_told_from_what_is_beside_them() {
        for (marked, expected) in [
            ("f(\"a|b\")", true),
            ("f(\"ab|\")", true),
            ("f(\"ab\"|)", false),
            ("f(|\"ab\")", false),
            ("f(\"ab|", true),
            ("f(\"|", true),
            ("f(\"a\", b|, \"c\")", false),
            ("x = 'a|'", true),
            ("x = '\"'; y|", false),
            ("\"a\\\"|b\"", true),
            ("\"a\"\n|b\"", false),
            ("\"\u{e9}|\u{e9}\"", true),
        ] {
            let offset = u32::try_from(marked.find('|').expect("has a mark")).expect("is short");
            assert_eq!(in_constant(&marked.replace('|', ""), offset), expected, "{marked}");
        }
    }

    #[test]
    fn reading_begins_near_the_cursor_at_the_start_of_a_line() {
        let text = "\u{e9}\n".repeat(10_000);
        let end = u32::try_from(text.len()).expect("is short");
        let start = reading_start(&text, None, end);
        assert!(end - start <= 8 * 1024 && end - start > 8 * 1024 - 8, "{start}");
        assert!(text[..start as usize].ends_with('\n'));
        assert_eq!(reading_start(&text, Some(end - 9), end), end - 9);
        assert_eq!(reading_start(&text, Some(0), end), start);
        assert_eq!(reading_start("ab", None, 2), 0);
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
