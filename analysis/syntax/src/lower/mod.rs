//! From parser trees and masks to [`crate::ast`]. Building never fails and its recursion is bounded.

mod decl;
mod expr;
mod function;
pub(crate) mod kinds;
mod literal;
mod plain_type;
mod record;
mod stmt;
mod types;

use rustc_hash::FxHashSet;
use text::Span;
use tree_sitter::{Node, Tree, TreeCursor};

use crate::ast::{Attrs, Item, Name};
use crate::lexer::{offset, span};
use crate::mask::words::is_known_type;
use crate::mask::{MaskKind, Masks};
use kinds::{Field, Kind};

/// How deep statements, expressions and types may nest; what is deeper becomes an error node. The passes that read the
/// result may recurse over it without a bound of their own.
const MAX_DEPTH: u32 = 200;

/// How offsets of the source turn into spans of the result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Every offset moves by this much.
    Shift(i64),
    /// Everything stands here.
    Fixed(Span),
}

/// What a tree was made from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    /// The text as written.
    pub(crate) text: &'s str,
    /// The text that was parsed.
    pub(crate) masked: &'s str,
    /// The differences.
    pub(crate) masks: &'s Masks,
    /// Where the tree's first byte stands in the text.
    pub(crate) base: u32,
    /// Where results are placed.
    pub(crate) place: Place,
    /// Names that are known to be types.
    pub(crate) known: &'s FxHashSet<Name>,
}

/// What one piece of a file says.
#[derive(Default)]
pub(crate) struct Lowered {
    pub(crate) items: Vec<Item>,
    pub(crate) errors: Vec<Span>,
    /// Names of types declared by `typedef` there.
    pub(crate) types: FxHashSet<Name>,
}

/// Lowers one tree, adding to `out`.
pub(crate) fn lower_items(source: Source<'_>, tree: &Tree, depth: u32, out: &mut Lowered) {
    let mut lower = Lower::new(source, tree, depth, std::mem::take(&mut out.types));
    let root = tree.root_node();
    if root.is_error() {
        out.errors.push(lower.span(root));
    }
    let mut items = Vec::new();
    lower.items(root, &mut items);
    out.items.append(&mut items);
    out.errors.append(&mut lower.errors);
    out.types = lower.types;
}

/// A child of a node.
#[derive(Clone, Copy)]
struct Kid<'t> {
    field: Field,
    kind: Kind,
    node: Node<'t>,
}

struct Lower<'s, 't> {
    source: Source<'s>,
    cursor: TreeCursor<'t>,
    /// Children of all nodes being lowered, innermost last.
    kids: Vec<Kid<'t>>,
    depth: u32,
    types: FxHashSet<Name>,
    /// Parameters and variables of the function at hand.
    locals: FxHashSet<Name>,
    errors: Vec<Span>,
    /// Offsets behind casts that are masked and have been applied.
    casts: FxHashSet<u32>,
    /// Nodes below may be errors.
    check: bool,
    in_function: bool,
    /// Something was not readable since this was last cleared.
    bad: bool,
}

impl<'s, 't> Lower<'s, 't> {
    fn new(source: Source<'s>, tree: &'t Tree, depth: u32, types: FxHashSet<Name>) -> Self {
        let root = tree.root_node();
        Self {
            source,
            cursor: root.walk(),
            kids: Vec::with_capacity(64),
            depth,
            types,
            locals: FxHashSet::default(),
            errors: Vec::new(),
            casts: FxHashSet::default(),
            check: root.has_error(),
            in_function: false,
            bad: false,
        }
    }

    /// Offsets of a node in the source.
    fn raw(&self, node: Node<'_>) -> Span {
        let base = self.source.base as usize;
        span(node.start_byte() + base, node.end_byte() + base)
    }

    fn span(&self, node: Node<'_>) -> Span {
        self.placed(self.raw(node))
    }

    /// Where offsets of the source stand in the result.
    fn placed(&self, raw: Span) -> Span {
        match self.source.place {
            Place::Fixed(span) => span,
            Place::Shift(0) => raw,
            Place::Shift(by) => {
                let at =
                    |offset: u32| u32::try_from(i64::from(offset).saturating_add(by)).unwrap_or(0);
                Span::new(at(raw.start), at(raw.end))
            }
        }
    }

