//! What a condition tells on each of its sides.

use domains::{Comparison, Scalar};

use crate::eval::holds;
use crate::interp::Interp;
use crate::mir::{BlockId, Expr, ExprKind};
use crate::observe::{SliceKind, Tri};
use crate::state::{Alias, State};
use crate::value::{FrameId, Key, Num, ObjKind, Pred, Ptr, Question, Sym, Value, comparison};

impl Interp<'_> {
    /// The states in which a condition holds and in which it does not.
    pub(crate) fn branch(
        &mut self,
        mut state: State,
        frame: FrameId,
        cond: &Expr,
    ) -> (Option<State>, Option<State>) {
        let cond = cond.without_casts();
        if let ExprKind::Unary(syntax::ast::UnaryOp::Not, inner) = &cond.kind {
            let (yes, no) = self.branch(state, frame, inner);
            return (no, yes);
        }
        if let ExprKind::Binary(op, left, right) = &cond.kind
            && let Some(cmp) = comparison(*op)
        {
            return self.branch_on_comparison(state, frame, cmp, (left, right), cond);
        }
        let value = self.eval(&mut state, frame, cond);
        if let Some(pred) = self.question(&value) {
            return self.split(state, pred);
        }
        match value {
            Value::Num(num) => {
                self.result_used(frame, &num, None, cond.span);
                let zero = Num::constant(0);
                self.refine(state, frame, Comparison::Ne, (cond, &num), (cond, &zero))
            }
            Value::Ptr(ptr) if self.is_address(&ptr) => (Some(state), None),
            _ => (Some(state.clone()), Some(state)),
        }
    }

    /// Whether a pointer is the address of a variable, which is never NULL.
    fn is_address(&self, ptr: &Ptr) -> bool {
        matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..) | ObjKind::Global(_))
    }

    fn branch_on_comparison(
        &mut self,
        mut state: State,
        frame: FrameId,
        cmp: Comparison,
        (left, right): (&Expr, &Expr),
        cond: &Expr,
    ) -> (Option<State>, Option<State>) {
        let ExprKind::Binary(op, ..) = cond.kind else { return (Some(state.clone()), Some(state)) };
        let a = self.eval(&mut state, frame, left);
        let b = self.eval(&mut state, frame, right);
        let whole = self.binary(&mut state, frame, op, (&a, left), (&b, right), cond);
        if let Value::Pred(pred) = whole {
            return self.split(state, pred);
        }
        match (&a, &b) {
            (Value::Ptr(ptr), Value::Num(null))
                if null.as_constant() == Some(0) && self.is_address(ptr) =>
            {
                match cmp {
                    Comparison::Eq => (None, Some(state)),
                    Comparison::Ne => (Some(state), None),
                    _ => (Some(state.clone()), Some(state)),
                }
            }
            (Value::Num(a), Value::Num(b)) => self.refine(state, frame, cmp, (left, a), (right, b)),
            (Value::Pred(pred), Value::Num(num)) if num.as_constant() == Some(0) => match cmp {
                Comparison::Eq => self.split(state, Pred { negated: !pred.negated, ..*pred }),
                Comparison::Ne => self.split(state, *pred),
                _ => (Some(state.clone()), Some(state)),
            },
            _ => (Some(state.clone()), Some(state)),
        }
    }

    fn refine(
        &mut self,
        mut state: State,
        frame: FrameId,
        cmp: Comparison,
        (left, a): (&Expr, &Num),
        (right, b): (&Expr, &Num),
    ) -> (Option<State>, Option<State>) {
        let left_cell = self.cell(&mut state, frame, left, a);
        let right_cell = self.cell(&mut state, frame, right, b);
        let side = |cmp: Comparison| -> Option<State> {
            let (Some(x), Some(y)) = a.scalar.refine(cmp, b.scalar) else { return None };
            let mut state = state.clone();
            for (cell, num, scalar) in [(left_cell, a, x), (right_cell, b, y)] {
                self.reservation_known(&mut state, num, scalar);
                if let Some(cell) = cell
                    && scalar != num.scalar
                {
                    let known = match scalar.as_constant() {
                        Some(value) => Num::constant(value),
                        None => Num { scalar, lin: num.lin.clone() },
                    };
                    state.mem.insert(cell, Value::Num(known));
                }
            }
            Some(state)
        };
        (side(cmp), side(cmp.negate()))
    }

    /// A reservation whose result is known to be an error, or not, has left a null dynptr, or has not.
    fn reservation_known(&self, state: &mut State, num: &Num, result: Scalar) {
        let Some([(symbol, 1)]) =
            num.lin.as_ref().filter(|lin| lin.constant == 0).map(|lin| &lin.terms[..])
        else {
            return;
        };
        let Sym::Result(call) = *self.interner.symbol_of(*symbol) else { return };
        if !state.references.contains_key(&call) {
            return;
        }
        let failed = !result.contains(0);
        if !failed && result.as_constant() != Some(0) {
            return;
        }
        if let Some(reference) = state.references.get_mut(&call) {
            reference.failed = failed;
        }
        for dynptr in state.dynptrs.values_mut().filter(|dynptr| dynptr.made == Some(call)) {
            dynptr.null = if failed { Tri::Yes } else { Tri::No };
        }
    }

    /// The memory cell an operand was loaded from, if its value is still the operand's.
    fn cell(&mut self, state: &mut State, frame: FrameId, expr: &Expr, num: &Num) -> Option<Key> {
        let ExprKind::Load(place) = &expr.without_casts().kind else { return None };
        if let crate::mir::PlaceBase::Deref(pointer) = &place.base
            && !matches!(pointer.without_casts().kind, ExprKind::Load(_))
        {
            return None;
        }
        let ptr = self.resolve_quietly(state, frame, place)?;
        match state.mem.get(&ptr.key()) {
            Some(Value::Num(stored)) if stored == num => Some(ptr.key()),
            _ => None,
        }
    }

    /// Both sides of a question about a slice.
    pub(crate) fn split(&mut self, state: State, pred: Pred) -> (Option<State>, Option<State>) {
        let known = holds(&state, pred);
        let yes = (known != Some(false)).then(|| settle(state.clone(), pred, true));
        let no = (known != Some(true)).then(|| settle(state, pred, false));
        (yes, no)
    }

    pub(crate) fn switch(
        &mut self,
        mut state: State,
        frame: FrameId,
        value: &Expr,
        cases: &[(i128, i128, BlockId)],
        default: BlockId,
        send: &mut dyn FnMut(BlockId, State),
    ) {
        let num = self.eval(&mut state, frame, value).num();
        let cell = self.cell(&mut state, frame, value, &num);
        let mut rest = num.scalar;
        for (low, high, target) in cases {
            let range = Scalar::range(*low, *high).unwrap_or(Scalar::TOP);
            let Some(met) = num.scalar.meet(range) else { continue };
            let mut taken = state.clone();
            if let (Some(cell), Some(constant)) = (cell, met.as_constant()) {
                taken.mem.insert(cell, Value::Num(Num::constant(constant)));
            }
            send(*target, taken);
            if low == high
                && let (Some(left), _) = rest.refine(Comparison::Ne, Scalar::constant(*low))
            {
                rest = left;
            } else if low == high {
                return;
            }
        }
        let unknown = cases.iter().any(|(low, _, _)| *low == i128::MIN);
        let covered = num
            .as_constant()
            .is_some_and(|value| cases.iter().any(|(l, h, _)| *l <= value && value <= *h));
        if unknown || !covered {
            send(default, state);
        }
    }
}

/// The state in which the answer to a question is known.
fn settle(mut state: State, pred: Pred, truth: bool) -> State {
    let answer = truth != pred.negated;
    let Some(slice) = state.slices.get_mut(&pred.slice) else { return state };
    match (pred.question, answer) {
        (Question::NonNull, true) => slice.null = Tri::No,
        (Question::NonNull, false) => {
            let is_news = slice.null == Tri::Maybe;
            slice.null = Tri::Yes;
            slice.alias = Alias::Not;
            slice.dirty = None;
            slice.fallback_owed |= is_news
                && slice.kind != SliceKind::Data
                && slice.buffer == crate::state::Buffer::None
                && slice.kinds.packet()
                && !slice.linear;
        }
        (Question::IsBuffer, true) => {
            slice.alias = Alias::Is;
            slice.null = Tri::No;
        }
        (Question::IsBuffer, false) => {
            slice.alias = Alias::Not;
            slice.dirty = None;
        }
    }
    state
}
