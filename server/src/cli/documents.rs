//! `bpf-analyzer completions` and `man-pages`: what packages of the command bring along, made from its arguments.

use std::io::{self, Write};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::Status;
use super::args::{Cli, CompletionsArgs, ManPagesArgs};

/// `bpf-analyzer completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Status> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Into memory first: the generator does not expect a reader that goes away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    if args.shell == Shell::Bash {
        script = with_one_spelling(&script);
    }
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Status::Clean)
}

/// The generator spells a name with a hyphen in two ways, and then completes nothing behind a subcommand:
/// <https://github.com/clap-rs/clap/issues/6421>.
fn with_one_spelling(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("bpf__subcmd__analyzer", "bpf__analyzer").into_bytes()
}

/// `bpf-analyzer man-pages DIRECTORY`.
pub(super) fn man_pages(args: &ManPagesArgs) -> anyhow::Result<Status> {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .with_context(|| args.directory.display().to_string())?;
    Ok(Status::Clean)
}
