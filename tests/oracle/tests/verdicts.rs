//! The verifier against the kernel, as root and without `CAP_PERFMON`: every recorded program is verified, and verdict,
//! first message, errno and the number of processed instructions must be the kernel's, except for the misses that are
//! listed with their reasons (`tests/corpus/misses.toml`). A listed miss that is none any more fails too, so that the
//! list shrinks.

use oracle::replay::{Asked, Comparison, Kind, replay};
use oracle::{Corpus, Mode, misses};

/// Compares in a mode; returns what was compared.
fn compared(mode: Mode) -> Vec<Comparison> {
    let corpus = Corpus::of_repository();
    let asked = Asked { mode, ..Asked::default() };
    let all = replay(&corpus, asked, |_| true).expect("the corpus can be read");
    let accepted = all.iter().filter(|one| one.kind == Kind::FalseAccept);
    let accepted: Vec<String> = accepted.map(Comparison::path).collect();
    assert!(accepted.is_empty(), "accepted, but the kernel rejects: {accepted:?}");
    let known = misses::read(&corpus).expect("the list of misses can be read");
    let differences = misses::differences(&known, mode, &all);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let equal = all.iter().filter(|one| one.kind == Kind::Equal).count();
    assert!(equal > 1_000 && equal * 100 >= all.len() * 95, "{equal} of {} are equal", all.len());
    all
}

/// Instructions are processed as often as the kernel does it.
fn assert_counts(all: &[Comparison]) {
    let differs = |one: &&Comparison| {
        one.kind == Kind::Equal && one.insns_ratio().is_some_and(|ratio| ratio != 1.0)
    };
    let different: Vec<String> = all.iter().filter(differs).map(Comparison::path).collect();
    assert!(different.is_empty(), "other counts of processed instructions: {different:?}");
}

#[test]
fn verdicts_are_the_kernels() {
    assert_counts(&compared(Mode::Root));
}

#[test]
fn verdicts_without_perfmon_are_the_kernels() {
    let all = compared(Mode::Bpf);
    assert_counts(&all);
    let with = compared_with(&all, "prohibited for !root");
    assert!(with >= 50, "{with} programs show what is masked against speculation");
}

/// How many programs are refused with this in the first message.
fn compared_with(all: &[Comparison], text: &str) -> usize {
    let says =
        |one: &&Comparison| one.recorded.messages.iter().any(|message| message.contains(text));
    all.iter().filter(says).count()
}
