//! Tables that give small numbers to objects, paths, symbols, events and activations.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use text::Span;

use crate::mir::BodyRef;
use crate::value::{
    Event, EventId, FrameId, Key, Lin, ObjId, ObjKind, PathId, ROOT_PATH, Step, Sym, SymId,
};

/// A table of distinct values.
#[derive(Debug)]
struct Table<T> {
    items: Vec<T>,
    index: FxHashMap<T, u32>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn new() -> Self {
        Table { items: Vec::new(), index: FxHashMap::default() }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the step budget keeps tables far below 2^32 entries"
    )]
    fn intern(&mut self, item: T) -> u32 {
        if let Some(id) = self.index.get(&item) {
            return *id;
        }
        let id = self.items.len() as u32;
        self.items.push(item.clone());
        self.index.insert(item, id);
        id
    }

    fn get(&self, id: u32) -> &T {
        &self.items[id as usize]
    }
}

/// Leaves and operations of the largest expression that is kept as a symbol.
const MAX_WEIGHT: u32 = 24;

/// An activation of a function.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The activation that called, and where.
    pub(crate) caller: Option<(FrameId, Span)>,
    pub(crate) body: BodyRef,
    /// A global function the kernel verifies by itself: what it does counts, what is wrong in it is
    /// found when it is the root.
    pub(crate) is_global: bool,
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Interner {
    objects: Table<ObjKind>,
    paths: Table<(PathId, Step)>,
    symbols: Table<Sym>,
    /// Number of leaves and operations of computed symbols.
    weights: FxHashMap<SymId, u32>,
    events: Table<Event>,
    frames: Vec<Frame>,
    frame_index: FxHashMap<(FrameId, u32, Span, SmolStr), FrameId>,
}

impl Interner {
    pub(crate) fn new() -> Self {
        let mut paths = Table::new();
        // The first entry is the empty path; its content is never looked at.
        paths.intern((PathId(u32::MAX), Step::AnyElem));
        Interner {
            objects: Table::new(),
            paths,
            symbols: Table::new(),
            weights: FxHashMap::default(),
            events: Table::new(),
            frames: Vec::new(),
            frame_index: FxHashMap::default(),
        }
    }

    pub(crate) fn object(&mut self, kind: ObjKind) -> ObjId {
        ObjId(self.objects.intern(kind))
    }

    pub(crate) fn object_kind(&self, id: ObjId) -> &ObjKind {
        self.objects.get(id.0)
    }

    pub(crate) fn path(&mut self, parent: PathId, step: Step) -> PathId {
        PathId(self.paths.intern((parent, step)))
    }

    /// The last step and what is in front of it.
    pub(crate) fn path_parent(&self, path: PathId) -> Option<(PathId, &Step)> {
        if path == ROOT_PATH {
            return None;
        }
        let (parent, step) = self.paths.get(path.0);
        Some((*parent, step))
    }

    /// Whether `inner` lies in or is `outer`.
    pub(crate) fn path_within(&self, inner: PathId, outer: PathId) -> bool {
        let mut path = inner;
        loop {
            if path == outer {
                return true;
            }
            match self.path_parent(path) {
                Some((parent, _)) => path = parent,
                None => return false,
            }
        }
    }

    /// Whether one lies in the other.
    pub(crate) fn paths_overlap(&self, a: PathId, b: PathId) -> bool {
        self.path_within(a, b) || self.path_within(b, a)
    }

    pub(crate) fn has_any_elem(&self, path: PathId) -> bool {
        let mut path = path;
        while let Some((parent, step)) = self.path_parent(path) {
            if *step == Step::AnyElem {
                return true;
            }
            path = parent;
        }
        false
    }

    pub(crate) fn symbol(&mut self, symbol: Sym) -> SymId {
        SymId(self.symbols.intern(symbol))
    }

    /// The symbol of an operation; nothing if it is computed from so much that nobody compares it, like
    /// a hash over a packet.
    pub(crate) fn computed(&mut self, symbol: Sym) -> Option<SymId> {
        let weight = match &symbol {
            Sym::Op(_, left, right) => 1 + self.weight(left) + self.weight(right),
            Sym::Cast(_, _, inner) => 1 + self.weight(inner),
            Sym::Memory(..) | Sym::Result(_) => 1,
        };
        if weight > MAX_WEIGHT {
            return None;
        }
        let id = self.symbol(symbol);
        self.weights.insert(id, weight);
        Some(id)
    }

