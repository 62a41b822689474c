//! Questions to `sema` about small pieces of BPF C, as tables.

mod calls;
mod constants;
mod expansion;
mod headers;
mod layout;
mod maps;
mod properties;
mod types;

use std::sync::Arc;

use sema::{Header, Headers, Scope, Sema, Ty};
use syntax::ast::{Expr, Item};
use syntax::{Fragment, FragmentKind, Parsed};
use text::Span;

/// The view of a file without headers.
fn sema(text: &str) -> Sema {
    with_headers(text, &[])
}

/// The view of a file with headers in order of inclusion.
fn with_headers(text: &str, headers: &[&str]) -> Sema {
    let headers: Headers =
        headers.iter().map(|text| Arc::new(Header::scan(Arc::from(*text)))).collect();
    Sema::new(&Parsed::parse(Arc::from(text)), &headers)
}

fn expr(text: &str) -> Expr {
    match syntax::parse_fragment(text, FragmentKind::Expr, None) {
        Some(Fragment::Expr(expr)) => expr,
        _ => panic!("not an expression: {text}"),
    }
}

/// The type declared by `text`, such as `struct x` or `u8 *`.
fn ty(sema: &Sema, text: &str) -> Ty {
    let parsed = syntax::parse_fragment(&format!("{text} declared;"), FragmentKind::Item, None);
    let Some(Fragment::Items(items)) = parsed else { panic!("not a type: {text}") };
    match &items[..] {
        [Item::Declaration(declaration)] => sema.resolve(&declaration.declarators[0].ty),
        _ => panic!("not a type: {text}"),
    }
}

fn int(bits: u8, signed: bool) -> Ty {
    Ty::Int { bits, signed }
}

/// Locals for expressions in tests: names with their types.
struct Locals(Vec<(&'static str, Ty)>);

impl Scope for Locals {
    fn type_of(&self, name: &str) -> Option<Ty> {
        self.0.iter().find(|(local, _)| *local == name).map(|(_, ty)| ty.clone())
    }
}

/// A span that no test text reaches, to tell a macro's own parts from its arguments.
const AT: Span = Span { start: 9000, end: 9001 };
