//! Quick checks: programs of a text are compiled and verified or run, and what came of it is told as a report, as a line
//! beside the program, and as findings of the text.

mod compilers;
mod error;
mod findings;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bpf_object::{Kernel, Linked, Object, link};
use diagnostic::{Finding, Severity};
use kernel_model::Version;
use text::Span;
use verifier::Capabilities;

pub use compilers::Compilers;
pub use error::CheckError;
pub use findings::{LAYOUT_DIVERGENCE, RUN_FAULT};

use crate::cancel::Cancel;
use crate::compile::{CompileError, CompileRequest, Compiled, Compiler};
use crate::config::Config;
use crate::headers::Headers;
use crate::merge;
use crate::paths::normal;
use crate::report::{self, Report, Source, Verdict};
use crate::rules::Catalogue;
use crate::selection::Layer;
use crate::types::TypesCache;
use crate::verify::{self, VerifyError, VerifySettings};
use crate::wishes::Wishes;

/// How long programs are verified that nobody asked about.
const UNASKED: Duration = Duration::from_secs(10);

/// What is done with a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckKind {
    /// It is verified.
    Verify,
    /// It is run on one packet.
    Run,
    /// It is run on all layouts of a packet that can matter.
    Layouts,
}

impl CheckKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Verify, Self::Run, Self::Layouts];

    /// The name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Run => "run",
            Self::Layouts => "layouts",
        }
    }

    /// The kind with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The entries of maps that get them from their loader, which is not asked here.
const OPEN_ENTRIES: u32 = 1024;

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct CheckRequest<'r> {
    /// What is done.
    pub kind: CheckKind,
    /// The absolute path of the file.
    pub path: &'r Path,
    /// Its text, which need not be saved.
    pub text: &'r Arc<str>,
    /// Whether the file has this text; what is compiled then can be found again by others.
    pub is_saved: bool,
    /// Other files whose texts are not saved; absolute paths.
    pub unsaved: &'r [(PathBuf, Arc<str>)],
    /// The configuration of the file.
    pub config: &'r Config,
    /// All rules.
    pub catalogue: &'r Catalogue,
    /// Where the types of kernels are known.
    pub types: &'r TypesCache,
    /// Which rules are wanted, as the configuration does not say.
    pub layer: Option<&'r Layer>,
    /// Where compilation databases are known.
    pub headers: &'r Headers,
    /// The kernel.
    pub kernel: Version,
    /// The program; `None` for all of the file, which only [`CheckKind::Verify`] does.
    pub program: Option<&'r str>,
    /// The names of functions in the text.
    pub names: &'r [(String, Span)],
    /// Stops it.
    pub cancel: &'r Cancel,
}

/// What was found out about a program.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The program.
    pub program: String,
    /// What was done.
    pub kind: CheckKind,
    /// How the result is to be taken.
    pub verdict: Verdict,
    /// The result in a line.
    pub summary: String,
    /// All that there is to be read.
    pub report: Report,
    /// What is wrong, at its places in the text.
    pub findings: Vec<merge::Checked>,
}

/// What was found out, and how long that took.
#[derive(Clone, Debug)]
pub struct Done {
    /// A result for each program.
    pub results: Vec<Checked>,
    /// How long it took.
    pub times: Times,
}

/// How long the parts of a check took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// clang, or finding the object again.
    pub compile: Duration,
    /// Decoding the types of the kernel, which is done once in the life of a process, while clang works.
    pub types: Duration,
    /// Reading the object.
    pub parse: Duration,
    /// Linking it for the kernel.
    pub link: Duration,
    /// Verifying or running.
    pub check: Duration,
    /// Telling it.
    pub render: Duration,
}

/// Does what is asked for. It blocks until that is done, or cancelled.
///
/// # Errors
///
/// If there is no object, or the program cannot be verified or run.
pub fn check(compiler: &Compiler, request: &CheckRequest<'_>) -> Result<Done, CheckError> {
    let mut times = Times::default();
    let (compiled, types) = thread::scope(|scope| {
        let types = scope.spawn(|| timed(|| request.types.get(request.config.btf.as_deref())));
        let compiled = timed(|| compile(compiler, request));
        (compiled, types.join())
    });
    let (compiled, took) = compiled;
    times.compile = took;
    let compiled = compiled?;
    let (types, took) = types.map_err(|_| CheckError::TypesThread)?;
    times.types = took;
    let types = types?;
    let (object, took) = timed(|| Object::parse(&compiled.object));
    let object = object?;
    times.parse = took;
    let settings = VerifySettings {
        kernel: request.kernel,
        types: &types,
        capabilities: request.config.capabilities.unwrap_or(Capabilities::ALL),
        log_level: 0,
        programs: &[],
        max_entries: None,
        target: None,
        file: request.path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
    };
    let kernel = match request.kind {
        CheckKind::Verify => settings.kernel(),
        CheckKind::Run | CheckKind::Layouts => Kernel::new(types.btf()),
    };
    let (linked, took) = timed(|| {
        let mut linked = link(&object, &kernel);
        linked.set_open_sizes(OPEN_ENTRIES);
        linked
    });
    times.link = took;
    let source = Source::new(request.path, request.text);
    let results = match request.kind {
        CheckKind::Verify => verify_all(request, &linked, &settings, source, &mut times)?,
        CheckKind::Run | CheckKind::Layouts => {
            vec![run::run(request, &linked, source, &mut times)?]
        }
    };
    Ok(Done { results, times })
}

