//! Functions that the target kernel does not have yet.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "not-in-target-kernel",
    group: "kernel",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &[],
    since: None,
    fix: None,
    page: include_str!("not_in_target_kernel.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::KernelCall(call) = fact else { continue };
        let Some(row) = kernel_model::function(&call.name).filter(|row| row.since > cx.kernel()) else { continue };
        let message = format!("`{}` was introduced in {}, after {}", call.name, row.since, cx.kernel());
        cx.report(observation, message)
            .help("declare it `__weak` and ask `bpf_ksym_exists` first, or raise the target kernel")
            .kernel_says(format!("calling kernel function {} is not allowed", call.name))
            .emit();
    }
}
