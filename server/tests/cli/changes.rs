//! `--diff-base`: only findings on changed lines are reported and mended.

use std::fs;
use std::process::Command;

use super::sandbox::{CLEAN, IDLE_ALLOW, Ran, Sandbox};

/// What git recognises a renamed file by.
const PADDING: &str =
    "int apples;\nlong pears;\nchar plums[8];\nshort cherries;\nint quinces(void);\n";

/// A repository of its own, without the user's settings.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    /// With these files committed.
    fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self { sandbox: Sandbox::new(files) };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("begin");
        repository
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "commit.gpgSign=false",
        ]);
        git.args(args).current_dir(self.sandbox.path("")).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let ran = Ran::of(&mut git);
        assert_eq!(ran.code, 0, "git {args:?}: {ran:?}");
        ran.out
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    fn write(&self, path: &str, text: &str) {
        self.sandbox.write(path, text.as_bytes());
    }

    /// `file:line` of the findings.
    fn found(&self, directory: &str, args: &[&str]) -> Vec<String> {
        let mut command = self.sandbox.command(&[&["check", "--format=json"], args].concat());
        let ran = Ran::of(command.current_dir(self.sandbox.path(directory)));
        assert!(ran.code < 2, "{ran:?}");
        let document = ran.json();
        let findings = document["findings"].as_array().expect("is a list").iter();
        let place = |finding: &serde_json::Value| {
            let file = finding["file"].as_str().expect("is a text");
            format!("{file}:{}", finding["range"]["start"]["line"])
        };
        findings.map(place).collect()
    }
}

#[test]
fn findings_on_changed_lines_are_reported() {
    let repository = Repository::new(&[
        ("a.bpf.c", &format!("{IDLE_ALLOW}int y;\n")),
        ("same.bpf.c", IDLE_ALLOW),
        ("gone.bpf.c", CLEAN),
        ("sub/old name.bpf.c", &format!("{IDLE_ALLOW}{PADDING}")),
        (".gitignore", "ignored.bpf.c\n"),
    ]);
    assert_eq!(repository.found("", &["--diff-base", "HEAD"]), [] as [&str; 0]);
    assert_eq!(repository.found("", &[]).len(), 3);

    repository.write("a.bpf.c", &format!("int first;\n{IDLE_ALLOW}int y;\n{IDLE_ALLOW}"));
    fs::remove_file(repository.sandbox.path("gone.bpf.c")).expect("is there");
    let renamed = "sub/new na\u{ef}me.bpf.c";
    repository.git(&["mv", "sub/old name.bpf.c", renamed]);
    let text = repository.sandbox.read(renamed);
    repository.write(renamed, &format!("{text}{IDLE_ALLOW}"));
    repository.write("untracked.bpf.c", IDLE_ALLOW);
    repository.write("sub/staged.bpf.c", IDLE_ALLOW);
    repository.git(&["add", "sub/staged.bpf.c"]);
    repository.write("ignored.bpf.c", IDLE_ALLOW);

    let expected =
        ["a.bpf.c:5", "sub/new na\u{ef}me.bpf.c:8", "sub/staged.bpf.c:1", "untracked.bpf.c:1"];
    assert_eq!(repository.found("", &["--diff-base", "HEAD"]), expected);
    assert_eq!(
        repository.found("sub", &["--diff-base=HEAD", "..", "../ignored.bpf.c"]),
        [
            "../a.bpf.c:5",
            "../ignored.bpf.c:1",
            "../sub/new na\u{ef}me.bpf.c:8",
            "../sub/staged.bpf.c:1",
            "../untracked.bpf.c:1"
        ]
    );
    repository.commit("more");
    assert_eq!(repository.found("", &["--diff-base", "HEAD"]), [] as [&str; 0]);
    assert_eq!(repository.found("", &["--diff-base", "HEAD~1"]), expected);
}

