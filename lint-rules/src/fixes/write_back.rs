//! What a write-back says, and on which path.

use flow::observe::{Api, LostStore, SliceView};
use flow::{Fact, Observation};
use text::{Edit, Span};

use super::layout::Lines;
use super::paths::Place;
use crate::RuleCx;

/// What is written back, as C text.
pub(crate) struct WriteBackText {
    pub(crate) pointer: String,
    pub(crate) dynptr: String,
    pub(crate) offset: String,
    pub(crate) buffer: String,
    pub(crate) length: String,
}

impl WriteBackText {
    /// The statement.
    pub(crate) fn lines(&self) -> Lines {
        let WriteBackText { pointer, dynptr, offset, buffer, length } = self;
        vec![
            format!("if ({pointer} == {buffer})"),
            format!("\tbpf_dynptr_write({dynptr}, {offset}, {buffer}, {length}, 0);"),
        ]
    }
}

/// A store on a path that does not write it back.
struct Owed<'s> {
    slice: &'s SliceView,
    store: Span,
    /// The end of the path, if it is in the function.
    leave: Option<Span>,
    /// The offset argument has at the end of the path the value it had at the call.
    offset_unchanged: bool,
}

impl RuleCx<'_> {
    /// The write-back for each path on which a store is lost; nothing if one of them cannot be mended.
    pub(crate) fn write_back_on(&self, paths: &[&LostStore]) -> Vec<Edit> {
        let mut owed = Vec::new();
        for path in paths.iter().filter(|path| path.nameable) {
            // The caller leaves: the end of the function stands for whatever it does.
            let leave = Some(path.leave).filter(|leave| leave.text(self.text()) != "}");
            let (slice, offset_unchanged) = (&path.slice, path.offset_unchanged);
            owed.push(Owed { slice, store: path.last_store, leave, offset_unchanged });
        }
        if owed.len() == paths.len() {
            self.write_backs(&owed).unwrap_or_default()
        } else {
            Vec::new()
        }
    }

    /// The write-back behind stores through a slice that is to become writable.
    pub(crate) fn write_back_after(&self, slice: &SliceView, stores: &[Span]) -> Option<Vec<Edit>> {
        let owed =
            |store: &Span| Owed { slice, store: *store, leave: None, offset_unchanged: false };
        self.write_backs(&stores.iter().map(owed).collect::<Vec<_>>())
    }

    fn write_backs(&self, owed: &[Owed<'_>]) -> Option<Vec<Edit>> {
        let places: Vec<Vec<Place<'_>>> = owed
            .iter()
            .map(|owed| self.write_back_places(owed.slice, owed.store, owed.leave))
            .collect();
        let leaving: Vec<Span> = places.iter().flatten().filter_map(Place::leave).collect();
        let mut edits = Vec::new();
        for (owed, places) in owed.iter().zip(&places) {
            if places.is_empty() {
                return None;
            }
            // What is done in front of the end is done for all paths to it.
            let ends = self.ends_of(owed.slice, owed.store, owed.leave);
            let covered = !ends.is_empty() && ends.iter().all(|end| leaving.contains(end));
            for place in places.iter().filter(|place| !covered || place.leave().is_some()) {
                let lines = self.write_back_at(owed.slice, place, owed.offset_unchanged)?;
                let inserted = self.insert_at(place, &lines);
                if inserted.is_empty() {
                    return None;
                }
                if !inserted.iter().all(|edit| edits.contains(edit)) {
                    edits.extend(inserted);
                }
            }
        }
        Some(edits)
    }

    pub(crate) fn insert_at(&self, place: &Place<'_>, lines: &[String]) -> Vec<Edit> {
        match place {
            Place::After(seat) => self.insert_after(seat, lines),
            Place::Leaving(leave) => {
                let used = |(observation, fact): (&Observation, &Fact)| {
                    matches!(fact, Fact::Access(_)) && leave.contains(observation.span)
                };
                self.before_leaving(*leave, lines, self.facts().any(used))
            }
        }
    }

    /// What gives a slice back at a place, in the words of the slice call.
    fn write_back_at(
        &self,
        slice: &SliceView,
        place: &Place<'_>,
        offset_unchanged: bool,
    ) -> Option<Lines> {
        let call = &slice.call;
        if slice.name.is_empty() || call.args.len() != 4 {
            return None;
        }
        let function = self.function_at(call.span)?;
        let adjusted = self.calls().any(|(observation, other)| {
            other.api == Api::Adjust && function.span.contains(observation.span)
        });
        let number = |value: Option<i128>| value.map(|value| value.to_string());
        let kept =
            offset_unchanged || !adjusted && self.means_the_same(call.args[1], call.span, place);
        let offset = self.argument(call, 1).filter(|_| kept);
        let cast = if slice.needs_cast { "(void *)" } else { "" };
        let text = WriteBackText {
            pointer: format!("{cast}{}", slice.name),
            dynptr: self.argument(call, 0)?,
            offset: offset.or_else(|| number(slice.offset.filter(|_| !adjusted)))?,
            buffer: self.argument(call, 2).filter(|buffer| buffer != "NULL")?,
            length: self.argument(call, 3).or_else(|| number(slice.length))?,
        };
        Some(text.lines())
    }

    /// Whether an expression of local variables has at a later place the value it had at the call.
    fn means_the_same(&self, expr: Span, call: Span, place: &Place<'_>) -> bool {
        let Some(function) = self.function_at(call) else { return false };
        let between = Span::new(call.end, place.at().max(call.end));
        let text = self.quote(expr);
        let plain = !text.contains(['(', '[', '.', '>']) && !text.starts_with('*');
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        plain && words.all(|word| word.is_empty() || !self.is_changed(function, word, between))
    }

    /// Whether the buffer of a slice is written back anywhere.
    pub(crate) fn is_written_back(&self, slice: &SliceView) -> bool {
        self.facts().any(
            |(_, fact)| matches!(fact, Fact::WriteBack(write) if write.slice.call == slice.call),
        )
    }
}
