//! Functions whose failure leaves the packet or the view as it was must not be ignored.

use diagnostic::{KernelVerdict, Severity};
use flow::observe::{Api, DynptrCall, Kinds};
use text::Span;

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "result-ignored",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M07", "M34", "M63"],
    since: Some("5.19"),
    fix: None,
    page: include_str!("result_ignored.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        if !call.ignored {
            continue;
        }
        let Some(consequence) = consequence(call) else { continue };
        let name: Span = Span::new(call.call.span.start, call.call.span.end);
        cx.report(observation, format!("the result of `{}` is ignored: {consequence}", call.call.name))
            .at(name)
            .help("check the result, or cast it to `void` if a failure does not matter")
            .emit();
    }
}

/// What goes unnoticed; nothing if the call cannot fail or its failure is harmless.
fn consequence(call: &DynptrCall) -> Option<&'static str> {
    let kinds = call.dynptr.as_ref().map_or(Kinds::UNKNOWN, |dynptr| dynptr.kinds);
    let constant = call.offset.is_some_and(|offset| offset.as_constant().is_some());
    match call.api {
        Api::Write if !constant && !call.is_write_back && !call.range_checked && kinds.packet() => {
            Some("if the range is not in the packet, nothing is written")
        }
        Api::Adjust if call.beyond.is_none() && !call.in_range => {
            Some("if the range is not in the view, the old view stays")
        }
        api if api.bulk_writes() && !call.fits && kinds != Kinds::UNKNOWN => {
            Some("on an error part of the bytes, or none, have been written")
        }
        _ => None,
    }
}
