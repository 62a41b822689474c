//! A parsed file as an immutable value.
//!
//! The text is cut at file scope into pieces, and each piece is read by itself. A piece that a file has in
//! common with an earlier version of itself is taken over, wherever it stands now. So a mistake in one function
//! does not reach into the next, and an edit costs what the function around it costs.

use std::hash::Hasher;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use text::Span;

use crate::ast::{Item, Name, Unit};
use crate::directive::directive;
use crate::lexer::offset;
use crate::mask::Masks;
use crate::mask::outline::Outline;
use crate::piece::{Conditions, Piece};
use crate::placed::Shift;

/// Longer texts are not parsed as C; only their preprocessor lines are read.
pub const MAX_PARSED_BYTES: usize = 8 << 20;

/// A text with its syntax. Making one never fails; see [`Unit::errors`] for what was not readable.
#[derive(Debug)]
pub struct Parsed {
    text: Arc<str>,
    comments: Vec<Span>,
    directives: Vec<Span>,
    pieces: Vec<Piece>,
    unit: OnceLock<Unit>,
}

impl Parsed {
    /// Parses `text`.
    pub fn parse(text: Arc<str>) -> Self {
        Self::build(text, None)
    }

    /// Parses `new_text`, taking over from this value what did not change. The result is the one of [`Self::parse`].
    pub fn edit(&self, new_text: Arc<str>) -> Self {
        Self::build(new_text, Some(self))
    }

    fn build(text: Arc<str>, before: Option<&Self>) -> Self {
        let outline = Outline::new(&text);
        let mut pieces = Vec::new();
        if text.len() <= MAX_PARSED_BYTES {
            pieces.reserve_exact(outline.parts.len());
            let mut known = before.map(|before| Known::new(before, &text, &outline.parts));
            let mut types = Types::default();
            for (index, &part) in outline.parts.iter().enumerate() {
                let conditions = Conditions {
                    types: types.digest,
                    first: index == 0,
                    inactive: outline.inactive_in(part),
                };
                let kept = known.as_mut().and_then(|known| known.find(index, part, &conditions));
                let piece = kept.unwrap_or_else(|| {
                    Piece::read(&text, &outline, part, conditions, &types.names)
                });
                types.add(&piece.core.types);
                pieces.push(piece);
            }
        }
        Self {
            directives: outline.live_directives().collect(),
            comments: outline.comments,
            text,
            pieces,
            unit: OnceLock::new(),
        }
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The text as the parser saw it: same length, same line ends.
    pub fn masked(&self) -> String {
        if self.pieces.is_empty() {
            return self.text.to_string();
        }
        self.pieces.iter().map(|piece| &*piece.core.masked).collect()
    }

    /// What was masked.
    pub fn masks(&self) -> Masks {
        let mut masks = Masks::default();
        for piece in &self.pieces {
            piece.core.masks.append_to(&mut masks, i64::from(piece.span.start));
        }
        masks
    }

    /// The comments, in order.
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// The parts of the text at file scope, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What the text says. Computed when first asked for.
    pub fn unit(&self) -> &Unit {
        self.unit.get_or_init(|| self.assemble())
    }

    /// How many function definitions the parser found.
    pub fn function_count(&self) -> usize {
        self.pieces.iter().map(|piece| piece.core.functions).sum()
    }

    fn assemble(&self) -> Unit {
        let mut unit = Unit::default();
        for piece in &self.pieces {
            let by = piece.moved_by();
            unit.items.extend(piece.core.items.iter().map(|item| match item {
                Item::Function(function) => Item::Function(function.moved(by)),
                Item::Declaration(declaration) => Item::Declaration(declaration.moved(by)),
            }));
            unit.errors.extend(piece.core.errors.iter().map(|error| {
                let mut error = *error;
                error.shift(by);
                error
            }));
        }
        if self.pieces.is_empty() && !self.text.trim_ascii().is_empty() {
            unit.errors.push(Span::new(0, offset(self.text.len())));
        }
        let directives = self.directives.iter();
        unit.directives = directives.filter_map(|at| directive(&self.text, *at)).collect();
        unit
    }
}

/// The names known to be types, as the text goes on.
#[derive(Default)]
struct Types {
    names: FxHashSet<Name>,
    /// Of the names in the order in which they became known.
    digest: u64,
}

impl Types {
    fn add(&mut self, names: &[Name]) {
        for name in names {
            if self.names.insert(name.clone()) {
                let mut hasher = FxHasher::default();
                hasher.write_u64(self.digest);
                hasher.write(name.as_bytes());
                hasher.write_u8(0);
                self.digest = hasher.finish();
            }
        }
    }
}

/// The pieces of an earlier version.
struct Known<'a> {
    before: &'a Parsed,
    text: &'a str,
    /// How many pieces at the beginning and at the end read the same in both versions.
    same: (usize, usize),
    /// How many pieces the new version has.
    count: usize,
    /// The other pieces of the earlier version, by their text; filled when first needed.
    middle: Option<FxHashMap<&'a str, &'a Piece>>,
}

impl<'a> Known<'a> {
    fn new(before: &'a Parsed, text: &'a str, parts: &[Span]) -> Self {
        let same = |(old, new): &(&Piece, &Span)| old.span.text(&before.text) == new.text(text);
        let pieces = &before.pieces;
        let head = pieces.iter().zip(parts).take_while(same).count();
        let rest = pieces.len().min(parts.len()) - head;
        let tail = pieces.iter().rev().zip(parts.iter().rev()).take(rest).take_while(same).count();
        Self { before, text, same: (head, tail), count: parts.len(), middle: None }
    }

    /// The piece that can stand for the one with the number `index`.
    fn find(&mut self, index: usize, part: Span, conditions: &Conditions) -> Option<Piece> {
        let pieces = &self.before.pieces;
        let candidate = if index < self.same.0 {
            pieces.get(index)?
        } else if index >= self.count - self.same.1 {
            pieces.get(pieces.len() - (self.count - index))?
        } else {
            let (head, tail) = self.same;
            let middle = self.middle.get_or_insert_with(|| {
                let pieces = pieces.get(head..pieces.len() - tail).unwrap_or_default();
                pieces.iter().map(|piece| (piece.span.text(&self.before.text), piece)).collect()
            });
            middle.get(part.text(self.text))?
        };
        let kept = candidate.core.conditions == *conditions;
        kept.then(|| Piece { span: part, core: Arc::clone(&candidate.core) })
    }
}
