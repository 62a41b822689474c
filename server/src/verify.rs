//! Verifying compiled programs: an object in, verdicts told in lines of C out.

mod findings;
mod json;
mod place;

use std::time::{Duration, Instant};

use bpf_object::{Kernel, Linked, Object, kernel_version, link};
use btf::Btf;
use kernel_model::Version;
use verifier::{Explanation, GoOn, Options, Program};

pub(crate) use findings::SourceText;
pub use findings::{VERIFIER, VERIFIER_PAGE, reports};
pub use json::document;
pub use place::Place;

/// How objects are verified.
#[derive(Clone, Debug)]
pub struct VerifySettings<'s> {
    /// The kernel.
    pub kernel: Version,
    /// Its types.
    pub types: &'s Btf<'s>,
    /// Whether the programs are loaded with privileges.
    pub privileged: bool,
    /// The level of the log, or 0 for none.
    pub log_level: u32,
    /// The programs to verify; empty for all.
    pub programs: &'s [String],
    /// The name of the file, which maps of variables are named after.
    pub file: &'s str,
}

/// Why an object cannot be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is no object, or a broken one.
    #[error(transparent)]
    Object(#[from] bpf_object::Error),
    /// It has no programs.
    #[error("there are no programs in it")]
    NoPrograms,
    /// It has none of the programs asked for.
    #[error("there is no program `{0}` in it")]
    NoProgram(String),
}

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
    /// The kernel's name of its type; empty if the section says none.
    pub program_type: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// The instruction that was rejected, or is not modelled.
    pub insn: Option<u32>,
    /// Where that is in C.
    pub place: Option<Place>,
    /// How it came to that.
    pub explanation: Vec<Told>,
    /// What would make the kernel take it.
    pub help: Option<&'static str>,
    /// The lint rule that finds the same mistake in C.
    pub rule: Option<&'static str>,
    /// What is wrong although the kernel accepts it: the rule, and what it says.
    pub notes: Vec<(&'static str, Told)>,
    /// What was counted.
    pub stats: verifier::Stats,
    /// Bytes of stack that the program and each of its subprograms use.
    pub stack_depths: Vec<u32>,
    /// How long it took.
    pub elapsed: Duration,
    /// The log, if one was asked for.
    pub log: String,
}

/// What the kernel does with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It loads it.
    Accept,
    /// It does not. The errno is negative; there is none if the loader gives up before the kernel is asked.
    Reject {
        /// The error of `bpf(2)`.
        errno: Option<i32>,
        /// What the kernel says, line by line.
        message: String,
    },
    /// It cannot be told; why.
    Unsupported(String),
}

/// Something that happened at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub message: String,
    /// Where in C, if that is known.
    pub place: Option<Place>,
}

/// Verifies the programs of an object.
///
/// # Errors
///
/// If it is no object, or a program is asked for that it does not have.
pub fn object(bytes: &[u8], settings: &VerifySettings<'_>) -> Result<Vec<Outcome>, VerifyError> {
    let object = Object::parse(bytes)?;
    let linked = link(&object, &settings.kernel());
    programs(&linked, settings, &|| true).map(Option::unwrap_or_default)
}

/// Verifies the programs of an object that is linked, as long as `go_on` says so; `None` once it says no.
///
/// # Errors
///
/// If it has no programs, or not the one that is asked for.
pub fn programs(
    linked: &Linked<'_>,
    settings: &VerifySettings<'_>,
    go_on: &GoOn<'_>,
) -> Result<Option<Vec<Outcome>>, VerifyError> {
    let object = linked.object;
    let names = || object.programs().map(|(_, function)| function.name.as_str());
    if names().next().is_none() {
        return Err(VerifyError::NoPrograms);
    }
    if let Some(missing) = settings.programs.iter().find(|name| names().all(|one| one != *name)) {
        return Err(VerifyError::NoProgram(missing.clone()));
    }
    let asked = |name: &str| {
        settings.programs.is_empty() || settings.programs.iter().any(|one| one == name)
    };
    let outcome = |(index, function): (bpf_object::FunctionIndex, &bpf_object::Function)| {
        let linked_program = linked.programs.iter().find(|program| program.function == index);
        match linked_program {
            Some(program) => verify(linked, program, settings, go_on),
            None => Some(unlinked(linked, index, function)),
        }
    };
    Ok(object.programs().filter(|(_, function)| asked(&function.name)).map(outcome).collect())
}

impl VerifySettings<'_> {
    /// The kernel that objects are linked for.
    pub fn kernel(&self) -> Kernel<'_> {
        let mut kernel = Kernel::new(self.types);
        kernel.version = kernel_version(self.kernel.major.into(), self.kernel.minor.into(), 0);
        kernel
    }
}

/// A program that a loader refuses.
fn unlinked(
    linked: &Linked<'_>,
    index: bpf_object::FunctionIndex,
    function: &bpf_object::Function,
) -> Outcome {
    let failure = linked.failures.iter().find(|failure| failure.function == index);
    let section = linked.object.section_of(function).to_owned();
    let program_type =
        kernel_model::section(&section).map_or("", |section| section.program_type.name);
    let why = failure.map_or_else(|| "it cannot be linked".to_owned(), |one| one.error.to_string());
    Outcome {
        name: function.name.clone(),
        section,
        program_type,
        verdict: Verdict::Reject { errno: None, message: why },
        insn: None,
        place: None,
        explanation: Vec::new(),
        help: None,
        rule: None,
        notes: Vec::new(),
        stats: verifier::Stats::default(),
        stack_depths: Vec::new(),
        elapsed: Duration::ZERO,
        log: String::new(),
    }
}

fn verify(
    linked: &Linked<'_>,
    program: &bpf_object::Program,
    settings: &VerifySettings<'_>,
    go_on: &GoOn<'_>,
) -> Option<Outcome> {
    let options = Options {
        kernel: settings.kernel,
        privileged: settings.privileged,
        log_level: settings.log_level,
        explain: true,
        file: settings.file.to_owned(),
    };
    let started = Instant::now();
    let program_facts = Program::new(linked, program, settings.types, options);
    let report = verifier::verify_while(&program_facts, go_on)?;
    let elapsed = started.elapsed();
    let place = |pc: isa::Pc| Place::of(linked, program, pc.index());
    let Explanation { labels, help, rule } = report.explanation.unwrap_or_default();
    let told = |pc, message| Told { message, place: place(pc) };
    let begins_at = || Place::of(linked, program, 0);
    Some(Outcome {
        name: program.name.clone(),
        section: program.section.clone(),
        program_type: program.load.program_type.map_or("", |ty| ty.name),
        insn: report.pc.map(|pc| pc.0),
        place: report.pc.and_then(place).or_else(begins_at),
        explanation: labels.into_iter().map(|label| told(label.pc, label.message)).collect(),
        help,
        rule,
        notes: report
            .notes
            .into_iter()
            .map(|note| (note.rule, told(note.pc, note.message)))
            .collect(),
        stats: report.stats,
        stack_depths: report.stack_depths,
        elapsed,
        log: report.log,
        verdict: match report.verdict {
            verifier::Verdict::Accept => Verdict::Accept,
            verifier::Verdict::Reject(reject) => {
                Verdict::Reject { errno: Some(reject.errno.0), message: reject.message }
            }
            verifier::Verdict::Unsupported(why) => Verdict::Unsupported(why),
        },
    })
}

impl Outcome {
    /// The kernel takes the program.
    pub fn is_accepted(&self) -> bool {
        self.verdict == Verdict::Accept
    }
}
