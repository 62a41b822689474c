//! The size of a null dynptr is an error number in an unsigned integer.

use diagnostic::{KernelVerdict, Severity};
use domains::Comparison;
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "size-of-null-dynptr",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M28"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("size_of_null_dynptr.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ResultCompared(compared) = fact else { continue };
        let ordered = !matches!(compared.op, Comparison::Eq | Comparison::Ne);
        let (Some(made), true) = (compared.null_dynptr, ordered) else { continue };
        let name = cx.dynptr(&compared.call, 0);
        cx.report(observation, format!("{name} may be null, and then its size is 4294967274"))
            .label(made, "if this fails the dynptr is null")
            .label(compared.call.span, "-EINVAL as an unsigned integer")
            .help("check the result of the constructor, or ask `bpf_dynptr_is_null` first")
            .emit();
    }
}
