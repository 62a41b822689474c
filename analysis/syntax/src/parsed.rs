//! A parsed file as an immutable value.

use std::sync::{Arc, OnceLock};

use text::Span;
use tree_sitter::{Node, Tree};

use crate::ast::Unit;
use crate::directive::directive;
use crate::lexer::offset;
use crate::lower::kinds::{Kind, kind};
use crate::lower::{Lowered, Place, Source, lower_items};
use crate::mask::{Masked, Masks, Rules, mask};
use crate::tree;

/// Longer texts are not parsed as C; only their preprocessor lines are read. A tree takes some twenty times the memory of
/// its text.
pub const MAX_PARSED_BYTES: usize = 8 << 20;

/// Into how many pieces a text is cut at most when it does not parse as a whole.
const MAX_PIECES: usize = 2_000;

/// A text with its syntax. Making one never fails; see [`Unit::errors`] for what was not readable.
#[derive(Debug)]
pub struct Parsed {
    text: Arc<str>,
    /// The text as rewritten by all rules first, then by fewer where that was needed.
    versions: Vec<Masked>,
    pieces: Vec<Piece>,
    unit: OnceLock<Unit>,
}

/// A part of the text with its tree.
#[derive(Debug)]
struct Piece {
    start: u32,
    /// Index of the masked text that was parsed.
    version: usize,
    tree: Tree,
}

impl Parsed {
    /// Parses `text`.
    pub fn parse(text: Arc<str>) -> Self {
        let masked = mask(&text, Rules::All);
        let tree =
            if text.len() > MAX_PARSED_BYTES { None } else { tree::parse(&masked.text, None) };
        Self::with_tree(text, masked, tree)
    }

    /// Parses `new_text`, taking over from this value what did not change. The result is the one of [`Self::parse`].
    pub fn edit(&self, new_text: Arc<str>) -> Self {
        let (Some(old), [piece]) = (self.versions.first(), self.pieces.as_slice()) else {
            return Self::parse(new_text);
        };
        if piece.version != 0 || piece.start != 0 || new_text.len() > MAX_PARSED_BYTES {
            return Self::parse(new_text);
        }
        let masked = mask(&new_text, Rules::All);
        let tree = match tree::edit_between(&old.text, &masked.text) {
            None => Some(piece.tree.clone()),
            Some(edit) => {
                let mut tree = piece.tree.clone();
                tree.edit(&edit);
                // Recovery from an error depends on what was there before; only a clean tree is the one of a fresh parse.
                tree::parse(&masked.text, Some(&tree)).filter(|tree| !tree.root_node().has_error())
            }
        };
        let tree = tree.or_else(|| tree::parse(&masked.text, None));
        Self::with_tree(new_text, masked, tree)
    }

    fn with_tree(text: Arc<str>, masked: Masked, tree: Option<Tree>) -> Self {
        let too_long = text.len() > MAX_PARSED_BYTES;
        let complete = tree.as_ref().is_some_and(|tree| {
            let root = tree.root_node();
            !root.is_error() && (!root.has_error() || functions(root) >= masked.bodies)
        });
        let mut versions = vec![masked];
        let mut pieces = Vec::new();
        if let Some(tree) = tree {
            pieces.push(Piece { start: 0, version: 0, tree });
        }
        if !complete && !too_long {
            let found = pieces.first().map_or(0, |piece| functions(piece.tree.root_node()));
            versions.push(mask(&text, Rules::Tables));
            versions.push(mask(&text, Rules::Bare));
            let parts = in_pieces(&text, &versions);
            let better =
                parts.iter().map(|piece| functions(piece.tree.root_node())).sum::<usize>() > found;
            let collapsed = pieces.first().is_none_or(|piece| piece.tree.root_node().is_error());
            if better || collapsed {
                pieces = parts;
            } else {
                versions.truncate(1);
            }
        }
        Self { text, versions, pieces, unit: OnceLock::new() }
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The text as all masking rules leave it: same length, same line ends.
    pub fn masked(&self) -> &str {
        self.versions.first().map_or("", |masked| &masked.text)
    }

    /// What was masked.
    pub fn masks(&self) -> &Masks {
        static EMPTY: OnceLock<Masks> = OnceLock::new();
        self.versions
            .first()
            .map_or_else(|| EMPTY.get_or_init(Masks::default), |masked| &masked.masks)
    }

    /// The comments, in order.
    pub fn comments(&self) -> &[Span] {
        self.versions.first().map_or(&[], |masked| &masked.comments)
    }

    /// What the text says. Computed when first asked for.
    pub fn unit(&self) -> &Unit {
        self.unit.get_or_init(|| self.lower())
    }

    /// How many function definitions the parser found.
    pub fn function_count(&self) -> usize {
        self.pieces.iter().map(|piece| functions(piece.tree.root_node())).sum()
    }

    /// The parser's trees in their text form, to compare.
    pub(crate) fn trees(&self) -> Vec<(u32, usize, String)> {
        self.pieces
            .iter()
            .map(|piece| (piece.start, piece.version, piece.tree.root_node().to_sexp()))
            .collect()
    }

    fn lower(&self) -> Unit {
        let mut out = Lowered::default();
        for piece in &self.pieces {
            let version = &self.versions[piece.version];
            let source = Source {
                text: &self.text,
                masked: &version.text,
                masks: &version.masks,
                base: piece.start,
                place: Place::Shift(0),
            };
            lower_items(source, &piece.tree, 0, &mut out);
        }
        if self.pieces.is_empty() && !self.text.trim_ascii().is_empty() {
            out.errors.push(Span::new(0, offset(self.text.len())));
        }
        let directives = self.versions.first().map_or(&[][..], |masked| &masked.directives);
        Unit {
            items: out.items,
            directives: directives.iter().filter_map(|at| directive(&self.text, *at)).collect(),
            errors: out.errors,
        }
    }
}

/// Parses the text between declarations, each part with the rules that find most functions in it.
fn in_pieces(text: &str, versions: &[Masked]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let least = text.len() / MAX_PIECES;
    let mut start = 0;
    let end = [offset(text.len())];
    for &cut in versions[0].cuts.iter().chain(&end) {
        let cut = cut as usize;
        let at_end = cut == text.len();
        if cut <= start || cut - start < least && !at_end {
            continue;
        }
        pieces.extend(piece(start, cut, versions));
        start = cut;
    }
    pieces
}

fn piece(start: usize, end: usize, versions: &[Masked]) -> Option<Piece> {
    let mut best: Option<(usize, bool, Piece)> = None;
    for (version, masked) in versions.iter().enumerate() {
        let part = masked.text.get(start..end)?;
        if part.trim_ascii().is_empty() {
            continue;
        }
        let Some(tree) = tree::parse(part, None) else { continue };
        let root = tree.root_node();
        let (count, clean) = (functions(root), !root.has_error());
        if best.as_ref().is_none_or(|(most, was_clean, _)| (count, clean) > (*most, *was_clean)) {
            best = Some((count, clean, Piece { start: offset(start), version, tree }));
        }
        if clean {
            break;
        }
    }
    best.map(|(_, _, piece)| piece)
}

/// How many function definitions stand at the top of a tree or directly inside an error or block there.
fn functions(root: Node<'_>) -> usize {
    let mut count = 0;
    let mut cursor = root.walk();
    if !cursor.goto_first_child() {
        return 0;
    }
    loop {
        let node = cursor.node();
        let descend = match kind(node) {
            Kind::FunctionDefinition => {
                count += 1;
                false
            }
            Kind::Linkage | Kind::DeclarationList => true,
            _ => node.is_error(),
        };
        if descend && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return count;
            }
        }
    }
}
