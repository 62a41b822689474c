//! What is not written of a record are old bytes of the ring.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "record-not-filled",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M64"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("record_not_filled.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::PartlyFilledRecord { reserve } = fact else { continue };
        cx.report(observation, "only part of a record of variable size has been written")
            .label(*reserve, "reserved here")
            .help("write every byte, or clear the record with `bpf_dynptr_memset`")
            .emit();
    }
}
