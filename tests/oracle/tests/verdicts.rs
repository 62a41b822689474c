//! The verifier against the kernel: every recorded program is verified, and verdict, first message, errno and the number of
//! processed instructions must be the kernel's, except for the misses that are listed with their reasons
//! (`tests/corpus/misses.toml`). A listed miss that is none any more fails too, so that the list shrinks.

use oracle::replay::{Asked, Kind, replay};
use oracle::{Corpus, misses};

#[test]
fn verdicts_are_the_kernels() {
    let corpus = Corpus::of_repository();
    let all = replay(&corpus, Asked::default(), |_| true).expect("the corpus can be read");
    let accepted = all.iter().filter(|one| one.kind == Kind::FalseAccept);
    let accepted: Vec<String> = accepted.map(oracle::replay::Comparison::path).collect();
    assert!(accepted.is_empty(), "accepted, but the kernel rejects: {accepted:?}");
    let known = misses::read(&corpus).expect("the list of misses can be read");
    let differences = misses::differences(&known, &all);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let equal = all.iter().filter(|one| one.kind == Kind::Equal).count();
    assert!(equal > 1_000 && equal * 100 >= all.len() * 95, "{equal} of {} are equal", all.len());
    let mut ratios: Vec<f64> = all.iter().filter_map(|one| one.insns_ratio()).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    assert!((0.95..=1.05).contains(&median), "processed instructions: {median} of the kernel's");
}
