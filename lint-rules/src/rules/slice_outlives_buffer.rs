//! A slice must not outlive the variable it may point to.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-outlives-buffer",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M15"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("slice_outlives_buffer.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::SliceReturned { slice, buffer } = fact else { continue };
        let name = cx.buffer(slice);
        let message = format!("the returned slice may point to `{name}`, which ends with `{}`", observation.function);
        cx.report(observation, message)
            .label(*buffer, "the buffer is a variable of this function")
            .label(slice.call.span, "the slice is made here")
            .help("let the caller pass the buffer, or return a copy of the bytes")
            .emit();
    }
}
