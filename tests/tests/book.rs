//! The book: it builds, its links lead somewhere, and what its code blocks say is true.
//!
//! A `sh` block is run in a copy of the repository's examples; `exit=N` behind `sh` is its exit code, and commands that do
//! not begin with `bpf-analyzer` are left out. A `c` block that is a whole program is linted; `expect=RULE` behind `c`
//! names what must be found in it, and without it nothing may be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{blocks, lint};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The handwritten pages, with their names.
fn pages() -> Vec<(String, String)> {
    fn walk(directory: &Path, pages: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).expect("is there") {
            let path = entry.expect("is readable").path();
            if path.is_dir() {
                walk(&path, pages);
            } else {
                let text = fs::read_to_string(&path).expect("is text");
                pages.push((path.display().to_string(), text));
            }
        }
    }
    let mut pages = Vec::new();
    walk(&root().join("docs/text"), &mut pages);
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

#[test]
fn builds_and_links_lead_somewhere() {
    let target = tempfile::tempdir().expect("can create a directory");
    let html = book::build(&root(), target.path()).expect("builds");
    assert!(html.join("rules/missing-write-back.html").exists());
    let broken = book::links::broken(&html).expect("is readable");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // The search for broken links finds one.
    fs::write(html.join("odd.html"), "<a href=\"rules.html#nowhere\">").expect("can write");
    assert_eq!(book::links::broken(&html).expect("is readable"), ["odd.html: rules.html#nowhere"]);
}

#[test]
fn commands_do_what_they_say() {
    let program = Path::new(env!("CARGO_BIN_EXE_server-under-test"));
    let mut commands = 0;
    for (name, text) in pages() {
        for (info, block, line) in blocks(&text) {
            let mut words = info.split(' ');
            if words.next() != Some("sh") {
                continue;
            }
            let exit: i32 = words
                .find_map(|word| word.strip_prefix("exit="))
                .map_or(0, |code| code.parse().expect("a number"));
            for command in block.lines() {
                let Some(arguments) = command.strip_prefix("bpf-analyzer ") else { continue };
                let arguments = arguments.split('#').next().unwrap_or_default();
                let directory = examples();
                let output = Command::new(program)
                    .args(arguments.split_whitespace())
                    .current_dir(directory.path())
                    .output()
                    .expect("starts");
                assert_eq!(
                    output.status.code(),
                    Some(exit),
                    "{name}:{line}: {command}\n{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
                assert!(!output.stdout.is_empty(), "{name}:{line}: {command}: says nothing");
                commands += 1;
            }
        }
    }
    assert!(commands >= 5, "{commands} commands");
}

/// A directory with the repository's examples in it.
fn examples() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("can create a directory");
    let target = directory.path().join("examples");
    fs::create_dir(&target).expect("can create a directory");
    for entry in fs::read_dir(root().join("examples")).expect("is there") {
        let entry = entry.expect("is readable");
        fs::copy(entry.path(), target.join(entry.file_name())).expect("can copy");
    }
    directory
}

#[test]
fn programs_are_what_they_are_called() {
    let mut programs = 0;
    for (name, text) in pages() {
        for (info, block, line) in blocks(&text) {
            let mut words = info.split(' ');
            if words.next() != Some("c") || !block.contains("#include") {
                continue;
            }
            let expected: Vec<&str> =
                words.filter_map(|word| word.strip_prefix("expect=")).collect();
            let found: Vec<&str> = lint(&block).iter().map(|finding| finding.rule).collect();
            assert_eq!(found, expected, "{name}:{line}");
            programs += 1;
        }
    }
    assert!(programs >= 2, "{programs} programs");
}
