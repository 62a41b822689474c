//! Baselines: findings that were there when a project took up the tool, which are not reported again.
//!
//! A finding is recognised by rule, file, function and the guilty text without its layout, so that it stays known
//! when lines move. Of several that look the same, as many are known as were recorded.

mod document;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use diagnostic::{FileReport, Finding};
use sha2::{Digest as _, Sha256};

use crate::fix::WriteError;
use crate::paths::{self, normal};
use crate::source::plain;
pub use store::Baselines;

/// Longer guilty texts are cut, in bytes, and told apart by a digest.
const LONGEST_TEXT: usize = 120;

/// Why a baseline is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("{}: {}; `--write-baseline` makes it", path.display(), plain(cause))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// It is not what `--write-baseline` writes.
    #[error("{}: not a baseline: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It cannot be written.
    #[error("{}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: WriteError,
    },
}

/// The findings that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// By path from the directory of the baseline, with `/`.
    files: BTreeMap<String, Counts>,
}

/// How many findings there are of each fingerprint.
type Counts = BTreeMap<Fingerprint, usize>;

/// What a finding is recognised by within its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fingerprint {
    rule: String,
    function: Option<String>,
    text: String,
}

/// Known findings that are no longer found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    /// The file, from the directory of the baseline.
    pub file: String,
    /// The rule.
    pub rule: String,
    /// The guilty text.
    pub text: String,
    /// How many of them.
    pub count: usize,
}

/// What a baseline says of the findings of a file.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// For each finding, whether it is known.
    pub known: Vec<bool>,
    /// What is known of the file and was not found.
    pub stale: Vec<Stale>,
}

impl Fingerprint {
    fn of(finding: &Finding, source: &str) -> Self {
        let guilty = finding.span.text(source);
        let text = guilty.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            rule: finding.rule.to_owned(),
            function: finding.function.clone(),
            text: shortened(text),
        }
    }
}

/// A text that a line of the file can hold.
fn shortened(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let cut = (0..=LONGEST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}… {digest}", &text[..cut])
}

/// The name under which a baseline in `directory` knows the file at `path`; both absolute.
fn name(directory: &Path, path: &Path) -> String {
    let relative = paths::relative(&normal(path), &normal(directory));
    relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

impl Baseline {
    /// Compares the findings of the file `name` with those that are known. A rule that did not run, or a file that
    /// could not be read as a whole, proves nothing about what is gone.
    fn judge(&self, name: &str, report: &FileReport, ran: &dyn Fn(&str) -> bool) -> Judged {
        let Some(counts) = self.files.get(name) else {
            return Judged { known: vec![false; report.findings.len()], stale: Vec::new() };
        };
        let mut left = counts.clone();
        let known = report.findings.iter().map(|finding| {
            match left.get_mut(&Fingerprint::of(finding, &report.source)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            }
        });
        let known = known.collect();
        left.retain(|print, count| *count > 0 && report.unparsed_regions == 0 && ran(&print.rule));
        Judged { known, stale: stale(name, left) }
    }

    /// What is known of files that are gone, seen from the baseline's `directory`.
    fn of_missing_files(&self, directory: &Path) -> Vec<Stale> {
        let missing = self.files.iter().filter(|(name, _)| !directory.join(name).exists());
        missing.flat_map(|(name, counts)| stale(name, counts.clone())).collect()
    }

    fn findings(&self) -> usize {
        self.files.values().flat_map(BTreeMap::values).sum()
    }
}

fn stale(file: &str, counts: Counts) -> Vec<Stale> {
    let stale = |(print, count): (Fingerprint, usize)| Stale {
        file: file.to_owned(),
        rule: print.rule,
        text: print.text,
        count,
    };
    counts.into_iter().map(stale).collect()
}

/// A baseline being written. What it said of files that were not looked at, and of rules that did not run, stays.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    before: Baseline,
    now: Baseline,
    seen: BTreeSet<String>,
}

