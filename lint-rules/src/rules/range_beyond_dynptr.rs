//! An access beyond the size of a dynptr always fails.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "range-beyond-dynptr",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M26"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("range_beyond_dynptr.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Some(beyond), Some(dynptr)) = (call.beyond, &call.dynptr) else { continue };
        let adjust = call.api == Api::Adjust;
        if !call.api.accesses() && !adjust || adjust && dynptr.adjusted.is_some() {
            continue;
        }
        let name = cx.dynptr(&call.call, dynptr_argument(call.api));
        let size = dynptr.size.map_or_else(String::new, |size| format!(", which has {size}"));
        let plural = if beyond == 1 { "byte" } else { "bytes" };
        cx.report(observation, format!("the range ends {beyond} {plural} behind the end of {name}{size}"))
            .label_opt(dynptr.made, "the dynptr is made here")
            .help("the call always fails; keep offset and length within the size")
            .emit();
    }
}

fn dynptr_argument(api: Api) -> usize {
    if api == Api::Read { 2 } else { 0 }
}
