//! Applying fixes: pass after pass until nothing changes, and never so that a file becomes worse.

mod interrupt;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diagnostic::{Applicability, FileReport, Finding, Fix};
use text::{Edit, Span, apply_edits};

pub use interrupt::wait_for_writes;
pub use write::{WriteError, replace_file};

/// A fix can make another one possible; more passes than this mean that fixes undo each other.
const MAX_PASSES: usize = 10;

/// Bound on linting one file again when fixes have to be tried one by one.
const MAX_TRIALS: usize = 200;

/// A text after its fixes.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// What is left to say about the mended text, which it carries.
    pub report: FileReport,
    /// How many fixes were applied.
    pub applied: usize,
}

/// Applies the fixes of `report` that are at least as safe as `allowed`. `lint` reports on a text.
///
/// A set of fixes is kept only if the text then has fewer findings of each mended rule, no more of any
/// other, and is not parsed worse. `wanted` says for each finding of a report whether it is to be mended.
pub fn fix(
    report: FileReport,
    allowed: Applicability,
    lint: &dyn Fn(Arc<str>) -> FileReport,
    wanted: &dyn Fn(&FileReport) -> Vec<bool>,
) -> Fixed {
    let mut fixer = Fixer { lint, wanted, allowed, refused: BTreeSet::new(), trials: 0 };
    let mut fixed = Fixed { report, applied: 0 };
    for _ in 0..MAX_PASSES {
        let candidates = fixer.candidates(&fixed.report);
        if candidates.is_empty() {
            break;
        }
        let together = candidates.len();
        let applied = match fixer.attempt(&fixed.report, &candidates) {
            Some(report) => {
                fixed.report = report;
                together
            }
            None => fixer.one_by_one(&mut fixed.report),
        };
        fixed.applied += applied;
        if applied == 0 {
            break;
        }
    }
    fixed
}

/// All findings are to be mended.
pub fn all(report: &FileReport) -> Vec<bool> {
    vec![true; report.findings.len()]
}

struct Fixer<'l> {
    lint: &'l dyn Fn(Arc<str>) -> FileReport,
    wanted: &'l dyn Fn(&FileReport) -> Vec<bool>,
    allowed: Applicability,
    /// Fixes that made the text worse and are not tried again.
    refused: BTreeSet<Identity>,
    trials: usize,
}

/// A fix as it can be recognised after other fixes moved it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    rule: &'static str,
    message: String,
    guilty: String,
    title: String,
}

#[derive(Clone, Copy)]
struct Candidate<'r> {
    finding: &'r Finding,
    fix: &'r Fix,
}

impl Candidate<'_> {
    fn identity(self, source: &str) -> Identity {
        Identity {
            rule: self.finding.rule,
            message: self.finding.message.clone(),
            guilty: self.finding.span.text(source).to_owned(),
            title: self.fix.title.clone(),
        }
    }

    /// The range of text the fix speaks of. Another fix that touches it may mean the text before this one.
    fn extent(self) -> Option<Span> {
        self.fix.edits.iter().map(|edit| edit.span).reduce(Span::cover)
    }
}

impl Fixer<'_> {
    /// The first admissible fix of each finding, as many as can be applied together.
    fn candidates<'r>(&self, report: &'r FileReport) -> Vec<Candidate<'r>> {
        let mut candidates: Vec<(Span, Candidate<'r>)> = Vec::new();
        let wanted = (self.wanted)(report);
        for (finding, _) in report.findings.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            let fits = |fix: &&Fix| fix.applicability <= self.allowed && !fix.edits.is_empty();
            let Some(fix) = finding.fixes.iter().find(fits) else { continue };
            let candidate = Candidate { finding, fix };
            let Some(extent) = candidate.extent() else { continue };
            if !self.refused.contains(&candidate.identity(&report.source)) {
                candidates.push((extent, candidate));
            }
        }
        candidates.sort_by_key(|(extent, _)| (extent.start, extent.end));
        let mut last_end = None;
        candidates.retain(|(extent, _)| {
            let free = last_end.is_none_or(|end| end < extent.start);
            if free {
                last_end = Some(extent.end);
            }
            free
        });
        candidates.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// The report on the text with all `candidates` applied, if that is better.
    fn attempt(&mut self, before: &FileReport, candidates: &[Candidate<'_>]) -> Option<FileReport> {
        self.trials += 1;
        let edits: Vec<Edit> =
            candidates.iter().flat_map(|candidate| candidate.fix.edits.iter().cloned()).collect();
        let text = apply_edits(&before.source, &edits).ok()?;
        let after = (self.lint)(text.into());
        let mended = candidates.iter().map(|candidate| candidate.finding.rule);
        is_better(before, &after, mended).then_some(after)
    }

    /// Tries the fixes singly, which tells the good ones from those that spoil the set.
    fn one_by_one(&mut self, report: &mut FileReport) -> usize {
        let mut applied = 0;
        while self.trials < MAX_TRIALS {
            let candidates = self.candidates(report);
            let Some(first) = candidates.first() else { break };
            let identity = first.identity(&report.source);
            match self.attempt(report, &candidates[..1]) {
                Some(after) => {
                    *report = after;
                    applied += 1;
                }
                None => {
                    self.refused.insert(identity);
                }
            }
        }
        applied
    }
}

