//! Values of pure expressions.

use domains::{Interval, Scalar};
use sema::Ty;
use syntax::ast::{BinaryOp, UnaryOp};
use text::Span;

use crate::interp::Interp;
use crate::mir::{Expr, ExprKind, Place, PlaceBase, Proj};
use crate::observe::{Fact, Tri};
use crate::state::{Alias, Buffer, State};
use crate::value::{
    EventId, FrameId, Lin, Num, ObjKind, Pred, Ptr, Question, ROOT_PATH, Step, Sym, Value,
    comparison,
};

impl Interp<'_> {
    /// The value of an expression; reports the reads it does.
    pub(crate) fn eval(&mut self, state: &mut State, frame: FrameId, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Const(value) => Value::Num(Num::constant(*value)),
            ExprKind::Str => Value::Unknown,
            ExprKind::Function(name) => Value::Function(name.clone()),
            ExprKind::SizeOf(size) => match size.value {
                Some(value) => Value::Num(Num::constant(i128::from(value))),
                None => typed(&expr.ty),
            },
            ExprKind::Load(place) => self.load(state, frame, place),
            ExprKind::AddrOf(place) => match self.resolve(state, frame, place) {
                Some(ptr) => Value::Ptr(ptr),
                None => Value::Unknown,
            },
            ExprKind::Cast(inner) => {
                let value = self.eval(state, frame, inner);
                self.convert(value, &expr.ty)
            }
            ExprKind::Unary(op, inner) => {
                let value = self.eval(state, frame, inner);
                self.unary(*op, value, expr, frame)
            }
            ExprKind::Binary(op, left, right) => {
                let a = self.eval(state, frame, left);
                let b = self.eval(state, frame, right);
                self.binary(state, frame, *op, (&a, left), (&b, right), expr)
            }
            ExprKind::Unknown(parts) => {
                for part in parts {
                    self.eval(state, frame, part);
                }
                typed(&expr.ty)
            }
        }
    }

    fn load(&mut self, state: &mut State, frame: FrameId, place: &Place) -> Value {
        if let Some(value) = self.packet_pointer(frame, place) {
            return value;
        }
        match self.resolve(state, frame, place) {
            Some(ptr) => {
                let size = self.sema.size_of(&place.ty).map(i128::from);
                let at = self.interner.event(frame, place.span);
                self.read(state, &ptr, size, place, at)
            }
            None => typed(&place.ty),
        }
    }

    /// `ctx->data` and its like are pointers, whatever their type.
    fn packet_pointer(&mut self, frame: FrameId, place: &Place) -> Option<Value> {
        let Some(Proj::Field { name, record: Some(record), .. }) = place.proj.last() else {
            return None;
        };
        let context = matches!(record.as_str(), "__sk_buff" | "xdp_md");
        if !context || !matches!(name.as_str(), "data" | "data_end" | "data_meta") {
            return None;
        }
        let at = self.interner.event(frame, place.span);
        let object = self.interner.object(ObjKind::Packet(at));
        let mut ptr = Ptr::to(object);
        if name != "data" {
            ptr.bytes = Interval::TOP;
        }
        Some(Value::Ptr(ptr))
    }

    /// Where a place is. Nothing if the pointer to it is not known.
    pub(crate) fn resolve(
        &mut self,
        state: &mut State,
        frame: FrameId,
        place: &Place,
    ) -> Option<Ptr> {
        let mut ptr = match &place.base {
            PlaceBase::Local(id) => Ptr::to(self.local(frame, *id)),
            PlaceBase::Global(name) => Ptr::to(self.interner.object(ObjKind::Global(name.clone()))),
            PlaceBase::Deref(pointer) => {
                let value = self.eval(state, frame, pointer);
                value.as_ptr()?.clone()
            }
        };
        for step in &place.proj {
            match step {
                Proj::Field { name, offset, .. } => {
                    ptr.path = self.interner.path(ptr.path, Step::Field(name.clone()));
                    ptr.bytes = match offset {
                        Some(offset) => ptr.bytes + Interval::constant(i128::from(*offset)),
                        None => Interval::TOP,
                    };
                }
                Proj::Index { index, size } => {
                    let index = self.eval(state, frame, index).num();
                    ptr = self.advance(&ptr, &index, *size, false);
                }
            }
        }
        Some(ptr)
    }

    /// `ptr + count` elements of `size` bytes.
    pub(crate) fn advance(
        &mut self,
        ptr: &Ptr,
        count: &Num,
        size: Option<u64>,
        negative: bool,
    ) -> Ptr {
        let scalar = if negative { -count.scalar } else { count.scalar };
        let constant = scalar.as_constant().and_then(|count| i64::try_from(count).ok());
        let path = match constant {
            Some(0) => ptr.path,
            Some(count) => self.interner.path(ptr.path, Step::Elem(count)),
            None => self.interner.path(ptr.path, Step::AnyElem),
        };
        let bytes = match size {
            // A bound that is only the type's may have been sharpened by what is not understood.
            Some(size)
                if scalar.interval().is_bounded()
                    && !Interval::TYPE_LIMITS.contains(&scalar.max())
                    || constant.is_some() =>
            {
                ptr.bytes + scalar.interval() * Interval::constant(i128::from(size))
            }
            _ if constant == Some(0) => ptr.bytes,
            _ => Interval::TOP,
        };
        Ptr { obj: ptr.obj, path, bytes }
    }

    pub(crate) fn convert(&mut self, value: Value, ty: &Ty) -> Value {
        let (bits, signed) = match ty {
            Ty::Int { bits, signed } => (*bits, *signed),
            Ty::Bool => return value,
            _ => return value,
        };
        match value {
            Value::Num(num) => {
                let scalar = num.scalar.cast(u32::from(bits), signed);
                let lin = if scalar == num.scalar {
                    num.lin
                } else {
                    num.lin
                        .and_then(|lin| self.interner.computed(Sym::Cast(bits, signed, lin)))
                        .map(Lin::symbol)
                };
                match scalar.as_constant() {
                    Some(value) => Value::Num(Num::constant(value)),
                    None => Value::Num(Num { scalar, lin }),
                }
            }
            Value::Ptr(_) if bits < 64 => {
                Value::Num(Num::of(Scalar::from_type(u32::from(bits), signed)))
            }
            Value::Unknown => typed(ty),
            other => other,
        }
    }

    fn unary(&mut self, op: UnaryOp, value: Value, expr: &Expr, frame: FrameId) -> Value {
        match (op, value) {
            (UnaryOp::Not, value) => match self.question(&value) {
                Some(pred) => Value::Pred(Pred { negated: !pred.negated, ..pred }),
                None => match value {
                    Value::Num(num) => {
                        self.result_used(frame, &num, None, expr.span);
                        let zero = num.scalar.decide(domains::Comparison::Eq, Scalar::constant(0));
                        truth(zero)
                    }
                    _ => truth(None),
                },
            },
            (UnaryOp::Neg, Value::Num(num)) => {
                let lin = num.lin.as_ref().and_then(|lin| Lin::constant(0).add_scaled(lin, -1));
                Value::Num(Num { scalar: -num.scalar, lin })
            }
            (UnaryOp::BitNot, Value::Num(num)) => Value::Num(Num::of(!num.scalar)),
            (UnaryOp::Plus, value) => value,
            _ => typed(&expr.ty),
        }
    }

    /// The predicate a value stands for when it is used as a condition.
    pub(crate) fn question(&self, value: &Value) -> Option<Pred> {
        match value {
            Value::Pred(pred) => Some(*pred),
            Value::Ptr(ptr) => match self.interner.object_kind(ptr.obj) {
                ObjKind::Slice(slice) => {
                    Some(Pred { slice: *slice, question: Question::NonNull, negated: false })
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn binary(
        &mut self,
        state: &mut State,
        frame: FrameId,
        op: BinaryOp,
        (left, left_expr): (&Value, &Expr),
        (right, right_expr): (&Value, &Expr),
        whole: &Expr,
    ) -> Value {
        if let Some(cmp) = comparison(op) {
            if let Some(pred) = self.compare_pointers(
                state,
                frame,
                op,
                (left, left_expr),
                (right, right_expr),
                whole,
            ) {
                return Value::Pred(pred);
            }
            if let (Value::Num(a), Value::Num(b)) = (left, right) {
                self.result_used(frame, a, Some((cmp, b)), whole.span);
                self.result_used(frame, b, Some((cmp.swap(), a)), whole.span);
                return truth(a.scalar.decide(cmp, b.scalar));
            }
            return truth(None);
        }
        match (left, right, op) {
            (Value::Ptr(ptr), other, BinaryOp::Add | BinaryOp::Sub)
                if !matches!(other, Value::Ptr(_)) =>
            {
                self.pointer_arithmetic(
                    state,
                    frame,
                    (ptr, left_expr),
                    other,
                    op == BinaryOp::Sub,
                    whole.span,
                )
            }
            (other, Value::Ptr(ptr), BinaryOp::Add) if !matches!(other, Value::Ptr(_)) => {
                self.pointer_arithmetic(state, frame, (ptr, right_expr), other, false, whole.span)
            }
            (Value::Num(a), Value::Num(b), _) => {
                let num = self.arithmetic(op, a, b);
                self.convert(Value::Num(num), &whole.ty)
            }
            (Value::Ptr(_), _, _) | (_, Value::Ptr(_), _) => Value::Num(Num::top()),
            _ => typed(&whole.ty),
        }
    }

    fn pointer_arithmetic(
        &mut self,
        state: &mut State,
        frame: FrameId,
        (ptr, expr): (&Ptr, &Expr),
        count: &Value,
        negative: bool,
        span: Span,
    ) -> Value {
        let size = match expr.ty.target() {
            Some(Ty::Void) => Some(1),
            Some(target) => self.sema.size_of(target),
            // A pointer kept in an integer moves by bytes.
            None => Some(1),
        };
        let count = count.num();
        if count.as_constant() != Some(0) {
            let at = self.interner.event(frame, span);
            self.check_arithmetic(state, ptr, expr.span, at);
        }
        Value::Ptr(self.advance(ptr, &count, size, negative))
    }

    fn arithmetic(&mut self, op: BinaryOp, a: &Num, b: &Num) -> Num {
        let (x, y) = (a.scalar, b.scalar);
        let (scalar, lin) = match op {
            BinaryOp::Add => (x + y, self.linear(a, b, 1)),
            BinaryOp::Sub => (x - y, self.linear(a, b, -1)),
            BinaryOp::Mul => (x * y, scaled(a, b).or_else(|| scaled(b, a))),
            BinaryOp::Shl => {
                let factor = b
                    .as_constant()
                    .filter(|n| (0..32).contains(n))
                    .map(|n| Num::constant(1_i128 << n));
                (x << y, factor.and_then(|factor| scaled(a, &factor)))
            }
            BinaryOp::Shr => (x >> y, None),
            BinaryOp::Div => (x / y, None),
            BinaryOp::Rem => (x % y, None),
            BinaryOp::BitAnd => (x & y, None),
            BinaryOp::BitOr => (x | y, None),
            BinaryOp::BitXor => (x ^ y, None),
            _ => (Scalar::TOP, None),
        };
        let lin = lin.or_else(|| {
            let symbol = Sym::Op(op, a.lin.clone()?, b.lin.clone()?);
            Some(Lin::symbol(self.interner.computed(symbol)?))
        });
        match scalar.as_constant() {
            Some(value) => Num::constant(value),
            None => Num { scalar, lin },
        }
    }

    fn linear(&self, a: &Num, b: &Num, factor: i64) -> Option<Lin> {
        a.lin.as_ref()?.add_scaled(b.lin.as_ref()?, factor)
    }

    /// `p == NULL`, `p == buf` and their negations.
    fn compare_pointers(
        &mut self,
        state: &mut State,
        frame: FrameId,
        op: BinaryOp,
        (left, left_expr): (&Value, &Expr),
        (right, right_expr): (&Value, &Expr),
        whole: &Expr,
    ) -> Option<Pred> {
        let negated = match op {
            BinaryOp::Eq => false,
            BinaryOp::Ne => true,
            _ => return None,
        };
        let slice_of = |interp: &Self, value: &Value| match interp.question(value) {
            Some(Pred { slice, question: Question::NonNull, negated: false })
                if value.as_ptr().is_some() =>
            {
                Some(slice)
            }
            _ => None,
        };
        let (slice, ptr, other, other_expr) = match (slice_of(self, left), slice_of(self, right)) {
            (Some(slice), None) => (slice, left.as_ptr()?, right, right_expr),
            (None, Some(slice)) => (slice, right.as_ptr()?, left, left_expr),
            _ => return None,
        };
        if other.as_constant() == Some(0) {
            return Some(Pred { slice, question: Question::NonNull, negated: !negated });
        }
        let other = other.as_ptr()?;
        let at = self.interner.event(frame, whole.span);
        let info = state.slices.get_mut(&slice)?;
        let moved = ptr.bytes.as_constant();
        match &info.buffer {
            Buffer::Known(buffer) if buffer.obj == other.obj => {
                let bytes = (other.bytes.as_constant(), buffer.bytes.as_constant(), moved);
                if let (Some(theirs), Some(own), Some(moved)) = bytes
                    && theirs - own != moved
                {
                    self.foreign_comparison(state, slice, other_expr.span, at);
                    return None;
                }
                info.compared = Some(at);
                Some(Pred { slice, question: Question::IsBuffer, negated })
            }
            Buffer::Unknown => {
                info.compared = Some(at);
                Some(Pred { slice, question: Question::IsBuffer, negated })
            }
            Buffer::Known(_) | Buffer::None => {
                let memory = matches!(
                    self.interner.object_kind(other.obj),
                    ObjKind::Local(..) | ObjKind::Global(_) | ObjKind::MapValue(_)
                );
                if memory && info.kind != crate::state::SliceKind::Data {
                    self.foreign_comparison(state, slice, other_expr.span, at);
                }
                None
            }
        }
    }

    /// The write-back that the comparison guards is then not judged by itself.
    fn foreign_comparison(&mut self, state: &mut State, slice: EventId, other: Span, at: EventId) {
        if let Some(info) = state.slices.get_mut(&slice) {
            info.dirty = None;
            info.escaped = true;
        }
        if let Some(slice) = self.slice_view(state, slice) {
            self.observe(at, Fact::ForeignComparison { slice, other });
        }
    }

    /// Tells the rules that a call's result is compared; without `against`, used as a condition.
    pub(crate) fn result_used(
        &mut self,
        frame: FrameId,
        num: &Num,
        against: Option<(domains::Comparison, &Num)>,
        span: Span,
    ) {
        let Some(lin) = &num.lin else { return };
        let [(symbol, 1)] = lin.terms[..] else { return };
        if lin.constant != 0 {
            return;
        }
        let Sym::Result(call) = *self.interner.symbol_of(symbol) else { return };
        let (op, other) = match against {
            Some((op, other)) => (op, other.scalar),
            None => (domains::Comparison::Ne, Scalar::constant(0)),
        };
        // A result handed up through callers is often mixed with verdicts: only its own function asks
        // about the result itself.
        if self.interner.event_of(call).frame != frame {
            return;
        }
        let at = self.interner.event(frame, span);
        self.result_compared(call, op, other, against.is_none(), at);
    }
}

fn scaled(a: &Num, factor: &Num) -> Option<Lin> {
    let factor = i64::try_from(factor.as_constant()?).ok()?;
    Lin::constant(0).add_scaled(a.lin.as_ref()?, factor)
}

/// 1, 0 or one of them.
pub(crate) fn truth(known: Option<bool>) -> Value {
    match known {
        Some(value) => Value::Num(Num::constant(i128::from(value))),
        None => Value::Num(Num::of(Scalar::range(0, 1).unwrap_or(Scalar::TOP))),
    }
}

/// Any value of a type.
pub(crate) fn typed(ty: &Ty) -> Value {
    match ty {
        Ty::Int { bits, signed } if *bits <= 64 => {
            Value::Num(Num::of(Scalar::from_type(u32::from(*bits), *signed)))
        }
        Ty::Bool => truth(None),
        _ => Value::Unknown,
    }
}

/// Whether a slice is certainly the buffer or certainly not, from what a state knows.
pub(crate) fn holds(state: &State, pred: Pred) -> Option<bool> {
    let slice = state.slices.get(&pred.slice)?;
    let known = match pred.question {
        Question::NonNull => match slice.null {
            Tri::Yes => Some(false),
            Tri::No => Some(true),
            Tri::Maybe => None,
        },
        Question::IsBuffer => match slice.alias {
            Alias::Is => Some(true),
            Alias::Not => Some(false),
            Alias::Maybe => None,
        },
    };
    known.map(|known| known != pred.negated)
}

/// The first byte of an object.
pub(crate) fn at_start(ptr: &Ptr) -> bool {
    ptr.path == ROOT_PATH && ptr.bytes.as_constant() == Some(0)
}
