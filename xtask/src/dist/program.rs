//! The program as it is shipped: optimised, and without need of libraries where the platform allows that.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::metadata::Metadata;
use super::{empty, ran};

/// A program that was built.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// The identities of the crates that were compiled for it.
    pub(super) crates: BTreeSet<String>,
}

/// One of the lines in which cargo tells what it does.
#[derive(Deserialize)]
struct Told {
    package_id: Option<String>,
}

/// Builds the program for the platform of `metadata`.
pub(super) fn build(root: &Path, metadata: &Metadata) -> Result<Program> {
    let mut cargo = Command::new(super::metadata::cargo());
    cargo.args(["build", "--release", "--locked", "--package=bpf-analyzer", "--bin=bpf-analyzer"]);
    // With the target named, flags are not for build scripts and macros, which cannot be linked statically.
    cargo.args(["--target", &metadata.triple, "--message-format=json-render-diagnostics"]);
    set_flags(&mut cargo, metadata);
    let output = cargo.current_dir(root).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo ended with {}", output.status);
    let mut crates = BTreeSet::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let told: Told = serde_json::from_slice(line).context("what cargo tells")?;
        crates.extend(told.package_id);
    }
    let directory = metadata.target_directory.join(&metadata.triple).join("release");
    let extension = if metadata.triple.contains("windows") { ".exe" } else { "" };
    Ok(Program { path: directory.join(format!("bpf-analyzer{extension}")), crates })
}

/// Links the C library in. A program that runs on any Linux of its processor is worth the megabyte.
pub(super) fn set_flags(command: &mut Command, metadata: &Metadata) {
    if metadata.triple.contains("-linux-") || metadata.triple.contains("windows") {
        command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    command.env_remove("CARGO_ENCODED_RUSTFLAGS");
}

const SHELLS: [(&str, &str); 5] = [
    ("bash", "bpf-analyzer.bash"),
    ("elvish", "bpf-analyzer.elv"),
    ("fish", "bpf-analyzer.fish"),
    ("powershell", "_bpf-analyzer.ps1"),
    ("zsh", "_bpf-analyzer"),
];

/// Lets the program write its `completions/` and pages of a `man/`ual; for another platform, that of this machine does
/// it. Returns the directory they are in.
pub(super) fn documents(root: &Path, metadata: &Metadata, program: &Path) -> Result<PathBuf> {
    let directory = empty(&metadata.target_directory.join("dist-documents"))?;
    fs::create_dir(directory.join("completions"))?;
    fs::create_dir(directory.join("man"))?;
    let command = || {
        if metadata.triple == metadata.host {
            return Command::new(program);
        }
        let mut cargo = Command::new(super::metadata::cargo());
        cargo.args(["run", "--quiet", "--package", "bpf-analyzer", "--"]).current_dir(root);
        cargo
    };
    for (shell, name) in SHELLS {
        let output = command().args(["completions", shell]).output();
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        fs::write(directory.join("completions").join(name), output.stdout)?;
    }
    ran(command().arg("man-pages").arg(directory.join("man")))?;
    Ok(directory)
}
