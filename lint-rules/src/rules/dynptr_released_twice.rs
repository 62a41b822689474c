//! A reservation is given back once.

use diagnostic::{Applicability, Fix, KernelVerdict, Severity};
use flow::observe::{CallView, DynptrCall, DynptrState, Kinds};
use syntax::ast::StmtKind;
use text::Span;

use crate::fixes::{self, Seat, Standing};
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-released-twice",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M47"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("dynptr_released_twice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = call.dynptr.as_ref().filter(|_| call.api.releases()) else { continue };
        let name = cx.dynptr(&call.call, 0);
        let (message, before) = match &dynptr.state {
            DynptrState::Released { at, elsewhere: false } => {
                (format!("{name} has been given back already"), Some(*at))
            }
            DynptrState::Live if !dynptr.constant && dynptr.kinds.only(NOT_RESERVED) => {
                (format!("{name} holds no reservation"), dynptr.made)
            }
            _ => continue,
        };
        let fix = fix(cx, &call.call, before);
        let label =
            if matches!(dynptr.state, DynptrState::Live) { "made here" } else { "given back here" };
        cx.report(observation, message)
            .label_opt(before, label)
            .help("submit or discard each reservation once, through it or one of its clones")
            .kernel_says("arg 1 is an unacquired reference")
            .fix(fix)
            .emit();
    }
}

/// Kinds of dynptrs that are not reserved.
const NOT_RESERVED: Kinds = Kinds::PACKET_OR_MAP;

fn is_held(call: &DynptrCall) -> bool {
    call.dynptr
        .as_ref()
        .is_some_and(|dynptr| matches!(dynptr.state, DynptrState::Live) && dynptr.referenced)
}

/// Deletes the release. Where it stands behind a label that other paths come to, the path that has released already
/// returns in front of the label instead.
fn fix(cx: &RuleCx<'_>, call: &CallView, before: Option<Span>) -> Option<Fix> {
    let seat = cx.simple_seat(call.span)?;
    let StmtKind::Expr(Some(expr)) = &seat.stmt.kind else { return None };
    if expr.span != call.span {
        return None;
    }
    let shared = cx.calls().any(|(_, other)| other.call == *call && is_held(other));
    if !shared {
        return fixes::doubtful("delete the second release", cx.delete(&seat));
    }
    if seat.standing != Standing::Labelled {
        return None;
    }
    let label = seat.list.iter().position(|stmt| stmt.span.contains(seat.span()))?;
    let (reached, behind) = (&seat.list[..label], &seat.list[label..]);
    let falls_through =
        before.is_some_and(|before| reached.iter().any(|stmt| stmt.span.contains(before)));
    let last = Seat { stmt: reached.last()?, standing: Standing::Listed, ..seat };
    let leave = behind.iter().find(|stmt| matches!(stmt.kind, StmtKind::Return(_)))?;
    let lines = [cx.quote(leave.span)];
    falls_through
        .then(|| fixes::doubtful("return in front of the label", cx.insert_after(&last, &lines)))?
}
