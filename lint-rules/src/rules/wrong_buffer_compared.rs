//! A slice can only equal the buffer given to its own call.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::{Fact, Observation};
use flow::observe::{Api, SliceView};
use text::{Edit, Span};
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "wrong-buffer-compared",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M04"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("wrong_buffer_compared.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::ForeignComparison { slice, other } = fact else { continue };
        let own = cx.buffer(slice);
        if own == "NULL" || own.is_empty() {
            continue;
        }
        let message = format!("{} can never equal `{}`: its buffer is `{own}`", cx.slice(slice), cx.named(*other));
        let fix = fixes::safe(format!("compare with `{own}`"), edits(cx, observation, slice, *other));
        cx.report(observation, message)
            .label(slice.call.span, "the slice is made here, with its buffer")
            .help(format!("compare with `{own}`"))
            .fix(fix)
            .emit();
    }
}

/// The comparison and, in the statement it guards, the write that uses the same wrong buffer.
fn edits(cx: &RuleCx<'_>, observation: &Observation, slice: &SliceView, other: Span) -> Vec<Edit> {
    let Some(own) = slice.call.args.get(2).map(|span| cx.quote(*span)) else { return Vec::new() };
    let wrong = cx.quote(other);
    let mut edits = vec![Edit::replace(other, own.clone())];
    let Some(guarded) = cx.statement(observation.span) else { return edits };
    for (_, call) in cx.calls().filter(|(_, call)| call.api == Api::Write && guarded.span.contains(call.call.span)) {
        let [_, _, data, length, ..] = call.call.args[..] else { continue };
        if cx.quote(data) == wrong {
            edits.push(Edit::replace(data, own.clone()));
            if let (Some(right), true) = (slice.call.args.get(3), cx.quote(length).contains(&cx.named(other))) {
                edits.push(Edit::replace(length, cx.quote(*right)));
            }
        }
    }
    edits.sort();
    edits.dedup();
    edits
}
