//! Reports about runs: the result, what was done to the packet, and what depends on its layout.

use kernel_model::{DataStarts, ProgramType};
use runtime::layouts::{Divergence, What};
use runtime::{Event, FaultKind, Outcome, Target};

use super::{Hex, LayoutView, Part, Report, Side, Source, Step, Verdict, count, short, thousands};
use crate::run::{self, Shown, access_words, divergence_message};

/// The longest message beside a program, in characters.
const LENS: usize = 80;
/// The length of the link-layer header that packets from templates have.
const LINK_LAYER: usize = 14;
/// The most accesses that are listed.
const EVENTS: usize = 32;
/// The longest contents of a map, in characters.
const MAP: usize = 2_000;

/// The result of the first run in a line.
pub fn lens_of_run(report: &run::Report, ty: &ProgramType) -> (Verdict, String) {
    match report.runs.first() {
        Some(run) => result(&run.outcome, ty),
        None => (Verdict::Unknown, "nothing was run".to_owned()),
    }
}

fn result(outcome: &Outcome, ty: &ProgramType) -> (Verdict, String) {
    match outcome.fault.as_deref() {
        None => (Verdict::Good, returned(outcome, ty)),
        Some(fault) => match &fault.kind {
            FaultKind::NotModelled(what) => {
                (Verdict::Unknown, format!("no result · not modelled: {}", short(what, LENS)))
            }
            kind => (Verdict::Bad, format!("goes wrong · {}", short(&kind.to_string(), LENS))),
        },
    }
}

/// `2 (TC_ACT_SHOT)`.
fn returned(outcome: &Outcome, ty: &ProgramType) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "programs return an int")]
    let value = outcome.retval as u32;
    let signed = i64::from(value.cast_signed());
    let codes = ty.pass_codes.iter().chain(ty.drop_codes);
    match codes.into_iter().find(|(_, code)| *code == signed) {
        Some((name, code)) => format!("{code} ({name})"),
        None => signed.to_string(),
    }
}

/// How many divergences there are in a line.
pub fn lens_of_layouts(report: &run::Report, ty: &ProgramType) -> (Verdict, String) {
    let first = report.runs.first().filter(|run| run.outcome.fault.is_some());
    if let (Some(first), true) = (first, report.divergences.is_empty()) {
        return result(&first.outcome, ty);
    }
    match report.divergences.len() {
        0 => {
            let runs = thousands(report.count as u64);
            let cut = if report.cut_off { ", not all layouts were tried" } else { "" };
            let allowed = match report.allowed.len() {
                0 => String::new(),
                allowed => format!(", {allowed} allowed"),
            };
            (Verdict::Good, format!("0 divergences in {runs}{allowed}{cut}"))
        }
        divergences => (Verdict::Bad, count(divergences, "divergence")),
    }
}

/// Everything about the runs on one layout.
pub fn of_run(report: &run::Report, ty: &ProgramType, source: Source<'_>) -> Report {
    let (verdict, summary) = lens_of_run(report, ty);
    let title = format!("Run {}", report.program);
    let parts = report.runs.iter().flat_map(|run| run_parts(run, ty, source)).collect();
    Report { title, verdict, summary, parts }
}

/// Everything about the runs on all layouts.
pub fn of_layouts(report: &run::Report, ty: &ProgramType, source: Source<'_>) -> Report {
    let (verdict, summary) = lens_of_layouts(report, ty);
    let mut parts = Vec::new();
    for (divergence, number) in report.divergences.iter().zip(1..) {
        parts.push(Part::Heading(format!("Divergence {number}")));
        parts.extend(divergence_parts(report, divergence, source));
    }
    let first = report.runs.first();
    if report.divergences.is_empty() {
        parts.extend(first.into_iter().flat_map(|run| run_parts(run, ty, source)));
    }
    for (divergence, number) in report.allowed.iter().zip(1..) {
        parts.push(Part::Heading(format!("Divergence that is allowed {number}")));
        parts.extend(divergence_parts(report, divergence, source));
    }
    parts.push(Part::Heading("Tried".to_owned()));
    let mut facts = vec![("layouts".to_owned(), count(report.count, "run"))];
    if report.cut_off {
        let more = "not all layouts were tried; `bpf-analyzer run --layouts` has limits of its own";
        facts.push(("cut off".to_owned(), more.to_owned()));
    }
    if let Some(first) = first {
        facts.push(("packet".to_owned(), packet_words(first)));
        facts.push(("if it is linear".to_owned(), result(&first.outcome, ty).1));
    }
    parts.push(Part::Facts(facts));
    let title = format!("Run {} on all layouts", report.program);
    Report { title, verdict, summary, parts }
}

fn packet_words(run: &Shown) -> String {
    match &run.packet {
        Some(name) => format!("{name}, {}", count(run.bytes.len(), "byte")),
        None => "none".to_owned(),
    }
}

fn run_parts(run: &Shown, ty: &ProgramType, source: Source<'_>) -> Vec<Part> {
    let outcome = &run.outcome;
    let mut parts = vec![Part::Heading("The run".to_owned())];
    let mut facts = vec![
        ("type".to_owned(), ty.name.to_owned()),
        ("packet".to_owned(), packet_words(run)),
        ("result".to_owned(), result(outcome, ty).1),
        ("instructions".to_owned(), thousands(outcome.insns)),
    ];
    facts.extend(outcome.printed.iter().map(|line| ("printed".to_owned(), line.clone())));
    parts.push(Part::Facts(facts));
    if let Some(fault) = &outcome.fault {
        parts.push(Part::Heading("Where it ends".to_owned()));
        let at = source.at_location(&fault.at);
        parts.push(Part::Path(vec![Step { message: fault.kind.to_string(), at }]));
    }
    parts.extend(packet_parts(run, ty));
    if !outcome.events.is_empty() {
        parts.push(Part::Heading("What it asked for".to_owned()));
        parts.extend(event_parts(&outcome.events, None, source));
    }
    for (name, contents) in &run.maps {
        parts.push(Part::Heading(format!("Map {name}")));
        parts.push(Part::Verbatim(short(&contents.to_string(), MAP)));
    }
    parts
}

