//! A write-back must go to the bytes the slice shows.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{CallView, SliceKind, WriteBack};
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
        return Some(format!(
            "`{buffer}` is written back to another dynptr than it was taken from"
        ));
    }
    let from = i64::try_from(write.source_offset.unwrap_or(0)).ok()?;
    if let Some(difference) =
        write.offset_difference.map(|difference| difference - from).filter(|d| *d != 0)
    {
        let direction = if difference > 0 { "behind" } else { "in front of" };
        let bytes = difference.unsigned_abs();
        let why = if write.moved.is_some() { ", because the view has moved since" } else { "" };
        return Some(format!(
            "`{buffer}` is written back {bytes} bytes {direction} the place it was taken from{why}"
        ));
    }
    let surplus = write.length_difference.map(|difference| difference + from)?;
    if surplus > 0 {
        return Some(format!("{surplus} bytes more are written back than the slice has"));
    }
    let bytes = surplus.unsigned_abs();
    (surplus < 0 && write.covers_stores == Some(false)).then(|| {
        format!("the last {bytes} bytes are not written back, though bytes among them were changed")
    })
}

fn edits(cx: &RuleCx<'_>, write: &WriteBack) -> Vec<Edit> {
    let (call, own) = (&write.call, &write.slice.call);
    if write.other_buffer {
        let [buffer, length] = [2, 3].map(|position| {
            let text = cx.argument(own, position)?;
            cx.replace_argument(call, position, text)
        });
        return buffer.zip(length).map(|(buffer, length)| vec![buffer, length]).unwrap_or_default();
    }
    if write.source_offset != Some(0) {
        return Vec::new();
    }
    let replaced = match write.moved {
        Some(_) => vec![moved_back(cx, write)],
        None => [0, 1, 3]
            .into_iter()
            .filter_map(|position| copied(cx, write, call, own, position))
            .collect(),
    };
    replaced.into_iter().collect::<Option<Vec<Edit>>>().unwrap_or_default()
}

/// The argument of the slice call in the place of the one that differs; nothing inside if the text no longer means
/// what it meant there.
fn copied(
    cx: &RuleCx<'_>,
    write: &WriteBack,
    call: &CallView,
    own: &CallView,
    position: usize,
) -> Option<Option<Edit>> {
    let is = cx.argument(call, position);
    let should = cx.argument(own, position);
    let differs = match position {
        0 => write.other_memory,
        1 => write.offset_difference != Some(0),
        _ => write.length_difference != Some(0),
    };
    let stale = position == 1 && is == should
        || write.slice.function != cx.function_at(call.span)?.name.as_str();
    if !differs || is == should && !stale {
        return None;
    }
    let before = |offset: String| subtract(cx, write, &offset);
    let text = if stale { is.and_then(before) } else { should };
    Some(text.and_then(|text| cx.replace_argument(call, position, text)))
}

/// The offset in the moved view.
fn moved_back(cx: &RuleCx<'_>, write: &WriteBack) -> Option<Edit> {
    let offset = subtract(cx, write, &cx.argument(&write.call, 1)?)?;
    cx.replace_argument(&write.call, 1, offset)
}

/// An offset less what it is too large. The bytes may lie in front of the view; then there is none.
fn subtract(cx: &RuleCx<'_>, write: &WriteBack, offset: &str) -> Option<String> {
    let surplus = write.offset_difference.filter(|difference| *difference > 0)?;
    let known = cx.calls().find(|(_, known)| known.call == write.call)?.1.offset;
    match (offset.parse::<i64>(), known.and_then(domains::Scalar::as_constant)) {
        (Ok(offset), _) => (offset >= surplus).then(|| (offset - surplus).to_string()),
        (_, Some(value)) if value < i128::from(surplus) => None,
        _ => Some(format!("{offset} - {}", measured(cx, write, surplus))),
    }
}

/// The surplus as the author says it, where the slice's own length is it.
fn measured(cx: &RuleCx<'_>, write: &WriteBack, surplus: i64) -> String {
    let own = cx
        .argument(&write.slice.call, 3)
        .filter(|_| write.slice.length == Some(i128::from(surplus)));
    own.unwrap_or_else(|| surplus.to_string())
}
