//! A changed header needs a changed checksum.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "stale-checksum",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M31"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("stale_checksum.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ChecksumForgotten { record, field } = fact else { continue };
        let message = format!("`{field}` of `struct {record}` changes, but no checksum is updated");
        cx.report(observation, message)
            .help("update the header's checksum: a store through a slice changes neither it nor skb->csum")
            .emit();
    }
}
