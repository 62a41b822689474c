//! What `verify` notes of programs that the kernel accepts.

use lint_rules::rules::find;
use verifier::NOTES;

use super::{Page, head, row};

pub(super) fn page() -> Page {
    let mut text = String::from(
        "# Notes of verify\n\nWhat [`verify`](../verify.md) finds in programs that the kernel accepts. A code never \
         changes its meaning. The severity is that of the rule that finds the same in C.\n\n",
    );
    text += &head(&["code", "rule", "severity", "mistake", "what to do"]);
    for note in NOTES {
        let rule = note.rule.and_then(find);
        let name = rule.map_or(String::new(), |rule| format!("[{0}](../rules/{0}.md)", rule.name));
        let severity = rule.map_or("warning", |rule| rule.severity.name());
        text += &row(&[note.code, &name, severity, note.summary, note.help]);
    }
    Page::new("reference/notes.md", text)
}
