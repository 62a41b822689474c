//! Editor features as pure functions on byte offsets: a [`File`] is asked, plain data comes back. Nothing
//! here knows a protocol, files or positions in other units. Only what a C language server cannot say is
//! said: what the kernel knows of a function, a section, a dynptr or a slice.

mod completion;
mod context;
mod describe;
#[cfg(test)]
mod fixture;
mod folding;
mod hints;
mod hover;
mod lens;
mod navigate;
mod signature;
mod suppress;
mod symbols;
mod views;

use flow::Analysis;
use kernel_model::Version;
use sema::Sema;
use syntax::Parsed;
use syntax::ast::{Function, Item};

pub use completion::{Completion, CompletionKind, complete};
pub use folding::{Fold, folds};
pub use hints::{Hint, HintOptions, hints};
pub use hover::{Hover, hover};
pub use lens::{Lens, lenses};
pub use navigate::{Place, TextId, definition, references};
pub use signature::{Signature, signature};
pub use suppress::{allow_in_function, allow_on_line};
pub use symbols::{Symbol, SymbolKind, symbols};

/// A document with everything that is known about it.
pub struct File<'a> {
    /// Its text and syntax.
    pub parsed: &'a Parsed,
    /// What its names mean.
    pub sema: &'a Sema,
    /// What the interpreter found; nothing for a file without dynptrs.
    pub facts: Option<&'a Analysis>,
    /// The kernel the program is to run on.
    pub kernel: Version,
    /// The texts of the headers it includes, directly or not.
    pub headers: Vec<&'a str>,
}

impl std::fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl<'a> File<'a> {
    /// The text.
    pub(crate) fn text(&self) -> &'a str {
        self.parsed.text()
    }

    /// The function around an offset; its end belongs to it.
    pub(crate) fn function_at(&self, offset: u32) -> Option<&'a Function> {
        self.parsed.unit().items.iter().find_map(|item| match item {
            Item::Function(function) => {
                let span = function.span;
                (span.start <= offset && offset <= span.end).then_some(&**function)
            }
            Item::Declaration(_) => None,
        })
    }
}
