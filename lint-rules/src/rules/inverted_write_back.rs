//! A write-back is needed where the slice is the buffer, not where it is not.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use syntax::ast::{Stmt, StmtKind};
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
        let fix = fixes::safe("turn the comparison around", edits(cx, *comparison, *write));
        cx.report(
            observation,
            format!("written back when {pointer} is not `{buffer}`, and lost when it is"),
        )
        .label(slice.call.span, "the slice is made here")
        .label(*write, "reached only if the packet was changed in place")
        .help(format!("write back if {pointer} equals `{buffer}`"))
        .fix(fix)
        .emit();
    }
}

/// The other operator, where nothing but the write-back and leaving hangs on the comparison.
fn edits(cx: &RuleCx<'_>, comparison: Span, write: Span) -> Vec<Edit> {
    let text = comparison.text(cx.text());
    let Some(seat) = cx.seat(comparison) else { return Vec::new() };
    let StmtKind::If { cond, then, els } = &seat.stmt.kind else { return Vec::new() };
    let in_else = els.as_ref().is_some_and(|els| els.span.contains(write));
    let after_leaving = els.is_none()
        && leaves(then)
        && seat.followers().iter().any(|stmt| stmt.span.contains(write));
    let operators = if cond.span.contains(write) || then.span.contains(write) && els.is_none() {
        ("!=", "==")
    } else if in_else || after_leaving {
        ("==", "!=")
    } else {
        return Vec::new();
    };
    // Turned around, both branches change their places: they must only write or leave.
    let simple = els.as_ref().is_none_or(|els| is_short(then) && is_short(els));
    match text.find(operators.0).filter(|_| simple && cond.span.contains(comparison)) {
        Some(at) => {
            let start = comparison.start + fixes::length(&text[..at]);
            vec![Edit::replace(Span::new(start, start + 2), operators.1)]
        }
        None => Vec::new(),
    }
}

fn leaves(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Block(block) => block.stmts.len() == 1 && leaves(&block.stmts[0]),
        StmtKind::Return(_) | StmtKind::Goto(_) => true,
        _ => false,
    }
}

fn is_short(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Block(block) => block.stmts.len() == 1 && is_short(&block.stmts[0]),
        StmtKind::Return(_) | StmtKind::Expr(_) | StmtKind::Goto(_) => true,
        _ => false,
    }
}
