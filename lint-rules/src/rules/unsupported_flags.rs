//! Flags that a function does not have make it fail.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::{Api, DynptrCall, Kinds};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "unsupported-flags",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M29", "M30"],
    since: Some("5.19"),
    fix: Some(Applicability::Safe),
    page: include_str!("unsupported_flags.md"),
    check,
};

/// `BPF_F_RECOMPUTE_CSUM` and `BPF_F_INVALIDATE_HASH`.
const WRITE_FLAGS: i128 = 3;

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let Some(flags) =
            call.flags.and_then(domains::Scalar::as_constant).filter(|flags| *flags != 0)
        else {
            continue;
        };
        let Some((position, message)) = unsupported(call, flags) else { continue };
        let Some(argument) = call.call.args.get(position).copied() else { continue };
        let edits = cx.replace_argument(&call.call, position, "0").into_iter().collect();
        cx.report(observation, message)
            .at(argument)
            .help("pass 0")
            .fix(fixes::safe("pass 0", edits))
            .emit();
    }
}

/// The position of the flags and what is wrong with them.
fn unsupported(call: &DynptrCall, flags: i128) -> Option<(usize, String)> {
    let name = &call.call.name;
    match call.api {
        Api::FromSkb | Api::FromXdp | Api::FromSkbMeta => {
            Some((1, format!("`{name}` has no flags: the dynptr becomes null")))
        }
        Api::FromMem | Api::Reserve => {
            Some((2, format!("`{name}` has no flags: the dynptr becomes null")))
        }
        Api::Read => Some((4, format!("`{name}` has no flags: nothing is read"))),
        Api::Write => {
            let kinds = call.dynptr.as_ref()?.kinds;
            let skb = kinds.any(Kinds::SKB.with(Kinds::UNKNOWN));
            let known = flags & !WRITE_FLAGS == 0;
            (!(skb && known)).then(|| {
                (
                    4,
                    format!(
                        "`{name}` has no such flags for this kind of dynptr: nothing is written"
                    ),
                )
            })
        }
        _ => None,
    }
}
