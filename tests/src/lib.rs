//! What the tests of the whole product share: annotated C fixtures and a way to lint them.
//!
//! A fixture is a C text in which `//~ rule` at the end of a line says that `rule` reports that line,
//! and `//~^ rule` that it reports the line above; several rules are separated by commas.

pub mod lsp;
pub mod places;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostic::Finding;
use kernel_model::Version;
use lint_rules::Lint;
use sema::{Header, Headers};
use syntax::Parsed;

/// A line (1-based) and a rule.
pub type Mark = (usize, String);

/// The findings of a text for the newest kernel, without headers.
pub fn lint(text: &str) -> Vec<Finding> {
    lint_with(text, &Headers::default())
}

/// The findings of a text that includes headers.
pub fn lint_with(text: &str, headers: &Headers) -> Vec<Finding> {
    let parsed = Parsed::parse(Arc::from(text));
    lint_rules::check(&parsed, headers, &Lint { kernel: Version::NEWEST_MODELLED })
}

/// The findings of a file, with the headers that stand beside it.
pub fn lint_file(path: &Path) -> (String, Vec<Finding>) {
    let (text, headers) = read(path);
    let findings = lint_with(&text, &headers);
    (text, findings)
}

/// The text of a file, and the headers that stand beside it.
pub fn read(path: &Path) -> (String, Headers) {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut headers = Vec::new();
    let mut seen = BTreeSet::new();
    let parsed = Parsed::parse(Arc::from(text.as_str()));
    for (name, _) in sema::Sema::includes(&parsed) {
        include(path, name, &mut headers, &mut seen);
    }
    (text, Headers::new(headers))
}

fn include(
    includer: &Path,
    name: &str,
    headers: &mut Vec<Arc<Header>>,
    seen: &mut BTreeSet<PathBuf>,
) {
    let Some(path) = includer.parent().map(|dir| dir.join(name)).filter(|path| path.is_file())
    else {
        return;
    };
    if !seen.insert(path.clone()) {
        return;
    }
    let Ok(text) = std::fs::read_to_string(&path) else { return };
    let header = Arc::new(Header::scan(Arc::from(text)));
    let names: Vec<String> = header.includes().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        include(&path, &name, headers, seen);
    }
    headers.push(header);
}

/// What the annotations of a text expect.
pub fn expected(text: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, rest)) = line.split_once("//~") else { continue };
        let (number, rules) = match rest.strip_prefix('^') {
            Some(rules) => (number - 1, rules),
            None => (number, rest),
        };
        marks.extend(rules.split(',').map(|rule| (number, rule.trim().to_owned())));
    }
    marks
}

/// Lines and rules of findings.
pub fn found(text: &str, findings: &[Finding]) -> BTreeSet<Mark> {
    findings
        .iter()
        .map(|finding| (line_of(text, finding.span.start), finding.rule.to_owned()))
        .collect()
}

/// The 1-based line of a byte offset.
pub fn line_of(text: &str, offset: u32) -> usize {
    text[..offset as usize].matches('\n').count() + 1
}

/// What differs between expectation and result, a line each; empty if nothing does.
pub fn difference(name: &str, text: &str, findings: &[Finding]) -> String {
    let (expected, found) = (expected(text), found(text, findings));
    let mut out = String::new();
    for (line, rule) in expected.difference(&found) {
        out.push_str(&format!("{name}:{line}: expected {rule}, which was not reported\n"));
    }
    for (line, rule) in found.difference(&expected) {
        let message = findings
            .iter()
            .find(|finding| finding.rule == rule && line_of(text, finding.span.start) == *line)
            .map_or("", |finding| finding.message.as_str());
        out.push_str(&format!("{name}:{line}: unexpected {rule}: {message}\n"));
    }
    out
}

/// The C files of a directory of this package.
pub fn programs(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no programs in {}", directory.display());
    files
}

/// A code block of a rule's page: its info string and text, and the line it starts at.
pub fn blocks(page: &str) -> Vec<(String, String, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.trim().to_owned(), String::new(), number)),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text, _)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}
