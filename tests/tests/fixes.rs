//! Fixes: each one mends its finding and nothing else changes for the worse; all of them together come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use diagnostic::{Applicability, Finding, Fix};
use lint_rules::rules::{ALL, find};
use sema::Headers;
use syntax::Parsed;
use tests::{blocks, line_of, lint_with, programs, read};
use text::{Edit, Span, apply_edits};

/// More passes than this mean that fixes undo each other.
const MAX_PASSES: usize = 10;

/// A text with mistakes.
struct Input {
    name: String,
    text: String,
    headers: Headers,
}

impl Input {
    fn lint(&self, text: &str) -> Vec<Finding> {
        lint_with(text, &self.headers)
    }
}

fn page_examples() -> Vec<Input> {
    let mut inputs = Vec::new();
    for rule in ALL {
        for (info, text, line) in blocks(rule.page) {
            if info == "c bad" {
                let name = format!("{} page line {line} +", rule.name);
                inputs.push(Input { name, text, headers: Headers::default() });
            }
        }
    }
    inputs
}

fn inputs() -> Vec<Input> {
    let mut inputs = page_examples();
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/misuse.bpf.c")];
    files.extend(programs("../examples"));
    files.extend(programs("programs/bad"));
    files.extend(programs("programs/mend"));
    files.extend(programs("programs/small"));
    for path in files {
        let (text, headers) = read(&path);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        inputs.push(Input { name: name.unwrap_or_default(), text, headers });
    }
    inputs
}

fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule).or_insert(0) += 1;
    }
    counts
}

/// Places that cannot be read, and functions.
fn shape(text: &str) -> (usize, usize) {
    let parsed = Parsed::parse(Arc::from(text));
    (parsed.unit().errors.len(), parsed.function_count())
}

/// What is wrong with applying one fix; empty if nothing is.
fn complaint(input: &Input, before: &[Finding], finding: &Finding, fix: &Fix) -> String {
    let fixed = match apply_edits(&input.text, &fix.edits) {
        Ok(fixed) => fixed,
        Err(error) => return error.to_string(),
    };
    let after = input.lint(&fixed);
    let (before, now) = (counts(before), counts(&after));
    let mut wrong = String::new();
    if now.get(finding.rule).copied().unwrap_or(0) >= before[finding.rule] {
        wrong += "the finding is still there; ";
    }
    for (rule, count) in &now {
        if *count > before.get(rule).copied().unwrap_or(0) {
            wrong += &format!("new finding of {rule}; ");
        }
    }
    let ((errors, functions), (errors_now, functions_now)) = (shape(&input.text), shape(&fixed));
    if errors_now > errors || functions_now != functions {
        wrong += "it does not parse as before; ";
    }
    if after.iter().flat_map(|finding| &finding.fixes).any(|again| again.edits == fix.edits) {
        wrong += "it is offered again; ";
    }
    wrong
}

