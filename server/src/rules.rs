//! The rules a user can name: those of `lint-rules` and the two about suppressions, which are made here
//! because only the server knows which findings a comment silenced.

use diagnostic::{KernelVerdict, RuleInfo, Severity};

use crate::spelling;

/// A rule with the page that explains it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is listed.
    pub info: RuleInfo,
    /// The page, as Markdown.
    pub page: &'static str,
}

impl Rule {
    /// The page without what only its tests need: `bad` and `good` behind a fence. The mark of a guilty line
    /// becomes an arrow.
    pub fn page_for_people(&self) -> String {
        let mut text = String::with_capacity(self.page.len());
        for line in self.page.lines() {
            let line = match line {
                "```c bad" | "```c good" => "```c",
                other => other,
            };
            match line.split_once("//~") {
                Some((code, names)) => {
                    let above = if names.starts_with('^') { "the line above: " } else { "" };
                    text.push_str(code);
                    text.push_str(&format!(
                        "// <-- {above}{}",
                        names.trim_start_matches('^').trim()
                    ));
                }
                None => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }
}

/// Name of the rule about comments that allow something unknown.
pub const UNKNOWN_SUPPRESSION: &str = "unknown-suppression";

/// Name of the rule about comments that allow what is not there.
pub const UNUSED_SUPPRESSION: &str = "unused-suppression";

/// All rules that exist, in the order in which they are listed.
#[derive(Clone, Debug)]
pub struct Catalogue {
    rules: Vec<Rule>,
}

/// A name that is neither a rule nor a group, with the nearest one that is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule `{name}`{}", spelling::did_you_mean(*.suggestion))]
pub struct UnknownRule {
    /// As it was written.
    pub name: String,
    /// What was probably meant.
    pub suggestion: Option<&'static str>,
}

impl Catalogue {
    /// The rules of this program.
    pub fn shipped() -> Self {
        let rules = lint_rules::rules::ALL.iter();
        Self::new(rules.map(|rule| Rule { info: rule.info(), page: rule.page }).collect())
    }

    /// `rules` and the two about suppressions.
    pub fn new(mut rules: Vec<Rule>) -> Self {
        rules.extend(suppression_rules());
        Self { rules }
    }

    /// All rules in the order in which they are listed.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.iter().map(|rule| &rule.info)
    }

    /// The rule called `name`.
    pub fn find(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.info.name == name)
    }

    /// The rule called `name`, or what to say about that name.
    pub fn require(&self, name: &str) -> Result<&Rule, UnknownRule> {
        self.find(name).ok_or_else(|| self.unknown(name, self.rules().map(|rule| rule.name)))
    }

    /// The group called `name`.
    pub fn group(&self, name: &str) -> Option<&'static str> {
        self.rules().map(|rule| rule.group).find(|group| *group == name)
    }

    /// What to say about a name that is neither a rule nor a group.
    pub fn unknown_selector(&self, name: &str) -> UnknownRule {
        let groups = self.rules().map(|rule| rule.group);
        self.unknown(name, self.rules().map(|rule| rule.name).chain(groups))
    }

    fn unknown(&self, name: &str, known: impl Iterator<Item = &'static str>) -> UnknownRule {
        UnknownRule { name: name.to_owned(), suggestion: spelling::nearest(name, known) }
    }
}

fn suppression_rules() -> [Rule; 2] {
    let info = |name, severity, fix, summary| RuleInfo {
        name,
        group: "suppression",
        severity,
        kernel: KernelVerdict::Accepts,
        covers: &[],
        since: None,
        fix,
        summary,
        url: "",
    };
    [
        Rule {
            info: info(
                UNKNOWN_SUPPRESSION,
                Severity::Warning,
                None,
                "a suppression comment names a rule that does not exist, or is not understood",
            ),
            page: include_str!("../../lint-rules/src/rules/unknown_suppression.md"),
        },
        Rule {
            info: info(
                UNUSED_SUPPRESSION,
                Severity::Info,
                Some(diagnostic::Applicability::Safe),
                "a suppression comment allows a rule that finds nothing there",
            ),
            page: include_str!("../../lint-rules/src/rules/unused_suppression.md"),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_for_tests_are_not_shown() {
        let page = "# r\n```c bad\nf(); //~ r\n//~^ r, s\n```\n";
        let shown = "# r\n```c\nf(); // <-- r\n// <-- the line above: r, s\n```\n";
        for rule in Catalogue::shipped().rules {
            assert!(!rule.page_for_people().contains("//~"), "{}", rule.info.name);
            assert_eq!(Rule { page, ..rule }.page_for_people(), shown);
        }
    }
}
