//! Expressions: what has an effect becomes instructions, the rest a pure expression.

use std::sync::Arc;

use sema::Ty;
use smol_str::SmolStr;
use syntax::ast::{self, BinaryOp, UnaryOp};
use text::Span;

use super::Lowerer;
use super::call::TRANSPARENT;
use super::types::binary;
use crate::mir::{BlockId, Expr, ExprKind, Place, PlaceBase, Proj, SizeOf, Terminator};

impl Lowerer<'_> {
    /// The value of an expression.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Expr {
        use ast::ExprKind as A;
        let span = expr.span;
        match &expr.kind {
            A::Int { value, unsigned, long } => {
                let ty = Ty::Int { bits: if *long { 64 } else { 32 }, signed: !*unsigned };
                Expr { kind: ExprKind::Const(i128::from(*value)), ty, span }
            }
            A::Str(_) => {
                let to = Arc::new(Ty::Int { bits: 8, signed: true });
                Expr { kind: ExprKind::Str, ty: Ty::Pointer { to, to_const: true }, span }
            }
            A::Ident(name) => self.ident(name, span),
            A::Unary(UnaryOp::AddrOf, inner) => self.address_of(inner, span),
            A::Unary(UnaryOp::Not, _) | A::Binary(BinaryOp::LogAnd | BinaryOp::LogOr, ..) => {
                self.truth(expr)
            }
            A::Unary(UnaryOp::Deref, _) | A::Index(..) | A::Member { .. } => {
                let place = self.place(expr);
                self.load(place)
            }
            A::Unary(op, inner) => {
                let inner = self.value(inner);
                let ty = inner.ty.clone();
                Expr { kind: ExprKind::Unary(*op, Box::new(inner)), ty, span }
            }
            A::IncDec { prefix, increment, operand } => {
                self.inc_dec(*prefix, *increment, operand, span)
            }
            A::Binary(op, left, right) => {
                let left = self.value(left);
                let right = self.value(right);
                binary(*op, left, right, span)
            }
            A::Assign(op, target, value) => self.assignment(*op, target, value, span),
            A::Cond(cond, then, els) => self.conditional(cond, then.as_deref(), els, span),
            A::Call { callee, args } => self.call(expr, callee, args, false),
            A::Cast(ty, inner) => {
                let ty = self.sema.resolve_local(ty, self);
                let inner = self.value(inner);
                if matches!(ty, Ty::Void) {
                    self.eval(inner);
                    return Expr::constant(0, span);
                }
                Expr { kind: ExprKind::Cast(Box::new(inner)), ty, span }
            }
            A::SizeofExpr(inner) => self.size_of_expr(inner, span),
            A::SizeofType(ty) => {
                let ty = self.sema.resolve_local(ty, self);
                let of_pointer = matches!(ty, Ty::Pointer { .. });
                self.size_of(
                    SizeOf { value: self.sema.size_of(&ty), local: None, of_pointer },
                    span,
                )
            }
            A::Offsetof(..) => match self.sema.fold(expr, self) {
                Some(value) => Expr { kind: ExprKind::Const(value), ty: Ty::ULONG, span },
                None => Expr { kind: ExprKind::Unknown(Vec::new()), ty: Ty::ULONG, span },
            },
            A::CompoundLit(ty, init) => {
                let place = self.compound_literal(ty, init, span);
                self.load(place)
            }
            A::StmtExpr(block) => self.stmt_expr(block, span),
            A::Comma(first, second) => {
                self.effect(first);
                self.value(second)
            }
            A::InitList(items) => {
                let parts = items.iter().map(|(_, item)| self.value(item)).collect();
                Expr { kind: ExprKind::Unknown(parts), ty: Ty::Unknown, span }
            }
            A::TypeArg(_) | A::Error => Expr::unknown(span),
        }
    }

    /// Reading a place; an array decays to a pointer to its first element.
    pub(super) fn load(&mut self, place: Place) -> Expr {
        match &place.ty {
            Ty::Array { elem, .. } => {
                let ty = Ty::Pointer { to: elem.clone(), to_const: false };
                Expr { span: place.span, kind: ExprKind::AddrOf(Box::new(place)), ty }
            }
            _ => Expr::load(place),
        }
    }

    fn ident(&mut self, name: &SmolStr, span: Span) -> Expr {
        if let Some(id) = self.lookup(name) {
            let place = self.local_place(id, span);
            return self.load(place);
        }
        if name == "NULL" {
            let ty = Ty::Pointer { to: Arc::new(Ty::Void), to_const: false };
            return Expr { kind: ExprKind::Const(0), ty, span };
        }
        if name == "true" || name == "false" {
            return Expr { kind: ExprKind::Const(i128::from(name == "true")), ty: Ty::Bool, span };
        }
        if let Some(global) = self.sema.global(name) {
            let place = Place {
                base: PlaceBase::Global(name.clone()),
                proj: Vec::new(),
                ty: global.ty.clone(),
                span,
            };
            return self.load(place);
        }
        if self.sema.function(name).is_some() || self.sema.prototype(name).is_some() {
            return Expr { kind: ExprKind::Function(name.clone()), ty: Ty::Function, span };
        }
        if let Some(value) = self.sema.constant(name) {
            let bits = if i32::try_from(value).is_ok() { 32 } else { 64 };
            let signed = value <= i128::from(i64::MAX);
            return Expr { kind: ExprKind::Const(value), ty: Ty::Int { bits, signed }, span };
        }
        if self.may_expand(name)
            && let Some(expansion) = self.sema.expand_object(name, span)
        {
            return self.expanded(name.clone(), |lowerer| lowerer.value(&expansion));
        }
        Expr::unknown(span)
    }

    fn truth(&mut self, expr: &ast::Expr) -> Expr {
        if let ast::ExprKind::Unary(UnaryOp::Not, inner) = &expr.kind
            && !has_logic(inner)
        {
            let inner = self.value(inner);
            return Expr {
                kind: ExprKind::Unary(UnaryOp::Not, Box::new(inner)),
                ty: Ty::INT,
                span: expr.span,
            };
        }
        let result = self.temp(Ty::INT, expr.span);
        let (yes, no, after) = (self.new_block(), self.new_block(), self.new_block());
        self.branch(expr, yes, no);
        for (block, value) in [(yes, 1), (no, 0)] {
            self.current = block;
            let place = self.local_place(result, expr.span);
            self.assign(place, Expr::constant(value, expr.span), expr.span);
            self.goto(after);
        }
        self.current = after;
        Expr::load(self.local_place(result, expr.span))
    }

    /// Goes to `then` if the condition holds, else to `els`; the current block is ended.
    pub(super) fn branch(&mut self, cond: &ast::Expr, then: BlockId, els: BlockId) {
        match &cond.kind {
            ast::ExprKind::Unary(UnaryOp::Not, inner) => self.branch(inner, els, then),
            ast::ExprKind::Binary(BinaryOp::LogAnd, left, right) => {
                let middle = self.new_block();
                self.branch(left, middle, els);
                self.current = middle;
                self.branch(right, then, els);
            }
            ast::ExprKind::Binary(BinaryOp::LogOr, left, right) => {
                let middle = self.new_block();
                self.branch(left, then, middle);
                self.current = middle;
                self.branch(right, then, els);
            }
            ast::ExprKind::Comma(first, second) => {
                self.effect(first);
                self.branch(second, then, els);
            }
            ast::ExprKind::Call { callee, args }
                if !args.is_empty()
                    && callee
                        .as_ident()
                        .is_some_and(|name| TRANSPARENT.contains(&name.as_str())) =>
            {
                self.branch(&args[0], then, els);
            }
            _ => {
                let cond = self.value(cond);
                self.terminate(Terminator::Branch { cond, then, els });
            }
        }
    }

    fn conditional(
        &mut self,
        cond: &ast::Expr,
        then: Option<&ast::Expr>,
        els: &ast::Expr,
        span: Span,
    ) -> Expr {
        let (yes, no, after) = (self.new_block(), self.new_block(), self.new_block());
        let middle = match then {
            Some(_) => {
                self.branch(cond, yes, no);
                None
            }
            None => {
                let value = self.value(cond);
                let temp = self.temp(value.ty.clone(), span);
                let place = self.local_place(temp, span);
                self.assign(place.clone(), value, span);
                self.terminate(Terminator::Branch {
                    cond: Expr::load(place.clone()),
                    then: yes,
                    els: no,
                });
                Some(Expr::load(place))
            }
        };
        self.current = yes;
        let first = match (then, middle) {
            (Some(then), _) => self.value(then),
            (None, Some(value)) => value,
            (None, None) => Expr::unknown(span),
        };
        let result = self.temp(first.ty.clone(), span);
        let place = self.local_place(result, span);
        self.assign(place.clone(), first, span);
        self.goto(after);
        self.current = no;
        let second = self.value(els);
        if !matches!(second.ty, Ty::Unknown)
            && is_null_constant_type(&self.locals[result.0 as usize].ty)
        {
            self.locals[result.0 as usize].ty = second.ty.clone();
        }
        self.assign(place, second, span);
        self.goto(after);
        self.current = after;
        Expr::load(self.local_place(result, span))
    }

    fn inc_dec(&mut self, prefix: bool, increment: bool, operand: &ast::Expr, span: Span) -> Expr {
        let place = self.place(operand);
        let old = self.temp(place.ty.clone(), span);
        let old_place = self.local_place(old, span);
        self.assign(old_place.clone(), Expr::load(place.clone()), span);
        let op = if increment { BinaryOp::Add } else { BinaryOp::Sub };
        let new = binary(op, Expr::load(old_place.clone()), Expr::constant(1, span), span);
        let new = Expr { ty: place.ty.clone(), ..new };
        self.assign(place.clone(), new, span);
        if prefix { Expr::load(place) } else { Expr::load(old_place) }
    }

    fn assignment(
        &mut self,
        op: Option<BinaryOp>,
        target: &ast::Expr,
        value: &ast::Expr,
        span: Span,
    ) -> Expr {
        let value = self.value(value);
        let place = self.place(target);
        let value = match op {
            Some(op) => {
                let ty = place.ty.clone();
                Expr { ty, ..binary(op, Expr::load(place.clone()), value, span) }
            }
            None => value,
        };
        self.assign(place.clone(), value, span);
        self.load(place)
    }

    fn address_of(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        if let Some(name) = inner.as_ident()
            && self.lookup(name).is_none()
            && self.sema.global(name).is_none()
            && self.sema.function(name).is_some()
        {
            return Expr { kind: ExprKind::Function(name.clone()), ty: Ty::Function, span };
        }
        let place = self.place(inner);
        let ty = Ty::Pointer { to: Arc::new(place.ty.clone()), to_const: false };
        Expr { kind: ExprKind::AddrOf(Box::new(place)), ty, span }
    }

    /// The place an lvalue names. What is not an lvalue is put into a temporary.
    pub(super) fn place(&mut self, expr: &ast::Expr) -> Place {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Ident(name) => {
                if let Some(id) = self.lookup(name) {
                    return self.local_place(id, span);
                }
                if let Some(global) = self.sema.global(name) {
                    let ty = global.ty.clone();
                    return Place {
                        base: PlaceBase::Global(name.clone()),
                        proj: Vec::new(),
                        ty,
                        span,
                    };
                }
                let value = self.ident(name, span);
                self.place_of_value(value)
            }
            ast::ExprKind::Unary(UnaryOp::Deref, pointer) => {
                let pointer = self.value(pointer);
                deref(pointer, span)
            }
            ast::ExprKind::Index(base, index) => {
                let base = self.value(base);
                let index = self.value(index);
                self.index(base, index, span)
            }
            ast::ExprKind::Member { base, field, arrow } => {
                let place = if *arrow {
                    let pointer = self.value(base);
                    let span = pointer.span;
                    deref(pointer, span)
                } else {
                    self.place(base)
                };
                self.project(place, field, span)
            }
            ast::ExprKind::Cast(_, inner) if !matches!(inner.kind, ast::ExprKind::Call { .. }) => {
                self.place(inner)
            }
            ast::ExprKind::CompoundLit(ty, init) => self.compound_literal(ty, init, span),
            _ => {
                let value = self.value(expr);
                self.place_of_value(value)
            }
        }
    }

    fn place_of_value(&mut self, value: Expr) -> Place {
        let span = value.span;
        if let ExprKind::Load(place) = value.kind {
            return *place;
        }
        let temp = self.temp(value.ty.clone(), span);
        let place = self.local_place(temp, span);
        self.assign(place.clone(), value, span);
        place
    }

    fn index(&mut self, base: Expr, index: Expr, span: Span) -> Place {
        let elem = match &base.ty {
            Ty::Pointer { to, .. } => (**to).clone(),
            Ty::Array { elem, .. } => (**elem).clone(),
            _ => Ty::Unknown,
        };
        let size = self.sema.size_of(&elem);
        let step = Proj::Index { index, size };
        match base.kind {
            ExprKind::AddrOf(mut place) if matches!(place.ty, Ty::Array { .. }) => {
                place.proj.push(step);
                place.ty = elem;
                place.span = span;
                *place
            }
            _ => Place { base: PlaceBase::Deref(Box::new(base)), proj: vec![step], ty: elem, span },
        }
    }

    pub(super) fn project(&mut self, mut place: Place, field: &SmolStr, span: Span) -> Place {
        let found = self.sema.field(&place.ty, field);
        let record = match &place.ty {
            Ty::Record(record) => record.name().map(SmolStr::from),
            _ => None,
        };
        let (offset, ty) = match found {
            Some(found) => (Some(found.offset), found.ty),
            None => (None, Ty::Unknown),
        };
        place.proj.push(Proj::Field { name: field.clone(), offset, record });
        place.ty = ty;
        place.span = span;
        place
    }

    fn compound_literal(&mut self, ty: &ast::Type, init: &ast::Expr, span: Span) -> Place {
        let ty = self.sema.variable_type(ty, Some(init), self);
        let temp = self.temp(ty, span);
        let place = self.local_place(temp, span);
        self.initialise(place.clone(), init, span);
        place
    }

    pub(crate) fn stmt_expr(&mut self, block: &ast::Block, span: Span) -> Expr {
        let Some((last, rest)) = block.stmts.split_last() else { return Expr::unknown(span) };
        self.scopes.push(Default::default());
        for stmt in rest {
            self.stmt(stmt);
        }
        let result = match &last.kind {
            ast::StmtKind::Expr(Some(expr)) => {
                let value = self.value(expr);
                let temp = self.temp(value.ty.clone(), span);
                let place = self.local_place(temp, span);
                self.assign(place.clone(), value, span);
                Expr::load(place)
            }
            _ => {
                self.stmt(last);
                Expr::constant(0, span)
            }
        };
        self.scopes.pop();
        result
    }

    fn size_of_expr(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let named = inner.as_ident();
        if let Some(name) = named
            && self.lookup(name).is_none()
            && let Some(ty) = self.sema.typedef(name)
        {
            let of_pointer = matches!(ty, Ty::Pointer { .. });
            return self
                .size_of(SizeOf { value: self.sema.size_of(&ty), local: None, of_pointer }, span);
        }
        let ty = self.sema.type_of(inner, self);
        let of_pointer = matches!(ty, Ty::Pointer { .. });
        let local = named.and_then(|name| self.lookup(name));
        self.size_of(SizeOf { value: self.sema.size_of(&ty), local, of_pointer }, span)
    }

    fn size_of(&self, size: SizeOf, span: Span) -> Expr {
        Expr { kind: ExprKind::SizeOf(Box::new(size)), ty: Ty::ULONG, span }
    }
}

/// `*pointer`.
fn deref(pointer: Expr, span: Span) -> Place {
    let ty = match &pointer.ty {
        Ty::Pointer { to, .. } => (**to).clone(),
        _ => Ty::Unknown,
    };
    match pointer.kind {
        // `*&x` is `x`, unless a cast stands between.
        ExprKind::AddrOf(mut place) if place.ty == ty => {
            place.span = span;
            *place
        }
        _ => Place { base: PlaceBase::Deref(Box::new(pointer)), proj: Vec::new(), ty, span },
    }
}

fn has_logic(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Binary(BinaryOp::LogAnd | BinaryOp::LogOr, ..) => true,
        ast::ExprKind::Unary(UnaryOp::Not, inner) => has_logic(inner),
        _ => false,
    }
}

fn is_null_constant_type(ty: &Ty) -> bool {
    match ty {
        Ty::Pointer { to, .. } => **to == Ty::Void,
        Ty::Unknown => true,
        _ => false,
    }
}
