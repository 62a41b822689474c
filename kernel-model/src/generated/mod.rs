//! Rows written by `cargo xtask codegen` from `data/*.toml`.

pub(crate) mod attach;
pub(crate) mod constants;
pub(crate) mod contexts;
pub(crate) mod features;
pub(crate) mod functions;
pub(crate) mod kfunc_sets;
pub(crate) mod maps;
pub(crate) mod messages;
pub(crate) mod programs;
pub(crate) mod sections;
pub(crate) mod snapshot;
pub(crate) mod targets;
