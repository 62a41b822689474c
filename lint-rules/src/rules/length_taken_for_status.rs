//! String kfuncs return the length on success.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use text::Edit;
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
        let negated = cx.text()[..observation.span.start as usize].trim_end().ends_with('!');
        let edits = if negated { Vec::new() } else { vec![Edit::insert(observation.span.end, " < 0")] };
        cx.report(observation, format!("`{name}` returns the length of the string, which is never 0"))
            .label(compared.call.span, "a positive length, or a negative error")
            .help("compare with `< 0`")
            .fix(fixes::safe("compare with `< 0`", edits))
            .emit();
    }
}
