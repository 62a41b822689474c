//! A buffer must not change while a slice may point to it.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "buffer-changed-under-slice",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M14"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("buffer_changed_under_slice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::BufferReused { slice, used, by_slice: false } = fact else { continue };
        let (pointer, buffer) = (cx.slice(slice), cx.buffer(slice));
        cx.report(observation, format!("`{buffer}` is changed while {pointer} may point to it"))
            .label(slice.call.span, "the slice is made here")
            .label(*used, "and is used here")
            .help("leave the buffer alone while the slice is in use, or use another one")
            .emit();
    }
}
