//! Running compiled programs: an object and a packet in, what happened out.

pub mod input;
mod json;
mod text;
pub mod typed;
mod watch;

use bpf_object::Linked;
use runtime::layouts::{Divergence, Exploration, Limits};
use runtime::{Image, Input, Machine, Options, Outcome};

pub use json::document;
pub(crate) use text::{access as access_words, message as divergence_message};
pub use text::{write_coverage, write_run};
pub use watch::{Watch, lcov};

use crate::packets::NamedPacket;

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It is no object, or a broken one.
    #[error(transparent)]
    Object(#[from] bpf_object::Error),
    /// The object has no programs.
    #[error("there are no programs in it")]
    NoPrograms,
    /// The object has no program of that name, or it cannot be linked.
    #[error("there is no program `{name}` in it; there are {known}")]
    NoProgram {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The object has several programs, and none was named.
    #[error("it has several programs; choose one with --program: {0}")]
    Several(String),
    /// A loader would refuse the program.
    #[error("`{name}` cannot be loaded: {why}")]
    Unlinked {
        /// The program.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The program cannot be made ready.
    #[error(transparent)]
    Image(#[from] runtime::LoadError),
    /// The maps do not fit into the memory allowed.
    #[error("{0}")]
    Machine(String),
    /// There is no map of that name, or it does not take the element.
    #[error("map `{name}`: {why}")]
    Map {
        /// What was asked for.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// The place of the program to run in [`Linked::programs`]; the only one if none is named.
///
/// # Errors
///
/// If there is no such program, or it is not clear which.
pub fn choose(linked: &Linked<'_>, name: Option<&str>) -> Result<usize, RunError> {
    let names: Vec<&str> =
        linked.object.programs().map(|(_, function)| function.name.as_str()).collect();
    let known = || names.join(", ");
    let name = match (name, names.as_slice()) {
        (_, []) => return Err(RunError::NoPrograms),
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, _) => return Err(RunError::Several(known())),
    };
    if let Some(index) = linked.programs.iter().position(|program| program.name == name) {
        return Ok(index);
    }
    match linked.failures.iter().find(|failure| failure.name == name) {
        Some(failure) => {
            Err(RunError::Unlinked { name: name.to_owned(), why: failure.error.to_string() })
        }
        None => Err(RunError::NoProgram { name: name.to_owned(), known: known() }),
    }
}

/// What a program is run on beside its packet.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Packets, by name. Without any, the program is run once without one.
    pub packets: Vec<NamedPacket>,
    /// Everything but the packet's bytes.
    pub input: Input,
    /// Elements of maps, by name: `[{"key": …, "value": …}, …]`.
    pub maps: Vec<(String, serde_json::Value)>,
    /// Limits of memory and events.
    pub options: Options,
    /// Run on all layouts, within these limits.
    pub layouts: Option<Limits>,
}

/// A run that is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The packet's name; `None` if there is none.
    pub packet: Option<String>,
    /// The bytes that went in.
    pub bytes: Vec<u8>,
    /// What slices were made to give; the layout is in the outcome.
    pub layout: runtime::Layout,
    /// What it did.
    pub outcome: Outcome,
    /// The elements of the maps that may have changed, typed: name and elements.
    pub maps: Vec<(String, serde_json::Value)>,
}

/// All that was found out about a program.
#[derive(Clone, Debug)]
pub struct Report {
    /// The program.
    pub program: String,
    /// The runs: for each packet the first, and with layouts one for each divergence.
    pub runs: Vec<Shown>,
    /// What depends on the layout, with the numbers of runs in `runs`.
    pub divergences: Vec<Divergence>,
    /// How many runs there were.
    pub count: usize,
    /// Not every layout that was planned has been run.
    pub cut_off: bool,
}

impl Report {
    /// Something is wrong with the program: it faults, or depends on layouts.
    pub fn has_findings(&self) -> bool {
        !self.divergences.is_empty() || self.runs.iter().any(|run| run.outcome.fault.is_some())
    }

    /// The first thing that is not modelled and ended a run.
    pub fn not_modelled(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| match &run.outcome.fault.as_ref()?.kind {
            runtime::FaultKind::NotModelled(what) => Some(what.as_str()),
            _ => None,
        })
    }
}

/// Runs a program as `job` says. `go_on` is asked before each further layout.
///
/// # Errors
///
/// If the machine cannot be made, or a map does not take its elements.
pub fn run(image: &Image, job: &Job, mut go_on: impl FnMut() -> bool) -> Result<Report, RunError> {
    let mut machine =
        Machine::new(image, &job.options).map_err(|fault| RunError::Machine(fault.to_string()))?;
    for (name, elements) in &job.maps {
        input::fill(&mut machine, image, name, elements)?;
    }
    machine.keep_maps();
    let mut report = Report {
        program: image.name().to_owned(),
        runs: Vec::new(),
        divergences: Vec::new(),
        count: 0,
        cut_off: false,
    };
    let packets: Vec<Option<&NamedPacket>> = match job.packets.as_slice() {
        [] => vec![None],
        packets => packets.iter().map(Some).collect(),
    };
    for packet in packets {
        let mut input = job.input.clone();
        if let Some(packet) = packet {
            let place = input.packet.get_or_insert_default();
            place.bytes.clone_from(&packet.bytes);
        }
        machine.reset();
        let limits = job.layouts.as_ref().filter(|_| packet.is_some());
        match limits {
            Some(limits) => {
                let all = runtime::layouts::explore(&mut machine, &input, limits, &mut go_on);
                take_in(&mut report, &mut machine, image, &input, packet, all);
            }
            None => {
                let outcome = machine.run(&input);
                report.count += 1;
                let layout = input.packet.as_ref().map(|p| p.layout.clone()).unwrap_or_default();
                report.runs.push(shown(&machine, image, packet, layout, outcome));
            }
        }
    }
    Ok(report)
}

fn shown(
    machine: &Machine<'_>,
    image: &Image,
    packet: Option<&NamedPacket>,
    layout: runtime::Layout,
    outcome: Outcome,
) -> Shown {
    Shown {
        packet: packet.map(|packet| packet.name.clone()),
        bytes: packet.map(|packet| packet.bytes.clone()).unwrap_or_default(),
        layout,
        outcome,
        maps: input::contents(machine, image),
    }
}

/// Adds the runs and divergences of one packet.
fn take_in(
    report: &mut Report,
    machine: &mut Machine<'_>,
    image: &Image,
    input: &Input,
    packet: Option<&NamedPacket>,
    all: Exploration,
) {
    let before = report.runs.len();
    report.count += all.count;
    report.cut_off |= all.cut_off;
    for run in all.runs {
        // The maps are those of the run: it is made again, for few runs are shown.
        machine.reset();
        let outcome = machine.run(&run.variation.apply(input));
        report.runs.push(shown(machine, image, packet, run.variation.layout, outcome));
    }
    report.divergences.extend(all.divergences.into_iter().map(|divergence| {
        let (first, other) = divergence.between;
        Divergence { between: (first + before, other + before), ..divergence }
    }));
}
