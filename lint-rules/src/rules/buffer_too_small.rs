//! The buffer must hold as many bytes as the slice has.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::DynptrCall;
use text::{Edit, Span};
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "buffer-too-small",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &["M17"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("buffer_too_small.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let length = call.length.and_then(domains::Scalar::as_constant);
        let (true, Some(room), Some(length)) = (call.api.slices(), call.room, length) else { continue };
        if room >= length {
            continue;
        }
        let (Some(argument), Some(buffer)) = (call.call.args.get(3), call.call.args.get(2)) else { continue };
        let name = cx.named(*buffer);
        let fix = fixes::safe(format!("make `{name}` {length} bytes long"), enlarge(cx, call, *argument));
        cx.report(observation, format!("`{name}` has {room} bytes, the slice {length}"))
            .at(*argument)
            .label_opt(call.buffer_declared, format!("{room} bytes"))
            .help(format!("enlarge `{name}`, or ask for at most {room} bytes"))
            .kernel_says("arg#2 arg#3 memory, len pair leads to invalid memory access")
            .fix(fix)
            .emit();
    }
}

/// Declares an array of bytes as long as the slice.
fn enlarge(cx: &RuleCx<'_>, call: &DynptrCall, length: Span) -> Vec<Edit> {
    let Some(declared) = call.buffer_declared else { return Vec::new() };
    let behind = &cx.text()[declared.end as usize..];
    let dimension = behind.strip_prefix('[').and_then(|rest| rest.find(']').map(|end| &rest[..end]));
    let Some(dimension) = dimension.filter(|_| call.buffer_of_bytes) else { return Vec::new() };
    // Names in the length must already be there where the buffer is declared.
    let text = cx.quote(length);
    let wanted = match call.length.and_then(domains::Scalar::as_constant) {
        Some(number) if text.contains("*") || !text.starts_with("sizeof") => number.to_string(),
        _ => text,
    };
    let start = declared.end + 1;
    let end = start + u32::try_from(dimension.len()).unwrap_or(0);
    vec![Edit::replace(Span::new(start, end), wanted)]
}
