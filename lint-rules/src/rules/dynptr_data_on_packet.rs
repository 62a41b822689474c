//! `bpf_dynptr_data` gives no pointer into packets.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{Api, DynptrCall, Kinds, Tri};
use text::Edit;
use crate::fixes;
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
        let edits = edits(cx, call);
        cx.report(observation, format!("`bpf_dynptr_data` always returns NULL here: {name} is over {over}"))
            .label_opt(dynptr.made, "the dynptr is made here")
            .help("use `bpf_dynptr_slice` or `bpf_dynptr_slice_rdwr` with a buffer")
            .fix(fixes::doubtful("use `bpf_dynptr_slice`", edits))
            .emit();
    }
}

/// A slice with a buffer declared in front of it, where nothing is stored through the pointer.
fn edits(cx: &RuleCx<'_>, call: &DynptrCall) -> Vec<Edit> {
    let span = call.call.span;
    let slice = cx.facts().find_map(|(_, fact)| match fact {
        Fact::Access(access) if access.slice.call.span == span => Some(access),
        _ => None,
    });
    let stored = cx.facts().any(|(_, fact)| {
        matches!(fact, Fact::Access(access) if access.slice.call.span == span && access.write)
    });
    let (Some(length), Some(stmt), Some(rename)) =
        (call.call.args.get(2), cx.plain_statement(span), cx.rename_call(&call.call, "bpf_dynptr_slice"))
    else {
        return Vec::new();
    };
    let name = slice.map_or("data", |access| access.slice.name.as_str());
    let buffer = format!("{}_buf", if name.is_empty() { "data" } else { name });
    let Some(bytes) = call.length.and_then(domains::Scalar::as_constant) else { return Vec::new() };
    if stored || cx.mentions_word(&buffer) {
        return Vec::new();
    }
    let declaration = cx.insert_before(stmt, &[&format!("__u8 {buffer}[{bytes}];")]);
    vec![declaration, rename, Edit::insert(length.start, format!("{buffer}, "))]
}
