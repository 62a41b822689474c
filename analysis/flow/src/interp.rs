//! The interpreter: what is shared by all its parts, and the walk through one activation.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use domains::fixpoint::{Domain, Flow, Node, solve};
use kernel_model::ProgramType;
use rustc_hash::{FxHashMap, FxHashSet};
use sema::Sema;
use smol_str::SmolStr;
use text::Span;

use crate::intern::Interner;
use crate::lower::lower_function;
use crate::mir::{BodyRef, Callee, Expr, InstKind, LocalId, PlaceBase, Terminator};
use crate::observe::{CallView, Fact, Observation};
use crate::state::{Merge, State};
use crate::value::{EventId, FrameId, ObjId, ObjKind, ROOT_PATH, Value};

/// Instructions interpreted for one root, all activations together.
const STEP_BUDGET: u32 = 60_000;
/// Nodes taken in one activation.
const NODE_BUDGET: u32 = 4_000;
/// States kept apart at one point.
const MAX_STATES: usize = 48;
/// States of one shape kept apart at one point, for the sake of return codes and counters.
const MAX_SAME_SHAPE: usize = 4;
/// Rounds through a loop before numbers are widened.
const WIDEN_AFTER: u32 = 3;

/// What is being followed.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) frame: FrameId,
    pub(crate) body: BodyRef,
    pub(crate) program: Option<&'static ProgramType>,
    /// Packets may have fragments.
    pub(crate) fragments: bool,
    /// The function is a program, so that its result is a verdict.
    pub(crate) is_program: bool,
    /// A global function or callback: its dynptr parameters are const.
    pub(crate) is_global: bool,
    /// A callback: what it returns is no verdict.
    pub(crate) is_callback: bool,
    /// Something reachable asks for the un-clone prologue.
    pub(crate) prologue: bool,
}

/// A call that has been interpreted, for messages about its result.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) view: CallView,
    pub(crate) function: SmolStr,
    /// The variable that received the result.
    pub(crate) name: SmolStr,
    /// The variable of a caller that received it from there.
    pub(crate) shown: SmolStr,
    pub(crate) result_record: Option<SmolStr>,
    pub(crate) needs_cast: bool,
    pub(crate) length: Option<i128>,
    /// The argument expressions, to see later whether they still have their values.
    pub(crate) args: Vec<Expr>,
}

/// The interpreter of one file.
pub(crate) struct Interp<'a> {
    pub(crate) sema: &'a Sema,
    pub(crate) text: Arc<str>,
    pub(crate) interner: Interner,
    pub(crate) root: Root,
    pub(crate) sites: FxHashMap<EventId, Site>,
    /// Calls of `bpf_dynptr_size` on a dynptr that may be null, and where that was made.
    pub(crate) null_sizes: FxHashMap<EventId, EventId>,
    /// Writable slices by call, and whether something was stored through them.
    pub(crate) rdwr_calls: FxHashMap<Span, (CallView, SmolStr, bool)>,
    /// Submits of records of variable size with constant parts written, by the reservation.
    pub(crate) partly_filled: Vec<(EventId, Observation)>,
    /// Reservations that are filled on some path.
    pub(crate) filled: FxHashSet<EventId>,
    /// Map and key of each lookup.
    pub(crate) map_lookups: FxHashMap<EventId, crate::call::MapKey>,
    /// Uses of slices older than an adjust, by the adjust; and adjusts whose view was used.
    pub(crate) old_views: Vec<(Span, Observation)>,
    pub(crate) used_views: FxHashSet<Span>,
    observations: Vec<Observation>,
    seen: FxHashMap<(Span, std::mem::Discriminant<Fact>), Vec<usize>>,
    bodies: FxHashMap<SmolStr, Option<BodyRef>>,
    graphs: FxHashMap<SmolStr, Rc<Flow>>,
    steps: u32,
    /// Nothing is observed while this is set: the code is only looked at for its values.
    pub(crate) quiet: bool,
    /// The budget ran out: nothing may be said about what never happens.
    pub(crate) exhausted: bool,
}

