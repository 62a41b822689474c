//! A submit sends the whole reserved record, whatever the view.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "record-not-shortened",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M51"],
    since: Some("6.5"),
    fix: None,
    page: include_str!("record_not_shortened.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ShortenedRecord { adjust } = fact else { continue };
        cx.report(observation, "the whole reserved record is submitted, not only the adjusted view")
            .label(*adjust, "this shortens the view, not the record")
            .help("reserve as many bytes as are sent, and clear what is not written")
            .emit();
    }
}
