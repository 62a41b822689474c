//! The corpus and its recordings fit together, and are as much as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oracle::expect::expectations;
use oracle::recording::{Recording, Recordings, Verdict};
use oracle::runs::{Packets, runs};
use oracle::{CATALOGUE, Corpus, Deny, Topic, compile};

/// The kernel whose recordings are looked at.
const VERSION: &str = "6.18";

fn recordings() -> BTreeMap<Topic, Recording> {
    let corpus = Corpus::of_repository();
    let recordings = Recordings::of(&corpus, VERSION);
    let topics = recordings.topics().expect("can be listed");
    let load = |topic: Topic| {
        let recording = recordings.load(&topic).expect("can be read").expect("is there");
        (topic, recording)
    };
    topics.into_iter().map(load).collect()
}

/// Fails with all complaints at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn objects_are_compiled_from_their_sources() {
    let corpus = Corpus::of_repository();
    let topics = corpus.topics().expect("can be listed");
    assert_eq!(topics, corpus.objects().expect("can be listed"), "run `cargo xtask corpus build`");
    let mut stale = Vec::new();
    for topic in &topics {
        if compile::up_to_date(&corpus, topic).expect("can be read").is_none() {
            stale.push(format!("{}: run `cargo xtask corpus build`", topic.path()));
        }
    }
    none(&stale);
}

#[test]
fn recordings_are_of_the_objects() {
    let corpus = Corpus::of_repository();
    let recordings = recordings();
    let recorded: Vec<&Topic> = recordings.keys().collect();
    let topics = corpus.topics().expect("can be listed");
    assert_eq!(recorded, topics.iter().collect::<Vec<_>>(), "run `cargo xtask oracle record`");
    let mut complaints = Vec::new();
    for (topic, recording) in &recordings {
        let path = topic.path();
        let object = std::fs::read(corpus.object(topic)).expect("can be read");
        if recording.object != compile::hash(&object) {
            complaints.push(format!("{path}: recorded from another object"));
        }
        let expected = expectations(&corpus, topic).expect("can be read");
        let programs: BTreeSet<&String> = expected.keys().collect();
        let recorded: BTreeSet<&String> = recording.programs.keys().collect();
        for name in programs.symmetric_difference(&recorded) {
            complaints.push(format!("{path}:{name}: not in both the object and the recording"));
        }
        let logs = Recordings::of(&corpus, VERSION).load_logs(topic).expect("can be read");
        for name in logs.keys().filter(|name| !recorded.contains(name)) {
            complaints.push(format!("{path}:{name}: a log without a recording"));
        }
    }
    none(&complaints);
}

#[test]
fn the_kernel_says_what_authors_expect() {
    let corpus = Corpus::of_repository();
    let mut complaints = Vec::new();
    for (topic, recording) in recordings() {
        for (name, expected) in expectations(&corpus, &topic).expect("can be read") {
            let name_of_program = format!("{}:{name}", topic.path());
            let [expected] = expected.as_slice() else {
                complaints.push(format!("{name_of_program}: {} expectations", expected.len()));
                continue;
            };
            let difference =
                recording.programs.get(&name).and_then(|found| expected.differs_from(found));
            complaints.extend(difference.map(|text| format!("{name_of_program}: {text}")));
        }
    }
    none(&complaints);
}

#[test]
fn rejections_have_messages_and_acceptances_have_figures() {
    let mut complaints = Vec::new();
    for (topic, recording) in recordings() {
        for (name, program) in &recording.programs {
            let is_sound = match program.verdict {
                Verdict::Accept => program.errno == 0 && program.stats.is_some(),
                Verdict::Reject => program.errno < 0 && !program.messages.is_empty(),
                Verdict::NotCheckable => program.stats.is_none(),
                Verdict::Crashed => {
                    Deny::of(&Corpus::of_repository()).is_ok_and(|deny| deny.contains(&topic, name))
                }
            };
            if !is_sound {
                complaints.push(format!("{}:{name}: {program:?}", topic.path()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn stated_runs_have_outcomes() {
    let corpus = Corpus::of_repository();
    let packets = Packets::of(&corpus).expect("can be read");
    let mut complaints = Vec::new();
    let mut programs_run = 0;
    for (topic, recording) in recordings() {
        let runs = runs(&corpus, &topic).expect("can be read");
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &runs {
            let lengths =
                |name: &String| run.lengths(packets.get(name).map_or(0, <[u8]>::len)).len();
            let layouts: usize = match run.packets.as_slice() {
                [] => run.lengths(0).len(),
                names => names.iter().map(lengths).sum(),
            };
            *expected.entry(&run.program).or_default() += layouts * run.times;
        }
        for (name, program) in &recording.programs {
            let expected = expected.remove(name.as_str()).unwrap_or(0);
            if program.runs.len() != expected {
                let found = program.runs.len();
                complaints.push(format!("{}:{name}: {found} of {expected} runs", topic.path()));
            }
            programs_run += usize::from(found_something(&program.runs));
        }
        complaints.extend(expected.keys().map(|name| format!("{}: no {name}", topic.path())));
    }
    none(&complaints);
    assert!(programs_run >= 20, "only {programs_run} programs are run");
}

fn found_something(outcomes: &[oracle::recording::Outcome]) -> bool {
    outcomes.iter().any(|outcome| outcome.errno == 0)
}

#[test]
fn the_corpus_is_large_enough() {
    let recordings = recordings();
    let verdicts: Vec<Verdict> = recordings
        .iter()
        .filter(|(topic, _)| topic.family != CATALOGUE)
        .flat_map(|(_, recording)| recording.programs.values().map(|program| program.verdict))
        .collect();
    let rejected = verdicts.iter().filter(|verdict| **verdict == Verdict::Reject).count();
    assert!(verdicts.len() >= 400, "{} programs", verdicts.len());
    assert!(rejected * 2 >= verdicts.len(), "{rejected} of {} are rejected", verdicts.len());
}

#[test]
fn recordings_stay_small() {
    fn size(path: &Path) -> u64 {
        let entries = std::fs::read_dir(path).expect("can be listed");
        let sizes = entries.map(|entry| {
            let entry = entry.expect("can be read");
            let meta = entry.metadata().expect("can be read");
            if meta.is_dir() { size(&entry.path()) } else { meta.len() }
        });
        sizes.sum()
    }
    let bytes = size(&Corpus::of_repository().root().join("recordings"));
    assert!(bytes < 15 << 20, "{bytes} bytes");
}
