//! What the functions of the dynptr API do (kernel/bpf/helpers.c, net/core/filter.c and
//! kernel/bpf/verifier.c of 6.18, in terms of what an author must know).

use domains::Interval;
use smol_str::SmolStr;

use crate::api::{Api, Args};
use crate::call::Call;
use crate::interp::Interp;
use crate::mir::Expr;
use crate::observe::{CallView, Fact, Kinds, Tri};
use crate::state::{
    Adjusted, Alias, Buffer, Dynptr, Filled, Pulled, Reference, Slice, SliceKind, Stale,
    StaleCause, State, Status,
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
    pub(crate) fn value(&self, position: Option<usize>) -> Option<&Value> {
        self.values.get(position?)
    }

    pub(crate) fn num(&self, position: Option<usize>) -> Option<Num> {
        self.value(position).map(Value::num)
    }

    pub(crate) fn ptr(&self, position: Option<usize>) -> Option<&Ptr> {
        self.value(position)?.as_ptr()
    }

    pub(crate) fn expr(&self, position: Option<usize>) -> Option<&Expr> {
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
        let Some(dynptr) =
            call.ptr(call.args.dynptr).and_then(|ptr| self.dynptr_at(state, ptr.key()))
        else {
            return;
        };
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
        let adjusted =
            key.and_then(|key| state.dynptrs.get(&key)).and_then(|dynptr| dynptr.adjusted.as_ref());
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

    /// Whether the bytes are linear, so that no copy can be made.
    pub(crate) fn is_linear(
        &self,
        state: &State,
        dynptr: &Dynptr,
        offset: Option<&Num>,
        length: Option<&Num>,
    ) -> bool {
        if !dynptr.kinds.any(Kinds::SKB.with(Kinds::XDP).with(Kinds::UNKNOWN)) {
            return true;
        }
        let end = match (offset, length) {
            (Some(offset), Some(length)) => {
                Some((dynptr.start.scalar + offset.scalar + length.scalar).max())
            }
            _ => None,
        };
        if dynptr.kinds.only(Kinds::XDP) && !self.root.fragments {
            return true;
        }
        match state.pulled {
            Pulled::All => true,
            Pulled::Bytes(bytes) => {
                end.is_none_or(|end| end <= i128::from(bytes) || end > i128::from(u32::MAX))
            }
            Pulled::No => false,
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
            Some(new) if refused => {
                if let Some(reference) = new.reference.and_then(|id| state.references.get_mut(&id))
                {
                    reference.excused = true;
                }
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
        let mut dynptr = Dynptr {
            made: Some(call.at),
            start: Num::constant(0),
            ..crate::views::unknown_dynptr()
        };
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
                state
                    .references
                    .insert(call.at, Reference { failed: false, released: None, excused });
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
            Some(ObjKind::Local(frame, id)) => {
                self.interner.frame(*frame).body.locals[id.0 as usize].cleanup
            }
            _ => false,
        }
    }

    /// Slices of a dynptr that is made anew.
    fn kill_remade(&mut self, state: &mut State, key: Key, at: EventId) {
        let Some(old) = state.dynptrs.get(&key).cloned() else { return };
        for slice in state.slices.values_mut() {
            let memory = slice.kinds.any(Kinds::LOCAL.with(Kinds::RINGBUF));
            if slice.dynptr == key
                && slice.made == old.made
                && slice.stale.is_none()
                && memory
                && old.made != Some(at)
            {
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
        for slice in state
            .slices
            .values_mut()
            .filter(|slice| slice.dynptr == key && slice.made == dynptr.made)
        {
            if !shortens {
                slice.view_moved = Some(call.at);
            }
        }
        state.dynptrs.insert(key, dynptr);
    }

    fn slice(&mut self, state: &mut State, call: &ApiCall<'_>) -> Value {
        let at = call.at;
        self.replace_slice(state, at);
        let dynptr = call.ptr(call.args.dynptr).and_then(|ptr| self.dynptr_at(state, ptr.key()));
        let dynptr = dynptr.unwrap_or_else(crate::views::unknown_dynptr);
        let nowhere = (self.interner.object(ObjKind::Nowhere), crate::value::ROOT_PATH);
        let key = call.ptr(call.args.dynptr).map_or(nowhere, Ptr::key);
        let mut slice = Slice::new(slice_kind(call.api), key, &dynptr);
        slice.buffer = slice_buffer(call);
        let offset = call.num(call.args.offset).unwrap_or_else(Num::top);
        slice.length = call.num(call.args.length).unwrap_or_else(Num::top);
        slice.offset = add(&dynptr.start, &offset);
        slice.linear = self.is_linear(state, &dynptr, Some(&offset), Some(&slice.length))
            || always_linear(&slice, &dynptr);
        let nowhere_to_copy = slice.linear && dynptr.kinds != Kinds::UNKNOWN;
        if slice.buffer != Buffer::None && !nowhere_to_copy {
            slice.alias = Alias::Maybe;
        }
        if slice.kind != SliceKind::Data && slice.buffer != Buffer::None {
            self.fallback_done(state, key);
        }
        self.buffer_given(state, &mut slice, at);
        self.note_writable(call, &slice);
        self.fill(state, key, slice.kind == SliceKind::ReadOnly, None);
        state.slices.insert(at, slice);
        Value::Ptr(Ptr::to(self.interner.object(ObjKind::Slice(at))))
    }

    /// The buffer's former contents are gone, unless the bytes are linear.
    fn buffer_given(&mut self, state: &mut State, slice: &mut Slice, at: EventId) {
        let Buffer::Known(ptr) = slice.buffer.clone() else { return };
        self.buffer_write(state, &ptr, slice.length.as_constant(), Some(at), at);
        state.unread.retain(|key, _| key.0 != ptr.obj);
        if !slice.linear {
            state.forget(&self.interner, ptr.obj, ptr.path, at);
        }
        let initialised = state.mem.contains_key(&ptr.key());
        slice.buffer_raw = !(initialised && slice.linear);
    }

    /// Whether anything is stored through a writable slice is known only when all paths are followed.
    fn note_writable(&mut self, call: &ApiCall<'_>, slice: &Slice) {
        if slice.kind != SliceKind::ReadWrite || self.mute(call.call.frame) {
            return;
        }
        let function = self.interner.frame(call.call.frame).body.name.clone();
        let span = self.interner.event_of(call.at).span;
        self.rdwr_calls.entry(span).or_insert((call.view.clone(), function, false));
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
    pub(crate) fn fill(
        &mut self,
        state: &mut State,
        key: Key,
        reading: bool,
        length: Option<&Num>,
    ) {
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
        let skb =
            self.dynptr_at(state, ptr.key()).is_some_and(|dynptr| dynptr.kinds.only(Kinds::SKB));
        if skb {
            let name: SmolStr = call.view.name.clone();
            self.kill_slices(
                state,
                Kinds::SKB.with(Kinds::SKB_META),
                &StaleCause::Bulk(name),
                call.at,
            );
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
                let observation =
                    self.observation(call.at, Fact::PartlyFilledRecord { reserve: seen });
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

fn slice_kind(api: Api) -> SliceKind {
    match api {
        Api::Data => SliceKind::Data,
        Api::Slice => SliceKind::ReadOnly,
        _ => SliceKind::ReadWrite,
    }
}

fn slice_buffer(call: &ApiCall<'_>) -> Buffer {
    match call.value(call.args.memory) {
        None => Buffer::None,
        Some(Value::Ptr(ptr)) => Buffer::Known(ptr.clone()),
        Some(value) if value.as_constant() == Some(0) => Buffer::None,
        Some(_) => Buffer::Unknown,
    }
}

/// The Ethernet header of an skb is linear; asking for it without a buffer is no mistake.
fn always_linear(slice: &Slice, dynptr: &Dynptr) -> bool {
    let end = (slice.offset.scalar + slice.length.scalar).max();
    slice.buffer == Buffer::None && dynptr.kinds.only(Kinds::SKB) && end <= ALWAYS_LINEAR
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
    /// A slice that may be NULL, with nothing stored and nothing owed.
    fn new(kind: SliceKind, dynptr: Key, of: &Dynptr) -> Self {
        Slice {
            kind,
            dynptr,
            made: of.made,
            reference: of.reference,
            kinds: of.kinds,
            buffer: Buffer::None,
            null: if of.null == Tri::Yes { Tri::Yes } else { Tri::Maybe },
            alias: Alias::Not,
            stale: None,
            dirty: None,
            failed: false,
            last_store: None,
            header_store: None,
            clobbered: None,
            buffer_raw: false,
            buffer_store: None,
            fallback_owed: false,
            view_moved: None,
            compared: None,
            escaped: false,
            linear: false,
            offset: Num::top(),
            length: Num::top(),
            stored: None,
        }
    }

    /// The pointer is known to be the buffer or the range linear by a pull, so that the source of a
    /// write is not moved away.
    pub(crate) fn linear_copy(&self) -> bool {
        self.alias == Alias::Is
    }
}
