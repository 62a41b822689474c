//! The runtime against the kernel: every recorded run is run again, and result, packet, context, maps and variables
//! must be what the kernel said, except for the misses that are listed with their reasons. A listed miss that is none
//! any more fails too, so that the list shrinks.

#[path = "replay/compare.rs"]
mod compare;
#[path = "replay/input.rs"]
mod input;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use bpf_object::{Kernel, Linked, Object, link, vmlinux};
use compare::{Answer, compare};
use oracle::recording::{Outcome, Recording, Recordings};
use oracle::runs::{Packets, Run, runs};
use oracle::{Corpus, Mode, Topic};
use runtime::{Image, Machine, Options};
use serde::Deserialize;

/// Programs whose runs are known to differ.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Misses {
    /// Programs whose runs differ.
    #[serde(default)]
    miss: Vec<Miss>,
    /// What is not modelled, and why; runs that need it end there.
    #[serde(default)]
    absent: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Miss {
    /// `family/topic/program`.
    program: String,
    /// Why.
    reason: String,
}

/// How the runs of all programs compare.
#[derive(Default)]
struct Tally {
    equal: usize,
    /// By program: how many runs, and what is wrong with the first one.
    different: BTreeMap<String, (usize, String)>,
    not_modelled: BTreeMap<String, (usize, String)>,
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures, for whoever asks with --nocapture")]
fn runs_end_as_in_the_kernel() {
    let corpus = Corpus::of_repository();
    let packets = Packets::of(&corpus).expect("can be read");
    let recordings = Recordings::of(&corpus, "6.18", Mode::Root);
    let mut tally = Tally::default();
    for topic in corpus.recorded_topics().expect("can be listed") {
        let recording = recordings.load(&topic).expect("can be read").expect("is recorded");
        let runs = runs(&corpus, &topic).expect("can be read");
        if !runs.is_empty() {
            replay(&corpus, &topic, &recording, &runs, &packets, &mut tally);
        }
    }
    assert!(tally.equal > 0, "nothing was compared");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/misses.toml");
    let text = std::fs::read_to_string(path).expect("can be read");
    let misses: Misses = toml::from_str(&text).expect("is well-formed");
    let programs: BTreeMap<&str, &str> =
        misses.miss.iter().map(|miss| (miss.program.as_str(), miss.reason.as_str())).collect();
    assert!(programs.values().all(|reason| !reason.is_empty()));
    assert!(misses.absent.values().all(|reason| !reason.is_empty()));
    let found: BTreeSet<&str> = tally.different.keys().map(String::as_str).collect();
    let absent: BTreeSet<&str> =
        tally.not_modelled.values().map(|(_, what)| what.as_str()).collect();
    let known = programs.keys().copied().collect();
    let excused = misses.absent.keys().map(String::as_str).collect();
    let report = tally.report(&known, &excused);
    println!("{report}");
    let stale: Vec<_> = known.difference(&found).chain(excused.difference(&absent)).collect();
    assert!(stale.is_empty(), "{report}\nno longer missed: {stale:?}");
    assert!(found == known && absent == excused, "{report}");
}

impl Tally {
    fn report(&self, known: &BTreeSet<&str>, excused: &BTreeSet<&str>) -> String {
        let count = |of: &BTreeMap<String, (usize, String)>| -> usize {
            of.values().map(|(runs, _)| *runs).sum()
        };
        let (different, not_modelled) = (count(&self.different), count(&self.not_modelled));
        let mut text = format!(
            "{} runs equal, {different} different, {not_modelled} not modelled\n",
            self.equal
        );
        for (program, (runs, what)) in &self.different {
            let mark = if known.contains(program.as_str()) { "known" } else { "NEW" };
            let _ = writeln!(text, "{mark} different: {program} ({runs} runs): {what}");
        }
        for (program, (runs, what)) in &self.not_modelled {
            let mark = if excused.contains(what.as_str()) { "known" } else { "NEW" };
            let _ = writeln!(text, "{mark} not modelled: {program} ({runs} runs): {what}");
        }
        text
    }
}

fn replay(
    corpus: &Corpus,
    topic: &Topic,
    recording: &Recording,
    runs: &[Run],
    packets: &Packets,
    tally: &mut Tally,
) {
    let file = std::fs::read(corpus.object(topic)).expect("can be read");
    let object = Object::parse(&file).expect("is well-formed");
    let linked = link(&object, &Kernel::new(vmlinux().expect("there are types")));
    for (name, program) in &recording.programs {
        if program.runs.is_empty() {
            continue;
        }
        let key = format!("{}/{name}", topic.path());
        let own: Vec<&Run> = runs.iter().filter(|run| run.program == *name).collect();
        for answer in replay_program(&linked, name, &own, &program.runs, packets) {
            let place = match answer {
                Answer::Equal => {
                    tally.equal += 1;
                    continue;
                }
                Answer::Different(what) => (&mut tally.different, what),
                Answer::NotModelled(what) => (&mut tally.not_modelled, what),
            };
            place.0.entry(key.clone()).or_insert((0, place.1)).0 += 1;
        }
    }
}

/// Runs a program as the recording was made: each packet and layout on a fresh machine, repeated calls on the same.
fn replay_program(
    linked: &Linked<'_>,
    name: &str,
    runs: &[&Run],
    recorded: &[Outcome],
    packets: &Packets,
) -> Vec<Answer> {
    let index = linked.programs.iter().position(|program| program.name == *name);
    let Some(index) = index else { return vec![Answer::Different("is not linked".to_owned())] };
    let program = &linked.programs[index];
    let image = match Image::new(linked, index) {
        Ok(image) => image,
        Err(error) => return vec![Answer::Different(error.to_string())],
    };
    let mut machine = match Machine::new(&image, &Options::default()) {
        Ok(machine) => machine,
        Err(error) => return vec![Answer::Different(error.to_string())],
    };
    let mut answers = Vec::new();
    for outcome in recorded {
        let run = runs.get(outcome.run).expect("the run is stated");
        if outcome.call == 0 {
            machine.reset();
            if let Err(what) = input::put_elements(&mut machine, linked, run) {
                answers.push(Answer::NotModelled(what));
                continue;
            }
        }
        let made = input::input(program, run, outcome, packets);
        let result = machine.run(&made.input);
        answers.push(compare(linked, program, &machine, &made, &result, outcome));
    }
    answers
}
