//! Laying a run beside what the verifier followed, instruction by instruction.

use std::fmt::Write as _;

use bpf_object::Map;
use isa::{Callee, Insn, Pc};
use runtime::{Address, Step};

use super::flow::Loose;
use super::graph::{Edge, Graph};
use super::meaning::{Holds, World};
use super::search::{Now, Position, Search};

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions of runs.
    pub steps: u64,
    /// Numbers within what the verifier says.
    pub numbers: u64,
    /// Pointers to what the verifier says, at an offset that it allows.
    pub pointers: u64,
    /// Pointers of which only the kind was compared.
    pub pointers_only: u64,
    /// Registers and slots of which the verifier says nothing.
    pub vacuous: u64,
    /// Slots of the stack that were compared.
    pub slots: u64,
    /// Runs that were followed no further, because Linux itself does not know how often `bpf_loop` calls.
    pub given_up: u64,
    /// Numbers that may be others than the verifier says, because a path was cut where they did not matter.
    pub loose: u64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            numbers: self.numbers + other.numbers,
            pointers: self.pointers + other.pointers,
            pointers_only: self.pointers_only + other.pointers_only,
            vacuous: self.vacuous + other.vacuous,
            slots: self.slots + other.slots,
            given_up: self.given_up + other.given_up,
            loose: self.loose + other.loose,
        }
    }

    pub(super) fn count(&mut self, holds: Holds) {
        match holds {
            Holds::Vacuous => self.vacuous += 1,
            Holds::Number => self.numbers += 1,
            Holds::Pointer => self.pointers += 1,
            Holds::PointerOnly => self.pointers_only += 1,
            Holds::No => {}
        }
    }
}

/// What happened in a run although the verifier excludes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The instruction before which it was seen.
    pub pc: Pc,
    /// What.
    pub what: String,
}

/// A function that the verifier follows by itself.
#[derive(Clone, Debug)]
struct Context {
    /// How many frames of the run are below it.
    base: usize,
    positions: Vec<Position>,
}

/// Lays runs beside a graph.
pub struct Checker<'g> {
    graph: &'g Graph,
    maps: &'g [Map],
    contexts: Vec<Context>,
    /// The registers of each frame when it was seen last.
    frames: Vec<[u64; 11]>,
    last: Option<(Pc, usize)>,
    is_off: bool,
    /// What was compared.
    pub counts: Counts,
    /// What is wrong, in the first run in which something is.
    pub violation: Option<Violation>,
}

impl<'g> Checker<'g> {
    /// A checker for a program with these maps.
    pub fn new(graph: &'g Graph, maps: &'g [Map]) -> Self {
        Self {
            graph,
            maps,
            contexts: Vec::new(),
            frames: Vec::new(),
            last: None,
            is_off: false,
            counts: Counts::default(),
            violation: None,
        }
    }

    /// Another run begins.
    pub fn begin(&mut self) {
        self.contexts.clear();
        self.frames.clear();
        self.last = None;
        self.is_off = self.violation.is_some() || self.graph.is_cut();
    }

    /// An instruction is about to be executed.
    pub fn step(&mut self, step: &Step<'_>) {
        if self.is_off {
            return;
        }
        let (program, slot) = step.slot();
        let (pc, depth) = (Pc(slot), step.depth);
        // Another program was called, or an exception is handled: both are followed elsewhere or not at all.
        if program != 0 || self.last.is_some_and(|(last, _)| self.graph.throws(last)) {
            self.is_off = true;
            return;
        }
        self.counts.steps += 1;
        let mut registers = [0; 11];
        registers.copy_from_slice(&step.registers[..11]);
        let result = self.follow(step, pc, depth, &registers);
        self.frames.truncate(depth + 1);
        if self.frames.len() == depth {
            self.frames.push(registers);
        } else if let Some(frame) = self.frames.get_mut(depth) {
            *frame = registers;
        }
        self.last = Some((pc, depth));
        if let Err(what) = result {
            self.is_off = true;
            self.violation = Some(Violation { pc, what });
        }
    }

