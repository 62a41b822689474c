//! What the kernel's functions do to memory and to the packet, by the roles of their parameters.

use kernel_model::Role;
use smol_str::SmolStr;

use crate::call::Call;
use crate::interp::Interp;
use crate::observe::{Fact, Kinds, SliceKind, Tri};
use crate::state::{Pulled, StaleCause, State, Status};
use crate::value::{EventId, Key, ObjKind, Ptr, Value};

impl Interp<'_> {
    pub(crate) fn kernel_effects(
        &mut self,
        state: &mut State,
        name: &str,
        call: &Call<'_>,
        values: &[Value],
        at: EventId,
    ) {
        let Some(row) = kernel_model::function(name) else { return };
        for (index, value) in values.iter().enumerate() {
            let param = row.params.get(index);
            let role = param.map_or(Role::Unknown, |param| param.role);
            let size =
                param.and_then(|param| param.size_param).and_then(|at| values.get(usize::from(at)));
            let size = size.and_then(Value::as_constant);
            if let Value::Ptr(ptr) = value {
                let arg = call.args.get(index).map_or(call.span, |arg| arg.span);
                let arg = self.interner.event(call.frame, arg);
                self.argument(state, name, role, ptr, size, (arg, at));
            }
        }
        if row.changes_packet || row.changes_geometry {
            self.packet_changed(state, name, at, row.changes_geometry);
        }
        if matches!(name, "bpf_skb_pull_data" | "bpf_xdp_pull_data") {
            self.pulled(state, values);
        }
        if matches!(
            name,
            "bpf_skb_load_bytes" | "bpf_xdp_load_bytes" | "bpf_skb_load_bytes_relative"
        ) {
            for slice in state.slices.values_mut() {
                slice.fallback_owed = false;
            }
        }
        if matches!(name, "bpf_tail_call" | "bpf_tail_call_static") {
            self.leave_by_tail_call(state, at);
        }
        if name == "bpf_map_delete_elem" {
            self.element_deleted(state, values, at);
        }
    }

    fn argument(
        &mut self,
        state: &mut State,
        name: &str,
        role: Role,
        ptr: &Ptr,
        size: Option<i128>,
        (arg, at): (EventId, EventId),
    ) {
        let reads = matches!(
            role,
            Role::MemIn | Role::MemInOut | Role::MapKey | Role::MapValueIn | Role::Str
        );
        let writes =
            matches!(role, Role::MemOut | Role::MemInOut | Role::MapValueOut | Role::StrOut);
        if matches!(role, Role::MapKey | Role::MapValueIn | Role::MapValueOut) {
            self.map_argument_slice(state, name, ptr, arg);
        }
        if reads || writes {
            self.dynptr_memory(state, name, ptr, writes, arg);
        }
        if reads {
            self.leaked_inside(state, name, role, ptr);
            self.memory_read(state, ptr, size, at);
            self.written_elsewhere(state, name, ptr);
        }
        if writes {
            self.clobber(state, ptr, size, at);
        }
        if role == Role::Unknown {
            self.escape(state, &Value::Ptr(ptr.clone()));
            self.give_away(state, ptr, at);
        }
        if let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj)
            && writes
        {
            self.mark_stored(id);
        }
    }

    fn map_argument_slice(&mut self, state: &mut State, name: &str, ptr: &Ptr, arg: EventId) {
        let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { return };
        if let Some(slice) =
            self.slice_view(state, id).filter(|slice| slice.kind != SliceKind::Data)
        {
            self.observe(arg, Fact::MapArgument { slice, function: SmolStr::from(name) });
            // The kernel stops here; a missing NULL check would be a second report of one call.
            if let Some(slice) = state.slices.get_mut(&id) {
                slice.null = Tri::No;
            }
        }
    }

    /// A dynptr's own bytes as memory argument.
    fn dynptr_memory(
        &mut self,
        state: &mut State,
        name: &str,
        ptr: &Ptr,
        written: bool,
        arg: EventId,
    ) {
        let hit = state.dynptrs.iter().any(|(key, dynptr)| {
            key.0 == ptr.obj
                && dynptr.status == Status::Live
                && self.interner.path_within(key.1, ptr.path)
        });
        if hit && matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..)) {
            self.observe(arg, Fact::DynptrPassed { function: SmolStr::from(name), written });
        }
    }

    /// A buffer given to `bpf_skb_store_bytes` or `bpf_xdp_store_bytes` is written back as well.
    fn written_elsewhere(&mut self, state: &mut State, name: &str, ptr: &Ptr) {
        if !name.ends_with("_store_bytes") {
            return;
        }
        for slice in state.slices.values_mut() {
            if matches!(&slice.buffer, crate::state::Buffer::Known(buffer) if buffer.obj == ptr.obj)
            {
                slice.dirty = None;
            }
        }
    }

    /// A slice pointer inside memory that leaves the program.
    fn leaked_inside(&mut self, state: &mut State, name: &str, role: Role, ptr: &Ptr) {
        let leaves = role == Role::MapValueIn
            || name.contains("ringbuf_output")
            || name.contains("perf_event_output");
        if !leaves || !matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..)) {
            return;
        }
        let inside: Vec<EventId> = state
            .mem
            .iter()
            .filter(|(key, _)| key.0 == ptr.obj && self.interner.path_within(key.1, ptr.path))
            .filter_map(|(_, value)| match value {
                Value::Ptr(inner) => match self.interner.object_kind(inner.obj) {
                    ObjKind::Slice(id) => Some(*id),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        for id in inside {
            let value = Value::Ptr(Ptr::to(self.interner.object(ObjKind::Slice(id))));
            self.escape(state, &value);
        }
    }

    fn packet_changed(&mut self, state: &mut State, name: &str, at: EventId, geometry: bool) {
        let cause = StaleCause::Helper(SmolStr::from(name));
        let packets = Kinds::SKB.with(Kinds::SKB_META).with(Kinds::XDP);
        // A tail call that succeeds does not come back.
        if name == "bpf_tail_call" {
            return;
        }
        self.kill_slices(state, packets, &cause, at);
        self.kill_packet_pointers(state, &cause, at);
        self.lose_metadata(state, at);
        state.private = true;
        for slice in state.slices.values_mut() {
            if matches!(name, "bpf_skb_pull_data" | "bpf_xdp_pull_data") {
                slice.fallback_owed = false;
            }
        }
        if !geometry {
            return;
        }
        if !matches!(name, "bpf_xdp_pull_data") {
            state.pulled = match state.pulled {
                Pulled::All => Pulled::All,
                _ => Pulled::No,
            };
        }
        for dynptr in state.dynptrs.values_mut() {
            if dynptr.kinds.only(packets) && dynptr.outdated.is_none() {
                dynptr.outdated = Some(at);
            }
        }
    }

    /// After a pull the first bytes are linear. A failing pull is taken to end the program.
    fn pulled(&mut self, state: &mut State, values: &[Value]) {
        let length = values.get(1).map(Value::num);
        let bytes = match length.as_ref().and_then(|length| length.as_constant()) {
            Some(0) => return,
            Some(bytes) => u64::try_from(bytes).map_or(Pulled::All, Pulled::Bytes),
            None => Pulled::All,
        };
        state.pulled = match (state.pulled, bytes) {
            (Pulled::Bytes(old), Pulled::Bytes(new)) => Pulled::Bytes(old.max(new)),
            (Pulled::All, _) => Pulled::All,
            (_, new) => new,
        };
    }

    /// Dynptrs over the value of a deleted element.
    fn element_deleted(&mut self, state: &mut State, values: &[Value], at: EventId) {
        let deleted = self.map_key(state, values);
        let lookups: Vec<EventId> = self
            .map_lookups
            .iter()
            .filter(|(_, lookup)| lookup.same(&deleted))
            .map(|(event, _)| *event)
            .collect();
        let objects: Vec<_> =
            lookups.iter().map(|event| self.interner.object(ObjKind::MapValue(*event))).collect();
        for dynptr in state.dynptrs.values_mut() {
            if dynptr.memory.as_ref().is_some_and(|memory| objects.contains(&memory.obj)) {
                dynptr.deleted.get_or_insert(at);
            }
        }
    }

    /// Something is done about slices that are NULL because the bytes are not contiguous.
    pub(crate) fn fallback_done(&mut self, state: &mut State, dynptr: Key) {
        for slice in state.slices.values_mut().filter(|slice| slice.dynptr == dynptr) {
            slice.fallback_owed = false;
        }
    }
}