    fn weight(&self, lin: &Lin) -> u32 {
        lin.terms.iter().map(|(term, _)| self.weights.get(term).copied().unwrap_or(1)).sum()
    }

    pub(crate) fn symbol_of(&self, id: SymId) -> &Sym {
        self.symbols.get(id.0)
    }

    /// Whether a symbol is, or is computed from, another.
    pub(crate) fn symbol_mentions(&self, id: SymId, other: SymId) -> bool {
        if id == other {
            return true;
        }
        let mentions =
            |lin: &Lin| lin.terms.iter().any(|(term, _)| self.symbol_mentions(*term, other));
        match self.symbol_of(id) {
            Sym::Op(_, left, right) => mentions(left) || mentions(right),
            Sym::Cast(_, _, inner) => mentions(inner),
            Sym::Memory(..) | Sym::Result(_) => false,
        }
    }

    pub(crate) fn event(&mut self, frame: FrameId, span: Span) -> EventId {
        self.call_event(frame, span, 0)
    }

    /// The event of a call, which is not the only one its macro writes there.
    pub(crate) fn call_event(&mut self, frame: FrameId, span: Span, call: u32) -> EventId {
        EventId(self.events.intern(Event { frame, span, call }))
    }

    pub(crate) fn event_of(&self, id: EventId) -> Event {
        *self.events.get(id.0)
    }

    pub(crate) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the step budget keeps tables far below 2^32 entries"
    )]
    pub(crate) fn root_frame(&mut self, body: BodyRef) -> FrameId {
        let id = FrameId(self.frames.len() as u32);
        self.frames.push(Frame { caller: None, body, is_global: false });
        id
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the step budget keeps tables far below 2^32 entries"
    )]
    pub(crate) fn call_frame(
        &mut self,
        caller: FrameId,
        (at, call): (Span, u32),
        frame: Frame,
    ) -> FrameId {
        let key = (caller, call, at, frame.body.name.clone());
        if let Some(id) = self.frame_index.get(&key) {
            return *id;
        }
        let id = FrameId(self.frames.len() as u32);
        self.frames.push(frame);
        self.frame_index.insert(key, id);
        id
    }

    /// Number of calls between the root and the activation.
    pub(crate) fn depth(&self, frame: FrameId) -> usize {
        let mut depth = 0;
        let mut frame = frame;
        while let Some((caller, _)) = self.frame(frame).caller {
            depth += 1;
            frame = caller;
        }
        depth
    }

    /// Where an event shows in the activation `frame`: at its own place, or at the call that led to it.
    pub(crate) fn seen_from(&self, event: EventId, frame: FrameId) -> Option<Span> {
        let Event { frame: mut at, mut span, .. } = self.event_of(event);
        while at != frame {
            (at, span) = self.frame(at).caller?;
        }
        Some(span)
    }

    /// Where an event shows in the file: what happens in code of a header shows at the call that led there.
    pub(crate) fn visible(&self, event: EventId) -> Span {
        let Event { frame: mut at, span, .. } = self.event_of(event);
        let mut visible = span;
        while let Some((caller, call)) = self.frame(at).caller {
            if self.frame(at).body.foreign {
                visible = call;
            }
            at = caller;
        }
        visible
    }

    /// Whether the activation is `ancestor` or called from it.
    pub(crate) fn is_within(&self, frame: FrameId, ancestor: FrameId) -> bool {
        let mut frame = frame;
        loop {
            if frame == ancestor {
                return true;
            }
            match self.frame(frame).caller {
                Some((caller, _)) => frame = caller,
                None => return false,
            }
        }
    }

    /// The activation whose variable this is.
    pub(crate) fn owner(&self, key: Key) -> Option<FrameId> {
        match self.object_kind(key.0) {
            ObjKind::Local(frame, _) => Some(*frame),
            _ => None,
        }
    }
}
