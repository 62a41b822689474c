//! Without a buffer NULL also means that the bytes are not contiguous.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, SliceView};
use text::Edit;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "null-buffer-on-fragmented-packet",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M24"],
    since: Some("6.5"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("null_buffer_on_fragmented_packet.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::NullTakenForShort { slice, leave } = fact else { continue };
        let pointer = cx.slice(slice);
        let edits = edits(cx, slice);
        cx.report(
            observation,
            format!("{pointer} is also NULL when the bytes are there but not contiguous"),
        )
        .label(*leave, "such a packet ends up here")
        .label_opt(slice.call.args.get(2).copied(), "no buffer to copy them to")
        .help("pass a buffer, or pull the bytes and slice again")
        .fix(fixes::doubtful("pass a buffer", edits))
        .emit();
    }
}

fn edits(cx: &RuleCx<'_>, slice: &SliceView) -> Vec<Edit> {
    let (call, true) = (&slice.call, slice.kind == SliceKind::ReadOnly) else { return Vec::new() };
    let Some(length) = cx.argument_span(call, 3) else { return Vec::new() };
    let Some(buffer) = cx.new_buffer(&slice.name, (call, slice.length), length) else {
        return Vec::new();
    };
    let Some(passed) = cx.replace_argument(call, 2, buffer.argument) else { return Vec::new() };
    let mut edits = buffer.declaration;
    edits.push(passed);
    edits
}
