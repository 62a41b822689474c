//! `bpf_dynptr_data` gives no pointer into packets.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{Access, Api, DynptrCall, Kinds, Tri};
use flow::{Fact, Observation};
use text::Edit;

use crate::fixes::{self, WriteBackText};
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-data-on-packet",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M23"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("dynptr_data_on_packet.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::Data, Some(dynptr)) = (call.api, &call.dynptr) else { continue };
        let packet = Kinds::SKB.with(Kinds::XDP).with(Kinds::SKB_META);
        if !dynptr.kinds.only(packet) && dynptr.read_only != Tri::Yes {
            continue;
        }
        let name = cx.dynptr(&call.call, 0);
        let over = if dynptr.kinds.only(Kinds::XDP) { "an xdp packet" } else { "an skb" };
        let edits = edits(cx, observation, call);
        cx.report(
            observation,
            format!("`bpf_dynptr_data` always returns NULL here: {name} is over {over}"),
        )
        .label_opt(dynptr.made, "the dynptr is made here")
        .help("use `bpf_dynptr_slice` or `bpf_dynptr_slice_rdwr` with a buffer")
        .fix(fixes::doubtful("use a slice with a buffer", edits))
        .emit();
    }
}

/// A slice with a buffer of its own; writable and written back if something is stored through the pointer.
fn edits(cx: &RuleCx<'_>, observation: &Observation, call: &DynptrCall) -> Vec<Edit> {
    let view = &call.call;
    let accesses = cx.facts().filter_map(|(_, fact)| match fact {
        Fact::Access(access) if access.slice.call.span == view.span => Some(&**access),
        _ => None,
    });
    let accesses: Vec<&Access> = accesses.collect();
    let name = accesses.first().map_or("", |access| access.slice.name.as_str());
    let length = call.length.and_then(domains::Scalar::as_constant);
    let Some(argument) = cx.argument_span(view, 2) else { return Vec::new() };
    let Some(buffer) = cx.new_buffer(name, (view, length), argument) else { return Vec::new() };
    let mut edits = buffer.declaration;
    edits.push(Edit::insert(argument.start, format!("{}, ", buffer.argument)));
    let mut callee = "bpf_dynptr_slice";
    if let Some(last) =
        accesses.iter().filter(|access| access.write).max_by_key(|access| access.pointer)
    {
        callee = "bpf_dynptr_slice_rdwr";
        let parts = (cx.argument(view, 0), cx.argument(view, 1), cx.argument(view, 2));
        let (Some(dynptr), Some(offset), Some(length)) = parts else { return Vec::new() };
        let allowed = observation.program.is_some_and(|program| program.packet_write);
        let places = cx.write_back_places(&last.slice, last.pointer, None);
        if !allowed || name.is_empty() || places.is_empty() {
            return Vec::new();
        }
        let cast = if length == format!("sizeof(*{name})") { "" } else { "(void *)" };
        let pointer = format!("{cast}{name}");
        let text = WriteBackText { pointer, dynptr, offset, buffer: buffer.argument, length };
        edits.extend(places.iter().flat_map(|place| cx.insert_at(place, &text.lines())));
    }
    match cx.rename_call(view, callee) {
        Some(rename) => edits.push(rename),
        None => return Vec::new(),
    }
    edits
}
