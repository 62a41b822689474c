//! Verdicts as findings in source files, which all renderers can print.
//!
//! An object knows the text of each line that code comes from. If a file of that name is there and has these lines, it
//! is shown; otherwise the lines that are known are, each at its number.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostic::{FileReport, Finding, KernelVerdict, Label, RuleInfo, Severity};
use text::Span;

use super::{Also, Noted, Outcome, Place, Told, Verdict};
use crate::paths;
use crate::source;

/// Findings of the verifier have this rule. It is no rule of the linter: it cannot be selected or allowed.
pub const VERIFIER: RuleInfo = RuleInfo {
    name: "verifier",
    group: "kernel",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &[],
    since: None,
    fix: None,
    summary: "the kernel's verifier rejects the program",
    url: "https://docs.kernel.org/bpf/verifier.html",
};

/// The page about [`VERIFIER`], as Markdown.
pub const VERIFIER_PAGE: &str = include_str!("verifier.md");

/// Lines up to this number are made up for a source that is not there.
const MOST_LINES: u32 = 200_000;

/// What is to be said about the programs of an object, by source file; what has no place in C is said of the object.
///
/// `main` is the text of a source that was just compiled, with the path it was given by.
pub fn reports(
    object: &Path,
    outcomes: &[Outcome],
    main: Option<(&Path, &Arc<str>)>,
) -> Vec<FileReport> {
    let file_of = |place: &Option<Place>| place.as_ref().map_or("", |place| &place.file).to_owned();
    let mut files = BTreeSet::new();
    for outcome in outcomes {
        if !outcome.is_accepted() {
            files.insert(file_of(&outcome.place));
        }
        files.extend(outcome.notes.iter().map(|note| file_of(&note.told.place)));
        files.extend(outcome.also.iter().map(|also| file_of(&also.place)));
    }
    let mut reports = Vec::new();
    for name in files {
        let file = match name.as_str() {
            "" => SourceText { path: object.display().to_string(), text: Arc::from("") },
            name => SourceText::find(name, object, outcomes, main),
        };
        let findings = outcomes.iter().flat_map(|outcome| {
            let verdict = file.verdict(&name, outcome).filter(|_| file_of(&outcome.place) == name);
            let notes = outcome.notes.iter().filter(|note| file_of(&note.told.place) == name);
            let also = outcome.also.iter().filter(|also| file_of(&also.place) == name);
            let also = also.map(|also| file.also(&name, &outcome.name, also));
            verdict.into_iter().chain(also).chain(notes.map(|note| file.note(&name, outcome, note)))
        });
        let mut findings: Vec<Finding> = findings.collect();
        findings.sort_by_key(|finding| finding.span.start);
        let SourceText { path, text } = file;
        reports.push(FileReport { path, source: text, findings, unparsed_regions: 0 });
    }
    reports
}

/// All places that are told of a program.
fn places(outcome: &Outcome) -> impl Iterator<Item = &Place> {
    let explained = outcome.explanation.iter().filter_map(|told| told.place.as_ref());
    let told = outcome.notes.iter().flat_map(|note| iter::once(&note.told).chain(&note.labels));
    let also = outcome.also.iter().flat_map(|also| {
        let explained = also.explanation.iter().filter_map(|told| told.place.as_ref());
        also.place.iter().chain(explained)
    });
    let told = told.filter_map(|told| told.place.as_ref());
    outcome.place.iter().chain(explained).chain(told).chain(also)
}

/// A text in which places are found.
pub(crate) struct SourceText {
    path: String,
    text: Arc<str>,
}

impl SourceText {
    /// The text of the file at `path`.
    pub(crate) fn new(path: &Path, text: &Arc<str>) -> Self {
        Self { path: path.display().to_string(), text: Arc::clone(text) }
    }

