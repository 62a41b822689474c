//! `bpf-analyzer completions` and `man-pages`: what packages of the command bring along, made from its arguments.

use std::io::{self, Write};

use anyhow::Context;
use clap::CommandFactory;

use super::Status;
use super::args::{Cli, CompletionsArgs, ManPagesArgs};

/// `bpf-analyzer completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Status> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Into memory first: the generator does not expect a reader that goes away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Status::Clean)
}

/// `bpf-analyzer man-pages DIRECTORY`.
pub(super) fn man_pages(args: &ManPagesArgs) -> anyhow::Result<Status> {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .with_context(|| args.directory.display().to_string())?;
    Ok(Status::Clean)
}
