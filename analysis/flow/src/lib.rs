//! The abstract interpreter over BPF C.
//!
//! A function is lowered to a control-flow graph of simple instructions (`mir`, `lower`). The
//! interpreter (`interp`) follows every path with a [`state`] per path: what each dynptr variable
//! holds, what each slice is (offset, length, NULL or not, equal to its buffer or not, stale or not),
//! and what is owed (a write-back, a release). Static functions are followed as part of their callers,
//! so that what they store, make or release is exact; unknown functions do the harmless thing. The
//! result is a list of facts ([`observe`]); whether a fact is a mistake is decided by the rules.
//!
//! Nothing here fails: where the analysis does not know, it says nothing.

mod api;
mod assign;
mod branch;
mod call;
mod checksum;
mod dynptr;
mod dynptr_facts;
mod eval;
mod intern;
mod interp;
mod kernel;
#[cfg(test)]
mod laws;
mod leave;
mod lower;
mod memory;
mod mir;
pub mod observe;
mod relocate;
mod remember;
mod roots;
mod shared;
mod state;
mod value;
mod views;
mod write_back;

pub use observe::{Analysis, Fact, Observation};
pub use remember::Memory;
pub use roots::{analyse, analyse_again};
