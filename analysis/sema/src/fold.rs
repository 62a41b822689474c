//! Constant expressions: names, sizes and arithmetic, as far as their values can be known from the text.

use syntax::ast::{BinaryOp, Expr, ExprKind, Name, Type, UnaryOp};
use syntax::lex;

use crate::builtin::{self, Known};
use crate::expand::Expansion;
use crate::header::{Content, Found, Space};
use crate::resolve::Context;
use crate::value::{Kind, Value};
use crate::{FileScope, Scope, Sema, Ty};

impl Sema {
    /// The value of the constant `name`: a macro, an enumerator or a `static const` integer of the file,
    /// or else of its headers, or else a constant of the kernel's interface. Nothing where several
    /// definitions differ or one has no value that can be known.
    pub fn constant(&self, name: &str) -> Option<i128> {
        self.constant_value(name).map(|value| value.value)
    }

    /// The value of `expr` if it is constant. `scope` says what the locals are: their names hide constants,
    /// and their sizes are known.
    pub fn fold(&self, expr: &Expr, scope: &dyn Scope) -> Option<i128> {
        self.eval(expr, scope).map(|value| value.value)
    }

    pub(crate) fn constant_value(&self, name: &str) -> Option<Value> {
        if let Some(known) = self.memo.constants.borrow().get(name) {
            return *known;
        }
        let _level = self.enter()?;
        // While it is being computed it has no value, so that one defined by itself ends.
        self.memo.constants.borrow_mut().insert(Name::from(name), None);
        let value = self.find_constant(name);
        self.memo.constants.borrow_mut().insert(Name::from(name), value);
        value
    }

    fn find_constant(&self, name: &str) -> Option<Value> {
        let mut values = Agreement::default();
        self.own_constants(name, &mut values);
        if values.is_empty() {
            self.foreign_constants(name, &mut values);
        }
        if values.is_empty() {
            return kernel_model::constant(name).map(|value| Value::untyped(i128::from(value)));
        }
        values.agreed
    }

    fn own_constants(&self, name: &str, values: &mut Agreement) {
        if self.index.macros.contains_key(name) {
            self.macro_constants(name, values);
        }
        for (enumerators, position) in self.index.enumerators.get(name).into_iter().flatten() {
            values.add(self.enumerator(enumerators, *position));
        }
        if self.index.ordinary.contains_key(name) {
            values.add(self.constant_variable(name));
        }
    }

    fn foreign_constants(&self, name: &str, values: &mut Agreement) {
        self.macro_constants(name, values);
        for found in self.headers.all(Space::Enumerator, name) {
            values.add(self.foreign_enumerator(&found, name));
        }
        if values.is_empty() && self.headers.iter().any(|header| header.has(Space::Ordinary, name))
        {
            values.add(self.constant_variable(name));
        }
    }

    /// Definitions of object-like macros. `#define X X`, which marks an enumerator as present, says nothing.
    fn macro_constants(&self, name: &str, values: &mut Agreement) {
        for definition in self.macro_defs(name) {
            if definition.params.is_none() && definition.body != name {
                values.add(self.macro_value(&definition.body));
            }
        }
    }

    fn macro_value(&self, body: &str) -> Option<Value> {
        if let Some(value) = literal(body) {
            return Some(value);
        }
        let expr = crate::expand::parse_expr(body)?;
        self.eval(&expr, &FileScope)
    }

    fn foreign_enumerator(&self, found: &Found<'_>, name: &str) -> Option<Value> {
        let Some(Content::Declaration(declaration)) = found.content() else { return None };
        let Type::Enum(enumeration) = &declaration.base else { return None };
        let enumerators = enumeration.enumerators.as_ref()?;
        let position = enumerators.iter().position(|enumerator| enumerator.name == name)?;
        self.enumerator(enumerators, position)
    }

