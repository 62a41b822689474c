//! Lines, columns and encodings against a slow reference.

use proptest::prelude::*;
use text::{Encoding, LineColumn, LineIndex, Position, Span};

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

/// Texts with every kind of line end and character width, some longer than a block of the table.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z ]{0,12}",
        2 => prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\r")].prop_map(String::from),
        2 => prop_oneof![Just("ä"), Just("€"), Just("🐝"), Just("e\u{301}"), Just("\0"), Just("\u{feff}")]
            .prop_map(String::from),
        1 => (0_usize..300).prop_map(|n| "ab€".repeat(n)),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The columns in front of `rest` of its line, the slow way.
fn units(text: &str, encoding: Encoding) -> u32 {
    let count = match encoding {
        Encoding::Utf8 => text.len(),
        Encoding::Utf16 => text.encode_utf16().count(),
        Encoding::Utf32 => text.chars().count(),
    };
    u32::try_from(count).expect("short text")
}

/// The lines with their starts: a state machine over characters.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let start = text.len() - rest.len();
        let Some(end) = rest.find(['\n', '\r']) else {
            lines.push((start, rest));
            return lines;
        };
        let width = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        lines.push((start, &rest[..end]));
        rest = &rest[end + width..];
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("short text")
}

proptest! {
    #[test]
    fn agrees_with_the_reference(text in any_text()) {
        let index = LineIndex::new(text.as_str().into());
        let lines = lines(&text);
        prop_assert_eq!(index.line_count() as usize, lines.len());
        for (line, (start, content)) in (0_u32..).zip(lines) {
            prop_assert_eq!(index.line_span(line), Span::new(offset(start), offset(start + content.len())));
            for at in content.char_indices().map(|(at, _)| at).chain([content.len()]) {
                let here = offset(start + at);
                for encoding in ENCODINGS {
                    let position = Position { line, column: units(&content[..at], encoding) };
                    prop_assert_eq!(index.position(here, encoding), position);
                    prop_assert_eq!(index.offset(position, encoding), here);
                }
                let column = units(&content[..at], Encoding::Utf32) + 1;
                prop_assert_eq!(index.line_column(here), LineColumn { line: line + 1, column });
                prop_assert_eq!(index.char_offset(here), units(&text[..start + at], Encoding::Utf32));
            }
        }
    }

    #[test]
    fn any_offset_and_position_is_answered_within_the_text(text in any_text(), at: u32, line: u32, column: u32, near in 0_u32..900) {
        let index = LineIndex::new(text.as_str().into());
        for at in [at, near] {
            let clamped = index.clamp(at);
            prop_assert!(clamped <= at && text.is_char_boundary(clamped as usize));
            prop_assert_eq!(index.clamp(clamped), clamped);
            for encoding in ENCODINGS {
                prop_assert_eq!(index.offset(index.position(at, encoding), encoding), clamped);
            }
        }
        for position in [Position { line, column }, Position { line: near % 8, column }, Position { line: near % 8, column: near }] {
            for encoding in ENCODINGS {
                let found = index.offset(position, encoding);
                prop_assert!(index.clamp(found) == found);
                prop_assert!(index.position(found, encoding) <= position || position.line >= index.line_count());
            }
        }
    }
}

#[test]
fn places_in_a_mixed_text() {
    let index = LineIndex::new("a🐝b\r\nc\rä\n".into());
    let cases = [
        (0, (0, 0), (1, 1)),
        (1, (0, 1), (1, 2)),
        (3, (0, 1), (1, 2)),
        (5, (0, 3), (1, 3)),
        (6, (0, 4), (1, 4)),
        (7, (0, 4), (1, 4)),
        (8, (1, 0), (2, 1)),
        (9, (1, 1), (2, 2)),
        (10, (2, 0), (3, 1)),
        (11, (2, 0), (3, 1)),
        (13, (3, 0), (4, 1)),
        (99, (3, 0), (4, 1)),
    ];
    for (at, (line, column), shown) in cases {
        assert_eq!(index.position(at, Encoding::Utf16), Position { line, column }, "offset {at}");
        let LineColumn { line, column } = index.line_column(at);
        assert_eq!((line, column), shown, "offset {at}");
    }
    let inside_the_bee = Position { line: 0, column: 2 };
    assert_eq!(
        index.offset(inside_the_bee, Encoding::Utf16),
        1,
        "half a surrogate pair means its start"
    );
    assert_eq!(index.line_span(9), Span::empty(13));
    assert_eq!(LineIndex::new("".into()).line_column(0), LineColumn { line: 1, column: 1 });
}
