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
        let (Some(length), Some(size), None) = (access.slice.length, access.size, &access.stale)
        else {
            continue;
        };
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
        let message = format!(
            "bytes {first} to {} are beyond {pointer}, which has {length}",
            first + size - 1
        );
        let edits = edits(cx, access, first + size);
        cx.report(observation, message)
            .label(access.slice.call.span, format!("{length} bytes are asked for here"))
            .help(format!("ask for at least {} bytes", first + size))
            .kernel_says("R0 min value is outside of the allowed memory range")
            .fix(fixes::doubtful(format!("ask for {} bytes", first + size), edits))
            .emit();
    }
}

/// A longer slice, and a longer buffer if it needs one.
fn edits(cx: &RuleCx<'_>, access: &Access, wanted: i128) -> Vec<Edit> {
    let slice = &access.slice.call;
    let Some((_, call)) = cx.calls().find(|(_, call)| call.call == *slice) else {
        return Vec::new();
    };
    let position = slice.args.len().saturating_sub(1);
    let (Some(length), true) = (cx.argument(slice, position), access.offset.lo() >= 0) else {
        return Vec::new();
    };
    let enough = call.room.is_none_or(|room| room >= wanted);
    // `sizeof(buf)` follows the buffer; other lengths are a decision that the access may contradict.
    let follows = cx.argument(slice, 2).is_some_and(|buffer| length == format!("sizeof({buffer})"));
    let mut edits = Vec::new();
    if !enough {
        edits.extend(cx.resize_buffer(call, wanted.to_string()));
        if edits.is_empty() {
            return Vec::new();
        }
    }
    if enough || !follows {
        match cx.replace_argument(slice, position, wanted.to_string()) {
            Some(edit) if length.parse::<i128>().is_ok() || length.starts_with("sizeof(struct") => {
                edits.push(edit);
            }
            _ => return Vec::new(),
        }
    }
    edits
}
