//! From a text to findings.

use std::sync::Arc;

use diagnostic::Finding;
use flow::{Analysis, Memory};
use kernel_model::Version;
use sema::{Headers, Sema};
use syntax::Parsed;

use crate::cx::RuleCx;
use crate::rules::ALL;

/// What a check needs besides the text.
#[derive(Clone, Debug)]
pub struct Lint {
    /// The kernel the program is to run on.
    pub kernel: Version,
}

/// Checks a parsed file with all rules. Findings come by position.
pub fn check(parsed: &Parsed, headers: &Headers, lint: &Lint) -> Vec<Finding> {
    check_with_facts(parsed, headers, lint).0
}

/// The same with the facts that the findings are made from; no facts for a file that has nothing to do with
/// dynptrs.
pub fn check_with_facts(
    parsed: &Parsed,
    headers: &Headers,
    lint: &Lint,
) -> (Vec<Finding>, Option<Analysis>) {
    let text: Arc<str> = parsed.text().clone();
    if !may_concern(&text, headers) {
        return (Vec::new(), None);
    }
    let sema = Sema::new(parsed, headers);
    let analysis = flow::analyse(&sema, &text);
    (findings(parsed, &analysis, lint), Some(analysis))
}

/// The same, taking over from an earlier version of the file what has not changed. Also gives what the check of
/// the next version can take over.
pub fn check_again(
    parsed: &Parsed,
    headers: &Headers,
    lint: &Lint,
    before: &Memory,
) -> (Vec<Finding>, Option<Analysis>, Memory) {
    if !may_concern(parsed.text(), headers) {
        return (Vec::new(), None, Memory::default());
    }
    let sema = Sema::new(parsed, headers);
    let (analysis, memory) = flow::analyse_again(&sema, parsed, headers, before);
    (findings(parsed, &analysis, lint), Some(analysis), memory)
}

/// Headers beyond this size are dumps of kernel types; they define no functions that a program calls.
const LARGEST_OWN_HEADER: usize = 512 * 1024;

/// Whether anything in the file can have to do with dynptrs.
fn may_concern(text: &str, headers: &Headers) -> bool {
    let own = |header: &sema::Header| {
        header.text().len() <= LARGEST_OWN_HEADER && header.text().contains("dynptr")
    };
    text.contains("dynptr") || headers.iter().any(own)
}

fn findings(parsed: &Parsed, analysis: &Analysis, lint: &Lint) -> Vec<Finding> {
    let mut cx = RuleCx::new(parsed, analysis, lint.kernel);
    for rule in ALL {
        cx.run(rule);
    }
    cx.finish()
}
