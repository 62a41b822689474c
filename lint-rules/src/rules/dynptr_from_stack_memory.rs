//! A dynptr can be made over map values only.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, Memory};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-from-stack-memory",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M58"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("dynptr_from_stack_memory.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::FromMem, Some(argument)) = (call.api, call.call.args.first().copied()) else { continue };
        let (what, kernel) = match call.data {
            Memory::Stack => ("a local variable", "Unsupported reg type fp for bpf_dynptr_from_mem data"),
            Memory::Packet => ("packet memory", "Unsupported reg type mem for bpf_dynptr_from_mem data"),
            Memory::Other => continue,
        };
        let name = cx.named(argument);
        cx.report(observation, format!("`{name}` is {what}; a dynptr can be made over map values only"))
            .at(argument)
            .help("use a map value or a global variable")
            .kernel_says(kernel)
            .emit();
    }
}
