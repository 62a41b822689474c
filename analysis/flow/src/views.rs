//! Snapshots of the state for observations.

use domains::Scalar;
use smol_str::SmolStr;

use crate::interp::{Interp, Site};
use crate::observe::{
    CallView, DynptrState, DynptrView, Fact, Kinds, ResultCompared, SliceView, Tri,
};
use crate::state::{Dynptr, State, Status};
use crate::value::{EventId, FrameId, Key, Num, ObjKind, Ptr, Sym};

impl Interp<'_> {
    /// A slice as it is now.
    pub(crate) fn slice_view(&self, state: &State, id: EventId) -> Option<SliceView> {
        let slice = state.slices.get(&id).or_else(|| state.lost.get(&id))?;
        let site = self.sites.get(&id)?;
        Some(SliceView {
            call: site.view.clone(),
            name: site.name.clone(),
            shown: if site.name.is_empty() { site.shown.clone() } else { site.name.clone() },
            kind: slice.kind,
            kinds: slice.kinds,
            null: slice.null,
            alias: slice.alias,
            offset: slice.offset.as_constant(),
            length: slice.length.as_constant(),
            function: site.function.clone(),
            needs_cast: site.needs_cast,
        })
    }

    /// The dynptr at a key: a variable nothing was made in is uninitialised, anything the analysis has
    /// not seen from its start is taken to hold a usable dynptr.
    pub(crate) fn dynptr_at(&self, state: &State, key: Key) -> Option<Dynptr> {
        if let Some(dynptr) = state.dynptrs.get(&key) {
            return Some(dynptr.clone());
        }
        let own = matches!(self.interner.object_kind(key.0), ObjKind::Local(..));
        if own && !state.versions.contains_key(&key.0) && !self.interner.has_any_elem(key.1) {
            return None;
        }
        Some(unknown_dynptr())
    }

    /// A dynptr as it is now.
    pub(crate) fn dynptr_view(&self, state: &State, ptr: &Ptr, frame: FrameId) -> DynptrView {
        let kind = self.interner.object_kind(ptr.obj);
        let on_stack = match kind {
            ObjKind::Local(..) => Tri::Yes,
            ObjKind::Global(_) | ObjKind::MapValue(_) => Tri::No,
            _ => Tri::Maybe,
        };
        let constant = self.root.is_global
            && matches!(kind, ObjKind::Pointee(object, _) if self.is_parameter(*object));
        let mut view = DynptrView {
            state: DynptrState::Uninitialised,
            kinds: Kinds::UNKNOWN,
            null: Tri::Maybe,
            read_only: Tri::Maybe,
            on_stack,
            made: None,
            referenced: false,
            constant,
            outdated: None,
            metadata_lost: None,
            deleted: None,
            adjusted: None,
            size: None,
        };
        let Some(dynptr) = self.dynptr_at(state, ptr.key()) else { return view };
        view.state = self.dynptr_state(&dynptr, ptr, frame);
        view.kinds = dynptr.kinds;
        view.null = dynptr.null;
        view.read_only = dynptr.read_only;
        view.made = dynptr.made.map(|event| self.interner.visible(event));
        view.referenced = self.holds_reference(state, &dynptr);
        view.outdated =
            dynptr.outdated.map(|event| (self.interner.visible(event), self.site_name(event)));
        view.metadata_lost = dynptr.metadata_lost.map(|event| self.interner.visible(event));
        view.deleted = dynptr.deleted.map(|event| self.interner.visible(event));
        view.adjusted = dynptr.adjusted.as_ref().map(|adjusted| self.interner.visible(adjusted.at));
        view.size = dynptr.size.as_constant();
        view
    }

    fn dynptr_state(&self, dynptr: &Dynptr, ptr: &Ptr, frame: FrameId) -> DynptrState {
        match &dynptr.status {
            Status::Live | Status::Copied => DynptrState::Live,
            Status::Destroyed { at } => DynptrState::Destroyed { at: self.interner.visible(*at) },
            Status::Released { at, through } => {
                // The kernel forgets only the variables of the function that released.
                let released_in = self.interner.event_of(*at).frame;
                let elsewhere =
                    *through != ptr.key() && !self.interner.is_within(frame, released_in);
                DynptrState::Released { at: self.interner.visible(*at), elsewhere }
            }
        }
    }

    /// Whether a dynptr holds a reservation nobody has given back.
    pub(crate) fn holds_reference(&self, state: &State, dynptr: &Dynptr) -> bool {
        dynptr
            .reference
            .and_then(|id| state.references.get(&id))
            .is_some_and(|reference| reference.released.is_none() && !reference.excused)
    }

    fn is_parameter(&self, object: crate::value::ObjId) -> bool {
        match self.interner.object_kind(object) {
            ObjKind::Local(frame, id) => {
                *frame == self.root.frame && (id.0 as usize) < self.root.body.params
            }
            _ => false,
        }
    }

    /// The function called at an event.
    pub(crate) fn site_name(&self, event: EventId) -> SmolStr {
        self.sites.get(&event).map(|site| site.view.name.clone()).unwrap_or_default()
    }

    /// Remembers a call for messages.
    pub(crate) fn note_site(&mut self, at: EventId, view: CallView, args: &[crate::mir::Expr]) {
        let frame = self.interner.event_of(at).frame;
        let function = self.interner.frame(frame).body.name.clone();
        self.sites.entry(at).or_insert_with(|| Site {
            view,
            function,
            name: SmolStr::default(),
            shown: SmolStr::default(),
            result_record: None,
            needs_cast: true,
            length: None,
            args: args.to_vec(),
        });
    }

    /// The symbol of a call's result; whatever the previous run of the call gave is forgotten.
    pub(crate) fn result_symbol(&mut self, state: &mut State, at: EventId) -> crate::value::SymId {
        let symbol = self.interner.symbol(Sym::Result(at));
        state.forget_symbol(&self.interner, symbol);
        symbol
    }

    pub(crate) fn result_compared(
        &mut self,
        call: EventId,
        op: domains::Comparison,
        other: Scalar,
        truthiness: bool,
        at: EventId,
    ) {
        let Some(site) = self.sites.get(&call) else { return };
        let symbol_null = self.null_size_of(call);
        let fact = ResultCompared {
            call: site.view.clone(),
            op,
            other,
            truthiness,
            length: site.length,
            null_dynptr: symbol_null,
        };
        self.observe(at, Fact::ResultCompared(Box::new(fact)));
    }

    fn null_size_of(&self, call: EventId) -> Option<text::Span> {
        let made = self.null_sizes.get(&call)?;
        Some(self.interner.visible(*made))
    }
}

/// A dynptr of which nothing is known but that it can be used.
pub(crate) fn unknown_dynptr() -> Dynptr {
    Dynptr {
        status: Status::Live,
        kinds: Kinds::UNKNOWN,
        made: None,
        null: Tri::No,
        read_only: Tri::Maybe,
        memory: None,
        reference: None,
        adjusted: None,
        outdated: None,
        metadata_lost: None,
        deleted: None,
        filled: crate::state::Filled::DoesNotMatter,
        start: Num::top(),
        size: Num::top(),
    }
}
