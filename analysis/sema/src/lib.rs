//! What the names in a BPF C file mean: types with their sizes, constants, macros, sections, maps,
//! programs and the call graph.
//!
//! [`Sema`] answers for one file. It looks in the file first, then in the [`Headers`] it was given, then in
//! the kernel model. Nothing is preprocessed: conditional compilation is not evaluated, and where
//! definitions of a name differ its meaning is unknown rather than guessed.

mod bindings;
mod builtin;
mod calls;
mod depend;
mod expand;
mod fold;
mod header;
mod index;
mod joined;
mod layout;
mod maps;
mod programs;
mod record;
mod resolve;
mod section;
mod sema;
mod subst;
mod types;
mod typing;
mod value;

pub use calls::CallbackKind;
pub use depend::{Dependencies, Part};
pub use expand::Expansion;
pub use header::{Header, Headers};
pub use maps::MapDef;
pub use programs::Program;
pub use sema::{FunctionDef, Global, Prototype, Sema};
pub use types::{Field, FileScope, RecordRef, Scope, Ty};
