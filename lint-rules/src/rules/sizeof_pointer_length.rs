//! The size of a pointer is not the size of what it points to.

use diagnostic::{Applicability, KernelVerdict, Severity};
use text::Edit;

use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "sizeof-pointer-length",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M16"],
    since: Some("6.4"),
    fix: Some(Applicability::Safe),
    page: include_str!("sizeof_pointer_length.md"),
    check,
};

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let (true, true, Some(length)) =
            (call.api.slices(), call.sizeof_pointer, call.call.args.get(3).copied())
        else {
            continue;
        };
        let text = cx.quote(length);
        let operand = text.trim_start_matches("sizeof").trim_matches(['(', ')', ' ']).to_owned();
        let edits = match (&call.result_record, call.sizeof_record_pointer) {
            (Some(_), true) => {
                let size = cx.replace_argument(&call.call, 3, format!("sizeof(*{operand})"));
                size.into_iter().collect::<Vec<Edit>>()
            }
            _ => {
                let function = cx.function_at(length);
                let object = function.and_then(|function| cx.stands_for(function, &operand));
                object
                    .and_then(|object| cx.replace_argument(&call.call, 3, object))
                    .into_iter()
                    .collect()
            }
        };
        cx.report(observation, format!("`{text}` is the size of a pointer, 8 bytes"))
            .at(length)
            .label(call.call.span, "the slice is 8 bytes long")
            .help("take the size of the array or structure")
            .fix(fixes::safe(format!("take the size of what `{operand}` points to"), edits))
            .emit();
    }
}
