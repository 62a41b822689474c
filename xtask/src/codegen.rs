//! Files that are generated and committed.

mod config_schema;
pub(crate) mod kernel_model;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Writes all generated files below `root`, or with `check` fails if one of them is out of date.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    // The schema is printed by the program, which is built with the rows: they come first.
    kernel_model::generate(root, check)?;
    config_schema::generate(root, check)
}

/// Writes `text` to `path`, or with `check` fails if the file has another content.
fn put(path: &Path, text: &str, check: bool) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|committed| committed == text) {
        return Ok(());
    }
    if check {
        bail!("{} is out of date: run `cargo xtask codegen`", path.display());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
