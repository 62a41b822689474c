//! Why a program is not compiled.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use diagnostic::Finding;

use super::clang::{OLDEST, Tried};
use crate::source::{SourceError, plain};

/// Why there is no compiler, or no object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// There is no clang that compiles for BPF.
    #[error("{}", no_clang(tried))]
    NoClang {
        /// What was tried, in this order.
        tried: Vec<Tried>,
    },
    /// A configuration file that the user did not name wants a program to be run.
    #[error(
        "`clang = \"{program}\"` is not followed: the configuration file was found beside the programs and may come \
         from anyone; name it with --config, or write a name such as \"clang-19\""
    )]
    UntrustedClang {
        /// The program.
        program: PathBuf,
    },
    /// The program cannot be read.
    #[error("{path}: {cause}")]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: SourceError,
    },
    /// clang found mistakes: findings of the file, at least one an error.
    #[error("clang does not compile it: {}", first(.0))]
    Rejected(Vec<Finding>),
    /// clang ended without an object and without saying why.
    #[error("{program} ended with {status} and without a message{}", shown(output))]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// It took too long; the setting is [`CompileSettings::time_limit`](super::CompileSettings::time_limit).
    #[error("clang was stopped after {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// Nobody waits for it any more.
    #[error("cancelled")]
    Cancelled,
    /// It printed more than 4 MiB, or the object is larger than 128 MiB.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// Files around the compilation cannot be written or read, or clang cannot be started.
    #[error("{what}: {}", plain(cause))]
    Io {
        /// What was being done.
        what: &'static str,
        /// The system's reason.
        cause: io::Error,
    },
}

fn no_clang(tried: &[Tried]) -> String {
    let mut text = format!("no clang (version {OLDEST} or newer, with the target bpf) was found\n");
    for tried in tried {
        let _ = writeln!(text, "  {tried}");
    }
    text.push_str(
        "install the package clang (apt, dnf, apk, pacman or zypper have it), or set `clang` to its path",
    );
    text
}

fn first(findings: &[Finding]) -> &str {
    let worst = findings.iter().max_by_key(|finding| finding.severity);
    worst.map(|finding| finding.message.as_str()).unwrap_or_default()
}

fn shown(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(":\n{output}") }
}
