//! Entry points for fuzzing: they run the whole front end and check what must hold for every input.

use std::sync::Arc;

use crate::Parsed;
use crate::ast::{Block, Item};

/// Parses `data`, taken as text with what is not UTF-8 replaced.
///
/// # Panics
///
/// If the masked text differs from the original in length or line ends, if masks are out of order, or if a span lies
/// outside the text.
pub fn fuzz_parse(data: &[u8]) {
    check(&Parsed::parse(text_of(data)));
}

/// Takes `data` as a text and an edit to it (`at`, how many bytes are removed, what is inserted), and compares parsing
/// the result with editing the first parse.
///
/// # Panics
///
/// As [`fuzz_parse`], and if the two results differ.
pub fn fuzz_edit(data: &[u8], at: usize, removed: usize, inserted: &str) {
    let old = text_of(data);
    let start = floor(&old, at);
    let end = floor(&old, start.saturating_add(removed));
    let new: Arc<str> = format!("{}{inserted}{}", &old[..start], &old[end..]).into();
    let edited = Parsed::parse(old).edit(Arc::clone(&new));
    let fresh = Parsed::parse(new);
    check(&edited);
    assert_eq!(edited.masked(), fresh.masked(), "masked text after an edit");
    assert_eq!(edited.masks(), fresh.masks(), "masks after an edit");
    assert_eq!(edited.comments(), fresh.comments(), "comments after an edit");
    assert_eq!(format!("{:?}", edited.unit()), format!("{:?}", fresh.unit()), "unit after an edit");
}

fn text_of(data: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(data).into()
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn check(parsed: &Parsed) {
    let (text, masked) = (parsed.text().as_bytes(), parsed.masked());
    let masked = masked.as_bytes();
    assert_eq!(text.len(), masked.len(), "length");
    for (old, new) in text.iter().zip(masked) {
        assert_eq!(*old == b'\n', *new == b'\n', "line ends");
    }
    let mut last = 0;
    for mask in parsed.masks().iter() {
        assert!(last <= mask.span.start && mask.span.end as usize <= text.len(), "masks in order");
        last = mask.span.start;
    }
    let unit = parsed.unit();
    for item in &unit.items {
        match item {
            Item::Function(function) => {
                inside(function.span, text.len());
                inside(function.name_span, text.len());
                block(&function.body, text.len());
            }
            Item::Declaration(declaration) => inside(declaration.span, text.len()),
        }
    }
    for error in &unit.errors {
        inside(*error, text.len());
    }
}

fn block(of: &Block, len: usize) {
    inside(of.span, len);
    for stmt in &of.stmts {
        inside(stmt.span, len);
    }
}

fn inside(span: text::Span, len: usize) {
    assert!(
        span.start <= span.end && span.end as usize <= len,
        "span {span:?} in a text of {len} bytes"
    );
}
