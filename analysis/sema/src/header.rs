//! Headers: found by name without parsing, parsed piece by piece when asked for.
//!
//! A header is read once by the lexer, which notes where each name is defined. Conditional compilation is
//! not evaluated, so a name may have several definitions; where they differ, its meaning is unknown.

pub(crate) mod scan;

use std::hash::Hasher as _;
use std::sync::{Arc, LazyLock, OnceLock};

use rustc_hash::{FxHashSet, FxHasher};
use smol_str::SmolStr;
use syntax::ast::{Declaration, DirectiveKind, Function, Item, Macro};
use syntax::{Fragment, FragmentKind, TokenKind, lex};
use text::Span;

use crate::joined::Maker;
use crate::record::Source;

/// The kinds of names that do not collide in C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// Tags of structures with a body.
    Struct,
    /// Tags of unions with a body.
    Union,
    /// Typedefs.
    Typedef,
    /// Functions and variables.
    Ordinary,
    /// Enumerators.
    Enumerator,
    /// Macros.
    Macro,
}

/// The names a header defines. It holds no reference to anything else and can be shared between files and
/// threads; pieces parsed for one are parsed for all.
#[derive(Debug)]
pub struct Header {
    text: Arc<str>,
    pieces: Vec<Piece>,
    /// Sorted by hash, then by piece.
    names: Vec<Entry>,
    includes: Vec<(String, bool)>,
    /// The identifiers in it, filled when first asked for.
    mentioned: OnceLock<FxHashSet<SmolStr>>,
    /// Its macros, filled when first asked for.
    makers: OnceLock<Vec<Maker>>,
}

/// A part of a header that is parsed as a whole.
#[derive(Debug)]
struct Piece {
    span: Span,
    shape: Shape,
    /// The limit of `#pragma pack` in force, in bytes.
    pack: Option<u8>,
    content: OnceLock<Option<Box<Content>>>,
}

/// How the text of a piece becomes something to parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A whole declaration or function.
    Whole,
    /// A record or enum inside a declaration: only a semicolon is missing.
    Type,
    /// A preprocessor line.
    Directive,
}

/// Where a name is defined.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Of the name and its space.
    hash: u64,
    name: Span,
    piece: u32,
}

/// A parsed piece.
#[derive(Debug)]
pub(crate) enum Content {
    Function(Arc<Function>),
    Declaration(Declaration),
    Macro(Macro),
}

/// A definition found in a header.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    header: &'a Header,
    piece: &'a Piece,
}

/// What a search for a name gives.
pub(crate) enum Lookup<'a> {
    None,
    /// One definition, or several that read the same.
    One(Found<'a>),
    /// Definitions that differ.
    Several,
}

/// Larger headers, in bytes, are dumps of kernel types.
const LARGEST_DEPENDENT: usize = 512 * 1024;

impl Header {
    /// Notes what `text` defines. This reads the text once and parses nothing.
    pub fn scan(text: Arc<str>) -> Header {
        scan::scan(text)
    }

    /// The paths of its `#include` lines, and whether they stand in `<…>`.
    pub fn includes(&self) -> impl Iterator<Item = (&str, bool)> {
        self.includes.iter().map(|(path, system)| (path.as_str(), *system))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the identifier `name` stands anywhere in it. Dumps of kernel types mention nothing: they stand on
    /// their own.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let mentioned = self.mentioned.get_or_init(|| {
            if self.text.len() > LARGEST_DEPENDENT {
                return FxHashSet::default();
            }
            let mut words = FxHashSet::default();
            for token in lex(&self.text) {
                let text = token.span.text(&self.text);
                match token.kind {
                    TokenKind::Ident => {
                        words.insert(SmolStr::new(text));
                    }
                    TokenKind::Directive => {
                        let line = text.trim_start_matches('#');
                        let inner = lex(line).into_iter();
                        let inner = inner.filter(|token| token.kind == TokenKind::Ident);
                        words.extend(inner.map(|token| SmolStr::new(token.span.text(line))));
                    }
                    _ => {}
                }
            }
            words
        });
        mentioned.contains(name)
    }

    /// The macros that can make names with `##` or lead to such macros; none in dumps of kernel types.
    pub(crate) fn makers(&self) -> &[Maker] {
        self.makers.get_or_init(|| {
            if self.text.len() > LARGEST_DEPENDENT {
                return Vec::new();
            }
            let macros = self.pieces.iter().filter(|piece| piece.shape == Shape::Directive);
            let found = macros.map(|piece| Found { header: self, piece });
            let bodies = found.filter_map(|found| match found.content() {
                Some(Content::Macro(definition)) => Some(Maker::new(definition)),
                _ => None,
            });
            bodies.collect()
        })
    }

    /// Whether `name` is defined here.
    pub(crate) fn has(&self, space: Space, name: &str) -> bool {
        self.all(space, name).any(|found| found.declares(space, name))
    }

    /// All definitions of `name`, in the order of the text.
    pub(crate) fn all<'a>(&'a self, space: Space, name: &str) -> impl Iterator<Item = Found<'a>> {
        let hash = hash_of(space, name);
        let first = self.names.partition_point(|entry| entry.hash < hash);
        self.names[first..]
            .iter()
            .take_while(move |entry| entry.hash == hash)
            .filter(move |entry| entry.name.text(&self.text) == name)
            .filter_map(|entry| {
                Some(Found { header: self, piece: self.pieces.get(entry.piece as usize)? })
            })
    }

    /// The definition of `name`.
    pub(crate) fn find<'a>(&'a self, space: Space, name: &str) -> Lookup<'a> {
        Lookup::of(space, name, self.all(space, name))
    }
}

