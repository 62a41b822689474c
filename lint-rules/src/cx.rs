//! What a rule can ask and how it reports.

use diagnostic::{Finding, Fix, Label, Severity};
use flow::observe::{DynptrCall, SliceView};
use flow::{Analysis, Fact, Observation};
use kernel_model::Version;
use syntax::Parsed;
use syntax::ast::Unit;
use text::Span;

use crate::Rule;

/// The facts of a file and the findings so far.
pub struct RuleCx<'a> {
    text: &'a str,
    unit: &'a Unit,
    analysis: &'a Analysis,
    kernel: Version,
    rule: Option<&'static Rule>,
    findings: Vec<Finding>,
}

impl<'a> RuleCx<'a> {
    pub(crate) fn new(parsed: &'a Parsed, analysis: &'a Analysis, kernel: Version) -> Self {
        RuleCx {
            text: parsed.text(),
            unit: parsed.unit(),
            analysis,
            kernel,
            rule: None,
            findings: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, rule: &'static Rule) {
        self.rule = Some(rule);
        (rule.check)(self);
    }

    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by(|a, b| (a.span, a.rule).cmp(&(b.span, b.rule)));
        self.findings
    }

    /// The text of the file.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What the text says, for fixes.
    pub(crate) fn unit(&self) -> &'a Unit {
        self.unit
    }

    /// The kernel the program is to run on.
    pub fn kernel(&self) -> Version {
        self.kernel
    }

    /// The facts.
    pub fn facts(&self) -> impl Iterator<Item = (&'a Observation, &'a Fact)> + use<'a> {
        self.analysis.observations.iter().map(|observation| (observation, &observation.fact))
    }

    /// The calls of dynptr functions.
    pub fn calls(&self) -> impl Iterator<Item = (&'a Observation, &'a DynptrCall)> + use<'a> {
        self.facts().filter_map(|(observation, fact)| match fact {
            Fact::Call(call) => Some((observation, &**call)),
            _ => None,
        })
    }

    /// A piece of the file, on one line.
    pub fn quote(&self, span: Span) -> String {
        let text = span.text(self.text);
        if text.contains('\n') {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            text.to_owned()
        }
    }

    /// The variable an address argument names: `d` for `&d`.
    pub fn named(&self, span: Span) -> String {
        let text = self.quote(span);
        text.strip_prefix('&').map_or(text.clone(), |rest| rest.trim().to_owned())
    }

    /// How a message names the dynptr of a call.
    pub fn dynptr(&self, call: &flow::observe::CallView, position: usize) -> String {
        call.args
            .get(position)
            .map_or_else(|| "the dynptr".to_owned(), |span| format!("`{}`", self.named(*span)))
    }

    /// How a message names a slice.
    pub fn slice(&self, slice: &SliceView) -> String {
        if slice.shown.is_empty() { "the slice".to_owned() } else { format!("`{}`", slice.shown) }
    }

    /// The buffer argument of a slice call.
    pub fn buffer(&self, slice: &SliceView) -> String {
        slice.call.args.get(2).map(|span| self.named(*span)).unwrap_or_default()
    }

    /// Starts a finding of the running rule at an observation.
    pub fn report(&mut self, at: &Observation, message: impl Into<String>) -> Report<'_, 'a> {
        let finding = self.rule.map(|rule| Finding {
            rule: rule.name,
            severity: rule.severity,
            kernel: rule.kernel,
            function: (!at.function.is_empty()).then(|| at.function.to_string()),
            span: at.span,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            kernel_message: None,
            fixes: Vec::new(),
        });
        Report { cx: self, finding }
    }

    fn add(&mut self, finding: Finding) {
        let known = self
            .findings
            .iter_mut()
            .find(|old| old.rule == finding.rule && old.span == finding.span);
        match known {
            // Another path to the same place: it may know a fix.
            Some(old) if old.fixes.is_empty() => old.fixes = finding.fixes,
            Some(_) => {}
            None => self.findings.push(finding),
        }
    }
}

/// A finding being put together; it is reported when dropped.
#[must_use = "a report is made by finishing it with `emit`"]
pub struct Report<'r, 'a> {
    cx: &'r mut RuleCx<'a>,
    finding: Option<Finding>,
}

impl Report<'_, '_> {
    fn with(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Some(finding) = &mut self.finding {
            change(finding);
        }
        self
    }

    /// Puts the finding somewhere else.
    pub fn at(self, span: Span) -> Self {
        self.with(|finding| finding.span = span)
    }

    /// Names the function the place is in.
    pub fn in_function(self, function: &str) -> Self {
        self.with(|finding| finding.function = Some(function.to_owned()))
    }

    /// Adds a second place.
    pub fn label(self, span: Span, message: impl Into<String>) -> Self {
        self.with(|finding| {
            if span != finding.span {
                finding.labels.push(Label { span, message: message.into() });
            }
        })
    }

    /// Adds a second place if there is one.
    pub fn label_opt(self, span: Option<Span>, message: impl Into<String>) -> Self {
        match span {
            Some(span) => self.label(span, message),
            None => self,
        }
    }

    /// Says what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.with(|finding| finding.help = Some(help.into()))
    }

    /// Quotes the kernel.
    pub fn kernel_says(self, message: impl Into<String>) -> Self {
        self.with(|finding| finding.kernel_message = Some(message.into()))
    }

    /// Makes it less severe than the rule's findings usually are.
    pub fn severity(self, severity: Severity) -> Self {
        self.with(|finding| finding.severity = severity)
    }

    /// Adds a fix, if there is one.
    pub fn fix(self, fix: Option<Fix>) -> Self {
        self.with(|finding| finding.fixes.extend(fix))
    }

    /// Reports it.
    pub fn emit(self) {
        if let Some(finding) = self.finding {
            self.cx.add(finding);
        }
    }
}
