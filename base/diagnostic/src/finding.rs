//! A finding: one mistake at one place, with what else a reader needs to see and how to mend it.

use std::sync::Arc;

use text::{Edit, Span};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Waste or style.
    Info,
    /// Wrong on some packets, kernels or error paths.
    Warning,
    /// Wrong whenever the path runs, or the kernel rejects it.
    Error,
}

impl Severity {
    /// As it is written in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What the kernel's verifier says about the mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelVerdict {
    /// The program loads.
    Accepts,
    /// The program does not load.
    Rejects,
}

impl KernelVerdict {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Rejects => "rejects",
        }
    }
}

/// Whether a fix can be applied without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Does what the author meant; applied by `--fix`.
    Safe,
    /// May change what the program is meant to do; applied only with `--unsafe-fixes`.
    Unsafe,
}

impl Applicability {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

/// A second place that explains the finding, in the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there; lower case, no full stop.
    pub message: String,
}

/// A way to mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the fix does, as an imperative: "write `buf` back".
    pub title: String,
    /// Whether it can be applied without a look.
    pub applicability: Applicability,
    /// Non-overlapping edits of the finding's file.
    pub edits: Vec<Edit>,
}

/// One mistake at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule, as used in `allow(…)`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What the kernel says of it.
    pub kernel: KernelVerdict,
    /// The function it is in.
    pub function: Option<String>,
    /// The guilty text.
    pub span: Span,
    /// What is wrong; lower case, no full stop, the thing first.
    pub message: String,
    /// Further places, in the order of the story.
    pub labels: Vec<Label>,
    /// What to do about it, as a sentence without a full stop.
    pub help: Option<String>,
    /// The text with which the kernel rejects it.
    pub kernel_message: Option<String>,
    /// Ways to mend it, the best first.
    pub fixes: Vec<Fix>,
}

/// The findings of one file, with the text they speak of.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The path as it is shown.
    pub path: String,
    /// The text of the file that the spans index.
    pub source: Arc<str>,
    /// The findings, by position.
    pub findings: Vec<Finding>,
    /// Number of places the parser could not read.
    pub unparsed_regions: usize,
}
