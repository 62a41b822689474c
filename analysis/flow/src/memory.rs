//! Reading and writing objects.

use domains::{Interval, Scalar};
use sema::Ty;
use smol_str::SmolStr;

use crate::checksum::CHECKSUMMED;
use crate::eval::typed;
use crate::interp::Interp;
use crate::mir::{Expr, ExprKind, Place, Proj};
use crate::observe::{Access, Fact, Tri};
use crate::state::{Alias, Buffer, Clobber, Slice, SliceKind, State, Status};
use crate::value::{EventId, FrameId, Key, Lin, Num, ObjId, ObjKind, Ptr, ROOT_PATH, Sym, Value};

impl Interp<'_> {
    /// The value of an object's part; reports the access.
    pub(crate) fn read(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        place: &Place,
        at: EventId,
    ) -> Value {
        self.access(state, ptr, size, false, at);
        self.buffer_read(state, ptr, size, at);
        self.unread_read(state, ptr, at);
        self.peek(state, ptr, &place.ty)
    }

    /// The value without an access.
    pub(crate) fn peek(&mut self, state: &mut State, ptr: &Ptr, ty: &Ty) -> Value {
        if let Some(value) = state.mem.get(&ptr.key()) {
            return value.clone();
        }
        if self.interner.has_any_elem(ptr.path) || matches!(ty, Ty::Record(_) | Ty::Array { .. }) {
            return typed(ty);
        }
        let version = state.versions.get(&ptr.obj).copied();
        let value = match ty {
            Ty::Int { bits, signed } if *bits <= 64 => {
                let symbol = self.interner.symbol(Sym::Memory(ptr.obj, ptr.path, version));
                let scalar = Scalar::from_type(u32::from(*bits), *signed);
                Value::Num(Num { scalar, lin: Some(Lin::symbol(symbol)) })
            }
            Ty::Pointer { .. } if self.holds_pointers(ptr.obj) && version.is_none() => {
                Value::Ptr(Ptr::to(self.interner.object(ObjKind::Pointee(ptr.obj, ptr.path))))
            }
            other => typed(other),
        };
        if value != Value::Unknown {
            state.mem.insert(ptr.key(), value.clone());
        }
        value
    }

    /// Whether a pointer read from the object for the first time names something by where it is kept:
    /// parameters and what they lead to.
    fn holds_pointers(&self, object: ObjId) -> bool {
        match self.interner.object_kind(object) {
            ObjKind::Local(frame, id) => {
                self.interner.frame(*frame).caller.is_none()
                    && (id.0 as usize) < self.interner.frame(*frame).body.params
            }
            ObjKind::Pointee(..) => self.pointee_depth(object) < 4,
            ObjKind::Global(_) | ObjKind::MapValue(_) | ObjKind::Returned(_) => true,
            ObjKind::Slice(_) | ObjKind::Packet(_) => false,
        }
    }

    fn pointee_depth(&self, object: ObjId) -> usize {
        let mut depth = 0;
        let mut object = object;
        while let ObjKind::Pointee(inner, _) = self.interner.object_kind(object) {
            depth += 1;
            object = *inner;
        }
        depth
    }

    /// Where a place is, without reporting what is read on the way.
    pub(crate) fn resolve_quietly(&mut self, state: &mut State, frame: FrameId, place: &Place) -> Option<Ptr> {
        let mut quiet = state.clone();
        self.resolve(&mut quiet, frame, place)
    }

    /// Checks an access through a pointer and notes what it means for the slice it goes through.
    pub(crate) fn access(&mut self, state: &mut State, ptr: &Ptr, size: Option<i128>, write: bool, at: EventId) {
        match self.interner.object_kind(ptr.obj).clone() {
            ObjKind::Slice(id) => self.slice_access(state, id, (ptr, size), write, at, false),
            ObjKind::Packet(_) => {
                if let Some(stale) = state.stale_packet.get(&ptr.obj).cloned() {
                    let seen = self.interner.visible(stale.at);
                    self.observe(at, Fact::StalePacketAccess { cause: stale.cause, at: seen });
                }
            }
            _ => {}
        }
    }

    /// Arithmetic on a slice pointer, which the kernel refuses before the NULL check.
    pub(crate) fn check_arithmetic(&mut self, state: &mut State, ptr: &Ptr, _pointer: text::Span, at: EventId) {
        if let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj)
            && state.slices.get(&id).is_some_and(|slice| slice.null != Tri::No)
        {
            self.slice_access(state, id, (ptr, None), false, at, true);
        }
    }

    fn slice_access(
        &mut self,
        state: &mut State,
        id: EventId,
        (ptr, size): (&Ptr, Option<i128>),
        write: bool,
        at: EventId,
        arithmetic: bool,
    ) {
        let Some(view) = self.slice_view(state, id) else { return };
        let Some(slice) = state.slices.get(&id).cloned() else { return };
        let stale = slice.stale.as_ref().map(|stale| (stale.cause.clone(), self.interner.visible(stale.at)));
        let span = self.interner.event_of(at).span;
        let access = Access {
            slice: view.clone(),
            write,
            offset: ptr.bytes,
            size,
            stale,
            pointer: span,
            arithmetic,
        };
        self.observe(at, Fact::Access(Box::new(access)));
        if arithmetic {
            return;
        }
        if let Some(clobber) = slice.clobbered {
            let used = self.interner.visible(at);
            let (event, by_slice) = match clobber {
                Clobber::Slice(event) => (event, true),
                Clobber::Store(event) => (event, false),
            };
            self.observe(event, Fact::BufferReused { slice: view.clone(), used, by_slice });
        }
        if let Some(moved) = slice.view_moved {
            let adjust = self.interner.visible(moved);
            if !self.mute(self.interner.event_of(at).frame) {
                let observation = self.observation(at, Fact::OldView { slice: view, adjust });
                self.old_views.push((adjust, observation));
            }
        }
        if write {
            self.note_store(state, id, at);
            let bytes = size.map_or(Interval::TOP, |size| {
                ptr.bytes.join(ptr.bytes + Interval::constant((size - 1).max(0)))
            });
            if let Some(slice) = state.slices.get_mut(&id) {
                slice.stored = Some(slice.stored.map_or(bytes, |stored| stored.join(bytes)));
            }
        }
        // A use after the NULL check was forgotten says no more than the first one.
        if let Some(slice) = state.slices.get_mut(&id) {
            slice.buffer_store = None;
            if slice.null == Tri::Maybe {
                slice.null = Tri::No;
            }
        }
    }

    fn note_store(&mut self, state: &mut State, id: EventId, at: EventId) {
        self.mark_stored(id);
        let Some(slice) = state.slices.get_mut(&id) else { return };
        slice.last_store = Some(at);
        let can_be_lost = slice.kind == SliceKind::ReadWrite
            && slice.alias != Alias::Not
            && slice.can_copy()
            && slice.stale.is_none();
        if can_be_lost && slice.dirty.is_none() && !slice.escaped {
            slice.dirty = Some(at);
        }
    }

    /// Remembers that something is stored through a writable slice, on whatever path.
    pub(crate) fn mark_stored(&mut self, id: EventId) {
        let span = self.interner.event_of(id).span;
        if let Some(entry) = self.rdwr_calls.get_mut(&span) {
            entry.2 = true;
        }
    }

    /// Slices whose buffer overlaps the range.
    fn buffers_at(&self, state: &State, ptr: &Ptr, size: Option<i128>) -> Vec<EventId> {
        state.slices.iter().filter(|(_, slice)| self.in_buffer(slice, ptr, size)).map(|(id, _)| *id).collect()
    }

    /// Whether `size` bytes at a pointer overlap the buffer of a slice.
    pub(crate) fn in_buffer(&self, slice: &Slice, ptr: &Ptr, size: Option<i128>) -> bool {
        let Buffer::Known(buffer) = &slice.buffer else { return false };
        let bytes = (buffer.bytes.as_constant(), slice.length.as_constant(), ptr.bytes.as_constant());
        buffer.obj == ptr.obj
            && match bytes {
                (Some(start), Some(length), Some(from)) => {
                    from < start + length && size.is_none_or(|size| start < from + size)
                }
                _ => self.interner.paths_overlap(buffer.path, ptr.path),
            }
    }

    /// A read of memory that may be the buffer of a slice.
    pub(crate) fn buffer_read(&mut self, state: &mut State, ptr: &Ptr, size: Option<i128>, at: EventId) {
        for id in self.buffers_at(state, ptr, size) {
            let Some(slice) = state.slices.get(&id) else { continue };
            let wrong = slice.buffer_raw && slice.alias != Alias::Is && slice.null != Tri::Yes && !slice.escaped;
            if wrong
                && slice.compared.is_none()
                && let Some(view) = self.slice_view(state, id)
            {
                self.observe(at, Fact::BufferUse { slice: view, write: false });
            }
        }
    }

    /// A store to memory that may be the buffer of a slice. `other` is a slice call that fills it.
    pub(crate) fn buffer_write(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        by_slice: Option<EventId>,
        at: EventId,
    ) {
        for id in self.buffers_at(state, ptr, size) {
            if by_slice == Some(id) {
                continue;
            }
            let Some(slice) = state.slices.get_mut(&id) else { continue };
            slice.buffer_raw = false;
            if slice.null == Tri::Yes || slice.alias == Alias::Not || slice.alias == Alias::Is && by_slice.is_none() {
                continue;
            }
            if slice.stale.is_none() {
                if slice.can_copy() {
                    slice.clobbered = Some(by_slice.map_or(Clobber::Store(at), |_| Clobber::Slice(at)));
                }
                let meant = slice.kind == SliceKind::ReadWrite && slice.last_store.is_none() && by_slice.is_none();
                if meant && slice.compared.is_none() && slice.null == Tri::No {
                    slice.buffer_store.get_or_insert(at);
                    self.mark_stored(id);
                }
            }
        }
    }

    fn unread_read(&mut self, state: &mut State, ptr: &Ptr, at: EventId) {
        let hit = state
            .unread
            .iter()
            .find(|(key, _)| key.0 == ptr.obj && self.interner.paths_overlap(key.1, ptr.path))
            .map(|(key, event)| (*key, *event));
        let Some((key, event)) = hit else { return };
        state.unread.remove(&key);
        if let Some(site) = self.sites.get(&event) {
            let fact = Fact::UnreadUsed { used: self.interner.visible(at), call: site.view.clone() };
            self.observe(event, fact);
        }
    }

    /// A store of unknown bytes.
    pub(crate) fn clobber(&mut self, state: &mut State, ptr: &Ptr, size: Option<i128>, at: EventId) {
        self.access(state, ptr, size, true, at);
        self.buffer_write(state, ptr, size, None, at);
        self.overwrite_dynptrs(state, ptr, at);
        let path = if self.interner.has_any_elem(ptr.path) { ROOT_PATH } else { ptr.path };
        state.forget(&self.interner, ptr.obj, path, at);
    }

    /// `place = value`.
    pub(crate) fn assign(&mut self, state: &mut State, frame: FrameId, place: &Place, value: &Expr, at: EventId) {
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
        state.unread.retain(|key, _| key.0 != ptr.obj || !self.interner.path_within(key.1, ptr.path));
        self.store(state, &ptr, new, at);
    }

    /// A slice pointer stored as a number outside the stack leaves the program.
    fn number_stored(&mut self, state: &mut State, frame: FrameId, place: &Place, value: &Expr, new: Value) -> Value {
        let Value::Ptr(ptr) = &new else { return new };
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return new };
        let target = self.resolve_quietly(state, frame, place);
        let on_stack = target.is_some_and(|target| matches!(self.interner.object_kind(target.obj), ObjKind::Local(..)));
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
        state.mem.retain(|key, _| key.0 != ptr.obj || key.1 == ptr.path || !self.interner.path_within(key.1, ptr.path));
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
        if ptr.path != ROOT_PATH || self.interner.event_of(id).frame != frame {
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
        let name = match &place.base {
            crate::mir::PlaceBase::Local(local) if place.proj.is_empty() => {
                self.interner.frame(frame).body.locals[local.0 as usize].name.clone()
            }
            _ => SmolStr::default(),
        };
        if let Some(site) = self.sites.get_mut(&id)
            && site.name.is_empty()
        {
            site.name = name;
            site.result_record = record;
            site.needs_cast = needs_cast;
        }
    }

    /// The declared type of a variable.
    pub(crate) fn object_type(&self, object: ObjId, path: crate::value::PathId) -> Option<Ty> {
        if path != ROOT_PATH {
            return None;
        }
        match self.interner.object_kind(object) {
            ObjKind::Local(frame, id) => Some(self.interner.frame(*frame).body.locals[id.0 as usize].ty.clone()),
            ObjKind::Global(name) => self.sema.global(name).map(|global| global.ty.clone()),
            _ => None,
        }
    }

    fn note_header_store(&mut self, state: &mut State, ptr: &Ptr, place: &Place, at: EventId) {
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return };
        let Some(Proj::Field { name, record: Some(record), .. }) = place.proj.last() else { return };
        if CHECKSUMMED.contains(&record.as_str())
            && let Some(slice) = state.slices.get_mut(&id)
        {
            slice.header_store.get_or_insert_with(|| (at, record.clone(), name.clone()));
        }
    }

    /// Structures are copied part by part.
    fn assign_record(&mut self, state: &mut State, frame: FrameId, place: &Place, value: &Expr, at: EventId) -> bool {
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

    fn copy_dynptr(&mut self, state: &mut State, from: &Ptr, to: &Ptr, (place, source): (&Place, &Place), at: EventId) {
        let live = state.dynptrs.get(&from.key()).is_some_and(|dynptr| dynptr.status == Status::Live);
        if live {
            let named = matches!(place.base, crate::mir::PlaceBase::Local(_)) && place.proj.is_empty();
            let fact = Fact::DynptrCopied { to: named.then_some(place.span), from: source.span };
            self.observe(at, fact);
        }
        if let Some(dynptr) = state.dynptrs.get(&from.key()).cloned() {
            // The kernel stops at the copy; what follows is not the author's second mistake.
            state.dynptrs.insert(to.key(), crate::state::Dynptr { status: Status::Copied, ..dynptr });
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

    fn rebase(&mut self, path: crate::value::PathId, from: crate::value::PathId, to: crate::value::PathId) -> crate::value::PathId {
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
        // Initialised memory is not garbage: a read that fails leaves zeroes there.
        state.mem.insert(ptr.key(), Value::Num(Num::constant(0)));
    }

    /// A store goes over the slots of a dynptr.
    fn overwrite_dynptrs(&mut self, state: &mut State, ptr: &Ptr, at: EventId) {
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
                state.references.get(id).is_some_and(|reference| reference.released.is_none() && !reference.excused)
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

    /// A value goes where the analysis cannot follow it.
    pub(crate) fn escape(&mut self, state: &mut State, value: &Value) {
        let Value::Ptr(ptr) = value else { return };
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return };
        self.mark_stored(id);
        if let Some(slice) = state.slices.get_mut(&id) {
            slice.escaped = true;
            slice.dirty = None;
        }
    }

    /// Bytes from a pointer to the end of the variable it points into.
    pub(crate) fn room(&self, ptr: &Ptr) -> Option<i128> {
        let ty = match self.interner.object_kind(ptr.obj) {
            ObjKind::Local(..) | ObjKind::Global(_) => self.object_type(ptr.obj, ROOT_PATH)?,
            _ => return None,
        };
        let size = i128::from(self.sema.size_of(&ty)?);
        let start = ptr.bytes.as_constant()?;
        Some(size - start)
    }
}
