//! A part of a file that is cut at file scope: what it says depends only on its own text and on the names that
//! are known to be types in front of it, so that it can be kept as long as these stay the same.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashSet;
use text::Span;
use tree_sitter::{Node, Tree};

use crate::ast::{Enumerator, Item, Name, RecordType, Stmt, StmtKind, Type};
use crate::lexer::TokenKind;
use crate::lower::kinds::{Kind, kind};
use crate::lower::{Lowered, Place, Source, lower_items};
use crate::mask::outline::Outline;
use crate::mask::{Masked, Masks, Part, Rules, mask_part};
use crate::walk::{self, Visitor};
use crate::{lex, tree};

/// What is needed to know whether a piece can be kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// A digest of the names known to be types in front of it.
    pub(crate) types: u64,
    /// It is the first of its file: only there can a preprocessor line begin at once.
    pub(crate) first: bool,
    /// The branches in it that are left out, with offsets into it.
    pub(crate) inactive: Vec<Span>,
}

/// A piece as it was read.
#[derive(Debug)]
pub(crate) struct Core {
    /// Where it stood then.
    pub(crate) origin: u32,
    pub(crate) conditions: Conditions,
    /// The text as the parser saw it: same length, same line ends.
    pub(crate) masked: Box<str>,
    /// What was masked, with offsets into the piece.
    pub(crate) masks: Masks,
    /// With offsets into the file as it was then.
    pub(crate) items: Vec<Item>,
    /// With offsets into the file as it was then.
    pub(crate) errors: Vec<Span>,
    /// How many function definitions the parser found.
    pub(crate) functions: usize,
    /// Names that it declares as types.
    pub(crate) types: Vec<Name>,
    names: OnceLock<Names>,
}

/// The names in a piece, each once.
#[derive(Debug, Default)]
struct Names {
    used: Box<[Name]>,
    defined: Box<[Name]>,
}

/// A part of a file at file scope: one function or declaration, rarely more.
#[derive(Clone, Debug)]
pub struct Piece {
    pub(crate) span: Span,
    pub(crate) core: Arc<Core>,
}

impl Piece {
    /// Reads the part of `text` at `span`, with `types` known.
    pub(crate) fn read(
        text: &str,
        outline: &Outline,
        span: Span,
        conditions: Conditions,
        types: &FxHashSet<Name>,
    ) -> Self {
        let reader = Reader { text: span.text(text), outline, span, types };
        Self { span, core: Arc::new(reader.read(conditions)) }
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether both read the same and were read only once. They may stand in different places.
    pub fn is_same(&self, other: &Piece) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// How many functions with a body are in it.
    pub fn functions(&self) -> usize {
        self.core.items.iter().filter(|item| matches!(item, Item::Function(_))).count()
    }

    /// Whether there is neither function nor declaration in it.
    pub fn is_empty(&self) -> bool {
        self.core.items.is_empty()
    }

    /// The identifiers in it, each once. `text` is the text of the file.
    pub fn used<'a>(&'a self, text: &str) -> &'a [Name] {
        &self.names(text).used
    }

    /// The names that it defines for the file, each once: functions, variables, types, enumerators. `text` is
    /// the text of the file.
    pub fn defined<'a>(&'a self, text: &str) -> &'a [Name] {
        &self.names(text).defined
    }

    fn names(&self, text: &str) -> &Names {
        self.core.names.get_or_init(|| Names::of(&self.core.items, self.span.text(text)))
    }

    /// How far it has moved since it was read.
    pub(crate) fn moved_by(&self) -> i64 {
        i64::from(self.span.start) - i64::from(self.core.origin)
    }
}

struct Reader<'t> {
    /// Of the piece.
    text: &'t str,
    outline: &'t Outline,
    span: Span,
    types: &'t FxHashSet<Name>,
}

