//! Parts of a program parsed on their own: macro bodies, and single declarations of headers.

use text::Span;

use crate::ast::{Expr, Item, Stmt, StmtKind};
use crate::lexer::{lex, offset};
use crate::lower::{Lowered, Place, Source, lower_items};
use crate::mask::{Rules, mask};
use crate::tree;

/// What a fragment is parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentKind {
    /// One expression.
    Expr,
    /// Statements; the last may lack its semicolon.
    Stmts,
    /// Declarations at file scope; the last may lack its semicolon.
    Item,
}

/// A parsed fragment.
#[derive(Clone, Debug)]
pub enum Fragment {
    /// From [`FragmentKind::Expr`].
    Expr(Expr),
    /// From [`FragmentKind::Stmts`].
    Stmts(Vec<Stmt>),
    /// From [`FragmentKind::Item`].
    Items(Vec<Item>),
}

/// Longer fragments are not parsed.
const MAX_BYTES: usize = 1 << 20;

/// Parses `text` as `kind`. With `at`, every span in the result is that span (the place where a macro is used); without
/// it, spans are offsets into `text`. `None` if the text does not parse cleanly.
pub fn parse_fragment(text: &str, kind: FragmentKind, at: Option<Span>) -> Option<Fragment> {
    let place = at.map_or(Place::Shift(0), Place::Fixed);
    match kind {
        FragmentKind::Expr => expression(text, place, 0).map(Fragment::Expr),
        FragmentKind::Stmts => statements(text, place).map(Fragment::Stmts),
        FragmentKind::Item => items(text, place).map(Fragment::Items),
    }
}

/// An expression; its first byte is placed at `place`.
pub(crate) fn expression(text: &str, place: Place, depth: u32) -> Option<Expr> {
    if text.trim_ascii().is_empty() {
        return None;
    }
    returned("int f(void){return(", text, ");}", place, depth)
}

/// `sizeof(text)`, where the text may be a type or an expression.
pub(crate) fn operand(text: &str, place: Place, depth: u32) -> Option<Expr> {
    returned("int f(void){return sizeof(", text, ");}", place, depth)
}

/// The expression a function made of the three parts returns, if that is all it does.
fn returned(head: &str, text: &str, tail: &str, place: Place, depth: u32) -> Option<Expr> {
    let mut body = function_body(head, text, tail, place, depth)?;
    let only = body.pop()?;
    match only.kind {
        StmtKind::Return(Some(value)) if body.is_empty() => Some(value),
        _ => None,
    }
}

fn statements(text: &str, place: Place) -> Option<Vec<Stmt>> {
    let mut stmts = function_body("int f(void){", text, ";}", place, 0)?;
    // The semicolon added here is a statement of its own if the text had one.
    if matches!(stmts.last(), Some(Stmt { kind: StmtKind::Expr(None), .. })) {
        stmts.pop();
    }
    Some(stmts)
}

fn function_body(
    head: &str,
    text: &str,
    tail: &str,
    place: Place,
    depth: u32,
) -> Option<Vec<Stmt>> {
    // The line end keeps a comment at the end of the text from reaching the tail.
    let whole = format!("{head}{text}\n{tail}");
    let items = parse(&whole, shifted(place, head.len()), depth)?;
    match <[Item; 1]>::try_from(items) {
        Ok([Item::Function(function)]) => Some(function.into_inner().body.stmts),
        _ => None,
    }
}

fn items(text: &str, place: Place) -> Option<Vec<Item>> {
    let closed = lex(text).last().is_some_and(|token| token.is(b';'));
    if closed { parse(text, place, 0) } else { parse(&format!("{text}\n;"), place, 0) }
}

/// The place of a text that has `len` more bytes in front.
fn shifted(place: Place, len: usize) -> Place {
    match place {
        Place::Shift(by) => Place::Shift(by - i64::from(offset(len))),
        Place::Fixed(span) => Place::Fixed(span),
    }
}

/// The items of a whole text, `None` if anything in it is not clean.
fn parse(text: &str, place: Place, depth: u32) -> Option<Vec<Item>> {
    if text.len() > MAX_BYTES || depth > 100 {
        return None;
    }
    let masked = mask(text, Rules::All);
    let tree = tree::parse(&masked.text)?;
    if tree.root_node().has_error() {
        return None;
    }
    let known = &masked.typedefs.iter().cloned().collect();
    let source = Source { text, masked: &masked.text, masks: &masked.masks, base: 0, place, known };
    let mut out = Lowered::default();
    lower_items(source, &tree, depth, &mut out);
    let clean = out
        .items
        .iter()
        .all(|item| !matches!(item, Item::Function(function) if function.has_error));
    clean.then_some(out.items)
}
