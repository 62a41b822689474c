//! Some calls move the packet without the verifier taking notice.

use diagnostic::{KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, StaleCause};

use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "unnoticed-stale-slice",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &["M41", "M42", "M43"],
    since: Some("6.4"),
    fix: None,
    page: include_str!("unnoticed_stale_slice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::Access(access) = fact else { continue };
        let Some((cause, at)) = &access.stale else { continue };
        let why = match cause {
            StaleCause::Bulk(name) => format!("`{name}` on the same skb may have moved the packet"),
            StaleCause::GlobalFunction(name) => format!("`{name}` writes to the skb and may have moved the packet"),
            StaleCause::Remade if access.slice.kind != SliceKind::Data => {
                "the dynptr has been made anew over other memory".to_owned()
            }
            _ => continue,
        };
        let pointer = cx.slice(&access.slice);
        cx.report(observation, format!("{pointer} is used although {why}"))
            .label(access.slice.call.span, "the slice is made here")
            .label(*at, "it should be taken for invalid from here on")
            .help("slice again; the verifier does not see this")
            .emit();
    }
}