    fn follow(
        &mut self,
        step: &Step<'_>,
        pc: Pc,
        depth: usize,
        registers: &[u64; 11],
    ) -> Result<(), String> {
        while self.contexts.last().is_some_and(|context| context.base > depth) {
            self.contexts.pop();
        }
        let is_entry = self.enters_by_itself(pc, depth);
        if is_entry {
            self.contexts.push(Context { base: depth, positions: Vec::new() });
        }
        let Some(context) = self.contexts.pop() else {
            return Err("it is run after the program has ended".to_owned());
        };
        let base = context.base;
        let pointers: Vec<Address> = self
            .frames
            .iter()
            .take(depth)
            .skip(base)
            .map(|frame| frame[10])
            .chain([registers[10]])
            .collect();
        let world = World {
            memory: step.memory,
            packet: step.packet(),
            frame_pointers: &pointers,
            maps: self.maps,
        };
        let frames = std::mem::take(&mut self.frames);
        let before = frames.get(base..).unwrap_or_default();
        let now = Now { pc, depth, base, memory: step.memory, world, before, registers };
        let mut search = Search {
            graph: self.graph,
            now: &now,
            counts: Counts::default(),
            found: Vec::new(),
            failures: Vec::new(),
        };
        if is_entry {
            for &root in self.graph.roots(pc) {
                let loose = vec![Loose::default()];
                search.arrive(
                    Position { visit: root, loose, broken: Vec::new(), cut_in_callback: false },
                    None,
                    true,
                );
            }
        } else {
            for position in &context.positions {
                search.go_on(position, 0);
            }
        }
        let Search { counts, found, failures, .. } = search;
        self.frames = frames;
        let is_lost = found.is_empty();
        if is_lost && self.calls_again(pc, depth, &context) {
            self.is_off = true;
            self.counts.given_up += 1;
            return Ok(());
        }
        self.contexts.push(Context { base, positions: found });
        if is_lost {
            return Err(tell(&failures));
        }
        self.counts = self.counts.plus(counts);
        Ok(())
    }

    /// A callback is called once more by `bpf_loop` although the verifier takes the loop for done, on a path that was cut
    /// within the callback. How often it calls must be exact, but that is not remembered beyond the callback
    /// (`backtrack_insn` forgets R1 to R5 of the caller at the end of a callback), neither in Linux nor in the verifier.
    fn calls_again(&self, pc: Pc, depth: usize, context: &Context) -> bool {
        let Some((last, last_depth)) = self.last else { return false };
        let is_exit = matches!(self.graph.insn(last), Some(Insn::Exit)) && last_depth == depth;
        is_exit
            && self.frames.len() > 1
            && self.graph.begins_callback(pc)
            && context.positions.iter().any(|position| position.cut_in_callback)
    }

    /// The program begins here, or a function that the verifier follows by itself was called.
    fn enters_by_itself(&self, pc: Pc, depth: usize) -> bool {
        let Some((last, last_depth)) = self.last else { return true };
        if depth != last_depth + 1 || self.graph.roots(pc).is_empty() {
            return false;
        }
        let is_call = matches!(self.graph.insn(last), Some(Insn::Call(Callee::Subprogram(_))));
        let Some(context) = self.contexts.last() else { return true };
        let goes_on = |edge: &Edge| {
            let (Edge::Next(visit) | Edge::Covered(visit)) = *edge;
            self.graph.node(visit).pc == pc
        };
        is_call
            && !context
                .positions
                .iter()
                .any(|position| self.graph.node(position.visit).edges.iter().any(goes_on))
    }
}

/// A run is where the verifier does not come to.
pub(super) const ASTRAY: &str = "the verifier does not get here from where the run was";

/// Says what is wrong in each of the states that were possible.
fn tell(failures: &[String]) -> String {
    let mut text = String::new();
    match failures {
        [] => text.push_str(ASTRAY),
        failures => {
            for (index, failure) in failures.iter().take(3).enumerate() {
                // Writing to a string does not fail.
                let _ = write!(text, "{}{failure}", if index == 0 { "" } else { "; or " });
            }
        }
    }
    text
}
