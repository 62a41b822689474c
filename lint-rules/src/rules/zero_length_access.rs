//! An access of no bytes does nothing and reports success.

use diagnostic::{Applicability, Fix, KernelVerdict, Severity};
use flow::observe::{Api, DynptrCall};
use text::Span;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "zero-length-access",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M10"],
    since: Some("5.19"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("zero_length_access.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (offset, length) = match call.api {
            Api::Write => (1, 3),
            Api::Read => (3, 1),
            Api::Memset => (1, 2),
            _ => continue,
        };
        if !always_zero(cx, call.call.span) {
            continue;
        }
        let fix = fix(cx, call, (offset, length));
        let order = if call.api == Api::Read {
            "dst, len, src, offset, flags"
        } else {
            "dst, offset, src, len, flags"
        };
        let name = &call.call.name;
        let label = call.call.args.get(length).copied();
        let message = format!("`{name}` with length 0 does nothing and reports success");
        let help = if call.api == Api::Memset {
            "pass the number of bytes".to_owned()
        } else {
            format!("the arguments of `{name}` are ({order})")
        };
        cx.report(observation, message).label_opt(label, "the length").help(help).fix(fix).emit();
    }
}

/// Whether the length is 0 on every path to the call: a variable that is 0 at first is no mistake.
fn always_zero(cx: &RuleCx<'_>, call: Span) -> bool {
    let mut lengths =
        cx.calls().filter(|(_, other)| other.call.span == call).map(|(_, other)| other.length);
    lengths.all(|length| length.and_then(domains::Scalar::as_constant) == Some(0))
}

/// Offset and length the other way round, if the offset looks like a length; otherwise the size of the variable.
fn fix(cx: &RuleCx<'_>, call: &DynptrCall, (offset, length): (usize, usize)) -> Option<Fix> {
    let view = &call.call;
    let (is, zero) = (cx.argument(view, offset)?, cx.argument(view, length)?);
    let constant =
        call.offset.and_then(domains::Scalar::as_constant).is_some_and(|offset| offset != 0);
    if constant && (is.starts_with("sizeof") || call.api == Api::Memset) {
        let edits =
            [cx.replace_argument(view, offset, zero), cx.replace_argument(view, length, is)];
        return fixes::doubtful(
            "swap offset and length",
            edits.into_iter().collect::<Option<_>>()?,
        );
    }
    let data = if call.api == Api::Read { 0 } else { 2 };
    let variable = cx.argument(view, data).filter(|_| call.api != Api::Memset)?;
    let size = format!("sizeof({})", variable.strip_prefix('&')?);
    let edit = cx.replace_argument(view, length, size.clone())?;
    fixes::doubtful(format!("pass `{size}`"), vec![edit])
}
