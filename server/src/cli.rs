//! The command line: what is asked for, where output goes, and exit codes.

mod args;
mod check;
mod documents;
mod list;
mod objects;
mod report;
mod run;
mod tests;
mod verify;

use std::io::{self, Write};
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;

use crate::rules::Catalogue;
use args::{Cli, Command};

/// How a run ended. The numbers are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    /// Nothing was found.
    Clean,
    /// Something was found.
    Findings,
    /// A usage, configuration, input or internal error.
    Error,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Clean => ExitCode::SUCCESS,
            Status::Findings => ExitCode::from(1),
            Status::Error => ExitCode::from(2),
        }
    }
}

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let code = catch_unwind(|| {
        let catalogue = Catalogue::shipped();
        run(&Cli::parse().command, &catalogue).unwrap_or_else(|error| failed(&error).into())
    });
    // The panic's message has been printed where it happened.
    code.unwrap_or_else(|_| Status::Error.into())
}

fn run(command: &Command, catalogue: &Catalogue) -> anyhow::Result<ExitCode> {
    let status = match command {
        Command::Check(args) => check::run(args, catalogue)?,
        Command::Verify(args) => verify::run(args, catalogue)?,
        Command::Run(args) => run::run(args, catalogue)?,
        Command::Lsp(_) => return Ok(crate::lsp::serve()?),
        Command::Explain(args) => list::explain(args, catalogue)?,
        Command::Rules(args) => list::rules(args, catalogue)?,
        Command::Completions(args) => documents::completions(args)?,
        Command::ManPages(args) => documents::man_pages(args)?,
    };
    Ok(status.into())
}

/// A reader that went away, as `head` does, is not worth a message.
fn failed(error: &anyhow::Error) -> Status {
    let gone = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().any(|cause| cause.downcast_ref().is_some_and(gone)) {
        return Status::Clean;
    }
    complain(format_args!("{error:#}"));
    Status::Error
}

/// Prints an error. There is nobody left to tell if that fails. Names of files in it must not steer the terminal.
fn complain(message: std::fmt::Arguments<'_>) {
    let steers = |c: char| c.is_control() && c != '\n';
    let message = message.to_string().replace(steers, "\u{fffd}");
    let _ = writeln!(io::stderr().lock(), "error: {message}");
}