impl Reader<'_> {
    fn read(&self, conditions: Conditions) -> Core {
        let mut masked = self.mask(&conditions, Rules::All);
        let mut tree = parse(&masked);
        let found = tree.as_ref().map_or(0, |tree| functions(tree.root_node()));
        let complete = tree.as_ref().is_none_or(|tree| {
            let root = tree.root_node();
            !root.is_error() && (!root.has_error() || found >= masked.bodies)
        });
        if !complete || tree.is_none() && !masked.text.trim_ascii().is_empty() {
            for rules in [Rules::Tables, Rules::Bare] {
                let other = self.mask(&conditions, rules);
                let Some(new) = parse(&other) else { continue };
                if rank(&new) > tree.as_ref().map_or((0, false), rank) || tree.is_none() {
                    (masked, tree) = (other, Some(new));
                }
            }
        }
        self.lower(conditions, masked, tree)
    }

    fn mask(&self, conditions: &Conditions, rules: Rules) -> Masked {
        let contents = self.outline.contents(self.span);
        let part = Part {
            text: self.text,
            tokens: contents.tokens,
            comments: contents.comments,
            directives: contents.directives,
            inactive: conditions.inactive.clone(),
            unclosed: contents.unclosed,
            types: self.types,
        };
        mask_part(part, rules)
    }

    fn lower(&self, conditions: Conditions, masked: Masked, tree: Option<Tree>) -> Core {
        let mut out = Lowered::default();
        if let Some(tree) = &tree {
            let source = Source {
                text: self.text,
                masked: &masked.text,
                masks: &masked.masks,
                base: 0,
                place: Place::Shift(i64::from(self.span.start)),
                known: self.types,
            };
            lower_items(source, tree, 0, &mut out);
        } else if !masked.text.trim_ascii().is_empty() {
            out.errors.push(self.span);
        }
        let declared = out.types.into_iter().chain(masked.typedefs);
        let mut types: Vec<Name> = declared.collect::<FxHashSet<_>>().into_iter().collect();
        types.sort_unstable();
        Core {
            origin: self.span.start,
            conditions,
            masked: masked.text.into(),
            masks: masked.masks,
            items: out.items,
            errors: out.errors,
            functions: tree.map_or(0, |tree| functions(tree.root_node())),
            types,
            names: OnceLock::new(),
        }
    }
}

/// The tree of a text; none if there is nothing in it or it needs too much work.
fn parse(masked: &Masked) -> Option<Tree> {
    if masked.text.trim_ascii().is_empty() { None } else { tree::parse(&masked.text) }
}

/// Which of several trees of a text says most.
fn rank(tree: &Tree) -> (usize, bool) {
    let root = tree.root_node();
    (functions(root), !root.has_error())
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

impl Names {
    fn of(items: &[Item], text: &str) -> Self {
        let mut used = FxHashSet::default();
        for token in lex(text).iter().filter(|token| token.kind == TokenKind::Ident) {
            used.insert(token.span.text(text));
        }
        let mut definitions = Definitions::default();
        items.iter().for_each(|item| definitions.item(item));
        Self { used: used.into_iter().map(Name::new).collect(), defined: definitions.names() }
    }
}

/// Collects the names that are visible outside of where they are declared.
#[derive(Default)]
struct Definitions(FxHashSet<Name>);

impl Definitions {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Function(function) => {
                let function = function.origin();
                self.0.insert(function.name.clone());
                walk::ty(&function.ret, self);
                function.params.iter().for_each(|param| walk::ty(&param.ty, self));
                walk::block(&function.body, self);
            }
            Item::Declaration(declaration) => {
                let declaration = declaration.origin();
                let names = declaration.declarators.iter().map(|declarator| &declarator.name);
                self.0.extend(names.cloned());
                walk::declaration(declaration, self);
            }
        }
    }

    fn names(self) -> Box<[Name]> {
        self.0.into_iter().collect()
    }

    fn record(&mut self, record: &RecordType) {
        if record.members.is_some() {
            self.0.extend(record.tag.clone());
        }
    }

    fn enumerators(&mut self, enumerators: &[Enumerator]) {
        self.0.extend(enumerators.iter().map(|enumerator| enumerator.name.clone()));
    }
}

impl Visitor for Definitions {
    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Record(record) => self.record(record),
            Type::Enum(enumeration) => {
                if let Some(enumerators) = &enumeration.enumerators {
                    self.0.extend(enumeration.tag.clone());
                    self.enumerators(enumerators);
                }
            }
            _ => {}
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::Decl(local) = &stmt.kind
            && local.0.is_typedef
        {
            self.0.extend(local.0.declarators.iter().map(|declarator| declarator.name.clone()));
        }
    }
}
