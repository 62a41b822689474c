//! Programs that may not write packets get read-only dynptrs.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, Tri};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "write-to-read-only-dynptr",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M65"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("write_to_read_only_dynptr.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = &call.dynptr else { continue };
        let writes = call.api == Api::Write || call.api.bulk_writes();
        if !writes || dynptr.read_only != Tri::Yes {
            continue;
        }
        let title = observation.program.map_or("such", |program| program.title);
        let name = cx.dynptr(&call.call, 0);
        cx.report(observation, format!("{name} is read-only in {title} programs: this always fails"))
            .label_opt(dynptr.made, "the dynptr is made here")
            .help("remove the write, or move it to a program type that may write packets")
            .emit();
    }
}
