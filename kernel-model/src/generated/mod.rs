//! Rows written by `cargo xtask codegen` from `data/*.toml`.

pub(crate) mod constants;
pub(crate) mod functions;
pub(crate) mod programs;
pub(crate) mod sections;