/// How an activation ended on one path.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    pub(crate) state: State,
    pub(crate) value: Value,
    /// The returned expression, for records returned by value.
    pub(crate) expr: Option<Expr>,
    pub(crate) span: Span,
}

/// A set of states with a mark on those that were already followed.
#[derive(Clone, Debug, Default)]
struct States {
    entries: Vec<(Rc<State>, Cell<bool>)>,
    overflow: Cell<bool>,
}

impl Domain for States {
    fn join_into(&mut self, other: Self, visits: u32) -> bool {
        let mut grew = false;
        for (state, _) in other.entries {
            grew |= self.add(state, visits);
        }
        grew
    }
}

impl States {
    fn of(state: State) -> Self {
        States { entries: vec![(Rc::new(state), Cell::new(false))], overflow: Cell::new(false) }
    }

    fn add(&mut self, new: Rc<State>, visits: u32) -> bool {
        if self.entries.iter().any(|(old, _)| *old == new) {
            return false;
        }
        let alike = self.entries.iter().filter(|(old, _)| old.same_shape(&new)).count();
        let room = self.entries.len() < MAX_STATES;
        if room && alike < MAX_SAME_SHAPE && (visits < WIDEN_AFTER || alike == 0) {
            self.entries.push((new, Cell::new(false)));
            return true;
        }
        let widen = visits >= WIDEN_AFTER;
        for strict in [true, false] {
            for (old, done) in &mut self.entries {
                if !old.same_shape(&new) || strict && !old.same_pointers(&new) {
                    continue;
                }
                let mut merged = (**old).clone();
                match merged.merge(&new, widen) {
                    Merge::Apart => {}
                    Merge::Same => return false,
                    Merge::Grew => {
                        *old = Rc::new(merged);
                        done.set(false);
                        return true;
                    }
                }
            }
        }
        self.overflow.set(true);
        false
    }
}

impl<'a> Interp<'a> {
    pub(crate) fn new(sema: &'a Sema, text: Arc<str>, root: Root, interner: Interner) -> Self {
        Interp {
            sema,
            text,
            interner,
            root,
            sites: FxHashMap::default(),
            null_sizes: FxHashMap::default(),
            rdwr_calls: FxHashMap::default(),
            map_lookups: FxHashMap::default(),
            partly_filled: Vec::new(),
            filled: FxHashSet::default(),
            old_views: Vec::new(),
            used_views: FxHashSet::default(),
            observations: Vec::new(),
            seen: FxHashMap::default(),
            bodies: FxHashMap::default(),
            graphs: FxHashMap::default(),
            steps: 0,
            quiet: false,
            exhausted: false,
        }
    }

    /// Lowered bodies are shared between the roots of a file.
    pub(crate) fn with_bodies(mut self, bodies: FxHashMap<SmolStr, Option<BodyRef>>) -> Self {
        self.bodies = bodies;
        self
    }

    pub(crate) fn finish(self) -> (Vec<Observation>, FxHashMap<SmolStr, Option<BodyRef>>) {
        (self.observations, self.bodies)
    }

    /// The body of a function of the file or its headers.
    pub(crate) fn body(&mut self, name: &SmolStr) -> Option<BodyRef> {
        if let Some(body) = self.bodies.get(name) {
            return body.clone();
        }
        let body =
            self.sema.function(name).map(|def| lower_function(self.sema, &def.ast, def.foreign));
        self.bodies.insert(name.clone(), body.clone());
        body
    }

    pub(crate) fn frame_body(&self, frame: FrameId) -> BodyRef {
        self.interner.frame(frame).body.clone()
    }

    pub(crate) fn local(&mut self, frame: FrameId, id: crate::mir::LocalId) -> ObjId {
        self.interner.object(ObjKind::Local(frame, id))
    }

