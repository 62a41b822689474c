//! Each slice in use needs a buffer of its own.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "shared-slice-buffer",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M13"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("shared_slice_buffer.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::BufferReused { slice, used, by_slice: true } = fact else { continue };
        let (pointer, buffer) = (cx.slice(slice), cx.buffer(slice));
        cx.report(observation, format!("this call may overwrite `{buffer}`, which {pointer} may still point to"))
            .label(slice.call.span, "the first slice is made here")
            .label(*used, "and is used here")
            .help("give each slice a buffer of its own")
            .emit();
    }
}
