//! Some kfuncs write to an skb that a clone may share.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Kinds;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "write-to-shared-packet",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M61"],
    since: Some("6.15"),
    fix: None,
    page: include_str!("write_to_shared_packet.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let skb = call.dynptr.as_ref().is_some_and(|dynptr| dynptr.kinds.only(Kinds::SKB));
        let cloned = observation.program.is_some_and(|program| program.uncloned_by_prologue);
        if !call.api.bulk_writes() || !skb || !cloned || call.private || call.prologue {
            continue;
        }
        let name = &call.call.name;
        cx.report(observation, format!("`{name}` writes to the skb even if a clone shares its bytes"))
            .help("call `bpf_skb_pull_data(skb, 0)` first and make slices anew, or use `bpf_dynptr_write`")
            .emit();
    }
}
