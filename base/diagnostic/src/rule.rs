//! What is known of a rule besides its findings, and the list of all rules as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::{Applicability, KernelVerdict, Severity};

/// One rule of the tool, as listed by `rules` and described in SARIF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// Its name, as used in `allow(…)`.
    pub name: &'static str,
    /// The family it belongs to.
    pub group: &'static str,
    /// How bad its findings usually are.
    pub severity: Severity,
    /// What the kernel usually says of the mistake.
    pub kernel: KernelVerdict,
    /// Names of the misuse patterns it finds.
    pub covers: &'static [&'static str],
    /// The first kernel (`"6.4"`) that has what the rule is about; `None` if all have.
    pub since: Option<&'static str>,
    /// The kind of its best fix.
    pub fix: Option<Applicability>,
    /// What it finds, in one sentence.
    pub summary: &'static str,
    /// The address of its page.
    #[serde(skip)]
    pub url: &'static str,
}

/// Writes the rules as one JSON document, `{"version":1,"rules":[…]}`.
pub fn write_rules_json(rules: &[RuleInfo], out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        rules: &'a [RuleInfo],
    }
    serde_json::to_writer(&mut *out, &Document { version: 1, rules })?;
    out.write_all(b"\n")
}
