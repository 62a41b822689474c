//! Types of expressions.

use std::cell::RefCell;
use std::sync::Arc;

use syntax::ast::{BinaryOp, Block, Expr, ExprKind, Name, StmtKind, UnaryOp};

use crate::builtin::{self, Known};
use crate::expand::Expansion;
use crate::resolve::Context;
use crate::value::{Kind, Value};
use crate::{Scope, Sema, Ty};

impl Sema {
    /// The type of `expr`, before arrays become pointers; [`Ty::Unknown`] where it cannot be told. The
    /// operand of `sizeof(name)` may be a type's name, which is then the answer.
    pub fn type_of(&self, expr: &Expr, scope: &dyn Scope) -> Ty {
        let Some(_level) = self.enter() else { return Ty::Unknown };
        match &expr.kind {
            ExprKind::Int { value, unsigned, long } => {
                Value::literal(*value, *unsigned, *long).kind.ty()
            }
            ExprKind::Str(text) => {
                Ty::Array { elem: Arc::new(Ty::CHAR), len: Some(string_length(text) + 1) }
            }
            ExprKind::Ident(name) => self.type_of_name(name, expr, scope),
            ExprKind::Unary(op, operand) => self.type_of_unary(*op, operand, scope),
            ExprKind::IncDec { operand, .. } | ExprKind::Assign(_, operand, _) => {
                self.type_of(operand, scope)
            }
            ExprKind::Binary(op, left, right) => match self.cast_in_disguise(expr, scope) {
                Some((ty, _)) => ty,
                None => self.type_of_binary(*op, left, right, scope),
            },
            ExprKind::Cond(cond, then, els) => {
                let then = self.type_of(then.as_deref().unwrap_or(cond), scope);
                self.common_type(then, self.type_of(els, scope))
            }
            ExprKind::Call { callee, args } => self.type_of_call(callee, args, expr, scope),
            ExprKind::Index(base, index) => {
                let base = self.type_of(base, scope);
                let indexed =
                    if base.is_pointer_like() { base } else { self.type_of(index, scope) };
                indexed.target().cloned().unwrap_or(Ty::Unknown)
            }
            ExprKind::Member { base, field, arrow } => {
                let record = self.record_of(base, *arrow, scope);
                self.find_member(&record, field).map_or(Ty::Unknown, |(ty, _, _)| ty)
            }
            ExprKind::Cast(ty, _) | ExprKind::TypeArg(ty) => {
                self.resolve_in(ty, Context::local(scope))
            }
            ExprKind::CompoundLit(ty, init) => self.variable_type(ty, Some(init), scope),
            ExprKind::SizeofExpr(_) | ExprKind::SizeofType(_) | ExprKind::Offsetof(..) => Ty::ULONG,
            ExprKind::InitList(_) | ExprKind::Error => Ty::Unknown,
            ExprKind::StmtExpr(block) => self.type_of_block(block, scope),
            ExprKind::Comma(_, last) => self.type_of(last, scope),
        }
    }

    /// An array as the pointer it becomes in most places; all other types as they are.
    pub fn decayed(&self, ty: Ty) -> Ty {
        match ty {
            Ty::Array { elem, .. } => Ty::Pointer { to: elem, to_const: false },
            other => other,
        }
    }

    /// The record that `base.field` or `base->field` looks into.
    pub(crate) fn record_of(&self, base: &Expr, arrow: bool, scope: &dyn Scope) -> Ty {
        let ty = self.type_of(base, scope);
        if arrow { ty.target().cloned().unwrap_or(Ty::Unknown) } else { ty }
    }

    /// `(name)-x`, `(name)+x`, `(name)*x` and `(name)&x` read as infix operators until `name` turns out to be
    /// a type: then its type and the operand of the cast.
    pub(crate) fn cast_in_disguise(&self, expr: &Expr, scope: &dyn Scope) -> Option<(Ty, Expr)> {
        let ExprKind::Binary(op, left, right) = &expr.kind else { return None };
        let name = left.as_ident()?;
        let prefix = prefix_operator(*op)?;
        if scope.type_of(name).is_some() || !self.is_type_name(name) {
            return None;
        }
        let operand = Expr { kind: ExprKind::Unary(prefix, right.clone()), span: right.span };
        Some((self.typedef(name).unwrap_or(Ty::Unknown), operand))
    }

    fn type_of_name(&self, name: &str, expr: &Expr, scope: &dyn Scope) -> Ty {
        if let Some(ty) = scope.type_of(name) {
            return ty;
        }
        if let Some(global) = self.global(name) {
            return global.ty.clone();
        }
        if self.index.function_names.contains_key(name) {
            return Ty::Function;
        }
        if let Some(value) = self.constant_value(name) {
            return value.kind.ty();
        }
        match name {
            "NULL" => return Ty::pointer_to(Ty::Void),
            "true" | "false" => return Ty::INT,
            "__func__" | "__FUNCTION__" => {
                return Ty::Array { elem: Arc::new(Ty::CHAR), len: None };
            }
            _ => {}
        }
        if let Some(ty) = self.typedef(name) {
            return ty;
        }
        if let Some(expanded) = self.expand_object(name, expr.span) {
            return self.type_of(&expanded, scope);
        }
        if self.prototype(name).is_some() || kernel_model::function(name).is_some() {
            return Ty::Function;
        }
        Ty::Unknown
    }

