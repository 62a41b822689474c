//! What the author of a file does not want to hear: rules that are switched off in the configuration, and findings that
//! a comment allows. Both hold for what is found by verifying and running as for what the analysis finds.

use std::path::Path;
use std::sync::Arc;

use diagnostic::{Finding, Severity};
use kernel_model::Version;
use syntax::Parsed;
use text::Span;

use crate::config::Config;
use crate::headers::Headers;
use crate::linter::{BpfLinter, LintOptions, Linter};
use crate::merge::of_slice;
use crate::report::Source;
use crate::rules::Catalogue;
use crate::run;
use crate::selection::{Layer, RuleSet};
use crate::suppress::{self, Scopes};
use crate::verify::{Noted, Outcome, SourceText};

/// What holds for the file that programs are from.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'w> {
    /// All rules.
    pub catalogue: &'w Catalogue,
    /// The configuration of the file.
    pub config: &'w Config,
    /// What is said about rules elsewhere, and stronger.
    pub layer: Option<&'w Layer>,
    /// Its absolute path.
    pub path: &'w Path,
    /// The text that was compiled, if it was.
    pub text: Option<&'w Arc<str>>,
}

impl Wishes<'_> {
    /// The rules that are wanted.
    fn rules(&self) -> RuleSet {
        let (catalogue, config) = (self.catalogue, self.config);
        let layers: Vec<&Layer> = [&config.rules].into_iter().chain(self.layer).collect();
        RuleSet::new(catalogue, &layers, &config.severity)
            .without(catalogue, &config.ignored_for(self.path))
    }

    /// How grave findings of a rule are wished to be; `None` if nothing is said about it.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.rules().severity(rule)
    }

    /// Removes the notes that are not wanted, and makes the others as grave as is wished.
    pub fn apply(&self, outcomes: &mut [Outcome]) {
        if outcomes.iter().all(|outcome| outcome.notes.is_empty()) {
            return;
        }
        let rules = self.rules();
        for outcome in outcomes.iter_mut() {
            outcome.notes.retain_mut(|note| {
                let Some(rule) = note.kind.rule else { return true };
                note.severity = rules.severity(rule).unwrap_or(note.severity);
                rules.contains(rule)
            });
        }
        if let Some(text) = self.text {
            self.remove_allowed(text, outcomes);
        }
    }

    fn remove_allowed(&self, text: &Arc<str>, outcomes: &mut [Outcome]) {
        let source = SourceText::new(self.path, text);
        let place_of = |note: &Noted| {
            let place = note.told.place.as_ref();
            let here =
                place.filter(|place| Path::new(&place.file).file_name() == self.path.file_name());
            here.map_or(NOWHERE, |place| source.span(place))
        };
        let notes = outcomes.iter().flat_map(|outcome| &outcome.notes);
        let places: Vec<(&str, Span)> = notes.map(|note| (note.rule(), place_of(note))).collect();
        let scopes = Scopes::of(&Parsed::parse(Arc::clone(text)));
        let mut allowed = suppress::allowed(text, &scopes, self.catalogue, &places).into_iter();
        for outcome in outcomes {
            outcome.notes.retain(|_| !allowed.next().unwrap_or(false));
        }
    }

    /// Sets the divergences apart that are not wanted. They are where the slice is made; a comment may allow the finding
    /// of the analysis about that slice, which is elsewhere.
    pub fn apply_to_run(&self, report: &mut run::Report, kernel: Version, headers: &Headers) {
        let named: Vec<Option<&'static str>> =
            report.divergences.iter().map(|divergence| report.rule_of(divergence)).collect();
        if named.iter().all(Option::is_none) {
            return;
        }
        let rules = self.rules();
        let found = self.text.map(|text| self.found(text, kernel, headers));
        let source = self.text.map(|text| Source::new(self.path, text));
        let wanted =
            |(divergence, rule): (&runtime::layouts::Divergence, &Option<&'static str>)| {
                let Some(rule) = *rule else { return true };
                let (Some(text), Some(found)) = (self.text, &found) else {
                    return rules.contains(rule);
                };
                let at = divergence.cause.location();
                let place = at.zip(source).and_then(|(at, source)| source.place_of(at));
                let span = place.map(|place| SourceText::new(self.path, text).span(&place));
                let same = span.and_then(|span| of_slice(text, &found.findings, rule, span));
                let same = same.map(|index| &found.findings[index]);
                let rule = same.map_or(rule, |finding| finding.rule);
                let mut places = vec![(rule, span.unwrap_or(NOWHERE))];
                places.extend(same.map(|finding| (rule, finding.span)));
                let allowed = suppress::allowed(text, &found.scopes, self.catalogue, &places);
                rules.contains(rule) && !allowed.contains(&true)
            };
        let wanted: Vec<bool> = report.divergences.iter().zip(&named).map(wanted).collect();
        let mut wanted = wanted.into_iter();
        let all = std::mem::take(&mut report.divergences).into_iter();
        (report.divergences, report.allowed) = all.partition(|_| wanted.next().unwrap_or(true));
    }

    /// What the analysis finds in the text, whether wanted or not.
    fn found(&self, text: &Arc<str>, kernel: Version, headers: &Headers) -> Found {
        let rules = RuleSet::new(self.catalogue, &[], &[]);
        let headers = headers.for_file(self.path, self.config);
        let options = LintOptions { kernel, rules: &rules, headers: &headers };
        let linted = BpfLinter.lint(self.path, Arc::clone(text), &options);
        Found { findings: linted.report.findings, scopes: linted.scopes }
    }
}

/// What has no place in the text is allowed by no comment in it.
const NOWHERE: Span = Span { start: u32::MAX, end: u32::MAX };

struct Found {
    findings: Vec<Finding>,
    scopes: Scopes,
}
