//! From text to syntax: masking, tree-sitter-c, and an owned tree of what BPF C says.
//!
//! [`Parsed`] is a file; [`Parsed::unit`] is what the rest of the analysis reads. [`parse_fragment`] reads macro bodies
//! and single declarations, [`lex`] and [`directive()`] serve those that scan large headers without a parser.

pub mod ast;
mod directive;
mod fragment;
mod fuzz;
mod lexer;
mod lower;
mod mask;
mod parsed;
mod piece;
mod placed;
mod tree;
pub mod walk;

pub use directive::directive;
pub use fragment::{Fragment, FragmentKind, parse_fragment};
pub use fuzz::{fuzz_edit, fuzz_parse};
pub use lexer::{Token, TokenKind, lex};
pub use mask::{MapMacro, Mask, MaskKind, Masks};
pub use parsed::{MAX_PARSED_BYTES, Parsed};
pub use piece::Piece;
