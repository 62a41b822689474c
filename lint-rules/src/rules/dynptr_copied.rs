//! The bytes of a dynptr cannot be copied.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "dynptr-copied",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M55", "M56"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("dynptr_copied.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        match fact {
            Fact::DynptrCopied { to, from } => {
                let name = cx.named(*from);
                let edits = edits(cx, observation.span, *to, *from);
                cx.report(observation, format!("`{name}` is opaque and cannot be copied"))
                    .help("use `bpf_dynptr_clone`")
                    .kernel_says("invalid read from stack off -16+0 size 8")
                    .fix(fixes::doubtful("clone it", edits))
                    .emit();
            }
            Fact::DynptrPassed { function, written: false } => {
                let name = cx.named(observation.span);
                cx.report(observation, format!("`{name}` is opaque: `{function}` cannot read it"))
                    .help("store offset and length, and make the dynptr anew from them")
                    .kernel_says("invalid read from stack R3 off -16+0 size 16")
                    .emit();
            }
            _ => {}
        }
    }
}

fn edits(cx: &RuleCx<'_>, assignment: Span, to: Option<Span>, from: Span) -> Vec<Edit> {
    let Some(to) = to else { return Vec::new() };
    let whole =
        assignment.contains(to) && assignment.contains(from) && to.start == assignment.start;
    if !whole || from.end != assignment.end {
        return Vec::new();
    }
    vec![Edit::replace(
        assignment,
        format!("bpf_dynptr_clone(&{}, &{})", cx.quote(from), cx.quote(to)),
    )]
}
