//! Input that is no BPF C: a clear message, and the other files are linted.

use std::time::{Duration, Instant};

use super::sandbox::{CLEAN, IDLE_ALLOW, Sandbox, files};

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_linted() {
    let sandbox = Sandbox::new(&[("good.bpf.c", IDLE_ALLOW), ("dir/x.bpf.c", CLEAN)]);
    sandbox.write("nul.bpf.c", b"int x;\0");
    sandbox.write("binary.bpf.c", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0xff, 0xfe]);
    sandbox.write("latin1.bpf.c", b"int x;\n// caf\xe9\n");
    sandbox.write("utf16.bpf.c", b"\xff\xfei\0n\0t\0");
    let ran = sandbox.run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.err.lines().collect::<Vec<_>>(),
        [
            "error: binary.bpf.c: looks binary: NUL byte at offset 7",
            "error: latin1.bpf.c: not valid UTF-8: line 2, byte offset 13",
            "error: nul.bpf.c: looks binary: NUL byte at offset 6",
            "error: utf16.bpf.c: looks binary: NUL byte at offset 3",
        ]
    );
    assert_eq!(files(&ran), 2);
    assert_eq!(ran.findings(), [("good.bpf.c".to_owned(), "unused-suppression".to_owned())]);
}

#[test]
fn missing_and_odd_paths_are_reported() {
    let sandbox = Sandbox::new(&[("good.bpf.c", CLEAN), ("empty/.keep", "")]);
    let ran = sandbox.run(&["check", "missing.bpf.c", "good.bpf.c", "good.bpf.c/x.c"]);
    assert_eq!(ran.code, 2);
    let errors: Vec<&str> = ran.err.lines().collect();
    assert_eq!(errors.len(), 2, "{ran:?}");
    assert!(ran.err.contains("error: missing.bpf.c: No such file or directory\n"), "{ran:?}");
    assert!(ran.err.contains("error: good.bpf.c/x.c: Not a directory\n"), "{ran:?}");
    let ran = sandbox.run(&["check", "empty"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[cfg(unix)]
#[test]
fn files_without_permission_are_reported() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let sandbox =
        Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("locked.bpf.c", CLEAN), ("room/b.bpf.c", CLEAN)]);
    let lock = |path, mode| {
        set_permissions(sandbox.path(path), Permissions::from_mode(mode)).expect("can change");
    };
    lock("locked.bpf.c", 0o000);
    lock("room", 0o000);
    let readable_all_the_same = std::fs::read(sandbox.path("locked.bpf.c")).is_ok();
    let ran = sandbox.run(&["check", "--format", "json"]);
    lock("room", 0o700);
    assert_eq!(ran.findings(), [("a.bpf.c".to_owned(), "unused-suppression".to_owned())]);
    // The super-user reads everything; then there is nothing to report.
    if readable_all_the_same {
        assert_eq!((ran.code, ran.err.as_str(), files(&ran)), (1, "", 3));
    } else {
        let expected = "error: locked.bpf.c: Permission denied\nerror: room: Permission denied\n";
        let mut lines: Vec<&str> = ran.err.lines().collect();
        lines.sort_unstable();
        assert_eq!((ran.code, lines.join("\n") + "\n"), (2, expected.to_owned()));
    }
}

#[test]
fn odd_text_is_linted_in_bounded_time() {
    let brackets = format!("int x = {}1{};\n", "(".repeat(10_000), ")".repeat(10_000));
    let blocks = format!("int f(void) {}{}\n", "{".repeat(10_000), "}".repeat(10_000));
    let crlf = CLEAN.replace('\n', "\r\n");
    let with_mark = format!("\u{feff}{CLEAN}");
    let long_line = format!("int x; /* {} */\n", "x".repeat(1_000_000));
    let large = CLEAN.repeat(20 * 1024 * 1024 / CLEAN.len());
    for (name, text) in [
        ("empty", ""),
        ("brackets", &brackets),
        ("blocks", &blocks),
        ("unclosed", &brackets[..9_000]),
        ("comment", "/* never closed"),
        ("string", "char *s = \"never closed"),
        ("crlf", &crlf),
        ("mark", &with_mark),
        ("only a mark", "\u{feff}"),
        ("long line", &long_line),
        ("large", &large),
    ] {
        let sandbox = Sandbox::new(&[("odd.bpf.c", text), ("other.bpf.c", IDLE_ALLOW)]);
        let started = Instant::now();
        let ran = sandbox.run(&["check", "--format", "json"]);
        assert_eq!((files(&ran), ran.code, ran.err.as_str()), (2, 1, ""), "{name}");
        assert_eq!(ran.findings().last().expect("is found").0, "other.bpf.c", "{name}");
        assert!(started.elapsed() < Duration::from_secs(60), "{name} took too long");
    }
}

#[test]
fn a_file_above_the_limit_is_refused() {
    let sandbox = Sandbox::new(&[("other.bpf.c", IDLE_ALLOW)]);
    sandbox.write("huge.bpf.c", &vec![b'\n'; 32 * 1024 * 1024 + 1]);
    let ran = sandbox.run(&["check", "--format", "json"]);
    assert_eq!((ran.code, files(&ran)), (2, 1));
    assert_eq!(ran.err, "error: huge.bpf.c: too large: files above 32 MiB are not read\n");
}
