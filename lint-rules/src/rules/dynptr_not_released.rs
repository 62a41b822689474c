//! A reservation must be submitted or discarded on every path, even if it failed.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::{Fact, Observation};
use flow::observe::Unreleased;
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-not-released",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M45", "M46"],
    since: Some("5.19"),
    fix: Some(Applicability::Safe),
    page: include_str!("dynptr_not_released.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Unreleased(leak) = fact else { continue };
        let name = cx.dynptr(&leak.call, 3);
        let message = if leak.failed {
            format!("{name} is not released: a reservation that failed must be given back too")
        } else {
            format!("{name} is neither submitted nor discarded on this path")
        };
        let fix = fixes::safe(format!("discard {name}"), edits(cx, observation, leak));
        cx.report(observation, message)
            .label(leak.call.span, "reserved here")
            .help("call `bpf_ringbuf_discard_dynptr` before leaving; it does nothing on a failed reservation")
            .kernel_says("BPF_EXIT instruction in main prog would lead to reference leak")
            .fix(fix)
            .emit();
    }
}

fn edits(cx: &RuleCx<'_>, observation: &Observation, leak: &Unreleased) -> Vec<Edit> {
    let Some(dynptr) = leak.call.args.get(3).map(|span| cx.quote(*span)) else { return Vec::new() };
    if !leak.same_function {
        return Vec::new();
    }
    let discard = format!("bpf_ringbuf_discard_dynptr({dynptr}, 0);");
    let text = observation.span.text(cx.text());
    if text == "}" {
        let at = observation.span;
        return vec![Edit::insert(at.start, format!("\t{discard}\n"))];
    }
    match cx.statement(observation.span) {
        Some(stmt) if stmt.span == observation.span => vec![cx.insert_before(stmt.span, &[&discard])],
        // `if (…) return …;`
        _ => vec![Edit::replace(observation.span, format!("{{ {discard} {text} }}"))],
    }
}
