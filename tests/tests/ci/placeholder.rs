//! Nobody knows beforehand whose account the repository is cloned into. Where users copy its address from there is one
//! placeholder, always the same, which says what to do with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tests::places::repository;

/// The account in addresses of the repository.
const PLACEHOLDER: &str = "OWNER/bpf-analyzer";

/// What stands beside each.
const WHAT_TO_DO: &str = "# replace OWNER with the account that has this repository";

/// How often it stands where.
const PLACES: [(&str, usize); 3] = [("README.md", 1), ("ci/README.md", 2), ("docs/text/ci.md", 2)];

/// Where users are told what to write into their own files.
const SEARCHED: [&str; 9] = [
    "README.md",
    "CONTRIBUTING.md",
    "action.yml",
    ".pre-commit-hooks.yaml",
    "ci",
    "docs/text",
    "examples",
    "lint-rules/src/rules",
    "editors",
];

/// The texts below a path, with their paths in the repository.
fn texts(path: &Path, found: &mut BTreeMap<String, String>) {
    if path.is_dir() {
        let is_ours =
            |name: &std::ffi::OsStr| name != "node_modules" && name != "dist" && name != "out";
        for entry in fs::read_dir(path).expect("is there") {
            let entry = entry.expect("is readable");
            if is_ours(&entry.file_name()) {
                texts(&entry.path(), found);
            }
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        let root = repository(".");
        let name = path.strip_prefix(root).expect("is in the repository");
        found.insert(name.display().to_string(), text);
    }
}

#[test]
fn the_account_of_the_repository_is_one_placeholder_that_says_what_it_is() {
    let mut all = BTreeMap::new();
    SEARCHED.iter().for_each(|path| texts(&repository(path), &mut all));
    let mut places = BTreeMap::new();
    for (name, text) in &all {
        for (number, line) in (1..).zip(text.lines()) {
            let step = line.trim_start().trim_start_matches("- ");
            let is_address = step.starts_with("uses: ") || step.starts_with("repo: ");
            if line.contains(PLACEHOLDER) {
                assert!(line.ends_with(WHAT_TO_DO), "{name}:{number}: {line}");
                *places.entry(name.as_str()).or_insert(0) += 1;
            } else {
                let is_own = is_address && line.contains("bpf-analyzer");
                assert!(!is_own, "{name}:{number} has another placeholder: {line}");
            }
        }
    }
    assert_eq!(places, BTreeMap::from(PLACES));
}
