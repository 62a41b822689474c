//! The lint rules: one module and one page each, and one line in [`rules`].
//!
//! A rule asks the facts of `flow` and says what is wrong with them in the author's own words. It does
//! not analyse anything itself.

mod cx;
mod fixes;
mod lint;
pub mod rules;

pub use cx::RuleCx;
pub use lint::{Lint, check, check_again, check_with_facts};

use diagnostic::{Applicability, KernelVerdict, RuleInfo, Severity};

/// A rule.
pub struct Rule {
    /// Its name, as used in `allow(…)`.
    pub name: &'static str,
    /// The family it belongs to.
    pub group: &'static str,
    /// How bad its findings usually are.
    pub severity: Severity,
    /// What the kernel says of the mistake.
    pub kernel: KernelVerdict,
    /// The misuse patterns it finds.
    pub covers: &'static [&'static str],
    /// The first kernel that has what the rule is about.
    pub since: Option<&'static str>,
    /// The kind of its best fix.
    pub fix: Option<Applicability>,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Looks for the mistake.
    pub check: fn(&mut RuleCx<'_>),
}

impl Rule {
    /// What lists and reports say of the rule.
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            name: self.name,
            group: self.group,
            severity: self.severity,
            kernel: self.kernel,
            covers: self.covers,
            since: self.since,
            fix: self.fix,
            summary: self.page.lines().nth(1).unwrap_or(self.name),
            url: "",
        }
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
