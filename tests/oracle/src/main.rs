//! Compiles the corpus, asks the running kernel about its programs, and records the answers.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod test_run;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use oracle::{Corpus, Mode, compile};

/// Compile the corpus, ask the running kernel about its programs, record the answers.
#[derive(Debug, Parser)]
#[command(name = "oracle")]
struct Cli {
    /// Ask about objects from elsewhere, `DIR/FAMILY/NAME.bpf.o`, and keep the answers in that directory
    #[arg(long, value_name = "DIR", global = true)]
    objects: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile the sources that changed
    Build {
        /// Compile all, write nothing; fail if an object differs
        #[arg(long)]
        check: bool,
    },
    /// Load the programs, run them as stated, and keep the answers
    Record {
        /// Only topics whose path fits: `asm/*`
        #[arg(long)]
        only: Option<String>,
        /// As whom the programs are loaded; only those of root are run
        #[arg(long, value_enum, default_value_t)]
        mode: Mode,
    },
    /// Load and run again, and print what differs from the recordings
    Compare {
        /// Only topics whose path fits
        #[arg(long)]
        only: Option<String>,
        /// As whom the programs are loaded
        #[arg(long, value_enum, default_value_t)]
        mode: Mode,
    },
    /// Answer the request on standard input
    #[command(hide = true)]
    Child,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let corpus = match cli.objects {
        Some(root) => Corpus::of_objects(root),
        None => Corpus::of_repository(),
    };
    match cli.command {
        Command::Build { check } => build(&corpus, check),
        #[cfg(target_os = "linux")]
        Command::Record { only, mode } => {
            record::record(&corpus, mode, only.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(target_os = "linux")]
        Command::Compare { only, mode } => {
            let different = record::compare(&corpus, mode, only.as_deref())?;
            Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        #[cfg(target_os = "linux")]
        Command::Child => {
            child::answer()?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(not(target_os = "linux"))]
        Command::Record { .. } | Command::Compare { .. } | Command::Child => {
            anyhow::bail!("only Linux can be asked about programs for it")
        }
    }
}

fn build(corpus: &Corpus, check: bool) -> Result<ExitCode> {
    let built = compile::build(corpus, check)?;
    let mut out = io::stdout().lock();
    for topic in &built.changed {
        let verb = if check { "differs" } else { "compiled" };
        writeln!(out, "{verb}: {}", topic.path())?;
    }
    for topic in &built.removed {
        writeln!(out, "no source: {}", topic.path())?;
    }
    let is_clean = built.changed.is_empty() && built.removed.is_empty();
    Ok(if check && !is_clean { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
