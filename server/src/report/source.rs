//! The text that a report is about, in which places are found.

use std::path::Path;

use runtime::Location;

use super::{At, Step};
use crate::paths::normal;
use crate::verify::{Place, Told};

/// A program's text and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    path: &'s Path,
    text: &'s str,
}

impl<'s> Source<'s> {
    /// The text of the file with the absolute path `path`.
    pub fn new(path: &'s Path, text: &'s str) -> Self {
        Self { path, text }
    }

    /// What stands in a line, from 1.
    fn line(&self, number: u32) -> Option<&'s str> {
        self.text.lines().nth((number as usize).checked_sub(1)?)
    }

    /// Whether a file of the debug information is this text. Compilers may have been told to name it otherwise, but
    /// then it has the same name in some directory, and `text` stands in the line.
    fn is(&self, file: &str, line: u32, text: Option<&str>) -> bool {
        let file = Path::new(file);
        let same_text = |found: &str| text.is_none_or(|text| text.trim_end() == found.trim_end());
        normal(file) == self.path
            || file.file_name() == self.path.file_name() && self.line(line).is_some_and(same_text)
    }

    /// Whether a place lies in this text.
    pub(crate) fn has(&self, place: &Place) -> bool {
        self.is(&place.file, place.line, Some(&place.text))
    }

    /// The place of a run in this text, if it lies there.
    pub(crate) fn place_of(&self, at: &Location) -> Option<Place> {
        if at.line == 0 || !self.is(&at.file, at.line, None) {
            return None;
        }
        let text = self.line(at.line)?;
        let before = (at.column as usize).saturating_sub(1).min(text.len());
        let before = (0..=before).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Some(Place {
            file: at.file.to_string(),
            line: at.line,
            column: u32::try_from(text[..before].chars().count() + 1).unwrap_or(1),
            text: text.to_owned(),
        })
    }

    pub(super) fn at(&self, place: &Place) -> At {
        let own = self.has(place);
        At { file: self.shown(&place.file, own), line: place.line, own, text: place.text.clone() }
    }

    pub(super) fn at_location(&self, at: &Location) -> Option<At> {
        if at.line == 0 {
            return None;
        }
        let place = self.place_of(at);
        let own = place.is_some();
        let text = place.map(|place| place.text).unwrap_or_default();
        Some(At { file: self.shown(&at.file, own), line: at.line, own, text })
    }

    pub(super) fn step(&self, told: &Told) -> Step {
        let at = told.place.as_ref().map(|place| self.at(place));
        Step { message: told.message.clone(), at }
    }

    /// The file's name, or the way to it from the directory of this text.
    fn shown(&self, file: &str, own: bool) -> String {
        let path = normal(Path::new(file));
        let beside = self.path.parent().and_then(|parent| path.strip_prefix(parent).ok());
        let shown = match (own, beside) {
            (true, _) => self.path.file_name().map(Path::new).unwrap_or(&path),
            (false, Some(beside)) => beside,
            (false, None) => &path,
        };
        shown.display().to_string()
    }
}
