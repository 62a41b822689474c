//! The whole check of texts in memory against tree-sitter-c alone, on one thread, and where the time goes.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bpf_analyzer::suppress::Scopes;
use diagnostic::{FileReport, Format, Options, Summary, renderer};
use kernel_model::Version;
use lint_rules::Lint;
use sema::{Header, Headers, Sema};
use syntax::Parsed;
use tree_sitter::Parser;

use crate::clock::thread_time;
use crate::workload::{Source, lines};

/// Rounds over all files; the fastest counts.
const ROUNDS: usize = 7;

/// Processor time for all files, by what was done.
#[derive(Debug)]
pub(crate) struct Phases {
    lines: usize,
    bare: Duration,
    parse: Duration,
    lower: Duration,
    sema: Duration,
    flow: Duration,
    rules: Duration,
    rest: Duration,
    whole: Duration,
}

impl Phases {
    /// Whole check to bare parse.
    pub(crate) fn ratio(&self) -> f64 {
        self.whole.as_secs_f64() / self.bare.as_secs_f64()
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("tree-sitter-c alone", self.bare),
            ("mask and parse", self.parse),
            ("syntax tree", self.lower),
            ("names and types", self.sema),
            ("interpreter", self.flow),
            ("rules", self.rules),
            ("suppressions and rendering", self.rest),
            ("whole check", self.whole),
        ];
        for (name, time) in rows {
            let each = time.as_secs_f64() * 1e9 / self.lines as f64;
            let ratio = time.as_secs_f64() / self.bare.as_secs_f64();
            writeln!(f, "  {name:<28} {each:>7.0} ns/line {ratio:>6.2} x")?;
        }
        Ok(())
    }
}

/// Measures all phases over `files`.
pub(crate) fn measure(files: &[Source]) -> Result<Phases> {
    let (own, none) = (headers()?, Headers::default());
    let masked: Vec<String> =
        files.iter().map(|file| Parsed::parse(Arc::clone(&file.text)).masked()).collect();
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_c::LANGUAGE.into())?;
    let mut best = [Duration::MAX; 8];
    for _ in 0..ROUNDS {
        let mut round = [Duration::ZERO; 8];
        for (file, masked) in files.iter().zip(&masked) {
            let bare = timed(|| parser.parse(masked, None).context("no tree").map(drop));
            bare.1?;
            round[0] += bare.0;
            for (sum, time) in round[1..]
                .iter_mut()
                .zip(one(file, if file.text.contains("../include/") { &own } else { &none })?)
            {
                *sum += time;
            }
        }
        for (best, time) in best.iter_mut().zip(round) {
            *best = time.min(*best);
        }
    }
    let [bare, whole, parse, lower, sema, flow, rules, rest] = best;
    Ok(Phases { lines: lines(files), bare, parse, lower, sema, flow, rules, rest, whole })
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = thread_time();
    let result = work();
    (thread_time().saturating_sub(before), result)
}

/// The whole check, then each phase by itself.
fn one(file: &Source, headers: &Headers) -> Result<[Duration; 7]> {
    let lint = Lint { kernel: Version::NEWEST_MODELLED };
    let (whole, done) = timed(|| {
        let parsed = Parsed::parse(Arc::clone(&file.text));
        let findings = lint_rules::check(&parsed, headers, &lint);
        finish(file, &parsed, findings)
    });
    done?;
    let (parse, parsed) = timed(|| Parsed::parse(Arc::clone(&file.text)));
    let (lower, _) = timed(|| {
        black_box(parsed.unit());
    });
    let (mut sema, mut flow) = (Duration::ZERO, Duration::ZERO);
    if file.text.contains("dynptr") {
        let (time, names) = timed(|| Sema::new(&parsed, headers));
        sema = time;
        let (time, analysis) = timed(|| flow::analyse(&names, &file.text));
        black_box(analysis);
        flow = time;
    }
    let (rules, findings) = timed(|| lint_rules::check(&parsed, headers, &lint));
    let rules = rules.saturating_sub(sema + flow);
    let (rest, done) = timed(|| finish(file, &parsed, findings));
    done?;
    Ok([whole, parse, lower, sema, flow, rules, rest])
}

fn finish(file: &Source, parsed: &Parsed, findings: Vec<diagnostic::Finding>) -> io::Result<()> {
    black_box(Scopes::of(parsed));
    let report = FileReport {
        path: file.name.clone(),
        source: Arc::clone(&file.text),
        findings,
        unparsed_regions: parsed.unit().errors.len(),
    };
    let mut renderer = renderer(Format::Json, Options::default(), &[]);
    renderer.begin(&mut io::sink())?;
    renderer.file(&report, &mut io::sink())?;
    renderer.finish(&Summary::default(), &mut io::sink())
}

/// The headers of the realistic programs, which a run reads once.
fn headers() -> Result<Headers> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/include");
    let mut headers = Vec::new();
    for name in ["packet.h", "kfuncs.h", "proxy.h"] {
        let text = std::fs::read_to_string(directory.join(name))?;
        headers.push(Arc::new(Header::scan(text.into())));
    }
    Ok(Headers::new(headers))
}
