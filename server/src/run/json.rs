//! Runs as one JSON document.

use runtime::layouts::{Divergence, What};
use runtime::{DeferredOutcome, Event, EventAccess, Fault, Layout, Location, Outcome, Target};
use serde_json::{Map, Value, json};

use super::typed::digits;
use super::{Report, Shown, context, text};

/// Version of the document.
const VERSION: u32 = 1;

/// The document about all runs of a program, without a line end.
pub fn document(report: &Report) -> String {
    let runs: Vec<Value> = report.runs.iter().map(|one| run(report, one)).collect();
    let told = |one| divergence(one, report.rule_of(one));
    let divergences: Vec<Value> = report.divergences.iter().map(told).collect();
    let allowed: Vec<Value> = report.allowed.iter().map(told).collect();
    json!({
        "version": VERSION,
        "program": report.program,
        "runs": runs,
        "divergences": divergences,
        "allowed": allowed,
        "count": report.count,
        "cut_off": report.cut_off,
    })
    .to_string()
}

fn run(report: &Report, run: &Shown) -> Value {
    let Outcome { retval, packet, context, events, insns, fault, printed, .. } = &run.outcome;
    let maps: Map<String, Value> = run.maps.iter().cloned().collect();
    let mut document = json!({
        "packet": run.packet,
        "layout": layout(&run.layout, run.bytes.len()),
        // Programs return an int; a fault leaves none.
        "retval": if fault.is_some() { Value::Null } else { json!(retval & 0xffff_ffff) },
        "packet_out": packet.as_ref().map(|packet| digits(packet)),
        "context_out": if context.is_empty() { Value::Null } else { Value::String(digits(context)) },
        "events": events.iter().map(|one| event(one, printed)).collect::<Vec<_>>(),
        "insns": insns,
        "fault": fault.as_deref().map(self::fault),
        "maps": maps,
    });
    let Outcome { context_at_start, values, sequence, .. } = &run.outcome;
    let changes =
        context::changes(report.program_type, report.attach_type, context_at_start, context);
    if !changes.is_empty() {
        let changed = changes.into_iter().map(|change| (change.name.to_owned(), change.after));
        document["context_changed"] = changed.collect::<Map<_, _>>().into();
    }
    if !values.is_empty() {
        let values = values.iter().map(|(name, bytes)| (name.clone(), json!(digits(bytes))));
        document["values_out"] = values.collect::<Map<_, _>>().into();
    }
    if !sequence.is_empty() {
        document["sequence"] = json!(String::from_utf8_lossy(sequence));
    }
    if let Some(deferred) = &run.deferred {
        let DeferredOutcome { calls, printed, events, insns, fault } = deferred;
        document["deferred"] = json!({
            "calls": calls,
            "events": events.iter().map(|one| event(one, printed)).collect::<Vec<_>>(),
            "insns": insns,
            "fault": fault.as_deref().map(self::fault),
        });
    }
    document
}

fn fault(fault: &Fault) -> Value {
    json!({ "message": fault.to_string(), "location": location(&fault.at) })
}

fn layout(layout: &Layout, len: usize) -> Value {
    let in_parts =
        layout.fragments.iter().chain(&layout.list).fold(0_usize, |sum, len| sum + *len as usize);
    let linear = layout.linear.map_or(len.saturating_sub(in_parts), |linear| linear as usize);
    let mut value = json!({ "linear": linear, "frags": layout.fragments, "cloned": layout.cloned });
    if !layout.list.is_empty() {
        value["list"] = json!(layout.list);
    }
    value
}

fn event(event: &Event, printed: &[String]) -> Value {
    let function = event.function.strip_prefix("bpf_").unwrap_or(&event.function);
    let kind = function.strip_prefix("dynptr_").unwrap_or(function);
    let result = match event.result {
        EventAccess::Direct => json!("direct"),
        EventAccess::Buffer => json!("buffer"),
        EventAccess::Null => json!("null"),
        EventAccess::Done => json!("done"),
        EventAccess::Error(errno) => json!(errno),
        EventAccess::Sent(interface) => json!({ "sent": interface }),
    };
    let mut document = json!({
        "kind": kind,
        "offset": event.offset,
        "len": event.len,
        "result": result,
        "location": location(&event.at),
    });
    if let Target::Printed(index) = event.target {
        document["text"] = json!(printed.get(index));
    }
    document
}

fn location(at: &Location) -> Value {
    if at.line == 0 {
        return json!({ "file": null, "line": null, "column": null, "insn": at.insn });
    }
    json!({ "file": &*at.file, "line": at.line, "column": at.column, "insn": at.insn })
}

fn divergence(divergence: &Divergence, rule: Option<&str>) -> Value {
    let (first, other) = divergence.between;
    let bytes = match divergence.what {
        What::Packet(from, to) => json!([from, to]),
        _ => Value::Null,
    };
    json!({
        "between": [first, other],
        "what": divergence.what.name(),
        "rule": rule,
        "bytes": bytes,
        "cause": divergence.cause.location().map(location),
        "message": text::message(divergence),
        "found_after": divergence.found_after,
    })
}
