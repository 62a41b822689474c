//! Verifying compiled programs: an object in, verdicts told in lines of C out.

mod findings;
mod json;
mod place;

use std::time::{Duration, Instant};

use bpf_object::{Attach, Kernel, Linked, Object, kernel_version, link};
use diagnostic::Severity;
use kernel_model::Version;
use verifier::{Capabilities, Explanation, Extension, GoOn, NoteKind, Options, Program};

use crate::types::KernelTypes;

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
    pub types: &'s KernelTypes,
    /// What the loader is allowed to do.
    pub capabilities: Capabilities,
    /// The level of the log, or 0 for none.
    pub log_level: u32,
    /// The programs to verify; empty for all.
    pub programs: &'s [String],
    /// The name of the file, which maps of variables are named after.
    pub file: &'s str,
    /// What loaders set for maps of no entries.
    pub max_entries: Option<u32>,
    /// What extensions (`freplace`) extend, if it is not in the object itself.
    pub target: Option<Target<'s>>,
}

/// An object with a program that extensions extend.
#[derive(Clone, Copy, Debug)]
pub struct Target<'s> {
    /// The object.
    pub bytes: &'s [u8],
    /// The program in it; otherwise, the one that has the function which is replaced.
    pub program: Option<&'s str>,
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
    /// What extensions extend is no object, or a broken one.
    #[error("the target of extensions: {0}")]
    Target(bpf_object::Error),
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
    /// Functions that the kernel would refuse next.
    pub also: Vec<Also>,
    /// What is wrong although the kernel accepts it.
    pub notes: Vec<Noted>,
    /// What was counted.
    pub stats: verifier::Stats,
    /// Bytes of stack that the program and each of its subprograms use.
    pub stack_depths: Vec<u32>,
    /// How long it took.
    pub elapsed: Duration,
    /// The log, if one was asked for.
    pub log: String,
}

/// A function that is verified by itself and refused, beside the one that the verdict is about.
#[derive(Clone, Debug)]
pub struct Also {
    /// Its name.
    pub function: String,
    /// The error of `bpf(2)`.
    pub errno: i32,
    /// What the kernel says, line by line.
    pub message: String,
    /// Where that is in C.
    pub place: Option<Place>,
    /// How it came to that.
    pub explanation: Vec<Told>,
    /// What would make the kernel take it.
    pub help: Option<&'static str>,
    /// The lint rule that finds the same mistake in C.
    pub rule: Option<&'static str>,
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

/// Something that is wrong although the kernel accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What kind of mistake it is.
    pub kind: &'static NoteKind,
    /// What is wrong, and where.
    pub told: Told,
    /// What happened elsewhere that belongs to it.
    pub labels: Vec<Told>,
    /// How grave it is: as what its rule finds, unless the configuration says something else.
    pub severity: Severity,
}

impl Noted {
    /// The rule it is reported as: that of the linter which finds the same in C, if there is one.
    pub fn rule(&self) -> &'static str {
        self.kind.rule.unwrap_or(VERIFIER.name)
    }
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
    let mut linked = link(&object, &settings.kernel());
    if let Some(entries) = settings.max_entries {
        linked.set_open_sizes(entries);
    }
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
    let target = settings.target.map(|target| Object::parse(target.bytes)).transpose();
    let target = target.map_err(VerifyError::Target)?;
    let target = target.as_ref().map(|target| link(target, &settings.kernel()));
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
            Some(program) => {
                let extends = extended(linked, target.as_ref(), program, settings);
                verify(linked, program, settings, extends, go_on)
            }
            None => Some(unlinked(linked, index, function)),
        }
    };
    Ok(object.programs().filter(|(_, function)| asked(&function.name)).map(outcome).collect())
}

/// Whether there are notes that are reported as findings of a rule.
pub fn has_notes(rule: &str) -> bool {
    verifier::NOTES.iter().any(|kind| kind.rule == Some(rule))
}

/// As grave as what its rule finds.
fn severity(kind: &NoteKind) -> Severity {
    let rule = kind.rule.and_then(lint_rules::rules::find);
    rule.map_or(Severity::Warning, |rule| rule.severity)
}