impl<'a> Found<'a> {
    /// What stands there, parsed on first use; nothing if it cannot be parsed.
    pub(crate) fn content(&self) -> Option<&'a Content> {
        let text = self.text();
        self.piece.content.get_or_init(|| parse(text, self.piece.shape).map(Box::new)).as_deref()
    }

    /// Whether the piece declares `name`, which it may only mention: that tokens alone cannot tell apart
    /// for declared names. A piece that cannot be parsed is taken at its word.
    fn declares(&self, space: Space, name: &str) -> bool {
        if !matches!(space, Space::Typedef | Space::Ordinary) {
            return true;
        }
        match self.content() {
            Some(Content::Declaration(declaration)) => {
                let is_typedef = declaration.is_typedef == (space == Space::Typedef);
                is_typedef && declaration.declarators.iter().any(|it| it.name == name)
            }
            Some(Content::Function(function)) => function.name == name,
            Some(Content::Macro(_)) | None => true,
        }
    }

    /// The limit of `#pragma pack` in force, in bytes.
    pub(crate) fn pack(&self) -> Option<u64> {
        self.piece.pack.map(u64::from)
    }

    /// The text that spans in [`Found::content`] point into.
    pub(crate) fn source(&self) -> Source {
        Source { text: self.header.text.clone(), base: self.piece.span.start }
    }

    /// The text of the piece; spans in [`Found::content`] count from its start.
    pub(crate) fn text(&self) -> &'a str {
        self.piece.span.text(&self.header.text)
    }
}

impl<'a> Lookup<'a> {
    fn of(space: Space, name: &str, found: impl Iterator<Item = Found<'a>>) -> Lookup<'a> {
        let mut found: Vec<Found<'a>> = found.collect();
        if found.len() > 1 {
            found.retain(|found| found.declares(space, name));
        }
        let Some((first, others)) = found.split_first() else { return Lookup::None };
        let same = |other: &Found<'_>| {
            first.piece.pack == other.piece.pack && same_tokens(first.text(), other.text())
        };
        if others.iter().all(same) { Lookup::One(*first) } else { Lookup::Several }
    }
}

/// Headers in the order of inclusion.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<Arc<Header>>);

impl Headers {
    /// Headers in the order of inclusion.
    pub fn new(headers: Vec<Arc<Header>>) -> Headers {
        Headers(headers)
    }

    /// Whether both are the same headers, scanned only once.
    pub fn is_same(&self, other: &Headers) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.into_iter().all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// The headers in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter().map(|header| &**header)
    }

    /// All definitions of `name`.
    pub(crate) fn all<'a>(&'a self, space: Space, name: &str) -> impl Iterator<Item = Found<'a>> {
        self.iter().flat_map(move |header| header.all(space, name))
    }

    /// The definition of `name`.
    pub(crate) fn find<'a>(&'a self, space: Space, name: &str) -> Lookup<'a> {
        Lookup::of(space, name, self.all(space, name))
    }
}

impl FromIterator<Arc<Header>> for Headers {
    fn from_iter<T: IntoIterator<Item = Arc<Header>>>(iter: T) -> Self {
        Headers(iter.into_iter().collect())
    }
}

/// The kernel model's records and typedefs, for files whose headers are not at hand.
pub(crate) fn model() -> &'static Header {
    static MODEL: LazyLock<Header> =
        LazyLock::new(|| Header::scan(Arc::from(kernel_model::RECORDS)));
    &MODEL
}

/// Whether two texts differ in white space and comments only.
pub(crate) fn same_tokens(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (left, right) = (lex(a), lex(b));
    left.len() == right.len()
        && left.iter().zip(&right).all(|(x, y)| x.span.text(a) == y.span.text(b))
}

fn hash_of(space: Space, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    hasher.write_u8(space as u8);
    hasher.finish()
}

fn parse(text: &str, shape: Shape) -> Option<Content> {
    let whole = match shape {
        Shape::Directive => {
            let directive = syntax::directive(text, Span::new(0, u32::try_from(text.len()).ok()?))?;
            let DirectiveKind::Define(definition) = directive.kind else { return None };
            return Some(Content::Macro(definition));
        }
        Shape::Whole => syntax::parse_fragment(text, FragmentKind::Item, None),
        Shape::Type => syntax::parse_fragment(&format!("{text};"), FragmentKind::Item, None),
    };
    let Fragment::Items(items) = whole? else { return None };
    // What stands in front of the definition in its piece are calls of macros that end in no semicolon.
    match items.into_iter().next_back()? {
        Item::Function(function) => Some(Content::Function(Arc::new(function.into_inner()))),
        Item::Declaration(declaration) => Some(Content::Declaration(declaration.into_inner())),
    }
}

/// Whether the token reads `word`.
fn is_word(text: &str, token: syntax::Token, word: &str) -> bool {
    token.kind == TokenKind::Ident && token.span.text(text) == word
}