    /// Records a fact at an event, unless the code is not the file's own or cannot be trusted.
    pub(crate) fn observe(&mut self, at: EventId, fact: Fact) {
        let event = self.interner.event_of(at);
        if self.quiet || self.mute(event.frame) {
            return;
        }
        let observation = self.observation(at, fact);
        self.record(observation);
    }

    pub(crate) fn observation(&self, at: EventId, fact: Fact) -> Observation {
        let event = self.interner.event_of(at);
        Observation {
            function: self.interner.frame(event.frame).body.name.clone(),
            span: event.span,
            program: self.root.program,
            fragments: self.root.fragments,
            fact,
        }
    }

    pub(crate) fn record(&mut self, observation: Observation) {
        let key = (observation.span, std::mem::discriminant(&observation.fact));
        let indices = self.seen.entry(key).or_default();
        if indices.len() < 16
            && !indices.iter().any(|index| self.observations[*index] == observation)
        {
            indices.push(self.observations.len());
            self.observations.push(observation);
        }
    }

    /// Whether nothing may be said about code of this activation.
    pub(crate) fn mute(&self, frame: FrameId) -> bool {
        let mut frame = frame;
        loop {
            let info = self.interner.frame(frame);
            if info.body.foreign || info.body.uncertain || info.is_global {
                return true;
            }
            match info.caller {
                Some((caller, _)) => frame = caller,
                None => return false,
            }
        }
    }

    fn graph(&mut self, body: &BodyRef) -> Rc<Flow> {
        if let Some(graph) = self.graphs.get(&body.name) {
            return graph.clone();
        }
        let successors: Vec<Vec<Node>> =
            body.blocks.iter().map(|block| successors(&block.term)).collect();
        let graph = Rc::new(Flow::new(&successors, Node(0)));
        self.graphs.insert(body.name.clone(), graph.clone());
        graph
    }

    /// Follows all paths of an activation from `entry`.
    pub(crate) fn run(&mut self, frame: FrameId, entry: State) -> Vec<Exit> {
        let body = self.frame_body(frame);
        let graph = self.graph(&body);
        let mut exits: Vec<Exit> = Vec::new();
        let mut overflow = false;
        let solution =
            solve(&graph, [(Node(0), States::of(entry))], NODE_BUDGET, |node, states: &States| {
                let mut sent: Vec<(Node, States)> = Vec::new();
                overflow |= states.overflow.get();
                for (state, done) in &states.entries {
                    if done.replace(true) {
                        continue;
                    }
                    for state in self.block(frame, &body, node, (**state).clone()) {
                        let (block, first) = (&body.blocks[node.index()], sent.len());
                        self.terminate(frame, &block.term, state, &mut sent, &mut exits);
                        self.forget_temporaries(frame, &block.temporaries, &mut sent[first..]);
                    }
                }
                sent
            });
        self.exhausted |= overflow || !solution.complete;
        exits
    }

    /// Takes out of the states what only the block they come from can name.
    fn forget_temporaries(
        &mut self,
        frame: FrameId,
        dead: &[LocalId],
        sent: &mut [(Node, States)],
    ) {
        if dead.is_empty() {
            return;
        }
        let objects: Vec<ObjId> = dead.iter().map(|id| self.local(frame, *id)).collect();
        for state in sent.iter_mut().flat_map(|(_, states)| &mut states.entries) {
            let state = Rc::make_mut(&mut state.0);
            state.mem.retain(|key, _| !objects.contains(&key.0));
            state.versions.retain(|object, _| !objects.contains(object));
        }
    }

    fn block(&mut self, frame: FrameId, body: &BodyRef, node: Node, state: State) -> Vec<State> {
        let mut states = vec![state];
        for inst in &body.blocks[node.index()].insts {
            let mut next: Vec<State> = Vec::with_capacity(states.len());
            for mut state in states {
                self.steps += 1;
                if self.steps > STEP_BUDGET {
                    self.exhausted = true;
                    return Vec::new();
                }
                match &inst.kind {
                    InstKind::Call { number, dst, callee, args, ignored } => {
                        let call = crate::call::Call {
                            frame,
                            number: *number,
                            dst: *dst,
                            args,
                            ignored: *ignored,
                            span: inst.span,
                        };
                        next.extend(self.call(state, callee, &call));
                    }
                    kind => {
                        self.simple(&mut state, frame, kind, inst.span);
                        next.push(state);
                    }
                }
            }
            states = thin(next);
        }
        states
    }

