//! Verdicts as one JSON document.

use std::path::Path;

use diagnostic::KernelVerdict;
use kernel_model::Version;
use serde::Serialize;

use super::{Also, Noted, Outcome, Place, Told, Verdict};

/// Version of the document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'d> {
    version: u32,
    kernel: String,
    programs: Vec<Program<'d>>,
}

#[derive(Serialize)]
struct Program<'d> {
    name: &'d str,
    object: String,
    section: &'d str,
    #[serde(rename = "type")]
    program_type: Option<&'d str>,
    verdict: &'static str,
    errno: Option<i32>,
    message: Option<&'d str>,
    insn: Option<u32>,
    location: Option<Location<'d>>,
    explanation: Vec<Explained<'d>>,
    help: Option<&'d str>,
    rule: Option<&'d str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<Refused<'d>>,
    notes: Vec<Note<'d>>,
    stats: Stats,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'d str>,
}

#[derive(Serialize)]
struct Location<'d> {
    file: &'d str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Explained<'d> {
    message: &'d str,
    location: Option<Location<'d>>,
}

/// A function that the kernel would refuse next.
#[derive(Serialize)]
struct Refused<'d> {
    function: &'d str,
    errno: i32,
    message: &'d str,
    location: Option<Location<'d>>,
    explanation: Vec<Explained<'d>>,
    help: Option<&'d str>,
    rule: Option<&'d str>,
}

#[derive(Serialize)]
struct Note<'d> {
    code: &'static str,
    rule: Option<&'static str>,
    severity: &'static str,
    kernel: &'static str,
    message: &'d str,
    location: Option<Location<'d>>,
    labels: Vec<Explained<'d>>,
    help: &'static str,
}

#[derive(Serialize)]
struct Stats {
    insns_processed: u32,
    total_states: u32,
    peak_states: u32,
    elapsed_us: u64,
}

/// The document about all programs, without a line end.
pub fn document(kernel: Version, programs: &[(&Path, &Outcome)]) -> serde_json::Result<String> {
    let programs = programs.iter().map(|(object, outcome)| program(object, outcome)).collect();
    serde_json::to_string(&Document { version: VERSION, kernel: kernel.to_string(), programs })
}

fn program<'d>(object: &Path, outcome: &'d Outcome) -> Program<'d> {
    let (verdict, errno, message) = match &outcome.verdict {
        Verdict::Accept => ("accept", Some(0), None),
        // What the kernel says first; the rest is in the log.
        Verdict::Reject { errno, message } => {
            ("reject", *errno, Some(message.lines().next().unwrap_or_default()))
        }
        Verdict::Unsupported(why) => ("unsupported", None, Some(why.as_str())),
    };
    let stats = &outcome.stats;
    Program {
        name: &outcome.name,
        object: object.display().to_string(),
        section: &outcome.section,
        program_type: Some(outcome.program_type).filter(|name| !name.is_empty()),
        verdict,
        errno,
        message,
        insn: outcome.insn,
        location: outcome.place.as_ref().filter(|_| !outcome.is_accepted()).map(location),
        explanation: outcome.explanation.iter().map(explained).collect(),
        help: outcome.help,
        rule: outcome.rule,
        also: outcome.also.iter().map(refused).collect(),
        notes: outcome.notes.iter().map(note).collect(),
        stats: Stats {
            insns_processed: stats.insns_processed,
            total_states: stats.total_states,
            peak_states: stats.peak_states,
            elapsed_us: u64::try_from(outcome.elapsed.as_micros()).unwrap_or(u64::MAX),
        },
        log: Some(outcome.log.as_str()).filter(|log| !log.is_empty()),
    }
}

fn location(place: &Place) -> Location<'_> {
    Location { file: &place.file, line: place.line, column: place.column }
}

fn explained(told: &Told) -> Explained<'_> {
    Explained { message: &told.message, location: told.place.as_ref().map(location) }
}

fn note(note: &Noted) -> Note<'_> {
    let Explained { message, location } = explained(&note.told);
    Note {
        code: note.kind.code,
        rule: note.kind.rule,
        severity: note.severity.name(),
        kernel: KernelVerdict::Accepts.name(),
        message,
        location,
        labels: note.labels.iter().map(explained).collect(),
        help: note.kind.help,
    }
}

fn refused(also: &Also) -> Refused<'_> {
    Refused {
        function: &also.function,
        errno: also.errno,
        message: also.message.lines().next().unwrap_or_default(),
        location: also.place.as_ref().map(location),
        explanation: also.explanation.iter().map(explained).collect(),
        help: also.help,
        rule: also.rule,
    }
}
