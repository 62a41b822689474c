//! Every rule: its page's examples, the catalogue of misuse patterns and correct idioms, and whole
//! programs.

use std::collections::BTreeMap;
use std::path::Path;

use lint_rules::rules::ALL;
use tests::{blocks, difference, line_of, lint, lint_file, programs};

#[test]
fn examples_of_the_pages() {
    let mut wrong = String::new();
    for rule in ALL {
        let blocks = blocks(rule.page);
        for kind in ["c bad", "c good"] {
            assert!(
                blocks.iter().any(|(info, ..)| info == kind),
                "{} has no `{kind}` block",
                rule.name
            );
        }
        for (info, text, line) in blocks.iter().filter(|(info, ..)| info.starts_with("c ")) {
            if info == "c bad" {
                assert!(
                    text.contains(rule.name),
                    "{}: bad block at {line} marks nothing",
                    rule.name
                );
            }
            wrong += &difference(&format!("{} page line {line} +", rule.name), text, &lint(text));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn misuse_patterns_are_found() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let (text, findings) = lint_file(&directory.join("misuse.bpf.c"));
    let table =
        std::fs::read_to_string(directory.join("expected.tsv")).expect("the table is there");
    let mut missing = Vec::new();
    let mut patterns = 0;
    for row in table.lines().skip(1) {
        let [id, function, rule, line] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not four columns: {row}");
        };
        patterns += 1;
        let line: usize = line.parse().expect("a line number");
        let hit = findings.iter().any(|finding| {
            finding.rule == rule
                && line_of(&text, finding.span.start) == line
                && finding.function.as_deref() == Some(function)
        });
        if !hit {
            let near: Vec<String> = findings
                .iter()
                .filter(|finding| finding.function.as_deref() == Some(function))
                .map(|finding| format!("{}:{}", line_of(&text, finding.span.start), finding.rule))
                .collect();
            missing.push(format!("{id} {function} {rule}:{line}, found {near:?}"));
        }
    }
    assert_eq!(patterns, 72);
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn correct_idioms_are_silent() {
    let (text, findings) =
        lint_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/idioms.bpf.c"));
    let wrong = difference("idioms.bpf.c", &text, &findings);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn correct_programs_are_silent() {
    let mut wrong = String::new();
    for path in programs("programs/good") {
        let (text, findings) = lint_file(&path);
        wrong += &difference(&name(&path), &text, &findings);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn mistakes_in_programs_are_found() {
    let mut wrong = String::new();
    for path in programs("programs/bad") {
        let (text, findings) = lint_file(&path);
        wrong += &difference(&name(&path), &text, &findings);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn small_functions_are_judged_exactly() {
    let mut wrong = String::new();
    for path in programs("programs/small") {
        let (text, findings) = lint_file(&path);
        wrong += &difference(&name(&path), &text, &findings);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_pattern_belongs_to_a_rule() {
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in ALL {
        for id in rule.covers {
            owners.entry(id).or_default().push(rule.name);
        }
    }
    for number in 1..=72 {
        let id = format!("M{number:02}");
        let rules = owners.get(id.as_str());
        assert_eq!(rules.map(Vec::len), Some(1), "{id} belongs to {rules:?}");
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
