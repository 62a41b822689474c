//! A clone shares the bytes of the original.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "clone-not-copy",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M36"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("clone_not_copy.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        if call.api != Api::Copy || call.distance != Some(0) {
            continue;
        }
        let (to, from) = (cx.dynptr(&call.call, 0), cx.dynptr(&call.call, 2));
        cx.report(observation, format!("{to} and {from} show the same bytes: this copies them onto themselves"))
            .help("`bpf_dynptr_clone` copies the view, not the bytes; copy them to other memory first")
            .emit();
    }
}
