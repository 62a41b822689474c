//! The grammar: one parser per thread, and parsing with a bound on the work.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Point, Tree};

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

/// Parses `text`. `None` if the text needs too much work.
pub(crate) fn parse(text: &str) -> Option<Tree> {
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
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}
