//! The shipped program under another name: Cargo hands tests the programs of their own package only.

use std::process::ExitCode;

fn main() -> ExitCode {
    bpf_analyzer::cli::main()
}
