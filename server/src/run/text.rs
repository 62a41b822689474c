//! Runs in words.

use std::io::{self, Write};

use runtime::layouts::{Cause, Divergence, What};
use runtime::{Event, EventAccess, Layout, Location, Target};

use super::typed::digits;
use super::{Report, Shown, context, retval};

/// What a divergence is, in a sentence.
pub(crate) fn message(divergence: &Divergence) -> String {
    let what = match &divergence.what {
        What::Result(first, other) => format!("the result is {first} or {other}"),
        What::Packet(from, to) if from + 1 == *to => format!("byte {from} of the packet differs"),
        What::Packet(from, to) => format!("bytes {from} to {} of the packet differ", to - 1),
        What::Context => "the context differs".to_owned(),
        What::Map(_) => "the contents of a map differ".to_owned(),
        What::Sent => "something else is sent".to_owned(),
        What::Fault(fault) => format!("the program goes wrong: {fault}"),
    };
    let cause = match &divergence.cause {
        Cause::LostWrite(_) => {
            "this slice was a copy in the buffer, and what was stored in it is never written back"
                .to_owned()
        }
        Cause::Call { function, first, other, .. } => {
            format!(
                "{function} gives {} here, and {} where the packet is linear",
                access(*other),
                access(*first)
            )
        }
        Cause::Fault(_) | Cause::Unknown => {
            return format!("depending on the layout of the packet {what}");
        }
    };
    format!("depending on the layout of the packet {what}: {cause}")
}

/// What came of an access, in words.
pub(crate) fn access(access: Option<EventAccess>) -> String {
    match access {
        None => "nothing, because it is not called".to_owned(),
        Some(EventAccess::Direct) => "the bytes themselves".to_owned(),
        Some(EventAccess::Buffer) => "a copy in the buffer".to_owned(),
        Some(EventAccess::Null) => "NULL".to_owned(),
        Some(EventAccess::Done) => "success".to_owned(),
        Some(EventAccess::Error(errno)) => format!("the error {errno}"),
        Some(EventAccess::Sent(interface)) => format!("interface {interface}"),
    }
}

/// The layout in a few words: `66 + 134`.
fn layout(layout: &Layout, len: usize) -> String {
    let parts = layout.fragments.iter().chain(&layout.list);
    let rest: usize = parts.clone().map(|len| *len as usize).sum();
    let linear = layout.linear.map_or(len.saturating_sub(rest), |linear| linear as usize);
    let parts: Vec<String> = parts.map(u32::to_string).collect();
    let mut words = if parts.is_empty() {
        format!("{linear} bytes, linear")
    } else {
        format!("{linear} bytes linear + {}", parts.join(" + "))
    };
    if layout.cloned {
        words += ", cloned";
    }
    words
}

pub(crate) fn place(at: &Location) -> String {
    match at.line {
        0 => format!("instruction {}", at.insn),
        line => format!("{}:{line}:{}", at.file, at.column),
    }
}

/// Everything about the runs of a program.
///
/// # Errors
///
/// If `out` does not take it.
pub fn write_run(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let runs = report.runs.iter().enumerate();
    for (number, run) in runs.filter(|(number, _)| report.is_first(*number)) {
        write_outcome(out, number, run, report)?;
    }
    for divergence in &report.divergences {
        let at = divergence.cause.location().map_or_else(|| report.program.clone(), place);
        let rule = report.rule_of(divergence).map(|rule| format!(" [{rule}]")).unwrap_or_default();
        writeln!(out, "{at}: {}{rule}", message(divergence))?;
        let (first, other) = divergence.between;
        if let (Some(first), Some(other)) = (report.runs.get(first), report.runs.get(other)) {
            write_pair(out, first, other, &divergence.what)?;
        }
    }
    let runs = if report.count == 1 { "run" } else { "runs" };
    let allowed = match report.allowed.len() {
        0 => String::new(),
        allowed => format!(", {allowed} allowed"),
    };
    writeln!(out, "{} {runs}, {} divergences{allowed}", report.count, report.divergences.len())?;
    if report.cut_off {
        writeln!(out, "not all layouts were tried; --max-runs and --max-time say how many are")?;
    }
    Ok(())
}