    /// The value of the enumerator at `position`: the nearest written value before it, counted on.
    fn enumerator(
        &self,
        enumerators: &[syntax::ast::Enumerator],
        position: usize,
    ) -> Option<Value> {
        let counted = enumerators.get(..=position)?;
        let written = counted
            .iter()
            .rev()
            .enumerate()
            .find_map(|(steps, it)| Some((steps, it.value.as_ref()?)));
        let Some((steps, value)) = written else {
            return i128::try_from(position).ok().map(Value::untyped);
        };
        let start = self.eval(value, &FileScope)?.value;
        Some(Value::untyped(start.checked_add(i128::try_from(steps).ok()?)?))
    }

    /// The value of a `static const` variable. A `volatile` one may be set by the loader.
    fn constant_variable(&self, name: &str) -> Option<Value> {
        let declared =
            self.declared(name, |declarator| !matches!(declarator.ty, Type::Function(_)))?;
        let (is_const, is_volatile) = declared.qualifiers();
        let init = declared.declarator.init.as_ref()?;
        if !is_const || is_volatile || !declared.declaration.is_static {
            return None;
        }
        let ty = self.resolve(&declared.declarator.ty);
        if ty.is_integral() { self.eval(init, &FileScope)?.cast(&ty) } else { None }
    }

    pub(crate) fn eval(&self, expr: &Expr, scope: &dyn Scope) -> Option<Value> {
        let _level = self.enter()?;
        match &expr.kind {
            ExprKind::Int { value, unsigned, long } => {
                Some(Value::literal(*value, *unsigned, *long))
            }
            ExprKind::Ident(name) => self.eval_name(name, scope),
            ExprKind::Unary(UnaryOp::AddrOf, place) => {
                Some(Value { value: self.address(place, scope)?, kind: Kind::POINTER })
            }
            ExprKind::Unary(op, operand) => self.eval(operand, scope)?.unary(*op),
            ExprKind::Binary(op, left, right) => match self.cast_in_disguise(expr, scope) {
                Some((ty, operand)) => self.eval(&operand, scope)?.cast(&ty),
                None => self.eval_binary(*op, left, right, scope),
            },
            ExprKind::Cond(cond, then, els) => self.eval_cond(cond, then.as_deref(), els, scope),
            ExprKind::Cast(ty, operand) => {
                let ty = self.resolve_in(ty, Context::local(scope));
                self.eval(operand, scope)?.cast(&ty)
            }
            ExprKind::SizeofExpr(operand) => {
                let ty = self.type_of(operand, scope);
                self.size_of(&ty).map(Value::size)
            }
            ExprKind::SizeofType(ty) => {
                let ty = self.resolve_in(ty, Context::local(scope));
                self.size_of(&ty).map(Value::size)
            }
            ExprKind::Offsetof(ty, path) => {
                let ty = self.resolve_in(ty, Context::local(scope));
                self.offset_of(&ty, path, scope).map(Value::size)
            }
            ExprKind::Call { callee, args } => self.eval_call(callee, args, expr, scope),
            ExprKind::Comma(_, last) => self.eval(last, scope),
            ExprKind::StmtExpr(_)
            | ExprKind::Str(_)
            | ExprKind::IncDec { .. }
            | ExprKind::Assign(..) => None,
            ExprKind::Index(..)
            | ExprKind::Member { .. }
            | ExprKind::TypeArg(_)
            | ExprKind::Error => None,
            ExprKind::InitList(items) => match &items[..] {
                [(None, only)] => self.eval(only, scope),
                _ => None,
            },
            ExprKind::CompoundLit(ty, init) => {
                let ty = self.resolve_in(ty, Context::local(scope));
                self.eval(init, scope)?.cast(&ty)
            }
        }
    }

    fn eval_name(&self, name: &str, scope: &dyn Scope) -> Option<Value> {
        if scope.type_of(name).is_some() {
            return None;
        }
        self.constant_value(name).or_else(|| match name {
            "true" => Some(Value::int(1)),
            "false" => Some(Value::int(0)),
            "NULL" => Some(Value { value: 0, kind: Kind::POINTER }),
            _ => None,
        })
    }

