//! Running compiled programs: an object and a packet in, what happened out.

pub mod context;
mod coverage;
pub mod input;
mod json;
pub mod retval;
pub mod tables;
mod text;
mod trace;
pub mod typed;
mod watch;

use bpf_object::Linked;
use runtime::layouts::{Cause, Divergence, Exploration, Limits};
use runtime::{
    DeferredOutcome, EventAccess, Fault, Image, Input, Machine, Options, Outcome, PacketInput,
};

pub use coverage::Coverage;
pub use json::document;
pub(crate) use text::write_dumps;
pub use text::write_run;
pub(crate) use text::{access as access_words, message as divergence_message, place};
pub use watch::{Watched, watch};

use crate::merge::LOST_STORE;

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
    /// Packets. Without any, the program is run once without one.
    pub packets: Vec<RunPacket>,
    /// Everything but the packet.
    pub input: Input,
    /// Elements of maps, by name: `[{"key": …, "value": …}, …]`, or for sections of variables `{"name": …}`.
    pub maps: Vec<(String, serde_json::Value)>,
    /// Samples for user ring buffers, by the names of those.
    pub samples: Vec<(String, Vec<u8>)>,
    /// How many timers, work queues and works of tasks are called back after the program at most; none at all if `None`.
    pub deferred: Option<usize>,
    /// The maps whose bytes are kept after each run.
    pub keeps: Vec<String>,
    /// Limits of memory and events.
    pub options: Options,
    /// Run on all layouts, within these limits.
    pub layouts: Option<Limits>,
}

/// A packet that a program is run on.
#[derive(Clone, Debug, Default)]
pub struct RunPacket {
    /// Where it comes from.
    pub name: String,
    /// Its bytes, and how they lie in memory.
    pub input: PacketInput,
}

/// A map as it is after a run.
#[derive(Clone, Debug)]
pub struct KeptMap {
    /// Its place in [`Image::maps`].
    pub index: usize,
    /// Keys and values.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// The records of a ring buffer, and whether they were submitted.
    pub records: Vec<(bool, Vec<u8>)>,
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
    /// What was done after it, if that was asked for.
    pub deferred: Option<DeferredOutcome>,
    /// The elements of the maps that may have changed, typed: name and elements.
    pub maps: Vec<(String, serde_json::Value)>,
    /// The maps of [`Job::keeps`].
    pub kept: Vec<KeptMap>,
}

impl Shown {
    /// What ended the run, or what was done after it, early.
    pub fn fault(&self) -> Option<&Fault> {
        let deferred = self.deferred.as_ref().and_then(|deferred| deferred.fault.as_deref());
        self.outcome.fault.as_deref().or(deferred)
    }

    /// All that was printed, line by line.
    pub fn printed(&self) -> impl Iterator<Item = &str> {
        let deferred = self.deferred.iter().flat_map(|deferred| &deferred.printed);
        self.outcome.printed.iter().chain(deferred).map(String::as_str)
    }
}

/// All that was found out about a program.
#[derive(Clone, Debug)]
pub struct Report {
    /// The program.
    pub program: String,
    /// Its type.
    pub program_type: &'static kernel_model::ProgramType,
    /// What it is made to be attached to, if its type has attach types.
    pub attach_type: Option<kernel_model::AttachType>,
    /// The runs: for each packet the first, and with layouts one for each divergence.
    pub runs: Vec<Shown>,
    /// What depends on the layout, with the numbers of runs in `runs`.
    pub divergences: Vec<Divergence>,
    /// What does, too, but is allowed by a comment or the configuration.
    pub allowed: Vec<Divergence>,
    /// How many runs there were.
    pub count: usize,
    /// Not every layout that was planned has been run.
    pub cut_off: bool,
}

impl Report {
    /// Something is wrong with the program: it faults, or depends on layouts.
    pub fn has_findings(&self) -> bool {
        !self.divergences.is_empty() || self.runs.iter().any(|run| run.fault().is_some())
    }

    /// Whether a run is the first of its packet, and not one that is compared with that.
    pub fn is_first(&self, run: usize) -> bool {
        !self.divergences.iter().chain(&self.allowed).any(|one| one.between.1 == run)
    }

    /// The lint rule that finds in C what makes a divergence: a write that is lost, also where something else depends on
    /// that.
    pub fn rule_of(&self, divergence: &Divergence) -> Option<&'static str> {
        let mut lost =
            self.divergences.iter().chain(&self.allowed).filter_map(|one| match &one.cause {
                Cause::LostWrite(at) => Some(at),
                _ => None,
            });
        let at = match &divergence.cause {
            Cause::LostWrite(at) => at,
            Cause::Call {
                at,
                first: Some(EventAccess::Direct),
                other: Some(EventAccess::Buffer),
                ..
            } => at,
            Cause::Call { .. } | Cause::Fault(_) | Cause::Unknown => return None,
        };
        lost.any(|slice| slice == at).then_some(LOST_STORE)
    }

    /// The first thing that is not modelled and ended a run.
    pub fn not_modelled(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| match &run.fault()?.kind {
            runtime::FaultKind::NotModelled(what) => Some(what.as_str()),
            _ => None,
        })
    }
}

