//! Both ends of an adjust are relative to the current view.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "adjust-not-relative",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M33"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("adjust_not_relative.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::Adjust, Some(beyond), Some(dynptr)) = (call.api, call.beyond, &call.dynptr) else { continue };
        let Some(before) = dynptr.adjusted else { continue };
        let name = cx.dynptr(&call.call, 0);
        cx.report(observation, format!("the end lies {beyond} bytes behind the view: {name} was adjusted before"))
            .label(before, "the view starts and ends anew here")
            .help("offsets are relative to the current view, and `bpf_dynptr_size` is its end")
            .emit();
    }
}
