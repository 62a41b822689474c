//! Whole sessions with the language server: recordings of real editors and how they are played again, and
//! streams of random edits. The client here is written apart from the server, so that neither shares the
//! other's mistakes.

mod document;
mod ledger;
mod recording;
mod replay;
mod server;
mod stress;
mod wire;

pub use document::{Document, Encoding};
pub use ledger::{Ledger, Publication};
pub use recording::{Recording, RecordingError};
pub use replay::{Disorder, replay};
pub use server::{End, Server};
pub use stress::{Report, Stress, stress};
pub use wire::{read_message, write_message};
