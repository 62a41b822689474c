//! An adjust does not move slices made before.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-before-adjust",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M35"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("slice_before_adjust.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::OldView { slice, adjust } = fact else { continue };
        let pointer = cx.slice(slice);
        cx.report(observation, format!("{pointer} still shows the bytes from before the adjust"))
            .label(slice.call.span, "the slice is made here")
            .label(*adjust, "the view moves here, and is not used afterwards")
            .help("slice again after the adjust")
            .emit();
    }
}
