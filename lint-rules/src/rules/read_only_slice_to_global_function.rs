//! Global functions take only memory they could write to.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::SliceKind;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "read-only-slice-to-global-function",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M70"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("read_only_slice_to_global_function.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::GlobalArgument { slice, function } = fact else { continue };
        if slice.kind != SliceKind::ReadOnly {
            continue;
        }
        let pointer = cx.slice(slice);
        let edits = cx.static_edit(function);
        let allowed = observation.program.is_some_and(|program| program.packet_write);
        let rename = cx.rename_call(&slice.call, "bpf_dynptr_slice_rdwr").filter(|_| allowed);
        let writable = fixes::doubtful("make the slice writable", rename.into_iter().collect());
        cx.report(
            observation,
            format!("`{function}` is global and does not take the read-only {pointer}"),
        )
        .label(slice.call.span, "the slice is made here")
        .help(format!("make `{function}` static, or pass the dynptr"))
        .kernel_says("R1 cannot write into rdonly_mem")
        .fix(fixes::doubtful(format!("make `{function}` static"), edits))
        .fix(writable)
        .emit();
    }
}
