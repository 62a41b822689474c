//! A slice is as long as the length given to its call, not as its buffer.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::Access;
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-out-of-bounds",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M18"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("slice_out_of_bounds.md"),
    check,
};

/// Indices that are bounded by more than this are taken for not bounded.
const FARTHEST: i128 = 0xffff;

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        let (Some(length), Some(size), None) = (access.slice.length, access.size, &access.stale) else { continue };
        let first = access.offset.lo();
        if access.arithmetic || first == i128::MIN || size <= 0 {
            continue;
        }
        // The last place a bounded index reaches; without a bound only the first is certain.
        let last = if access.offset.hi() <= FARTHEST { access.offset.hi() } else { first };
        let first = if first + size > length { first } else { last };
        if first + size <= length && access.offset.hi() >= 0 {
            continue;
        }
        let pointer = cx.slice(&access.slice);
        let message = format!("bytes {first} to {} are beyond {pointer}, which has {length}", first + size - 1);
        let edits = edits(cx, access, first + size);
        cx.report(observation, message)
            .label(access.slice.call.span, format!("{length} bytes are asked for here"))
            .help(format!("ask for at least {} bytes", first + size))
            .kernel_says("R0 min value is outside of the allowed memory range")
            .fix(fixes::doubtful(format!("ask for {} bytes", first + size), edits))
            .emit();
    }
}

/// A literal length can be raised.
fn edits(cx: &RuleCx<'_>, access: &Access, wanted: i128) -> Vec<Edit> {
    let Some(length) = access.slice.call.args.last().copied() else { return Vec::new() };
    let room = cx.calls().find(|(_, call)| call.call == access.slice.call).and_then(|(_, call)| call.room);
    let literal = cx.quote(length).parse::<i128>().is_ok();
    if literal && room.is_none_or(|room| room >= wanted) && access.offset.lo() >= 0 {
        vec![Edit::replace(length, wanted.to_string())]
    } else {
        Vec::new()
    }
}
