//! Throughput, start-up and memory of the command.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Figure;
use crate::clock::{peak_memory, process_time};
use crate::workload::{Source, write_tree};

/// Set for the copies of this program that are the command; names the file for what they measured.
const REPORT: &str = "BPF_ANALYZER_FIGURES_REPORT";

/// What a run of the command took.
#[derive(Debug)]
struct Run {
    /// Processor time of all threads.
    processor: Duration,
    wall: Duration,
    memory: u64,
}

/// If this process is to be the command: runs it and reports its own cost.
pub(crate) fn run_as_command() -> Option<ExitCode> {
    let report = env::var_os(REPORT)?;
    let code = bpf_analyzer::cli::main();
    let nanoseconds = process_time().as_nanos();
    let memory = peak_memory().unwrap_or(0);
    match fs::write(report, format!("{nanoseconds} {memory}")) {
        Ok(()) => Some(code),
        Err(_) => Some(ExitCode::from(2)),
    }
}

/// Measures the command over trees made of `files`.
pub(crate) fn figures(files: &[Source]) -> Result<Vec<Figure>> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    fs::write(path("empty.bpf.c"), "")?;
    let start_up = (0..20).map(|_| run(&path("empty.bpf.c"))).collect::<Result<Vec<_>>>()?;
    let start_up = start_up.iter().map(|run| run.processor).min().unwrap_or_default();
    let mut figures = vec![Figure {
        what: "start-up of `check` on an empty file, processor",
        value: format!("{:.2} ms", start_up.as_secs_f64() * 1e3),
        bar: "<= 5 ms",
        met: start_up <= Duration::from_millis(5),
    }];
    let (thousand, four) = (path("1000"), path("4000"));
    let lines = write_tree(&thousand, files, 1_000)?;
    write_tree(&four, files, 4_000)?;
    let mut runs = [run(&thousand)?, run(&thousand)?, run(&thousand)?];
    runs.sort_by_key(|run| run.wall);
    let throughput = lines as f64 / runs[0].wall.as_secs_f64();
    let busy = runs.iter().map(|run| run.processor).min().unwrap_or_default();
    let possible = 2.0 * lines as f64 / busy.as_secs_f64();
    figures.push(Figure {
        what: "the same if both processors were free",
        value: format!("{possible:.0} lines/s"),
        bar: ">= 150000 lines/s",
        met: possible >= 150_000.0,
    });
    figures.push(Figure {
        what: "throughput of `check` on two threads, wall clock",
        value: format!("{throughput:.0} lines/s"),
        bar: ">= 150000 lines/s",
        met: throughput >= 150_000.0,
    });
    let largest = runs.iter().map(|run| run.memory).max().unwrap_or_default();
    for (what, memory) in
        [("peak memory, 1,000 files", largest), ("peak memory, 4,000 files", run(&four)?.memory)]
    {
        let value = format!("{:.1} MB", memory as f64 / 1e6);
        figures.push(Figure { what, value, bar: "<= 60 MB", met: memory <= 60_000_000 });
    }
    Ok(figures)
}

/// Lints `path` as the command does, on two threads, with the findings thrown away.
fn run(path: &Path) -> Result<Run> {
    let report = tempfile::NamedTempFile::new()?;
    let start = Instant::now();
    let status = Command::new(env::current_exe()?)
        .args(["check", "--exit-zero", "--format", "json", "--jobs", "2"])
        .arg(path)
        .env(REPORT, report.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    let wall = start.elapsed();
    ensure!(status.success(), "the command ended with {status}");
    let text = fs::read_to_string(report.path())?;
    let (time, memory) = text.split_once(' ').context("the command told nothing")?;
    Ok(Run { processor: Duration::from_nanos(time.parse()?), wall, memory: memory.parse()? })
}