    /// The text of a node as written.
    fn text(&self, node: Node<'_>) -> &'s str {
        self.raw(node).text(self.source.text)
    }

    /// The text of a node as parsed.
    fn masked(&self, node: Node<'_>) -> &'s str {
        self.raw(node).text(self.source.masked)
    }

    fn name(&self, node: Node<'_>) -> Name {
        Name::new(self.text(node))
    }

    /// Puts the children of `node` that mean something on the stack and returns where they are.
    fn open(&mut self, node: Node<'t>) -> std::ops::Range<usize> {
        let start = self.kids.len();
        self.cursor.reset(node);
        if self.cursor.goto_first_child() {
            loop {
                let child = self.cursor.node();
                let field = kinds::field(self.cursor.field_id());
                if self.check && (child.is_missing() || child.is_error()) {
                    self.broken(node, child);
                }
                if child.is_named() || field == Field::Operator {
                    let kind = kinds::kind(child);
                    self.kids.push(Kid { field, kind, node: child });
                }
                if !self.cursor.goto_next_sibling() {
                    break;
                }
            }
        }
        start..self.kids.len()
    }

    /// Removes what [`Self::open`] put on the stack.
    fn close(&mut self, kids: std::ops::Range<usize>) {
        self.kids.truncate(kids.start);
    }

    /// The first child with this field.
    fn child(&mut self, node: Node<'t>, field: Field) -> Option<Kid<'t>> {
        let [found] = self.fields(node, [field]);
        found
    }

    /// The first child with each of these fields. Walking over the children is what lowering spends its time on, so
    /// all that is wanted of a node is asked for at once.
    fn fields<const N: usize>(
        &mut self,
        node: Node<'t>,
        fields: [Field; N],
    ) -> [Option<Kid<'t>>; N] {
        let kids = self.open(node);
        let list = &self.kids[kids.clone()];
        let found = fields.map(|field| list.iter().find(|kid| kid.field == field).copied());
        self.close(kids);
        found
    }

    /// A child that is an error or was made up by the parser.
    fn broken(&mut self, parent: Node<'t>, child: Node<'t>) {
        // `MACRO(x)` on a line of its own needs no semicolon, and a label may end a block.
        let harmless = child.is_missing()
            && child.kind() == ";"
            && (kinds::kind(parent) == Kind::ExpressionStatement
                && parent.named_child(0).is_some_and(|inner| kinds::kind(inner) == Kind::Call)
                || kinds::kind(parent) == Kind::ExpressionStatement && parent.child_count() == 1);
        if !harmless {
            self.bad = true;
            let span = self.span(child);
            if self.errors.last() != Some(&span) {
                self.errors.push(span);
            }
        }
    }

    /// Runs `build` one level deeper, or returns `None` at the limit.
    fn deeper<T>(&mut self, build: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.bad = true;
            return None;
        }
        self.depth += 1;
        let built = build(self);
        self.depth -= 1;
        Some(built)
    }

    /// Whether `name` is known to be a type here.
    fn is_type(&self, name: &str) -> bool {
        !self.locals.contains(name) && (is_known_type(name) || self.is_declared_type(name))
    }

    pub(super) fn is_declared_type(&self, name: &str) -> bool {
        self.types.contains(name) || self.source.known.contains(name)
    }

    /// Attributes masked between two offsets of the source, without those inside `body`.
    fn attrs(&self, from: u32, to: u32, body: Option<Span>) -> Attrs {
        let mut attrs = Attrs::default();
        for mask in self.source.masks.starting_in(Span::new(from, to)) {
            if body.is_some_and(|body| body.contains(mask.span)) {
                continue;
            }
            let text = mask.span.text(self.source.text);
            match mask.kind {
                MaskKind::Section(value) => {
                    let Some(value) = value else { continue };
                    attrs.section = Some((self.string(value), self.placed(value)));
                }
                MaskKind::Attribute => {
                    if let Some(value) = section_in(text) {
                        let value =
                            Span::new(mask.span.start + value.start, mask.span.start + value.end);
                        attrs.section = Some((self.string(value), self.placed(value)));
                    }
                    attrs.words.push((Name::new(text), self.placed(mask.span)));
                }
                MaskKind::SurplusWord => {
                    attrs.words.push((Name::new(text), self.placed(mask.span)));
                }
                _ => {}
            }
        }
        attrs
    }

    /// The contents of the string constants at `raw`, joined.
    fn string(&self, raw: Span) -> String {
        literal::strings(raw.text(self.source.text))
    }
}

/// Where the string of `__attribute__((section("…")))` stands in the text of the attribute.
fn section_in(text: &str) -> Option<Span> {
    let tokens = crate::lexer::lex(text);
    let at = tokens
        .iter()
        .position(|token| matches!(token.span.text(text), "section" | "__section__"))?;
    let string = tokens.get(at + 2).filter(|token| token.kind == crate::lexer::TokenKind::Str)?;
    Some(string.span)
}

/// An offset behind a span that a scan of the masked text reaches by skipping blanks and then `byte`.
fn behind(masked: &str, from: u32, byte: u8) -> Option<u32> {
    let rest = masked.as_bytes().get(from as usize..)?;
    let at = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    (rest[at] == byte).then(|| offset(from as usize + at + 1))
}
