//! The text being masked. It keeps its length and its line ends whatever is written.

use std::ops::Range;

/// A copy of the text with places overwritten.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes[..3].fill(b' ');
        }
        Self { bytes }
    }

    /// Overwrites everything but line ends with blanks.
    pub(crate) fn blank(&mut self, range: Range<usize>) {
        let end = range.end.min(self.bytes.len());
        let Some(place) = self.bytes.get_mut(range.start..end) else { return };
        for byte in place {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = b' ';
            }
        }
    }

    /// Overwrites the bytes from `at` with `new`, unless that would touch a line end or leave the text.
    /// The caller has made sure that whole characters are overwritten.
    pub(crate) fn put(&mut self, at: usize, new: &[u8]) -> bool {
        let Some(place) = self.bytes.get_mut(at..at.saturating_add(new.len())) else {
            return false;
        };
        if place.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return false;
        }
        place.copy_from_slice(new);
        true
    }

    /// Where the last run of `len` blanks in `range` starts that has a blank or line end behind it.
    pub(crate) fn blanks(&self, range: Range<usize>, len: usize) -> Option<usize> {
        let place = self.bytes.get(range.clone())?;
        let found = place.windows(len + 1).rposition(|window| {
            window[..len].iter().all(|byte| *byte == b' ') && window[len].is_ascii_whitespace()
        })?;
        Some(range.start + found)
    }

    /// Whether `new` would fit at `at`, see [`Buffer::put`].
    pub(crate) fn fits(&self, at: usize, len: usize) -> bool {
        self.bytes
            .get(at..at.saturating_add(len))
            .is_some_and(|place| !place.iter().any(|byte| matches!(byte, b'\n' | b'\r')))
    }

    /// The masked text, or `None` if it does not have the line ends of `text`.
    pub(crate) fn finish(mut self, text: &str) -> Option<String> {
        // NUL ends the input for some lexers; a blank does not.
        for byte in &mut self.bytes {
            if *byte == 0 {
                *byte = b' ';
            }
        }
        let same = self.bytes.len() == text.len()
            && self
                .bytes
                .iter()
                .zip(text.as_bytes())
                .all(|(new, old)| (*new == b'\n') == (*old == b'\n'));
        debug_assert!(same, "masking moved a line end");
        let masked = String::from_utf8(self.bytes).ok();
        debug_assert!(masked.is_some(), "masking cut a character");
        masked.filter(|_| same)
    }
}
