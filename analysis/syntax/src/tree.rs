//! The grammar: one parser per thread, and parsing with a bound on the work.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{InputEdit, ParseOptions, ParseState, Parser, Point, Tree};

/// The parser reports back about every hundred operations. Real code needs about one operation per byte; a text that
/// needs a hundred times as many is given up.
const REPORTS_PER_BYTE: usize = 1;
const REPORTS_ALWAYS: usize = 10_000;

thread_local! {
    static PARSER: RefCell<Option<Parser>> = RefCell::new(new_parser());
}

fn new_parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_c::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// Parses `text`, reusing `old` if that is given and has been told of the edit. `None` if the text needs too much work.
pub(crate) fn parse(text: &str, old: Option<&Tree>) -> Option<Tree> {
    PARSER.with(|cell| {
        let mut slot = cell.try_borrow_mut().ok()?;
        let parser = slot.as_mut()?;
        // What an earlier parse left behind when it was given up.
        parser.reset();
        let mut left = text.len().saturating_mul(REPORTS_PER_BYTE).saturating_add(REPORTS_ALWAYS);
        let mut progress = |_: &ParseState| {
            left = left.saturating_sub(1);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let bytes = text.as_bytes();
        let mut read = |at: usize, _: Point| bytes.get(at..).unwrap_or(&[]);
        let tree = parser.parse_with_options(&mut read, old, Some(options));
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}

/// The edit that turns `old` into `new`: what lies between their common start and end.
pub(crate) fn edit_between(old: &str, new: &str) -> Option<InputEdit> {
    let (before, after) = (old.as_bytes(), new.as_bytes());
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    if start == before.len() && start == after.len() {
        return None;
    }
    let rest = before.len().min(after.len()) - start;
    let tail =
        before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (before.len() - tail, after.len() - tail);
    let start_position = point(before, 0, Point::new(0, 0), start);
    Some(InputEdit {
        start_byte: start,
        old_end_byte: old_end,
        new_end_byte: new_end,
        start_position,
        old_end_position: point(before, start, start_position, old_end),
        new_end_position: point(after, start, start_position, new_end),
    })
}

/// Row and column of `to`, given those of `from`.
fn point(bytes: &[u8], from: usize, at: Point, to: usize) -> Point {
    let part = &bytes[from..to];
    match memchr::memrchr(b'\n', part) {
        None => Point::new(at.row, at.column + part.len()),
        Some(last) => {
            Point::new(at.row + memchr::memchr_iter(b'\n', part).count(), part.len() - last - 1)
        }
    }
}
