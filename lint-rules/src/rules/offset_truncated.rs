//! Kernels before 6.19 take offsets of 32 bits.

use diagnostic::{KernelVerdict, Severity};
use domains::Scalar;
use flow::observe::Api;
use kernel_model::Version;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "offset-truncated",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M27"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("offset_truncated.md"),
    check,
};

/// Offsets have 64 bits from here on.
const WIDENED: Version = Version { major: 6, minor: 19 };

fn check(cx: &mut RuleCx<'_>) {
    if cx.kernel() >= WIDENED {
        return;
    }
    for (observation, call) in cx.calls() {
        if !call.api.accesses() || !call.offset.is_some_and(loses_bits) {
            continue;
        }
        let position = if call.api == Api::Read { 3 } else { 1 };
        let Some(argument) = call.call.args.get(position).copied() else { continue };
        let text = cx.quote(argument);
        cx.report(observation, format!("`{text}` may not fit 32 bits: the kernel takes only the lower half"))
            .at(argument)
            .help("keep offsets in `__u32`, or check the upper half")
            .emit();
    }
}

/// Whether bits are meant to stand in the upper half: the value surely lies there, or it was shifted
/// up so far that its last bytes are fixed.
fn loses_bits(offset: Scalar) -> bool {
    let above = offset.min() > i128::from(u32::MAX) && offset.max() < i128::from(u64::MAX);
    let shifted = offset.bits().mask().trailing_zeros() >= 16 && offset.bits().mask() >> 32 != 0;
    above || shifted && offset.max() > i128::from(u32::MAX)
}
