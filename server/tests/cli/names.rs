//! File names and links as a system allows them, not as one would like them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;

use super::sandbox::{IDLE_ALLOW, Ran, Sandbox, files, link};

const FORMATS: [&str; 6] = ["full", "concise", "json", "sarif", "github", "junit"];

/// Names with a byte that is no UTF-8, with control characters, quotes, and what options and formats begin with.
const NAMES: [&[u8]; 7] = [
    b"caf\xe9.bpf.c",
    b"line\nbreak.bpf.c",
    b"\x1b[31mred.bpf.c",
    b"quote\"back\\slash.bpf.c",
    b"two  blanks .bpf.c",
    b"-dash.bpf.c",
    b"per%cent,co:mma.bpf.c",
];

fn odd() -> (Sandbox, Vec<PathBuf>) {
    let sandbox = Sandbox::new(&[]);
    let paths = NAMES.map(|name| sandbox.path("").join(OsStr::from_bytes(name)));
    for path in &paths {
        fs::write(path, IDLE_ALLOW).expect("can write");
    }
    (sandbox, paths.into())
}

#[test]
fn every_format_survives_odd_names() {
    let (sandbox, paths) = odd();
    for format in FORMATS {
        let ran = sandbox.run(&["check", "--format", format]);
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{format}");
        assert!(!ran.out.contains('\u{1b}'), "{format}: {ran:?}");
        let per_finding = ran.out.matches("unused-suppression").count();
        assert!(per_finding >= paths.len(), "{format}: {ran:?}");
    }
    assert_eq!(files(&sandbox.run(&["check", "--format=json"])), 7);
    let ran = sandbox.run(&["check", "--format=concise"]);
    assert_eq!(ran.out.lines().count(), paths.len(), "a line for each: {ran:?}");
    let binary = sandbox.path("").join("\u{1b}[31mbinary.bpf.c");
    fs::write(&binary, "\0").expect("can write");
    let ran = sandbox.run(&["check"]);
    assert!(ran.code == 2 && !ran.err.contains('\u{1b}'), "errors do not steer terminals: {ran:?}");
    for path in &paths {
        let mut command = sandbox.command(&["check", "--format=concise", "--"]);
        let ran = Ran::of(command.arg(path.file_name().expect("has a name")));
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "named: {path:?}");
    }
}

#[test]
fn files_with_odd_names_are_mended_and_their_patches_apply() {
    for tool in [&["git", "apply"][..], &["patch", "-p1", "--quiet", "-i"]] {
        let (sandbox, paths) = odd();
        let ran = sandbox.run(&["check", "--diff"]);
        sandbox.write("the.patch", ran.out.as_bytes());
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).arg("the.patch").current_dir(sandbox.path(""));
        let applied = Ran::of(&mut command);
        assert_eq!(applied.code, 0, "{tool:?}: {applied:?}\n{}", ran.out);
        for path in &paths {
            assert_eq!(
                fs::read_to_string(path).expect("is there"),
                "int x;\n",
                "{tool:?} {path:?}"
            );
        }
    }
    let (sandbox, paths) = odd();
    assert_eq!(sandbox.run(&["check", "--fix"]).code, 0);
    for path in &paths {
        assert_eq!(fs::read_to_string(path).expect("is there"), "int x;\n", "{path:?}");
    }
}

#[test]
fn changes_of_files_with_odd_names_are_seen() {
    let (sandbox, paths) = odd();
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(args);
        assert_eq!(Ran::of(git.current_dir(sandbox.path(""))).code, 0, "{args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "begin"]);
    let check = || sandbox.run(&["check", "--format=concise", "--diff-base=HEAD"]).out;
    assert_eq!(check(), "");
    for path in &paths {
        fs::write(path, format!("int first;\n{IDLE_ALLOW}")).expect("can write");
    }
    assert_eq!(check(), "", "the guilty lines are the old ones");
    for path in &paths {
        fs::write(path, format!("{IDLE_ALLOW}{IDLE_ALLOW}")).expect("can write");
    }
    assert_eq!(check().lines().count(), paths.len());
}

#[test]
fn links_that_lead_outside_are_followed_and_stay_links() {
    let sandbox = Sandbox::new(&[("tree/a.bpf.c", IDLE_ALLOW), ("outside/b.bpf.c", IDLE_ALLOW)]);
    let name = sandbox.path("tree/linked.bpf.c");
    link(&sandbox.path("outside/b.bpf.c"), &name);
    link(&sandbox.path("tree"), &sandbox.path("tree/loop"));
    link(std::path::Path::new("/proc/self/mem"), &sandbox.path("tree/device.bpf.c"));
    let ran = sandbox.run(&["check", "tree", "--fix"]);
    assert_eq!(ran.code, 2, "the loop and the device are told: {ran:?}");
    assert!(ran.err.contains("tree/loop: directory loop"), "{ran:?}");
    assert!(fs::symlink_metadata(&name).expect("is there").is_symlink());
    assert_eq!(sandbox.read("outside/b.bpf.c"), "int x;\n");
    assert_eq!(sandbox.read("tree/a.bpf.c"), "int x;\n");
}

/// Reading one would wait for ever.
#[test]
fn pipes_and_sockets_in_a_directory_are_not_read() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let pipe = sandbox.path("pipe.bpf.c");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("can run").success());
    let _socket =
        std::os::unix::net::UnixListener::bind(sandbox.path("s.bpf.c")).expect("can bind");
    let ran = sandbox.run(&["check", "--format=json"]);
    assert_eq!((ran.code, files(&ran)), (1, 1), "{ran:?}");
}
