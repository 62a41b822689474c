//! What a real kernel says about a program: recorded in a child process, replayed by tests.
//!
//! The library reads the corpus and its recordings and needs no kernel. The program of the same name compiles
//! the corpus, loads its programs and records.

mod corpus;
mod error;

pub mod compile;

pub use corpus::{CATALOGUE, Corpus, Topic};
pub use error::{Error, Result};
