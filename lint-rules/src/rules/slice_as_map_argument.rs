//! A slice cannot be the key or value of a map function.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{SliceKind, SliceView};
use flow::{Fact, Observation};
use syntax::ast::StmtKind;
use text::Edit;

use crate::fixes::{self, Standing};
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-as-map-argument",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M69"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("slice_as_map_argument.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::MapArgument { slice, function } = fact else { continue };
        let pointer = cx.slice(slice);
        let kind = if slice.kind == SliceKind::ReadOnly { "rdonly_mem" } else { "mem" };
        let fix = fixes::doubtful("copy it to a variable first", edits(cx, observation, slice));
        cx.report(observation, format!("{pointer} is a slice, which `{function}` does not take"))
            .label(slice.call.span, "the slice is made here")
            .help("copy the bytes to a local variable and pass its address")
            .kernel_says(format!(
                "R2 type={kind} expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"
            ))
            .fix(fix)
            .emit();
    }
}

/// A copy in front of the statement with the call. In a condition the copy would be made before what is tested first.
fn edits(cx: &RuleCx<'_>, observation: &Observation, slice: &SliceView) -> Vec<Edit> {
    let copy = format!("{}_copy", slice.name);
    let (Some(seat), Some(function)) =
        (cx.seat(observation.span), cx.function_at(observation.span))
    else {
        return Vec::new();
    };
    let first = match &seat.stmt.kind {
        StmtKind::Decl(_) | StmtKind::Expr(Some(_)) | StmtKind::Return(_) => true,
        StmtKind::If { cond, .. } => {
            cond.span.contains(observation.span)
                && !["&&", "||", "?"].iter().any(|op| cx.quote(cond.span).contains(op))
        }
        _ => false,
    };
    let named = !slice.name.is_empty() && cx.quote(observation.span) == slice.name;
    // No declaration can stand behind a label, and none goes on as the body of an `if` without braces.
    if !first || !named || seat.standing == Standing::Labelled || cx.is_named(function, &copy) {
        return Vec::new();
    }
    let declaration = format!("typeof(*{0}) {copy} = *{0};", slice.name);
    let mut edits = cx.insert_before(&seat, &[declaration]);
    if !edits.is_empty() {
        edits.push(Edit::replace(observation.span, format!("&{copy}")));
    }
    edits
}
