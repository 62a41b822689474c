//! Which functions are followed, and what is known about the whole of what they reach.

use std::mem::Discriminant;
use std::sync::Arc;

use kernel_model::{Packet, ProgramType, SectionInfo};
use rustc_hash::{FxHashMap, FxHashSet};
use sema::{CallbackKind, Dependencies, Sema};
use smallvec::SmallVec;
use smol_str::SmolStr;
use syntax::Parsed;
use text::Span;

use crate::intern::Interner;
use crate::interp::{Interp, Root};
use crate::lower::lower_function;
use crate::mir::BodyRef;
use crate::observe::{Analysis, Fact, FunctionView, Observation};
use crate::remember::{FunctionMemory, Memory, RootMemory};
use crate::state::State;

/// Bodies by name; none for a name that has no body.
type Bodies = FxHashMap<SmolStr, Option<BodyRef>>;

/// Analyses all functions of a file that have to do with dynptrs.
pub fn analyse(sema: &Sema, text: &Arc<str>) -> Analysis {
    Run::new(sema, text).analyse(&Memory::default(), None).0
}

/// The same, taking over from the analysis of an earlier version of the file what the changes in between cannot
/// have touched. The result is the one of [`analyse`].
pub fn analyse_again(
    sema: &Sema,
    parsed: &Parsed,
    headers: &sema::Headers,
    before: &Memory,
) -> (Analysis, Memory) {
    let dependencies = Dependencies::new(parsed, headers);
    let nothing = Memory::default();
    let before = if before.is_for(headers) { before } else { &nothing };
    let (analysis, mut memory) =
        Run::new(sema, parsed.text()).analyse(before, dependencies.as_ref());
    memory.set_headers(headers);
    (analysis, memory)
}

/// How a function is entered from outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    info: Option<SectionInfo>,
    is_program: bool,
    is_global: bool,
    is_callback: bool,
}

/// What a function says about others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentions {
    callees: Vec<SmolStr>,
    callbacks: Vec<(SmolStr, CallbackKind)>,
    is_static: bool,
}

struct Run<'a> {
    sema: &'a Sema,
    text: &'a Arc<str>,
    bodies: Bodies,
    analysis: Analysis,
    /// Observations by place and kind, to keep each once.
    seen: FxHashMap<(Span, Discriminant<Fact>), SmallVec<[usize; 2]>>,
}

impl<'a> Run<'a> {
    fn new(sema: &'a Sema, text: &'a Arc<str>) -> Self {
        Self {
            sema,
            text,
            bodies: Bodies::default(),
            analysis: Analysis::default(),
            seen: FxHashMap::default(),
        }
    }

    fn analyse(
        mut self,
        before: &Memory,
        dependencies: Option<&Dependencies>,
    ) -> (Analysis, Memory) {
        let sema = self.sema;
        let mut functions: Vec<(SmolStr, FunctionMemory)> = Vec::new();
        let mut names: FxHashSet<SmolStr> = FxHashSet::default();
        for (position, function) in sema.functions().iter().enumerate() {
            let name = function.origin().name.clone();
            let view = FunctionView { name: name.clone(), span: function.span() };
            self.analysis.functions.push(view);
            if names.insert(name.clone()) {
                let parts = dependencies.map(|known| known.of_function(position));
                let known = parts.as_ref().and_then(|parts| before.function(&name, parts));
                let parts = parts.unwrap_or_default().into_iter().cloned().collect();
                let memory = match known {
                    Some(known) => FunctionMemory { parts, ..known.clone() },
                    None => FunctionMemory::new(parts, self.mentions(position, &name)),
                };
                functions.push((name, memory));
            }
        }
        let mentions = || functions.iter().map(|(_, memory)| &memory.mentions);
        let called: FxHashSet<SmolStr> =
            mentions().flat_map(|mentions| mentions.callees.iter().cloned()).collect();
        let asynchronous: FxHashSet<SmolStr> = mentions()
            .flat_map(|mentions| &mentions.callbacks)
            .filter(|(_, kind)| is_asynchronous(&kind.helper))
            .map(|(name, _)| name.clone())
            .collect();
        for (name, memory) in &mut functions {
            let program = sema.program_of(name);
            let is_callback = asynchronous.contains(name);
            let is_static = memory.mentions.is_static;
            if is_static && called.contains(name) && program.is_none() && !is_callback {
                memory.root = None;
                continue;
            }
            let entry = Entry {
                info: program.and_then(|program| program.info.clone()),
                is_program: program.is_some(),
                is_global: !is_static && program.is_none(),
                is_callback,
            };
            let known = memory.root.take().and_then(|root| root.taken_over(&entry, &memory.parts));
            let root = known.unwrap_or_else(|| {
                let observations = self.follow(name, &entry);
                RootMemory::new(entry, &memory.parts, observations)
            });
            self.add(&root.observations);
            memory.root = Some(root);
        }
        (self.analysis, functions.into_iter().collect())
    }