    fn simple(&mut self, state: &mut State, frame: FrameId, kind: &InstKind, span: Span) {
        let at = self.interner.event(frame, span);
        match kind {
            InstKind::Declare(id) => {
                let object = self.local(frame, *id);
                state.forget(&self.interner, object, ROOT_PATH, at);
                state.versions.remove(&object);
                state.dynptrs.retain(|key, _| key.0 != object);
            }
            InstKind::Zero(place) => self.zero(state, frame, place, at),
            InstKind::Assign { place, value } => self.assign(state, frame, place, value, at),
            InstKind::Eval(expr) => {
                self.eval(state, frame, expr);
            }
            InstKind::Havoc(places) => {
                for place in places {
                    if let PlaceBase::Local(id) = place.base {
                        let object = self.local(frame, id);
                        state.mem.retain(|key, _| key.0 != object);
                        state.versions.insert(object, at);
                    }
                }
            }
            InstKind::Call { .. } => {}
        }
    }

    fn terminate(
        &mut self,
        frame: FrameId,
        term: &Terminator,
        mut state: State,
        sent: &mut Vec<(Node, States)>,
        exits: &mut Vec<Exit>,
    ) {
        match term {
            Terminator::Unreachable => {}
            Terminator::Goto(to) => send(sent, Node(to.0), state),
            Terminator::Choice(targets) => {
                for to in targets {
                    send(sent, Node(to.0), state.clone());
                }
            }
            Terminator::Branch { cond, then, els } => {
                let (yes, no) = self.branch(state, frame, cond);
                if let Some(state) = yes {
                    send(sent, Node(then.0), state);
                }
                if let Some(state) = no {
                    send(sent, Node(els.0), state);
                }
            }
            Terminator::Switch { value, cases, default } => {
                self.switch(state, frame, value, cases, *default, &mut |to, state| {
                    send(sent, Node(to.0), state);
                });
            }
            Terminator::Return { value, span } => {
                let result = match value {
                    Some(expr) => self.eval(&mut state, frame, expr),
                    None => Value::Unknown,
                };
                let exit = Exit { state, value: result, expr: value.clone(), span: *span };
                if !exits.iter().any(|old| {
                    old.state == exit.state && old.value == exit.value && old.span == exit.span
                }) {
                    exits.push(exit);
                }
            }
        }
    }
}

fn send(sent: &mut Vec<(Node, States)>, to: Node, state: State) {
    sent.push((to, States::of(state)));
}

/// Keeps the number of states inside a block bounded.
fn thin(states: Vec<State>) -> Vec<State> {
    if states.len() <= 1 {
        return states;
    }
    let mut kept = States::default();
    for state in states {
        kept.add(Rc::new(state), 0);
    }
    kept.entries.into_iter().map(|(state, _)| Rc::unwrap_or_clone(state)).collect()
}

fn successors(term: &Terminator) -> Vec<Node> {
    match term {
        Terminator::Unreachable | Terminator::Return { .. } => Vec::new(),
        Terminator::Goto(to) => vec![Node(to.0)],
        Terminator::Choice(targets) => targets.iter().map(|to| Node(to.0)).collect(),
        Terminator::Branch { then, els, .. } => vec![Node(then.0), Node(els.0)],
        Terminator::Switch { cases, default, .. } => {
            cases.iter().map(|(_, _, to)| Node(to.0)).chain([Node(default.0)]).collect()
        }
    }
}

/// The name of a called function.
pub(crate) fn callee_name(callee: &Callee) -> Option<&SmolStr> {
    match callee {
        Callee::Named(name) => Some(name),
        Callee::Unknown => None,
    }
}
