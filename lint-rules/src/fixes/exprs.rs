//! Walking the expressions of a statement.

use syntax::ast::{Expr, ExprKind, Stmt, StmtKind};

/// Calls `visit` with every expression that stands directly in a statement, not in the statements inside it, and with
/// the expressions inside those.
pub(crate) fn of_stmt<'a>(stmt: &'a Stmt, visit: &mut dyn FnMut(&'a Expr)) {
    let mut open: Vec<&'a Expr> = Vec::new();
    match &stmt.kind {
        StmtKind::Decl(declaration) => {
            open.extend(declaration.0.declarators.iter().filter_map(|known| known.init.as_ref()));
        }
        StmtKind::Expr(expr) | StmtKind::Return(expr) => open.extend(expr),
        StmtKind::If { cond, .. }
        | StmtKind::While { cond, .. }
        | StmtKind::DoWhile { cond, .. } => {
            open.push(cond);
        }
        StmtKind::For { init, cond, step, .. } => {
            open.extend(cond.iter().chain(step));
            if let Some(init) = init {
                of_stmt(init, visit);
            }
        }
        StmtKind::MacroBlock { args, .. } => open.extend(args),
        StmtKind::Switch { value, .. } => open.push(value),
        _ => {}
    }
    while let Some(expr) = open.pop() {
        visit(expr);
        children(expr, &mut open);
    }
}

fn children<'a>(expr: &'a Expr, open: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Unary(_, inner)
        | ExprKind::IncDec { operand: inner, .. }
        | ExprKind::Cast(_, inner)
        | ExprKind::SizeofExpr(inner)
        | ExprKind::CompoundLit(_, inner)
        | ExprKind::Member { base: inner, .. } => open.push(inner),
        ExprKind::Binary(_, left, right)
        | ExprKind::Assign(_, left, right)
        | ExprKind::Index(left, right)
        | ExprKind::Comma(left, right) => open.extend([&**left, &**right]),
        ExprKind::Cond(cond, then, els) => {
            open.extend([&**cond, &**els]);
            open.extend(then.as_deref());
        }
        ExprKind::Call { callee, args } => {
            open.push(callee);
            open.extend(args);
        }
        ExprKind::InitList(items) => open.extend(items.iter().map(|(_, item)| item)),
        _ => {}
    }
}
