//! What is noted of the programs of the corpus that the kernel accepts: exactly what `tests/corpus/notes.toml` lists, where
//! each note was judged. Idioms deserve none.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use bpf_object::{Kernel, Object, link};
use oracle::recording::Verdict;
use oracle::replay::{Asked, Comparison, KERNEL, replay};
use oracle::{Corpus, NOTES};
use serde::Deserialize;
use verifier::{Options, Program};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    note: Vec<Expected>,
    missed: Vec<Missed>,
}

/// A note that is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// `family/topic:program`.
    program: String,
    /// The codes.
    codes: Vec<String>,
    /// What is wrong with the program.
    why: String,
}

/// A misuse that the kernel accepts and that has no note.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Missed {
    program: String,
    why: String,
}

fn listed(corpus: &Corpus) -> Listed {
    let text = fs::read_to_string(corpus.root().join("notes.toml")).expect("the list can be read");
    toml::from_str(&text).expect("the list is well formed")
}

/// All programs, verified once for all tests.
static ALL: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let asked = Asked { notes: true, ..Asked::default() };
    replay(&Corpus::of_repository(), asked, |_| true).expect("the corpus can be read")
});

#[test]
fn notes_are_those_that_were_judged() {
    let corpus = Corpus::of_repository();
    let (listed, all) = (listed(&corpus), &*ALL);
    let expected: BTreeSet<(String, String)> = listed
        .note
        .iter()
        .flat_map(|note| note.codes.iter().map(|code| (note.program.clone(), code.clone())))
        .collect();
    let found: BTreeSet<(String, String)> = all
        .iter()
        .flat_map(|one| one.notes.iter().map(|note| (one.path(), note.code.to_owned())))
        .collect();
    let new: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "not listed: {new:#?}\nnot given: {gone:#?}");
    assert!(listed.note.iter().all(|note| note.why.len() > 10), "every note is judged");
}

#[test]
fn idioms_have_no_notes_and_misuse_has() {
    let corpus = Corpus::of_repository();
    let all = &*ALL;
    let of = |topic: &str| {
        let topic = topic.to_owned();
        all.iter().filter(move |one| one.topic.path() == topic)
    };
    assert_eq!(of("catalogue/idioms").count(), 27);
    for idiom in of("catalogue/idioms") {
        assert!(idiom.notes.is_empty(), "{}: {:?}", idiom.name, idiom.notes);
    }
    let missed: BTreeSet<String> = listed(&corpus)
        .missed
        .into_iter()
        .map(|one| {
            assert!(one.why.len() > 10, "{}: why", one.program);
            one.program
        })
        .collect();
    for misuse in of("catalogue/misuse").filter(|one| one.recorded.verdict == Verdict::Accept) {
        let is_listed = missed.contains(&misuse.path());
        assert_eq!(misuse.notes.is_empty(), is_listed, "{}: {:?}", misuse.name, misuse.notes);
    }
}

/// How attributes begin that say which notes a program has.
const MARK: &str = "notes:";

#[test]
fn programs_say_which_notes_they_have() {
    let corpus = Corpus::of_repository();
    let kernel = bpf_object::vmlinux().expect("the types of the kernel");
    let mut complaints = Vec::new();
    let mut counts = [0, 0];
    let topics = corpus.topics().expect("can be listed");
    for topic in topics.iter().filter(|topic| topic.family == NOTES) {
        let bytes = fs::read(corpus.object(topic)).expect("is compiled");
        let object = Object::parse(&bytes).expect("is an object");
        let linked = link(&object, &Kernel::new(kernel));
        let btf = object.btf.as_ref().expect("has types");
        for program in &linked.programs {
            let tags = btf.types().filter(|ty| ty.kind() == btf::Kind::DeclTag);
            let tag = tags
                .filter_map(|tag| Some((tag.name().strip_prefix(MARK)?, btf.get(tag.target()?)?)));
            let of_program = |(codes, function): (_, btf::Type<'_>)| {
                (function.name() == program.name).then_some(codes)
            };
            let expected: Vec<&str> =
                tag.filter_map(of_program).flat_map(str::split_whitespace).collect();
            let options = Options {
                kernel: KERNEL,
                lists_variables: false,
                capabilities: verifier::Capabilities::ALL,
                log_level: 0,
                explain: true,
                file: String::new(),
            };
            let report = verifier::verify(&Program::new(&linked, program, kernel, options));
            let found: Vec<&str> = report.notes.iter().map(|note| note.kind.code).collect();
            counts[usize::from(!found.is_empty())] += 1;
            let path = format!("{}:{}", topic.path(), program.name);
            if report.verdict != verifier::Verdict::Accept {
                complaints.push(format!("{path}: {:?}", report.verdict));
            } else if found != expected {
                complaints
                    .push(format!("{path}: expected {expected:?}, found {:#?}", report.notes));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(counts[0] > 15 && counts[1] > 8, "{counts:?}");
}

#[test]
fn every_gap_of_the_kernel_is_shown() {
    let corpus = Corpus::of_repository();
    let text = fs::read_to_string(corpus.root().join("dynptr-rules.toml")).expect("can be read");
    let rules: toml::Table = toml::from_str(&text).expect("is well formed");
    let all = &*ALL;
    let mut gaps = 0;
    for rule in rules["rule"].as_array().expect("is a list") {
        let id = rule["id"].as_str().expect("has an id");
        // A const dynptr as target of a clone is refused, if not with good words.
        if !id.starts_with('G') || id == "G10" {
            continue;
        }
        gaps += 1;
        for program in rule["accepted"].as_array().expect("is a list") {
            let program = program.as_str().expect("is a name");
            let one = all.iter().find(|one| one.path() == program).expect("is in the corpus");
            assert!(!one.notes.is_empty(), "{id}: {program} has no note");
        }
    }
    assert_eq!(gaps, 10);
}