    fn type_of_unary(&self, op: UnaryOp, operand: &Expr, scope: &dyn Scope) -> Ty {
        let ty = self.type_of(operand, scope);
        match op {
            UnaryOp::Not => Ty::INT,
            UnaryOp::AddrOf if ty == Ty::Unknown => Ty::Unknown,
            UnaryOp::AddrOf => Ty::pointer_to(ty),
            UnaryOp::Deref => match ty {
                Ty::Function => Ty::Function,
                other => other.target().cloned().unwrap_or(Ty::Unknown),
            },
            UnaryOp::Neg | UnaryOp::Plus | UnaryOp::BitNot => promoted(&ty),
        }
    }

    fn type_of_binary(&self, op: BinaryOp, left: &Expr, right: &Expr, scope: &dyn Scope) -> Ty {
        match op {
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => return Ty::INT,
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::LogAnd | BinaryOp::LogOr => return Ty::INT,
            BinaryOp::Shl | BinaryOp::Shr => return promoted(&self.type_of(left, scope)),
            _ => {}
        }
        let a = self.decayed(self.type_of(left, scope));
        let b = self.decayed(self.type_of(right, scope));
        match (op, a.is_pointer_like(), b.is_pointer_like()) {
            (BinaryOp::Sub, true, true) => Ty::LONG,
            (BinaryOp::Add | BinaryOp::Sub, true, false) => a,
            (BinaryOp::Add, false, true) => b,
            _ => arithmetic(&a, &b),
        }
    }

    /// The type of `c ? a : b`. NULL and `void *` give way to the other pointer.
    fn common_type(&self, a: Ty, b: Ty) -> Ty {
        let (a, b) = (self.decayed(a), self.decayed(b));
        let is_void = |ty: &Ty| matches!(ty, Ty::Pointer { to, .. } if **to == Ty::Void);
        match (a.is_pointer_like(), b.is_pointer_like()) {
            (true, true) if is_void(&a) => b,
            (true, _) => a,
            (false, true) => b,
            (false, false) if a == b => a,
            (false, false) => arithmetic(&a, &b),
        }
    }

    fn type_of_call(&self, callee: &Expr, args: &[Expr], call: &Expr, scope: &dyn Scope) -> Ty {
        let Some(name) = callee.as_ident() else { return Ty::Unknown };
        if let Some(index) = self.index.function_names.get(name) {
            return self
                .index
                .functions
                .get(*index)
                .map_or(Ty::Unknown, |function| self.resolve(&function.ret));
        }
        if args.len() == 1 && self.is_type_name(name) {
            return self.typedef(name).unwrap_or(Ty::Unknown);
        }
        if let Some(known) = builtin::known(name) {
            return self.type_of_known(known, args, scope);
        }
        match self.expand_call(name, args, call.span) {
            Some(Expansion::Expr(expanded)) => return self.type_of(&expanded, scope),
            Some(Expansion::Stmts(_)) => return Ty::Unknown,
            None => {}
        }
        if let Some(prototype) = self.prototype(name) {
            return prototype.ret;
        }
        kernel_model::function(name)
            .map_or(Ty::Unknown, |function| self.written_type(function.ret_type))
    }

    fn type_of_known(&self, known: Known, args: &[Expr], scope: &dyn Scope) -> Ty {
        let arg = |position: usize| {
            args.get(position).map_or(Ty::Unknown, |arg| self.type_of(arg, scope))
        };
        match known {
            Known::Swap(bytes) | Known::Keep(bytes) => {
                Ty::Int { bits: bytes.saturating_mul(8), signed: false }
            }
            Known::First => arg(0),
            Known::Second => arg(1),
            Known::Bit | Known::BitRange | Known::ArrayLength => Ty::ULONG,
            Known::Min | Known::Max => self.common_type(arg(0), arg(1)),
            Known::ContainerOf | Known::CastTo => match arg(1) {
                Ty::Unknown => Ty::Unknown,
                target => Ty::pointer_to(target),
            },
            Known::OpaqueInt => Ty::INT,
            Known::ReadPath => {
                let path = args.get(1..).unwrap_or_default();
                path.iter()
                    .try_fold(arg(0), |ty, step| self.step_into(&ty, step))
                    .unwrap_or(Ty::Unknown)
            }
        }
    }

