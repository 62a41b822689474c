//! Places in a file as reports give them.

use serde::Serialize;
use text::{LineColumn, LineIndex, Span};

/// A place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Line, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
    /// Bytes in front of it in the file.
    pub byte: u32,
}

/// A piece of a file; `end` is behind its last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Where it begins.
    pub start: Point,
    /// Where it ends.
    pub end: Point,
}

impl Point {
    /// The place of an offset, moved to the nearest character boundary at or before it.
    pub fn new(index: &LineIndex, offset: u32) -> Self {
        let byte = index.clamp(offset);
        let LineColumn { line, column } = index.line_column(byte);
        Self { line, column, byte }
    }
}

impl Range {
    /// The places of a span's ends.
    pub fn new(index: &LineIndex, span: Span) -> Self {
        Self { start: Point::new(index, span.start), end: Point::new(index, span.end) }
    }
}
