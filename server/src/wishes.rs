//! Notes that the author does not want: their rule is switched off in the configuration, or a comment allows it.

use std::path::Path;
use std::sync::Arc;

use syntax::Parsed;
use text::Span;

use super::findings::SourceText;
use super::{Noted, Outcome};
use crate::config::Config;
use crate::rules::Catalogue;
use crate::selection::RuleSet;
use crate::suppress::{self, Scopes};

/// What holds for the file that programs are from.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'w> {
    /// All rules.
    pub catalogue: &'w Catalogue,
    /// The configuration of the file.
    pub config: &'w Config,
    /// Its absolute path.
    pub path: &'w Path,
    /// The text that was compiled, if it was.
    pub text: Option<&'w Arc<str>>,
}

impl Wishes<'_> {
    /// Removes the notes that are not wanted, and makes the others as grave as is wished.
    pub fn apply(&self, outcomes: &mut [Outcome]) {
        if outcomes.iter().all(|outcome| outcome.notes.is_empty()) {
            return;
        }
        let (catalogue, config) = (self.catalogue, self.config);
        let rules = RuleSet::new(catalogue, &[&config.rules], &config.severity)
            .without(catalogue, &config.ignored_for(self.path));
        for outcome in outcomes.iter_mut() {
            outcome.notes.retain_mut(|note| {
                let Some(rule) = note.kind.rule else { return true };
                note.severity = rules.severity(rule).unwrap_or(note.severity);
                rules.contains(rule)
            });
        }
        if let Some(text) = self.text {
            self.remove_allowed(text, outcomes);
        }
    }

    fn remove_allowed(&self, text: &Arc<str>, outcomes: &mut [Outcome]) {
        let source = SourceText::new(self.path, text);
        let place_of = |note: &Noted| {
            let place = note.told.place.as_ref();
            let here =
                place.filter(|place| Path::new(&place.file).file_name() == self.path.file_name());
            // What has no place in the text is allowed by no comment in it.
            here.map_or(Span::empty(u32::MAX), |place| source.span(place))
        };
        let notes = outcomes.iter().flat_map(|outcome| &outcome.notes);
        let places: Vec<(&str, Span)> = notes.map(|note| (note.rule(), place_of(note))).collect();
        let scopes = Scopes::of(&Parsed::parse(Arc::clone(text)));
        let mut allowed = suppress::allowed(text, &scopes, self.catalogue, &places).into_iter();
        for outcome in outcomes {
            outcome.notes.retain(|_| !allowed.next().unwrap_or(false));
        }
    }
}