impl Recorder {
    /// Goes on from the baseline at `path`, an absolute path, if there is one.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be understood: it is not overwritten.
    pub fn new(path: &Path) -> Result<Self, BaselineError> {
        let before = match document::read(path) {
            Err(BaselineError::Read { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                Baseline::default()
            }
            read => read?,
        };
        let (path, now, seen) = (path.to_owned(), Baseline::default(), BTreeSet::new());
        Ok(Self { path, before, now, seen })
    }

    /// Records all findings of the file with the absolute path `file`.
    pub fn record(&mut self, file: &Path, report: &FileReport, ran: &dyn Fn(&str) -> bool) {
        let name = name(directory(&self.path), file);
        let mut counts = self.before.files.get(&name).cloned().unwrap_or_default();
        counts.retain(|print, _| !ran(&print.rule));
        for finding in &report.findings {
            *counts.entry(Fingerprint::of(finding, &report.source)).or_insert(0) += 1;
        }
        self.seen.insert(name.clone());
        if !counts.is_empty() {
            self.now.files.insert(name, counts);
        }
    }

    /// Writes the file; the number of findings and of files in it.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(usize, usize), BaselineError> {
        for (name, counts) in self.before.files {
            if !self.seen.contains(&name) && directory(&self.path).join(&name).exists() {
                self.now.files.insert(name, counts);
            }
        }
        document::write(&self.path, &self.now)?;
        Ok((self.now.findings(), self.now.files.len()))
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use diagnostic::{KernelVerdict, Severity};
    use text::Span;

    use super::*;

    /// Each `!` and what stands behind it on its line is a finding.
    fn report(text: &str) -> FileReport {
        let finding = |(at, _): (usize, &str)| Finding {
            rule: "shout",
            severity: Severity::Error,
            kernel: KernelVerdict::Accepts,
            function: Some("f".to_owned()),
            span: Span::new(
                u32::try_from(at).expect("is small"),
                u32::try_from(at + text[at..].find('\n').unwrap_or(text.len() - at))
                    .expect("is small"),
            ),
            message: String::new(),
            labels: Vec::new(),
            help: None,
            kernel_message: None,
            fixes: Vec::new(),
        };
        let findings = text.match_indices('!').map(finding).collect();
        FileReport { path: "a.c".into(), source: text.into(), findings, unparsed_regions: 0 }
    }

    fn recorded(dir: &Path, text: &str) -> Baseline {
        let path = dir.join("sub/baseline.json");
        std::fs::create_dir_all(dir.join("sub")).expect("can create");
        let mut recorder = Recorder::new(&path).expect("there is none or it is valid");
        recorder.record(&dir.join("a.c"), &report(text), &|_| true);
        recorder.finish().expect("can write");
        document::read(&path).expect("is valid")
    }

    #[test]
    fn findings_are_known_by_their_text_and_number() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let baseline = recorded(dir.path(), "!a  b\nx\n!c\n!c\n");
        let judge = |text| baseline.judge("../a.c", &report(text), &|_| true);
        assert_eq!(judge("x\n\n!c\n  !a b\n!c").known, [true, true, true]);
        let judged = judge("!c\n!c\n!c\n!d");
        assert_eq!(judged.known, [true, true, false, false]);
        let gone = |text: &str, count| Stale {
            file: "../a.c".to_owned(),
            rule: "shout".to_owned(),
            text: text.to_owned(),
            count,
        };
        assert_eq!(judged.stale, [gone("!a b", 1)]);
        assert_eq!(judge("").stale, [gone("!a b", 1), gone("!c", 2)]);
        assert_eq!(baseline.judge("../a.c", &report(""), &|_| false).stale, []);
        let half = FileReport { unparsed_regions: 1, ..report("") };
        assert_eq!(baseline.judge("../a.c", &half, &|_| true).stale, []);
        assert_eq!(baseline.judge("other.c", &report("!c"), &|_| true).known, [false]);
    }

    #[test]
    fn what_was_not_looked_at_stays() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let path = dir.path().join("baseline.json");
        for (name, exists) in [("a.c", true), ("b.c", true), ("gone.c", false)] {
            if exists {
                std::fs::write(dir.path().join(name), "").expect("can write");
            }
            let mut recorder = Recorder::new(&path).expect("is valid");
            // A file that is gone is dropped by whoever writes next.
            recorder.record(&dir.path().join(name), &report("!x"), &|_| true);
            recorder.finish().expect("can write");
        }
        let mut recorder = Recorder::new(&path).expect("is valid");
        recorder.record(&dir.path().join("a.c"), &report("!y"), &|rule| rule != "shout");
        assert_eq!(recorder.finish().expect("can write"), (3, 2));
        let baseline = document::read(&path).expect("is valid");
        assert_eq!(baseline.files.keys().collect::<Vec<_>>(), ["a.c", "b.c"]);
        assert_eq!(baseline.files["a.c"].len(), 2, "the rule did not run: !x stays");
    }

    #[test]
    fn long_texts_are_cut_and_told_apart() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let long = format!("!{}", "é".repeat(200));
        let baseline = recorded(dir.path(), &long);
        let judge = |text: &str| baseline.judge("../a.c", &report(text), &|_| true).known;
        assert_eq!(judge(&long), [true]);
        assert_eq!(judge(&format!("{long}x")), [false]);
    }
}
