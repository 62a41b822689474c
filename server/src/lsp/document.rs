//! The text of an open document, kept in a rope and changed in the units the client counts in.

use std::sync::Arc;

use ropey::Rope;
use text::Encoding;
use tower_lsp::lsp_types::{Position, TextDocumentContentChangeEvent};

/// A text as the client sees it.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    rope: Rope,
}

impl Buffer {
    /// A document as it was opened.
    pub(super) fn new(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }

    /// The whole text.
    pub(super) fn text(&self) -> Arc<str> {
        let mut text = String::with_capacity(self.rope.len_bytes());
        text.extend(self.rope.chunks());
        text.into()
    }

    /// Applies the changes of one notification, each to the text that the one before it left. Positions
    /// behind the end of a line or of the text mean that end; a reversed range is turned round.
    pub(super) fn change(
        &mut self,
        changes: &[TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) {
        for change in changes {
            let Some(range) = change.range else {
                self.rope = Rope::from_str(&change.text);
                continue;
            };
            let (a, b) = (self.char_at(range.start, encoding), self.char_at(range.end, encoding));
            let (start, end) = (a.min(b), a.max(b));
            self.rope.remove(start..end);
            self.rope.insert(start, &change.text);
        }
    }

    /// The number of characters in front of a position; one inside a character means its start.
    fn char_at(&self, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.rope.len_lines() {
            return self.rope.len_chars();
        }
        let start = self.rope.line_to_char(line);
        let slice = self.rope.line(line);
        let column = position.character as usize;
        let length = slice.len_chars() - line_end_chars(slice);
        let found = match encoding {
            Encoding::Utf32 => column.min(length),
            Encoding::Utf8 => slice.byte_to_char(column.min(slice.len_bytes())).min(length),
            Encoding::Utf16 => slice.utf16_cu_to_char(column.min(slice.len_utf16_cu())).min(length),
        };
        start + found
    }
}

fn line_end_chars(line: ropey::RopeSlice<'_>) -> usize {
    let from_end = |back: usize| line.len_chars().checked_sub(back).map(|at| line.char(at));
    match (from_end(2), from_end(1)) {
        (Some('\r'), Some('\n')) => 2,
        (_, Some('\n' | '\r')) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text::{LineIndex, Position as Place};
    use tower_lsp::lsp_types::Range;

    use super::*;

    fn change(from: (u32, u32), to: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let position = |(line, column)| Position::new(line, column);
        TextDocumentContentChangeEvent {
            range: Some(Range::new(position(from), position(to))),
            range_length: None,
            text: text.to_owned(),
        }
    }

    #[test]
    fn changes_count_in_the_units_of_the_client() {
        let before = "a😀é\r\nsecond\n";
        for (encoding, from, to) in [
            (Encoding::Utf8, (0, 5), (0, 7)),
            (Encoding::Utf16, (0, 3), (0, 4)),
            (Encoding::Utf32, (0, 2), (0, 3)),
        ] {
            let mut buffer = Buffer::new(before);
            buffer.change(&[change(from, to, "e"), change((1, 0), (1, 6), "2nd")], encoding);
            assert_eq!(&*buffer.text(), "a😀e\r\n2nd\n", "{encoding:?}");
        }
    }

    #[test]
    fn positions_outside_the_text_mean_the_nearest_inside() {
        for (from, to, expected) in [
            ((0, 99), (0, 99), "ab!\r\ncd"),
            ((9, 0), (9, 9), "ab\r\ncd!"),
            ((1, 1), (0, 1), "a!d"),
            ((0, 2), (1, 0), "ab!cd"),
        ] {
            let mut buffer = Buffer::new("ab\r\ncd");
            buffer.change(&[change(from, to, "!")], Encoding::Utf16);
            assert_eq!(&*buffer.text(), expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn a_change_without_a_range_is_the_whole_text() {
        let mut buffer = Buffer::new("old");
        let whole =
            TextDocumentContentChangeEvent { range: None, range_length: None, text: "néw".into() };
        buffer.change(&[whole, change((0, 1), (0, 2), "e")], Encoding::Utf16);
        assert_eq!(&*buffer.text(), "new");
    }

    proptest! {
        /// The rope and the line index, which findings are placed with, agree on every position.
        #[test]
        fn the_rope_agrees_with_the_line_index(
            text in "[ab\r\n\u{e9}\u{1f600}\u{2028}]{0,24}",
            line in 0u32..6,
            column in 0u32..9,
            encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16, Encoding::Utf32]),
        ) {
            let index = LineIndex::new(text.as_str().into());
            let offset = index.offset(Place { line, column }, encoding) as usize;
            let mut expected = text.clone();
            expected.insert(offset, '|');
            let mut buffer = Buffer::new(&text);
            buffer.change(&[change((line, column), (line, column), "|")], encoding);
            prop_assert_eq!(&*buffer.text(), expected.as_str());
        }
    }
}
