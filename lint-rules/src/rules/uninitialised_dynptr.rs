//! A dynptr must be made on every path before it is used.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, DynptrState, Tri};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "uninitialised-dynptr",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M54"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("uninitialised_dynptr.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let source = matches!(call.api, Api::Copy | Api::Clone).then_some((&call.source, source_position(call.api)));
        let target = (!call.api.constructs()).then_some((&call.dynptr, if call.api == Api::Read { 2 } else { 0 }));
        for (dynptr, position) in [target, source].into_iter().flatten() {
            let Some(dynptr) = dynptr else { continue };
            if dynptr.state != DynptrState::Uninitialised || dynptr.on_stack != Tri::Yes {
                continue;
            }
            let name = cx.dynptr(&call.call, position);
            cx.report(observation, format!("{name} is not initialised on every path to here"))
                .label_opt(call.call.args.get(position).copied(), "no constructor was called for it")
                .help("call a constructor on every path; a constructor that fails counts")
                .kernel_says(format!("Expected an initialized dynptr as arg #{position}"))
                .emit();
        }
    }
}

fn source_position(api: Api) -> usize {
    if api == Api::Copy { 2 } else { 0 }
}
