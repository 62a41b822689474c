//! The bytes are where the returned pointer points, not always in the buffer.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, SliceView};
use text::{Edit, Span};

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "buffer-instead-of-slice",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M11", "M12"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("buffer_instead_of_slice.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::BufferUse { slice, write } = fact else { continue };
        let (pointer, buffer) = (cx.slice(slice), cx.buffer(slice));
        let message = if *write {
            format!("a store to `{buffer}` does not reach the packet when {pointer} points into it")
        } else {
            format!("`{buffer}` is not filled when {pointer} points into the packet")
        };
        let fix =
            fixes::doubtful("use the returned pointer", edits(cx, slice, observation.span, *write));
        cx.report(observation, message)
            .label(slice.call.span, "the bytes are where the result of this call points")
            .help("use the pointer that the call returns")
            .fix(fix)
            .emit();
    }
}

/// The pointer instead of the buffer, and the write-back that a store needs.
fn edits(cx: &RuleCx<'_>, slice: &SliceView, place: Span, write: bool) -> Vec<Edit> {
    let Some(argument) = cx.argument(&slice.call, 2) else { return Vec::new() };
    let (text, name) = (cx.quote(place), slice.name.as_str());
    if name.is_empty() {
        return Vec::new();
    }
    let instead = match argument.strip_prefix('&') {
        Some(object) => {
            let field = text.strip_prefix(object).and_then(|rest| rest.strip_prefix('.'));
            field.map(|field| format!("{name}->{field}"))
        }
        None => {
            let rest = text.strip_prefix(argument.as_str()).filter(|rest| rest.starts_with('['));
            rest.map(|rest| format!("{name}{rest}"))
        }
    };
    let Some(instead) = instead else { return Vec::new() };
    let mut edits = vec![Edit::replace(place, instead)];
    if write && slice.kind == SliceKind::ReadWrite && !cx.is_written_back(slice) {
        match cx.write_back_after(slice, &[place]) {
            Some(writes) => edits.extend(writes),
            None => edits.clear(),
        }
    }
    edits
}
