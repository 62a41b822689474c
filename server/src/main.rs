//! The `bpf-analyzer` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bpf_analyzer::cli::main()
}
