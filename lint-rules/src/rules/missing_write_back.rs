//! What is stored through a slice that may be the buffer must be written back to the packet.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::LostStore;
use text::Span;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "missing-write-back",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M01"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("missing_write_back.md"),
    check,
};

/// The paths of one slice on which stores are lost.
struct Lost<'a> {
    first_store: &'a flow::Observation,
    paths: Vec<&'a LostStore>,
}

fn check(cx: &mut RuleCx<'_>) {
    let mut slices: Vec<(Span, Lost<'_>)> = Vec::new();
    for (observation, fact) in cx.facts() {
        let Fact::LostStore(path) = fact else { continue };
        let call = path.slice.call.span;
        match slices.iter_mut().find(|(span, _)| *span == call) {
            Some((_, lost)) => {
                if observation.span < lost.first_store.span {
                    lost.first_store = observation;
                }
                lost.paths.push(path);
            }
            None => slices.push((call, Lost { first_store: observation, paths: vec![path] })),
        }
    }
    for (call, lost) in slices {
        if !is_inverted(cx, call) {
            report(cx, call, &lost);
        }
    }
}

/// A write-back on the wrong branch is one mistake, reported as such.
fn is_inverted(cx: &RuleCx<'_>, call: Span) -> bool {
    cx.facts().any(|(_, fact)| matches!(fact, Fact::InvertedWriteBack { slice, .. } if slice.call.span == call))
}

fn report(cx: &mut RuleCx<'_>, call: Span, lost: &Lost<'_>) {
    let slice = &lost.paths[0].slice;
    let (pointer, buffer) = (cx.slice(slice), cx.buffer(slice));
    let bytes =
        slice.length.map_or_else(|| "the bytes".to_owned(), |length| format!("the {length} bytes"));
    let message = format!(
        "{bytes} written through {pointer} are lost when the packet is not contiguous: {pointer} may point to `{buffer}`"
    );
    let start_of_packet =
        slice.offset.zip(slice.length).is_some_and(|(offset, length)| offset + length <= 14);
    let severity = if start_of_packet { Severity::Warning } else { Severity::Error };
    let fix = fixes::safe(format!("write `{buffer}` back"), cx.write_back_on(&lost.paths));
    let buffer_span = slice.call.args.get(2).copied();
    let mut report = cx
        .report(lost.first_store, message)
        .severity(severity)
        .label(call, "the slice is made here")
        .label_opt(buffer_span, "the bytes are copied here if they are not contiguous")
        .help(format!("after the last store, write `{buffer}` back if the slice is that buffer"));
    let mut leaves: Vec<Span> = lost.paths.iter().map(|path| path.leave).collect();
    leaves.sort_unstable();
    leaves.dedup();
    for leave in leaves.into_iter().take(3) {
        report = report.label(leave, "the packet goes on from here without them");
    }
    report.fix(fix).emit();
}
