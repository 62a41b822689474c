//! What the functions of the dynptr API do (kernel/bpf/helpers.c, net/core/filter.c and
//! kernel/bpf/verifier.c of 6.18, in terms of what an author must know).

use domains::Interval;
use smol_str::SmolStr;

use crate::api::{Api, Args};
use crate::call::Call;
use crate::interp::Interp;
use crate::mir::{Expr, ExprKind};
use crate::observe::{CallView, DynptrCall, DynptrView, Fact, Kinds, Memory, Tri};
use crate::state::{
    Adjusted, Alias, Buffer, Dynptr, Filled, Pulled, Reference, Slice, SliceKind, Stale, StaleCause, State, Status,
};
use crate::value::{EventId, Key, Lin, Num, ObjKind, Ptr, Value};

/// Largest size of a dynptr (`DYNPTR_MAX_SIZE`).
const MAX_SIZE: i128 = 0xff_ffff;
/// Bytes of a packet that are always linear: the Ethernet header, which `eth_type_trans` pulls.
const ALWAYS_LINEAR: i128 = 14;

/// A call of a dynptr function with its evaluated arguments.
pub(crate) struct ApiCall<'c> {
    pub(crate) api: Api,
    pub(crate) args: Args,
    pub(crate) values: &'c [Value],
    pub(crate) call: &'c Call<'c>,
    pub(crate) view: CallView,
    pub(crate) at: EventId,
}

impl ApiCall<'_> {
    fn value(&self, position: Option<usize>) -> Option<&Value> {
        self.values.get(position?)
    }

    fn num(&self, position: Option<usize>) -> Option<Num> {
        self.value(position).map(Value::num)
    }

    fn ptr(&self, position: Option<usize>) -> Option<&Ptr> {
        self.value(position)?.as_ptr()
    }

    fn expr(&self, position: Option<usize>) -> Option<&Expr> {
        self.call.args.get(position?)
    }
}

