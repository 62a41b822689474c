//! Where on a path something can be inserted that has to come after a store.

use flow::Fact;
use flow::observe::{Kinds, SliceView};
use syntax::ast::{ExprKind, Function, Stmt, StmtKind, Type};
use text::Span;

use super::seat::{Seat, Standing, all_stmts};
use crate::RuleCx;

/// A place to insert statements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// Behind a statement.
    After(Seat<'a>),
    /// In front of a `return`, or of the brace that ends a function.
    Leaving(Span),
}

impl Place<'_> {
    /// What leaves behind the place.
    pub(crate) fn leave(&self) -> Option<Span> {
        match self {
            Place::After(_) => None,
            Place::Leaving(leave) => Some(*leave),
        }
    }

    /// Where the inserted statements run.
    pub(crate) fn at(&self) -> u32 {
        match self {
            Place::After(seat) => seat.span().end,
            Place::Leaving(leave) => leave.start,
        }
    }
}

impl<'a> RuleCx<'a> {
    /// Where a slice is to be written back after `store` on the way to `leave`; without `leave`, to whatever end.
    ///
    /// That is behind the last store, as far out as nothing leads past it, but inside what makes the slice; or, where
    /// the slice is used again on the way, in front of what leaves. A write to an skb ends the life of all its slices,
    /// so there no use may follow.
    pub(crate) fn write_back_places(
        &self,
        slice: &SliceView,
        store: Span,
        leave: Option<Span>,
    ) -> Vec<Place<'a>> {
        let Some(function) = self.function_at(slice.call.span) else { return Vec::new() };
        if !function.span.contains(store) {
            return Vec::new();
        }
        let in_skb = slice.kinds.any(Kinds::SKB);
        let uses: Vec<Span> = self.uses(function, slice, in_skb);
        let used_later = |seat: &Seat<'_>| {
            let later = |at: &Span| {
                at.start >= seat.span().end && leave.is_none_or(|leave| at.end <= leave.end)
            };
            uses.iter().any(|at| later(at) && !excludes(function, store, *at))
        };
        if let Some(seat) = self.behind(slice, store, leave, &uses).filter(|seat| !used_later(seat))
        {
            return vec![Place::After(seat)];
        }
        let ends = self.ends_of(slice, store, leave);
        let all = !ends.is_empty() && ends.iter().all(|end| self.comes_by(slice.call.span, *end));
        if all { ends.into_iter().map(Place::Leaving).collect() } else { Vec::new() }
    }

    /// The ends of the paths from a store.
    pub(crate) fn ends_of(&self, slice: &SliceView, store: Span, leave: Option<Span>) -> Vec<Span> {
        match (leave, self.function_at(slice.call.span)) {
            (Some(leave), _) => vec![leave],
            (None, Some(function)) => self.ends_after(function, store),
            (None, None) => Vec::new(),
        }
    }

    /// The outermost statement that a store is in and that control leaves at its end, and the last one of its list
    /// with a use.
    fn behind(
        &self,
        slice: &SliceView,
        store: Span,
        leave: Option<Span>,
        uses: &[Span],
    ) -> Option<Seat<'a>> {
        let seats = self.seats(store);
        let seat = seats.iter().find(|seat| {
            let span = seat.span();
            !span.contains(slice.call.span)
                && leave.is_none_or(|leave| !span.contains(leave))
                && !jumps_out(seat, store)
                && can_be_followed(seat)
        })?;
        // The next round would use a slice that the write has made stale.
        let goes_round = seats.iter().any(|outer| {
            let span = outer.span();
            outer.is_loop() && span.contains(seat.span()) && !span.contains(slice.call.span)
        });
        let stale = goes_round && slice.kinds.any(Kinds::SKB);
        (!stale).then(|| self.last_of(*seat, leave, uses))
    }

    /// The ends that a function has behind a place, other than those with which it gives up.
    fn ends_after(&self, function: &Function, place: Span) -> Vec<Span> {
        let stmts = all_stmts(&function.body.stmts);
        let leaving = stmts.iter().filter_map(|seat| match &seat.stmt.kind {
            StmtKind::Return(value)
                if !value.as_ref().is_some_and(|value| self.is_failure(value)) =>
            {
                Some(seat.span())
            }
            _ => None,
        });
        let reached = |end: &Span| end.start >= place.end && !excludes(function, place, *end);
        let mut ends: Vec<Span> = leaving.filter(reached).collect();
        let last = function.body.stmts.last();
        let returns = last.is_some_and(|last| matches!(last.kind, StmtKind::Return(_)));
        if function.ret == Type::Named("void".into()) && !returns {
            ends.push(Span::new(function.span.end.saturating_sub(1), function.span.end));
        }
        ends
    }

    /// Whether every path to the end of a function has come by a call before.
    fn comes_by(&self, call: Span, end: Span) -> bool {
        let Some(function) = self.function_at(call) else { return false };
        let seats = self.seats(call);
        let Some(seat) = seats.iter().rev().find(|seat| seat.standing != Standing::Alone) else {
            return false;
        };
        let gotos = all_stmts(&function.body.stmts);
        let from_before = |label: &str| {
            gotos.iter().any(|seat| {
                matches!(&seat.stmt.kind, StmtKind::Goto(to) if to == label)
                    && seat.span().start < call.start
            })
        };
        let entered = |stmt: &Stmt| {
            all_stmts(std::slice::from_ref(stmt)).iter().any(
                |seat| matches!(&seat.stmt.kind, StmtKind::Label { name, .. } if from_before(name)),
            )
        };
        let mut after = seat.followers().iter().take_while(|stmt| !entered(stmt));
        let brace = end.end == function.span.end;
        match brace {
            true => seats.len() == 1 && after.count() == seat.followers().len(),
            false => after.any(|stmt| stmt.span.contains(end)),
        }
    }

    /// Moves on to the last statement of the list with a use.
    fn last_of(&self, seat: Seat<'a>, leave: Option<Span>, uses: &[Span]) -> Seat<'a> {
        let mut last = seat;
        if seat.standing == Standing::Alone {
            return seat;
        }
        for stmt in seat.followers() {
            let next = Seat { stmt, standing: Standing::Listed, ..seat };
            let reached = leave.is_none_or(|leave| leave.start >= stmt.span.end);
            if !reached || self.diverts(&next, leave.is_some()) {
                break;
            }
            if can_be_followed(&next) && uses.iter().any(|at| stmt.span.contains(*at)) {
                last = next;
            }
        }
        last
    }

    /// Whether a jump anywhere in a statement leads past what follows. A `return` is another path, which has a place
    /// of its own; one that gives up on the packet needs none.
    fn diverts(&self, seat: &Seat<'_>, by_path: bool) -> bool {
        let inside = all_stmts(std::slice::from_ref(seat.stmt));
        let passes = |jump: &Seat<'_>| match &jump.stmt.kind {
            StmtKind::Return(value) => {
                by_path || value.as_ref().is_some_and(|value| self.is_failure(value))
            }
            _ => !escapes(jump, &inside),
        };
        !inside.iter().all(passes) || matches!(seat.stmt.kind, StmtKind::Label { .. })
    }

    /// Stores through the slice, and where a write makes slices stale, all uses of slices in the function.
    fn uses(&self, function: &Function, slice: &SliceView, all: bool) -> Vec<Span> {
        let uses = self.facts().filter_map(|(observation, fact)| match fact {
            Fact::Access(access) => {
                let stores = access.write && access.slice.call == slice.call;
                (all || stores).then_some(observation.span)
            }
            _ => None,
        });
        uses.filter(|at| function.span.contains(*at)).collect()
    }
}