fn write_outcome(
    out: &mut dyn Write,
    number: usize,
    run: &Shown,
    report: &Report,
) -> io::Result<()> {
    let program = &report.program;
    let packet = run.packet.as_deref().unwrap_or("no packet");
    writeln!(
        out,
        "run {number}: {program} on {packet} ({})",
        layout(&run.layout, run.bytes.len())
    )?;
    match &run.outcome.fault {
        Some(fault) => writeln!(out, "  fault: {}: {fault}", place(&fault.at))?,
        None => {
            #[expect(clippy::cast_possible_truncation, reason = "programs return an int")]
            let result = run.outcome.retval as u32;
            let name = retval::name(report.program_type, result);
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            writeln!(out, "  result {result}{name} after {} instructions", run.outcome.insns)?;
        }
    }
    write_events(out, &run.outcome.events, &run.outcome.printed)?;
    if let Some(deferred) = &run.deferred {
        let times = if deferred.calls == 1 { "time" } else { "times" };
        writeln!(out, "  called back {} {times} afterwards", deferred.calls)?;
        if let Some(fault) = &deferred.fault {
            writeln!(out, "  fault: {}: {fault}", place(&fault.at))?;
        }
        write_events(out, &deferred.events, &deferred.printed)?;
    }
    for (name, contents) in &run.maps {
        writeln!(out, "  map {name}: {contents}")?;
    }
    write_context(out, run, report)?;
    if let Some(packet) = run.outcome.packet.as_ref().filter(|packet| **packet != run.bytes) {
        writeln!(out, "  the packet has changed:")?;
        write_dumps(out, &run.bytes, packet)?;
    }
    Ok(())
}

/// What has become of the context, and what an iterator has written.
fn write_context(out: &mut dyn Write, run: &Shown, report: &Report) -> io::Result<()> {
    let outcome = &run.outcome;
    let (before, after) = (&outcome.context_at_start, &outcome.context);
    for change in context::changes(report.program_type, report.attach_type, before, after) {
        writeln!(out, "  context {}: {} -> {}", change.name, change.before, change.after)?;
    }
    for (name, bytes) in &outcome.values {
        writeln!(out, "  {name}: {}", digits(bytes))?;
    }
    if !outcome.sequence.is_empty() {
        writeln!(out, "  written:")?;
        let text = String::from_utf8_lossy(&outcome.sequence);
        for line in text.lines() {
            // What a program writes must not steer the terminal.
            writeln!(out, "    {}", line.replace(char::is_control, "\u{fffd}"))?;
        }
    }
    Ok(())
}

fn write_events(out: &mut dyn Write, events: &[Event], printed: &[String]) -> io::Result<()> {
    for event in events {
        write!(out, "  {}: {}", place(&event.at), event.function)?;
        match event.target {
            Target::Printed(index) => {
                // What a program prints must not steer the terminal.
                let text = printed.get(index).map_or("", |text| text.trim_end_matches('\n'));
                writeln!(out, ": {}", text.replace(char::is_control, "\u{fffd}"))?;
            }
            Target::Task => match event.result {
                EventAccess::Sent(signal) => writeln!(out, ": signal {signal}")?,
                result => writeln!(out, ": {}", access(Some(result)))?,
            },
            _ => writeln!(
                out,
                " at {}, {} bytes: {}",
                event.offset,
                event.len,
                access(Some(event.result))
            )?,
        }
    }
    Ok(())
}

fn write_pair(out: &mut dyn Write, first: &Shown, other: &Shown, what: &What) -> io::Result<()> {
    writeln!(
        out,
        "  {}, against {}",
        layout(&other.layout, other.bytes.len()),
        layout(&first.layout, first.bytes.len())
    )?;
    if let (What::Packet(..), Some(before), Some(after)) =
        (what, &first.outcome.packet, &other.outcome.packet)
    {
        write_dumps(out, before, after)?;
    }
    Ok(())
}

/// The lines of two dumps that differ, with the bytes that do marked.
pub(crate) fn write_dumps(out: &mut dyn Write, before: &[u8], after: &[u8]) -> io::Result<()> {
    const WIDTH: usize = 16;
    let lines = before.len().max(after.len()).div_ceil(WIDTH);
    for line in 0..lines {
        let range = line * WIDTH..(line + 1) * WIDTH;
        let differs = |at: &usize| before.get(*at) != after.get(*at);
        if !range.clone().any(|at| differs(&at)) {
            continue;
        }
        for (sign, bytes) in [('-', before), ('+', after)] {
            write!(out, "  {sign} {:04x} ", line * WIDTH)?;
            for at in range.clone() {
                match bytes.get(at) {
                    Some(byte) => write!(out, " {byte:02x}")?,
                    None => write!(out, "   ")?,
                }
            }
            writeln!(out)?;
        }
        write!(out, "         ")?;
        for at in range {
            write!(out, "{}", if differs(&at) { " ^^" } else { "   " })?;
        }
        writeln!(out)?;
    }
    Ok(())
}
