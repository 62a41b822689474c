//! A write-back must go to the bytes the slice shows.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, WriteBack};
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "write-back-mismatch",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M02", "M03", "M06"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("write_back_mismatch.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::WriteBack(write) = fact else { continue };
        if write.slice.kind != SliceKind::ReadWrite {
            continue;
        }
        let Some(message) = mismatch(cx, write) else { continue };
        let fix = fixes::safe("write back what the slice shows", edits(cx, write));
        cx.report(observation, message)
            .label(write.slice.call.span, "the slice is made here")
            .label_opt(write.moved, "the view moves here")
            .help("write back with the dynptr, offset, buffer and length of the slice call")
            .fix(fix)
            .emit();
    }
}

fn mismatch(cx: &RuleCx<'_>, write: &WriteBack) -> Option<String> {
    let buffer = cx.buffer(&write.slice);
    if write.other_buffer {
        let data = write.call.args.get(2).map(|span| cx.named(*span)).unwrap_or_default();
        return Some(format!("`{data}` is written where `{buffer}` should be written back"));
    }
    if write.other_memory {
        return Some(format!("`{buffer}` is written back to another dynptr than it was taken from"));
    }
    let from = i64::try_from(write.source_offset.unwrap_or(0)).ok()?;
    if let Some(difference) = write.offset_difference.map(|difference| difference - from).filter(|d| *d != 0) {
        let direction = if difference > 0 { "behind" } else { "in front of" };
        let bytes = difference.unsigned_abs();
        let why = if write.moved.is_some() { ", because the view has moved since" } else { "" };
        return Some(format!("`{buffer}` is written back {bytes} bytes {direction} the place it was taken from{why}"));
    }
    let surplus = write.length_difference.map(|difference| difference + from)?;
    if surplus > 0 {
        return Some(format!("{surplus} bytes more are written back than the slice has"));
    }
    let bytes = surplus.unsigned_abs();
    (surplus < 0 && write.covers_stores == Some(false))
        .then(|| format!("the last {bytes} bytes are not written back, though bytes among them were changed"))
}

fn edits(cx: &RuleCx<'_>, write: &WriteBack) -> Vec<Edit> {
    let ([to, offset, _, length, ..], [dynptr, own_offset, _, own_length, ..]) =
        (&write.call.args[..], &write.slice.call.args[..])
    else {
        return Vec::new();
    };
    if write.moved.is_some() || write.source_offset != Some(0) {
        return Vec::new();
    }
    [(to, dynptr), (offset, own_offset), (length, own_length)]
        .into_iter()
        .filter(|(is, should)| cx.quote(**is) != cx.quote(**should))
        .map(|(is, should)| Edit::replace(*is, cx.quote(*should)))
        .collect()
}
