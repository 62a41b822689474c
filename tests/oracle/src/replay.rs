//! What the verifier of this repository says about the programs of the corpus, beside what the kernel said.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bpf_object::{Kernel, Linked, Object, link};
use kernel_model::{SNAPSHOT, Version};
use verifier::{Options, Report};

use crate::corpus::{Corpus, OPEN_ENTRIES, Topic};
use crate::error::{Error, Result, read_bytes};
use crate::mode::Mode;
use crate::recording::{Program, Recordings, Verdict};

/// The kernel whose recordings are compared with.
pub const KERNEL: Version = Version::new(6, 18);

/// A program with what both said.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The object it is in.
    pub topic: Topic,
    /// Its name.
    pub name: String,
    /// What the kernel said.
    pub recorded: Program,
    /// What we say; without one, the program could not be linked.
    pub report: Option<Report>,
    /// How long we took.
    pub elapsed: Duration,
    /// How both differ.
    pub kind: Kind,
    /// What we note although the kernel accepts it.
    pub notes: Vec<Noted>,
}

/// A note on a program, with its place in C.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Noted {
    /// The kind.
    pub code: &'static str,
    /// The line of the source; 0 if that is not known.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// What is told of other places, with their lines.
    pub labels: Vec<(u32, String)>,
}

/// What is asked of the verifier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The level of the log; 0 for none.
    pub log_level: u32,
    /// As whom the programs are loaded.
    pub mode: Mode,
    /// Whether it shall note what the kernel accepts although it is wrong; what it rejects is left out then.
    pub notes: bool,
}

/// How what we say differs from what the kernel said, the worst first.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// We accept what it refuses.
    FalseAccept,
    /// We panicked; the message.
    Panic(String),
    /// We refuse what it accepts.
    FalseReject,
    /// The first message is another one.
    Message,
    /// The errno is another one.
    Errno,
    /// It is not modelled; what.
    Unsupported(String),
    /// It cannot be linked; why.
    Unlinked(String),
    /// Nothing.
    Equal,
    /// The kernel could not say.
    NotCheckable,
}

impl Kind {
    /// In a word, as in the inventory of misses.
    pub fn word(&self) -> &'static str {
        match self {
            Self::FalseAccept => "false-accept",
            Self::Panic(_) => "panic",
            Self::FalseReject => "false-reject",
            Self::Message => "message",
            Self::Errno => "errno",
            Self::Unsupported(_) => "unsupported",
            Self::Unlinked(_) => "unlinked",
            Self::Equal => "equal",
            Self::NotCheckable => "not-checkable",
        }
    }

    /// It is what the kernel said, as far as it said something.
    pub fn is_fine(&self) -> bool {
        matches!(self, Self::Equal | Self::NotCheckable)
    }
}

impl Comparison {
    /// `family/topic:program`.
    pub fn path(&self) -> String {
        format!("{}:{}", self.topic.path(), self.name)
    }

    /// Our instructions processed by the kernel's, if both counted.
    pub fn insns_ratio(&self) -> Option<f64> {
        let ours = self.report.as_ref()?.stats.insns_processed;
        let theirs = self.recorded.stats.as_ref()?.insns_processed;
        let theirs = u32::try_from(theirs).ok().filter(|&count| count > 0)?;
        Some(f64::from(ours) / f64::from(theirs))
    }

    /// Our time by the kernel's, if that is known.
    pub fn time_ratio(&self) -> Option<f64> {
        let theirs = u32::try_from(self.recorded.usec?).ok().filter(|&usec| usec > 0)?;
        Some(self.elapsed.as_secs_f64() * 1e6 / f64::from(theirs))
    }
}

/// Verifies the programs for whose `family/topic:program` the filter says so, and compares.
pub fn replay(
    corpus: &Corpus,
    asked: Asked,
    filter: impl Fn(&str) -> bool + Sync,
) -> Result<Vec<Comparison>> {
    run(corpus, asked, false, filter)
}

/// The same, with explanations of rejections.
pub fn explained(
    corpus: &Corpus,
    mode: Mode,
    filter: impl Fn(&str) -> bool + Sync,
) -> Result<Vec<Comparison>> {
    run(corpus, Asked { mode, ..Asked::default() }, true, filter)
}

fn run(
    corpus: &Corpus,
    asked: Asked,
    explain: bool,
    filter: impl Fn(&str) -> bool + Sync,
) -> Result<Vec<Comparison>> {
    let recordings = Recordings::of(corpus, &KERNEL.to_string(), asked.mode);
    let topics = recordings.topics()?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all = Vec::new();
        while let Some(topic) = topics.get(next.fetch_add(1, Ordering::Relaxed)) {
            all.push(replay_topic(corpus, &recordings, topic, (asked, explain), &filter));
        }
        all
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut all = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            for topic in worker.join().unwrap_or_default() {
                all.extend(topic?);
            }
        }
        Ok(())
    })?;
    all.sort_by(|a, b| (&a.topic, &a.name).cmp(&(&b.topic, &b.name)));
    Ok(all)
}