impl Interp<'_> {
    /// Interprets a call and gives its result.
    pub(crate) fn api_call(&mut self, state: &mut State, call: &ApiCall<'_>) -> Value {
        self.note_site(call.at, call.view.clone(), call.call.args);
        if let Some(site) = self.sites.get_mut(&call.at) {
            site.length = call.value(call.args.length).and_then(Value::as_constant);
        }
        let result = Value::Num(Num {
            scalar: domains::Scalar::from_type(32, !matches!(call.api, Api::Size)),
            lin: Some(Lin::symbol(self.result_symbol(state, call.at))),
        });
        let key = call.ptr(call.args.dynptr).map(Ptr::key);
        self.report_call(state, call);
        if call.api.accesses() && key.is_some() {
            self.view_used(state, key);
        }
        match call.api {
            api if api.constructs() => self.construct(state, call),
            api if api.slices() => return self.slice(state, call),
            Api::Adjust => self.adjust(state, call),
            Api::Read => self.dynptr_read(state, call),
            Api::Write => self.dynptr_write(state, call),
            api if api.bulk_writes() => self.bulk_write(state, call),
            Api::Submit | Api::Discard => self.release(state, call),
            Api::Size => self.note_size(state, call),
            _ => {}
        }
        if call.api == Api::Size
            && let Some(dynptr) = key.and_then(|key| state.dynptrs.get_mut(&key))
            && dynptr.null == Tri::No
        {
            if dynptr.size.lin.is_none() && dynptr.size.as_constant().is_none() {
                dynptr.size = result.num();
            }
            return Value::Num(dynptr.size.clone());
        }
        result
    }

    fn note_size(&mut self, state: &State, call: &ApiCall<'_>) {
        let Some(dynptr) = call.ptr(call.args.dynptr).and_then(|ptr| self.dynptr_at(state, ptr.key())) else { return };
        match (dynptr.null, dynptr.made) {
            (Tri::Yes | Tri::Maybe, Some(made)) => {
                self.null_sizes.insert(call.at, made);
            }
            _ => {
                self.null_sizes.remove(&call.at);
            }
        }
    }

    /// The view of an adjusted dynptr is used after all.
    fn view_used(&mut self, state: &State, key: Option<Key>) {
        let adjusted = key.and_then(|key| state.dynptrs.get(&key)).and_then(|dynptr| dynptr.adjusted.as_ref());
        if let Some(adjusted) = adjusted {
            let span = self.interner.visible(adjusted.at);
            self.used_views.insert(span);
        }
    }

    /// Whoever gets the dynptr may use the view.
    pub(crate) fn view_escapes(&mut self, state: &State, ptr: &Ptr) {
        let spans: Vec<EventId> = state
            .dynptrs
            .iter()
            .filter(|(key, _)| key.0 == ptr.obj)
            .filter_map(|(_, dynptr)| dynptr.adjusted.as_ref().map(|adjusted| adjusted.at))
            .collect();
        for event in spans {
            let span = self.interner.visible(event);
            self.used_views.insert(span);
        }
    }

    fn report_call(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let frame = call.call.frame;
        let view = |interp: &Self, position: Option<usize>| -> Option<DynptrView> {
            call.ptr(position).map(|ptr| interp.dynptr_view(state, ptr, frame))
        };
        let dynptr = view(self, call.args.dynptr);
        let source = view(self, call.args.source);
        let live = call.ptr(call.args.dynptr).and_then(|ptr| self.dynptr_at(state, ptr.key()));
        let offset = call.num(call.args.offset);
        let length = call.num(call.args.length);
        let (room, sizeof_pointer) = self.buffer_facts(call);
        let (buffer_declared, buffer_of_bytes) = self.buffer_declaration(call);
        let range_checked = self.range_checked(state, call, live.as_ref(), offset.as_ref(), length.as_ref());
        let result_record = call.call.result_record(self);
        let fact = DynptrCall {
            api: call.api,
            call: call.view.clone(),
            ignored: call.call.ignored,
            beyond: self.beyond(call, live.as_ref(), offset.as_ref(), length.as_ref()),
            in_range: in_range(call.api, live.as_ref(), offset.as_ref(), length.as_ref()),
            linear: live.as_ref().is_some_and(|live| self.is_linear(state, live, offset.as_ref(), length.as_ref())),
            dynptr,
            source,
            offset: offset.as_ref().map(|num| num.scalar),
            length: length.as_ref().map(|num| num.scalar),
            flags: call.num(call.args.flags).map(|num| num.scalar),
            fits: fits(live.as_ref(), offset.as_ref(), length.as_ref()),
            range_checked,
            length_varies: length.as_ref().is_some_and(|length| self.certainly_varies(length)),
            room,
            buffer_declared,
            buffer_of_bytes,
            sizeof_pointer,
            sizeof_record_pointer: self.sizeof_record_pointer(call),
            null_buffer: call.value(call.args.memory).is_some_and(|value| value.as_constant() == Some(0)),
            result_record,
            source_slice: self.source_slice(state, call, live.as_ref()),
            is_write_back: call.api == Api::Write && !self.written_back(state, call).is_empty(),
            private: state.private,
            prologue: self.root.prologue,
            distance: self.copy_distance(state, call),
            data: self.data_memory(call),
            in_global: self.root.is_global,
        };
        self.observe(call.at, Fact::Call(Box::new(fact)));
    }

    /// Bytes left in the buffer, and whether the length is the size of the buffer's pointer variable.
    fn buffer_facts(&self, call: &ApiCall<'_>) -> (Option<i128>, bool) {
        let room = call.ptr(call.args.memory).and_then(|ptr| self.room(ptr));
        let sizeof_pointer = match call.expr(call.args.length).map(|length| &length.without_casts().kind) {
            Some(ExprKind::SizeOf(size)) if size.of_pointer => {
                match call.expr(call.args.memory).map(|memory| &memory.without_casts().kind) {
                    Some(ExprKind::Load(place)) => match (&place.base, size.local) {
                        (crate::mir::PlaceBase::Local(id), Some(local)) => *id == local || !place.proj.is_empty(),
                        _ => true,
                    },
                    // `sizeof(p)` where `p` receives the slice: the pointer's size, not the header's.
                    Some(ExprKind::AddrOf(_)) => size.local.is_some(),
                    _ => false,
                }
            }
            _ => false,
        };
        (room, sizeof_pointer)
    }

    /// Where the buffer is declared, if it is a whole variable, and whether it is an array of bytes.
    fn buffer_declaration(&self, call: &ApiCall<'_>) -> (Option<text::Span>, bool) {
        let Some(ptr) = call.ptr(call.args.memory).filter(|ptr| crate::eval::at_start(ptr)) else { return (None, false) };
        let bytes = match self.object_type(ptr.obj, ptr.path) {
            Some(sema::Ty::Array { elem, .. }) => self.sema.size_of(&elem) == Some(1),
            _ => false,
        };
        match self.interner.object_kind(ptr.obj) {
            ObjKind::Local(frame, id) => (Some(self.interner.frame(*frame).body.locals[id.0 as usize].span), bytes),
            _ => (None, false),
        }
    }

    /// Whether the length is the size of a variable that points to a structure.
    fn sizeof_record_pointer(&self, call: &ApiCall<'_>) -> bool {
        let Some(ExprKind::SizeOf(size)) = call.expr(call.args.length).map(|length| &length.without_casts().kind) else {
            return false;
        };
        let Some(local) = size.local else { return false };
        let ty = &self.interner.frame(call.call.frame).body.locals[local.0 as usize].ty;
        matches!(ty.target(), Some(sema::Ty::Record(_)))
    }

    /// Whether a slice or read of the same bytes has succeeded on this path.
    fn range_checked(
        &self,
        state: &State,
        call: &ApiCall<'_>,
        live: Option<&Dynptr>,
        offset: Option<&Num>,
        length: Option<&Num>,
    ) -> bool {
        let (Some(live), Some(offset), Some(length)) = (live, offset, length) else { return false };
        let place = add(&live.start, offset);
        let Some(key) = call.ptr(call.args.dynptr).map(Ptr::key) else { return false };
        state.slices.values().any(|slice| {
            let same = slice.dynptr == key || slice.kinds == live.kinds && live.kinds.packet();
            let inside = match (place.difference(&slice.offset), length.difference(&slice.length)) {
                (Some(from), Some(surplus)) => from >= 0 && from + surplus <= 0,
                _ => false,
            };
            same && inside && slice.null == Tri::No
        })
    }

    /// Whether a number is known to be computed from what only run time knows.
    fn certainly_varies(&self, num: &Num) -> bool {
        let Some(lin) = num.lin.as_ref().filter(|_| num.as_constant().is_none()) else { return false };
        !lin.terms.is_empty() && lin.terms.iter().all(|(symbol, _)| self.is_run_time(*symbol))
    }

    fn is_run_time(&self, symbol: crate::value::SymId) -> bool {
        use crate::value::Sym;
        let all = |lin: &Lin| lin.terms.iter().all(|(symbol, _)| self.is_run_time(*symbol));
        match self.interner.symbol_of(symbol) {
            // A static function that is not called here may be called with a constant elsewhere.
            Sym::Memory(object, _, None) => match self.interner.object_kind(*object) {
                ObjKind::Local(..) => self.root.is_program || self.root.is_global,
                ObjKind::Global(_) => false,
                _ => true,
            },
            Sym::Memory(object, _, Some(_)) => !matches!(self.interner.object_kind(*object), ObjKind::Global(_)),
            Sym::Result(_) => true,
            Sym::Op(_, left, right) => all(left) && all(right),
            Sym::Cast(_, _, inner) => all(inner),
        }
    }

    /// By how much a range certainly leaves the view.
    fn beyond(&self, call: &ApiCall<'_>, live: Option<&Dynptr>, offset: Option<&Num>, length: Option<&Num>) -> Option<i128> {
        let live = live.filter(|live| live.status == Status::Live && live.null != Tri::Yes)?;
        let offset = offset?;
        let end = match call.api {
            Api::Adjust => length?.clone(),
            _ => {
                let length = length?;
                let lin = match (&offset.lin, &length.lin) {
                    (Some(a), Some(b)) => a.add_scaled(b, 1),
                    _ => None,
                };
                Num { scalar: offset.scalar + length.scalar, lin }
            }
        };
        if let Some(difference) = end.difference(&live.size) {
            return (difference > 0).then_some(i128::from(difference));
        }
        let surely = end.scalar.min().checked_sub(live.size.scalar.max())?;
        (live.size.scalar.interval().is_bounded() && live.size.scalar.max() < i128::from(u32::MAX) && surely > 0)
            .then_some(surely)
    }

    /// Whether the bytes are linear, so that no copy can be made.
    fn is_linear(&self, state: &State, dynptr: &Dynptr, offset: Option<&Num>, length: Option<&Num>) -> bool {
        if !dynptr.kinds.any(Kinds::SKB.with(Kinds::XDP).with(Kinds::UNKNOWN)) {
            return true;
        }
        let end = match (offset, length) {
            (Some(offset), Some(length)) => Some((dynptr.start.scalar + offset.scalar + length.scalar).max()),
            _ => None,
        };
        if dynptr.kinds.only(Kinds::XDP) && !self.root.fragments {
            return true;
        }
        match state.pulled {
            Pulled::All => true,
            Pulled::Bytes(bytes) => end.is_none_or(|end| end <= i128::from(bytes) || end > i128::from(u32::MAX)),
            Pulled::No => false,
        }
    }

    fn source_slice(&self, state: &State, call: &ApiCall<'_>, live: Option<&Dynptr>) -> Option<crate::observe::SliceView> {
        if call.api != Api::Write || !live?.kinds.only(Kinds::SKB) {
            return None;
        }
        let ptr = call.ptr(call.args.memory)?;
        let ObjKind::Slice(id) = self.interner.object_kind(ptr.obj) else { return None };
        let slice = state.slices.get(id)?;
        let same = slice.kinds.only(Kinds::SKB) && slice.alias != Alias::Is && slice.stale.is_none() && !slice.linear_copy();
        if same { self.slice_view(state, *id) } else { None }
    }

    fn copy_distance(&self, state: &State, call: &ApiCall<'_>) -> Option<i64> {
        if call.api != Api::Copy {
            return None;
        }
        let to = self.dynptr_at(state, call.ptr(call.args.dynptr)?.key())?;
        let from = self.dynptr_at(state, call.ptr(call.args.source)?.key())?;
        if to.made.is_none() || to.made != from.made {
            return None;
        }
        let place = |dynptr: &Dynptr, offset: Option<Num>| -> Option<Lin> {
            dynptr.start.lin.as_ref()?.add_scaled(offset?.lin.as_ref()?, 1)
        };
        place(&to, call.num(call.args.offset))?.difference(&place(&from, call.num(call.args.source_offset))?)
    }

    fn data_memory(&self, call: &ApiCall<'_>) -> Memory {
        let Some(ptr) = call.ptr(call.args.memory) else { return Memory::Other };
        match self.interner.object_kind(ptr.obj) {
            ObjKind::Local(..) => Memory::Stack,
            ObjKind::Packet(_) | ObjKind::Slice(_) => Memory::Packet,
            _ => Memory::Other,
        }
    }

    fn construct(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let Some(ptr) = call.ptr(call.args.dynptr).cloned() else { return };
        let key = ptr.key();
        let refused = state.dynptrs.get(&key).is_some_and(|old| self.holds_reference(state, old));
        if refused {
            let reference = state.dynptrs.get(&key).and_then(|old| old.reference);
            if let Some(reference) = reference.and_then(|id| state.references.get_mut(&id)) {
                reference.excused = true;
            }
        }
        self.kill_remade(state, key, call.at);
        let dynptr = match call.api {
            Api::Clone => call
                .ptr(call.args.source)
                .and_then(|source| self.dynptr_at(state, source.key()))
                .map(|source| Dynptr { adjusted: None, filled: Filled::DoesNotMatter, ..source }),
            _ => Some(self.new_dynptr(state, call)),
        };
        if call.api == Api::Clone
            && let Some(source) = call.ptr(call.args.source).cloned()
        {
            self.view_used(state, Some(source.key()));
            if let Some(source) = state.dynptrs.get_mut(&source.key())
                && source.filled == Filled::OnlyConstantParts
            {
                source.filled = Filled::Perhaps;
                self.filled.extend(source.reference);
            }
        }
        match dynptr {
            // The kernel stops here; what follows is not to be held against the author.
            Some(_) if refused => {
                state.dynptrs.insert(key, crate::views::unknown_dynptr());
            }
            Some(dynptr) => {
                state.dynptrs.insert(key, dynptr);
            }
            None => {
                state.dynptrs.remove(&key);
            }
        }
    }

    fn new_dynptr(&mut self, state: &mut State, call: &ApiCall<'_>) -> Dynptr {
        let flags = call.num(call.args.flags).unwrap_or_else(Num::top);
        let length = call.num(call.args.length);
        let mut dynptr = Dynptr { made: Some(call.at), start: Num::constant(0), ..crate::views::unknown_dynptr() };
        dynptr.null = match flags.as_constant() {
            Some(0) => Tri::No,
            Some(_) => Tri::Yes,
            None => Tri::No,
        };
        match call.api {
            Api::FromMem => {
                dynptr.kinds = Kinds::LOCAL;
                dynptr.memory = call.ptr(call.args.memory).cloned();
                dynptr.read_only = Tri::No;
                dynptr.size = length.unwrap_or_else(Num::top);
                if dynptr.size.scalar.min() > MAX_SIZE {
                    dynptr.null = Tri::Yes;
                }
            }
            Api::Reserve => {
                dynptr.kinds = Kinds::RINGBUF;
                dynptr.read_only = Tri::No;
                dynptr.null = Tri::Maybe;
                let length = length.unwrap_or_else(Num::top);
                dynptr.filled = match length.as_constant() {
                    Some(_) => Filled::DoesNotMatter,
                    None => Filled::OnlyConstantParts,
                };
                dynptr.size = length;
                dynptr.reference = Some(call.at);
                let excused = self.has_cleanup(call.ptr(call.args.dynptr));
                state.references.insert(call.at, Reference { released: None, excused });
            }
            Api::FromXdp => {
                dynptr.kinds = Kinds::XDP;
                dynptr.read_only = Tri::No;
                dynptr.size = Num::top();
            }
            // What can be done with a file is not modelled further.
            Api::FromFile => {}
            Api::FromSkbMeta => {
                dynptr.kinds = Kinds::SKB_META;
                dynptr.size = Num::top();
            }
            _ => {
                dynptr.kinds = Kinds::SKB;
                dynptr.read_only = match self.root.program.map(|program| program.skb_dynptr) {
                    Some(kernel_model::SkbDynptr::ReadOnly) => Tri::Yes,
                    Some(kernel_model::SkbDynptr::ReadWrite) => Tri::No,
                    _ => Tri::Maybe,
                };
                dynptr.size = self.packet_length(state, call);
            }
        }
        dynptr
    }

    /// The symbol of `ctx->len`, so that lengths taken from either compare.
    fn packet_length(&mut self, state: &mut State, call: &ApiCall<'_>) -> Num {
        let Some(context) = call.values.first().and_then(Value::as_ptr) else { return Num::top() };
        let path = self.interner.path(context.path, crate::value::Step::Field("len".into()));
        let ptr = Ptr { obj: context.obj, path, bytes: Interval::TOP };
        self.peek(state, &ptr, &sema::Ty::Int { bits: 32, signed: false }).num()
    }

    fn has_cleanup(&self, ptr: Option<&Ptr>) -> bool {
        match ptr.map(|ptr| self.interner.object_kind(ptr.obj)) {
            Some(ObjKind::Local(frame, id)) => self.interner.frame(*frame).body.locals[id.0 as usize].cleanup,
            _ => false,
        }
    }

    /// Slices of a dynptr that is made anew.
    fn kill_remade(&mut self, state: &mut State, key: Key, at: EventId) {
        let Some(old) = state.dynptrs.get(&key).cloned() else { return };
        for slice in state.slices.values_mut() {
            let memory = slice.kinds.any(Kinds::LOCAL.with(Kinds::RINGBUF));
            if slice.dynptr == key && slice.made == old.made && slice.stale.is_none() && memory && old.made != Some(at) {
                slice.stale = Some(Stale { cause: StaleCause::Remade, at });
            }
        }
    }

    fn adjust(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let Some(key) = call.ptr(call.args.dynptr).map(Ptr::key) else { return };
        let start = call.num(call.args.offset).unwrap_or_else(Num::top);
        let end = call.num(call.args.length).unwrap_or_else(Num::top);
        let Some(mut dynptr) = self.dynptr_at(state, key) else { return };
        let beyond = self.beyond(call, Some(&dynptr), Some(&start), Some(&end)).is_some();
        if beyond {
            return;
        }
        let shortens = start.as_constant() == Some(0);
        dynptr.adjusted = Some(Adjusted { at: call.at, shortens });
        dynptr.size = subtract(&end, &start);
        dynptr.start = add(&dynptr.start, &start);
        for slice in state.slices.values_mut().filter(|slice| slice.dynptr == key && slice.made == dynptr.made) {
            if !shortens {
                slice.view_moved = Some(call.at);
            }
        }
        state.dynptrs.insert(key, dynptr);
    }

    fn slice(&mut self, state: &mut State, call: &ApiCall<'_>) -> Value {
        let kind = match call.api {
            Api::Data => SliceKind::Data,
            Api::Slice => SliceKind::ReadOnly,
            _ => SliceKind::ReadWrite,
        };
        let at = call.at;
        self.replace_slice(state, at);
        let dynptr = call.ptr(call.args.dynptr).and_then(|ptr| self.dynptr_at(state, ptr.key()));
        let dynptr = dynptr.unwrap_or_else(crate::views::unknown_dynptr);
        let key = call.ptr(call.args.dynptr).map_or((crate::value::ObjId(u32::MAX), crate::value::ROOT_PATH), Ptr::key);
        let buffer = match call.value(call.args.memory) {
            _ if kind == SliceKind::Data => Buffer::None,
            Some(Value::Ptr(ptr)) => Buffer::Known(ptr.clone()),
            Some(value) if value.as_constant() == Some(0) => Buffer::None,
            _ => Buffer::Unknown,
        };
        let offset = call.num(call.args.offset).unwrap_or_else(Num::top);
        let length = call.num(call.args.length).unwrap_or_else(Num::top);
        if kind != SliceKind::Data && call.value(call.args.memory).is_some_and(|value| value.as_constant() != Some(0)) {
            self.fallback_done(state, key);
        }
        let linear = self.is_linear(state, &dynptr, Some(&offset), Some(&length)) || self.always_linear(&buffer, &dynptr, &offset, &length);
        if let Buffer::Known(ptr) = &buffer {
            let ptr = ptr.clone();
            let size = length.as_constant();
            self.buffer_write(state, &ptr, size, Some(at), at);
            state.unread.retain(|key, _| key.0 != ptr.obj);
            if !linear {
                state.forget(&self.interner, ptr.obj, ptr.path, at);
            }
        }
        if kind == SliceKind::ReadWrite {
            let span = self.interner.event_of(at).span;
            let function = self.interner.frame(call.call.frame).body.name.clone();
            if !self.mute(call.call.frame) {
                self.rdwr_calls.entry(span).or_insert((call.view.clone(), function, false));
            }
        }
        self.fill(state, key, kind == SliceKind::ReadOnly, None);
        let initialised = matches!(&buffer, Buffer::Known(ptr) if state.mem.contains_key(&ptr.key()));
        let slice = Slice {
            kind,
            dynptr: key,
            made: dynptr.made,
            reference: dynptr.reference,
            kinds: dynptr.kinds,
            alias: if buffer == Buffer::None || linear && dynptr.kinds != Kinds::UNKNOWN { Alias::Not } else { Alias::Maybe },
            buffer_raw: matches!(buffer, Buffer::Known(_)) && !(initialised && linear),
            buffer,
            null: if dynptr.null == Tri::Yes { Tri::Yes } else { Tri::Maybe },
            stale: None,
            dirty: None,
            last_store: None,
            header_store: None,
            clobbered: None,
            buffer_store: None,
            fallback_owed: false,
            view_moved: None,
            compared: None,
            escaped: false,
            linear,
            offset: add(&dynptr.start, &offset),
            length,
            stored: None,
        };
        state.slices.insert(at, slice);
        Value::Ptr(Ptr::to(self.interner.object(ObjKind::Slice(at))))
    }

    /// The Ethernet header of an skb is linear; asking for it without a buffer is no mistake.
    fn always_linear(&self, buffer: &Buffer, dynptr: &Dynptr, offset: &Num, length: &Num) -> bool {
        let end = (dynptr.start.scalar + offset.scalar + length.scalar).max();
        *buffer == Buffer::None && dynptr.kinds.only(Kinds::SKB) && end <= ALWAYS_LINEAR
    }

    /// The call runs again: pointers to its former result no longer name it.
    fn replace_slice(&mut self, state: &mut State, at: EventId) {
        let Some(old) = state.slices.remove(&at) else { return };
        if old.dirty.is_some() && !old.escaped {
            state.lost.insert(at, old);
        }
        let object = self.interner.object(ObjKind::Slice(at));
        state.mem.retain(|_, value| value.as_ptr().is_none_or(|ptr| ptr.obj != object));
        state.mem.retain(|_, value| !matches!(value, Value::Pred(pred) if pred.slice == at));
    }

    fn dynptr_read(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let key = call.ptr(call.args.dynptr).map(Ptr::key);
        if let Some(key) = key {
            self.fallback_done(state, key);
        }
        let Some(ptr) = call.ptr(call.args.memory).cloned() else { return };
        let fresh = !state.mem.contains_key(&ptr.key()) && !state.versions.contains_key(&ptr.obj);
        let own = matches!(self.interner.object_kind(ptr.obj), ObjKind::Local(..));
        let size = call.value(call.args.length).and_then(Value::as_constant);
        self.clobber(state, &ptr, size, call.at);
        if call.call.ignored && fresh && own {
            state.unread.insert(ptr.key(), call.at);
        }
    }

    /// Bytes go into a record: whether that can have filled it.
    pub(crate) fn fill(&mut self, state: &mut State, key: Key, reading: bool, length: Option<&Num>) {
        let Some(dynptr) = state.dynptrs.get_mut(&key) else { return };
        let constant = length.is_some_and(|length| length.as_constant().is_some());
        if dynptr.filled == Filled::OnlyConstantParts && !constant && !reading {
            dynptr.filled = Filled::Perhaps;
            self.filled.extend(dynptr.reference);
        }
    }

    fn bulk_write(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let Some(ptr) = call.ptr(call.args.dynptr).cloned() else { return };
        if let Some(source) = call.ptr(call.args.source).cloned() {
            self.view_used(state, Some(source.key()));
        }
        let length = call.num(call.args.length);
        self.fill(state, ptr.key(), false, length.as_ref());
        let skb = self.dynptr_at(state, ptr.key()).is_some_and(|dynptr| dynptr.kinds.only(Kinds::SKB));
        if skb {
            let name: SmolStr = call.view.name.clone();
            self.kill_slices(state, Kinds::SKB.with(Kinds::SKB_META), &StaleCause::Bulk(name), call.at);
        }
    }

    fn release(&mut self, state: &mut State, call: &ApiCall<'_>) {
        let Some(ptr) = call.ptr(call.args.dynptr).cloned() else { return };
        let Some(dynptr) = self.dynptr_at(state, ptr.key()) else { return };
        if call.api == Api::Submit {
            if let Some(adjusted) = dynptr.adjusted.as_ref().filter(|adjusted| adjusted.shortens) {
                let adjust = self.interner.visible(adjusted.at);
                self.observe(call.at, Fact::ShortenedRecord { adjust });
            }
            if let (Filled::OnlyConstantParts, Some(reserve)) = (dynptr.filled, dynptr.reference)
                && !self.mute(call.call.frame)
            {
                let seen = self.interner.visible(reserve);
                let observation = self.observation(call.at, Fact::PartlyFilledRecord { reserve: seen });
                self.partly_filled.push((reserve, observation));
            }
        }
        let status = Status::Released { at: call.at, through: ptr.key() };
        let Some(reference) = dynptr.reference else {
            if let Some(dynptr) = state.dynptrs.get_mut(&ptr.key()) {
                dynptr.status = status;
            }
            return;
        };
        if let Some(reference) = state.references.get_mut(&reference) {
            reference.released = Some(call.at);
        }
        for other in state.dynptrs.values_mut().filter(|other| other.reference == Some(reference)) {
            if other.status == Status::Live {
                other.status = status.clone();
            }
        }
        for slice in state.slices.values_mut().filter(|slice| slice.reference == Some(reference)) {
            if slice.stale.is_none() {
                slice.stale = Some(Stale { cause: StaleCause::Released, at: call.at });
            }
        }
    }
}

