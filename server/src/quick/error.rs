//! Why a quick check has no result.

use crate::compile::CompileError;
use crate::packets::PacketError;
use crate::run::RunError;
use crate::types::TypesError;
use crate::verify::VerifyError;

/// Why a check has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Nothing is compiled in a workspace that the user does not trust.
    #[error("the workspace is not trusted")]
    Untrusted,
    /// The text is not known.
    #[error("the file is not open")]
    NotOpen,
    /// clang finds mistakes in the program.
    #[error("clang does not compile it: line {line}: {message}")]
    DoesNotCompile {
        /// The line of the first, from 1.
        line: usize,
        /// What it says there.
        message: String,
    },
    /// There is no object.
    #[error("{}", compile(.0))]
    Compile(#[from] CompileError),
    /// The text is another one than when the check was begun.
    #[error("the text has changed meanwhile")]
    Changed,
    /// Nobody waits for it any more.
    #[error("cancelled")]
    Cancelled,
    /// The types of the kernel cannot be read.
    #[error(transparent)]
    Types(#[from] TypesError),
    /// The thread that reads them broke off.
    #[error("reading the types of the kernel broke off")]
    TypesThread,
    /// What was compiled is no object.
    #[error(transparent)]
    Object(#[from] bpf_object::Error),
    /// The program cannot be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The program cannot be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A packet of the configuration is none.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// Only what has a packet has layouts.
    #[error("programs of type {0} have no packet, which could lie in memory in several ways")]
    NoPacket(&'static str),
}

impl CheckError {
    /// A name for the reason that does not change with its words.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::NotOpen => "not-open",
            Self::Compile(CompileError::NoClang { .. }) => "no-clang",
            Self::Compile(CompileError::UntrustedClang { .. }) => "untrusted-clang",
            Self::DoesNotCompile { .. } | Self::Compile(CompileError::Rejected(_)) => {
                "does-not-compile"
            }
            Self::Compile(CompileError::Cancelled) | Self::Cancelled => "cancelled",
            Self::Compile(CompileError::TimedOut(_)) => "timed-out",
            Self::Compile(_) => "compiler",
            Self::Changed => "changed",
            Self::Types(_) | Self::TypesThread => "types",
            Self::Object(_) => "object",
            Self::Verify(_) => "no-program",
            Self::Run(_) => "not-runnable",
            Self::Packet(_) => "bad-packet",
            Self::NoPacket(_) => "no-packet",
        }
    }

    /// Nothing is wrong; the result is of no use any more.
    pub fn is_moot(&self) -> bool {
        matches!(self.reason(), "cancelled" | "changed")
    }
}

fn compile(error: &CompileError) -> String {
    match error {
        CompileError::NoClang { .. } => {
            "clang was not found; install the package clang, or say with the setting `clang` where it is"
                .to_owned()
        }
        other => other.to_string(),
    }
}
