//! The process that loads programs: it may be killed by what it asks of the kernel.
//!
//! The parent writes one [`Request`] to its standard input. It answers each program with one line of JSON, in the
//! order of the request; the program whose answer is missing is the one that killed it.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use bpf_object::{FunctionIndex, Kernel, Linked, link};
use oracle::recording::{Program, Verdict};
use oracle::runs::{Packets, Run, runs};
use oracle::safety::danger;
use oracle::{Corpus, Mode, OPEN_ENTRIES, Topic, log};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use serde::{Deserialize, Serialize};

use crate::load::{self, Log};
use crate::record::tainted;
use crate::{sys, test_run};

/// The hidden subcommand.
const SUBCOMMAND: &str = "child";

/// Where the kernel shows its types.
const VMLINUX_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Lines that are kept of a log of level 1: the end of it, where the message is.
const MOST_LINES: usize = 400;

/// Bytes that are kept of a log of level 2: the beginning of it.
const MOST_BYTES: usize = 256 * 1024;

/// Logs of level 2 are not asked for beyond this many instructions; they would be cut anyway.
const MOST_INSNS: u64 = 50_000;

/// `-ENOSPC`: there was no room for the log.
const LOG_TOO_LONG: i32 = -libc::ENOSPC;

/// What [`Mode::Bpf`] keeps.
const KEPT: [CapabilitySet; 2] = [CapabilitySet::BPF, CapabilitySet::NET_ADMIN];

/// Programs of one topic.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    pub(crate) root: PathBuf,
    /// Whether it is [`Corpus::of_objects`].
    pub(crate) from_elsewhere: bool,
    pub(crate) mode: Mode,
    pub(crate) family: String,
    pub(crate) topic: String,
    pub(crate) programs: Vec<String>,
}

/// What the kernel says about one program.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// The log of level 2.
    pub(crate) log: String,
}

/// Asks a child; gives the answers up to the first program that it does not survive, and how it ended.
pub(crate) fn ask(request: &Request) -> Result<(Vec<Answer>, ExitStatus)> {
    let me = std::env::current_exe().context("cannot find this program")?;
    let mut child: Child = Command::new(me)
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a child")?;
    let text = serde_json::to_string(request)?;
    let mut input = child.stdin.take().context("no way to the child")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = child.stdout.take().context("no way from the child")?;
    let mut answers = Vec::new();
    for line in BufReader::new(output).lines() {
        let Ok(answer) = serde_json::from_str(&line?) else { break };
        answers.push(answer);
    }
    Ok((answers, child.wait()?))
}

/// Answers the request on standard input.
pub(crate) fn answer() -> Result<()> {
    let request: Request = serde_json::from_reader(io::stdin().lock())?;
    sys::stay_on_first_processor().context("cannot stay on one processor")?;
    if request.mode == Mode::Bpf {
        keep_only(&KEPT).context("cannot give up capabilities")?;
    }
    let corpus = match request.from_elsewhere {
        true => Corpus::of_objects(&request.root),
        false => Corpus::at(&request.root),
    };
    let topic = Topic { family: request.family, name: request.topic };
    let object = load::open(&std::fs::read(corpus.object(&topic))?)?;
    let vmlinux = btf::Btf::parse(std::fs::read(VMLINUX_BTF).context(VMLINUX_BTF)?)?;
    let mut linked = link(&object, &Kernel::new(&vmlinux));
    if request.from_elsewhere {
        linked.set_open_sizes(OPEN_ENTRIES);
    }
    let is_run = request.mode == Mode::Root && !request.from_elsewhere;
    let (packets, runs) = match is_run {
        true => (Packets::of(&corpus)?, runs(&corpus, &topic)?),
        false => (Packets::default(), Vec::new()),
    };
    let before = tainted()?;
    let mut out = io::stdout().lock();
    for name in request.programs {
        let answer = match load::find(&linked, &name) {
            Some(program) => match danger(program) {
                Some(danger) if request.from_elsewhere => {
                    not_asked(&linked, program.function, &name, format!("it {danger}"))
                }
                _ => ask_kernel(&linked, program, &packets, &runs)?,
            },
            None => not_linked(&linked, &name)?,
        };
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
        ensure!(tainted()? == before, "the kernel complained about {name}; see its log");
    }
    Ok(())
}

