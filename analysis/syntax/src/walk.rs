//! Visiting every declaration, type and expression below a piece of syntax, parents first.

use crate::ast::{
    Block, Declaration, Expr, ExprKind, FunctionType, MapMember, Member, RecordType, Stmt,
    StmtKind, Type,
};

/// What to do at each place. Methods not overridden do nothing; the walk goes on below by itself.
pub trait Visitor {
    /// An expression.
    fn expr(&mut self, _expr: &Expr) {}
    /// A type.
    fn ty(&mut self, _ty: &Type) {}
    /// A statement.
    fn stmt(&mut self, _stmt: &Stmt) {}
}

/// Visits a block.
pub fn block(block: &Block, visitor: &mut dyn Visitor) {
    block.stmts.iter().for_each(|inner| stmt(inner, visitor));
}

/// Visits a statement and all below it.
pub fn stmt(node: &Stmt, visitor: &mut dyn Visitor) {
    visitor.stmt(node);
    match &node.kind {
        StmtKind::Decl(local) => declaration(&local.0, visitor),
        StmtKind::Expr(value) | StmtKind::Return(value) => maybe(value.as_ref(), visitor),
        StmtKind::Block(inner) => block(inner, visitor),
        StmtKind::If { cond, then, els } => {
            expr(cond, visitor);
            stmt(then, visitor);
            els.iter().for_each(|els| stmt(els, visitor));
        }
        StmtKind::While { cond, body } | StmtKind::DoWhile { body, cond } => {
            expr(cond, visitor);
            stmt(body, visitor);
        }
        StmtKind::For { init, cond, step, body } => {
            init.iter().for_each(|init| stmt(init, visitor));
            maybe(cond.as_ref(), visitor);
            maybe(step.as_ref(), visitor);
            stmt(body, visitor);
        }
        StmtKind::MacroBlock { name: _, args, body } => {
            args.iter().for_each(|arg| expr(arg, visitor));
            stmt(body, visitor);
        }
        StmtKind::Switch { value, body } => {
            expr(value, visitor);
            stmt(body, visitor);
        }
        StmtKind::Case { from, to, stmts } => {
            expr(from, visitor);
            maybe(to.as_ref(), visitor);
            stmts.iter().for_each(|inner| stmt(inner, visitor));
        }
        StmtKind::Default { stmts } => stmts.iter().for_each(|inner| stmt(inner, visitor)),
        StmtKind::Label { name: _, body } => body.iter().for_each(|body| stmt(body, visitor)),
        StmtKind::Goto(_)
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Asm { .. }
        | StmtKind::Error => {}
    }
}

/// Visits the types and initialisers of a declaration.
pub fn declaration(node: &Declaration, visitor: &mut dyn Visitor) {
    ty(&node.base, visitor);
    for declarator in &node.declarators {
        around_base(&declarator.ty, visitor);
        maybe(declarator.init.as_ref(), visitor);
    }
}

/// Visits a declarator's type without the body of the record or enum at its root, which the base of the
/// declaration has shown already.
fn around_base(node: &Type, visitor: &mut dyn Visitor) {
    match node {
        Type::Pointer { to, .. } => around_base(to, visitor),
        Type::Array(elem, len) => {
            len.iter().for_each(|len| expr(len, visitor));
            around_base(elem, visitor);
        }
        Type::Function(function) => parameters(function, visitor),
        _ => {}
    }
}

/// Visits a type and all below it.
pub fn ty(node: &Type, visitor: &mut dyn Visitor) {
    visitor.ty(node);
    match node {
        Type::Named(_) | Type::Unknown | Type::Typeof(None) => {}
        Type::Record(record) => members(record, visitor),
        Type::Enum(enumeration) => {
            for enumerator in enumeration.enumerators.iter().flatten() {
                maybe(enumerator.value.as_ref(), visitor);
            }
        }
        Type::Pointer { to, .. } => ty(to, visitor),
        Type::Array(elem, len) => {
            ty(elem, visitor);
            len.iter().for_each(|len| expr(len, visitor));
        }
        Type::Function(function) => {
            ty(&function.ret, visitor);
            parameters(function, visitor);
        }
        Type::Typeof(Some(value)) => expr(value, visitor),
    }
}

fn parameters(function: &FunctionType, visitor: &mut dyn Visitor) {
    function.params.iter().for_each(|(_, param)| ty(param, visitor));
}

fn members(record: &RecordType, visitor: &mut dyn Visitor) {
    for Member { ty: member, bits, map, .. } in record.members.iter().flatten() {
        ty(member, visitor);
        bits.iter().for_each(|bits| expr(bits, visitor));
        match map {
            Some(MapMember::Uint(value)) => expr(value, visitor),
            Some(MapMember::Type(inner) | MapMember::Array(inner)) => ty(inner, visitor),
            None => {}
        }
    }
}

fn maybe(node: Option<&Expr>, visitor: &mut dyn Visitor) {
    if let Some(node) = node {
        expr(node, visitor);
    }
}

/// Visits an expression and all below it.
pub fn expr(node: &Expr, visitor: &mut dyn Visitor) {
    visitor.expr(node);
    match &node.kind {
        ExprKind::Int { .. } | ExprKind::Str(_) | ExprKind::Ident(_) | ExprKind::Error => {}
        ExprKind::Unary(_, inner)
        | ExprKind::IncDec { operand: inner, .. }
        | ExprKind::Member { base: inner, .. }
        | ExprKind::SizeofExpr(inner) => expr(inner, visitor),
        ExprKind::Binary(_, a, b)
        | ExprKind::Assign(_, a, b)
        | ExprKind::Index(a, b)
        | ExprKind::Comma(a, b) => {
            expr(a, visitor);
            expr(b, visitor);
        }
        ExprKind::Cond(cond, then, els) => {
            expr(cond, visitor);
            maybe(then.as_deref(), visitor);
            expr(els, visitor);
        }
        ExprKind::Call { callee, args } => {
            expr(callee, visitor);
            args.iter().for_each(|arg| expr(arg, visitor));
        }
        ExprKind::Cast(to, inner) | ExprKind::CompoundLit(to, inner) => {
            ty(to, visitor);
            expr(inner, visitor);
        }
        ExprKind::SizeofType(inner) | ExprKind::Offsetof(inner, _) | ExprKind::TypeArg(inner) => {
            ty(inner, visitor);
        }
        ExprKind::InitList(items) => items.iter().for_each(|(_, item)| expr(item, visitor)),
        ExprKind::StmtExpr(inner) => block(inner, visitor),
    }
}