    /// What is to be said about a program in this text, which the object calls `file`. What has no place here is said
    /// of `name`, the program's name in it.
    pub(crate) fn about(&self, file: &str, outcome: &Outcome, name: Span) -> Vec<Finding> {
        let also = outcome.also.iter();
        let notes = outcome.notes.iter();
        let others = also.clone().map(|also| self.also(file, &outcome.name, also));
        let others = others.chain(notes.clone().map(|note| self.note(file, outcome, note)));
        let mut findings: Vec<Finding> =
            self.verdict(file, outcome).into_iter().chain(others).collect();
        let is_here = |place: Option<&Place>| place.is_some_and(|place| place.file == file);
        let verdict = (!outcome.is_accepted()).then(|| is_here(outcome.place.as_ref()));
        let others = also.map(|also| is_here(also.place.as_ref()));
        let others = others.chain(notes.map(|note| is_here(note.told.place.as_ref())));
        for (finding, here) in findings.iter_mut().zip(verdict.into_iter().chain(others)) {
            if !here {
                finding.span = name;
            }
        }
        let place = outcome.place.as_ref().filter(|place| place.file != file);
        if let (Some(place), Some(false), Some(first)) = (place, verdict, findings.first_mut()) {
            let at = format!("the place is {}:{}", place.file, place.line);
            first.help = Some(first.help.take().map_or(at.clone(), |help| format!("{at}; {help}")));
        }
        findings
    }

    fn find(
        name: &str,
        object: &Path,
        outcomes: &[Outcome],
        main: Option<(&Path, &Arc<str>)>,
    ) -> Self {
        let known = || outcomes.iter().flat_map(places).filter(|place| place.file == name);
        if let Some((path, text)) = main
            && Path::new(name).file_name() == path.file_name()
            && has_lines(text, known())
        {
            return Self { path: path.display().to_string(), text: Arc::clone(text) };
        }
        let beside = object.parent().unwrap_or(Path::new(""));
        let base = Path::new(name).file_name().unwrap_or_default();
        for candidate in [PathBuf::from(name), beside.join(name), beside.join(base)] {
            if let Ok(text) = source::read(&candidate)
                && has_lines(&text, known())
            {
                return Self { path: shown(&candidate), text };
            }
        }
        Self { path: name.to_owned(), text: made_up(known()) }
    }

    fn note(&self, file: &str, outcome: &Outcome, note: &Noted) -> Finding {
        let place = note.told.place.as_ref();
        let (labels, elsewhere) = self.labels(file, &note.labels);
        let mut help = vec![note.kind.help.to_owned()];
        help.extend(others(&elsewhere));
        Finding {
            rule: note.rule(),
            severity: note.severity,
            kernel: KernelVerdict::Accepts,
            function: Some(outcome.name.clone()),
            span: place.map_or(Span::empty(0), |place| self.span(place)),
            message: note.told.message.clone(),
            labels,
            help: Some(help.join("; ")),
            kernel_message: None,
            fixes: Vec::new(),
        }
    }

