//! Reading and writing objects.

use domains::{Interval, Scalar};
use sema::Ty;

use crate::eval::typed;
use crate::interp::Interp;
use crate::mir::Place;
use crate::observe::{Access, Fact, Tri};
use crate::state::{Alias, Buffer, Clobber, Slice, SliceKind, State};
use crate::value::{EventId, FrameId, Lin, Num, ObjId, ObjKind, Ptr, ROOT_PATH, Sym, Value};

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
            ObjKind::Slice(_) | ObjKind::Packet(_) | ObjKind::Nowhere => false,
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
    pub(crate) fn resolve_quietly(
        &mut self,
        state: &mut State,
        frame: FrameId,
        place: &Place,
    ) -> Option<Ptr> {
        if let (crate::mir::PlaceBase::Local(id), true) = (&place.base, place.proj.is_empty()) {
            return Some(Ptr::to(self.local(frame, *id)));
        }
        let before = std::mem::replace(&mut self.quiet, true);
        let mut quiet = state.clone();
        let place = self.resolve(&mut quiet, frame, place);
        self.quiet = before;
        place
    }

    /// Checks an access through a pointer and notes what it means for the slice it goes through.
    pub(crate) fn access(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        write: bool,
        at: EventId,
    ) {
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
    pub(crate) fn check_arithmetic(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        _pointer: text::Span,
        at: EventId,
    ) {
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
        let stale = slice
            .stale
            .as_ref()
            .map(|stale| (stale.cause.clone(), self.interner.visible(stale.at)));
        let span = self.interner.event_of(at).span;
        let access = Access {
            slice: view.clone(),
            write,
            offset: ptr.bytes,
            size,
            stale,
            pointer: span,
            arithmetic,
            held: if view.null == Tri::No { Vec::new() } else { self.held(state) },
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
        state
            .slices
            .iter()
            .filter(|(_, slice)| self.in_buffer(slice, ptr, size) == Some(true))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whether `size` bytes at a pointer overlap the buffer of a slice; none if it cannot be told.
    pub(crate) fn in_buffer(&self, slice: &Slice, ptr: &Ptr, size: Option<i128>) -> Option<bool> {
        let Buffer::Known(buffer) = &slice.buffer else { return Some(false) };
        if buffer.obj != ptr.obj {
            return Some(false);
        }
        if let (Some(start), Some(length), Some(from)) =
            (buffer.bytes.as_constant(), slice.length.as_constant(), ptr.bytes.as_constant())
        {
            return Some(from < start + length && size.is_none_or(|size| start < from + size));
        }
        if self.interner.has_any_elem(buffer.path) || self.interner.has_any_elem(ptr.path) {
            return None;
        }
        Some(self.interner.paths_overlap(buffer.path, ptr.path))
    }

    /// A read of memory that may be the buffer of a slice.
    pub(crate) fn buffer_read(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        at: EventId,
    ) {
        for id in self.buffers_at(state, ptr, size) {
            let Some(slice) = state.slices.get(&id) else { continue };
            let wrong = slice.buffer_raw
                && slice.alias != Alias::Is
                && slice.null != Tri::Yes
                && !slice.escaped;
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
            if slice.null == Tri::Yes
                || slice.alias == Alias::Not
                || slice.alias == Alias::Is && by_slice.is_none()
            {
                continue;
            }
            if slice.stale.is_none() {
                if slice.can_copy() {
                    slice.clobbered =
                        Some(by_slice.map_or(Clobber::Store(at), |_| Clobber::Slice(at)));
                }
                let meant = slice.kind == SliceKind::ReadWrite
                    && slice.last_store.is_none()
                    && by_slice.is_none();
                if meant && slice.compared.is_none() && slice.null == Tri::No {
                    slice.buffer_store.get_or_insert(at);
                    self.mark_stored(id);
                }
            }
        }
    }

    pub(crate) fn unread_read(&mut self, state: &mut State, ptr: &Ptr, at: EventId) {
        let hit = state
            .unread
            .iter()
            .find(|(key, _)| key.0 == ptr.obj && self.interner.paths_overlap(key.1, ptr.path))
            .map(|(key, event)| (*key, *event));
        let Some((key, event)) = hit else { return };
        state.unread.remove(&key);
        if let Some(site) = self.sites.get(&event) {
            let call = site.view.clone();
            let (used, held) = (self.interner.visible(at), self.held(state));
            self.observe(event, Fact::UnreadUsed { used, call, held });
        }
    }

    /// A store of unknown bytes.
    pub(crate) fn clobber(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        at: EventId,
    ) {
        self.access(state, ptr, size, true, at);
        self.buffer_write(state, ptr, size, None, at);
        self.overwrite_dynptrs(state, ptr, at);
        let path = if self.interner.has_any_elem(ptr.path) { ROOT_PATH } else { ptr.path };
        state.forget(&self.interner, ptr.obj, path, at);
    }

    /// The declared type of a variable.
    pub(crate) fn object_type(&self, object: ObjId, path: crate::value::PathId) -> Option<Ty> {
        if path != ROOT_PATH {
            return None;
        }
        match self.interner.object_kind(object) {
            ObjKind::Local(frame, id) => {
                Some(self.interner.frame(*frame).body.locals[id.0 as usize].ty.clone())
            }
            ObjKind::Global(name) => self.sema.global(name).map(|global| global.ty.clone()),
            ObjKind::MapValue(lookup) => {
                let map = self.map_lookups.get(lookup)?.map?;
                let ObjKind::Global(name) = self.interner.object_kind(map) else { return None };
                self.sema.map(name)?.value.clone()
            }
            _ => None,
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
            ObjKind::Local(..) | ObjKind::Global(_) | ObjKind::MapValue(_) => {
                self.object_type(ptr.obj, ROOT_PATH)?
            }
            _ => return None,
        };
        let size = i128::from(self.sema.size_of(&ty)?);
        let start = ptr.bytes.as_constant()?;
        Some(size - start)
    }
}
