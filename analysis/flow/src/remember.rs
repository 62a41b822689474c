//! What the analysis of a file leaves for the analysis of its next version.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sema::{Headers, Part};
use smol_str::SmolStr;
use text::Span;

use crate::observe::Observation;
use crate::relocate::{Moves, Relocate};
use crate::roots::{Entry, Mentions};

/// Results by function, each with all that it depends on.
#[derive(Debug, Default)]
pub struct Memory {
    headers: Headers,
    functions: FxHashMap<SmolStr, FunctionMemory>,
}

/// What is known about a function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionMemory {
    /// What it depends on, in the order of the text.
    pub(crate) parts: Vec<Part>,
    pub(crate) mentions: Mentions,
    /// The facts found by following it from its beginning, if that was done.
    pub(crate) root: Option<RootMemory>,
}

/// What following a function has shown.
#[derive(Clone, Debug)]
pub(crate) struct RootMemory {
    entry: Entry,
    /// Where the pieces it depends on stood.
    places: Vec<Span>,
    pub(crate) observations: Arc<Vec<Observation>>,
}

impl Memory {
    /// Whether the headers are those it was made with.
    pub(crate) fn is_for(&self, headers: &Headers) -> bool {
        self.headers.is_same(headers)
    }

    pub(crate) fn set_headers(&mut self, headers: &Headers) {
        self.headers = headers.clone();
    }

    /// What is known about a function that depends on `parts`.
    pub(crate) fn function(&self, name: &str, parts: &[&Part]) -> Option<&FunctionMemory> {
        let known = self.functions.get(name)?;
        let same = known.parts.len() == parts.len()
            && known.parts.iter().zip(parts).all(|(old, new)| old.is_same(new));
        same.then_some(known)
    }
}

impl FromIterator<(SmolStr, FunctionMemory)> for Memory {
    fn from_iter<T: IntoIterator<Item = (SmolStr, FunctionMemory)>>(iter: T) -> Self {
        Self { headers: Headers::default(), functions: iter.into_iter().collect() }
    }
}

impl FunctionMemory {
    pub(crate) fn new(parts: Vec<Part>, mentions: Mentions) -> Self {
        Self { parts, mentions, root: None }
    }
}

impl RootMemory {
    pub(crate) fn new(entry: Entry, parts: &[Part], observations: Vec<Observation>) -> Self {
        Self { entry, places: places(parts).collect(), observations: Arc::new(observations) }
    }

    /// The same for the next version, if the function is entered in the same way. `parts` are those it depends on.
    pub(crate) fn taken_over(mut self, entry: &Entry, parts: &[Part]) -> Option<Self> {
        if self.entry != *entry {
            return None;
        }
        let moves = Moves::new(&self.places, places(parts));
        if !moves.is_empty() {
            Arc::make_mut(&mut self.observations).relocate(&moves);
            self.places = places(parts).collect();
        }
        Some(self)
    }
}

fn places(parts: &[Part]) -> impl Iterator<Item = Span> {
    parts.iter().filter_map(Part::span)
}