    /// What is told of this file, as labels, and the rest.
    fn labels<'t>(&self, file: &str, told: &'t [Told]) -> (Vec<Label>, Vec<&'t Told>) {
        let (here, elsewhere): (Vec<&Told>, Vec<&Told>) = told
            .iter()
            .partition(|told| told.place.as_ref().is_some_and(|place| place.file == file));
        let labels = here.iter().filter_map(|told| {
            let place = told.place.as_ref()?;
            Some(Label { span: self.span(place), message: told.message.clone() })
        });
        (labels.collect(), elsewhere)
    }

    fn verdict(&self, file: &str, outcome: &Outcome) -> Option<Finding> {
        let name = &outcome.name;
        let (severity, message, kernel_message) = match &outcome.verdict {
            Verdict::Accept => return None,
            Verdict::Reject { errno: None, message } => {
                (Severity::Error, format!("`{name}` cannot be loaded: {message}"), None)
            }
            Verdict::Reject { errno: Some(errno), message } => {
                let first = message.lines().next().unwrap_or_default();
                let said = match first {
                    "" => format!("errno {errno}, without a message"),
                    first => first.to_owned(),
                };
                (
                    Severity::Error,
                    format!("`{name}` is rejected: {said}"),
                    Some(message.replace('\n', "; ")),
                )
            }
            Verdict::Unsupported(why) => (
                Severity::Info,
                format!("`{name}`: no verdict, because this is not modelled: {why}"),
                None,
            ),
        };
        let (labels, elsewhere) = self.labels(file, &outcome.explanation);
        Some(Finding {
            rule: VERIFIER.name,
            severity,
            kernel: KernelVerdict::Rejects,
            function: Some(name.clone()),
            span: outcome.place.as_ref().map_or(Span::empty(0), |place| self.span(place)),
            message,
            labels,
            help: help((outcome.help, outcome.rule), &elsewhere),
            kernel_message: kernel_message.filter(|text| !text.is_empty()),
            fixes: Vec::new(),
        })
    }

    /// A function that the kernel would refuse next.
    fn also(&self, file: &str, program: &str, also: &Also) -> Finding {
        let (labels, elsewhere) = self.labels(file, &also.explanation);
        let place = also.place.as_ref().filter(|place| place.file == file);
        let first = also.message.lines().next().unwrap_or_default();
        Finding {
            rule: VERIFIER.name,
            severity: Severity::Error,
            kernel: KernelVerdict::Rejects,
            function: Some(also.function.clone()),
            span: place.map_or(Span::empty(0), |place| self.span(place)),
            message: format!("`{}` of `{program}` is rejected as well: {first}", also.function),
            labels,
            help: help((also.help, also.rule), &elsewhere),
            kernel_message: Some(also.message.replace('\n', "; ")).filter(|text| !text.is_empty()),
            fixes: Vec::new(),
        }
    }

    /// From the place to the end of what stands in its line.
    pub(crate) fn span(&self, place: &Place) -> Span {
        let mut start = 0;
        for (number, line) in (1..).zip(self.text.split_inclusive('\n')) {
            if number == place.line {
                let content = line.trim_end();
                let skipped = content.chars().take((place.column as usize).saturating_sub(1));
                let column = skipped.map(char::len_utf8).sum::<usize>();
                let rest = &content[column..];
                // The place of a statement is that of its first word; blanks in front are not shown.
                let blank = rest.len() - rest.trim_start().len();
                let from = start + column + blank;
                return span(
                    from,
                    start + content.trim_end_matches([';', '{', ' ']).len().max(column + blank),
                );
            }
            start += line.len();
        }
        Span::empty(0)
    }
}

/// What helps, with the rule that finds the same mistake and what is told of other files.
fn help((help, rule): (Option<&str>, Option<&str>), elsewhere: &[&Told]) -> Option<String> {
    let mut parts: Vec<String> = help.into_iter().map(str::to_owned).collect();
    if let Some(rule) = rule {
        parts.push(format!("the rule `{rule}` of `bpf-analyzer check` is about this"));
    }
    parts.extend(others(elsewhere));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What is told of other files.
fn others(told: &[&Told]) -> impl Iterator<Item = String> {
    told.iter().take(3).map(|told| match &told.place {
        Some(place) => format!("{}:{}: {}", place.file, place.line, told.message),
        None => told.message.clone(),
    })
}

/// The path below the current directory, if it is there.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative.unwrap_or_else(|| paths::normal(path)).display().to_string()
}

/// Whether the lines of the text are those that the object knows.
fn has_lines<'p>(text: &str, mut places: impl Iterator<Item = &'p Place>) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    places.all(|place| {
        let line = (place.line as usize).checked_sub(1).and_then(|at| lines.get(at));
        line.is_some_and(|line| line.trim_end() == place.text.trim_end())
    })
}

/// A text of the lines that are known.
fn made_up<'p>(places: impl Iterator<Item = &'p Place>) -> Arc<str> {
    let lines: BTreeMap<u32, &str> = places
        .filter(|place| place.line <= MOST_LINES)
        .map(|place| (place.line, place.text.as_str()))
        .collect();
    let last = lines.keys().next_back().copied().unwrap_or(0);
    let mut text = String::new();
    for number in 1..=last {
        text.push_str(lines.get(&number).copied().unwrap_or_default());
        text.push('\n');
    }
    text.into()
}

fn span(start: usize, end: usize) -> Span {
    let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span::new(offset(start), offset(end))
}
