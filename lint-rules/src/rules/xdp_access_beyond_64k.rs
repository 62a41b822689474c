//! Reads and writes of xdp packets end at 64 KiB, slices do not.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, Kinds};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "xdp-access-beyond-64k",
    group: "dynptr",
    severity: Severity::Info,
    kernel: KernelVerdict::Accepts,
    covers: &["M66"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("xdp_access_beyond_64k.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::Write | Api::Read, Some(offset), Some(length)) = (call.api, call.offset, call.length) else { continue };
        let xdp = call.dynptr.as_ref().is_some_and(|dynptr| dynptr.kinds.only(Kinds::XDP));
        if !xdp || offset.min() <= 0xffff && length.min() <= 0xffff {
            continue;
        }
        let name = &call.call.name;
        cx.report(observation, format!("`{name}` always fails beyond byte 65535 of an xdp packet"))
            .help("only slices reach there; what is stored to their buffer cannot be written back")
            .emit();
    }
}
