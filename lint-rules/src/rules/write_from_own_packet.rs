//! The source of a write must not move away with the packet.

use diagnostic::{KernelVerdict, Severity};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "write-from-own-packet",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M44"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("write_from_own_packet.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Some(slice), Some(source)) = (&call.source_slice, call.call.args.get(2).copied()) else { continue };
        let pointer = cx.slice(slice);
        cx.report(observation, format!("{pointer} may be gone before it is copied: the write first makes the skb writable"))
            .at(source)
            .label(slice.call.span, "the source is a slice of the same packet")
            .help("read the bytes into a variable and write from there, or use `bpf_dynptr_copy`")
            .emit();
    }
}
