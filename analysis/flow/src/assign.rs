//! Assignments: what a store makes of memory, of dynptrs and of names.

use sema::Ty;
use smol_str::SmolStr;

use crate::checksum::CHECKSUMMED;
use crate::eval::typed;
use crate::interp::Interp;
use crate::mir::{Expr, ExprKind, Place, Proj};
use crate::observe::Fact;
use crate::state::{Buffer, State, Status};
use crate::value::{EventId, FrameId, Key, Num, ObjKind, Ptr, ROOT_PATH, Value};

impl Interp<'_> {
    /// `place = value`.
    pub(crate) fn assign(
        &mut self,
        state: &mut State,
        frame: FrameId,
        place: &Place,
        value: &Expr,
        at: EventId,
    ) {
        if self.assign_record(state, frame, place, value, at) {
            return;
        }
        let new = self.eval(state, frame, value);
        let new = match &place.ty {
            Ty::Int { .. } => self.convert(new, &place.ty),
            _ => new,
        };
        let new = self.number_stored(state, frame, place, value, new);
        self.name_slice(state, frame, place, &new);
        let Some(ptr) = self.resolve(state, frame, place) else {
            self.escape(state, &new);
            return;
        };
        let size = self.sema.size_of(&place.ty).map(i128::from);
        self.access(state, &ptr, size, true, at);
        self.note_header_store(state, &ptr, place, at);
        self.buffer_write(state, &ptr, size, None, at);
        if !matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..)) {
            self.escape(state, &new);
        }
        self.overwrite_dynptrs(state, &ptr, at);
        state
            .unread
            .retain(|key, _| key.0 != ptr.obj || !self.interner.path_within(key.1, ptr.path));
        self.store(state, &ptr, new, at);
    }

    /// A slice pointer stored as a number outside the stack leaves the program.
    fn number_stored(
        &mut self,
        state: &mut State,
        frame: FrameId,
        place: &Place,
        value: &Expr,
        new: Value,
    ) -> Value {
        let Value::Ptr(ptr) = &new else { return new };
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return new };
        let target = self.resolve_quietly(state, frame, place);
        let on_stack = target.is_some_and(|target| {
            matches!(self.interner.object_kind(target.obj), ObjKind::Local(..))
        });
        if on_stack || !matches!(place.ty, Ty::Int { .. }) {
            return new;
        }
        if let Some(slice) = self.slice_view(state, id) {
            let at = self.interner.event(frame, value.span);
            self.observe(at, Fact::AddressLeaked { slice });
        }
        typed(&place.ty)
    }

    /// Puts a value into memory.
    pub(crate) fn store(&mut self, state: &mut State, ptr: &Ptr, value: Value, at: EventId) {
        if self.interner.has_any_elem(ptr.path) {
            state.forget(&self.interner, ptr.obj, ROOT_PATH, at);
            return;
        }
        state.mem.retain(|key, _| {
            key.0 != ptr.obj || key.1 == ptr.path || !self.interner.path_within(key.1, ptr.path)
        });
        if value == Value::Unknown {
            state.mem.remove(&ptr.key());
            state.versions.insert(ptr.obj, at);
        } else {
            state.mem.insert(ptr.key(), value);
        }
    }

    /// The first variable a slice pointer is assigned to gives it its name.
    fn name_slice(&mut self, state: &State, frame: FrameId, place: &Place, value: &Value) {
        let Some(ptr) = value.as_ptr() else { return };
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return };
        if ptr.path != ROOT_PATH {
            return;
        }
        let foreign = self.mute(frame);
        if let Some(site) = self.sites.get_mut(&id)
            && site.shown.is_empty()
            && !foreign
        {
            site.shown = place.span.text(&self.text).into();
        }
        if self.interner.event_of(id).frame != frame {
            return;
        }
        let buffer_ty = match state.slices.get(&id).map(|slice| &slice.buffer) {
            Some(Buffer::Known(buffer)) => self.object_type(buffer.obj, buffer.path),
            _ => None,
        };
        let needs_cast = match (place.ty.target(), &buffer_ty) {
            (Some(Ty::Void), _) | (_, Some(Ty::Void)) => false,
            (Some(to), Some(ty)) => to != ty && ty.target() != Some(to),
            _ => true,
        };
        let record = match place.ty.target() {
            Some(Ty::Record(record)) => record.name().map(SmolStr::from),
            _ => None,
        };
        let name = self.variable_name(frame, place);
        if let Some(site) = self.sites.get_mut(&id)
            && site.name.is_empty()
        {
            site.name = name;
            site.result_record = record;
            site.needs_cast = needs_cast;
        }
    }

    /// The name of a local variable; empty for anything else.
    fn variable_name(&self, frame: FrameId, place: &Place) -> SmolStr {
        match &place.base {
            crate::mir::PlaceBase::Local(local) if place.proj.is_empty() => {
                self.interner.frame(frame).body.locals[local.0 as usize].name.clone()
            }
            _ => SmolStr::default(),
        }
    }

    fn note_header_store(&mut self, state: &mut State, ptr: &Ptr, place: &Place, at: EventId) {
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return };
        let Some(Proj::Field { name, record: Some(record), .. }) = place.proj.last() else {
            return;
        };
        if CHECKSUMMED.contains(&record.as_str())
            && let Some(slice) = state.slices.get_mut(&id)
        {
            slice.header_store.get_or_insert_with(|| (at, record.clone(), name.clone()));
        }
    }

    /// Structures are copied part by part.
    fn assign_record(
        &mut self,
        state: &mut State,
        frame: FrameId,
        place: &Place,
        value: &Expr,
        at: EventId,
    ) -> bool {
        let ExprKind::Load(source) = &value.without_casts().kind else { return false };
        let Ty::Record(record) = &source.ty else { return false };
        let from = self.resolve(state, frame, source);
        let to = self.resolve(state, frame, place);
        let size = self.sema.size_of(&source.ty).map(i128::from);
        if let Some(from) = &from {
            self.access(state, from, size, false, at);
            self.buffer_read(state, from, size, at);
            self.unread_read(state, from, at);
        }
        if let Some(to) = &to {
            self.access(state, to, size, true, at);
            self.buffer_write(state, to, size, None, at);
        }
        let (Some(from), Some(to)) = (from, to) else { return true };
        if record.name() == Some("bpf_dynptr") {
            self.copy_dynptr(state, &from, &to, (place, source), at);
        } else {
            self.copy_parts(state, &from, &to, at);
        }
        true
    }

    fn copy_dynptr(
        &mut self,
        state: &mut State,
        from: &Ptr,
        to: &Ptr,
        (place, source): (&Place, &Place),
        at: EventId,
    ) {
        let live =
            state.dynptrs.get(&from.key()).is_some_and(|dynptr| dynptr.status == Status::Live);
        if live {
            let named =
                matches!(place.base, crate::mir::PlaceBase::Local(_)) && place.proj.is_empty();
            let fact = Fact::DynptrCopied { to: named.then_some(place.span), from: source.span };
            self.observe(at, fact);
        }
        if let Some(dynptr) = state.dynptrs.get(&from.key()).cloned() {
            // The kernel stops at the copy; what follows is not the author's second mistake.
            state
                .dynptrs
                .insert(to.key(), crate::state::Dynptr { status: Status::Copied, ..dynptr });
        }
    }

    /// Copies what is known of a structure, dynptrs in it included.
    pub(crate) fn copy_parts(&mut self, state: &mut State, from: &Ptr, to: &Ptr, at: EventId) {
        self.store(state, to, Value::Unknown, at);
        let cells: Vec<(Key, Value)> = state
            .mem
            .iter()
            .filter(|(key, _)| key.0 == from.obj && self.interner.path_within(key.1, from.path))
            .map(|(key, value)| (*key, value.clone()))
            .collect();
        for (key, value) in cells {
            let path = self.rebase(key.1, from.path, to.path);
            state.mem.insert((to.obj, path), value);
        }
        let dynptrs: Vec<_> = state
            .dynptrs
            .iter()
            .filter(|(key, _)| key.0 == from.obj && self.interner.path_within(key.1, from.path))
            .map(|(key, dynptr)| (*key, dynptr.clone()))
            .collect();
        for (key, dynptr) in dynptrs {
            let path = self.rebase(key.1, from.path, to.path);
            state.dynptrs.insert((to.obj, path), dynptr);
        }
    }

    fn rebase(
        &mut self,
        path: crate::value::PathId,
        from: crate::value::PathId,
        to: crate::value::PathId,
    ) -> crate::value::PathId {
        if path == from {
            return to;
        }
        match self.interner.path_parent(path).map(|(parent, step)| (parent, step.clone())) {
            Some((parent, step)) => {
                let parent = self.rebase(parent, from, to);
                self.interner.path(parent, step)
            }
            None => to,
        }
    }

    /// `= {}` and the like.
    pub(crate) fn zero(&mut self, state: &mut State, frame: FrameId, place: &Place, at: EventId) {
        let Some(ptr) = self.resolve(state, frame, place) else { return };
        let size = self.sema.size_of(&place.ty).map(i128::from);
        self.access(state, &ptr, size, true, at);
        self.buffer_write(state, &ptr, size, None, at);
        self.overwrite_dynptrs(state, &ptr, at);
        state.forget(&self.interner, ptr.obj, ptr.path, at);
        // Nothing unknown was written: a dynptr in there is still to be made.
        if ptr.path == ROOT_PATH && matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..))
        {
            state.versions.remove(&ptr.obj);
        }
        // Initialised memory is not garbage: a read that fails leaves zeroes there.
        state.mem.insert(ptr.key(), Value::Num(Num::constant(0)));
    }

    /// A store goes over the slots of a dynptr.
    pub(crate) fn overwrite_dynptrs(&mut self, state: &mut State, ptr: &Ptr, at: EventId) {
        let hit: Vec<Key> = state
            .dynptrs
            .keys()
            .filter(|key| key.0 == ptr.obj && self.interner.paths_overlap(key.1, ptr.path))
            .copied()
            .collect();
        for key in hit {
            let inside = self.interner.path_within(ptr.path, key.1) || ptr.path == key.1;
            let Some(dynptr) = state.dynptrs.get_mut(&key) else { continue };
            if dynptr.status != Status::Live || !inside && self.interner.has_any_elem(ptr.path) {
                continue;
            }
            let reference = dynptr.reference.filter(|id| {
                state
                    .references
                    .get(id)
                    .is_some_and(|reference| reference.released.is_none() && !reference.excused)
            });
            match reference {
                Some(id) => {
                    let reserve = self.interner.visible(id);
                    self.observe(at, Fact::ReferencedOverwritten { reserve });
                    if let Some(reference) = state.references.get_mut(&id) {
                        reference.excused = true;
                    }
                }
                None => dynptr.status = Status::Destroyed { at },
            }
        }
    }
}
