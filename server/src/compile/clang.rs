//! Finding a clang that compiles for BPF.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::CompileError;
use super::process::{Run, RunError, run};
use crate::cancel::Cancel;
use crate::config::Clang;

/// The oldest version whose options are all known: `-mcpu=v3` and atomic operations.
pub(super) const OLDEST: u32 = 12;

/// How long clang may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// A clang that compiles for BPF.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) program: PathBuf,
    /// All that it says about itself.
    pub(super) version: String,
    /// Its first number.
    pub(super) major: u32,
    /// What changes when the file is replaced.
    pub(super) stamp: Option<(u64, SystemTime)>,
}

/// A program that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its path, or the name that was searched.
    pub program: PathBuf,
    /// Why it is not used; lower case, no full stop.
    pub cause: String,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.program.display(), self.cause)
    }
}

/// Looks for clang: the configured one, or `clang`, or the newest `clang-NN` of `path`, which has the form of `PATH`.
pub(super) fn find(
    configured: Option<&Clang>,
    path: &OsStr,
    patience: Option<Duration>,
) -> Result<Found, CompileError> {
    let patience = patience.unwrap_or(PATIENCE);
    if let Some(clang) = configured {
        let is_name = version_of_name(&clang.program).is_some();
        if !is_name && !clang.trusted {
            return Err(CompileError::UntrustedClang { program: clang.program.clone() });
        }
        let named = clang.program.components().count() == 1 && clang.program.is_relative();
        let program = if named {
            directories(path).map(|dir| dir.join(&clang.program)).find(|path| is_program(path))
        } else {
            Some(clang.program.clone())
        };
        let tried = |cause| CompileError::NoClang {
            tried: vec![Tried { program: clang.program.clone(), cause }],
        };
        let program = program.ok_or_else(|| tried("not found in PATH".to_owned()))?;
        return probe(program, patience).map_err(tried);
    }
    let mut tried = Vec::new();
    let candidates = candidates(path);
    if !candidates.iter().any(|path| path.file_name() == Some(OsStr::new("clang"))) {
        tried.push(Tried { program: "clang".into(), cause: "not found in PATH".to_owned() });
    }
    for program in candidates {
        match probe(program.clone(), patience) {
            Ok(found) => return Ok(found),
            Err(cause) => tried.push(Tried { program, cause }),
        }
    }
    Err(CompileError::NoClang { tried })
}

/// `clang` first, then those with a number, the highest first.
fn candidates(path: &OsStr) -> Vec<PathBuf> {
    let mut found: Vec<(u32, usize, PathBuf)> = Vec::new();
    for (order, dir) in directories(path).enumerate() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let version = path.file_name().and_then(|name| version_of_name(Path::new(name)));
            if let Some(version) = version.filter(|version| *version >= OLDEST)
                && is_program(&path)
            {
                found.push((version, order, path));
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    found.dedup_by(|later, first| later.0 == first.0);
    found.into_iter().map(|(_, _, path)| path).collect()
}

/// The number of `clang-NN`; the highest one for `clang`. `None` for any other name.
fn version_of_name(name: &Path) -> Option<u32> {
    let name = name.to_str()?;
    let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name);
    match name.strip_prefix("clang")? {
        "" => Some(u32::MAX),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

/// The absolute directories of a search path. Relative ones would lead into whatever is being worked on.
fn directories(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect::<Vec<_>>().into_iter()
}

fn is_program(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    metadata.is_file() && may_run
}

/// Asks the program what it is.
fn probe(program: PathBuf, patience: Duration) -> Result<Found, String> {
    let version = ask(&program, "--version", patience)?;
    let major = major(&version).ok_or("does not say that it is clang")?;
    if major < OLDEST {
        return Err(format!("is clang {major}; {OLDEST} or newer is needed"));
    }
    let targets = ask(&program, "--print-targets", patience)?;
    if !targets.lines().any(|line| line.split_whitespace().next() == Some("bpf")) {
        return Err("was built without the target bpf".to_owned());
    }
    let stamp = stamp(&program);
    Ok(Found { program, version, major, stamp })
}

/// What changes when a program is replaced.
pub(super) fn stamp(program: &Path) -> Option<(u64, SystemTime)> {
    let data = fs::metadata(program).ok()?;
    Some((data.len(), data.modified().ok()?))
}

fn ask(program: &Path, question: &str, patience: Duration) -> Result<String, String> {
    let temporary = std::env::temp_dir();
    let directory = program.parent().unwrap_or(&temporary);
    let outcome = run(&Run {
        program,
        args: &[OsString::from(question)],
        directory,
        temporary: &temporary,
        limit: patience,
        cancel: &Cancel::default(),
    })
    .map_err(|error| match error {
        RunError::Start(error) => crate::source::plain(&error),
        RunError::TimedOut | RunError::Cancelled => {
            format!("does not answer `{question}` within {patience:?}")
        }
        RunError::TooMuchOutput => format!("answers `{question}` with too much text"),
    })?;
    if !outcome.status.success() {
        return Err(format!("answers `{question}` with {}", outcome.status));
    }
    Ok(String::from_utf8_lossy(&outcome.stdout).into_owned())
}

/// The number in `Debian clang version 19.1.7 (3+b1)`. Apple counts its own versions, and has no target bpf.
fn major(version: &str) -> Option<u32> {
    let line = version.lines().find(|line| line.contains("clang version "))?;
    let number = line.split("clang version ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
