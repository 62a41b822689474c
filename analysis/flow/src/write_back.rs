//! `bpf_dynptr_write`: what it gives back, and what it makes stale.

use crate::dynptr::{ApiCall, add};
use crate::interp::Interp;
use crate::observe::{Fact, Kinds, Tri, WriteBack};
use crate::state::{Alias, Buffer, SliceKind, Stale, StaleCause, State};
use crate::value::{EventId, Num, ObjKind, Ptr, Value};

impl Interp<'_> {
    /// Slices whose buffer the data of a write are, with the distance of the data from the buffer's start.
    pub(crate) fn written_back(
        &self,
        state: &State,
        call: &ApiCall<'_>,
    ) -> Vec<(EventId, Option<i128>)> {
        let Some(data) = call.ptr(call.args.memory) else {
            return Vec::new();
        };
        if let ObjKind::Slice(id) = self.interner.object_kind(data.obj) {
            // Where the slice is not the buffer, its bytes are written onto themselves.
            let known = state.slices.get(id).is_some_and(|slice| slice.alias != Alias::Not);
            return if known { vec![(*id, data.bytes.as_constant())] } else { Vec::new() };
        }
        let mut found = Vec::new();
        for (id, slice) in state.slices.iter() {
            let Buffer::Known(buffer) = &slice.buffer else { continue };
            let distance = match (data.bytes.as_constant(), buffer.bytes.as_constant()) {
                (Some(data), Some(buffer)) => Some(data - buffer),
                _ => None,
            };
            let inside = match (distance, slice.length.as_constant()) {
                (Some(distance), Some(length)) => (0..length.max(1)).contains(&distance),
                _ => self.in_buffer(slice, data, None) != Some(false),
            };
            if buffer.obj == data.obj
                && inside
                && slice.kind != SliceKind::Data
                && slice.null != Tri::Yes
            {
                found.push((*id, distance));
            }
        }
        // A buffer used for one slice after the other belongs to the last.
        if found.len() > 1 {
            let current: Vec<_> = found
                .iter()
                .filter(|(id, _)| state.slices.get(id).is_some_and(|s| s.clobbered.is_none()))
                .copied()
                .collect();
            if !current.is_empty() {
                return current;
            }
        }
        found
    }

    pub(crate) fn dynptr_write(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let target = call.ptr(call.args.dynptr).cloned();
        let length = call.num(call.args.length);
        let Some(target) = target else {
            self.excuse(state, call);
            return;
        };
        self.inverted(state, call, &target);
        if !self.wrong_buffer_written(state, call, &target) {
            for (id, distance) in self.written_back(state, call) {
                self.write_back(state, call, id, distance, &target);
            }
        }
        let data = call.ptr(call.args.memory).cloned();
        if let Some(data) = data {
            let size = length.as_ref().and_then(Num::as_constant);
            self.access(state, &data, size, false, call.at);
            let settled =
                !self.written_back(state, call).is_empty() && self.is_settled(state, call);
            if !settled {
                self.buffer_read(state, &data, size, call.at);
            }
        }
        self.fill(state, target.key(), false, length.as_ref());
        let dynptr = self.dynptr_at(state, target.key());
        if dynptr.is_some_and(|dynptr| dynptr.kinds.only(Kinds::SKB.with(Kinds::SKB_META))) {
            self.skb_written(state, call.at);
        }
    }

    /// Where a slice is known to be its buffer, a write to its place with other data is its write-back
    /// gone wrong.
    fn wrong_buffer_written(
        &mut self,
        state: &mut State,
        call: &ApiCall<'_>,
        target: &Ptr,
    ) -> bool {
        let Some(data) = call.ptr(call.args.memory).cloned() else { return false };
        let offset = call.num(call.args.offset).unwrap_or_else(Num::top);
        let start = self.dynptr_at(state, target.key()).map(|dynptr| dynptr.start);
        let place = start.map_or_else(|| offset.clone(), |start| add(&start, &offset));
        let hit = state.slices.iter().find(|(_, slice)| {
            slice.alias == Alias::Is
                && slice.dirty.is_some()
                && slice.dynptr == target.key()
                && place.difference(&slice.offset) == Some(0)
                && self.in_buffer(slice, &data, Some(1)) == Some(false)
        });
        let Some(id) = hit.map(|(id, _)| *id) else { return false };
        let known =
            matches!(self.interner.object_kind(data.obj), ObjKind::Local(..) | ObjKind::Global(_));
        let Some(slice) = self.slice_view(state, id).filter(|_| known) else { return false };
        let fact = WriteBack {
            slice,
            call: call.view.clone(),
            offset_difference: None,
            length_difference: None,
            other_memory: false,
            other_buffer: true,
            moved: None,
            from_start: false,
            covers_stores: None,
            source_offset: None,
        };
        self.observe(call.at, Fact::WriteBack(Box::new(fact)));
        if let Some(slice) = state.slices.get_mut(&id) {
            slice.dirty = None;
        }
        true
    }

    /// Whether every slice the data belong to has been compared with its buffer.
    fn is_settled(&self, state: &State, call: &ApiCall<'_>) -> bool {
        self.written_back(state, call).iter().all(|(id, _)| {
            state
                .slices
                .get(id)
                .is_some_and(|slice| slice.alias == Alias::Is || slice.compared.is_some())
        })
    }

    /// A write to an skb makes it private and may move it.
    pub(crate) fn skb_written(&mut self, state: &mut State, at: EventId) {
        let frame = self.interner.event_of(at).frame;
        let cause = match self.global_caller(frame) {
            Some(name) => StaleCause::GlobalFunction(name),
            None => StaleCause::Write,
        };
        self.kill_slices(state, Kinds::SKB.with(Kinds::SKB_META), &cause, at);
        if cause == StaleCause::Write {
            self.kill_packet_pointers(state, &cause, at);
        }
        self.lose_metadata(state, at);
        state.private = true;
    }

    /// The data cannot be followed to a dynptr: whatever buffer they are counts as given back.
    fn excuse(&mut self, state: &mut State, call: &ApiCall<'_>) {
        for (id, _) in self.written_back(state, call) {
            if let Some(slice) = state.slices.get_mut(&id) {
                slice.dirty = None;
            }
        }
    }

    fn write_back(
        &mut self,
        state: &mut State,
        call: &ApiCall<'_>,
        id: EventId,
        distance: Option<i128>,
        target: &Ptr,
    ) {
        let Some(view) = self.slice_view(state, id) else { return };
        let Some(slice) = state.slices.get(&id).cloned() else { return };
        let dynptr = self.dynptr_at(state, target.key());
        let offset = call.num(call.args.offset).unwrap_or_else(Num::top);
        let length = call.num(call.args.length).unwrap_or_else(Num::top);
        let start = dynptr.as_ref().map_or_else(|| Num::constant(0), |dynptr| dynptr.start.clone());
        let place = add(&start, &offset);
        let other_memory = match (&dynptr, slice.made) {
            (Some(dynptr), Some(made)) if dynptr.made.is_some() => {
                dynptr.made != Some(made) && !same_packet(dynptr.kinds, slice.kinds)
            }
            _ => false,
        };
        let fact = WriteBack {
            slice: view,
            call: call.view.clone(),
            offset_difference: place.difference(&slice.offset),
            length_difference: length.difference(&slice.length),
            other_memory,
            other_buffer: false,
            moved: slice.view_moved.map(|event| self.interner.visible(event)),
            from_start: distance == Some(0),
            covers_stores: covers(&slice, distance, &length),
            source_offset: distance,
        };
        // A buffer that was changed on purpose is written, not written back.
        let meant =
            slice.kind == SliceKind::ReadWrite || slice.alias == Alias::Is && slice.buffer_raw;
        if meant && slice.alias != Alias::Not {
            self.observe(call.at, Fact::WriteBack(Box::new(fact)));
        }
        if let Some(slice) = state.slices.get_mut(&id) {
            slice.dirty = None;
            slice.buffer_store = None;
            slice.clobbered = None;
        }
    }

    /// `if (p != buf) bpf_dynptr_write(…)`.
    fn inverted(&mut self, state: &State, call: &ApiCall<'_>, target: &Ptr) {
        let Some(data) = call.ptr(call.args.memory) else {
            return;
        };
        // Where another slice is known to be its buffer, the write is meant for that one.
        let meant =
            |slice: &crate::state::Slice| slice.alias == Alias::Is && slice.dynptr == target.key();
        if state.slices.values().any(meant) {
            return;
        }
        for (id, slice) in state.slices.iter() {
            let Some(compared) =
                slice.compared.filter(|_| slice.alias == Alias::Not && slice.null == Tri::No)
            else {
                continue;
            };
            let is_data = match self.interner.object_kind(data.obj) {
                ObjKind::Slice(own) => own == id,
                _ => slice.buffer_raw && self.in_buffer(slice, data, Some(1)) == Some(true),
            };
            let same_dynptr = slice.dynptr == target.key();
            let writable = slice.kind == SliceKind::ReadWrite;
            if !(is_data && same_dynptr && writable && slice.last_store.is_some())
                || slice.clobbered.is_some()
            {
                continue;
            }
            if let Some(view) = self.slice_view(state, *id) {
                let comparison = self.interner.visible(compared);
                let fact =
                    Fact::InvertedWriteBack { slice: view, comparison, write: call.view.span };
                self.observe(compared, fact);
            }
        }
    }

    /// Marks the slices of a kind as no longer usable.
    pub(crate) fn kill_slices(
        &mut self,
        state: &mut State,
        kinds: Kinds,
        cause: &StaleCause,
        at: EventId,
    ) {
        for slice in state.slices.values_mut() {
            if slice.kinds.only(kinds) && slice.stale.is_none() {
                slice.stale = Some(Stale { cause: cause.clone(), at });
            }
        }
    }

    pub(crate) fn kill_packet_pointers(
        &mut self,
        state: &mut State,
        cause: &StaleCause,
        at: EventId,
    ) {
        let pointers: Vec<_> = state
            .mem
            .values()
            .filter_map(Value::as_ptr)
            .map(|ptr| ptr.obj)
            .filter(|object| matches!(self.interner.object_kind(*object), ObjKind::Packet(_)))
            .collect();
        for object in pointers {
            state.stale_packet.insert_new(object, || Stale { cause: cause.clone(), at });
        }
    }

    pub(crate) fn lose_metadata(&mut self, state: &mut State, at: EventId) {
        for dynptr in state.dynptrs.values_mut().filter(|dynptr| dynptr.kinds.only(Kinds::SKB_META))
        {
            dynptr.metadata_lost.get_or_insert(at);
        }
    }
}

/// Whether a write of `length` bytes from `distance` on takes in everything stored through a slice.
fn covers(slice: &crate::state::Slice, distance: Option<i128>, length: &Num) -> Option<bool> {
    let (from, length) = (distance?, length.as_constant()?);
    let stored = slice.stored.filter(|stored| stored.is_bounded())?;
    Some(from <= stored.lo() && stored.hi() < from + length)
}

/// Two dynptrs over the packet see the same bytes, however often they are made.
fn same_packet(a: Kinds, b: Kinds) -> bool {
    a == b && (a == Kinds::SKB || a == Kinds::XDP || a == Kinds::UNKNOWN)
}
