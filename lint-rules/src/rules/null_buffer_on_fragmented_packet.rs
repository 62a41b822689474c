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
        cx.report(observation, format!("{pointer} is also NULL when the bytes are there but not contiguous"))
            .label(*leave, "such a packet ends up here")
            .label_opt(slice.call.args.get(2).copied(), "no buffer to copy them to")
            .help("pass a buffer, or pull the bytes and slice again")
            .fix(fixes::doubtful("pass a buffer", edits))
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, slice: &SliceView) -> Vec<Edit> {
    let (Some(null), Some(stmt), Some(bytes)) =
        (slice.call.args.get(2), cx.plain_statement(slice.call.span), slice.length)
    else {
        return Vec::new();
    };
    let buffer = format!("{}_buf", slice.name);
    if slice.name.is_empty() || slice.kind != SliceKind::ReadOnly || cx.mentions_word(&buffer) {
        return Vec::new();
    }
    let declaration = cx.insert_before(stmt, &[&format!("__u8 {buffer}[{bytes}];")]);
    vec![declaration, Edit::replace(*null, buffer)]
}
