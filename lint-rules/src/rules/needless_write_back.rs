//! What was only read need not be written back.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, WriteBack};
use syntax::ast::{BinaryOp, Expr, ExprKind, Stmt, StmtKind};
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "needless-write-back",
    group: "dynptr",
    severity: Severity::Info,
    kernel: KernelVerdict::Accepts,
    covers: &["M25"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("needless_write_back.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::WriteBack(write) = fact else { continue };
        if write.slice.kind != SliceKind::ReadOnly || !write.from_start {
            continue;
        }
        let buffer = cx.buffer(&write.slice);
        let edits = edits(cx, write);
        cx.report(observation, format!("`{buffer}` cannot have changed: the slice is read-only"))
            .label(write.slice.call.span, "the slice is made here")
            .help("delete the write, or use `bpf_dynptr_slice_rdwr` if the bytes are to be changed")
            .fix(fixes::safe("delete the write", edits))
            .emit();
    }
}

/// The write goes with the condition around it, where nothing else hangs on that.
fn edits(cx: &RuleCx<'_>, write: &WriteBack) -> Vec<Edit> {
    let mut seats = cx.seats(write.call.span);
    let Some(mut seat) = seats.pop() else { return Vec::new() };
    let call = |expr: &Expr| expr.without_casts().span == write.call.span;
    match &seat.stmt.kind {
        StmtKind::Expr(Some(expr)) if call(expr) => {}
        StmtKind::If { cond, then, els: None }
            if tests(cond, write.call.span) && only_leaves(then) => {}
        _ => return Vec::new(),
    }
    while let Some(outer) = seats.pop_if(|outer| is_all_of(outer.stmt, seat.stmt)) {
        seat = outer;
    }
    cx.delete(&seat)
}

/// Whether the outer statement is a condition for, or a block of, nothing but the inner one.
fn is_all_of(outer: &Stmt, inner: &Stmt) -> bool {
    match &outer.kind {
        StmtKind::If { then, els: None, cond } => **then == *inner && is_pure(cond),
        StmtKind::Block(block) => block.stmts.len() == 1 && block.stmts[0] == *inner,
        _ => false,
    }
}

/// `write(…)`, or `p == buf && write(…)`.
fn tests(cond: &Expr, write: Span) -> bool {
    match &cond.kind {
        ExprKind::Binary(BinaryOp::LogAnd, first, second) => is_pure(first) && tests(second, write),
        ExprKind::Binary(BinaryOp::Ne | BinaryOp::Lt, first, _) => first.span == write,
        _ => cond.span == write,
    }
}

fn is_pure(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Ident(_) | ExprKind::Int { .. } => true,
        ExprKind::Unary(_, inner)
        | ExprKind::Cast(_, inner)
        | ExprKind::Member { base: inner, .. } => is_pure(inner),
        ExprKind::Binary(_, left, right) => is_pure(left) && is_pure(right),
        _ => false,
    }
}

fn only_leaves(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Block(block) => block.stmts.len() == 1 && only_leaves(&block.stmts[0]),
        StmtKind::Return(_) | StmtKind::Goto(_) | StmtKind::Break | StmtKind::Continue => true,
        _ => false,
    }
}
