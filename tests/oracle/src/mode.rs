//! As whom programs are loaded: what the loader is allowed to do.

use std::fmt;

use kernel_model::Capability;
use verifier::Capabilities;

/// As whom programs are loaded.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    clap::ValueEnum,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As root, who may do everything.
    #[default]
    Root,
    /// By a process with `CAP_BPF` and `CAP_NET_ADMIN`, but without `CAP_PERFMON`: addresses must not leak, and what
    /// processors do speculatively counts.
    Bpf,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Root, Self::Bpf];

    /// What the loader may do.
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::Root => Capabilities::ALL,
            Self::Bpf => [Capability::Bpf, Capability::NetAdmin].into_iter().collect(),
        }
    }

    /// What is behind the version of the kernel in the name of the directory with the recordings.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Bpf => "-bpf",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Bpf => "bpf",
        })
    }
}
