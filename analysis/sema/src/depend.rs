//! What the meaning of a part of a file can depend on: the parts that define the names it uses, and what those
//! depend on in turn. Every identifier counts, whatever it is, so that nothing is missed; headers are taken as
//! a whole.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use syntax::ast::{DirectiveKind, Macro};
use syntax::{Parsed, Piece, TokenKind, lex};
use text::Span;

use crate::Headers;
use crate::header::model;
use crate::joined::{Joined, Maker};

/// A part of a file, to compare with the parts of an earlier version.
#[derive(Clone, Debug)]
pub enum Part {
    /// A function or declaration.
    Piece(Piece),
    /// A macro definition, as it is written.
    Macro(Box<str>),
}

impl Part {
    /// Whether both mean the same, wherever they stand.
    pub fn is_same(&self, other: &Part) -> bool {
        match (self, other) {
            (Part::Piece(a), Part::Piece(b)) => a.is_same(b),
            (Part::Macro(a), Part::Macro(b)) => a == b,
            _ => false,
        }
    }

    /// Where a piece stands; macros have no place.
    pub fn span(&self) -> Option<Span> {
        match self {
            Part::Piece(piece) => Some(piece.span()),
            Part::Macro(_) => None,
        }
    }
}

/// The parts of a file and which of them each can depend on.
#[derive(Debug)]
pub struct Dependencies {
    parts: Vec<Part>,
    /// By part: those that define a name it uses.
    direct: Vec<SmallVec<[u32; 8]>>,
    /// Those that define a name which a header uses.
    everywhere: Vec<u32>,
    /// By function of the file, in the order of the text: the piece it stands in.
    functions: Vec<u32>,
}

impl Dependencies {
    /// The dependencies in a file with these headers. Nothing for a file with `#pragma pack`, where what a part
    /// means depends on where it stands.
    pub fn new(parsed: &Parsed, headers: &Headers) -> Option<Self> {
        let text: &str = parsed.text();
        if text.contains("pragma pack") {
            return None;
        }
        let macros: Vec<MacroLine<'_>> = macros(parsed, text).collect();
        let pieces = parsed.pieces();
        let mut definitions: FxHashMap<&str, SmallVec<[u32; 2]>> = FxHashMap::default();
        let defined = pieces.iter().map(|piece| piece.defined(text));
        for (index, names) in (0..).zip(defined) {
            for name in names {
                definitions.entry(name.as_str()).or_default().push(index);
            }
        }
        let first_macro = u32::try_from(pieces.len()).ok()?;
        for (index, line) in (first_macro..).zip(&macros) {
            definitions.entry(line.name).or_default().push(index);
        }
        let makers: Vec<Maker> =
            macros.iter().filter_map(|line| line.definition).map(Maker::new).collect();
        let by_name = definitions.iter().map(|(name, parts)| (*name, parts.as_slice()));
        let joined = Joined::new(&makers, headers, by_name);
        let mut direct: Vec<SmallVec<[u32; 8]>> = Vec::with_capacity(pieces.len() + macros.len());
        for (index, piece) in pieces.iter().enumerate() {
            let used = piece.used(text).iter().map(|name| name.as_str());
            let mut found = indices(&definitions, used.clone());
            if let Some(joined) = &joined {
                joined.by_words(used, &mut found);
            }
            // What stands between an item and the one before it belongs to the item.
            if index > 0 && pieces[index - 1].is_empty() {
                found.extend(u32::try_from(index - 1).ok());
            }
            direct.push(found);
        }
        for line in &macros {
            let text = line.text.trim_start_matches('#');
            let tokens = lex(text);
            let words = tokens.iter().filter(|token| token.kind == TokenKind::Ident);
            let words = words.map(|token| token.span.text(text));
            let mut found = indices(&definitions, words.clone());
            if let Some(joined) = &joined {
                joined.by_words(words, &mut found);
            }
            direct.push(found);
        }
        if let Some(joined) = &joined {
            let defined =
                (pieces.len()..).zip(&macros).filter(|(_, line)| line.definition.is_some());
            for ((index, _), maker) in defined.zip(&makers) {
                joined.by_macro(maker, &mut direct[index]);
            }
        }
        let mut made: Vec<u32> = Vec::new();
        if let Some(joined) = &joined {
            let makers = headers.iter().flat_map(|header| header.makers());
            makers.for_each(|maker| joined.by_macro(maker, &mut made));
        }
        let everywhere = definitions
            .iter()
            .filter(|(name, _)| {
                model().mentions(name) || headers.iter().any(|header| header.mentions(name))
            })
            .flat_map(|(_, indices)| indices.iter().copied());
        let everywhere = everywhere.chain(made).collect::<FxHashSet<u32>>().into_iter().collect();
        let functions = (0..)
            .zip(pieces)
            .flat_map(|(index, piece)| std::iter::repeat_n(index, piece.functions()));
        let functions = functions.collect();
        let parts = pieces.iter().cloned().map(Part::Piece);
        let parts = parts.chain(macros.iter().map(|line| Part::Macro(line.text.into())));
        Some(Self { parts: parts.collect(), direct, everywhere, functions })
    }

    /// Everything that the meaning of a function can depend on, itself included, in the order of the text;
    /// macros come last. `function` is a position in [`crate::Sema::functions`].
    pub fn of_function(&self, function: usize) -> Vec<&Part> {
        let mut seen = vec![false; self.parts.len()];
        let mut open = self.everywhere.clone();
        open.extend(self.functions.get(function));
        while let Some(index) = open.pop() {
            let index = index as usize;
            if !std::mem::replace(&mut seen[index], true) {
                open.extend(&self.direct[index]);
            }
        }
        self.parts.iter().zip(seen).filter(|(_, seen)| *seen).map(|(part, _)| part).collect()
    }
}

fn indices<'a>(
    definitions: &FxHashMap<&str, SmallVec<[u32; 2]>>,
    names: impl Iterator<Item = &'a str>,
) -> SmallVec<[u32; 8]> {
    names.filter_map(|name| definitions.get(name)).flatten().copied().collect()
}

/// A line that defines or undefines a macro.
struct MacroLine<'a> {
    name: &'a str,
    /// The whole line.
    text: &'a str,
    /// What it defines.
    definition: Option<&'a Macro>,
}

/// The lines that define or undefine macros.
fn macros<'a>(parsed: &'a Parsed, text: &'a str) -> impl Iterator<Item = MacroLine<'a>> {
    parsed.unit().directives.iter().filter_map(|directive| {
        let (name, definition) = match &directive.kind {
            DirectiveKind::Define(definition) => (definition.name.as_str(), Some(definition)),
            DirectiveKind::Undef(name) => (name.as_str(), None),
            DirectiveKind::Include { .. } => return None,
        };
        Some(MacroLine { name, text: directive.span.text(text), definition })
    })
}
