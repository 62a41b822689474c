//! What happens to one file: read, lint, drop what is switched off or suppressed, mend, write.

use std::path::Path;
use std::sync::Arc;

use diagnostic::{Applicability, FileReport};
use kernel_model::Version;
use similar::TextDiff;

use crate::config::Config;
use crate::files::SourceFile;
use crate::fix::{self, WriteError};
use crate::focus::{Focus, LeftOut};
use crate::headers::Headers;
use crate::linter::{LintOptions, Linted, Linter};
use crate::paths::normal;
use crate::rules::Catalogue;
use crate::selection::{Layer, RuleSet};
use crate::source::{self, SourceError};
use crate::suppress;

/// What is done with fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixMode {
    /// They are only offered.
    Offer,
    /// Those at least as safe as this are written to the file.
    Write(Applicability),
    /// Those at least as safe as this are shown as a patch.
    Diff(Applicability),
}

/// Settings from the command line, which are stronger than those of configuration files.
#[derive(Clone, Debug)]
pub struct Overrides {
    /// Target kernel.
    pub kernel: Option<Version>,
    /// `--select` and `--ignore`.
    pub rules: Layer,
    /// What is done with fixes.
    pub fix: FixMode,
}

/// One run over many files.
pub struct Session<'s> {
    /// The rules that exist.
    pub catalogue: &'s Catalogue,
    /// What finds the mistakes.
    pub linter: &'s dyn Linter,
    /// What is known about headers.
    pub headers: &'s Headers,
    /// Settings from the command line.
    pub overrides: &'s Overrides,
    /// Which findings count.
    pub focus: &'s Focus,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// It is not BPF C.
    Skipped,
    /// It was linted.
    Checked(Checked),
}

/// A linted file.
#[derive(Debug)]
pub struct Checked {
    /// The findings: those left after fixing, or with [`FixMode::Diff`] those of the file as it is.
    pub report: FileReport,
    /// What was left out of them.
    pub left_out: LeftOut,
    /// How many fixes were applied or are shown.
    pub fixed: usize,
    /// The patch, with [`FixMode::Diff`].
    pub patch: String,
}

/// Why a file was not linted or mended.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Session<'_> {
    /// Lints `file`, and mends it if that is asked for.
    pub fn process(&self, file: &SourceFile) -> Result<Outcome, FileError> {
        if self.focus.skips(file) {
            return Ok(Outcome::Skipped);
        }
        let text = if file.only_if_bpf {
            match source::read_if_bpf(&file.path)? {
                Some(text) => text,
                None => return Ok(Outcome::Skipped),
            }
        } else {
            source::read(&file.path)?
        };
        let checked = self.check(file, text);
        if matches!(self.overrides.fix, FixMode::Write(_)) && checked.fixed > 0 {
            fix::replace_file(&file.path, &checked.report.source)?;
        }
        Ok(Outcome::Checked(checked))
    }

    /// Lints and mends `text` as the content of `file`, without touching the file.
    pub fn check(&self, file: &SourceFile, text: Arc<str>) -> Checked {
        let headers = self.headers.for_file(&file.absolute, &file.config);
        let rules = self.rules(file);
        let options =
            LintOptions { kernel: self.kernel(&file.config), rules: &rules, headers: &headers };
        let lint = |text| self.lint(file, text, &options);
        let lens = self.focus.lens(file, &text, &rules);
        let wanted = |report: &FileReport| lens.wanted(report);
        let report = lint(text);
        let (mut report, fixed, patch) = match self.overrides.fix {
            FixMode::Offer => (report, 0, String::new()),
            FixMode::Write(allowed) => {
                let fixed = fix::fix(report, allowed, &lint, &wanted);
                (fixed.report, fixed.applied, String::new())
            }
            FixMode::Diff(allowed) => {
                let fixed = fix::fix(report.clone(), allowed, &lint, &wanted);
                let patch = patch(&file.absolute, &report.source, &fixed.report.source);
                (report, fixed.applied, patch)
            }
        };
        let left_out = lens.narrow(&mut report);
        Checked { report, left_out, fixed, patch }
    }

    fn lint(&self, file: &SourceFile, text: Arc<str>, options: &LintOptions<'_>) -> FileReport {
        let Linted { mut report, scopes } = self.linter.lint(&file.absolute, text, options);
        report.path = file.path.display().to_string();
        report.findings.retain(|finding| options.rules.contains(finding.rule));
        for finding in &mut report.findings {
            finding.severity = options.rules.severity(finding.rule).unwrap_or(finding.severity);
        }
        suppress::apply(&mut report, &scopes, options.rules, self.catalogue);
        report.findings.sort_by(|a, b| (a.span, a.rule).cmp(&(b.span, b.rule)));
        report
    }

    fn kernel(&self, config: &Config) -> Version {
        self.overrides.kernel.or(config.kernel).unwrap_or_default()
    }

    /// The rules that run on a file.
    pub fn rules(&self, file: &SourceFile) -> RuleSet {
        let config = &file.config;
        let layers = [&config.rules, &self.overrides.rules];
        RuleSet::new(self.catalogue, &layers, &config.severity)
            .without(self.catalogue, &config.ignored_for(&file.absolute))
    }
}

/// A patch that `patch -p1` and `git apply` take, run in the current directory, or in the root directory
/// for a file that is not below the current one.
fn patch(absolute: &Path, old: &str, new: &str) -> String {
    let path = normal(absolute);
    let current = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(current).or_else(|_| path.strip_prefix("/")).unwrap_or(&path);
    let header = |side| quoted(&Path::new(side).join(relative));
    TextDiff::from_lines(old, new).unified_diff().header(&header("a"), &header("b")).to_string()
}

/// A name as it stands in a patch: as it is if it can be, else with the escapes of C for every byte that could be
/// misread.
fn quoted(path: &Path) -> String {
    let name = path.to_string_lossy();
    if path.to_str().is_some() && !name.contains(|c: char| c.is_control() || "\"\\".contains(c)) {
        // A tab ends a name with blanks in it.
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{name}{end}");
    }
    let mut quoted = String::from("\"");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b' '..=b'~' if !b"\"\\".contains(byte) => quoted.push(char::from(*byte)),
            other => quoted.push_str(&format!("\\{other:03o}")),
        }
    }
    quoted.push('"');
    quoted
}
