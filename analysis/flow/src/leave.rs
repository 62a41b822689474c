//! The ends of paths: what is still owed when a program or function returns.

use rustc_hash::FxHashMap;
use syntax::ast::BinaryOp;
use text::Span;

use crate::interp::{Exit, Interp};
use crate::mir::{Expr, ExprKind, PlaceBase};
use crate::observe::{CallView, Fact, LostStore, Tri, Unreleased};
use crate::state::{Alias, Buffer, Slice, State};
use crate::value::{EventId, FrameId, ObjKind, Value};

/// For each end of paths, the reservations that are held on all of them.
pub(crate) type Held = FxHashMap<Span, Vec<EventId>>;

/// What becomes of the packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is dropped, or the function reports an error: what was stored does not matter.
    Gone,
    /// It goes on, or may.
    Kept,
}

impl Interp<'_> {
    /// Reports what is owed at the exits of the root.
    pub(crate) fn leave(&mut self, exits: Vec<Exit>) {
        let frame = self.root.frame;
        let held = held_at_ends(&exits);
        for mut exit in exits {
            let at = self.interner.event(frame, exit.span);
            self.slices_returned(&exit.state, frame, &exit.value, exit.span);
            let value = exit.value.clone();
            self.escape(&mut exit.state, &value);
            self.leave_references(&exit.state, at, held.get(&exit.span));
            if self.verdict(&exit) == Verdict::Kept {
                let known = exit.value.as_constant().is_some();
                self.leave_slices(&exit.state, at, known);
            }
            self.leave_nulls(&exit.state, at);
        }
        if !self.exhausted {
            self.never_stored();
            self.old_views();
            self.partly_filled();
        }
    }

    fn verdict(&self, exit: &Exit) -> Verdict {
        let value = exit.value.as_constant();
        if self.root.is_callback {
            return Verdict::Kept;
        }
        match self.root.program {
            Some(program) if self.root.is_program => {
                let dropped = value.is_some_and(|value| {
                    program.drop_codes.iter().any(|code| i128::from(code.1) == value)
                });
                if dropped { Verdict::Gone } else { Verdict::Kept }
            }
            _ => match value {
                Some(value) if value < 0 => Verdict::Gone,
                _ if exit.expr.as_ref().is_some_and(|expr| self.names_a_drop(expr)) => {
                    Verdict::Gone
                }
                _ => Verdict::Kept,
            },
        }
    }

    /// Outside programs a verdict is known only by its name.
    fn names_a_drop(&self, expr: &Expr) -> bool {
        let text = expr.span.text(&self.text);
        ["DROP", "SHOT", "ABORTED"].iter().any(|word| text.contains(word))
    }

    fn leave_references(&mut self, state: &State, at: EventId, held: Option<&Vec<EventId>>) {
        for id in unreleased(state) {
            let Some(site) = self.sites.get(&id) else { continue };
            let same_function = self.interner.event_of(id).frame == self.root.frame;
            let failed = state.references.get(&id).is_some_and(|reference| reference.failed);
            let always = held.is_some_and(|held| held.contains(&id));
            let fact = Unreleased { call: site.view.clone(), failed, same_function, always };
            self.observe(at, Fact::Unreleased(Box::new(fact)));
        }
    }

    /// The calls that made the reservations which are held, in the order of the text.
    pub(crate) fn held(&self, state: &State) -> Vec<CallView> {
        let sites = unreleased(state).into_iter().filter_map(|id| self.sites.get(&id));
        let mut calls: Vec<CallView> = sites.map(|site| site.view.clone()).collect();
        calls.sort_by_key(|call| call.span);
        calls
    }

    /// Reservations that only variables of a function hold that returns.
    pub(crate) fn leaks_of_callee(
        &mut self,
        state: &mut State,
        frame: FrameId,
        span: Span,
        held: &Held,
    ) {
        for id in unreleased(state) {
            let mut holders =
                state.dynptrs.iter().filter(|(_, dynptr)| dynptr.reference == Some(id)).peekable();
            let dies = |key: &crate::value::Key| {
                self.interner.owner(*key).is_some_and(|owner| self.interner.is_within(owner, frame))
            };
            if holders.peek().is_none() || !holders.all(|(key, _)| dies(key)) {
                continue;
            }
            let Some(site) = self.sites.get(&id) else { continue };
            let same_function = self.interner.event_of(id).frame == frame;
            let failed = state.references.get(&id).is_some_and(|reference| reference.failed);
            let always = held.get(&span).is_some_and(|held| held.contains(&id));
            let fact = Unreleased { call: site.view.clone(), failed, same_function, always };
            let at = self.interner.event(frame, span);
            self.observe(at, Fact::Unreleased(Box::new(fact)));
            if let Some(reference) = state.references.get_mut(&id) {
                reference.excused = true;
            }
        }
    }

    /// A tail call that succeeds leaves the program with the packet as it is.
    pub(crate) fn leave_by_tail_call(&mut self, state: &State, at: EventId) {
        if self.root.is_program {
            self.leave_slices(state, at, true);
        }
    }

    /// `known` says that the verdict is a number.
    fn leave_slices(&mut self, state: &State, at: EventId, known: bool) {
        let all: Vec<(EventId, Slice)> = state
            .slices
            .iter()
            .chain(state.lost.iter())
            .map(|(id, slice)| (*id, slice.clone()))
            .collect();
        for (id, slice) in all {
            // After an error the verdict is usually a drop, decided where it cannot be followed.
            if let Some(dirty) = slice.dirty.filter(|_| !slice.failed || known) {
                self.lost_store(state, id, &slice, dirty, at);
            }
            if let Some((event, record, field)) = slice.header_store.clone()
                && !self.only_swaps(event, &record)
                && !self.deals_with_checksums(event)
            {
                self.observe(event, Fact::ChecksumForgotten { record, field });
            }
            if let (Some(event), Some(view)) = (slice.buffer_store, self.slice_view(state, id)) {
                self.observe(event, Fact::BufferUse { slice: view, write: true });
            }
        }
    }

    fn lost_store(
        &mut self,
        state: &State,
        id: EventId,
        slice: &Slice,
        dirty: EventId,
        at: EventId,
    ) {
        // Whoever called may still compare with a buffer that is its own.
        let callers_buffer = match &slice.buffer {
            Buffer::Known(buffer) => !matches!(
                self.interner.object_kind(buffer.obj),
                ObjKind::Local(..) | ObjKind::Global(_) | ObjKind::MapValue(_)
            ),
            _ => true,
        };
        if callers_buffer && !self.root.is_program {
            return;
        }
        let Some(view) = self.slice_view(state, id) else { return };
        let made_in = self.interner.event_of(id).frame;
        let last = slice.last_store.unwrap_or(dirty);
        let last_store = self.interner.seen_from(last, made_in);
        let leave = self.interner.seen_from(at, made_in);
        let body = self.frame_body(made_in);
        let fact = LostStore {
            nameable: last_store.is_some() && !view.name.is_empty(),
            last_store: last_store.unwrap_or_else(|| self.interner.visible(last)),
            // The caller leaves: in the function that made the slice that is its end.
            leave: leave
                .unwrap_or_else(|| Span::new(body.span.end.saturating_sub(1), body.span.end)),
            offset_unchanged: self.offset_unchanged(state, id, slice, made_in),
            slice: view,
        };
        self.observe(dirty, Fact::LostStore(Box::new(fact)));
    }

    /// Whether the offset argument would still name the same place.
    fn offset_unchanged(
        &mut self,
        state: &State,
        id: EventId,
        slice: &Slice,
        frame: FrameId,
    ) -> bool {
        let Some(offset) = self.sites.get(&id).and_then(|site| site.args.get(1)).cloned() else {
            return false;
        };
        if slice.view_moved.is_some() || has_effect(&offset) {
            return false;
        }
        let mut quiet = state.clone();
        let now = self.eval(&mut quiet, frame, &offset).num();
        let start = self.dynptr_at(&quiet, slice.dynptr).map(|dynptr| dynptr.start);
        let now = start.map_or_else(|| now.clone(), |start| crate::dynptr::add(&start, &now));
        matches!(now.difference(&slice.offset), Some(0))
            || matches!(offset.kind, ExprKind::Const(_) | ExprKind::SizeOf(_))
    }

    fn leave_nulls(&mut self, state: &State, at: EventId) {
        let owed: Vec<EventId> = state
            .slices
            .iter()
            .filter(|(_, slice)| slice.fallback_owed && slice.null == Tri::Yes)
            .map(|(id, _)| *id)
            .collect();
        for id in owed {
            if !self.root.fragments || !self.root.is_program {
                continue;
            }
            if let Some(slice) = self.slice_view(state, id) {
                let leave = self.interner.visible(at);
                self.observe(id, Fact::NullTakenForShort { slice, leave });
            }
        }
    }

    /// A slice handed to the caller must not point into a variable that is gone.
    pub(crate) fn slices_returned(
        &mut self,
        state: &State,
        frame: FrameId,
        value: &Value,
        span: Span,
    ) {
        if self.interner.frame(frame).caller.is_none() && self.root.is_program {
            return;
        }
        let mut handed: Vec<EventId> = Vec::new();
        let mut note = |value: &Value| {
            if let Value::Ptr(ptr) = value
                && let ObjKind::Slice(id) = self.interner.object_kind(ptr.obj)
            {
                handed.push(*id);
            }
        };
        note(value);
        for (key, value) in state.mem.iter() {
            let outlives = self
                .interner
                .owner(*key)
                .is_none_or(|owner| !self.interner.is_within(owner, frame));
            if outlives {
                note(value);
            }
        }
        for id in handed {
            let Some(slice) = state.slices.get(&id) else { continue };
            let Buffer::Known(buffer) = &slice.buffer else { continue };
            let dead = match self.interner.object_kind(buffer.obj) {
                ObjKind::Local(owner, _) => self.interner.is_within(*owner, frame),
                _ => false,
            };
            let may_point_there =
                slice.can_copy() && slice.alias != Alias::Not && slice.null != Tri::Yes;
            if !dead
                || !may_point_there
                || !self.interner.is_within(self.interner.event_of(id).frame, frame)
            {
                continue;
            }
            let Some(declared) = self.declared_at(buffer.obj) else { continue };
            if let Some(view) = self.slice_view(state, id) {
                let at = self.interner.event(frame, span);
                self.observe(at, Fact::SliceReturned { slice: view, buffer: declared });
            }
        }
    }

    fn declared_at(&self, object: crate::value::ObjId) -> Option<Span> {
        match self.interner.object_kind(object) {
            ObjKind::Local(frame, id) => {
                Some(self.interner.frame(*frame).body.locals[id.0 as usize].span)
            }
            _ => None,
        }
    }

    fn never_stored(&mut self) {
        let calls: Vec<_> = self
            .rdwr_calls
            .iter()
            .filter(|(_, entry)| !entry.2)
            .map(|(span, entry)| (*span, entry.clone()))
            .collect();
        for (span, (call, function, _)) in calls {
            self.record(crate::observe::Observation {
                function,
                span,
                program: self.root.program,
                fragments: self.root.fragments,
                fact: Fact::NeverStored { call },
            });
        }
    }

    /// A path on which nothing is left to write is told apart from a mistake by the other paths.
    fn partly_filled(&mut self) {
        for (reserve, observation) in std::mem::take(&mut self.partly_filled) {
            if !self.filled.contains(&reserve) {
                self.record(observation);
            }
        }
    }

    fn old_views(&mut self) {
        for (adjust, observation) in std::mem::take(&mut self.old_views) {
            if !self.used_views.contains(&adjust) {
                self.record(observation);
            }
        }
    }
}