    /// The type that one argument of `BPF_CORE_READ` leads to from a value or pointer of type `from`.
    fn step_into(&self, from: &Ty, step: &Expr) -> Option<Ty> {
        let _level = self.enter()?;
        let into = |ty: &Ty, field: &Name| {
            let record = ty.target().unwrap_or(ty);
            self.find_member(record, field).map(|(ty, _, _)| ty)
        };
        match &step.kind {
            ExprKind::Ident(field) => into(from, field),
            ExprKind::Member { base, field, .. } => into(&self.step_into(from, base)?, field),
            ExprKind::Index(base, _) => self.step_into(from, base)?.target().cloned(),
            _ => None,
        }
    }

    /// A type as the kernel model's rows spell it.
    pub(crate) fn written_type(&self, text: &'static str) -> Ty {
        if let Some(known) = self.memo.written.borrow().get(text) {
            return known.clone();
        }
        let ty = self.declared_type(text);
        self.memo.written.borrow_mut().insert(text, ty.clone());
        ty
    }

    /// The type of `({ … })`: that of its last expression, with the locals declared before it.
    fn type_of_block(&self, block: &Block, scope: &dyn Scope) -> Ty {
        let inner = BlockScope { outer: scope, locals: RefCell::default() };
        let Some((last, before)) = block.stmts.split_last() else { return Ty::Void };
        for stmt in before {
            let StmtKind::Decl(local) = &stmt.kind else { continue };
            for declarator in local.0.declarators.iter().filter(|_| !local.0.is_typedef) {
                let ty = self.variable_type(&declarator.ty, declarator.init.as_ref(), &inner);
                inner.locals.borrow_mut().push((declarator.name.clone(), ty));
            }
        }
        match &last.kind {
            StmtKind::Expr(Some(value)) => self.type_of(value, &inner),
            StmtKind::Error => Ty::Unknown,
            _ => Ty::Void,
        }
    }

    /// How many elements `x[] = init` has. Designators such as `[5] = 1` are not part of the syntax tree,
    /// so where one may stand the length is unknown.
    pub(crate) fn initialiser_length(&self, init: &Expr) -> Option<u64> {
        match &init.kind {
            ExprKind::Str(text) => Some(string_length(text) + 1),
            ExprKind::InitList(items) => match &items[..] {
                [(None, Expr { kind: ExprKind::Str(text), .. })] => Some(string_length(text) + 1),
                items => {
                    let text = init.span.text(&self.text);
                    let has_designator = text.is_empty() || designates(text);
                    (!has_designator).then(|| u64::try_from(items.len()).ok())?
                }
            },
            _ => None,
        }
    }
}

/// Whether a designator with an index may stand in the initialiser `text`.
fn designates(text: &str) -> bool {
    let tokens = syntax::lex(text);
    tokens.windows(2).any(|pair| (pair[0].is(b'{') || pair[0].is(b',')) && pair[1].is(b'['))
}

/// The prefix operator that reads as the infix operator `op`.
pub(crate) fn prefix_operator(op: BinaryOp) -> Option<UnaryOp> {
    match op {
        BinaryOp::Sub => Some(UnaryOp::Neg),
        BinaryOp::Add => Some(UnaryOp::Plus),
        BinaryOp::Mul => Some(UnaryOp::Deref),
        BinaryOp::BitAnd => Some(UnaryOp::AddrOf),
        _ => None,
    }
}

fn promoted(ty: &Ty) -> Ty {
    match ty {
        Ty::Bool => Ty::INT,
        Ty::Int { bits: 128, .. } | Ty::Float => ty.clone(),
        _ => Kind::of(ty)
            .filter(|_| ty.is_integral())
            .map_or(Ty::Unknown, |kind| kind.promoted().ty()),
    }
}

fn arithmetic(a: &Ty, b: &Ty) -> Ty {
    match (promoted(a), promoted(b)) {
        (Ty::Float, _) | (_, Ty::Float) => Ty::Float,
        (wide @ Ty::Int { bits: 128, .. }, _) | (_, wide @ Ty::Int { bits: 128, .. }) => wide,
        (a, b) => match (Kind::of(&a), Kind::of(&b)) {
            (Some(a), Some(b)) => a.common(b).ty(),
            _ => Ty::Unknown,
        },
    }
}

/// The bytes a string constant holds without its end, escapes counted as what they stand for.
fn string_length(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (mut at, mut length) = (0, 0u64);
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += match rest {
            [b'\\', b'x', digits @ ..] => {
                2 + digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
            }
            [b'\\', digits @ ..]
                if digits.first().is_some_and(|byte| matches!(byte, b'0'..=b'7')) =>
            {
                1 + digits.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count()
            }
            [b'\\', _, ..] => 2,
            _ => 1,
        };
        length += 1;
    }
    length
}

/// The locals of a statement expression on top of those around it.
struct BlockScope<'a> {
    outer: &'a dyn Scope,
    locals: RefCell<Vec<(Name, Ty)>>,
}

impl Scope for BlockScope<'_> {
    fn type_of(&self, name: &str) -> Option<Ty> {
        let locals = self.locals.borrow();
        let inner = locals.iter().rev().find(|(local, _)| local == name).map(|(_, ty)| ty.clone());
        inner.or_else(|| self.outer.type_of(name))
    }
}