    fn eval_binary(
        &self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        scope: &dyn Scope,
    ) -> Option<Value> {
        let (a, b) = (self.eval(left, scope), self.eval(right, scope));
        let decided =
            |side: Option<Value>, truth: bool| side.is_some_and(|side| side.is_true() == truth);
        match op {
            BinaryOp::LogAnd if decided(a, false) || decided(b, false) => Some(Value::bool(false)),
            BinaryOp::LogOr if decided(a, true) || decided(b, true) => Some(Value::bool(true)),
            _ => a?.binary(op, b?),
        }
    }

    fn eval_cond(
        &self,
        cond: &Expr,
        then: Option<&Expr>,
        els: &Expr,
        scope: &dyn Scope,
    ) -> Option<Value> {
        let cond = self.eval(cond, scope)?;
        let then = match then {
            Some(then) => self.eval(then, scope),
            None => Some(cond),
        };
        let els = self.eval(els, scope);
        let (taken, other) = if cond.is_true() { (then?, els) } else { (els?, then) };
        // The result has the common type of both arms, so an unsigned one turns a negative one around.
        Some(other.map_or(taken, |other| taken.convert(taken.kind.common(other.kind))))
    }

    fn eval_call(
        &self,
        callee: &Expr,
        args: &[Expr],
        call: &Expr,
        scope: &dyn Scope,
    ) -> Option<Value> {
        let name = callee.as_ident()?;
        if let [operand] = args
            && self.is_type_name(name)
        {
            let ty = self.typedef(name)?;
            return self.eval(operand, scope)?.cast(&ty);
        }
        if self.index.function_names.contains_key(name) {
            return None;
        }
        if let Some(known) = builtin::known(name) {
            return self.eval_known(known, args, scope);
        }
        match name.as_str() {
            "__builtin_constant_p" => {
                return args.first().and_then(|arg| self.eval(arg, scope)).map(|_| Value::int(1));
            }
            "__builtin_choose_expr" => {
                let [cond, then, els] = args else { return None };
                let chosen = if self.eval(cond, scope)?.is_true() { then } else { els };
                return self.eval(chosen, scope);
            }
            _ => {}
        }
        match self.expand_call(name, args, call.span)? {
            Expansion::Expr(expr) => self.eval(&expr, scope),
            Expansion::Stmts(_) => None,
        }
    }

    fn eval_known(&self, known: Known, args: &[Expr], scope: &dyn Scope) -> Option<Value> {
        let arg = |position: usize| self.eval(args.get(position)?, scope);
        let bit = |position: i128| {
            let one = Value { value: 1, kind: Kind::ULONG };
            one.binary(BinaryOp::Shl, Value::untyped(position))
        };
        match known {
            Known::Swap(bytes) => arg(0)?.swap_bytes(bytes),
            Known::Keep(bytes) => Some(arg(0)?.convert(Kind::int(bytes.checked_mul(8)?, false)?)),
            Known::First => arg(0),
            Known::Bit => bit(arg(0)?.value),
            Known::BitRange => {
                let (high, low) = (arg(0)?.value, arg(1)?.value);
                (low..=high)
                    .take(64)
                    .try_fold(Value { value: 0, kind: Kind::ULONG }, |sum, position| {
                        sum.binary(BinaryOp::BitOr, bit(position)?)
                    })
            }
            Known::ArrayLength => match self.type_of(args.first()?, scope) {
                Ty::Array { len, .. } => len.map(Value::size),
                _ => None,
            },
            Known::Min | Known::Max => {
                let (a, b) = (arg(0)?, arg(1)?);
                let first_less = a.binary(BinaryOp::Lt, b)?.is_true();
                let taken = if first_less == (known == Known::Min) { a } else { b };
                Some(taken.convert(a.kind.common(b.kind)))
            }
            Known::Second
            | Known::ReadPath
            | Known::ContainerOf
            | Known::CastTo
            | Known::OpaqueInt => None,
        }
    }

