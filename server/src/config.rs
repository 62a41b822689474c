//! The configuration file `bpf-analyzer.toml`: what can be written in it, and what it means.

mod cache;
mod expectations;
mod read;
mod tables;

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use kernel_model::Version;
use verifier::Capabilities;

pub use cache::ConfigCache;
pub use expectations::{BytePattern, Expected, MapElements, PacketSpec, TestSpec, byte_pattern};
pub(crate) use read::KEYS;
pub use read::{ConfigError, ConfigFile, SeverityName, parse, schema};
pub use tables::{TaskTable, VerdictName};

use crate::selection::{Layer, Selector, SeverityChange};

/// Name of the configuration file.
pub const FILE_NAME: &str = "bpf-analyzer.toml";

/// A configuration file that was read and understood; the default is that of no file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file itself; `None` if there is none.
    pub path: Option<PathBuf>,
    /// Target kernel.
    pub kernel: Option<Version>,
    /// `select` and `ignore`.
    pub rules: Layer,
    /// Changed severities.
    pub severity: Vec<(Selector, SeverityChange)>,
    /// Rules that do not run on some files.
    pub per_file_ignores: Vec<(Pattern, Vec<Selector>)>,
    /// Files linted when a directory is walked although they do not look like BPF C.
    pub include: Vec<Pattern>,
    /// Files and directories skipped when a directory is walked.
    pub exclude: Vec<Pattern>,
    /// Absolute directories searched for headers.
    pub header_paths: Vec<PathBuf>,
    /// Absolute path of the compilation database.
    pub compile_commands: Option<PathBuf>,
    /// Absolute path of the baseline.
    pub baseline: Option<PathBuf>,
    /// The compiler.
    pub clang: Option<Clang>,
    /// Packets with names.
    pub packets: Vec<PacketSpec>,
    /// What programs are expected to do.
    pub tests: Vec<TestSpec>,
    /// Absolute path of the types of the kernel that programs are verified against.
    pub btf: Option<PathBuf>,
    /// Whether editors have programs verified when a file is saved.
    pub verify_on_save: Option<bool>,
    /// What the loader of programs is allowed to do.
    pub capabilities: Option<Capabilities>,
}

/// The compiler that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clang {
    /// An absolute path, or a name to be searched in `PATH`.
    pub program: PathBuf,
    /// Whether the user named it, or the file it is in. What lies beside the programs may come from anyone: of that
    /// only names such as `clang-19` are followed.
    pub trusted: bool,
}

/// A glob over paths relative to the directory of the configuration file. Without a `/` it matches names
/// of files and directories at any depth.
#[derive(Clone, Debug)]
pub struct Pattern {
    matcher: GlobMatcher,
    by_name: bool,
}

impl Pattern {
    /// Reads a glob in which `*` stays inside a directory and `**` crosses directories.
    pub fn new(glob: &str) -> Result<Self, globset::Error> {
        let trimmed = glob.trim_end_matches('/');
        let by_name = !trimmed.contains('/');
        let anchored = trimmed.trim_start_matches("./").trim_start_matches('/');
        let matcher = GlobBuilder::new(anchored).literal_separator(true).build()?.compile_matcher();
        Ok(Self { matcher, by_name })
    }

    /// Whether `path`, relative to the configuration's directory, or a directory it lies in matches.
    pub fn matches(&self, path: &Path) -> bool {
        path.ancestors().filter(|part| !part.as_os_str().is_empty()).any(|part| {
            if self.by_name {
                part.file_name().is_some_and(|name| self.matcher.is_match(Path::new(name)))
            } else {
                self.matcher.is_match(part)
            }
        })
    }
}

impl Config {
    /// The directory that paths and patterns in the file are relative to.
    pub fn root(&self) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent)
    }

    /// The rules that `per-file-ignores` switches off for the file with this absolute path.
    pub fn ignored_for(&self, file: &Path) -> Vec<Selector> {
        let relative = self.relative(file);
        let matching =
            self.per_file_ignores.iter().filter(|(pattern, _)| pattern.matches(relative));
        matching.flat_map(|(_, selectors)| selectors.iter().copied()).collect()
    }

    /// Whether a file found by walking is skipped, by its absolute path.
    pub fn excludes(&self, file: &Path) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches(self.relative(file)))
    }

    /// Whether a file found by walking is linted whatever it contains, by its absolute path.
    pub fn includes(&self, file: &Path) -> bool {
        self.include.iter().any(|pattern| pattern.matches(self.relative(file)))
    }

    /// `file` as the patterns see it. A file outside the configuration's directory can only match by name.
    pub(crate) fn relative<'f>(&self, file: &'f Path) -> &'f Path {
        self.root().and_then(|root| file.strip_prefix(root).ok()).unwrap_or(file)
    }
}
