//! Compiles the corpus, asks the running kernel about its programs, and records the answers.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use oracle::{Corpus, compile};

/// Compile the corpus, ask the running kernel about its programs, record the answers.
#[derive(Debug, Parser)]
#[command(name = "oracle")]
struct Cli {
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
}

fn main() -> Result<ExitCode> {
    let corpus = Corpus::of_repository();
    match Cli::parse().command {
        Command::Build { check } => build(&corpus, check),
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
