//! How findings are printed: formats, colours, patches, statistics, a reader that goes away.

use std::io::Read;
use std::process::{Command, Stdio};

use super::sandbox::{IDLE_ALLOW, Ran, Sandbox, files};

const FORMATS: [&str; 6] = ["full", "concise", "json", "sarif", "github", "junit"];

#[test]
fn every_format_names_file_and_rule() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    for format in FORMATS {
        let ran = sandbox.run(&["check", "--format", format]);
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{format}");
        for word in ["a.bpf.c", "unused-suppression"] {
            assert!(ran.out.contains(word), "{format}: {ran:?}");
        }
        assert!(!ran.out.contains('\u{1b}'), "{format} is coloured without a terminal");
    }
}

#[test]
fn colours_follow_the_option_then_the_environment() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let coloured = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = sandbox.command(&[&["check"], args].concat());
        command.envs(environment.iter().copied());
        Ran::of(&mut command).out.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "no terminal");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&["--color", "always", "--format", "json"], &[]));
}

#[test]
fn statistics_stand_behind_the_findings() {
    let unknown = "// bpf-analyzer: allow(no-such)\nint x;\n";
    let sandbox =
        Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("b.bpf.c", IDLE_ALLOW), ("c.bpf.c", unknown)]);
    let table = "2  unused-suppression\n1  unknown-suppression\n";
    let ran = sandbox.run(&["check", "--statistics", "--format", "concise"]);
    assert!(ran.out.ends_with(table), "{ran:?}");
    let ran = sandbox.run(&["check", "--statistics", "--format", "json"]);
    assert_eq!((files(&ran), ran.err.as_str()), (3, table));
}

#[test]
fn fixing_changes_the_file_once() {
    let text = format!("{IDLE_ALLOW}int y; // bpf-analyzer: allow(no-such)\n");
    let mended = "int x;\nint y; // bpf-analyzer: allow(no-such)\n";
    let sandbox = Sandbox::new(&[("a.bpf.c", &text), ("sub/b.bpf.c", IDLE_ALLOW)]);
    let ran = sandbox.run(&["check", "--fix", "--format", "concise"]);
    assert_eq!(ran.code, 1, "one finding cannot be mended");
    assert!(ran.out.contains("fixed 2 findings in 2 files\n"), "{ran:?}");
    assert!(ran.out.contains("unknown-suppression") && !ran.out.contains("unused"), "{ran:?}");
    assert_eq!(sandbox.read("a.bpf.c"), mended);
    let ran = sandbox.run(&["check", "--fix", "--format", "concise"]);
    assert!(ran.out.contains("fixed 0 findings in 0 files\n"), "{ran:?}");
    assert_eq!(sandbox.read("a.bpf.c"), mended);
    sandbox.write("clean.bpf.c", b"int z;\n");
    let ran = sandbox.run(&["check", "--fix", "clean.bpf.c"]);
    assert_eq!(ran.code, 0);
}

#[test]
fn a_patch_applies_and_changes_what_fixing_changes() {
    let files = [
        ("a.bpf.c", IDLE_ALLOW),
        ("with blank/b.bpf.c", "int a;\nint b; // bpf-analyzer: allow(unknown-suppression)"),
        ("crlf.bpf.c", "int a;\r\n// bpf-analyzer: allow(unknown-suppression)\r\nint b;\r\n"),
    ];
    let patched = Sandbox::new(&files);
    let ran = patched.run(&["check", "--diff"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err, "would fix 3 findings in 3 files\n");
    for (path, text) in files {
        assert_eq!(patched.read(path), text, "--diff changes nothing");
    }
    patched.write("the.patch", ran.out.as_bytes());
    let mut patch = Command::new("patch");
    patch.args(["-p1", "--binary", "-i", "the.patch"]).current_dir(patched.path("."));
    let applied = Ran::of(&mut patch);
    assert_eq!(applied.code, 0, "{applied:?}");
    let fixed = Sandbox::new(&files);
    assert_eq!(fixed.run(&["check", "--fix"]).code, 0);
    for (path, _) in files {
        assert_eq!(patched.read(path), fixed.read(path), "{path}");
    }
    assert_eq!(fixed.read("with blank/b.bpf.c"), "int a;\nint b;");
    assert_eq!(fixed.read("crlf.bpf.c"), "int a;\r\nint b;\r\n");
    assert_eq!(fixed.run(&["check", "--diff"]).out, "");
}

#[test]
fn a_patch_applies_with_git_too() {
    let sandbox = Sandbox::new(&[("with blank/a.bpf.c", IDLE_ALLOW)]);
    let ran = sandbox.run(&["check", "--diff"]);
    sandbox.write("the.patch", ran.out.as_bytes());
    let mut git = Command::new("git");
    git.args(["apply", "the.patch"]).current_dir(sandbox.path("."));
    let applied = Ran::of(&mut git);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(sandbox.read("with blank/a.bpf.c"), "int x;\n");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_reported() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("b.bpf.c", IDLE_ALLOW)]);
    set_permissions(sandbox.path("a.bpf.c"), Permissions::from_mode(0o444)).expect("can change");
    let ran = sandbox.run(&["check", "--fix"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "error: a.bpf.c: cannot write: permission denied\n")
    );
    assert_eq!(sandbox.read("a.bpf.c"), IDLE_ALLOW);
    assert_eq!(sandbox.read("b.bpf.c"), "int x;\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::new(&[]);
    for index in 0..400 {
        sandbox.write(&format!("{index:04}.bpf.c"), IDLE_ALLOW.as_bytes());
    }
    for args in [&["check"][..], &["check", "--format", "json"], &["rules"]] {
        let mut command = sandbox.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command is built");
        let mut out = child.stdout.take().expect("is piped");
        let mut first = [0; 1];
        out.read_exact(&mut first).expect("prints something");
        drop(out);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert!(output.status.code().is_some_and(|code| code < 2), "{args:?}: {:?}", output.status);
    }
}
