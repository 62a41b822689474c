//! What checks find, as findings of the text that was compiled.

use diagnostic::{Finding, KernelVerdict, Label, Severity};
use lint_rules::rules::find;
use runtime::FaultKind;
use runtime::layouts::Divergence;
use text::Span;

use super::CheckRequest;
use crate::merge::{Checked, Said};
use crate::report::Source;
use crate::run::{Report, Shown, divergence_message};
use crate::verify::{Outcome, Place, SourceText, VERIFIER, Verdict};

/// Findings about behaviour that depends on the layout of a packet have this rule, unless one of the linter is about
/// the same. It is no rule of the linter.
pub const LAYOUT_DIVERGENCE: &str = "layout-divergence";
/// Findings about a run that went wrong have this rule. It is no rule of the linter.
pub const RUN_FAULT: &str = "run-fault";

/// What the verifier finds in a program.
pub(super) fn of_verify(
    request: &CheckRequest<'_>,
    outcome: &Outcome,
    source: Source<'_>,
) -> Vec<Checked> {
    let told = outcome.explanation.iter().chain(outcome.notes.iter().map(|note| &note.told));
    let mut places = outcome.place.iter().chain(told.filter_map(|told| told.place.as_ref()));
    let file = places.find(|place| source.has(place)).map_or("", |place| place.file.as_str());
    let text = SourceText::new(request.path, request.text);
    let findings = text.about(file, outcome, request.name(&outcome.name));
    let checked = findings.into_iter().map(|finding| {
        let is_verdict = finding.rule == VERIFIER.name;
        let said = match &outcome.verdict {
            _ if !is_verdict => Some(finding.message.clone()),
            Verdict::Reject { message, .. } => message.lines().next().map(str::to_owned),
            Verdict::Accept | Verdict::Unsupported(_) => None,
        };
        let rule = if is_verdict { outcome.rule } else { Some(finding.rule) };
        Checked { finding, said: said.map(Said::Verifier), rule }
    });
    checked.collect()
}

/// What is wrong with the runs of a program. What is not modelled is not the program's fault.
pub(super) fn of_run(
    request: &CheckRequest<'_>,
    report: &Report,
    source: Source<'_>,
) -> Vec<Checked> {
    let text = SourceText::new(request.path, request.text);
    let place = |at: Option<&runtime::Location>| {
        let place: Option<Place> = at.and_then(|at| source.place_of(at));
        place.map_or_else(|| request.name(&report.program), |place| text.span(&place))
    };
    let runs = report.runs.iter().enumerate().filter(|(number, _)| report.is_first(*number));
    let faults = runs.filter_map(|(_, run)| fault(&report.program, run, &place));
    let faults = faults.map(|finding| Checked { finding, said: None, rule: None });
    let divergences = report.divergences.iter().map(|divergence| {
        let span = place(divergence.cause.location());
        let finding = divergent(report, divergence, span, &place);
        let Some(rule) = report.rule_of(divergence) else {
            return Checked { finding, said: None, rule: None };
        };
        let severity = request.wishes().severity(rule).or_else(|| Some(find(rule)?.severity));
        let said = Some(Said::Runtime(finding.message.clone()));
        let severity = severity.unwrap_or(finding.severity);
        Checked { finding: Finding { rule, severity, ..finding }, said, rule: Some(rule) }
    });
    faults.chain(divergences).collect()
}

fn finding(rule: &'static str, severity: Severity, program: &str, span: Span) -> Finding {
    Finding {
        rule,
        severity,
        kernel: KernelVerdict::Accepts,
        function: Some(program.to_owned()),
        span,
        message: String::new(),
        labels: Vec::new(),
        help: None,
        kernel_message: None,
        fixes: Vec::new(),
    }
}

fn fault(
    program: &str,
    run: &Shown,
    place: &dyn Fn(Option<&runtime::Location>) -> Span,
) -> Option<Finding> {
    let fault = run.outcome.fault.as_ref()?;
    if matches!(fault.kind, FaultKind::NotModelled(_)) {
        return None;
    }
    let packet = run.packet.as_ref().map(|name| format!(" on {name}")).unwrap_or_default();
    Some(Finding {
        message: format!("`{program}` goes wrong{packet}: {}", fault.kind),
        ..finding(RUN_FAULT, Severity::Error, program, place(Some(&fault.at)))
    })
}

/// The path of a divergence is what the run asked the packet for.
fn divergent(
    report: &Report,
    divergence: &Divergence,
    span: Span,
    place: &dyn Fn(Option<&runtime::Location>) -> Span,
) -> Finding {
    /// So many accesses are shown at most.
    const MOST: usize = 8;
    let run = report.runs.get(divergence.between.1);
    let events = run.map(|run| run.outcome.events.as_slice()).unwrap_or_default();
    let labels = events.iter().filter(|event| event.at.line > 0).take(MOST).map(|event| Label {
        span: place(Some(&event.at)),
        message: format!(
            "{} of {} bytes at {}: {}",
            event.function,
            event.len,
            event.offset,
            crate::run::access_words(Some(event.result))
        ),
    });
    Finding {
        message: divergence_message(divergence),
        labels: labels.collect(),
        ..finding(LAYOUT_DIVERGENCE, Severity::Warning, &report.program, span)
    }
}
