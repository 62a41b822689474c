//! Dynptrs live on the stack.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, Tri};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-not-on-stack",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M57"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("dynptr_not_on_stack.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let on_stack = call.dynptr.as_ref().map_or(Tri::Maybe, |dynptr| dynptr.on_stack);
        if on_stack != Tri::No || !call.api.constructs() {
            continue;
        }
        let Some(argument) = call.call.args.last().copied() else { continue };
        let name = cx.named(argument);
        let kernel = match call.api {
            Api::FromMem | Api::Reserve => "R4 type=map_value expected=fp, dynptr_ptr".to_owned(),
            _ => format!("arg#{} expected pointer to stack or const struct bpf_dynptr", call.call.args.len() - 1),
        };
        cx.report(observation, format!("`{name}` is not on the stack"))
            .at(argument)
            .help("make the dynptr in a local variable")
            .kernel_says(kernel)
            .emit();
    }
}