    fn body(&mut self, name: &SmolStr) -> Option<BodyRef> {
        let sema = self.sema;
        let lower = || sema.function(name).map(|def| lower_function(sema, &def.ast, def.foreign));
        self.bodies.entry(name.clone()).or_insert_with(lower).clone()
    }

    fn mentions(&mut self, position: usize, name: &SmolStr) -> Mentions {
        let callbacks = self.sema.callbacks_made_by(position);
        let Some(body) = self.body(name) else { return Mentions::default() };
        Mentions { callees: body.callees.clone(), callbacks, is_static: body.is_static }
    }

    fn add(&mut self, observations: &[Observation]) {
        for observation in observations {
            let key = (observation.span, std::mem::discriminant(&observation.fact));
            let known = self.seen.entry(key).or_default();
            if !known.iter().any(|index| self.analysis.observations[*index] == *observation) {
                known.push(self.analysis.observations.len());
                self.analysis.observations.push(observation.clone());
            }
        }
    }

    /// Follows a function if it has to do with dynptrs.
    fn follow(&mut self, name: &SmolStr, entry: &Entry) -> Vec<Observation> {
        let Some(body) = self.body(name) else { return Vec::new() };
        let reached = self.reach(&body);
        if !reached.dynptr {
            return Vec::new();
        }
        let mut interner = Interner::new();
        let frame = interner.root_frame(body.clone());
        // A replacement has the type of the program it replaces, which only the loader knows.
        let program: Option<&'static ProgramType> = entry
            .info
            .as_ref()
            .map(|info| info.program_type)
            .filter(|program| program.name != "ext");
        let fragments = match (&entry.info, program.map(|program| program.packet)) {
            (Some(info), Some(Packet::Xdp)) => info.frags,
            _ => true,
        };
        let root = Root {
            frame,
            body,
            program,
            fragments,
            is_program: entry.is_program,
            is_global: entry.is_global,
            is_callback: entry.is_callback,
            prologue: reached.prologue,
        };
        let bodies = std::mem::take(&mut self.bodies);
        let mut interp =
            Interp::new(self.sema, self.text.clone(), root, interner).with_bodies(bodies);
        let exits = interp.run(frame, State::new());
        interp.leave(exits);
        let (observations, bodies) = interp.finish();
        self.bodies = bodies;
        observations
    }

    fn reach(&mut self, root: &BodyRef) -> Reached {
        let mut reached = Reached::default();
        let mut seen: FxHashSet<SmolStr> = FxHashSet::default();
        let mut pending = vec![root.clone()];
        while let Some(body) = pending.pop() {
            for callee in &body.callees {
                reached.dynptr |= callee.contains("dynptr");
                reached.prologue |= callee == "bpf_dynptr_slice_rdwr";
                if seen.insert(callee.clone()) {
                    pending.extend(self.body(callee));
                }
            }
        }
        reached
    }
}

fn is_asynchronous(helper: &str) -> bool {
    matches!(helper, "bpf_timer_set_callback" | "bpf_wq_set_callback_impl" | "bpf_wq_set_callback")
}

/// What a function and everything it calls contain.
#[derive(Default)]
struct Reached {
    dynptr: bool,
    /// A call of `bpf_dynptr_slice_rdwr`.
    prologue: bool,
}
