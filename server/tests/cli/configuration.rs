//! The configuration file.

use super::sandbox::{IDLE_ALLOW, Sandbox};

fn severities(sandbox: &Sandbox, args: &[&str]) -> Vec<(String, String)> {
    let document = sandbox.run(&[&["check", "--format", "json"], args].concat()).json();
    let findings = document["findings"].as_array().expect("is a list").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("is a text").to_owned();
    findings.map(|finding| (text(&finding["file"]), text(&finding["severity"]))).collect()
}

fn pair(file: &str, severity: &str) -> (String, String) {
    (file.to_owned(), severity.to_owned())
}

#[test]
fn the_nearest_file_counts() {
    let severity = |name| format!("[severity]\nunused-suppression = \"{name}\"\n");
    let sandbox = Sandbox::new(&[
        ("a.bpf.c", IDLE_ALLOW),
        ("sub/b.bpf.c", IDLE_ALLOW),
        ("sub/deep/c.bpf.c", IDLE_ALLOW),
        ("off/d.bpf.c", IDLE_ALLOW),
        ("bpf-analyzer.toml", &severity("warning")),
        ("sub/bpf-analyzer.toml", &severity("error")),
        ("off/bpf-analyzer.toml", &severity("off")),
        ("other.toml", &severity("info")),
    ]);
    let found = severities(&sandbox, &[]);
    let expected = [
        pair("a.bpf.c", "warning"),
        pair("sub/b.bpf.c", "error"),
        pair("sub/deep/c.bpf.c", "error"),
    ];
    assert_eq!(found, expected);
    let found = severities(&sandbox, &["--config", "other.toml"]);
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|(_, severity)| severity == "info"), "{found:?}");
}

#[test]
fn patterns_choose_files_and_rules() {
    let sandbox = Sandbox::new(&[
        ("a.bpf.c", IDLE_ALLOW),
        ("vendor/b.bpf.c", IDLE_ALLOW),
        ("gen/c.inc", IDLE_ALLOW),
        ("quiet/d.bpf.c", IDLE_ALLOW),
        (
            "bpf-analyzer.toml",
            "include = [\"gen/**\"]\nexclude = [\"vendor\"]\n[per-file-ignores]\n\"quiet/*\" = [\"suppression\"]\n",
        ),
    ]);
    let found = severities(&sandbox, &[]);
    assert_eq!(found, [pair("a.bpf.c", "info"), pair("gen/c.inc", "info")]);
    let named = severities(&sandbox, &["vendor/b.bpf.c"]);
    assert_eq!(named, [pair("vendor/b.bpf.c", "info")], "a named file is not excluded");
}

#[test]
fn the_command_line_is_stronger() {
    let sandbox = Sandbox::new(&[
        ("a.bpf.c", IDLE_ALLOW),
        ("bpf-analyzer.toml", "kernel = \"6.6\"\nignore = [\"unused-suppression\"]\n"),
    ]);
    assert_eq!(severities(&sandbox, &[]), []);
    assert_eq!(severities(&sandbox, &["--select", "ALL"]), [pair("a.bpf.c", "info")]);
    assert_eq!(severities(&sandbox, &["--kernel", "6.12"]), []);
}

#[test]
fn a_mistake_stops_the_run_and_names_its_place() {
    for (text, expected) in [
        ("ignroe = []\n", ":1:1: unknown key `ignroe`; did you mean `ignore`?\n"),
        ("kernel = \"6.18\"\nselect = [\"stale\"]\n", ":2:11: unknown rule `stale`"),
        ("compile-commands = \"none.json\"\n", "none.json: No such file or directory"),
    ] {
        let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("bpf-analyzer.toml", text)]);
        let ran = sandbox.run(&["check", "--format", "json"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(expected), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
        let ran = sandbox.run(&["check", "--config", "bpf-analyzer.toml"]);
        assert_eq!(ran.code, 2);
    }
    let ran = Sandbox::new(&[]).run(&["check", "--config", "missing.toml"]);
    assert_eq!(ran.err, "error: missing.toml: No such file or directory\n");
}
