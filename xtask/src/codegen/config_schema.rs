//! The JSON Schema of `bpf-analyzer.toml`, as the program prints it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Writes `docs/bpf-analyzer.schema.json` below `root`, or with `check` fails if it is out of date.
pub(crate) fn generate(root: &Path, check: bool) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "bpf-analyzer", "--example", "config_schema"])
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the schema cannot be printed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let schema = String::from_utf8(output.stdout).context("the schema is not UTF-8")?;
    super::put(&root.join("docs/bpf-analyzer.schema.json"), &schema, check)
}