/// The reservations that nothing has given back.
fn unreleased(state: &State) -> Vec<EventId> {
    let owed = state
        .references
        .iter()
        .filter(|(_, reference)| reference.released.is_none() && !reference.excused);
    owed.map(|(id, _)| *id).collect()
}

/// What is held where the paths of a function end.
pub(crate) fn held_at_ends(exits: &[Exit]) -> Held {
    let mut held = Held::default();
    for exit in exits {
        let here = unreleased(&exit.state);
        held.entry(exit.span)
            .and_modify(|known| known.retain(|id| here.contains(id)))
            .or_insert(here);
    }
    held
}

/// Whether an expression may mean something else when it is written again.
fn has_effect(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::SizeOf(_) | ExprKind::Str | ExprKind::Function(_) => false,
        ExprKind::Load(place) => match &place.base {
            // A temporary holds the result of a call or of `i++`.
            PlaceBase::Local(_) => place.span.is_empty(),
            PlaceBase::Global(_) => false,
            PlaceBase::Deref(pointer) => has_effect(pointer),
        },
        ExprKind::AddrOf(_) => false,
        ExprKind::Unary(_, inner) | ExprKind::Cast(inner) => has_effect(inner),
        ExprKind::Binary(op, left, right) => {
            matches!(op, BinaryOp::LogAnd) || has_effect(left) || has_effect(right)
        }
        ExprKind::Unknown(_) => true,
    }
}
