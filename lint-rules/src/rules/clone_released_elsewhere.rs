//! A release through a clone releases the original too.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, DynptrState};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "clone-released-elsewhere",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M50"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("clone_released_elsewhere.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = &call.dynptr else { continue };
        let DynptrState::Released { at, elsewhere: true } = dynptr.state else { continue };
        if call.api.constructs() {
            continue;
        }
        let name = cx.dynptr(&call.call, if call.api == Api::Read { 2 } else { 0 });
        cx.report(observation, format!("the record of {name} has been given back through a clone"))
            .label(at, "given back here")
            .help("the verifier does not see this across functions; release in one place only")
            .emit();
    }
}