/// The object of exactly this text.
fn compile(compiler: &Compiler, request: &CheckRequest<'_>) -> Result<Compiled, CheckError> {
    let compiled = compiler.compile(&CompileRequest {
        path: request.path,
        text: (!request.is_saved).then_some(request.text),
        unsaved: request.unsaved,
        config: request.config,
        headers: request.headers,
        flags: &[],
        cancel: request.cancel,
    });
    let compiled = match compiled {
        Err(CompileError::Rejected(findings)) => return Err(rejected(request, findings)),
        other => other?,
    };
    match compiled.source == *request.text {
        true => Ok(compiled),
        false => Err(CheckError::Changed),
    }
}

fn verify_all(
    request: &CheckRequest<'_>,
    linked: &Linked<'_>,
    settings: &VerifySettings<'_>,
    source: Source<'_>,
    times: &mut Times,
) -> Result<Vec<Checked>, CheckError> {
    let (outcomes, took) = timed(|| outcomes(request, linked, settings));
    times.check = took;
    let outcomes = outcomes?;
    let (results, took) = timed(|| {
        let results = outcomes.iter().map(|outcome| {
            let (verdict, summary) = report::lens_of_verify(outcome);
            Checked {
                program: outcome.name.clone(),
                kind: CheckKind::Verify,
                verdict,
                summary,
                report: report::of_verify(outcome, settings.kernel, source),
                findings: findings::of_verify(request, outcome, source),
            }
        });
        results.collect()
    });
    times.render = took;
    Ok(results)
}

/// The first mistake that clang finds.
fn rejected(request: &CheckRequest<'_>, findings: Vec<Finding>) -> CheckError {
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    let Some(first) = first else { return CompileError::Rejected(findings).into() };
    let before = request.text.get(..first.span.start as usize).unwrap_or_default();
    CheckError::DoesNotCompile {
        line: before.matches('\n').count() + 1,
        message: first.message.clone(),
    }
}

/// The verdicts. Of a file with many large programs nobody asked about, some are left out when that takes long: others
/// wait.
fn outcomes(
    request: &CheckRequest<'_>,
    linked: &Linked<'_>,
    settings: &VerifySettings<'_>,
) -> Result<Vec<verify::Outcome>, CheckError> {
    let begun = Instant::now();
    let is_asked = request.program.is_some();
    let in_time = || is_asked || begun.elapsed() < UNASKED;
    let go_on = || !request.cancel.is_cancelled() && in_time();
    let names: Vec<String> = match request.program {
        Some(program) => vec![program.to_owned()],
        None => linked.object.programs().map(|(_, function)| function.name.clone()).collect(),
    };
    if names.is_empty() {
        return Err(VerifyError::NoPrograms.into());
    }
    let mut outcomes = Vec::new();
    for name in &names {
        let settings = VerifySettings { programs: std::slice::from_ref(name), ..settings.clone() };
        match verify::programs(linked, &settings, &go_on)? {
            Some(found) => outcomes.extend(found),
            None if request.cancel.is_cancelled() => return Err(CheckError::Cancelled),
            None => break,
        }
    }
    request.wishes().apply(&mut outcomes);
    Ok(outcomes)
}

impl<'r> CheckRequest<'r> {
    /// What holds for findings in the file.
    fn wishes(&self) -> Wishes<'r> {
        Wishes {
            catalogue: self.catalogue,
            config: self.config,
            layer: self.layer,
            path: self.path,
            text: Some(self.text),
        }
    }

    /// Where the name of a function stands in the text.
    fn name(&self, function: &str) -> Span {
        let found = self.names.iter().find(|(name, _)| name == function);
        found.map_or(Span::empty(0), |(_, span)| *span)
    }
}

/// Those of `texts` that are other than what is on the disk.
pub fn unsaved(texts: Vec<(PathBuf, Arc<str>)>) -> Vec<(PathBuf, Arc<str>)> {
    texts.into_iter().filter(|(path, text)| !is_saved(path, text)).collect()
}

/// Whether a file has this text.
pub fn is_saved(path: &Path, text: &Arc<str>) -> bool {
    crate::source::read(&normal(path)).is_ok_and(|saved| saved == *text)
}

/// What `work` gives, and how long it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}