/// Whether each of the `mended` rules lost a finding per fix, no rule gained one, and all that could be
/// parsed still can.
fn is_better<'r>(
    before: &FileReport,
    after: &FileReport,
    mended: impl Iterator<Item = &'r str>,
) -> bool {
    let mut allowed = counts(before);
    for rule in mended {
        allowed.entry(rule).and_modify(|count| *count = count.saturating_sub(1));
    }
    after.unparsed_regions <= before.unparsed_regions
        && counts(after)
            .iter()
            .all(|(rule, count)| allowed.get(rule).is_some_and(|most| count <= most))
}

fn counts(report: &FileReport) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry(finding.rule).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use diagnostic::{KernelVerdict, Severity};

    use super::*;

    /// Finds every occurrence of a word and offers to replace it.
    fn lint_words(
        words: &[(&'static str, &'static str, Applicability)],
        text: Arc<str>,
    ) -> FileReport {
        let mut findings = Vec::new();
        for (word, replacement, applicability) in words {
            for (at, _) in text.match_indices(word) {
                let offset = |value: usize| u32::try_from(value).expect("is small");
                let span = Span::new(offset(at), offset(at + word.len()));
                findings.push(Finding {
                    rule: word,
                    severity: Severity::Error,
                    kernel: KernelVerdict::Accepts,
                    function: None,
                    span,
                    message: format!("`{word}` at {at}"),
                    labels: Vec::new(),
                    help: None,
                    kernel_message: None,
                    fixes: vec![Fix {
                        title: format!("write `{replacement}`"),
                        applicability: *applicability,
                        edits: vec![Edit::replace(span, *replacement)],
                    }],
                });
            }
        }
        FileReport { path: "a.c".into(), source: text, findings, unparsed_regions: 0 }
    }

    fn run(
        words: &[(&'static str, &'static str, Applicability)],
        text: &str,
        allowed: Applicability,
    ) -> (String, usize, usize) {
        let lint = |text: Arc<str>| lint_words(words, text);
        let fixed = fix(lint(text.into()), allowed, &lint, &all);
        (fixed.report.source.to_string(), fixed.applied, fixed.report.findings.len())
    }

    use Applicability::{Safe, Unsafe};

    #[test]
    fn all_occurrences_are_mended_and_nothing_changes_the_second_time() {
        let words = [("bad", "good", Safe)];
        let (text, applied, left) = run(&words, "bad, bad and bad", Safe);
        assert_eq!((text.as_str(), applied, left), ("good, good and good", 3, 0));
        assert_eq!(run(&words, &text, Safe), (text, 0, 0));
    }

    #[test]
    fn unsafe_fixes_need_permission() {
        let words = [("bad", "good", Safe), ("risky", "fine", Unsafe)];
        assert_eq!(run(&words, "bad risky", Safe), ("good risky".into(), 1, 1));
        assert_eq!(run(&words, "bad risky", Unsafe), ("good fine".into(), 2, 0));
    }

    #[test]
    fn a_fix_that_trades_one_finding_for_another_is_rolled_back() {
        let words =
            [("bad", "worse", Safe), ("worse", "worse still", Safe), ("ugly", "nice", Safe)];
        assert_eq!(run(&words, "ugly bad ugly", Safe), ("nice bad nice".into(), 2, 1));
        assert_eq!(run(&words, "worse", Safe), ("worse".into(), 0, 1), "a fix that mends nothing");
    }

    #[test]
    fn overlapping_fixes_are_applied_in_different_passes() {
        let words = [("aXb", "cXd", Safe), ("bY", "dY", Safe), ("dZ", "ok", Safe)];
        assert_eq!(run(&words, "aXbY", Safe), ("cXdY".into(), 1, 0));
        let chain = [("one", "tw0", Safe), ("tw0!", "three", Safe)];
        assert_eq!(run(&chain, "one", Safe), ("tw0".into(), 1, 0));
    }

    #[test]
    fn a_fix_after_which_less_is_parsed_is_rolled_back() {
        let lint = |text: Arc<str>| {
            let mut report = lint_words(&[("bad", "{", Safe)], text);
            report.unparsed_regions = report.source.matches('{').count();
            report
        };
        let fixed = fix(lint("bad".into()), Safe, &lint, &all);
        assert_eq!((&*fixed.report.source, fixed.applied), ("bad", 0));
    }
}
