//! What a call of a dynptr function tells the rules.

use crate::api::Api;
use crate::dynptr::{ApiCall, add};
use crate::interp::Interp;
use crate::mir::ExprKind;
use crate::observe::{DynptrCall, DynptrView, Fact, Kinds, Memory, Tri};
use crate::state::{Alias, Dynptr, State, Status};
use crate::value::{Lin, Num, ObjKind, Ptr};

impl Interp<'_> {
    pub(crate) fn report_call(&mut self, state: &mut State, call: &ApiCall<'_>) {
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
        let range_checked =
            self.range_checked(state, call, live.as_ref(), offset.as_ref(), length.as_ref());
        let result_record = call.call.result_record(self);
        let fact = DynptrCall {
            api: call.api,
            call: call.view.clone(),
            ignored: call.call.ignored,
            beyond: self.beyond(call, live.as_ref(), offset.as_ref(), length.as_ref()),
            in_range: in_range(call.api, live.as_ref(), offset.as_ref(), length.as_ref()),
            linear: live
                .as_ref()
                .is_some_and(|live| self.is_linear(state, live, offset.as_ref(), length.as_ref())),
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
            null_buffer: call
                .value(call.args.memory)
                .is_some_and(|value| value.as_constant() == Some(0)),
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
        let sizeof_pointer =
            match call.expr(call.args.length).map(|length| &length.without_casts().kind) {
                Some(ExprKind::SizeOf(size)) if size.of_pointer => {
                    match call.expr(call.args.memory).map(|memory| &memory.without_casts().kind) {
                        Some(ExprKind::Load(place)) => match (&place.base, size.local) {
                            (crate::mir::PlaceBase::Local(id), Some(local)) => {
                                *id == local || !place.proj.is_empty()
                            }
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
        let Some(ptr) = call.ptr(call.args.memory).filter(|ptr| crate::eval::at_start(ptr)) else {
            return (None, false);
        };
        let bytes = match self.object_type(ptr.obj, ptr.path) {
            Some(sema::Ty::Array { elem, .. }) => self.sema.size_of(&elem) == Some(1),
            _ => false,
        };
        match self.interner.object_kind(ptr.obj) {
            ObjKind::Local(frame, id) => {
                (Some(self.interner.frame(*frame).body.locals[id.0 as usize].span), bytes)
            }
            _ => (None, false),
        }
    }

    /// Whether the length is the size of a variable that points to a structure.
    fn sizeof_record_pointer(&self, call: &ApiCall<'_>) -> bool {
        let Some(ExprKind::SizeOf(size)) =
            call.expr(call.args.length).map(|length| &length.without_casts().kind)
        else {
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
        let Some(lin) = num.lin.as_ref().filter(|_| num.as_constant().is_none()) else {
            return false;
        };
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
            Sym::Memory(object, _, Some(_)) => {
                !matches!(self.interner.object_kind(*object), ObjKind::Global(_))
            }
            Sym::Result(_) => true,
            Sym::Op(_, left, right) => all(left) && all(right),
            Sym::Cast(_, _, inner) => all(inner),
        }
    }

    /// By how much a range certainly leaves the view.
    pub(crate) fn beyond(
        &self,
        call: &ApiCall<'_>,
        live: Option<&Dynptr>,
        offset: Option<&Num>,
        length: Option<&Num>,
    ) -> Option<i128> {
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
        (live.size.scalar.interval().is_bounded()
            && live.size.scalar.max() < i128::from(u32::MAX)
            && surely > 0)
            .then_some(surely)
    }

    fn source_slice(
        &self,
        state: &State,
        call: &ApiCall<'_>,
        live: Option<&Dynptr>,
    ) -> Option<crate::observe::SliceView> {
        if call.api != Api::Write || !live?.kinds.only(Kinds::SKB) {
            return None;
        }
        let ptr = call.ptr(call.args.memory)?;
        let ObjKind::Slice(id) = self.interner.object_kind(ptr.obj) else { return None };
        let slice = state.slices.get(id)?;
        let same = slice.kinds.only(Kinds::SKB)
            && slice.alias != Alias::Is
            && slice.stale.is_none()
            && !slice.linear_copy();
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
        place(&to, call.num(call.args.offset))?
            .difference(&place(&from, call.num(call.args.source_offset))?)
    }

    fn data_memory(&self, call: &ApiCall<'_>) -> Memory {
        let Some(ptr) = call.ptr(call.args.memory) else { return Memory::Other };
        match self.interner.object_kind(ptr.obj) {
            ObjKind::Local(..) => Memory::Stack,
            ObjKind::Packet(_) | ObjKind::Slice(_) => Memory::Packet,
            _ => Memory::Other,
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
    let (Api::Adjust, Some(live), Some(start), Some(end)) = (api, live, offset, length) else {
        return false;
    };
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
