//! A deleted map element may be given to someone else.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-over-deleted-element",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M72"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("dynptr_over_deleted_element.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(at) = call.dynptr.as_ref().and_then(|dynptr| dynptr.deleted) else { continue };
        if !call.api.accesses() {
            continue;
        }
        let name = cx.dynptr(&call.call, if call.api == Api::Read { 2 } else { 0 });
        cx.report(observation, format!("the map element under {name} has been deleted"))
            .label(at, "deleted here")
            .help("finish with the dynptr before deleting the element")
            .emit();
    }
}
