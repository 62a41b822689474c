//! 100,000 random edits of 8 documents, with concurrent requests: `cargo bench -p tests --bench edits`, with
//! another number of edits behind `--` if wanted. Nothing may be lost, reordered or left unanswered.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tests::lsp::{Encoding, Stress, stress};

#[expect(clippy::print_stdout, reason = "a figure is for people")]
fn main() -> ExitCode {
    let edits = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let edits = edits.unwrap_or(100_000);
    let seed = fastrand::u64(..);
    let mut clean = true;
    for encoding in [Encoding::Utf8, Encoding::Utf16] {
        let plan = Stress {
            seed,
            edits: edits / 2,
            documents: 8,
            encoding,
            compare_every: 500,
            concurrent: 64,
            patience: Duration::from_secs(60),
        };
        let program = Path::new(env!("CARGO_BIN_EXE_server-under-test"));
        let report = match stress(program, &plan) {
            Ok(report) => report,
            Err(error) => {
                println!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let per_second = report.edits as f64 / report.elapsed.as_secs_f64();
        println!(
            "{}, seed {seed}: {} edits, {} requests ({} cancelled), {per_second:.0} edits/s",
            encoding.name(),
            report.edits,
            report.requests,
            report.cancelled
        );
        println!(
            "  wrong documents: {} of {}, unanswered: {}, crashed: {}, other faults: {} (bar: 0)",
            report.wrong.len(),
            report.comparisons,
            report.unanswered.len(),
            report.crashed,
            report.faults.len()
        );
        for fault in report.faults.iter().chain(&report.wrong).take(5) {
            println!("  {fault}");
        }
        clean &= report.is_clean() && report.edits == plan.edits;
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
