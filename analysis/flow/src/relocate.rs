//! Moving facts to where the code they are about stands now.

use text::Span;

use crate::observe::{
    Access, CallView, DynptrCall, DynptrState, DynptrView, Fact, LostStore, Observation,
    ResultCompared, SliceView, Unreleased, WriteBack,
};

/// Where pieces of the text stood, and how far each has moved.
#[derive(Debug)]
pub(crate) struct Moves {
    /// In the order of the text.
    pieces: Vec<(Span, i64)>,
}

impl Moves {
    /// From the places of the same pieces before and after, in the order of the text.
    pub(crate) fn new(before: &[Span], after: impl Iterator<Item = Span>) -> Self {
        let pieces = before.iter().zip(after);
        let pieces =
            pieces.map(|(old, new)| (*old, i64::from(new.start) - i64::from(old.start))).collect();
        Self { pieces }
    }

    /// Whether nothing has moved.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|(_, by)| *by == 0)
    }

    fn apply(&self, span: &mut Span) {
        let behind = self.pieces.partition_point(|(piece, _)| piece.start <= span.start);
        let Some((piece, by)) = behind.checked_sub(1).and_then(|at| self.pieces.get(at)) else {
            return;
        };
        if span.start <= piece.end {
            let moved = |at: u32| u32::try_from(i64::from(at) + by).unwrap_or_default();
            *span = Span::new(moved(span.start), moved(span.end));
        }
    }
}

/// Something that holds spans.
pub(crate) trait Relocate {
    /// Moves every span.
    fn relocate(&mut self, moves: &Moves);
}

impl Relocate for Span {
    fn relocate(&mut self, moves: &Moves) {
        moves.apply(self);
    }
}

impl<T: Relocate> Relocate for Option<T> {
    fn relocate(&mut self, moves: &Moves) {
        self.iter_mut().for_each(|each| each.relocate(moves));
    }
}

impl<T: Relocate> Relocate for Vec<T> {
    fn relocate(&mut self, moves: &Moves) {
        self.iter_mut().for_each(|each| each.relocate(moves));
    }
}

impl<T: Relocate> Relocate for Box<T> {
    fn relocate(&mut self, moves: &Moves) {
        (**self).relocate(moves);
    }
}

/// `(Span, …)` with one other member that has no span.
impl<T> Relocate for (Span, T) {
    fn relocate(&mut self, moves: &Moves) {
        self.0.relocate(moves);
    }
}

/// Moves the named fields; the destructuring makes the compiler ask about each new field.
macro_rules! relocate_fields {
    ($($type:ident { $($moved:ident),* ; $($kept:ident),* })*) => {
        $(impl Relocate for $type {
            fn relocate(&mut self, moves: &Moves) {
                let $type { $($moved,)* $($kept: _,)* } = self;
                $($moved.relocate(moves);)*
            }
        })*
    };
}

relocate_fields! {
    Observation { span, fact; function, program, fragments }
    CallView { span, args; name }
    DynptrView {
        state, made, outdated, metadata_lost, deleted, adjusted;
        kinds, null, read_only, on_stack, referenced, constant, size
    }
    DynptrCall {
        call, dynptr, source, buffer_declared, source_slice;
        api, ignored, offset, length, flags, beyond, in_range, fits, range_checked, length_varies, room,
        buffer_of_bytes, sizeof_record_pointer, sizeof_pointer, null_buffer, linear, result_record,
        is_write_back, private, prologue, distance, data, in_global
    }
    SliceView { call; name, shown, kind, kinds, null, alias, offset, length, function, needs_cast }
    WriteBack {
        slice, call, moved;
        offset_difference, length_difference, other_memory, other_buffer, from_start, covers_stores,
        source_offset
    }
    LostStore { slice, last_store, leave; offset_unchanged, nameable }
    Unreleased { call; failed, same_function, always }
    ResultCompared { call, null_dynptr; op, other, truthiness, length }
}

impl Relocate for Access {
    fn relocate(&mut self, moves: &Moves) {
        let Access { slice, write: _, offset: _, size: _, stale, pointer, arithmetic: _, held } =
            self;
        slice.relocate(moves);
        if let Some((_, at)) = stale {
            at.relocate(moves);
        }
        pointer.relocate(moves);
        held.relocate(moves);
    }
}

impl Relocate for DynptrState {
    fn relocate(&mut self, moves: &Moves) {
        match self {
            DynptrState::Uninitialised | DynptrState::Live => {}
            DynptrState::Released { at, elsewhere: _ } | DynptrState::Destroyed { at } => {
                at.relocate(moves);
            }
        }
    }
}

impl Relocate for Fact {
    fn relocate(&mut self, moves: &Moves) {
        match self {
            Fact::Call(call) => call.relocate(moves),
            Fact::KernelCall(call) | Fact::NeverStored { call } => call.relocate(moves),
            Fact::Access(access) => access.relocate(moves),
            Fact::StalePacketAccess { cause: _, at } => at.relocate(moves),
            Fact::WriteBack(write) => write.relocate(moves),
            Fact::LostStore(store) => store.relocate(moves),
            Fact::Unreleased(unreleased) => unreleased.relocate(moves),
            Fact::ResultCompared(compared) => compared.relocate(moves),
            Fact::ForeignComparison { slice, other: at }
            | Fact::NullTakenForShort { slice, leave: at }
            | Fact::SliceReturned { slice, buffer: at }
            | Fact::OldView { slice, adjust: at }
            | Fact::BufferReused { slice, used: at, by_slice: _ } => {
                slice.relocate(moves);
                at.relocate(moves);
            }
            Fact::InvertedWriteBack { slice, comparison, write } => {
                slice.relocate(moves);
                comparison.relocate(moves);
                write.relocate(moves);
            }
            Fact::BufferUse { slice, write: _ }
            | Fact::AddressLeaked { slice }
            | Fact::MapArgument { slice, function: _ }
            | Fact::GlobalArgument { slice, function: _ } => slice.relocate(moves),
            Fact::ChecksumForgotten { record: _, field: _ }
            | Fact::DynptrPassed { function: _, written: _ } => {}
            Fact::ShortenedRecord { adjust: at }
            | Fact::PartlyFilledRecord { reserve: at }
            | Fact::ReferencedOverwritten { reserve: at } => at.relocate(moves),
            Fact::DynptrCopied { to, from } => {
                to.relocate(moves);
                from.relocate(moves);
            }
            Fact::UnreadUsed { used, call, held } => {
                used.relocate(moves);
                call.relocate(moves);
                held.relocate(moves);
            }
        }
    }
}
