//! Work on the repository itself: `cargo xtask tidy`, `codegen`, `kernel-sync` and `new-rule`.

mod codegen;
mod kernel_sync;
mod new_rule;
mod tidy;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Work on the repository itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the house rules: arrows between crates, sizes, paths in documents, rules with their pages
    Tidy,
    /// Write the generated files
    Codegen {
        /// Write nothing; fail if a file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Make the BTF of a kernel the committed one, and report the rows that disagree with it
    KernelSync {
        /// The BTF file; that of the running kernel if left out
        #[arg(long)]
        btf: Option<PathBuf>,
        /// The release the file is of, such as 6.18.44
        #[arg(long)]
        release: Option<String>,
        /// Write nothing; fail if a row disagrees
        #[arg(long)]
        check: bool,
    },
    /// Write the module, the page and the registry line of a new rule
    NewRule {
        /// The rule's name, in lower case with hyphens
        name: String,
    },
}

fn main() -> Result<ExitCode> {
    let root = root()?;
    match Cli::parse().command {
        Command::Tidy => {
            let complaints = tidy::check(&root)?;
            let mut err = io::stderr().lock();
            for complaint in &complaints {
                writeln!(err, "{complaint}")?;
            }
            return Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Codegen { check } => codegen::run(&root, check)?,
        Command::KernelSync { btf, release, check } => {
            let options = kernel_sync::Options { btf, release, check };
            let agree = kernel_sync::run(&root, &options)?;
            return Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::NewRule { name } => {
            for path in new_rule::write(&root, &name)? {
                writeln!(io::stdout().lock(), "{}", path.display())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The root of the repository.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the repository")?.to_owned())
}
