//! Work on the repository itself: `cargo xtask tidy`, `codegen`, `kernel-sync`, `dist`, `new-rule`, `corpus` and `oracle`.

mod codegen;
mod dist;
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
    /// Make what users install: archive, wheel, extension for VS Code, bill of materials, checksums
    Dist {
        /// The platform, as Rust calls it; this machine's if left out
        #[arg(long)]
        target: Option<String>,
        /// Where to; `dist` in the target directory if left out
        #[arg(long)]
        out: Option<PathBuf>,
        /// Only these parts, separated by commas
        #[arg(long, value_enum, value_delimiter = ',')]
        only: Vec<dist::Part>,
    },
    /// Write the module, the page and the registry line of a new rule
    NewRule {
        /// The rule's name, in lower case with hyphens
        name: String,
    },
    /// Compile the programs of the corpus: `build [--check]`
    Corpus(Forwarded),
    /// Ask the running kernel about the programs of the corpus: `record`, `compare`
    Oracle(Forwarded),
}

/// Arguments for the program of the crate `oracle`.
#[derive(Debug, clap::Args)]
struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
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
        Command::Dist { target, out, only } => {
            dist::run(&root, &dist::Options { target, out, only })?;
        }
        Command::NewRule { name } => {
            for path in new_rule::write(&root, &name)? {
                writeln!(io::stdout().lock(), "{}", path.display())?;
            }
        }
        Command::Corpus(forwarded) | Command::Oracle(forwarded) => {
            return ask_oracle(&root, &forwarded.arguments);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the program of the crate `oracle`, which loads programs into the kernel: xtask itself never does.
fn ask_oracle(root: &Path, arguments: &[String]) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .current_dir(root)
        .args(["run", "--quiet", "-p", "oracle", "--"])
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The root of the repository.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the repository")?.to_owned())
}
