//! What changed since a revision of a git repository, line by line, as `git` tells it.

mod patch;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use similar::{DiffTag, TextDiff};

use crate::source::plain;

/// Why it cannot be told what changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// `git` does not start.
    #[error("cannot run git, which tells what changed: {}", plain(.0))]
    NoGit(io::Error),
    /// The directory is not in a repository.
    #[error("{}: not in a git work tree, so nothing tells what changed ({said})", directory.display())]
    NoRepository {
        /// The directory.
        directory: PathBuf,
        /// What git said.
        said: String,
    },
    /// There is no such revision.
    #[error("unknown revision `{0}`; a shallow clone has only the newest, so fetch it first")]
    UnknownRevision(String),
    /// The revision and the checked-out one have no common history.
    #[error(
        "`{0}` and HEAD have no common ancestor; a shallow clone lacks it, so fetch more history"
    )]
    NoCommonAncestor(String),
    /// Something else that git said.
    #[error("git {command} failed: {said}")]
    Git {
        /// Its subcommand.
        command: String,
        /// What it said.
        said: String,
    },
}

/// Lines, the first of the file being 0.
pub type LineRange = Range<usize>;

/// The changed lines of a work tree.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The canonical path of the work tree.
    root: PathBuf,
    /// Changed lines of files that git knows, by path below the root.
    changed: HashMap<PathBuf, Vec<LineRange>>,
    /// The files that git knows.
    tracked: HashSet<PathBuf>,
}

/// What of a file changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed<'c> {
    /// It is new.
    Everything,
    /// These lines, in order.
    Lines(&'c [LineRange]),
}

impl Changes {
    /// What the work tree around `directory` has that the common ancestor of `revision` and `HEAD` has not: commits
    /// of this branch, changes that are not committed, and new files. In the ordinary case the revision is itself
    /// the ancestor.
    ///
    /// # Errors
    ///
    /// If there is no git, no repository or no such revision.
    pub fn since(revision: &str, directory: &Path) -> Result<Self, ChangesError> {
        let told = git(directory, &["rev-parse", "--show-toplevel"])?;
        let root = told.success().map_err(|said| ChangesError::NoRepository {
            directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()),
            said,
        })?;
        let root = fs::canonicalize(patch::path(trimmed(&root))).map_err(ChangesError::NoGit)?;
        let commit = format!("{revision}^{{commit}}");
        let found = git(&root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
        let commit =
            found.text().ok_or_else(|| ChangesError::UnknownRevision(revision.to_owned()))?;
        let base = git(&root, &["merge-base", &commit, "HEAD"])?;
        let base =
            base.text().ok_or_else(|| ChangesError::NoCommonAncestor(revision.to_owned()))?;
        let patch = required(&root, &[&["diff"], PLAIN_PATCH, &[&base, "--"]].concat())?;
        let files = required(&root, &["ls-files", "-z", "--full-name"])?;
        let files = files.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(Self { changed: patch::read(&patch), tracked: files.map(patch::path).collect(), root })
    }

    /// What changed in the file at `path`. One that git does not know is new.
    pub fn of(&self, path: &Path) -> Changed<'_> {
        let canonical = fs::canonicalize(path).ok();
        let relative = canonical.as_deref().and_then(|path| path.strip_prefix(&self.root).ok());
        match relative {
            Some(path) if self.tracked.contains(path) => {
                Changed::Lines(self.changed.get(path).map_or(&[], Vec::as_slice))
            }
            _ => Changed::Everything,
        }
    }
}

/// Whatever the user's settings: no colours, no other programs, no context, all files as text, paths from the root.
const PLAIN_PATCH: &[&str] = &[
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--text",
    "--unified=0",
    "--inter-hunk-context=0",
    "--find-renames",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

/// What git answered.
struct Told {
    command: String,
    succeeded: bool,
    out: Vec<u8>,
    said: String,
}

impl Told {
    fn success(self) -> Result<Vec<u8>, String> {
        if self.succeeded { Ok(self.out) } else { Err(self.said) }
    }

    /// The first line of an answer that is not empty.
    fn text(self) -> Option<String> {
        let text = String::from_utf8(self.success().ok()?).ok()?;
        text.lines().next().map(str::to_owned)
    }
}

fn git(directory: &Path, args: &[&str]) -> Result<Told, ChangesError> {
    let mut command = Command::new("git");
    for setting in ["core.quotePath=false", "core.fsmonitor=false", "diff.relative=false"] {
        command.args(["-c", setting]);
    }
    // The index is not refreshed on the disk: another git may be at work, or the disk read-only.
    command.env("GIT_OPTIONAL_LOCKS", "0").args(args.iter().map(OsStr::new));
    command.current_dir(directory).stdin(Stdio::null());
    let output = command.output().map_err(ChangesError::NoGit)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it gave no reason").to_owned();
    let command = args.first().copied().unwrap_or_default().to_owned();
    Ok(Told { command, succeeded: output.status.success(), out: output.stdout, said })
}

fn required(directory: &Path, args: &[&str]) -> Result<Vec<u8>, ChangesError> {
    let told = git(directory, args)?;
    let command = told.command.clone();
    told.success().map_err(|said| ChangesError::Git { command, said })
}

fn trimmed(out: &[u8]) -> &[u8] {
    let out = out.strip_suffix(b"\n").unwrap_or(out);
    out.strip_suffix(b"\r").unwrap_or(out)
}

/// For each line of `new` whether it is a changed one, if these `lines` of `old` are: what fixes put in counts as
/// changed, too.
pub(crate) fn carried(old: &str, new: &str, lines: &[bool]) -> Vec<bool> {
    let diff = TextDiff::from_lines(old, new);
    let mut carried = Vec::new();
    for op in diff.ops() {
        let (tag, before, after) = op.as_tag_tuple();
        match tag {
            DiffTag::Equal => {
                carried.extend(before.map(|line| lines.get(line).copied().unwrap_or(false)));
            }
            DiffTag::Insert | DiffTag::Replace => carried.extend(after.map(|_| true)),
            DiffTag::Delete => {}
        }
    }
    carried
}

/// For each line of `text` whether it is among the changed ones. Lines end at `\n` alone, as git counts them.
pub(crate) fn marked(text: &str, changed: &Changed<'_>) -> Vec<bool> {
    let count = text.split_inclusive('\n').count();
    match changed {
        Changed::Everything => vec![true; count],
        Changed::Lines(ranges) => {
            let mut lines = vec![false; count];
            for range in *ranges {
                let end = range.end.min(count);
                lines.get_mut(range.start.min(end)..end).into_iter().flatten().for_each(|line| {
                    *line = true;
                });
            }
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_their_lines_through_fixes() {
        let old = "a\nb\nc\nd\n";
        let lines = marked(old, &Changed::Lines(&[1..2, 9..12]));
        assert_eq!(lines, [false, true, false, false]);
        assert_eq!(carried(old, old, &lines), lines);
        assert_eq!(carried(old, "a\nnew\nb\nc\nd\n", &lines), [false, true, true, false, false]);
        assert_eq!(carried(old, "a\nc\nd\n", &lines), [false; 3]);
        assert_eq!(carried(old, "a\nb\nC\nd\n", &lines), [false, true, true, false]);
        assert_eq!(marked("a\nb", &Changed::Everything), [true, true]);
    }
}
