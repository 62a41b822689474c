//! The figures of the product, each as a ratio or an absolute number measured in one run: `cargo bench -p tests`.
//!
//! Processor time is compared, not wall-clock time, except for the throughput on two threads. To measure start-up and
//! memory of the command this program runs itself as the command.

mod clock;
mod command;
mod phases;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;

/// A figure: what it is, the value, the bar and whether that is met.
struct Figure {
    what: &'static str,
    value: String,
    bar: &'static str,
    met: bool,
}

fn main() -> ExitCode {
    if let Some(code) = command::run_as_command() {
        return code;
    }
    match figures() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures() -> Result<()> {
    let dynptrs = workload::with_dynptrs()?;
    let parsers = workload::without_dynptrs(&dynptrs);
    let mixed: Vec<_> = dynptrs.iter().chain(&parsers).cloned().collect();
    let mut out = io::stdout().lock();
    let mut figures = Vec::new();
    for (name, files) in [
        ("whole check / bare parse, programs with dynptrs", &dynptrs),
        ("whole check / bare parse, parsers without", &parsers),
        ("whole check / bare parse, half of each", &mixed),
    ] {
        let phases = phases::measure(files)?;
        write!(out, "{name}\n{phases}\n")?;
        let ratio = phases.ratio();
        figures.push(Figure {
            what: name,
            value: format!("{ratio:.2} x"),
            bar: "<= 2.5 x",
            met: ratio <= 2.5,
        });
    }
    figures.extend(command::figures(&mixed)?);
    for Figure { what, value, bar, met } in figures {
        let verdict = if met { "met" } else { "MISSED" };
        writeln!(out, "{what:<52} {value:>16}   bar {bar:<18} {verdict}")?;
    }
    Ok(())
}