#[test]
fn each_fix_mends_its_finding_and_breaks_nothing() {
    let mut wrong = String::new();
    let mut tried = 0;
    for input in inputs() {
        let findings = input.lint(&input.text);
        for finding in &findings {
            for fix in &finding.fixes {
                tried += 1;
                let complaint = complaint(&input, &findings, finding, fix);
                if !complaint.is_empty() {
                    let line = line_of(&input.text, finding.span.start);
                    wrong += &format!(
                        "{}:{line} {}, {}: {complaint}\n",
                        input.name, finding.rule, fix.title
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(tried > 100, "only {tried} fixes were offered");
}

/// Applies the first admissible fix of each finding, as many as do not touch each other. Nothing if there is none.
fn pass(input: &Input, text: &str, allowed: Applicability) -> Option<String> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut taken: Vec<Span> = Vec::new();
    for finding in input.lint(text) {
        let Some(fix) = finding.fixes.iter().find(|fix| fix.applicability <= allowed) else {
            continue;
        };
        let extent = fix.edits.iter().map(|edit| edit.span).reduce(Span::cover);
        let Some(extent) = extent else { continue };
        if taken.iter().all(|other| other.end < extent.start || extent.end < other.start) {
            taken.push(extent);
            edits.extend(fix.edits.iter().cloned());
        }
    }
    (!edits.is_empty())
        .then(|| apply_edits(text, &edits).expect("fixes that do not touch can be applied"))
}

fn fix_all(input: &Input, text: &str, allowed: Applicability) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..MAX_PASSES {
        match pass(input, &text, allowed) {
            Some(fixed) => text = fixed,
            None => return Some(text),
        }
    }
    None
}

#[test]
fn all_safe_fixes_together_come_to_rest() {
    let mut wrong = String::new();
    for input in inputs() {
        let Some(fixed) = fix_all(&input, &input.text, Applicability::Safe) else {
            wrong += &format!("{}: still changing after {MAX_PASSES} passes\n", input.name);
            continue;
        };
        if fix_all(&input, &fixed, Applicability::Safe).as_deref() != Some(&fixed) {
            wrong += &format!("{}: fixing twice is not fixing once\n", input.name);
        }
        let safe = |finding: &&Finding| {
            finding.fixes.iter().any(|fix| fix.applicability == Applicability::Safe)
        };
        let (before, after) = (input.lint(&input.text), input.lint(&fixed));
        let mended = before.iter().filter(safe).count();
        if after.len() + mended > before.len() {
            wrong += &format!(
                "{}: {} findings, {mended} mended, {} left\n",
                input.name,
                before.len(),
                after.len()
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn rules_offer_the_fixes_that_they_announce() {
    let mut offered: BTreeMap<&str, BTreeSet<Applicability>> = BTreeMap::new();
    for input in inputs() {
        for finding in input.lint(&input.text) {
            let kinds = finding.fixes.iter().map(|fix| fix.applicability);
            offered.entry(finding.rule).or_default().extend(kinds);
            let best = finding.fixes.first().map(|fix| fix.applicability);
            let announced = find(finding.rule).and_then(|rule| rule.fix);
            let line = line_of(&input.text, finding.span.start);
            assert!(best.is_none() || best >= announced, "{}:{line} {}", input.name, finding.rule);
        }
    }
    for rule in ALL {
        let offered = offered.get(rule.name);
        match rule.fix {
            Some(kind) => {
                let there = offered.is_some_and(|offered| offered.contains(&kind));
                assert!(there, "{}: no example of a {} fix", rule.name, kind.name());
            }
            None => {
                assert!(offered.is_none_or(BTreeSet::is_empty), "{} offers a fix", rule.name);
            }
        }
    }
}

/// The text after each fix of each finding, by rule and title.
fn fixed_texts(input: &Input, text: &str) -> Vec<(&'static str, usize, String, String)> {
    let mut texts = Vec::new();
    for finding in input.lint(text) {
        let line = line_of(text, finding.span.start);
        if finding.fixes.is_empty() {
            texts.push((finding.rule, line, String::new(), String::new()));
        }
        for fix in &finding.fixes {
            let fixed = apply_edits(text, &fix.edits).expect("the fix can be applied");
            texts.push((finding.rule, line, fix.title.clone(), fixed));
        }
    }
    texts
}

/// Checks that rewriting a text and fixing it commute.
fn same_after(change: impl Fn(&str) -> String) {
    for input in page_examples() {
        let expected: Vec<_> = fixed_texts(&input, &input.text)
            .into_iter()
            .map(|(rule, line, title, fixed)| (rule, line, title, change(&fixed)))
            .collect();
        assert_eq!(fixed_texts(&input, &change(&input.text)), expected, "{}", input.name);
    }
}

#[test]
fn line_ends_of_the_file_are_kept() {
    same_after(|text| text.replace('\n', "\r\n"));
}

#[test]
fn blanks_instead_of_tabs_are_kept() {
    same_after(|text| text.replace('\t', "    "));
}

#[test]
fn functions_on_one_line_are_fixed() {
    let on_one_line = |text: &str| {
        let lines: Vec<&str> =
            text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect();
        lines.join(" ").replace('\t', "")
    };
    for input in page_examples().iter().filter(|input| !input.text.contains('#')) {
        let text = on_one_line(&input.text);
        let input = Input { name: input.name.clone(), text, headers: Headers::default() };
        let findings = input.lint(&input.text);
        for finding in &findings {
            for fix in &finding.fixes {
                let complaint = complaint(&input, &findings, finding, fix);
                assert!(complaint.is_empty(), "{} {}: {complaint}", input.name, fix.title);
            }
        }
    }
}

/// Beside each program made to be mended stands what all fixes together make of it.
#[test]
fn mended_programs_look_as_if_written_by_hand() {
    for path in programs("programs/mend") {
        let (text, headers) = read(&path);
        let input = Input { name: path.display().to_string(), text, headers };
        let fixed =
            fix_all(&input, &input.text, Applicability::Unsafe).expect("the fixes come to rest");
        let expected = std::fs::read_to_string(path.with_extension("fixed")).expect("it is there");
        for (number, (is, should)) in (1..).zip(fixed.lines().zip(expected.lines())) {
            assert_eq!(is, should, "{}, line {number} when mended", input.name);
        }
        assert_eq!(fixed.lines().count(), expected.lines().count(), "{}", input.name);
    }
}
