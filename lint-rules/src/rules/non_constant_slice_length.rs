//! The length of a slice must be known when the program is loaded.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "non-constant-slice-length",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M19"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("non_constant_slice_length.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        if !call.api.slices() || !call.length_varies {
            continue;
        }
        let Some(length) = call.call.args.last().copied() else { continue };
        let text = cx.quote(length);
        let kernel = if call.api == Api::Data { "R3 is not a known constant'" } else { "R4 must be a known constant" };
        cx.report(observation, format!("the length `{text}` is not a constant"))
            .at(length)
            .help("slice chunks of constant size, or use `bpf_dynptr_read`, whose length may vary")
            .kernel_says(kernel)
            .emit();
    }
}
