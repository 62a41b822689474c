//! What a real kernel says about a program: recorded in a child process, replayed by tests.
//!
//! The library reads the corpus and its recordings and needs no kernel. The program of the same name compiles
//! the corpus, loads its programs and records.

mod corpus;
mod deny;
mod error;
mod mode;

pub mod compile;
pub mod expect;
pub mod explained;
pub mod log;
pub mod misses;
pub mod recording;
pub mod replay;
pub mod runs;
pub mod safety;
pub mod sound;

pub use corpus::{CATALOGUE, Corpus, NOTES, OPEN_ENTRIES, Topic};
pub use deny::{Denied, Deny};
pub use error::{Error, Result};
pub use mode::Mode;
