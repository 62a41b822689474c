//! The bytes of a record belong to the reader once it is submitted.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, StaleCause};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-used-after-release",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M49"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("slice_used_after_release.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        let Some((StaleCause::Released, at)) = &access.stale else { continue };
        if access.slice.kind == SliceKind::Data {
            continue;
        }
        let pointer = cx.slice(&access.slice);
        cx.report(observation, format!("{pointer} points into a record that has been given back"))
            .label(access.slice.call.span, "the slice is made here")
            .label(*at, "the record is given back here")
            .help("the verifier does not see this; use the slice only before the record is submitted or discarded")
            .emit();
    }
}
