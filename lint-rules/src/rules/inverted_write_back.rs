//! A write-back is needed where the slice is the buffer, not where it is not.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use text::{Edit, Span};
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "inverted-write-back",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M05"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("inverted_write_back.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::InvertedWriteBack { slice, comparison, write } = fact else { continue };
        let (pointer, buffer) = (cx.slice(slice), cx.buffer(slice));
        let fix = fixes::safe("turn the comparison around", edits(cx, *comparison));
        cx.report(observation, format!("written back when {pointer} is not `{buffer}`, and lost when it is"))
            .label(slice.call.span, "the slice is made here")
            .label(*write, "reached only if the packet was changed in place")
            .help(format!("write back if {pointer} equals `{buffer}`"))
            .fix(fix)
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, comparison: Span) -> Vec<Edit> {
    let text = comparison.text(cx.text());
    let guard = cx.statement(comparison).map(|stmt| stmt.span.text(cx.text()).contains("else"));
    match (text.find("!="), guard) {
        (Some(at), Some(false)) => {
            let start = comparison.start + u32::try_from(at).unwrap_or(0);
            vec![Edit::replace(Span::new(start, start + 2), "==")]
        }
        _ => Vec::new(),
    }
}
