//! `bpf_dynptr_slice` gives bytes to read.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{Access, SliceKind, Tri};
use flow::{Fact, Observation};
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
        cx.report(
            observation,
            format!("{pointer} is read-only: it was made by `bpf_dynptr_slice`"),
        )
        .label(access.slice.call.span, "the slice is made here")
        .help("use `bpf_dynptr_slice_rdwr` and write the buffer back")
        .kernel_says("R0 cannot write into rdonly_mem")
        .fix(fixes::doubtful("make the slice writable", edits))
        .emit();
    }
}

fn is_store(access: &Access) -> bool {
    access.write
        && access.slice.kind == SliceKind::ReadOnly
        && access.slice.null == Tri::No
        && access.stale.is_none()
}

/// The writable call, and a write-back behind the last store of each path.
fn edits(
    cx: &RuleCx<'_>,
    observation: &Observation,
    access: &Access,
    stores: &[(&Observation, &Access)],
) -> Vec<Edit> {
    let slice = &access.slice;
    let allowed = observation.program.is_some_and(|program| program.packet_write);
    let (true, Some(rename)) = (allowed, cx.rename_call(&slice.call, "bpf_dynptr_slice_rdwr"))
    else {
        return Vec::new();
    };
    let mut edits = vec![rename];
    if cx.argument(&slice.call, 2).is_some_and(|buffer| buffer == "NULL") || !slice.kinds.packet() {
        return edits;
    }
    let own = stores.iter().filter(|(_, other)| other.slice.call == slice.call);
    let places: Vec<Span> = own.map(|(place, _)| place.span).collect();
    match cx.write_back_after(slice, &places) {
        Some(writes) => edits.extend(writes),
        None => edits.clear(),
    }
    edits
}
