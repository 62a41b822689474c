//! A dynptr that holds a reservation must not be overwritten.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "referenced-dynptr-overwritten",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M52"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("referenced_dynptr_overwritten.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = call.dynptr.as_ref().filter(|dynptr| dynptr.referenced && call.api.constructs()) else {
            continue;
        };
        let position = call.call.args.len().saturating_sub(1);
        let name = cx.dynptr(&call.call, position);
        cx.report(observation, format!("{name} still holds a reservation"))
            .label_opt(dynptr.made, "reserved here")
            .help("submit or discard the record first, or use another variable")
            .kernel_says("cannot overwrite referenced dynptr")
            .emit();
    }
    for (observation, fact) in cx.facts() {
        let Fact::ReferencedOverwritten { reserve } = fact else { continue };
        cx.report(observation, "this store goes over a dynptr that holds a reservation")
            .label(*reserve, "reserved here")
            .help("submit or discard the record first")
            .kernel_says("cannot overwrite referenced dynptr")
            .emit();
    }
}
