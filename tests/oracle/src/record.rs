//! Recording and comparing: which programs are asked about, and what is kept of the answers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use anyhow::{Context, Result, bail, ensure};
use bpf_object::Object;
use globset::{Glob, GlobMatcher};
use oracle::recording::{Program, Recording, Recordings, Verdict};
use oracle::{Corpus, Deny, Mode, Topic, compile};

use crate::child::{self, Answer, Request};
use crate::sys;

/// Where the kernel says that something went wrong in it.
const TAINTED: &str = "/proc/sys/kernel/tainted";

/// Where the kernel says what it is.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// Lines that are kept of the log of a program that root may load: the end of it.
const MOST_LINES_BESIDE_ROOT: usize = 40;

/// The session with one kernel.
struct Session<'c> {
    corpus: &'c Corpus,
    mode: Mode,
    recordings: Recordings,
    /// What root was told.
    of_root: Recordings,
    /// `6.18.44`
    release: String,
    deny: Deny,
    tainted: String,
}

/// Asks about the topics whose path fits and keeps the answers.
pub(crate) fn record(corpus: &Corpus, mode: Mode, only: Option<&str>) -> Result<()> {
    let mut session = Session::begin(corpus, mode)?;
    let only = matcher(only)?;
    let mut out = io::stdout().lock();
    for topic in corpus.recorded_topics()?.iter().filter(|topic| fits(only.as_ref(), topic)) {
        let before = session.recordings.load(topic)?.unwrap_or_default();
        let (mut after, mut logs) = match session.ask(topic) {
            // Not every object from elsewhere can be read; a kernel that complained ends everything.
            Err(error) if !corpus.has_sources() && tainted()? == session.tainted => {
                writeln!(out, "not recorded: {}: {error:#}", topic.path())?;
                continue;
            }
            answer => answer?,
        };
        let old_logs = session.recordings.load_logs(topic)?;
        let of_root = session.of_root.load(topic)?.unwrap_or_default();
        for (name, program) in before.programs.iter().chain(&of_root.programs) {
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
        let topics = corpus.recorded_topics()?;
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
pub(crate) fn compare(corpus: &Corpus, mode: Mode, only: Option<&str>) -> Result<usize> {
    let mut session = Session::begin(corpus, mode)?;
    let only = matcher(only)?;
    let mut out = io::stdout().lock();
    let mut different = 0;
    for topic in corpus.recorded_topics()?.iter().filter(|topic| fits(only.as_ref(), topic)) {
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
    fn begin(corpus: &'c Corpus, mode: Mode) -> Result<Self> {
        ensure!(sys::is_root(), "loading programs into the kernel needs root");
        let release = std::fs::read_to_string(RELEASE).context(RELEASE)?;
        let release = release.trim().split('-').next().unwrap_or_default().to_owned();
        let mut numbers = release.split('.');
        let version = match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) => format!("{major}.{minor}"),
            _ => bail!("`{release}` is no release of Linux"),
        };
        let of_root = Recordings::of(corpus, &version, Mode::Root);
        let recordings = Recordings::of(corpus, &version, mode);
        let deny = Deny::of(corpus)?;
        Ok(Self { corpus, mode, recordings, of_root, release, deny, tainted: tainted()? })
    }

    /// The answers about the programs of a topic that may be loaded, and their logs of level 2.
    fn ask(&mut self, topic: &Topic) -> Result<(Recording, BTreeMap<String, String>)> {
        let path = self.corpus.object(topic);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let object = Object::parse(&bytes).with_context(|| path.display().to_string())?;
        let programs = object.programs().map(|(_, function)| function.name.clone());
        let pending = programs.filter(|name| !self.deny.contains(topic, name)).collect();
        let (root, from_elsewhere) = (self.corpus.root().to_owned(), !self.corpus.has_sources());
        let (family, name, mode) = (topic.family.clone(), topic.name.clone(), self.mode);
        let ask = |programs: &[String]| {
            let (root, family, topic) = (root.clone(), family.clone(), name.clone());
            let programs = programs.to_vec();
            child::ask(&Request { root, from_elsewhere, mode, family, topic, programs })
        };
        let (before, corpus, deny) = (self.tainted.clone(), self.corpus, &mut self.deny);
        let survived = |killed: Option<(&str, i32)>| {
            if let Some((program, signal)) = killed {
                deny.add(corpus, topic, program, &format!("signal {signal} in the child"))?;
            }
            let now = tainted()?;
            ensure!(
                now == before,
                "{}: the kernel complained (tainted: {before} before, {now} now); see its log",
                topic.path(),
            );
            Ok(())
        };
        let answers = ask_until_all_answered(pending, ask, survived)
            .with_context(|| format!("asking about {}", topic.path()))?;
        let mut recording = Recording {
            kernel: self.release.clone(),
            object: compile::hash(&bytes),
            programs: BTreeMap::new(),
        };
        let mut logs = BTreeMap::new();
        for Answer { name, program, log } in answers {
            if !log.is_empty() {
                logs.insert(name.clone(), log);
            }
            recording.programs.insert(name, program);
        }
        if self.mode != Mode::Root {
            let of_root = self.of_root.load(topic)?.unwrap_or_default();
            for (name, program) in &mut recording.programs {
                beside_root(program, of_root.programs.get(name));
            }
            if self.corpus.has_sources() {
                logs.clear();
            }
        }
        Ok((recording, logs))
    }
}

/// What is kept beside the answer that root was given: a silent refusal is for the lack of a capability if root was
/// answered, and the log is of interest only if the rejection is another one.
fn beside_root(program: &mut Program, of_root: Option<&Program>) {
    program.usec = None;
    let Some(of_root) = of_root else { return };
    if program.verdict == Verdict::NotCheckable && of_root.verdict != Verdict::NotCheckable {
        program.verdict = Verdict::Reject;
    }
    if program.messages.first() == of_root.messages.first() {
        program.log.clear();
    }
    let len = program.log.len();
    program.log.drain(..len.saturating_sub(MOST_LINES_BESIDE_ROOT));
}

/// Asks about all programs, with a new child for those behind one that killed a child. Such a program is never
/// asked about again. `survived` hears of each child that has ended, and of the program and signal that killed it.
fn ask_until_all_answered(
    mut pending: Vec<String>,
    mut ask: impl FnMut(&[String]) -> Result<(Vec<Answer>, ExitStatus)>,
    mut survived: impl FnMut(Option<(&str, i32)>) -> Result<()>,
) -> Result<Vec<Answer>> {
    let mut all = Vec::new();
    while !pending.is_empty() {
        let (answers, status) = ask(&pending)?;
        pending.drain(..answers.len());
        all.extend(answers);
        let by_person = |signal: &i32| matches!(*signal, libc::SIGINT | libc::SIGTERM);
        match (status.signal(), pending.is_empty()) {
            (Some(signal), _) if by_person(&signal) => bail!("the child was told to stop"),
            (Some(signal), false) => {
                let name = pending.remove(0);
                survived(Some((&name, signal)))?;
                all.push(Answer { name, program: crashed(), log: String::new() });
            }
            (None, false) => bail!("the child stopped before {}", pending[0]),
            (_, true) => survived(None)?,
        }
    }
    Ok(all)
}

/// What the kernel says about its own health.
pub(crate) fn tainted() -> Result<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(name: &str) -> Answer {
        let program = Program { verdict: Verdict::Accept, ..crashed() };
        Answer { name: name.to_owned(), program, log: String::new() }
    }

    /// A child that dies at program `b`.
    fn dies_at_b(programs: &[String], signal: i32) -> (Vec<Answer>, ExitStatus) {
        let before = programs.iter().take_while(|name| *name != "b");
        let answers: Vec<Answer> = before.map(|name| accepted(name)).collect();
        let died = answers.len() < programs.len();
        (answers, ExitStatus::from_raw(if died { signal } else { 0 }))
    }

    fn names() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_program_that_kills_the_child_is_not_asked_about_again() {
        let mut asked = Vec::new();
        let mut killed = Vec::new();
        let answers = ask_until_all_answered(
            names(),
            |programs| {
                asked.push(programs.to_vec());
                Ok(dies_at_b(programs, libc::SIGKILL))
            },
            |program| {
                killed.extend(program.map(|(name, signal)| (name.to_owned(), signal)));
                Ok(())
            },
        );
        let answers = answers.expect("go on");
        let verdicts: Vec<_> =
            answers.iter().map(|answer| (answer.name.as_str(), answer.program.verdict)).collect();
        let expected = [("a", Verdict::Accept), ("b", Verdict::Crashed), ("c", Verdict::Accept)];
        assert_eq!(verdicts, expected);
        assert_eq!(asked, [names(), vec!["c".to_owned()]]);
        assert_eq!(killed, [("b".to_owned(), libc::SIGKILL)]);
    }

    #[test]
    fn an_interrupted_child_and_one_that_gives_up_blame_no_program() {
        for status in [libc::SIGINT, 1 << 8] {
            let result = ask_until_all_answered(
                names(),
                |programs| Ok(dies_at_b(programs, status)),
                |killed| {
                    assert_eq!(killed, None);
                    Ok(())
                },
            );
            assert!(result.is_err());
        }
    }

    #[test]
    fn nothing_is_asked_after_the_kernel_complained() {
        let mut asked = 0;
        let result = ask_until_all_answered(
            names(),
            |programs| {
                asked += 1;
                Ok(dies_at_b(programs, libc::SIGKILL))
            },
            |_| bail!("tainted"),
        );
        assert!(result.is_err());
        assert_eq!(asked, 1);
    }
}
