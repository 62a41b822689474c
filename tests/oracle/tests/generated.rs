//! Generated programs: what the verifier accepts does not fault, and stays within what the verifier says.
//!
//! `GENERATED=100000 cargo test -p oracle --test generated` tries more than the suite has time for.

use oracle::sound::generate::Base;
use oracle::sound::generated::{Tried, try_one};
use oracle::sound::{Counts, Distortion};
use verifier::Verdict;

/// Programs of random bytes.
fn try_many(count: usize, runs: usize, distortion: Option<Distortion>) -> Vec<Tried> {
    let base = Base::open().expect("is an object");
    let mut linked = base.link().expect("there is a kernel");
    let mut random = fastrand::Rng::with_seed(11);
    let mut one = || {
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(400).collect();
        try_one(&mut linked, &bytes, runs, distortion)
    };
    (0..count).map(|_| one()).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures, for whoever asks with --nocapture")]
fn accepted_programs_stay_within_what_the_verifier_says() {
    let count = std::env::var("GENERATED").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(250);
    let all = try_many(count, 4, None);
    let wrong = all.iter().filter_map(|one| Some((one.wrong.as_ref()?, &one.generated.text)));
    let wrong: Vec<String> = wrong.map(|(what, text)| format!("{what}\n{text}")).collect();
    let accepted = all.iter().filter(|one| one.verdict == Some(Verdict::Accept)).count();
    let rejected = all.iter().filter(|one| matches!(one.verdict, Some(Verdict::Reject(_)))).count();
    let counts = all.iter().fold(Counts::default(), |sum, one| sum.plus(one.counts));
    println!("{accepted} of {count} accepted, {rejected} rejected: {counts:?}");
    assert!(wrong.is_empty(), "{} of {count} are wrong: {}", wrong.len(), wrong.join("\n"));
    // All can be assembled, and all is modelled.
    assert_eq!(accepted + rejected, count);
    // Enough is accepted to be run, and enough is not so that the verifier is asked where that ends.
    assert!(accepted * 10 > count * 6 && rejected * 20 > count, "{accepted} of {count}");
    assert!(counts.loose * 10 < counts.numbers, "{counts:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures, for whoever asks with --nocapture")]
fn mistakes_are_found() {
    for distortion in Distortion::ALL {
        let all = try_many(40, 3, Some(distortion));
        let accepted = all.iter().filter(|one| one.verdict == Some(Verdict::Accept)).count();
        let found = all.iter().filter(|one| one.wrong.is_some()).count();
        println!("{distortion:?}: found in {found} of {accepted} programs");
        let least = match distortion {
            Distortion::Frame | Distortion::Range => 1,
            _ => 10,
        };
        assert!(found >= least, "{distortion:?}: {found} of {accepted}");
    }
}
