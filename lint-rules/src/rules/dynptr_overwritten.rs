//! A store over a dynptr destroys it.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{Api, DynptrState};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-overwritten",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M59"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("dynptr_overwritten.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = call.dynptr.as_ref().filter(|_| !call.api.constructs()) else { continue };
        let DynptrState::Destroyed { at } = dynptr.state else { continue };
        let position = if call.api == Api::Read { 2 } else { 0 };
        let name = cx.dynptr(&call.call, position);
        cx.report(observation, format!("this store destroys {name}, which is used afterwards"))
            .at(at)
            .label(call.call.span, "used here")
            .label_opt(dynptr.made, "made here")
            .help("do not touch the bytes of a dynptr")
            .kernel_says(format!("Expected an initialized dynptr as arg #{position}"))
            .emit();
    }
    for (observation, fact) in cx.facts() {
        let Fact::DynptrPassed { function, written: true } = fact else { continue };
        let name = cx.named(observation.span);
        cx.report(observation, format!("`{function}` would overwrite `{name}`"))
            .help("do not touch the bytes of a dynptr")
            .kernel_says("potential write to dynptr at off=-16 disallowed")
            .emit();
    }
}
