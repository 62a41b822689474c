//! Calls: of the program's own functions, of the kernel's, and of whatever is not known.

use kernel_model::{Function, Role};
use sema::Ty;
use smol_str::SmolStr;
use text::Span;

use crate::api;
use crate::dynptr::ApiCall;
use crate::eval::typed;
use crate::intern::Frame;
use crate::interp::{Exit, Interp, callee_name};
use crate::leave::{Held, held_at_ends};
use crate::mir::{BodyRef, Callee, Expr, ExprKind, LocalId};
use crate::observe::{CallView, Fact};
use crate::state::State;
use crate::value::{EventId, FrameId, Key, Lin, Num, ObjId, ObjKind, Ptr, ROOT_PATH, Value};

/// Calls inside calls that are followed.
const MAX_DEPTH: usize = 10;

/// A call instruction.
pub(crate) struct Call<'c> {
    pub(crate) frame: FrameId,
    /// Position among the calls of the function.
    pub(crate) number: u32,
    pub(crate) dst: LocalId,
    pub(crate) args: &'c [Expr],
    pub(crate) ignored: bool,
    pub(crate) span: Span,
}

/// Which element a map function is asked for.
#[derive(Clone, Debug)]
pub(crate) struct MapKey {
    pub(crate) map: Option<ObjId>,
    /// Where the key lies.
    pub(crate) place: Option<Key>,
    /// The key, if it is a number.
    pub(crate) value: Option<Num>,
}

impl MapKey {
    /// Whether both certainly name the same element.
    pub(crate) fn same(&self, other: &MapKey) -> bool {
        let same_value = match (&self.value, &other.value) {
            (Some(a), Some(b)) => a.difference(b) == Some(0),
            _ => self.place.is_some() && self.place == other.place,
        };
        self.map.is_some() && self.map == other.map && same_value
    }
}

/// The C library's name of a function.
fn plain_name(name: &str) -> &str {
    name.strip_prefix("__builtin_").unwrap_or(name)
}

/// Whether [`Interp::memory_call`] knows the function.
fn is_memory_function(name: &str) -> bool {
    matches!(
        plain_name(name),
        "memcpy"
            | "memmove"
            | "__memcpy"
            | "memset"
            | "bzero"
            | "memcmp"
            | "strncmp"
            | "strcmp"
            | "strlen"
    )
}

impl Call<'_> {
    /// The structure the variable points to that a declaration gives the result to.
    pub(crate) fn result_record(&self, interp: &Interp<'_>) -> Option<SmolStr> {
        let body = &interp.interner.frame(self.frame).body;
        body.result_targets.get(&self.dst).cloned()
    }

    fn view(&self, name: &SmolStr) -> CallView {
        CallView {
            name: name.clone(),
            span: self.span,
            args: self.args.iter().map(|arg| arg.span).collect(),
        }
    }
}

