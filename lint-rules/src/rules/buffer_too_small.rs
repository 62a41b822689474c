//! The buffer must hold as many bytes as the slice has.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
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
        let (true, Some(room), Some(length)) = (call.api.slices(), call.room, length) else {
            continue;
        };
        if room >= length {
            continue;
        }
        let (Some(argument), Some(buffer)) = (call.call.args.get(3), call.call.args.get(2)) else {
            continue;
        };
        let name = cx.named(*buffer);
        let fix =
            fixes::safe(format!("make `{name}` {length} bytes long"), enlarge(cx, call, *argument));
        let shorter = fixes::doubtful("take a shorter slice", shorten(cx, call, room));
        cx.report(observation, format!("`{name}` has {room} bytes, the slice {length}"))
            .at(*argument)
            .label_opt(call.buffer_declared, format!("{room} bytes"))
            .help(format!("enlarge `{name}`, or ask for at most {room} bytes"))
            .kernel_says("arg#2 arg#3 memory, len pair leads to invalid memory access")
            .fix(fix)
            .fix(shorter)
            .emit();
    }
}

/// A slice as long as the buffer, where no access needs a longer one.
fn shorten(cx: &RuleCx<'_>, call: &DynptrCall, room: i128) -> Vec<Edit> {
    let mut accesses = cx.facts().filter_map(|(_, fact)| match fact {
        Fact::Access(access) if access.slice.call == call.call => Some(access),
        _ => None,
    });
    let all = accesses.all(|access| {
        access.size.is_some_and(|size| access.offset.hi().saturating_add(size) <= room)
    });
    let buffer = cx.argument(&call.call, 2).filter(|_| all && call.buffer_declared.is_some());
    let size =
        buffer.map(|buffer| format!("sizeof({})", buffer.strip_prefix('&').unwrap_or(&buffer)));
    size.and_then(|size| cx.replace_argument(&call.call, 3, size)).into_iter().collect()
}

/// An array of bytes as long as the slice. The names in the length need not be there where the buffer is declared.
fn enlarge(cx: &RuleCx<'_>, call: &DynptrCall, length: Span) -> Vec<Edit> {
    let number =
        call.length.and_then(domains::Scalar::as_constant).map(|number| number.to_string());
    let wanted = cx.sizeof_type(length).or(number);
    wanted.and_then(|wanted| cx.resize_buffer(call, wanted)).into_iter().collect()
}
