//! A slice is NULL if the range is not there.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{Access, SliceKind, Tri};
use flow::{Fact, Observation};
use syntax::ast::{Stmt, StmtKind};
use text::Edit;

use crate::fixes::{self, Seat};
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "missing-null-check",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M20"],
    since: Some("5.19"),
    fix: Some(Applicability::Safe),
    page: include_str!("missing_null_check.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        if access.slice.null == Tri::No || access.stale.is_some() {
            continue;
        }
        let pointer = cx.slice(&access.slice);
        let (verb, certain) = match (access.arithmetic, access.slice.null) {
            (true, _) => ("moved", "may be"),
            (false, Tri::Yes) => ("used", "is"),
            (false, _) => ("used", "may be"),
        };
        let kind = if access.slice.kind == SliceKind::ReadOnly {
            "rdonly_mem_or_null"
        } else {
            "mem_or_null"
        };
        let kernel = if access.arithmetic {
            format!("R0 pointer arithmetic on {kind} prohibited, null-check it first")
        } else {
            format!("R0 invalid mem access '{kind}'")
        };
        let fix =
            fixes::safe(format!("return if {pointer} is NULL"), edits(cx, observation, access));
        cx.report(observation, format!("{pointer} {certain} NULL when it is {verb}"))
            .label(access.slice.call.span, "NULL if the bytes are not in the packet")
            .help("check the result before its first use")
            .kernel_says(kernel)
            .fix(fix)
            .emit();
    }
}

/// The check behind the call, or behind the declarations that follow it.
fn edits(cx: &RuleCx<'_>, observation: &Observation, access: &Access) -> Vec<Edit> {
    let slice = &access.slice;
    let seat = cx.simple_seat(slice.call.span);
    let Some(seat) = seat.filter(|seat| !matches!(seat.stmt.kind, StmtKind::Return(_))) else {
        return Vec::new();
    };
    let inside = seat.span().contains(access.pointer);
    if inside || slice.function != observation.function || slice.null != Tri::Maybe {
        return Vec::new();
    }
    let is_declaration = |stmt: &&Stmt| {
        matches!(stmt.kind, StmtKind::Decl(_)) && stmt.span.end <= access.pointer.start
    };
    let declared = matches!(seat.stmt.kind, StmtKind::Decl(_));
    let last = seat.followers().iter().take_while(is_declaration).last().filter(|_| declared);
    let seat = Seat { stmt: last.unwrap_or(seat.stmt), ..seat };
    let Some(pointer) = cx.receiver(slice) else { return Vec::new() };
    let held = (&access.held[..], slice.call.span);
    match cx.leave_if(&format!("!{pointer}"), observation.program, held) {
        // A blank line ends the declarations.
        Some(mut lines) if declared => {
            lines.insert(0, String::new());
            cx.insert_after(&seat, &lines)
        }
        Some(lines) => cx.insert_after(&seat, &lines),
        None => Vec::new(),
    }
}
