//! From byte offsets to lines and columns and back.

use std::sync::Arc;

use crate::Span;

/// Bytes between two entries of the table of counts: the most a query has to scan.
const BLOCK: usize = 256;

/// The unit a column is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// 16-bit units, two for a character outside the basic plane: the language server's default.
    Utf16,
    /// Characters (Unicode scalar values).
    Utf32,
}

/// A place as a language client gives it: both numbers 0-based, the column in the units of an
/// [`Encoding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 0.
    pub line: u32,
    /// Units in front of the place in its line.
    pub column: u32,
}

/// A place as it is shown to people and in reports: both numbers 1-based, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
}

/// A text with the table that answers questions about its lines, each in logarithmic time.
///
/// A line ends at `\n`, `\r\n` or a lone `\r`, as for language clients and C compilers. Any offset
/// and any position may be asked for: one inside a character, or inside `\r\n`, means its start, one
/// behind the end of the text or line means that end. Text behind 4 GiB is out of reach.
#[derive(Clone, Debug)]
pub struct LineIndex {
    text: Arc<str>,
    /// Offset of the first byte of each line; never empty.
    starts: Vec<u32>,
    /// What stands in front of each block of [`BLOCK`] bytes; empty if the text is ASCII.
    counts: Vec<Counts>,
}

/// Lengths of a prefix of the text.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    chars: u32,
    utf16: u32,
}

impl Counts {
    /// Adds a piece of text, which may start and end inside a character: a character counts where
    /// its first byte stands.
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.chars += u32::from(byte & 0xc0 != 0x80);
            self.utf16 += u32::from(byte & 0xc0 != 0x80) + u32::from(*byte >= 0xf0);
        }
    }

    fn of(self, encoding: Encoding, offset: u32) -> u32 {
        match encoding {
            Encoding::Utf8 => offset,
            Encoding::Utf16 => self.utf16,
            Encoding::Utf32 => self.chars,
        }
    }
}

impl LineIndex {
    /// Reads the text once.
    pub fn new(text: Arc<str>) -> Self {
        let bytes = text.as_bytes();
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes)
            .filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
        let starts =
            std::iter::once(0).chain(ends.map_while(|at| u32::try_from(at + 1).ok())).collect();
        let mut counts = Vec::new();
        if !text.is_ascii() {
            let mut sum = Counts::default();
            counts = bytes
                .chunks(BLOCK)
                .map(|block| {
                    let before = sum;
                    sum.add(block);
                    before
                })
                .collect();
        }
        Self { text, starts, counts }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Number of lines; a text that ends in a line end has an empty last line.
    pub fn line_count(&self) -> u32 {
        saturating(self.starts.len())
    }

    /// The text of a line (from 0) without its line end; empty at the end of the text for a line it
    /// does not have.
    pub fn line_span(&self, line: u32) -> Span {
        let Some(&start) = self.starts.get(line as usize) else {
            return Span::empty(self.len());
        };
        let Some(&next) = self.starts.get(line as usize + 1) else {
            return Span::new(start, self.len());
        };
        let text = self.text.get(start as usize..next as usize).unwrap_or("");
        let end = text.strip_suffix("\r\n").map_or(next - 1, |line| start + saturating(line.len()));
        Span::new(start, end)
    }

    /// The nearest offset at or before `offset` that lies between two characters and not within
    /// `\r\n`.
    pub fn clamp(&self, offset: u32) -> u32 {
        let mut at = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let bytes = self.text.as_bytes();
        if at > 0 && bytes.get(at) == Some(&b'\n') && bytes[at - 1] == b'\r' {
            at -= 1;
        }
        saturating(at)
    }

    /// The line (from 0) an offset lies in.
    pub fn line(&self, offset: u32) -> u32 {
        let offset = self.clamp(offset);
        saturating(self.starts.partition_point(|&start| start <= offset) - 1)
    }

    /// The position of an offset.
    pub fn position(&self, offset: u32, encoding: Encoding) -> Position {
        let offset = self.clamp(offset);
        let line = self.line(offset);
        let start = self.starts[line as usize];
        Position { line, column: self.units(offset, encoding) - self.units(start, encoding) }
    }

    /// The offset of a position; the inverse of [`Self::position`].
    pub fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        let line = self.line_span(position.line);
        let wanted = self.units(line.start, encoding).saturating_add(position.column);
        if self.units(line.end, encoding) <= wanted {
            return line.end;
        }
        self.clamp(self.offset_of_units(wanted, encoding))
    }

    /// The place of an offset as it is shown to people.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let Position { line, column } = self.position(offset, Encoding::Utf32);
        LineColumn { line: line + 1, column: column + 1 }
    }

    /// Number of characters in front of an offset.
    pub fn char_offset(&self, offset: u32) -> u32 {
        self.units(self.clamp(offset), Encoding::Utf32)
    }

    /// Length of the text in bytes.
    fn len(&self) -> u32 {
        saturating(self.text.len())
    }

    /// Number of units in front of an offset.
    fn units(&self, offset: u32, encoding: Encoding) -> u32 {
        let block = offset as usize / BLOCK;
        // A text whose length is a multiple of the block ends where no block starts.
        let Some(block) = self.counts.len().checked_sub(1).map(|last| block.min(last)) else {
            return offset;
        };
        let mut counts = self.counts[block];
        counts.add(&self.text.as_bytes()[block * BLOCK..offset as usize]);
        counts.of(encoding, offset)
    }

    /// The offset of the last character with at most `wanted` units in front of it.
    fn offset_of_units(&self, wanted: u32, encoding: Encoding) -> u32 {
        if encoding == Encoding::Utf8 || self.counts.is_empty() {
            return wanted;
        }
        let block = self.counts.partition_point(|counts| counts.of(encoding, 0) <= wanted) - 1;
        let mut counts = self.counts[block];
        let mut found = block * BLOCK;
        for (at, byte) in self.text.as_bytes().iter().enumerate().skip(found).take(BLOCK + 4) {
            if byte & 0xc0 != 0x80 {
                if counts.of(encoding, 0) > wanted {
                    break;
                }
                found = at;
            }
            counts.add(&[*byte]);
        }
        saturating(found)
    }
}

/// A length as an offset; 4 GiB and more stop at the largest.
fn saturating(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