impl VerifySettings<'_> {
    /// The kernel that objects are linked for.
    pub fn kernel(&self) -> Kernel<'_> {
        let mut kernel = Kernel::new(self.types.btf());
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
        also: Vec::new(),
        notes: Vec::new(),
        stats: verifier::Stats::default(),
        stack_depths: Vec::new(),
        elapsed: Duration::ZERO,
        log: String::new(),
    }
}

/// The function that the program replaces, if it is an extension: in the object that was named for that, or in its own.
fn extended<'l>(
    linked: &'l Linked<'l>,
    target: Option<&'l Linked<'l>>,
    program: &'l bpf_object::Program,
    settings: &VerifySettings<'l>,
) -> Option<Extension<'l>> {
    let named = settings.target.and_then(|target| target.program);
    let function = match &program.load.target {
        Attach::Program { name } => Some(name.as_str()),
        // The main function has the name of the program.
        _ => named,
    };
    Extension::find(target.unwrap_or(linked), function?, named)
}

fn verify<'l>(
    linked: &'l Linked<'l>,
    program: &'l bpf_object::Program,
    settings: &VerifySettings<'l>,
    extends: Option<Extension<'l>>,
    go_on: &GoOn<'_>,
) -> Option<Outcome> {
    let options = Options {
        kernel: settings.kernel,
        lists_variables: settings.types.lists_variables(),
        capabilities: settings.capabilities,
        log_level: settings.log_level,
        explain: true,
        file: settings.file.to_owned(),
    };
    let started = Instant::now();
    let program_facts = Program::extending(linked, program, settings.types.btf(), options, extends);
    let report = verifier::verify_while(&program_facts, go_on)?;
    let elapsed = started.elapsed();
    let place = |pc: isa::Pc| Place::of(linked, program, pc.index());
    let Explanation { labels, help, rule } = report.explanation.unwrap_or_default();
    let told = |pc, message| Told { message, place: place(pc) };
    let begins_at = || Place::of(linked, program, 0);
    let also = |refused: verifier::Refused| {
        let Explanation { labels, help, rule } = refused.explanation;
        Also {
            function: refused.function,
            errno: refused.reject.errno.0,
            message: refused.reject.message,
            place: place(refused.pc),
            explanation: labels.into_iter().map(|label| told(label.pc, label.message)).collect(),
            help,
            rule,
        }
    };
    Some(Outcome {
        name: program.name.clone(),
        section: program.section.clone(),
        program_type: program.load.program_type.map_or("", |ty| ty.name),
        insn: report.pc.map(|pc| pc.0),
        place: report.pc.and_then(place).or_else(begins_at),
        explanation: labels.into_iter().map(|label| told(label.pc, label.message)).collect(),
        help,
        rule,
        also: report.also.into_iter().map(also).collect(),
        notes: report
            .notes
            .into_iter()
            .map(|note| Noted {
                kind: note.kind,
                severity: severity(note.kind),
                told: told(note.pc, note.message),
                labels: note
                    .labels
                    .into_iter()
                    .map(|label| told(label.pc, label.message))
                    .collect(),
            })
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_verification_that_nobody_waits_for_ends_soon() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
        let bytes = std::fs::read(corpus.join("loops/iterators.bpf.o")).expect("is there");
        let object = Object::parse(&bytes).expect("is an object");
        let types = KernelTypes::bundled().expect("can be read");
        let settings = VerifySettings {
            kernel: Version::NEWEST_MODELLED,
            types: &types,
            capabilities: Capabilities::ALL,
            log_level: 0,
            programs: &[],
            max_entries: None,
            target: None,
            file: "",
        };
        let linked = link(&object, &settings.kernel());
        let all = programs(&linked, &settings, &|| true).expect("has programs").expect("goes on");
        let (mut long, mut short) = (0, 0);
        for outcome in &all {
            let name = [outcome.name.clone()];
            let settings = VerifySettings { programs: &name, ..settings.clone() };
            let stopped = programs(&linked, &settings, &|| false).expect("is there");
            let is_long = outcome.stats.insns_processed >= 256;
            assert_eq!(stopped.is_none(), is_long, "{}: {:?}", outcome.name, outcome.stats);
            *if is_long { &mut long } else { &mut short } += 1;
        }
        assert!(long > 0 && short > 0, "{long} long ones, {short} short ones");
    }
}