/// Whether an access certainly lies in the view.
fn fits(live: Option<&Dynptr>, offset: Option<&Num>, length: Option<&Num>) -> bool {
    let (Some(live), Some(offset), Some(length)) = (live, offset, length) else { return false };
    let end = offset.scalar + length.scalar;
    live.null == Tri::No && offset.scalar.min() >= 0 && end.max() <= live.size.scalar.min()
}

/// For adjust: whether it cannot fail.
fn in_range(api: Api, live: Option<&Dynptr>, offset: Option<&Num>, length: Option<&Num>) -> bool {
    let (Api::Adjust, Some(live), Some(start), Some(end)) = (api, live, offset, length) else { return false };
    let ordered = start.scalar.max() <= end.scalar.min()
        || end.difference(start).is_some_and(|difference| difference >= 0)
        // A bounded start within a length taken from the packet fails only on packets that are too short
        // for the header that is read next anyway.
        || start.scalar.max() <= 0xffff;
    let inside = end.scalar.max() <= live.size.scalar.min()
        || end.difference(&live.size).is_some_and(|difference| difference <= 0)
        || live.size.lin.is_none() && live.size.as_constant().is_none()
        || end.as_constant().is_some();
    ordered && inside
}

/// The sum.
pub(crate) fn add(a: &Num, b: &Num) -> Num {
    let lin = match (&a.lin, &b.lin) {
        (Some(a), Some(b)) => a.add_scaled(b, 1),
        _ => None,
    };
    Num { scalar: a.scalar + b.scalar, lin }
}

fn subtract(a: &Num, b: &Num) -> Num {
    let lin = match (&a.lin, &b.lin) {
        (Some(a), Some(b)) => a.add_scaled(b, -1),
        _ => None,
    };
    Num { scalar: a.scalar - b.scalar, lin }
}

impl Slice {
    /// The pointer is known to be the buffer or the range linear by a pull, so that the source of a
    /// write is not moved away.
    fn linear_copy(&self) -> bool {
        self.alias == Alias::Is
    }
}
