//! A failed read leaves its destination as it was.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::CallView;
use flow::{Fact, Observation};
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "read-result-ignored",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M08"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("read_result_ignored.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::UnreadUsed { used, call, held } = fact else { continue };
        let destination = call.args.first().map(|span| cx.named(*span)).unwrap_or_default();
        let fix = fixes::doubtful("return if the read fails", edits(cx, observation, call, held));
        cx.report(observation, format!("`{destination}` is used although the read may have failed and left it uninitialised"))
            .label(*used, "used here")
            .help("check the result, or initialise the destination")
            .fix(fix)
            .emit();
    }
}

/// The call becomes the condition of an early return.
fn edits(
    cx: &RuleCx<'_>,
    observation: &Observation,
    call: &CallView,
    held: &[CallView],
) -> Vec<Edit> {
    let Some(seat) = cx.simple_seat(call.span) else { return Vec::new() };
    let whole = seat.span() == Span::new(call.span.start, call.span.end + 1);
    if !whole || !cx.is_written(call) {
        return Vec::new();
    }
    let held = (held, call.span);
    let Some(mut lines) = cx.leave_if("", observation.program, held) else { return Vec::new() };
    let head = lines.remove(0);
    let behind = head.strip_prefix("if (").unwrap_or_default();
    let mut edits = cx.insert_after(&seat, &lines);
    if edits.is_empty() {
        return edits;
    }
    edits.push(Edit::insert(call.span.start, "if ("));
    edits.push(Edit::replace(Span::new(call.span.end, seat.span().end), behind));
    edits
}
