//! A reservation must be submitted or discarded on every path, even if it failed.

use diagnostic::{Applicability, Fix, KernelVerdict, Severity};
use flow::observe::Unreleased;
use flow::{Fact, Observation};
use syntax::ast::StmtKind;

use crate::fixes::{self, Seat};
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
        let (discard, submit) = fixes(cx, observation, leak);
        cx.report(observation, message)
            .label(leak.call.span, "reserved here")
            .help("call `bpf_ringbuf_discard_dynptr` before leaving; it does nothing on a failed reservation")
            .kernel_says("BPF_EXIT instruction in main prog would lead to reference leak")
            .fix(discard)
            .fix(submit)
            .emit();
    }
}

/// Discarding, and submitting where the record may have been filled. Nothing where other paths end too that do not
/// hold the reservation.
fn fixes(
    cx: &RuleCx<'_>,
    observation: &Observation,
    leak: &Unreleased,
) -> (Option<Fix>, Option<Fix>) {
    let name = cx.dynptr(&leak.call, 3);
    let Some(dynptr) = cx.argument(&leak.call, 3).filter(|_| leak.same_function && leak.always)
    else {
        return (None, None);
    };
    let leave = observation.span;
    let release = |call: String| cx.before_leaving(leave, &[call], cx.result_needs_record(leave));
    let discard = release(fixes::discard(&dynptr));
    let tested = |seat: &Seat<'_>| matches!(&seat.stmt.kind, StmtKind::If { cond, .. } if cond.span.contains(leak.call.span));
    let failed = leak.failed || cx.seats(leave).iter().any(tested);
    let submit = if failed {
        Vec::new()
    } else {
        release(format!("bpf_ringbuf_submit_dynptr({dynptr}, 0);"))
    };
    (
        fixes::safe(format!("discard {name}"), discard),
        fixes::doubtful(format!("submit {name}"), submit),
    )
}