/// A machine with the maps that a job says.
///
/// # Errors
///
/// If they do not fit into the memory allowed, or a map does not take its elements.
fn machine<'i>(image: &'i Image, job: &Job) -> Result<Machine<'i>, RunError> {
    let mut machine =
        Machine::new(image, &job.options).map_err(|fault| RunError::Machine(fault.to_string()))?;
    for (name, elements) in &job.maps {
        input::fill(&mut machine, image, name, elements)?;
    }
    for (name, sample) in &job.samples {
        let index = image.maps().iter().position(|map| map.name == *name);
        if !index.is_some_and(|index| machine.put_sample(index, sample)) {
            let why = "there is no user ring buffer of that name".to_owned();
            return Err(RunError::Map { name: name.clone(), why });
        }
    }
    machine.keep_maps();
    Ok(machine)
}

impl Job {
    /// What the program is run on, one after the other: the packet, if there is one, and the input.
    fn inputs(&self) -> Vec<(Option<&RunPacket>, Input)> {
        let with =
            |packet: &RunPacket| Input { packet: Some(packet.input.clone()), ..self.input.clone() };
        match self.packets.as_slice() {
            [] => vec![(None, self.input.clone())],
            packets => packets.iter().map(|packet| (Some(packet), with(packet))).collect(),
        }
    }
}

/// Runs a program as `job` says. `go_on` is asked before each further layout.
///
/// # Errors
///
/// If the machine cannot be made, or a map does not take its elements.
pub fn run(image: &Image, job: &Job, mut go_on: impl FnMut() -> bool) -> Result<Report, RunError> {
    let mut machine = machine(image, job)?;
    let mut report = Report {
        program: image.name().to_owned(),
        program_type: image.program_type(),
        attach_type: image.attach_type(),
        runs: Vec::new(),
        divergences: Vec::new(),
        allowed: Vec::new(),
        count: 0,
        cut_off: false,
    };
    for (packet, input) in job.inputs() {
        machine.reset();
        let limits = job.layouts.as_ref().filter(|_| packet.is_some());
        match limits {
            Some(limits) => {
                let all = runtime::layouts::explore(&mut machine, &input, limits, &mut go_on);
                let runner = Runner { image, job, packet, machine: &mut machine };
                runner.take_in(&mut report, &input, all);
            }
            None => {
                report.count += 1;
                let mut runner = Runner { image, job, packet, machine: &mut machine };
                report.runs.push(runner.shown(&input));
            }
        }
    }
    Ok(report)
}

/// Runs that are shown, of one packet.
struct Runner<'r, 'i> {
    image: &'i Image,
    job: &'r Job,
    packet: Option<&'r RunPacket>,
    machine: &'r mut Machine<'i>,
}

impl Runner<'_, '_> {
    /// Runs once.
    fn shown(&mut self, input: &Input) -> Shown {
        let outcome = self.machine.run(input);
        let deferred = self.job.deferred.filter(|_| outcome.fault.is_none());
        let deferred = deferred.map(|most| self.machine.run_deferred(most));
        let maps = self.image.maps().iter().enumerate();
        let kept =
            maps.filter(|(_, map)| self.job.keeps.contains(&map.name)).map(|(index, _)| KeptMap {
                index,
                entries: self.machine.map_entries(index).unwrap_or_default(),
                records: self.machine.map_records(index),
            });
        Shown {
            packet: self.packet.map(|packet| packet.name.clone()),
            bytes: self.packet.map(|packet| packet.input.bytes.clone()).unwrap_or_default(),
            layout: input.packet.as_ref().map(|packet| packet.layout.clone()).unwrap_or_default(),
            outcome,
            deferred,
            kept: kept.collect(),
            maps: input::contents(self.machine, self.image),
        }
    }

    /// Adds the runs and divergences of the packet.
    fn take_in(mut self, report: &mut Report, input: &Input, all: Exploration) {
        let before = report.runs.len();
        report.count += all.count;
        report.cut_off |= all.cut_off;
        for run in all.runs {
            // The maps are those of the run: it is made again, for few runs are shown.
            self.machine.reset();
            let shown = self.shown(&run.variation.apply(input));
            report.runs.push(Shown { layout: run.variation.layout, ..shown });
        }
        report.divergences.extend(all.divergences.into_iter().map(|divergence| {
            let (first, other) = divergence.between;
            Divergence { between: (first + before, other + before), ..divergence }
        }));
    }
}
