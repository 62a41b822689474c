//! The suite of the crate.

mod arbitrary;
mod codec;
mod disasm;
mod errors;
mod opcodes;
