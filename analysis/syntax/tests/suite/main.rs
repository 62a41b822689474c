//! Tests of the front end through its public interface.

mod fragments;
mod lowering;
mod masking;
mod render;
mod robustness;

use syntax::Parsed;
use syntax::ast::{Function, Item};

/// The parse of a text.
fn parse(text: &str) -> Parsed {
    Parsed::parse(text.into())
}

/// The functions of a text.
fn functions(parsed: &Parsed) -> Vec<&Function> {
    parsed
        .unit()
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Function(function) => Some(&**function),
            Item::Declaration(_) => None,
        })
        .collect()
}
