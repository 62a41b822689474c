//! Un-cloning an skb drops its metadata.

use diagnostic::{KernelVerdict, Severity};
use kernel_model::Version;
use flow::observe::Api;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "outdated-metadata-dynptr",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M71"],
    since: Some("6.18"),
    fix: None,
    page: include_str!("outdated_metadata_dynptr.md"),
    check,
};

/// Metadata survive from here on.
const KEPT: Version = Version { major: 6, minor: 19 };

fn check(cx: &mut RuleCx<'_>) {
    if cx.kernel() >= KEPT {
        return;
    }
    for (observation, call) in cx.calls() {
        let Some(at) = call.dynptr.as_ref().and_then(|dynptr| dynptr.metadata_lost) else { continue };
        if !call.api.accesses() {
            continue;
        }
        let name = cx.dynptr(&call.call, if call.api == Api::Read { 2 } else { 0 });
        cx.report(observation, format!("the metadata under {name} may be gone"))
            .label(at, "this may un-clone the skb, which drops its metadata")
            .help("read the metadata first, or make the dynptr anew and check its size")
            .emit();
    }
}
