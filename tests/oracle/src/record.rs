//! Recording and comparing: which programs are asked about, and what is kept of the answers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;

use anyhow::{Context, Result, bail, ensure};
use bpf_object::Object;
use globset::{Glob, GlobMatcher};
use oracle::recording::{Program, Recording, Recordings, Verdict};
use oracle::{Corpus, Deny, Topic, compile};

use crate::child::{self, Answer, Request};
use crate::sys;

/// Where the kernel says that something went wrong in it.
const TAINTED: &str = "/proc/sys/kernel/tainted";

/// Where the kernel says what it is.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// The session with one kernel.
struct Session<'c> {
    corpus: &'c Corpus,
    recordings: Recordings,
    /// `6.18.44`
    release: String,
    deny: Deny,
    tainted: String,
}

/// Asks about the topics whose path fits and keeps the answers.
pub(crate) fn record(corpus: &Corpus, only: Option<&str>) -> Result<()> {
    let mut session = Session::begin(corpus)?;
    let only = matcher(only)?;
    let mut out = io::stdout().lock();
    for topic in corpus.topics()?.iter().filter(|topic| fits(only.as_ref(), topic)) {
        let before = session.recordings.load(topic)?.unwrap_or_default();
        let (mut after, mut logs) = session.ask(topic)?;
        let old_logs = session.recordings.load_logs(topic)?;
        for (name, program) in &before.programs {
            if session.deny.contains(topic, name) {
                after.programs.entry(name.clone()).or_insert_with(|| program.clone());
                if let Some(log) = old_logs.get(name) {
                    logs.insert(name.clone(), log.clone());
                }
            }
        }
        keep_times(&before, &mut after);
        if before != after || old_logs != logs {
            session.recordings.save(topic, &after)?;
            session.recordings.save_logs(topic, &logs)?;
            writeln!(out, "recorded: {}", topic.path())?;
        }
    }
    if only.is_none() {
        let topics = corpus.topics()?;
        for topic in session.recordings.topics()? {
            if !topics.contains(&topic) {
                session.recordings.remove(&topic)?;
                writeln!(out, "removed: {}", topic.path())?;
            }
        }
    }
    Ok(())
}

/// Asks again and prints what differs; returns how many programs do.
pub(crate) fn compare(corpus: &Corpus, only: Option<&str>) -> Result<usize> {
    let mut session = Session::begin(corpus)?;
    let only = matcher(only)?;
    let mut out = io::stdout().lock();
    let mut different = 0;
    for topic in corpus.topics()?.iter().filter(|topic| fits(only.as_ref(), topic)) {
        let before = session.recordings.load(topic)?.unwrap_or_default();
        let (mut after, _) = session.ask(topic)?;
        keep_times(&before, &mut after);
        for (name, program) in &before.programs {
            let now = after.programs.remove(name);
            if now.as_ref() != Some(program) && !session.deny.contains(topic, name) {
                writeln!(out, "{}:{name}: {}", topic.path(), difference(program, now.as_ref()))?;
                different += 1;
            }
        }
        for name in after.programs.keys() {
            writeln!(out, "{}:{name}: not recorded", topic.path())?;
            different += 1;
        }
    }
    Ok(different)
}

impl<'c> Session<'c> {
    fn begin(corpus: &'c Corpus) -> Result<Self> {
        ensure!(sys::is_root(), "loading programs into the kernel needs root");
        let release = std::fs::read_to_string(RELEASE).context(RELEASE)?;
        let release = release.trim().split('-').next().unwrap_or_default().to_owned();
        let mut numbers = release.split('.');
        let version = match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) => format!("{major}.{minor}"),
            _ => bail!("`{release}` is no release of Linux"),
        };
        let recordings = Recordings::of(corpus, &version);
        Ok(Self { corpus, recordings, release, deny: Deny::of(corpus)?, tainted: tainted()? })
    }

    /// The answers about the programs of a topic that may be loaded, and their logs of level 2.
    fn ask(&mut self, topic: &Topic) -> Result<(Recording, BTreeMap<String, String>)> {
        let path = self.corpus.object(topic);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let object = Object::parse(&bytes).with_context(|| path.display().to_string())?;
        let mut pending: Vec<String> =
            object.programs().map(|(_, function)| function.name.clone()).collect();
        pending.retain(|name| !self.deny.contains(topic, name));
        let mut recording = Recording {
            kernel: self.release.clone(),
            object: compile::hash(&bytes),
            programs: BTreeMap::new(),
        };
        let mut logs = BTreeMap::new();
        while !pending.is_empty() {
            let request = Request {
                root: self.corpus.root().to_owned(),
                family: topic.family.clone(),
                topic: topic.name.clone(),
                programs: pending.clone(),
            };
            let (answers, status) = child::ask(&request)?;
            pending.drain(..answers.len());
            for Answer { name, program, log } in answers {
                if !log.is_empty() {
                    logs.insert(name.clone(), log);
                }
                recording.programs.insert(name, program);
            }
            if let (Some(signal), Some(name)) = (status.signal(), pending.first().cloned()) {
                self.deny.add(
                    self.corpus,
                    topic,
                    &name,
                    &format!("signal {signal} in the child"),
                )?;
                recording.programs.insert(name, crashed());
                pending.remove(0);
            } else if !status.success() {
                bail!("{}: the child failed", topic.path());
            }
            let now = tainted()?;
            ensure!(
                now == self.tainted,
                "{}: the kernel complained (tainted: {} before, {now} now); see its log",
                topic.path(),
                self.tainted
            );
        }
        Ok((recording, logs))
    }
}

fn tainted() -> Result<String> {
    Ok(std::fs::read_to_string(TAINTED).context(TAINTED)?.trim().to_owned())
}

fn matcher(only: Option<&str>) -> Result<Option<GlobMatcher>> {
    only.map(|only| Ok(Glob::new(only)?.compile_matcher())).transpose()
}

fn fits(only: Option<&GlobMatcher>, topic: &Topic) -> bool {
    only.is_none_or(|only| only.is_match(topic.path()))
}

fn crashed() -> Program {
    Program {
        section: String::new(),
        program_type: String::new(),
        verdict: Verdict::Crashed,
        errno: 0,
        messages: Vec::new(),
        stats: None,
        usec: None,
        log: Vec::new(),
        runs: Vec::new(),
    }
}

/// Takes over the old time of each program that is otherwise unchanged.
fn keep_times(before: &Recording, after: &mut Recording) {
    for (name, program) in &mut after.programs {
        if let Some(old) = before.programs.get(name) {
            let usec = std::mem::replace(&mut program.usec, old.usec);
            if program != old {
                program.usec = usec;
            }
        }
    }
}

fn difference(old: &Program, new: Option<&Program>) -> String {
    let Some(new) = new else { return "was not asked about".to_owned() };
    let first = |program: &Program| program.messages.first().cloned().unwrap_or_default();
    if old.verdict != new.verdict || old.errno != new.errno {
        return format!(
            "{:?} {} {} became {:?} {} {}",
            old.verdict,
            old.errno,
            first(old),
            new.verdict,
            new.errno,
            first(new)
        );
    }
    if old.messages != new.messages {
        return format!("`{}` became `{}`", first(old), first(new));
    }
    if old.stats != new.stats {
        return format!("{:?} became {:?}", old.stats, new.stats);
    }
    let changed = old.runs.iter().zip(&new.runs).find(|(old, new)| old != new);
    match changed {
        Some((old, new)) => format!("{old:?} became {new:?}"),
        None => "log or number of runs".to_owned(),
    }
}
