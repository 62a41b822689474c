//! `bpf_dynptr_slice` gives bytes to read.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::{Fact, Observation};
use flow::observe::{Access, SliceKind, Tri};
use text::{Edit, Span};
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "store-to-read-only-slice",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M21"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("store_to_read_only_slice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    let stores: Vec<(&Observation, &Access)> = cx
        .facts()
        .filter_map(|(observation, fact)| match fact {
            Fact::Access(access) if is_store(access) => Some((observation, &**access)),
            _ => None,
        })
        .collect();
    for (observation, access) in &stores {
        let pointer = cx.slice(&access.slice);
        let edits = edits(cx, observation, access, &stores);
        cx.report(observation, format!("{pointer} is read-only: it was made by `bpf_dynptr_slice`"))
            .label(access.slice.call.span, "the slice is made here")
            .help("use `bpf_dynptr_slice_rdwr` and write the buffer back")
            .kernel_says("R0 cannot write into rdonly_mem")
            .fix(fixes::doubtful("make the slice writable", edits))
            .emit();
    }
}

fn is_store(access: &Access) -> bool {
    access.write && access.slice.kind == SliceKind::ReadOnly && access.slice.null == Tri::No && access.stale.is_none()
}

/// The writable call, and a write-back behind the last store of each block.
fn edits(cx: &RuleCx<'_>, observation: &Observation, access: &Access, stores: &[(&Observation, &Access)]) -> Vec<Edit> {
    let slice = &access.slice;
    let allowed = observation.program.is_some_and(|program| program.packet_write);
    let (true, Some(rename)) = (allowed, cx.rename_call(&slice.call, "bpf_dynptr_slice_rdwr")) else {
        return Vec::new();
    };
    let mut last: Vec<(Span, Span)> = Vec::new();
    for (place, _) in stores.iter().filter(|(_, other)| other.slice.call == slice.call) {
        let same_function = place.function == slice.function;
        let Some(stmt) = cx.statement(place.span).filter(|_| same_function) else { return Vec::new() };
        match last.iter_mut().find(|(list, _)| *list == stmt.list) {
            Some((_, span)) => *span = (*span).max(stmt.span),
            None => last.push((stmt.list, stmt.span)),
        }
    }
    let mut edits = vec![rename];
    if cx.buffer(slice) != "NULL" {
        let Some(lines) = cx.write_back_lines(slice) else { return Vec::new() };
        edits.extend(last.iter().map(|(_, stmt)| cx.insert_after(*stmt, &[&lines[0], &lines[1]])));
    }
    edits
}
