//! String kfuncs return the length on success.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "length-taken-for-status",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M68"],
    since: Some("6.16"),
    fix: Some(Applicability::Safe),
    page: include_str!("length_taken_for_status.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ResultCompared(compared) = fact else { continue };
        let name = &compared.call.name;
        if !name.ends_with("_str_dynptr") || !compared.truthiness {
            continue;
        }
        let edits = edits(cx, observation.span);
        cx.report(
            observation,
            format!("`{name}` returns the length of the string, which is never 0"),
        )
        .label(compared.call.span, "a positive length, or a negative error")
        .help("compare with `< 0`")
        .fix(fixes::safe("compare with `< 0`", edits))
        .emit();
    }
}

/// A comparison with 0 around the bare condition `x` or `!x`.
fn edits(cx: &RuleCx<'_>, condition: Span) -> Vec<Edit> {
    let text = condition.text(cx.text());
    let plain = text.ends_with(')') || text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let assigned = text.contains('=') || text.starts_with(|c: char| !c.is_alphabetic() && c != '_');
    if text.is_empty() || !plain || assigned {
        return Vec::new();
    }
    let before = cx.text()[..condition.start as usize].trim_end();
    match before.strip_suffix('!') {
        None => vec![Edit::insert(condition.end, " < 0")],
        Some(rest) if rest.trim_end().ends_with('!') => Vec::new(),
        Some(rest) => {
            let negation = Span::new(fixes::length(rest), condition.start);
            vec![Edit::replace(negation, ""), Edit::insert(condition.end, " >= 0")]
        }
    }
}
