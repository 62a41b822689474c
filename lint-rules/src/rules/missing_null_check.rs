//! A slice is NULL if the range is not there.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::{Fact, Observation};
use flow::observe::{Access, SliceKind, Tri};
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "missing-null-check",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M20"],
    since: Some("5.19"),
    fix: Some(Applicability::Safe),
    page: include_str!("missing_null_check.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        if access.slice.null == Tri::No || access.stale.is_some() {
            continue;
        }
        let pointer = cx.slice(&access.slice);
        let (verb, certain) = match (access.arithmetic, access.slice.null) {
            (true, _) => ("moved", "may be"),
            (false, Tri::Yes) => ("used", "is"),
            (false, _) => ("used", "may be"),
        };
        let kind = if access.slice.kind == SliceKind::ReadOnly { "rdonly_mem_or_null" } else { "mem_or_null" };
        let kernel = if access.arithmetic {
            format!("R0 pointer arithmetic on {kind} prohibited, null-check it first")
        } else {
            format!("R0 invalid mem access '{kind}'")
        };
        let fix = fixes::safe(format!("return if {pointer} is NULL"), edits(cx, observation, access));
        cx.report(observation, format!("{pointer} {certain} NULL when it is {verb}"))
            .label(access.slice.call.span, "NULL if the bytes are not in the packet")
            .help("check the result before its first use")
            .kernel_says(kernel)
            .fix(fix)
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, observation: &Observation, access: &Access) -> Vec<Edit> {
    let (slice, Some(program)) = (&access.slice, observation.program) else { return Vec::new() };
    let own_function = slice.function == observation.function && slice.null == Tri::Maybe;
    let Some(stmt) = cx.plain_statement(slice.call.span) else { return Vec::new() };
    let in_declaration = stmt.contains(access.pointer);
    if slice.name.is_empty() || !own_function || in_declaration || program.error_return.is_empty() {
        return Vec::new();
    }
    let lines = cx.early_return(&slice.name, program.error_return);
    vec![cx.insert_after(stmt, &[&lines[0], &lines[1]])]
}
