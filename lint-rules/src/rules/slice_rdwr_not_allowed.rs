//! Only programs that may write packets may ask for writable slices.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{Api, CallView, Kinds};
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-rdwr-not-allowed",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M22"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("slice_rdwr_not_allowed.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (Api::SliceRdwr, Some(program)) = (call.api, observation.program) else { continue };
        if program.packet_write {
            continue;
        }
        let stored = is_stored(cx, call.call.span);
        let local = call
            .dynptr
            .as_ref()
            .is_some_and(|dynptr| dynptr.kinds.only(Kinds::LOCAL.with(Kinds::RINGBUF)));
        let fix = if local {
            fixes::safe("use `bpf_dynptr_data`", data_edits(cx, &call.call))
        } else {
            let rename = cx.rename_call(&call.call, "bpf_dynptr_slice").filter(|_| !stored);
            fixes::safe("make the slice read-only", rename.into_iter().collect())
        };
        let help = if local {
            "use `bpf_dynptr_data` for map memory and ring buffer records"
        } else {
            "use `bpf_dynptr_slice`"
        };
        let message = format!(
            "{} programs may not write packets, so they may not ask for writable slices",
            program.title
        );
        cx.report(observation, message)
            .help(help)
            .kernel_says("the prog does not allow writes to packet data")
            .fix(fix)
            .emit();
    }
}

/// Whether anything is stored through a slice of that call.
fn is_stored(cx: &RuleCx<'_>, call: Span) -> bool {
    cx.facts().any(|(_, fact)| matches!(fact, Fact::Access(access) if access.write && access.slice.call.span == call))
}

/// The call that needs no buffer, where nothing compares with the buffer.
fn data_edits(cx: &RuleCx<'_>, call: &CallView) -> Vec<Edit> {
    let compared = cx
        .facts()
        .any(|(_, fact)| matches!(fact, Fact::WriteBack(write) if write.slice.call == *call));
    let (Some(rename), Some(buffer), Some(length)) = (
        cx.rename_call(call, "bpf_dynptr_data"),
        cx.argument_span(call, 2),
        cx.argument_span(call, 3),
    ) else {
        return Vec::new();
    };
    if compared {
        Vec::new()
    } else {
        vec![rename, Edit::replace(Span::new(buffer.start, length.start), "")]
    }
}
