//! A failed read leaves its destination as it was.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "read-result-ignored",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M08"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("read_result_ignored.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::UnreadUsed { used, call } = fact else { continue };
        let destination = call.args.first().map(|span| cx.named(*span)).unwrap_or_default();
        let fix = fixes::doubtful("return if the read fails", edits(cx, observation, call));
        cx.report(observation, format!("`{destination}` is used although the read may have failed and left it uninitialised"))
            .label(*used, "used here")
            .help("check the result, or initialise the destination")
            .fix(fix)
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, observation: &flow::Observation, call: &flow::observe::CallView) -> Vec<Edit> {
    let (Some(program), Some(stmt)) = (observation.program, cx.plain_statement(call.span)) else { return Vec::new() };
    if program.error_return.is_empty() || stmt.start != call.span.start {
        return Vec::new();
    }
    let text = format!("if ({})", cx.quote(call.span));
    let after = cx.insert_after(stmt, &[&format!("\treturn {};", program.error_return)]);
    vec![Edit::replace(stmt, text + &after.text)]
}
