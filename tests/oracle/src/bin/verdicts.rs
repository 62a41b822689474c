//! Compares the verifier of this repository with the recorded kernel.
//!
//! ```sh
//! cargo run -p oracle --bin verdicts                      # a table by family, and what differs
//! cargo run -p oracle --bin verdicts -- dynptr            # programs whose family/topic:program has this
//! cargo run -p oracle --bin verdicts -- --kind message    # only what differs like this, all of it
//! cargo run -p oracle --bin verdicts -- PROGRAM --log     # our log of level 1 beside the kernel's
//! cargo run -p oracle --bin verdicts -- PROGRAM --log 2   # of level 2
//! cargo run -p oracle --bin verdicts -- --logs 2          # whose logs differ, and where first
//! cargo run -p oracle --bin verdicts -- --counts          # whose processed instructions differ most
//! cargo run -p oracle --bin verdicts -- --notes           # what is noted of programs that the kernel accepts
//! cargo run -p oracle --bin verdicts -- --mode bpf        # as recorded without CAP_PERFMON
//! cargo run -p oracle --bin verdicts -- --misses          # the inventory tests/corpus/misses.toml anew
//! cargo run -p oracle --bin verdicts -- --objects DIR     # objects from elsewhere, as recorded there
//! cargo run -p oracle --bin verdicts -- --explained       # how many rejections are explained, and which are not
//! cargo run -p oracle --bin verdicts -- NAME --explained  # what is told of them
//! ```
//!
//! The profile for development is optimised; times are to be taken with `--release`.

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use oracle::explained::{self, Explained};
use oracle::recording::{Recordings, Verdict};
use oracle::replay::{self, Asked, Comparison, KERNEL, Kind, replay};
use oracle::{Corpus, Mode, misses};

