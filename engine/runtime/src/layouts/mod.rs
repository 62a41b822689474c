//! Running a program on every layout of a packet that can matter.
//!
//! Where the bytes of a packet lie shows only in what a program does if a border falls inside bytes that it asks for at
//! once. So a first run notes the accesses, and further runs put borders inside them: one at a time, in pairs, with
//! fragments of single bytes, and with nothing linear but the link-layer header. What must not depend on the layout (the
//! result, the bytes of the packet, the context, the maps, what was sent) is compared with the first run.
//!
//! The order is fixed, and the likeliest layouts come first, so that a limit cuts off the least likely ones.

mod cause;
mod compare;
mod plan;

use bpf_object::MapKind;

use crate::event::{Event, Target};
use crate::input::{Input, Layout, Outcome, PacketInput, Slices};
use crate::machine::Machine;
use plan::Plan;

pub use cause::Cause;
pub use compare::What;

/// How much is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many runs there are at most, with the first one.
    pub runs: usize,
    /// How many divergences are reported at most.
    pub divergences: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 5000, divergences: 16 }
    }
}

/// What was varied in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variation {
    /// How the packet lies in memory.
    pub layout: Layout,
    /// Metadata in front of it.
    pub metadata: u32,
    /// What slices give.
    pub slices: Slices,
}

impl Variation {
    /// The input, varied.
    #[must_use]
    pub fn apply(&self, input: &Input) -> Input {
        let mut packet = input.packet.clone().unwrap_or_default();
        packet.layout = self.layout.clone();
        packet.metadata.resize(packet.metadata.len().max(self.metadata as usize), 0);
        Input { packet: Some(packet), slices: self.slices, ..input.clone() }
    }
}

/// A run that was kept: the first one, and one for each divergence.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was varied.
    pub variation: Variation,
    /// What it did.
    pub outcome: Outcome,
}

/// Something that depends on the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The two runs, in [`Exploration::runs`].
    pub between: (usize, usize),
    /// What differs.
    pub what: What,
    /// What in the program makes it differ.
    pub cause: Cause,
    /// The number of runs after which it was found.
    pub found_after: usize,
}

/// What all runs have shown.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The runs kept.
    pub runs: Vec<Run>,
    /// What depends on the layout, in the order found; one for each cause and kind.
    pub divergences: Vec<Divergence>,
    /// How many runs there were.
    pub count: usize,
    /// Not everything that was planned has been run.
    pub cut_off: bool,
}

/// Runs the program of a machine on the packet of `input` in many layouts. Maps begin as they are at first each time.
///
/// `go_on` is asked before each run but the first, so that a caller can limit the time.
pub fn explore(
    machine: &mut Machine<'_>,
    input: &Input,
    limits: &Limits,
    mut go_on: impl FnMut() -> bool,
) -> Exploration {
    let base = input.packet.clone().unwrap_or_default();
    let first = Variation { layout: linear(&base), ..Variation::default() };
    let (outcome, state) = run(machine, input, &first);
    let mut plan = Plan::new(machine.image, &base, &first);
    plan.note(ranges(&outcome.events));
    let mut all = Exploration {
        runs: vec![Run { variation: first, outcome: outcome.clone() }],
        divergences: Vec::new(),
        count: 1,
        cut_off: false,
    };
    if outcome.fault.is_some() || input.packet.is_none() {
        return all;
    }
    while let Some(variation) = plan.next() {
        let full = all.divergences.len() >= limits.divergences;
        if full || all.count >= limits.runs || !go_on() {
            all.cut_off = true;
            break;
        }
        let (other, other_state) = run(machine, input, &variation);
        all.count += 1;
        plan.note(ranges(&other.events));
        let differences = compare::compare((&outcome, &state), (&other, &other_state), &variation);
        for what in differences {
            let cause = cause::find(&outcome, &other, &what);
            let known = all.divergences.iter().any(|d| d.what.is_like(&what) && d.cause == cause);
            if known {
                continue;
            }
            if all.runs.last().is_none_or(|run| run.variation != variation) {
                all.runs.push(Run { variation: variation.clone(), outcome: other.clone() });
            }
            let between = (0, all.runs.len() - 1);
            all.divergences.push(Divergence { between, what, cause, found_after: all.count });
        }
    }
    all
}

/// The first layout: everything linear, as the input has it otherwise.
fn linear(packet: &PacketInput) -> Layout {
    Layout { cloned: packet.layout.cloned, ..Layout::default() }
}

/// The contents of the maps that programs can write, by their places in the image.
type State = Vec<(usize, Vec<(Vec<u8>, Vec<u8>)>)>;

/// One run from the maps as they are at first.
fn run(machine: &mut Machine<'_>, input: &Input, variation: &Variation) -> (Outcome, State) {
    machine.reset();
    let outcome = machine.run(&variation.apply(input));
    let state = state(machine);
    (outcome, state)
}

fn state(machine: &Machine<'_>) -> State {
    const READ_ONLY: u32 = 1 << 7;
    let maps = machine.image.maps().iter().enumerate();
    let maps = maps
        .filter(|(_, map)| map.kind != MapKind::Config && map.definition.flags & READ_ONLY == 0);
    maps.filter(|(index, _)| machine.may_have_changed(*index))
        .filter_map(|(index, _)| Some((index, machine.map_entries(index)?)))
        .collect()
}

/// The bytes of the packet that were asked for at once.
fn ranges(events: &[Event]) -> impl Iterator<Item = (u32, u32)> {
    let events = events.iter().filter(|event| event.target == Target::Packet && event.len > 0);
    events.map(|event| (event.offset, event.len))
}
