//! Which of a file's findings count: those on changed lines, and those that no baseline knows.

use std::path::PathBuf;
use std::sync::Arc;

use diagnostic::{FileReport, Finding};
use text::Span;

use crate::baseline::{Baselines, Stale};
use crate::changes::{Changed, Changes, carried, marked};
use crate::files::SourceFile;
use crate::selection::RuleSet;

/// What a run is about.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// Only findings on lines that changed count.
    pub changes: Option<Changes>,
    /// Use this baseline, an absolute path, instead of those of configuration files.
    pub baseline: Option<PathBuf>,
    /// Whether baselines are heeded at all; not while one is written.
    pub forget_baselines: bool,
    /// The baselines that were read.
    pub baselines: Baselines,
}

/// What was left out of a report.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    /// How many findings a baseline knows.
    pub known: usize,
    /// What the baseline knows and was not found.
    pub stale: Vec<Stale>,
}

impl Focus {
    /// Whether nothing that could be found in the file would count.
    pub fn skips(&self, file: &SourceFile) -> bool {
        self.changes.as_ref().is_some_and(|changes| {
            matches!(changes.of(&file.absolute), Changed::Lines(lines) if lines.is_empty())
        })
    }

    /// The baseline of a file.
    pub fn baseline_of(&self, file: &SourceFile) -> Option<PathBuf> {
        self.baseline.clone().or_else(|| file.config.baseline.clone())
    }

    /// Looks at `file`, whose text is `text`.
    pub(crate) fn lens<'f>(
        &'f self,
        file: &'f SourceFile,
        text: &Arc<str>,
        rules: &'f RuleSet,
    ) -> Lens<'f> {
        let baseline = if self.forget_baselines { None } else { self.baseline_of(file) };
        let lines = self
            .changes
            .as_ref()
            .map(|changes| (Arc::clone(text), marked(text, &changes.of(&file.absolute))));
        Lens { baselines: &self.baselines, baseline, file, rules, lines }
    }
}

/// A look at one file.
pub(crate) struct Lens<'f> {
    baselines: &'f Baselines,
    baseline: Option<PathBuf>,
    file: &'f SourceFile,
    rules: &'f RuleSet,
    /// The text before fixes, and whether each of its lines changed.
    lines: Option<(Arc<str>, Vec<bool>)>,
}

impl Lens<'_> {
    /// For each finding of the file, perhaps after fixes, whether it counts.
    pub(crate) fn wanted(&self, report: &FileReport) -> Vec<bool> {
        self.look(report).0
    }

    /// Drops the findings that do not count.
    pub(crate) fn narrow(&self, report: &mut FileReport) -> LeftOut {
        let (wanted, left_out) = self.look(report);
        let mut wanted = wanted.into_iter();
        report.findings.retain(|_| wanted.next().unwrap_or(true));
        left_out
    }

    fn look(&self, report: &FileReport) -> (Vec<bool>, LeftOut) {
        let mut wanted = vec![true; report.findings.len()];
        let mut left_out = LeftOut::default();
        if let Some(path) = &self.baseline {
            let ran = |rule: &str| self.rules.contains(rule);
            let judged = self.baselines.judge(path, &self.file.absolute, report, &ran);
            left_out.known = judged.known.iter().filter(|known| **known).count();
            left_out.stale = judged.stale;
            wanted = judged.known.into_iter().map(|known| !known).collect();
        }
        if let Some((text, lines)) = &self.lines {
            let touched = if *text == report.source {
                Touched::new(text, lines)
            } else {
                Touched::new(&report.source, &carried(text, &report.source, lines))
            };
            for (wanted, finding) in wanted.iter_mut().zip(&report.findings) {
                *wanted &= touched.by(finding);
            }
        }
        (wanted, left_out)
    }
}

/// The parts of a text that changed: its changed lines with their ends.
struct Touched {
    spans: Vec<Span>,
    end: u32,
}

impl Touched {
    fn new(text: &str, lines: &[bool]) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut spans = Vec::new();
        let mut start = 0;
        for (line, changed) in text.split_inclusive('\n').zip(lines) {
            if *changed {
                spans.push(Span::new(offset(start), offset(start + line.len())));
            }
            start += line.len();
        }
        Self { spans, end: offset(text.len()) }
    }

    /// Whether a finding, or a place that explains it, lies on a changed line.
    fn by(&self, finding: &Finding) -> bool {
        let places = finding.labels.iter().map(|label| label.span).chain([finding.span]);
        places.into_iter().any(|span| {
            // What is missing at the end of a text is on its last line.
            let start = span.start.min(self.end.saturating_sub(1));
            let next = self.spans.partition_point(|changed| changed.end <= start);
            self.spans.get(next).is_some_and(|changed| changed.start < span.end.max(start + 1))
        })
    }
}
