//! A slice can only equal the buffer given to its own call.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{Api, CallView, SliceView};
use flow::{Fact, Observation};
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
        let message = format!(
            "{} can never equal `{}`: its buffer is `{own}`",
            cx.slice(slice),
            cx.named(*other)
        );
        let fix =
            fixes::safe(format!("compare with `{own}`"), edits(cx, observation, slice, *other));
        cx.report(observation, message)
            .label(slice.call.span, "the slice is made here, with its buffer")
            .help(format!("compare with `{own}`"))
            .fix(fix)
            .emit();
    }
}

/// The comparison, and behind it the writes that use the same wrong buffer.
fn edits(cx: &RuleCx<'_>, observation: &Observation, slice: &SliceView, other: Span) -> Vec<Edit> {
    let Some(own) = cx.argument(&slice.call, 2) else { return Vec::new() };
    let wrong = cx.quote(other);
    if other == observation.span || !observation.span.contains(other) {
        return Vec::new();
    }
    let mut edits = vec![Edit::replace(other, own.clone())];
    let Some(function) = cx.function_at(observation.span) else { return Vec::new() };
    let behind = Span::new(observation.span.end, function.span.end);
    for (_, call) in cx.calls().filter(|(_, call)| call.api == Api::Write) {
        let view = &call.call;
        let same = cx.argument(view, 2).is_some_and(|data| data == wrong);
        if !same || !behind.contains(view.span) || is_of_another(cx, view, slice) {
            continue;
        }
        edits.extend(cx.replace_argument(view, 2, own.clone()));
        let place = call.offset.and_then(domains::Scalar::as_constant);
        if let (true, Some(offset)) = (place != slice.offset, cx.argument(&slice.call, 1)) {
            edits.extend(cx.replace_argument(view, 1, offset));
        }
        let length = cx.argument(view, 3).filter(|length| length.contains(&cx.named(other)));
        if let (Some(_), Some(right)) = (length, cx.argument(&slice.call, 3)) {
            edits.extend(cx.replace_argument(view, 3, right));
        }
    }
    edits.sort();
    edits.dedup();
    edits
}

/// Whether a write gives the buffer of another slice back, so that it is right as it is.
fn is_of_another(cx: &RuleCx<'_>, write: &CallView, slice: &SliceView) -> bool {
    cx.facts().any(|(_, fact)| match fact {
        Fact::WriteBack(known) => {
            known.call == *write && known.slice.call != slice.call && !known.other_buffer
        }
        _ => false,
    })
}
