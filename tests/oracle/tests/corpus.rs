//! The corpus and its recordings fit together, and are as much as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oracle::expect::expectations;
use oracle::recording::{Recording, Recordings, Verdict};
use oracle::runs::{Packets, runs};
use oracle::{CATALOGUE, Corpus, Deny, Mode, Topic, compile};

/// The kernel whose recordings are looked at.
const VERSION: &str = "6.18";

fn recordings(mode: Mode) -> BTreeMap<Topic, Recording> {
    let corpus = Corpus::of_repository();
    let recordings = Recordings::of(&corpus, VERSION, mode);
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
    for mode in Mode::ALL {
        check_recordings(mode);
    }
}

fn check_recordings(mode: Mode) {
    let corpus = Corpus::of_repository();
    let recordings = recordings(mode);
    let recorded: Vec<&Topic> = recordings.keys().collect();
    let topics = corpus.recorded_topics().expect("can be listed");
    assert_eq!(
        recorded,
        topics.iter().collect::<Vec<_>>(),
        "run `cargo xtask oracle record --mode {mode}`"
    );
    let mut complaints = Vec::new();
    for (topic, recording) in &recordings {
        let path = topic.path();
        let object = std::fs::read(corpus.object(topic)).expect("can be read");
        if recording.object != compile::hash(&object) {
            complaints.push(format!("{path}: recorded from another object"));
        }
        let expected = expectations(&corpus, topic, mode).expect("can be read");
        let programs: BTreeSet<&String> = expected.keys().collect();
        let recorded: BTreeSet<&String> = recording.programs.keys().collect();
        for name in programs.symmetric_difference(&recorded) {
            complaints.push(format!("{path}:{name}: not in both the object and the recording"));
        }
        let logs = Recordings::of(&corpus, VERSION, mode).load_logs(topic).expect("can be read");
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
    for mode in Mode::ALL {
        for (topic, recording) in recordings(mode) {
            for (name, expected) in expectations(&corpus, &topic, mode).expect("can be read") {
                let path = format!("{}:{name}", topic.path());
                match (expected.as_slice(), mode) {
                    ([expected], _) => {
                        let found = recording.programs.get(&name);
                        let difference = found.and_then(|found| expected.differs_from(found));
                        complaints.extend(difference.map(|text| format!("{path}: {mode}: {text}")));
                    }
                    ([], Mode::Bpf) => {}
                    (all, _) => complaints.push(format!("{path}: {} expectations", all.len())),
                }
            }
        }
    }
    none(&complaints);
}

#[test]
fn rejections_have_errors_and_acceptances_have_figures() {
    let mut complaints = Vec::new();
    for (topic, recording) in recordings(Mode::Root) {
        for (name, program) in &recording.programs {
            let is_sound = match program.verdict {
                Verdict::Accept => program.errno == 0 && program.stats.is_some(),
                // Whether it was to be without a word is compared with what the author expects.
                Verdict::Reject => program.errno < 0,
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
    for (topic, recording) in recordings(Mode::Root) {
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
    let recordings = recordings(Mode::Root);
    let verdicts: Vec<Verdict> = recordings
        .iter()
        .filter(|(topic, _)| topic.family != CATALOGUE)
        .flat_map(|(_, recording)| recording.programs.values().map(|program| program.verdict))
        .collect();
    let rejected = verdicts.iter().filter(|verdict| **verdict == Verdict::Reject).count();
    assert!(verdicts.len() >= 3400, "{} programs", verdicts.len());
    assert!(rejected * 5 >= verdicts.len() * 2, "{rejected} of {} are rejected", verdicts.len());
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

/// The file with the rules about dynptrs.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

/// A rule and the programs that show it, `family/topic:function`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    text: String,
    accepted: Vec<String>,
    rejected: Vec<String>,
}

/// How many rules there are at least, by letter.
const RULES: [(&str, usize); 12] = [
    ("A", 14),
    ("C", 11),
    ("S", 11),
    ("B", 10),
    ("U", 6),
    ("R", 9),
    ("I", 9),
    ("L", 8),
    ("F", 6),
    ("X", 4),
    ("P", 3),
    ("G", 11),
];

#[test]
fn each_rule_about_dynptrs_has_a_program_on_either_side() {
    let path = Corpus::of_repository().root().join("dynptr-rules.toml");
    let text = std::fs::read_to_string(path).expect("can be read");
    let rules: Rules = toml::from_str(&text).expect("is a list of rules");
    let recordings = recordings(Mode::Root);
    let verdict = |name: &String| {
        let (path, program) = name.split_once(':')?;
        let (family, topic) = path.split_once('/')?;
        let topic = Topic { family: family.to_owned(), name: topic.to_owned() };
        Some(recordings.get(&topic)?.programs.get(program)?.verdict)
    };
    let mut complaints = Vec::new();
    let mut ids = BTreeSet::new();
    for rule in &rules.rule {
        let id = &rule.id;
        assert!(ids.insert(id.clone()), "{id} is there twice");
        assert!(!rule.text.is_empty(), "{id} says nothing");
        for (programs, expected) in
            [(&rule.accepted, Verdict::Accept), (&rule.rejected, Verdict::Reject)]
        {
            if programs.is_empty() {
                complaints.push(format!("{id}: no program for {expected:?}"));
            }
            let wrong = programs.iter().filter(|name| verdict(name) != Some(expected));
            complaints.extend(wrong.map(|name| format!("{id}: {name} is not {expected:?}")));
        }
    }
    for (letter, count) in RULES {
        for number in 1..=count {
            if !ids.contains(&format!("{letter}{number}")) {
                complaints.push(format!("there is no rule {letter}{number}"));
            }
        }
    }
    none(&complaints);
}

/// The header of the corpus declares each helper as the kernel model numbers it.
#[test]
fn helpers_have_their_numbers() {
    let path = Corpus::of_repository().root().join("include/helpers.h");
    let text = std::fs::read_to_string(path).expect("can be read");
    let mut declared = BTreeMap::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("(*const ") else { continue };
        let name = rest.split(')').next().expect("has a name");
        let number = line.split_once("= (void *)").expect("has a number").1.trim_end_matches(';');
        declared.insert(name.to_owned(), number.parse::<u32>().expect("is a number"));
    }
    let known = kernel_model::functions().filter_map(|function| match function.kind {
        kernel_model::FunctionKind::Helper { id } => Some((function.name.to_owned(), id)),
        _ => None,
    });
    let known: BTreeMap<String, u32> = known.collect();
    assert!(known.len() > 200);
    assert_eq!(declared, known);
}

#[test]
fn no_program_endangers_a_kernel() {
    let corpus = Corpus::of_repository();
    let vmlinux = kernel_model::vmlinux_btf();
    let vmlinux = btf::Btf::parse(vmlinux).expect("is type information");
    let kernel = bpf_object::Kernel::new(&vmlinux);
    let mut complaints = Vec::new();
    let mut programs = 0;
    for topic in corpus.objects().expect("can be listed") {
        let bytes = std::fs::read(corpus.object(&topic)).expect("can be read");
        let object = bpf_object::Object::parse(&bytes).expect("is an object");
        let linked = bpf_object::link(&object, &kernel);
        programs += linked.programs.len();
        for program in &linked.programs {
            let danger = oracle::safety::danger(program);
            let name = &program.name;
            complaints.extend(danger.map(|danger| format!("{}:{name} {danger}", topic.path())));
        }
        let failures = linked.failures.iter();
        complaints.extend(failures.map(|failure| format!("{}: {}", topic.path(), failure.error)));
    }
    none(&complaints);
    assert!(programs > 1000, "{programs} programs");
}
