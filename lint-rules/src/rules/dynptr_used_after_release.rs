//! A dynptr is gone once its record is submitted or discarded.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, DynptrState};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-used-after-release",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M48"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("dynptr_used_after_release.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = &call.dynptr else { continue };
        let DynptrState::Released { at, elsewhere: false } = dynptr.state else { continue };
        if call.api.constructs() || call.api.releases() {
            continue;
        }
        let position = if call.api == Api::Read { 2 } else { 0 };
        let name = cx.dynptr(&call.call, position);
        cx.report(observation, format!("{name} is used after it was given back"))
            .label(at, "given back here")
            .help("use the dynptr before it is submitted or discarded")
            .kernel_says(format!("Expected an initialized dynptr as arg #{position}"))
            .emit();
    }
}
