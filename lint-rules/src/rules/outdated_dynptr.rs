//! A dynptr keeps the size and place it had when it was made.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, DynptrCall};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "outdated-dynptr",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M37"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("outdated_dynptr.md"),
    check,
};

/// Helpers that change only the end of the packet.
const AT_THE_END: &[&str] = &["bpf_xdp_adjust_tail", "bpf_skb_change_tail"];

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some((at, helper)) = call.dynptr.as_ref().and_then(|dynptr| dynptr.outdated.clone()) else { continue };
        if !call.api.accesses() || AT_THE_END.contains(&helper.as_str()) && stays_inside(call) {
            continue;
        }
        let name = cx.dynptr(&call.call, if call.api == Api::Read { 2 } else { 0 });
        cx.report(observation, format!("{name} describes the packet from before `{helper}`"))
            .label(at, "the packet changes here")
            .label_opt(call.dynptr.as_ref().and_then(|dynptr| dynptr.made), "the dynptr is made here")
            .help("make the dynptr anew after every helper that moves or resizes the packet")
            .emit();
    }
}

/// A constant offset from the start is meant for bytes that the end does not reach.
fn stays_inside(call: &DynptrCall) -> bool {
    call.offset.is_some_and(|offset| offset.max() <= 0xffff)
}
