//! A global function cannot release a dynptr of its caller.

use diagnostic::{Applicability, KernelVerdict, Severity};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "release-in-global-function",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M53"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("release_in_global_function.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let constant = call.dynptr.as_ref().is_some_and(|dynptr| dynptr.constant);
        if !(call.api.releases() && call.in_global && constant) {
            continue;
        }
        let name = cx.dynptr(&call.call, 0);
        let function = observation.function.as_str();
        let edits = cx.static_edit(function);
        let message = format!(
            "`{function}` is global, so the kernel sees {name} as constant and does not let it go"
        );
        cx.report(observation, message)
            .help(format!("make `{function}` static, or release in the caller"))
            .kernel_says("cannot release unowned const bpf_dynptr")
            .fix(fixes::doubtful(format!("make `{function}` static"), edits))
            .emit();
    }
}