impl Interp<'_> {
    pub(crate) fn call(
        &mut self,
        mut state: State,
        callee: &Callee,
        call: &Call<'_>,
    ) -> Vec<State> {
        // What an unknown macro does with its arguments is not known: not even that it reads them.
        self.quiet = !self.is_known(callee);
        let values: Vec<Value> =
            call.args.iter().map(|arg| self.eval(&mut state, call.frame, arg)).collect();
        self.quiet = false;
        let at = self.interner.call_event(call.frame, call.span, call.number);
        let Some(name) = callee_name(callee) else {
            self.unknown_call(&mut state, call, &values, at);
            return vec![state];
        };
        if let Some((api, args)) = api::lookup(name) {
            let api_call = ApiCall { api, args, values: &values, call, view: call.view(name), at };
            self.leaks(&mut state, call, &values);
            let result = self.api_call(&mut state, &api_call);
            self.observe(at, Fact::KernelCall(call.view(name)));
            if api == api::Api::Other {
                self.kernel_effects(&mut state, name, call, &values, at);
            }
            self.set_result(&mut state, call, result, at);
            return vec![state];
        }
        if let Some(body) = self.body(name) {
            return self.program_call(state, body, call, &values, at);
        }
        if let Some(row) = kernel_model::function(name) {
            self.observe(at, Fact::KernelCall(call.view(name)));
            self.leaks(&mut state, call, &values);
            return self.kernel_call(state, row, call, &values, at);
        }
        if self.memory_call(&mut state, name, call, &values, at) {
            return vec![state];
        }
        self.unknown_call(&mut state, call, &values, at);
        vec![state]
    }

    fn is_known(&mut self, callee: &Callee) -> bool {
        callee_name(callee).is_some_and(|name| {
            kernel_model::function(name).is_some()
                || api::lookup(name).is_some()
                || is_memory_function(name)
                || self.body(name).is_some()
        })
    }

    fn set_result(&mut self, state: &mut State, call: &Call<'_>, value: Value, at: EventId) {
        let object = self.local(call.frame, call.dst);
        self.store(state, &Ptr::to(object), value, at);
    }

    /// The result of a call about which only its type is known.
    fn plain_result(&mut self, state: &mut State, call: &Call<'_>, at: EventId) {
        let ty = self.interner.frame(call.frame).body.locals[call.dst.0 as usize].ty.clone();
        let symbol = self.result_symbol(state, at);
        let value = match typed(&ty) {
            Value::Num(num) => Value::Num(Num { lin: Some(Lin::symbol(symbol)), ..num }),
            _ if matches!(ty, Ty::Pointer { .. }) => {
                Value::Ptr(Ptr::to(self.interner.object(ObjKind::Returned(at))))
            }
            other => other,
        };
        self.set_result(state, call, value, at);
    }

    /// A function of the program: static ones are followed as part of the caller, global ones for
    /// what they do to the caller's state.
    fn program_call(
        &mut self,
        mut state: State,
        body: BodyRef,
        call: &Call<'_>,
        values: &[Value],
        at: EventId,
    ) -> Vec<State> {
        let is_global = !body.is_static && !body.foreign;
        if is_global {
            self.global_arguments(&mut state, &body, call, values);
        }
        self.leaks(&mut state, call, values);
        let recursive = self.is_active(call.frame, &body.name);
        if recursive || self.interner.depth(call.frame) >= MAX_DEPTH || self.exhausted {
            self.unknown_call(&mut state, call, values, at);
            return vec![state];
        }
        let frame = Frame { caller: Some((call.frame, call.span)), body, is_global };
        let frame = self.interner.call_frame(call.frame, (call.span, call.number), frame);
        let exits = self.enter(state, frame, values, at);
        let held = held_at_ends(&exits);
        let result = (self.local(call.frame, call.dst), ROOT_PATH);
        let mut states: Vec<State> = Vec::new();
        for exit in exits {
            let state = self.returned(exit, &held, frame, Some(call), at);
            // Ways out that differ only in numbers other than the result are one to the caller.
            let alike = states.iter_mut().find(|old| {
                old.same_shape(&state)
                    && old.mem.get(&result) == state.mem.get(&result)
                    && old.same_pointers(&state)
            });
            match alike {
                Some(old) => {
                    old.merge(&state, false);
                }
                None => states.push(state),
            }
        }
        states
    }

    fn is_active(&self, frame: FrameId, name: &str) -> bool {
        let mut frame = frame;
        loop {
            if self.interner.frame(frame).body.name == name {
                return true;
            }
            match self.interner.frame(frame).caller {
                Some((caller, _)) => frame = caller,
                None => return false,
            }
        }
    }

    /// Binds parameters and follows the function.
    fn enter(
        &mut self,
        mut state: State,
        frame: FrameId,
        values: &[Value],
        at: EventId,
    ) -> Vec<Exit> {
        let body = self.frame_body(frame);
        for index in 0..body.params {
            let Ok(id) = u32::try_from(index) else { break };
            let object = self.local(frame, LocalId(id));
            let value = values.get(index).cloned().unwrap_or(Value::Unknown);
            let value = self.convert(value, &body.locals[index].ty);
            self.store(&mut state, &Ptr::to(object), value, at);
        }
        self.run(frame, state)
    }

    /// Takes a state out of a function that returns.
    fn returned(
        &mut self,
        exit: Exit,
        held: &Held,
        frame: FrameId,
        call: Option<&Call<'_>>,
        at: EventId,
    ) -> State {
        let Exit { mut state, value, expr, span } = exit;
        self.slices_returned(&state, frame, &value, span);
        if value.as_num().is_some_and(|num| num.scalar.max() < 0) {
            for slice in state.slices.values_mut().filter(|slice| slice.dirty.is_some()) {
                slice.failed = true;
            }
        }
        if let Some(call) = call {
            let object = self.local(call.frame, call.dst);
            let source = match expr.as_ref().map(|expr| &expr.kind) {
                Some(ExprKind::Load(place)) if matches!(place.ty, Ty::Record(_)) => {
                    self.resolve_quietly(&mut state, frame, place)
                }
                _ => None,
            };
            match source {
                Some(from) => self.copy_parts(&mut state, &from, &Ptr::to(object), at),
                None => self.store(&mut state, &Ptr::to(object), value, at),
            }
        }
        self.leaks_of_callee(&mut state, frame, span, held);
        state.leave(&self.interner, frame);
        self.drop_dead_slices(&mut state, frame);
        state
    }

    /// Slices made in a function that has returned matter only while something points to them or is owed.
    fn drop_dead_slices(&self, state: &mut State, frame: FrameId) {
        let mut used: Vec<EventId> = Vec::new();
        for value in state.mem.values() {
            match value {
                Value::Ptr(ptr) => {
                    if let ObjKind::Slice(id) = self.interner.object_kind(ptr.obj) {
                        used.push(*id);
                    }
                }
                Value::Pred(pred) => used.push(pred.slice),
                _ => {}
            }
        }
        state.slices.retain(|id, slice| {
            let inside = self.interner.is_within(self.interner.event_of(*id).frame, frame);
            let owed = slice.dirty.is_some()
                || slice.fallback_owed
                || slice.header_store.is_some()
                || slice.buffer_store.is_some();
            !inside || owed || used.contains(id)
        });
    }

    /// A kernel function by the roles of its parameters.
    fn kernel_call(
        &mut self,
        mut state: State,
        row: &'static Function,
        call: &Call<'_>,
        values: &[Value],
        at: EventId,
    ) -> Vec<State> {
        self.note_site(at, call.view(&row.name.into()), call.args);
        self.kernel_effects(&mut state, row.name, call, values, at);
        if row.name == "bpf_map_lookup_elem" {
            let object = self.interner.object(ObjKind::MapValue(at));
            state.mem.retain(|key, _| key.0 != object);
            let lookup = self.map_key(&state, values);
            self.map_lookups.insert(at, lookup);
            self.set_result(&mut state, call, Value::Ptr(Ptr::to(object)), at);
        } else {
            self.plain_result(&mut state, call, at);
        }
        match row.param_with_role(Role::Callback) {
            Some(position) => self.callback(state, row, position, call, values, at),
            None => vec![state],
        }
    }

    /// The map and key arguments of a map function.
    pub(crate) fn map_key(&self, state: &State, values: &[Value]) -> MapKey {
        let key = values.get(1).and_then(Value::as_ptr);
        MapKey {
            map: values.first().and_then(Value::as_ptr).map(|map| map.obj),
            place: key.map(Ptr::key),
            value: key.and_then(|key| state.mem.get(&key.key())).and_then(Value::as_num).cloned(),
        }
    }

    /// Follows a function that the kernel calls back during the call, up to three times.
    fn callback(
        &mut self,
        state: State,
        row: &'static Function,
        position: usize,
        call: &Call<'_>,
        values: &[Value],
        at: EventId,
    ) -> Vec<State> {
        let during = matches!(
            row.name,
            "bpf_loop" | "bpf_for_each_map_elem" | "bpf_user_ringbuf_drain" | "bpf_find_vma"
        );
        let Some(Value::Function(name)) = values.get(position) else { return vec![state] };
        let Some(body) = self.body(name).filter(|_| during) else { return vec![state] };
        if self.is_active(call.frame, &body.name) || self.interner.depth(call.frame) >= MAX_DEPTH {
            return vec![state];
        }
        let context =
            row.param_with_role(Role::CallbackContext).and_then(|at| values.get(at)).cloned();
        let params = body.params;
        let span = call.args.get(position).map_or(call.span, |arg| arg.span);
        let frame = Frame { caller: Some((call.frame, span)), body, is_global: false };
        let frame = self.interner.call_frame(call.frame, (span, call.number), frame);
        let mut args: Vec<Value> =
            (0..params).map(|index| self.callback_argument(row.name, frame, index)).collect();
        if let (Some(last), Some(context)) = (args.last_mut(), context) {
            *last = context;
        }
        let mut all = vec![state.clone()];
        let mut round = vec![state];
        for _ in 0..3 {
            let mut next: Vec<State> = Vec::new();
            for state in round {
                let exits = self.enter(state, frame, &args, at);
                let held = held_at_ends(&exits);
                for exit in exits {
                    let state = self.returned(exit, &held, frame, None, at);
                    if !all.contains(&state) && !next.contains(&state) && next.len() < 8 {
                        next.push(state);
                    }
                }
            }
            all.extend(next.iter().cloned());
            round = next;
            if round.is_empty() {
                break;
            }
        }
        all
    }

    fn callback_argument(&mut self, helper: &str, frame: FrameId, index: usize) -> Value {
        let body = self.frame_body(frame);
        let Some(param) = body.locals.get(index) else { return Value::Unknown };
        if helper == "bpf_loop" && index == 0 {
            return typed(&param.ty);
        }
        let Ok(id) = u32::try_from(index) else { return Value::Unknown };
        let object = self.local(frame, LocalId(id));
        Value::Ptr(Ptr::to(self.interner.object(ObjKind::Pointee(object, ROOT_PATH))))
    }

    /// `memcpy` and its like.
    fn memory_call(
        &mut self,
        state: &mut State,
        name: &SmolStr,
        call: &Call<'_>,
        values: &[Value],
        at: EventId,
    ) -> bool {
        let plain = plain_name(name);
        let length = values.get(2).and_then(Value::as_constant);
        match plain {
            "memcpy" | "memmove" | "__memcpy" => {
                let (to, from) =
                    (values.first().and_then(Value::as_ptr), values.get(1).and_then(Value::as_ptr));
                if let (Some(_), Some(from)) = (to, from)
                    && let Some(dynptr) = state.dynptrs.get(&from.key())
                    && dynptr.status == crate::state::Status::Live
                    && call.args.len() > 1
                {
                    self.observe(at, Fact::DynptrCopied { to: None, from: call.args[1].span });
                }
                if let Some(from) = from {
                    self.memory_read(state, from, length, at);
                }
                if let Some(to) = to {
                    self.clobber(state, to, length, at);
                }
            }
            "memset" | "bzero" => {
                if let Some(to) = values.first().and_then(Value::as_ptr) {
                    self.clobber(state, to, length, at);
                    let zero = values.get(1).and_then(Value::as_constant) == Some(0);
                    if zero && matches!(self.interner.object_kind(to.obj), ObjKind::Local(..)) {
                        state.mem.insert(to.key(), Value::Num(Num::constant(0)));
                    }
                }
            }
            "memcmp" | "strncmp" | "strcmp" | "strlen" => {
                for ptr in values.iter().filter_map(Value::as_ptr) {
                    self.memory_read(state, ptr, None, at);
                }
                self.plain_result(state, call, at);
                return true;
            }
            _ => return false,
        }
        let result = values.first().cloned().unwrap_or(Value::Unknown);
        self.set_result(state, call, result, at);
        true
    }

    /// Something reads memory.
    pub(crate) fn memory_read(
        &mut self,
        state: &mut State,
        ptr: &Ptr,
        size: Option<i128>,
        at: EventId,
    ) {
        self.access(state, ptr, size, false, at);
        self.buffer_read(state, ptr, size, at);
        state.unread.retain(|key, _| key.0 != ptr.obj);
    }

    /// Nothing is known about the function: it does the harmless thing, and what it is given is no
    /// longer certain.
    fn unknown_call(&mut self, state: &mut State, call: &Call<'_>, values: &[Value], at: EventId) {
        // On the way of an error a macro that is not known may well return.
        if call.ignored {
            for slice in
                state.slices.values_mut().filter(|slice| slice.null == crate::observe::Tri::Yes)
            {
                slice.null = crate::observe::Tri::No;
                slice.fallback_owed = false;
            }
        }
        for arg in call.args {
            // A structure named as an argument may be a macro's way to its address.
            if let ExprKind::Load(place) = &arg.without_casts().kind
                && matches!(place.ty, Ty::Record(_))
                && let Some(ptr) = self.resolve_quietly(state, call.frame, place)
            {
                self.give_away(state, &ptr, at);
            }
        }
        // Asked about an error, it may be what decides that the packet is dropped.
        if values.iter().filter_map(Value::as_num).any(|num| num.scalar.max() < 0) {
            for slice in state.slices.values_mut().filter(|slice| slice.failed) {
                slice.dirty = None;
            }
        }
        for value in values {
            let Value::Ptr(ptr) = value else { continue };
            self.escape(state, value);
            self.give_away(state, ptr, at);
            // It may be a macro that returns if the pointer is NULL.
            if let ObjKind::Slice(id) = self.interner.object_kind(ptr.obj)
                && let Some(slice) = state.slices.get_mut(id)
                && slice.null == crate::observe::Tri::Maybe
            {
                slice.null = crate::observe::Tri::No;
            }
        }
        self.plain_result(state, call, at);
    }

    /// An object's contents may be anything from now on; dynptrs in it may have been made or released.
    pub(crate) fn give_away(&mut self, state: &mut State, ptr: &Ptr, at: EventId) {
        self.view_escapes(state, ptr);
        let inside: Vec<Value> = state
            .mem
            .iter()
            .filter(|(key, _)| key.0 == ptr.obj)
            .map(|(_, value)| value.clone())
            .collect();
        for value in inside {
            self.escape(state, &value);
        }
        for slice in state.slices.values_mut() {
            if matches!(&slice.buffer, crate::state::Buffer::Known(buffer) if buffer.obj == ptr.obj)
            {
                slice.escaped = true;
                slice.dirty = None;
                slice.buffer_raw = false;
                slice.clobbered = None;
            }
        }
        let keys: Vec<_> = state.dynptrs.keys().filter(|key| key.0 == ptr.obj).copied().collect();
        for key in keys {
            let reference = state.dynptrs.remove(&key).and_then(|dynptr| dynptr.reference);
            if let Some(reference) = reference.and_then(|id| state.references.get_mut(&id)) {
                reference.excused = true;
            }
        }
        state.forget(&self.interner, ptr.obj, ROOT_PATH, at);
    }

    /// Arguments of a global function are checked on their own.
    fn global_arguments(
        &mut self,
        state: &mut State,
        body: &BodyRef,
        call: &Call<'_>,
        values: &[Value],
    ) {
        for (value, arg) in values.iter().zip(call.args) {
            let Value::Ptr(ptr) = value else { continue };
            let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { continue };
            if let Some(slice) = self.slice_view(state, id) {
                let at = self.interner.event(call.frame, arg.span);
                self.observe(at, Fact::GlobalArgument { slice, function: body.name.clone() });
            }
            // The kernel takes writable memory only, whatever the function does with it.
            self.mark_stored(id);
        }
    }

    /// A slice pointer handed on as a number.
    fn leaks(&mut self, state: &mut State, call: &Call<'_>, values: &[Value]) {
        for (value, arg) in values.iter().zip(call.args) {
            let Value::Ptr(ptr) = value else { continue };
            let ObjKind::Slice(id) = *self.interner.object_kind(ptr.obj) else { continue };
            if !matches!(arg.ty, Ty::Int { .. }) {
                continue;
            }
            if let Some(slice) = self.slice_view(state, id) {
                let at = self.interner.event(call.frame, arg.span);
                self.observe(at, Fact::AddressLeaked { slice });
            }
        }
    }

    /// The global function in which, or below which, an activation is.
    pub(crate) fn global_caller(&self, frame: FrameId) -> Option<SmolStr> {
        let mut frame = frame;
        loop {
            let info = self.interner.frame(frame);
            if info.is_global {
                return Some(info.body.name.clone());
            }
            frame = info.caller?.0;
        }
    }
}
