//! Overlapping ranges are copied correctly only if they are contiguous.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, Kinds};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "overlapping-copy",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M62"],
    since: Some("6.15"),
    fix: None,
    page: include_str!("overlapping_copy.md"),
    check,
};

/// Bytes copied at a time on data that are not contiguous (`bpf_dynptr_copy`, 6.18).
const CHUNK: i128 = 256;

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::Copy, Some(distance), Some(length)) = (call.api, call.distance, call.length) else { continue };
        let packet = call.dynptr.as_ref().is_some_and(|dynptr| dynptr.kinds.only(Kinds::SKB.with(Kinds::XDP)));
        let apart = i128::from(distance).abs();
        if !packet || distance == 0 || length.max() <= CHUNK || length.min() <= apart {
            continue;
        }
        cx.report(observation, "source and destination overlap: on fragmented packets the result is garbage")
            .help("copy ranges that do not overlap, or chunk by chunk from the end")
            .emit();
    }
}
