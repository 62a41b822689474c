//! What was only read need not be written back.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::Fact;
use flow::observe::{SliceKind, WriteBack};
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "needless-write-back",
    group: "dynptr",
    severity: Severity::Info,
    kernel: KernelVerdict::Accepts,
    covers: &["M25"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("needless_write_back.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, fact) in cx.facts() {
        let Fact::WriteBack(write) = fact else { continue };
        if write.slice.kind != SliceKind::ReadOnly || !write.from_start {
            continue;
        }
        let buffer = cx.buffer(&write.slice);
        let edits = edits(cx, write);
        cx.report(observation, format!("`{buffer}` cannot have changed: the slice is read-only"))
            .label(write.slice.call.span, "the slice is made here")
            .help("delete the write, or use `bpf_dynptr_slice_rdwr` if the bytes are to be changed")
            .fix(fixes::safe("delete the write", edits))
            .emit();
    }
}

/// `if (p == buf) bpf_dynptr_write(…);` goes as a whole.
fn edits(cx: &RuleCx<'_>, write: &WriteBack) -> Vec<Edit> {
    let Some(stmt) = cx.statement(write.call.span) else { return Vec::new() };
    let text = cx.quote(stmt.span);
    let call = cx.quote(write.call.span);
    let simple = text.starts_with("if") && text.ends_with(&format!("{call};")) && text.matches(';').count() == 1;
    if simple || text == format!("{call};") { vec![cx.delete(stmt.span)] } else { Vec::new() }
}
