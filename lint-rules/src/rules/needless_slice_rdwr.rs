//! A writable slice that is only read costs every cloned packet a copy.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "needless-slice-rdwr",
    group: "dynptr",
    severity: Severity::Info,
    kernel: KernelVerdict::Accepts,
    covers: &["M60"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("needless_slice_rdwr.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::NeverStored { call } = fact else { continue };
        let allowed = observation.program.is_none_or(|program| program.packet_write);
        if !allowed {
            continue;
        }
        let edits = cx.rename_call(call, "bpf_dynptr_slice").into_iter().collect();
        cx.report(observation, "nothing is stored through this writable slice")
            .help("use `bpf_dynptr_slice`: one `bpf_dynptr_slice_rdwr` makes the kernel un-clone every packet")
            .fix(fixes::safe("make the slice read-only", edits))
            .emit();
    }
}