/// Gives up all capabilities of this process but these.
fn keep_only(kept: &[CapabilitySet]) -> io::Result<()> {
    let kept: CapabilitySet = kept.iter().copied().collect();
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    Ok(())
}

/// What is said of a program that cannot be linked, so that the kernel is never asked.
fn not_linked(linked: &Linked<'_>, name: &str) -> Result<Answer> {
    let failure = linked.failures.iter().find(|failure| failure.name == name);
    let failure = failure.ok_or_else(|| anyhow!("there is no program {name}"))?;
    Ok(not_asked(linked, failure.function, name, format!("cannot be linked: {}", failure.error)))
}

fn not_asked(linked: &Linked<'_>, function: FunctionIndex, name: &str, why: String) -> Answer {
    let function = &linked.object.functions[function.0];
    let program = Program {
        section: linked.object.section_of(function).to_owned(),
        program_type: String::new(),
        verdict: Verdict::NotCheckable,
        errno: 0,
        messages: vec![why],
        stats: None,
        usec: None,
        log: Vec::new(),
        runs: Vec::new(),
    };
    Answer { name: name.to_owned(), program, log: String::new() }
}

fn ask_kernel(
    linked: &Linked<'_>,
    program: &bpf_object::Program,
    packets: &Packets,
    runs: &[Run],
) -> Result<Answer> {
    let kind = program.load.program_type.map_or("", |kind| kind.name);
    let mut answer = Program {
        section: program.section.clone(),
        program_type: kind.to_owned(),
        verdict: Verdict::Accept,
        errno: 0,
        messages: Vec::new(),
        stats: None,
        usec: None,
        log: Vec::new(),
        runs: Vec::new(),
    };
    let name = program.name.clone();
    let mut loader = match load::Loader::new(linked) {
        Ok(loader) => loader,
        Err(error) => {
            return Ok(Answer { name, program: refused(answer, &error), log: String::new() });
        }
    };
    let loaded = match loader.load(program, Log::Short) {
        Ok(loaded) => loaded,
        Err(error @ load::LoadError::Danger { .. }) => return Err(error.into()),
        Err(error) => {
            return Ok(Answer { name, program: refused(answer, &error), log: String::new() });
        }
    };
    answer.stats = log::stats(&loaded.log);
    answer.usec = log::usec(&loaded.log);
    if let Err(errno) = loaded.program {
        // The verifier never refuses in silence.
        let is_checked = !loaded.log.is_empty();
        answer.verdict = if is_checked { Verdict::Reject } else { Verdict::NotCheckable };
        answer.errno = match errno {
            LOG_TOO_LONG => errno_alone(linked, program)?,
            errno => errno,
        };
        answer.messages = log::messages(&loaded.log);
        let text = log::normalised(&loaded.log, |insn| load::loads_address(program, insn));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        answer.log = lines[lines.len().saturating_sub(MOST_LINES)..].to_vec();
    }
    let mut long = String::new();
    if answer.stats.as_ref().is_some_and(|stats| stats.insns_processed <= MOST_INSNS) {
        let again = load::Loader::new(linked)?.load(program, Log::Long)?;
        long = log::normalised(&again.log, |insn| load::loads_address(program, insn));
        if let Some((end, _)) = long.char_indices().nth(MOST_BYTES) {
            long.truncate(end);
            long.push_str("\n(cut)\n");
        }
    }
    let can_run = answer.verdict == Verdict::Accept;
    let stated = runs.iter().filter(|run| can_run && run.program == name).enumerate();
    for run in stated {
        answer.runs.extend(test_run::run(linked, program, packets, run)?);
    }
    Ok(Answer { name, program: answer, log: long })
}

/// The error of loading a program, asked for without a log that would hide it.
fn errno_alone(linked: &Linked<'_>, program: &bpf_object::Program) -> Result<i32> {
    let again = load::Loader::new(linked)?.load(program, Log::Figures)?;
    Ok(again.program.err().unwrap_or(LOG_TOO_LONG))
}

/// The answer if types or maps are refused already.
fn refused(mut answer: Program, error: &load::LoadError) -> Program {
    answer.verdict = Verdict::Reject;
    if let load::LoadError::Prepare { source, .. } = error {
        answer.errno = -source.raw_os_error().unwrap_or(0);
    }
    answer.messages = vec![error.to_string()];
    answer
}