/// The packet, before and after if it has changed.
fn packet_parts(run: &Shown, ty: &ProgramType) -> Vec<Part> {
    let Some(after) = &run.outcome.packet else { return Vec::new() };
    let seen_from = if ty.data_starts == DataStarts::NetworkLayer { LINK_LAYER } else { 0 };
    let before = run.bytes.get(seen_from..).unwrap_or_default();
    let layout = LayoutView::of("packet", &run.outcome.layout, after.len());
    let borders = layout.borders();
    let ranges = ranges(&run.outcome.events);
    let side = |caption: &str, bytes: &[u8], borders: Vec<usize>| Side {
        caption: caption.to_owned(),
        bytes: bytes.to_vec(),
        borders,
    };
    let has_changed = before != after;
    let sides = match has_changed {
        true => vec![side("before", before, Vec::new()), side("after", after, borders)],
        false => vec![side("unchanged", after, borders)],
    };
    let heading = if has_changed { "The packet, before and after" } else { "The packet" };
    vec![Part::Heading(heading.to_owned()), Part::Layout(layout), Part::Hex(Hex { sides, ranges })]
}

fn ranges(events: &[Event]) -> Vec<std::ops::Range<usize>> {
    let events = events.iter().filter(|event| event.target == Target::Packet && event.len > 0);
    events
        .map(|event| event.offset as usize..event.offset.saturating_add(event.len) as usize)
        .collect()
}

/// Accesses with their lines; `linear` are those of the run that this one is compared with.
fn event_parts(events: &[Event], linear: Option<&[Event]>, source: Source<'_>) -> Vec<Part> {
    let steps = events.iter().enumerate().take(EVENTS).map(|(number, event)| {
        let what = match event.target {
            Target::Packet => range_words("bytes", event),
            Target::Metadata => range_words("metadata", event),
            Target::Memory => range_words("memory", event),
            Target::Geometry => "the packet as a whole".to_owned(),
            Target::Task => "the task".to_owned(),
            Target::Printed(_) => "a text".to_owned(),
        };
        let mut message =
            format!("{what}: {}: {}", event.function, access_words(Some(event.result)));
        let other = linear.and_then(|linear| linear.get(number));
        if let Some(other) = other.filter(|other| other.at == event.at)
            && other.result != event.result
        {
            let there = access_words(Some(other.result));
            message.push_str(&format!(" (where the packet is linear: {there})"));
        }
        Step { message, at: source.at_location(&event.at) }
    });
    let mut parts = vec![Part::Path(steps.collect())];
    if events.len() > EVENTS {
        parts.push(Part::Paragraph(format!("and {} more", events.len() - EVENTS)));
    }
    parts
}

fn range_words(what: &str, event: &Event) -> String {
    match event.len {
        0 | 1 => format!("{what} {}", event.offset),
        len => format!("{what} {} to {}", event.offset, event.offset.saturating_add(len - 1)),
    }
}

fn divergence_parts(
    report: &run::Report,
    divergence: &Divergence,
    source: Source<'_>,
) -> Vec<Part> {
    let at = divergence.cause.location().and_then(|at| source.at_location(at));
    let mut parts = vec![Part::Path(vec![Step { message: divergence_message(divergence), at }])];
    let (first, other) = divergence.between;
    let (Some(first), Some(other)) = (report.runs.get(first), report.runs.get(other)) else {
        return parts;
    };
    let views = [("one run", first), ("the other run", other)].map(|(name, run)| {
        let len = run.outcome.packet.as_ref().map_or(run.bytes.len(), Vec::len);
        LayoutView::of(name, &run.outcome.layout, len)
    });
    let sides = views.iter().zip([first, other]).filter_map(|(view, run)| {
        let bytes = run.outcome.packet.clone()?;
        Some(Side { caption: view.words(), bytes, borders: view.borders() })
    });
    let sides: Vec<Side> = sides.collect();
    let focus = match divergence.what {
        What::Packet(from, to) => Some(from as usize..to as usize),
        _ => None,
    };
    let (events, linear) = (&other.outcome.events, &first.outcome.events);
    let touching = |event: &&Event| {
        let range = event.offset as usize..event.offset.saturating_add(event.len) as usize;
        focus.as_ref().is_none_or(|focus| range.start < focus.end && focus.start < range.end)
    };
    // What has nothing to do with the bytes that differ is left out, unless nothing has.
    let near: Vec<Event> = events.iter().filter(touching).cloned().collect();
    let told = if near.is_empty() { events } else { &near };
    parts.extend(views.into_iter().map(Part::Layout));
    if sides.len() == 2 {
        parts.push(Part::Hex(Hex { sides, ranges: ranges(told) }));
    }
    if !told.is_empty() {
        // Accesses are compared by their order, which is lost where some are left out.
        let linear = (told.len() == events.len()).then_some(linear.as_slice());
        parts.push(Part::Paragraph("What the other run asked for:".to_owned()));
        parts.extend(event_parts(told, linear, source));
    }
    parts
}
