//! Pointers into the packet end when the packet may move.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;
use flow::observe::StaleCause;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "stale-packet-pointer",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M40"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("stale_packet_pointer.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::StalePacketAccess { cause, at } = fact else { continue };
        let why = match cause {
            StaleCause::Helper(name) => format!("`{name}`"),
            _ => "`bpf_dynptr_write`".to_owned(),
        };
        cx.report(observation, format!("this packet pointer is from before {why}, which may move the packet"))
            .label(*at, "it is no longer valid from here on")
            .help("read `data` and `data_end` again and check the bounds")
            .kernel_says("R0 invalid mem access 'scalar'")
            .emit();
    }
}
