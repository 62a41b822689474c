//! The address of a slice is a kernel address.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "slice-address-leaked",
    group: "dynptr",
    severity: Severity::Info,
    kernel: KernelVerdict::Accepts,
    covers: &["M67"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("slice_address_leaked.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::AddressLeaked { slice } = fact else { continue };
        let pointer = cx.slice(slice);
        cx.report(observation, format!("the address in {pointer} leaves the program as a number"))
            .label(slice.call.span, "the slice is made here")
            .help("store the bytes, not the pointer")
            .emit();
    }
}