#[test]
fn the_users_settings_of_git_do_not_matter() {
    let repository = Repository::new(&[("sub/a.bpf.c", "int x;\n"), ("b.bpf.c", "int x;\n")]);
    for (name, value) in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.relative", "true"),
        ("diff.external", "false"),
        ("diff.context", "9"),
        ("diff.interHunkContext", "9"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
    ] {
        repository.git(&["config", name, value]);
    }
    repository.write(".gitattributes", "*.c -diff\n");
    repository.write("sub/a.bpf.c", &format!("int x;\n{IDLE_ALLOW}"));
    repository.write("b.bpf.c", &format!("int x;\n{IDLE_ALLOW}"));
    let found = repository.found("sub", &["--diff-base=main", ".."]);
    assert_eq!(found, ["../b.bpf.c:2", "../sub/a.bpf.c:2"]);
}

/// What others did on the branch meanwhile is not this branch's change.
#[test]
fn a_branch_is_compared_with_where_it_began() {
    let repository = Repository::new(&[("a.bpf.c", IDLE_ALLOW)]);
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.write("b.bpf.c", IDLE_ALLOW);
    repository.commit("topic");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("a.bpf.c", "int mended;\n");
    repository.commit("mended elsewhere");
    repository.git(&["checkout", "--quiet", "topic"]);
    assert_eq!(repository.found("", &["--diff-base", "main"]), ["b.bpf.c:1"]);
}

/// The packet is changed by a new line; what is guilty is the old one behind it.
#[test]
fn a_finding_that_a_changed_line_explains_counts() {
    let program = |more: &str| {
        format!(
            "SEC(\"xdp\")\nint prog(struct xdp_md *xdp)\n{{\n\tstruct bpf_dynptr pkt;\n\t__u8 buf[20], *p;\n\n\
             \tbpf_dynptr_from_xdp(xdp, 0, &pkt);\n\tp = bpf_dynptr_slice(&pkt, 0, buf, sizeof(buf));\n\
             \tif (!p)\n\t\treturn 0;\n{more}\treturn p[1];\n}}\n"
        )
    };
    let repository = Repository::new(&[("a.bpf.c", &program(""))]);
    repository.write("a.bpf.c", &program("\tbpf_xdp_adjust_head(xdp, 4);\n"));
    let found = repository.found("", &["--diff-base=HEAD", "--select=stale-slice"]);
    assert_eq!(found, ["a.bpf.c:12"]);
}

#[test]
fn only_changed_lines_are_mended() {
    let old = format!("{IDLE_ALLOW}int y;\n");
    let repository = Repository::new(&[("a.bpf.c", &old), ("b.bpf.c", IDLE_ALLOW)]);
    repository.write("a.bpf.c", &format!("{IDLE_ALLOW}{old}{IDLE_ALLOW}"));
    let patch = repository.sandbox.run(&["check", "--diff-base=HEAD", "--diff"]);
    assert_eq!(patch.err, "would fix 2 findings in 1 file\n");
    let ran = repository.sandbox.run(&["check", "--diff-base=HEAD", "--fix"]);
    assert_eq!(ran.code, 0, "what is left is old: {ran:?}");
    assert_eq!(repository.sandbox.read("a.bpf.c").matches("allow(").count(), 1);
    assert_eq!(repository.sandbox.read("b.bpf.c"), IDLE_ALLOW);
}

#[test]
fn what_git_cannot_tell_is_an_error() {
    let repository = Repository::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let fails = |sandbox: &Sandbox, args: &[&str]| {
        let ran = sandbox.run(&[&["check"], args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        ran.err
    };
    for revision in ["nothing-such", "--output=x", "HEAD:a.bpf.c", ""] {
        let message = fails(&repository.sandbox, &[&format!("--diff-base={revision}")]);
        assert!(message.starts_with(&format!("error: unknown revision `{revision}`")), "{message}");
    }
    repository.git(&["checkout", "--quiet", "--orphan", "other"]);
    repository.commit("another beginning");
    let message = fails(&repository.sandbox, &["--diff-base=main"]);
    assert!(message.contains("no common ancestor"), "{message}");
    let message = fails(&repository.sandbox, &["--diff-base=main", "-"]);
    assert!(message.contains("--diff-base is of no use with `-`"), "{message}");

    let outside = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let message = fails(&outside, &["--diff-base=HEAD"]);
    assert!(message.contains("not in a git work tree"), "{message}");
    let mut command = outside.command(&["check", "--diff-base=HEAD"]);
    let ran = Ran::of(command.env("PATH", outside.path("")));
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: cannot run git"), "{ran:?}");
}