/// Whether lines can be put behind a statement without changing much of its shape.
fn can_be_followed(seat: &Seat<'_>) -> bool {
    match seat.stmt.kind {
        StmtKind::Case { .. } | StmtKind::Default { .. } => false,
        StmtKind::Return(_) | StmtKind::Goto(_) | StmtKind::Break | StmtKind::Continue => false,
        StmtKind::Expr(_) => true,
        _ => seat.standing != Standing::Alone,
    }
}

/// Whether control may leave a statement other than through its end once it has come by `after`.
fn jumps_out(seat: &Seat<'_>, after: Span) -> bool {
    let inside = all_stmts(std::slice::from_ref(seat.stmt));
    // A store in a loop is followed by all of the loop.
    let around = inside.iter().filter(|seat| seat.is_loop() && seat.span().contains(after));
    let from = around.map(|seat| seat.span().start).min();
    inside.iter().any(|jump| {
        let later = jump.span().end > from.unwrap_or(after.end);
        let other_branch = from.is_none() && in_other_branch(&inside, after, jump.span());
        later && !other_branch && escapes(jump, &inside)
    })
}

/// Whether no path of a function comes by both places.
fn excludes(function: &Function, first: Span, second: Span) -> bool {
    let inside = all_stmts(&function.body.stmts);
    let looped = inside
        .iter()
        .any(|seat| seat.is_loop() && seat.span().contains(first) && seat.span().contains(second));
    !looped && in_other_branch(&inside, first, second)
}

fn in_other_branch(inside: &[Seat<'_>], first: Span, second: Span) -> bool {
    inside.iter().any(|seat| match &seat.stmt.kind {
        StmtKind::If { then, els: Some(els), .. } => {
            then.span.contains(first) && els.span.contains(second)
        }
        _ => false,
    })
}

/// Whether a statement is a jump that leads out of what holds all of `inside`.
fn escapes(jump: &Seat<'_>, inside: &[Seat<'_>]) -> bool {
    let within = |stops: fn(&Seat<'_>) -> bool| {
        inside.iter().any(|outer| stops(outer) && outer.span().contains(jump.span()))
    };
    match &jump.stmt.kind {
        StmtKind::Return(_) | StmtKind::Goto(_) => true,
        StmtKind::Break => {
            !within(|seat| seat.is_loop() || matches!(seat.stmt.kind, StmtKind::Switch { .. }))
        }
        StmtKind::Continue => !within(|seat| seat.is_loop()),
        StmtKind::Expr(Some(expr)) => matches!(&expr.kind, ExprKind::StmtExpr(_)),
        _ => false,
    }
}
