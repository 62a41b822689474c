//! The result of a read or write is 0 or an error, never a number of bytes.

use diagnostic::{Applicability, KernelVerdict, Severity};
use domains::Comparison;
use flow::Fact;
use flow::observe::ResultCompared;
use kernel_model::Returns;
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "status-taken-for-length",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M09"],
    since: Some("5.19"),
    fix: Some(Applicability::Safe),
    page: include_str!("status_taken_for_length.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ResultCompared(compared) = fact else { continue };
        let status = kernel_model::function(&compared.call.name)
            .is_some_and(|row| row.returns == Returns::Status);
        let dynptr = compared.call.name.contains("dynptr");
        let length = compared
            .other
            .as_constant()
            .filter(|other| *other > 0 && Some(*other) == compared.length);
        let (true, true, Some(length), false) = (status, dynptr, length, compared.truthiness)
        else {
            continue;
        };
        let fix = fixes::safe("compare with 0", edits(cx, observation.span, compared));
        let name = &compared.call.name;
        cx.report(observation, format!("`{name}` returns 0 on success, never {length}"))
            .label(compared.call.span, "the result is 0 or a negative error")
            .help("compare the result with 0")
            .fix(fix)
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, comparison: Span, compared: &ResultCompared) -> Vec<Edit> {
    let text = comparison.text(cx.text());
    let (operator, to) = match compared.op {
        Comparison::Ne => ("!=", "!= 0"),
        Comparison::Eq => ("==", "== 0"),
        Comparison::Lt => ("<", "< 0"),
        Comparison::Ge => (">=", ">= 0"),
        Comparison::Le | Comparison::Gt => return Vec::new(),
    };
    // The result must be the left operand: the operator then stands behind the call or variable.
    let Some(at) = text.rfind(operator) else { return Vec::new() };
    // In a macro the operator that is found need not be that of the comparison.
    let in_macro = !cx.is_written(&compared.call) && text.contains(compared.call.name.as_str());
    if in_macro || text[at..].contains("dynptr") {
        return Vec::new();
    }
    let start = comparison.start + fixes::length(&text[..at]);
    vec![Edit::replace(Span::new(start, comparison.end), to)]
}
