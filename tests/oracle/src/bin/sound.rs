//! Lays runs of the programs of the corpus beside what the verifier followed: `sound [RUNS] [FILTER]`.

use std::process::ExitCode;

use oracle::Corpus;
use oracle::sound::Counts;
use oracle::sound::corpus::{Effort, topic};

#[expect(clippy::print_stdout, reason = "what it is for")]
fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let runs = arguments.next().map_or(Ok(100), |runs| runs.parse())?;
    let filter = arguments.next().unwrap_or_default();
    let effort = Effort { runs, budget: 200_000, visits: 1 << 20, seed: 7, distortion: None };
    let corpus = Corpus::of_repository();
    let (mut counts, mut programs, mut wrong) = (Counts::default(), 0, 0);
    for one in corpus.topics()? {
        for checked in topic(&corpus, &one, effort, &|path| path.contains(&filter))? {
            if let Some(why) = checked.left_out {
                println!("{}: left out: {why}", checked.path);
                continue;
            }
            programs += 1;
            counts = counts.plus(checked.counts);
            if let Some(what) = checked.wrong {
                wrong += 1;
                println!("{}: {what}", checked.path);
            }
        }
    }
    println!("{programs} programs, {wrong} wrong, {counts:?}");
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
