//! Linting and mending standard input.

use super::sandbox::{IDLE_ALLOW, Sandbox, files};

#[test]
fn standard_input_is_linted_under_a_name() {
    let sandbox = Sandbox::new(&[]);
    let ran = sandbox.pipe(&["check", "-", "--format", "json"], IDLE_ALLOW.as_bytes());
    assert_eq!((ran.code, files(&ran)), (1, 1));
    assert_eq!(ran.findings()[0].0, "<stdin>");
    let args = ["check", "--stdin-filename", "sub/x.bpf.c", "--format", "json", "-"];
    assert_eq!(sandbox.pipe(&args, IDLE_ALLOW.as_bytes()).findings()[0].0, "sub/x.bpf.c");
}

#[test]
fn the_name_decides_on_the_configuration() {
    let off = "[severity]\nunused-suppression = \"off\"\n";
    let sandbox = Sandbox::new(&[("sub/bpf-analyzer.toml", off)]);
    let code =
        |name| sandbox.pipe(&["check", "-", "--stdin-filename", name], IDLE_ALLOW.as_bytes()).code;
    assert_eq!((code("x.bpf.c"), code("sub/x.bpf.c"), code("sub/new/x.bpf.c")), (1, 0, 0));
}

#[test]
fn the_mended_text_goes_to_standard_output() {
    let sandbox = Sandbox::new(&[]);
    let ran = sandbox.pipe(&["check", "-", "--fix"], IDLE_ALLOW.as_bytes());
    assert_eq!((ran.code, ran.out.as_str()), (0, "int x;\n"));
    assert!(ran.err.contains("fixed 1 finding in 1 file\n"), "{ran:?}");
    let again = sandbox.pipe(&["check", "-", "--fix"], ran.out.as_bytes());
    assert_eq!((again.code, again.out), (0, ran.out));
    let args = ["check", "-", "--diff", "--stdin-filename", "x.c"];
    let ran = sandbox.pipe(&args, IDLE_ALLOW.as_bytes());
    assert!(ran.out.starts_with("--- a/x.c\n+++ b/x.c\n"), "{ran:?}");
    assert_eq!(ran.code, 1);
}

#[test]
fn unreadable_input_is_an_error() {
    let sandbox = Sandbox::new(&[]);
    let ran = sandbox.pipe(&["check", "-"], b"\xff");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(ran.err, "error: <stdin>: not valid UTF-8: line 1, byte offset 0\n");
    assert_eq!(sandbox.pipe(&["check", "-"], b"").code, 0);
}