fn replay_topic(
    corpus: &Corpus,
    recordings: &Recordings,
    topic: &Topic,
    (asked, explain): (Asked, bool),
    filter: impl Fn(&str) -> bool,
) -> Result<Vec<Comparison>> {
    let mut recording = recordings.load(topic)?.unwrap_or_default();
    recording.programs.retain(|name, program| {
        let has_notes = program.verdict != Verdict::Reject;
        (has_notes || !asked.notes) && filter(&format!("{}:{name}", topic.path()))
    });
    if recording.programs.is_empty() {
        return Ok(Vec::new());
    }
    let path = corpus.object(topic);
    let failed = |what: &dyn std::fmt::Display| Error::format(&path, &what);
    let object = Object::parse(&read_bytes(&path)?).map_err(|error| failed(&error))?;
    let kernel = bpf_object::vmlinux().ok_or_else(|| failed(&"no types of the kernel"))?;
    let mut linked = link(&object, &Kernel::new(kernel));
    if !corpus.has_sources() {
        linked.set_open_sizes(OPEN_ENTRIES);
    }
    let compare = |(name, recorded): (String, Program)| {
        let file = "corpus".to_owned();
        let Asked { log_level, mode, notes } = asked;
        let capabilities = mode.capabilities();
        let explain = explain || notes;
        let options = Options {
            kernel: KERNEL,
            capabilities,
            lists_variables: SNAPSHOT.lists_variables,
            log_level,
            explain,
            file,
        };
        let (outcome, elapsed) = verify(&linked, &name, &options);
        let kind = kind(&recorded, &outcome);
        let report = outcome.ok();
        let notes = report.iter().flat_map(|report| &report.notes);
        let notes = notes.map(|note| noted(&linked, &name, note)).collect();
        Comparison { topic: topic.clone(), name, recorded, report, elapsed, kind, notes }
    };
    Ok(recording.programs.into_iter().map(compare).collect())
}

/// The note with its place in C.
fn noted(linked: &Linked<'_>, name: &str, note: &verifier::Note) -> Noted {
    let program = linked.programs.iter().find(|program| program.name == name);
    let line = |pc: isa::Pc| {
        let line = program.and_then(|program| linked.source_line(program, pc.index()));
        line.map_or(0, |line| line.line)
    };
    Noted {
        code: note.kind.code,
        line: line(note.pc),
        message: note.message.clone(),
        labels: note.labels.iter().map(|label| (line(label.pc), label.message.clone())).collect(),
    }
}

/// Why there is no report.
enum NoReport {
    Unlinked(String),
    Panic(String),
}

fn verify(
    linked: &Linked<'_>,
    name: &str,
    options: &Options,
) -> (Result<Report, NoReport>, Duration) {
    let Some(program) = linked.programs.iter().find(|program| program.name == name) else {
        let failure = linked.failures.iter().find(|failure| failure.name == name);
        let why = failure
            .map_or_else(|| "there is no such program".to_owned(), |one| one.error.to_string());
        return (Err(NoReport::Unlinked(why)), Duration::ZERO);
    };
    let Some(kernel) = bpf_object::vmlinux() else {
        return (Err(NoReport::Unlinked("no types of the kernel".to_owned())), Duration::ZERO);
    };
    let run = || {
        let program = verifier::Program::new(linked, program, kernel, options.clone());
        let begin = Instant::now();
        let report = verifier::verify(&program);
        (report, begin.elapsed())
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok((report, elapsed)) => (Ok(report), elapsed),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            (Err(NoReport::Panic(text.unwrap_or_default())), Duration::ZERO)
        }
    }
}

/// `-ENOSPC`: the log did not fit into the buffer it was recorded with, which hides the errno of the rejection.
const LOG_TOO_LONG: i32 = -28;

fn kind(recorded: &Program, outcome: &Result<Report, NoReport>) -> Kind {
    use verifier::Verdict as Ours;
    let verdict = match outcome {
        Ok(report) => &report.verdict,
        Err(NoReport::Panic(text)) => return Kind::Panic(text.clone()),
        Err(NoReport::Unlinked(why)) => return Kind::Unlinked(why.clone()),
    };
    match (recorded.verdict, verdict) {
        (Verdict::NotCheckable | Verdict::Crashed, _) => Kind::NotCheckable,
        (_, Ours::Unsupported(what)) => Kind::Unsupported(what.clone()),
        (Verdict::Accept, Ours::Accept) => Kind::Equal,
        (Verdict::Accept, Ours::Reject(_)) => Kind::FalseReject,
        (Verdict::Reject, Ours::Accept) => Kind::FalseAccept,
        (Verdict::Reject, Ours::Reject(reject)) => {
            let ours = reject.message.lines().next().unwrap_or_default().trim_end();
            let theirs = recorded.messages.first().map_or("", String::as_str);
            if ours != theirs {
                Kind::Message
            } else if recorded.errno != LOG_TOO_LONG && reject.errno.0 != recorded.errno {
                Kind::Errno
            } else {
                Kind::Equal
            }
        }
    }
}
