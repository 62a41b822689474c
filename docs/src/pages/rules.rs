//! A page for each rule, and their list.

use lint_rules::rules::ALL;

use super::{Page, head, row};

pub(super) fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> =
        ALL.iter().map(|rule| Page::new(format!("rules/{}.md", rule.name), page(rule))).collect();
    pages.push(Page::new("rules.md", list()));
    pages
}

/// The entries of the rules in the table of contents.
pub fn contents() -> String {
    ALL.iter().map(|rule| format!("  - [{0}](rules/{0}.md)\n", rule.name)).collect()
}

fn page(rule: &lint_rules::Rule) -> String {
    let info = rule.info();
    let mut lines = rule.page.lines();
    let title = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.collect();
    let facts = [
        ("severity", info.severity.name().to_owned()),
        ("the kernel", info.kernel.name().to_owned()),
        ("group", info.group.to_owned()),
        ("since", info.since.map_or("every kernel".to_owned(), |since| format!("Linux {since}"))),
        ("fix", info.fix.map_or("none".to_owned(), |fix| fix.name().to_owned())),
    ];
    let facts: Vec<String> =
        facts.iter().map(|(name, value)| format!("{name}: **{value}**")).collect();
    // The marks of the fences are for the tests; readers see plain C.
    let text = rest.join("\n").replace("```c bad", "```c").replace("```c good", "```c");
    format!("{title}\n\n{}\n\n{text}\n", facts.join(" · "))
}

fn list() -> String {
    let mut text = String::from(
        "# Rules\n\n**error** means wrong whenever the path runs, or rejected by the kernel; **warning**, wrong on some \
         packets, kernels or error paths; **info**, waste or style. *accepts* says that the kernel loads the program all \
         the same.\n\n",
    );
    text += &head(&["rule", "severity", "kernel", "fix", "what it finds"]);
    for rule in ALL {
        let info = rule.info();
        text += &row(&[
            &format!("[{0}](rules/{0}.md)", rule.name),
            info.severity.name(),
            info.kernel.name(),
            &info.fix.map_or(String::new(), |fix| fix.name().to_owned()),
            info.summary,
        ]);
    }
    text
}
