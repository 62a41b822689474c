//! A slice of a packet ends when the packet may move.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, StaleCause};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "stale-slice",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M38", "M39"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("stale_slice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        let Some((cause, at)) = &access.stale else { continue };
        let data = access.slice.kind == SliceKind::Data;
        let why = match cause {
            StaleCause::Helper(name) => format!("`{name}` may have moved the packet"),
            StaleCause::Write => "the write to the skb may have moved the packet".to_owned(),
            StaleCause::Remade if data => "the dynptr has been made anew".to_owned(),
            StaleCause::Released if data => "the record has been given back".to_owned(),
            _ => continue,
        };
        let pointer = cx.slice(&access.slice);
        cx.report(observation, format!("{pointer} is used although {why}"))
            .label(access.slice.call.span, "the slice is made here")
            .label(*at, "it is no longer valid from here on")
            .help("slice again")
            .kernel_says("R0 invalid mem access 'scalar'")
            .emit();
    }
}
