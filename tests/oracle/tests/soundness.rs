//! Runs of the accepted programs of the corpus beside what the verifier followed: `oracle::sound` says how.
//!
//! `SOUND_RUNS=1000 cargo test -p oracle --test soundness` does more than the suite has time for.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oracle::Corpus;
use oracle::sound::corpus::{Checked, Effort, topic};
use oracle::sound::{Counts, Distortion};

/// Programs that Linux accepts, and so does the verifier, although something of what is known of them is wrong.
const WRONG: [(&str, &str); 13] = [
    ("catalogue/misuse:m15", "a slice is a buffer of a function that has returned"),
    (
        "catalogue/misuse:m41",
        "a global function moves the packet with bpf_dynptr_memset, and slices are believed to live",
    ),
    (
        "catalogue/misuse:m42",
        "a global function moves the packet with bpf_dynptr_write, and slices are believed to live",
    ),
    ("catalogue/misuse:m49", "a slice of a record outlives the record's submission"),
    (
        "dynptr/context:short_length_after_long_without_buffer",
        "a slice without a buffer is as long as one that was checked on another path",
    ),
    (
        "dynptr/gaps:buffer_believed_to_keep_its_zero",
        "the buffer of a slice is written to, but what was known of it is kept",
    ),
    (
        "dynptr/gaps:slice_in_a_buffer_of_a_frame_that_is_gone",
        "a slice is a buffer of a function that has returned",
    ),
    (
        "dynptr/invalidation:slice_of_record_outlives_submit",
        "a slice of a record outlives the record's submission",
    ),
    (
        "dynptr/invalidation:write_in_global_callee_keeps_packet_pointer",
        "a global function moves the packet with bpf_dynptr_write, and pointers are believed to live",
    ),
    (
        "dynptr/invalidation:write_in_global_callee_keeps_skb_slice",
        "a global function moves the packet with bpf_dynptr_write, and slices are believed to live",
    ),
    (
        "functions/tags:pointer_to_pointer_nonnull",
        "the constant NULL is passed for an argument that is believed not to be NULL",
    ),
    (
        "functions/tags:tag_twice",
        "the constant NULL is passed for an argument that is believed not to be NULL",
    ),
    (
        "locks/resilient:same_value_looked_up_twice",
        "the error of a lock is an int, and believed to be negative as a number of 64 bits",
    ),
];

/// Programs that read what is not mapped, for which the kernel reads zero and a run ends.
const UNMAPPED: [&str; 1] = ["functions/tags:untrusted_memory_has_no_end"];

/// Every `step`th object, on all processors.
fn check(effort: Effort, step: usize) -> Vec<Checked> {
    let corpus = Corpus::of_repository();
    let topics = corpus.topics().expect("can be listed");
    let topics: Vec<_> = topics.into_iter().step_by(step).collect();
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(one) = topics.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked = topic(&corpus, one, effort, &|_| true).expect("can be read");
                    all.lock().expect("nothing panics").extend(checked);
                }
            });
        }
    });
    let mut all = all.into_inner().expect("nothing panics");
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

const QUICK: Effort = Effort { runs: 8, budget: 3_000, visits: 50_000, seed: 7, distortion: None };

#[test]
#[expect(clippy::print_stdout, reason = "the figures, for whoever asks with --nocapture")]
fn runs_stay_within_what_the_verifier_says() {
    let runs = std::env::var("SOUND_RUNS").ok().and_then(|runs| runs.parse().ok());
    let effort = match runs {
        Some(runs) => Effort { runs, budget: 200_000, visits: 1 << 20, ..QUICK },
        None => QUICK,
    };
    let all = check(effort, 1);
    let compared: Vec<&Checked> = all.iter().filter(|one| one.left_out.is_none()).collect();
    let counts = compared.iter().fold(Counts::default(), |sum, one| sum.plus(one.counts));
    println!("{} programs, {} of them compared: {counts:?}", all.len(), compared.len());
    let is_known = |path: &str| WRONG.iter().any(|(known, _)| *known == path);
    let goes_on = compared.iter().filter(|one| !UNMAPPED.contains(&one.path.as_str()));
    let wrong = goes_on.filter_map(|one| Some((one.path.as_str(), one.wrong.as_ref()?)));
    let (known, new): (Vec<_>, Vec<_>) = wrong.partition(|(path, _)| is_known(path));
    let new: Vec<String> = new.iter().map(|(path, what)| format!("{path}: {what}")).collect();
    assert!(new.is_empty(), "{}", new.join("\n"));
    let found: BTreeSet<&str> = known.into_iter().map(|(path, _)| path).collect();
    let listed: BTreeSet<&str> = WRONG.iter().map(|(path, _)| *path).collect();
    let missed: Vec<&&str> = listed.difference(&found).collect();
    assert!(missed.is_empty(), "nothing is wrong of {missed:?}");
    assert!(
        compared.len() > 2000 && compared.len() + 10 > all.len(),
        "{} of {}",
        compared.len(),
        all.len()
    );
    let checked = counts.numbers + counts.pointers + counts.slots;
    assert!(checked > 500_000 && counts.loose * 100 < checked, "{counts:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures, for whoever asks with --nocapture")]
fn mistakes_are_found() {
    let effort = Effort { runs: 3, budget: 500, visits: 1_000, ..QUICK };
    for distortion in Distortion::ALL {
        let all = check(Effort { distortion: Some(distortion), ..effort }, 5);
        let found = all.iter().filter(|one| one.wrong.is_some()).count();
        println!("{distortion:?}: found in {found} of {} programs", all.len());
        // A run without such a number or pointer, or without a value at the end of what is possible, shows nothing.
        let least = match distortion {
            Distortion::Frame | Distortion::Range => 1,
            Distortion::UpperBound => 10,
            Distortion::Branch => 20,
            _ => 50,
        };
        assert!(found >= least, "{distortion:?}: {found}");
    }
}