/// Compare the verifier with the recorded kernel.
#[derive(Debug, Parser)]
struct Cli {
    /// Parts of `family/topic:program`; all programs if there is none
    filter: Vec<String>,
    /// Only what differs like this: false-accept, panic, false-reject, message, errno, unsupported, unlinked
    #[arg(long)]
    kind: Option<String>,
    /// Print both logs
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, default_missing_value = "1")]
    log: Option<u32>,
    /// Print the first line in which the logs differ
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, default_missing_value = "2")]
    logs: Option<u32>,
    /// Print the programs whose counts differ most
    #[arg(long)]
    counts: bool,
    /// Print what is noted of programs that the kernel accepts
    #[arg(long)]
    notes: bool,
    /// Write the inventory of misses
    #[arg(long)]
    misses: bool,
    /// As whom the programs are loaded
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Print how rejections are explained
    #[arg(long)]
    explained: bool,
    /// Print all differences
    #[arg(long)]
    all: bool,
    /// Objects from elsewhere with their recordings, instead of the corpus
    #[arg(long, value_name = "DIR")]
    objects: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let corpus = match &cli.objects {
        Some(root) => Corpus::of_objects(root),
        None => Corpus::of_repository(),
    };
    let level = cli.log.or(cli.logs).unwrap_or(0);
    let fits = |path: &str| {
        cli.filter.is_empty() || cli.filter.iter().any(|part| path.contains(part.as_str()))
    };
    // Rooms that panic are a kind of their own.
    std::panic::set_hook(Box::new(|_| {}));
    if cli.explained {
        let all = replay::explained(&corpus, cli.mode, fits)?;
        print_explained(&corpus, &all, !cli.filter.is_empty())?;
        return Ok(ExitCode::SUCCESS);
    }
    let asked = Asked { log_level: level, mode: cli.mode, notes: cli.notes };
    let mut all = replay(&corpus, asked, fits)?;
    if cli.misses {
        misses::write(&corpus, cli.mode, &all)?;
    }
    print_table(&all);
    print_unsupported(&all);
    print_notes(&all);
    if let Some(kind) = &cli.kind {
        all.retain(|one| one.kind.word() == kind);
    }
    let recordings = Recordings::of(&corpus, &KERNEL.to_string(), cli.mode);
    match (cli.log, cli.logs) {
        (Some(level), _) => print_logs(&recordings, &all, level)?,
        (_, Some(level)) => print_log_differences(&recordings, &all, level)?,
        _ => print_differences(&all, cli.all || cli.kind.is_some() || !cli.filter.is_empty()),
    }
    if cli.counts {
        print_counts(&all);
    }
    let has_false_accepts = all.iter().any(|one| one.kind == Kind::FalseAccept);
    Ok(if has_false_accepts { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Figures of explanations, and those that lack something; with `is_long`, everything that is told.
fn print_explained(corpus: &Corpus, all: &[Comparison], is_long: bool) -> Result<()> {
    let found = explained::all(corpus, all)?;
    let figures = explained::figures(&found);
    println!("{figures}");
    for one in found.iter().filter(|one| is_long || one.labels.is_empty() || one.help.is_none()) {
        print_one(one);
    }
    Ok(())
}

fn print_one(one: &Explained) {
    println!("{}: {}", one.path, one.message);
    for (place, text) in &one.labels {
        println!("    {place}: {text}");
    }
    if let Some(help) = one.help {
        println!("    help: {help}");
    }
    if let Some(rule) = one.rule {
        println!("    rule: {rule}");
    }
}

const COLUMNS: [&str; 9] = [
    "equal",
    "false-accept",
    "false-reject",
    "message",
    "errno",
    "unsupported",
    "panic",
    "unlinked",
    "not-checkable",
];

fn print_table(all: &[Comparison]) {
    let mut rows: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for one in all {
        for row in [one.topic.family.clone(), "~ total".to_owned()] {
            *rows.entry(row).or_default().entry(one.kind.word()).or_default() += 1;
        }
    }
    print!("{:12}{:>9}", "", "programs");
    COLUMNS.iter().for_each(|column| print!("{column:>14}"));
    println!();
    for (family, kinds) in &rows {
        print!("{family:12}{:9}", kinds.values().sum::<usize>());
        COLUMNS.iter().for_each(|column| print!("{:14}", kinds.get(column).unwrap_or(&0)));
        println!();
    }
    let is_fine = |one: &&Comparison| one.kind == Kind::Equal;
    let mut insns: Vec<f64> =
        all.iter().filter(is_fine).filter_map(Comparison::insns_ratio).collect();
    let exact = insns.iter().filter(|ratio| **ratio == 1.0).count();
    println!(
        "of the equal ones: processed insns, median {:.3} of the kernel's, {exact} of {} exact; {}",
        median(&mut insns),
        insns.len(),
        times(all.iter().filter(is_fine))
    );
    let accepted = |one: &&Comparison| is_fine(one) && one.recorded.verdict == Verdict::Accept;
    println!("of the accepted ones: {}", times(all.iter().filter(accepted)));
}

/// How long we took beside the kernel, for those of which it is known how long that took.
fn times<'c>(all: impl Iterator<Item = &'c Comparison>) -> String {
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), 0.0, 0);
    for one in all {
        let Some(usec) = one.recorded.usec else { continue };
        ratios.extend(one.time_ratio());
        ours += one.elapsed.as_secs_f64() * 1e6;
        theirs += usec;
    }
    match ratios.is_empty() {
        true => "no times were recorded".to_owned(),
        false => {
            format!("time, median {:.2}, in all {ours:.0} of {theirs} us", median(&mut ratios))
        }
    }
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Reasons, without their numbers, with how often they are given.
fn print_unsupported(all: &[Comparison]) {
    let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for one in all {
        let (Kind::Unsupported(text) | Kind::Panic(text) | Kind::Unlinked(text)) = &one.kind else {
            continue;
        };
        let text: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        let entry =
            reasons.entry(format!("{}: {text}", one.kind.word())).or_insert((0, one.path()));
        entry.0 += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (reason, (count, example)) in reasons.iter().take(40) {
        println!("{count:6}  {reason}   ({example})");
    }
}

fn print_notes(all: &[Comparison]) {
    for one in all {
        for note in &one.notes {
            println!("{} {} line {}: {}", note.code, one.path(), note.line, note.message);
            for (line, message) in &note.labels {
                println!("      line {line}: {message}");
            }
        }
    }
}

fn print_differences(all: &[Comparison], is_long: bool) {
    let mut different: Vec<&Comparison> = all
        .iter()
        .filter(|one| !one.kind.is_fine())
        .filter(|one| is_long || !matches!(one.kind, Kind::Unsupported(_) | Kind::Panic(_)))
        .collect();
    different.sort_by(|a, b| a.kind.cmp(&b.kind));
    let most = if is_long { usize::MAX } else { 60 };
    for one in different.iter().take(most) {
        println!(
            "{:13} {}\n      kernel: {}\n        ours: {}",
            one.kind.word(),
            one.path(),
            theirs(one),
            ours(one)
        );
    }
    if different.len() > most {
        println!("… and {} more; --all prints them", different.len() - most);
    }
}

fn theirs(one: &Comparison) -> String {
    let program = &one.recorded;
    match program.verdict {
        Verdict::Reject => {
            format!("{} ({})", program.messages.first().map_or("", String::as_str), program.errno)
        }
        other => format!("{other:?}").to_lowercase(),
    }
}

fn ours(one: &Comparison) -> String {
    let Some(report) = &one.report else { return format!("{:?}", one.kind) };
    match &report.verdict {
        verifier::Verdict::Accept => "accept".to_owned(),
        verifier::Verdict::Reject(reject) => {
            let first = reject.message.lines().next().unwrap_or_default();
            format!("{first} ({}){}", reject.errno.0, place(report))
        }
        verifier::Verdict::Unsupported(what) => format!("unsupported: {what}{}", place(report)),
    }
}

fn place(report: &verifier::Report) -> String {
    report.pc.map_or_else(String::new, |pc| format!(" at {pc}"))
}

/// The kernel's log of a program at a level, without what differs from time to time.
fn recorded_log(recordings: &Recordings, one: &Comparison, level: u32) -> Result<Option<String>> {
    if level == 2 {
        let logs = recordings.load_logs(&one.topic)?;
        return Ok(logs.get(&one.name).cloned());
    }
    let lines = &one.recorded.log;
    Ok((!lines.is_empty()).then(|| lines.join("\n") + "\n"))
}

fn our_log(one: &Comparison) -> Option<String> {
    let log = &one.report.as_ref()?.log;
    // Addresses of maps and of the kernel are the recorded kernel's.
    Some(oracle::log::normalised(log, |_| true))
}

fn print_logs(recordings: &Recordings, all: &[Comparison], level: u32) -> Result<()> {
    for one in all {
        let theirs = recorded_log(recordings, one, level)?.unwrap_or_default();
        println!("\n=== {} ({})", one.path(), one.kind.word());
        println!("--- kernel: {}\n{theirs}", self::theirs(one));
        println!("--- ours: {}\n{}", ours(one), our_log(one).unwrap_or_default());
    }
    Ok(())
}

fn print_log_differences(recordings: &Recordings, all: &[Comparison], level: u32) -> Result<()> {
    let (mut same, mut differing) = (0, BTreeSet::new());
    for one in all.iter().filter(|one| one.kind == Kind::Equal) {
        let (Some(theirs), Some(ours)) = (recorded_log(recordings, one, level)?, our_log(one))
        else {
            continue;
        };
        let theirs = oracle::log::normalised(&theirs, |_| true);
        let difference = ours.lines().zip(theirs.lines()).enumerate().find(|(_, (a, b))| a != b);
        match difference {
            None if ours.lines().count() == theirs.lines().count() => same += 1,
            None => {
                println!(
                    "{}: our log has {} lines, the kernel's {}",
                    one.path(),
                    ours.lines().count(),
                    theirs.lines().count()
                );
                differing.insert(one.path());
            }
            Some((line, (ours, theirs))) => {
                println!(
                    "{} line {}\n      kernel: {theirs}\n        ours: {ours}",
                    one.path(),
                    line + 1
                );
                differing.insert(one.path());
            }
        }
    }
    println!("{same} logs of level {level} are the same, {} differ", differing.len());
    Ok(())
}

fn print_counts(all: &[Comparison]) {
    let ratio = |one: &Comparison| {
        one.insns_ratio().filter(|ratio| *ratio > 0.0).map_or(0.0, |ratio| ratio.ln().abs())
    };
    let mut worst: Vec<&Comparison> =
        all.iter().filter(|one| one.kind == Kind::Equal && ratio(one) > 0.0).collect();
    worst.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    for one in worst.iter().take(50) {
        let ours = one.report.as_ref().map_or(0, |report| report.stats.insns_processed);
        let theirs = one.recorded.stats.as_ref().map_or(0, |stats| stats.insns_processed);
        println!("{ours:8} of {theirs:8} insns  {}", one.path());
    }
}
