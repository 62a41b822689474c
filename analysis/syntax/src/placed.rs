//! Syntax that is kept from one version of a text to the next although it has moved.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use text::Span;

use crate::ast::{
    Attrs, Block, Declaration, Declarator, Enumerator, Expr, ExprKind, Function, FunctionType,
    MapMember, Member, Param, RecordType, Stmt, StmtKind, Type,
};

/// A function or declaration and how far it has moved since it was read. Reading it through `Deref` gives spans
/// of the text at hand; they are computed when first asked for, and most parts of a file are not asked for
/// after an edit.
pub struct Placed<T> {
    origin: Arc<T>,
    by: i64,
    here: OnceLock<Arc<T>>,
}

impl<T> Placed<T> {
    /// Something that stands where it was read.
    pub fn new(value: T) -> Self {
        Self { origin: Arc::new(value), by: 0, here: OnceLock::new() }
    }

    /// The same moved by `by` bytes from where it was read.
    pub(crate) fn moved(&self, by: i64) -> Self {
        if by == self.by {
            return self.clone();
        }
        Self { origin: Arc::clone(&self.origin), by, here: OnceLock::new() }
    }

    /// How far it has moved.
    pub(crate) fn by(&self) -> i64 {
        self.by
    }

    /// Where something stands that stood at `span` when it was read.
    pub(crate) fn here(&self, mut span: Span) -> Span {
        span.shift(self.by);
        span
    }

    /// As it was read: names and shape are right, spans are those of an earlier text.
    pub fn origin(&self) -> &T {
        &self.origin
    }
}

impl<T: Shift + Clone> Placed<T> {
    /// As it stands in the text.
    pub fn shared(&self) -> &Arc<T> {
        if self.by == 0 {
            return &self.origin;
        }
        self.here.get_or_init(|| {
            let mut here = (*self.origin).clone();
            here.shift(self.by);
            Arc::new(here)
        })
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        let shared = Arc::clone(self.shared());
        drop(self);
        Arc::unwrap_or_clone(shared)
    }
}

impl<T> Clone for Placed<T> {
    fn clone(&self) -> Self {
        Self { origin: Arc::clone(&self.origin), by: self.by, here: self.here.clone() }
    }
}

impl<T: Shift + Clone> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.shared()
    }
}

impl<T: Shift + Clone + fmt::Debug> fmt::Debug for Placed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Something with spans that can all move by the same number of bytes.
pub trait Shift {
    /// Moves every span by `by` bytes.
    fn shift(&mut self, by: i64);
}

impl Shift for Span {
    fn shift(&mut self, by: i64) {
        let moved =
            |offset: u32| u32::try_from(i64::from(offset).saturating_add(by)).unwrap_or_default();
        *self = Span::new(moved(self.start), moved(self.end));
    }
}

impl<T: Shift> Shift for Vec<T> {
    fn shift(&mut self, by: i64) {
        self.iter_mut().for_each(|each| each.shift(by));
    }
}

impl<T: Shift> Shift for Option<T> {
    fn shift(&mut self, by: i64) {
        self.iter_mut().for_each(|each| each.shift(by));
    }
}

impl<T: Shift> Shift for Box<T> {
    fn shift(&mut self, by: i64) {
        (**self).shift(by);
    }
}

impl<A, B: Shift> Shift for (A, B) {
    fn shift(&mut self, by: i64) {
        self.1.shift(by);
    }
}

/// Moves the named fields, which hold all spans of the type.
macro_rules! shift_fields {
    ($($type:ident { $($field:ident),* })*) => {
        $(impl Shift for $type {
            fn shift(&mut self, by: i64) {
                $(self.$field.shift(by);)*
            }
        })*
    };
}

shift_fields! {
    Attrs { section, words }
    Function { name_span, span, ret, params, attrs, body }
    Param { span, ty, attrs }
    Declaration { span, base, declarators, attrs }
    Declarator { name_span, span, ty, init }
    RecordType { members, span }
    Member { span, ty, bits, map }
    Enumerator { span, value }
    Block { stmts, span }
    Stmt { kind, span }
    Expr { kind, span }
}

impl Shift for FunctionType {
    fn shift(&mut self, by: i64) {
        self.ret.shift(by);
        self.params.shift(by);
    }
}

impl Shift for MapMember {
    fn shift(&mut self, by: i64) {
        match self {
            MapMember::Uint(value) => value.shift(by),
            MapMember::Type(ty) | MapMember::Array(ty) => ty.shift(by),
        }
    }
}

impl Shift for Type {
    fn shift(&mut self, by: i64) {
        match self {
            Type::Named(_) | Type::Unknown => {}
            Type::Record(record) => record.shift(by),
            Type::Enum(enumeration) => enumeration.enumerators.shift(by),
            Type::Pointer { to, to_const: _ } => to.shift(by),
            Type::Array(elem, len) => {
                elem.shift(by);
                len.shift(by);
            }
            Type::Function(function) => function.shift(by),
            Type::Typeof(value) => value.shift(by),
        }
    }
}

impl Shift for StmtKind {
    fn shift(&mut self, by: i64) {
        match self {
            StmtKind::Decl(local) => local.0.shift(by),
            StmtKind::Expr(value) | StmtKind::Return(value) => value.shift(by),
            StmtKind::Block(block) => block.shift(by),
            StmtKind::If { cond, then, els } => {
                cond.shift(by);
                then.shift(by);
                els.shift(by);
            }
            StmtKind::While { cond, body } | StmtKind::DoWhile { body, cond } => {
                cond.shift(by);
                body.shift(by);
            }
            StmtKind::For { init, cond, step, body } => {
                init.shift(by);
                cond.shift(by);
                step.shift(by);
                body.shift(by);
            }
            StmtKind::MacroBlock { name: _, args, body } => {
                args.shift(by);
                body.shift(by);
            }
            StmtKind::Switch { value, body } => {
                value.shift(by);
                body.shift(by);
            }
            StmtKind::Case { from, to, stmts } => {
                from.shift(by);
                to.shift(by);
                stmts.shift(by);
            }
            StmtKind::Default { stmts } => stmts.shift(by),
            StmtKind::Label { name: _, body } => body.shift(by),
            StmtKind::Goto(_)
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Asm { .. }
            | StmtKind::Error => {}
        }
    }
}

impl Shift for ExprKind {
    fn shift(&mut self, by: i64) {
        match self {
            ExprKind::Int { .. } | ExprKind::Str(_) | ExprKind::Ident(_) | ExprKind::Error => {}
            ExprKind::Unary(_, inner)
            | ExprKind::IncDec { operand: inner, .. }
            | ExprKind::Member { base: inner, .. }
            | ExprKind::SizeofExpr(inner) => inner.shift(by),
            ExprKind::Binary(_, a, b)
            | ExprKind::Assign(_, a, b)
            | ExprKind::Index(a, b)
            | ExprKind::Comma(a, b) => {
                a.shift(by);
                b.shift(by);
            }
            ExprKind::Cond(cond, then, els) => {
                cond.shift(by);
                then.shift(by);
                els.shift(by);
            }
            ExprKind::Call { callee, args } => {
                callee.shift(by);
                args.shift(by);
            }
            ExprKind::Cast(ty, inner) | ExprKind::CompoundLit(ty, inner) => {
                ty.shift(by);
                inner.shift(by);
            }
            ExprKind::SizeofType(ty) | ExprKind::Offsetof(ty, _) | ExprKind::TypeArg(ty) => {
                ty.shift(by);
            }
            ExprKind::InitList(items) => items.shift(by),
            ExprKind::StmtExpr(block) => block.shift(by),
        }
    }
}