    /// The address of an object that lies at a constant address, as in `&((struct x *)0)->member`.
    fn address(&self, place: &Expr, scope: &dyn Scope) -> Option<i128> {
        let _level = self.enter()?;
        match &place.kind {
            ExprKind::Unary(UnaryOp::Deref, pointer) => Some(self.eval(pointer, scope)?.value),
            ExprKind::Member { base, field, arrow } => {
                let start =
                    if *arrow { self.eval(base, scope)?.value } else { self.address(base, scope)? };
                let record = self.record_of(base, *arrow, scope);
                start.checked_add(i128::from(self.field(&record, field)?.offset))
            }
            ExprKind::Index(base, index) => {
                let ty = self.type_of(base, scope);
                let start = match ty {
                    Ty::Array { .. } => self.address(base, scope)?,
                    _ => self.eval(base, scope)?.value,
                };
                let size = self.size_of(ty.target()?)?;
                start.checked_add(self.eval(index, scope)?.value.checked_mul(i128::from(size))?)
            }
            _ => None,
        }
    }

    /// The offset of the member that `path` (`a.b[2].c`) leads to.
    pub(crate) fn offset_of(&self, ty: &Ty, path: &str, scope: &dyn Scope) -> Option<u64> {
        let place = crate::expand::parse_expr(&format!("__object.{path}"))?;
        self.offset_in(&place, ty, scope).map(|(offset, _)| offset)
    }

    /// Offset and type of a path whose innermost name stands for an object of type `root`.
    fn offset_in(&self, place: &Expr, root: &Ty, scope: &dyn Scope) -> Option<(u64, Ty)> {
        let _level = self.enter()?;
        match &place.kind {
            ExprKind::Ident(_) => Some((0, root.clone())),
            ExprKind::Member { base, field, arrow: false } => {
                let (offset, record) = self.offset_in(base, root, scope)?;
                let field = self.field(&record, field)?;
                Some((offset.checked_add(field.offset)?, field.ty))
            }
            ExprKind::Index(base, index) => {
                let (offset, array) = self.offset_in(base, root, scope)?;
                let Ty::Array { elem, .. } = array else { return None };
                let index = u64::try_from(self.eval(index, scope)?.value).ok()?;
                let start = offset.checked_add(self.size_of(&elem)?.checked_mul(index)?)?;
                Some((start, (*elem).clone()))
            }
            _ => None,
        }
    }
}

/// A value that several definitions agree on.
#[derive(Default)]
struct Agreement {
    any: bool,
    agreed: Option<Value>,
}

impl Agreement {
    fn is_empty(&self) -> bool {
        !self.any
    }

    fn add(&mut self, value: Option<Value>) {
        let same = |agreed: Value, value: Value| agreed.value == value.value;
        self.agreed = match (self.any, self.agreed, value) {
            (false, _, value) => value,
            (true, Some(agreed), Some(value)) if same(agreed, value) => Some(agreed),
            _ => None,
        };
        self.any = true;
    }
}

/// The value of a text that is one integer literal, perhaps in parentheses, without asking the parser.
fn literal(body: &str) -> Option<Value> {
    let mut inner = body.trim();
    while let Some(rest) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        inner = rest.trim();
    }
    if !inner.starts_with(|c: char| c.is_ascii_digit()) || lex(inner).len() != 1 {
        return None;
    }
    let (digits, suffix) = inner.split_at(inner.trim_end_matches(['u', 'U', 'l', 'L']).len());
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let value = u64::from_str_radix(digits, radix).ok()?;
    let unsigned = suffix.contains(['u', 'U']);
    let long = suffix.contains(['l', 'L']);
    let fits_int = i32::try_from(value).is_ok();
    let fits_uint = u32::try_from(value).is_ok();
    let fits_long = i64::try_from(value).is_ok();
    // The first type that holds the value; decimal literals without `U` are never unsigned.
    let decimal = radix == 10;
    let long = long || !(fits_int || (fits_uint && (unsigned || !decimal)));
    let unsigned =
        unsigned || (!decimal && (if long { !fits_long } else { !fits_int })) || !fits_long;
    Some(Value::literal(value, unsigned, long))
}
