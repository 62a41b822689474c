//! A reservation is given back once.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{DynptrState, Kinds};
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-released-twice",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M47"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("dynptr_released_twice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(dynptr) = call.dynptr.as_ref().filter(|_| call.api.releases()) else { continue };
        let name = cx.dynptr(&call.call, 0);
        let (message, before) = match &dynptr.state {
            DynptrState::Released { at, elsewhere: false } => (format!("{name} has been given back already"), Some(*at)),
            DynptrState::Live if !dynptr.constant && dynptr.kinds.only(NOT_RESERVED) => {
                (format!("{name} holds no reservation"), dynptr.made)
            }
            _ => continue,
        };
        let edits = match cx.plain_statement(call.call.span) {
            Some(stmt) if stmt.start == call.call.span.start => vec![cx.delete(stmt)],
            _ => Vec::new(),
        };
        let label = if matches!(dynptr.state, DynptrState::Live) { "made here" } else { "given back here" };
        cx.report(observation, message)
            .label_opt(before, label)
            .help("submit or discard each reservation once, through it or one of its clones")
            .kernel_says("arg 1 is an unacquired reference")
            .fix(fixes::doubtful("delete the second release", edits))
            .emit();
    }
}

/// Kinds of dynptrs that are not reserved.
const NOT_RESERVED: Kinds = Kinds::PACKET_OR_MAP;
