//! Compilers that are not there, not good enough, or misbehave: scripts in their place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use bpf_analyzer::cancel::Cancel;
use bpf_analyzer::compile::{CompileError, CompileSettings, Compiler};
use bpf_analyzer::config::{Clang, ConfigCache};
use bpf_analyzer::rules::Catalogue;

use crate::Workspace;

/// A script that answers as clang 19 does, and does `work` when it is asked to compile.
fn script(version: &str, targets: &str, work: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$1\" in\n--version) echo 'Some {version}';;\n\
         --print-targets) printf '  Registered Targets:\\n    {targets}  - x\\n';;\n*) {work}\n;;\nesac\n"
    )
}

fn good(work: &str) -> String {
    script("clang version 19.1.7 (x)", "bpf ", work)
}

/// The object that the script is told to write.
const OUTPUT: &str = "while [ \"$1\" != -o ]; do shift; done; out=$2;";

fn install(workspace: &Workspace, name: &str, text: &str) {
    workspace.write(name, text);
    let path = workspace.path(name);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("can change");
}

fn workspace(work: &str) -> Workspace {
    let workspace = Workspace::new(&[("a.bpf.c", "int x;\n")]);
    install(&workspace, "bin/clang", &good(work));
    workspace
}

fn compiler(workspace: &Workspace, limit: Duration) -> Compiler {
    let settings = workspace.settings(&workspace.path("bin"));
    Compiler::find(CompileSettings { time_limit: limit, ..settings }).expect("is found")
}

fn fails(work: &str) -> CompileError {
    let workspace = workspace(work);
    let compiler = compiler(&workspace, Duration::from_secs(20));
    workspace.compile(&compiler, "a.bpf.c").expect_err("does not compile")
}

fn find(workspace: &Workspace) -> Result<String, CompileError> {
    let settings = workspace.settings(&workspace.path("bin"));
    let name = |compiler: Compiler| {
        let name = compiler.program().file_name().expect("has a name").to_owned();
        name.into_string().expect("is UTF-8")
    };
    Compiler::find(settings).map(name)
}

/// Whether a process is alive; one that ended and was not waited for is not.
fn runs(id: &str) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[test]
fn the_first_good_compiler_is_taken() {
    let workspace = Workspace::new(&[]);
    let message = find(&workspace).expect_err("there is none").to_string();
    assert!(message.contains("clang: not found in PATH"), "{message}");
    assert!(message.contains("install the package clang"), "{message}");

    for (name, text) in [
        ("bin/clang-9", script("clang version 9.0.1", "bpf ", "")),
        ("bin/clang-18", good("")),
        ("bin/clang-20", script("clang version 20.1.0", "x86 ", "")),
        ("bin/clang-cpp-21", good("")),
    ] {
        install(&workspace, name, &text);
    }
    assert_eq!(find(&workspace).expect("18 is good"), "clang-18");
    install(&workspace, "bin/clang", &script("clang version 11.0.1", "bpf ", ""));
    assert_eq!(find(&workspace).expect("18 is good"), "clang-18");
    install(&workspace, "bin/clang", &good(""));
    assert_eq!(find(&workspace).expect("the plain name is good"), "clang");
}

#[test]
fn what_was_tried_is_told() {
    for (text, expected) in [
        (script("clang version 11.0.1", "bpf ", ""), "clang: is clang 11; 12 or newer is needed"),
        (script("clang version 19.1.7", "x86 ", ""), "clang: was built without the target bpf"),
        (script("gcc 14", "bpf ", ""), "clang: does not say that it is clang"),
        ("#!/bin/sh\nexit 3\n".to_owned(), "clang: answers `--version` with exit status: 3"),
        ("#!/none/such\n".to_owned(), "clang: No such file or directory"),
    ] {
        let workspace = Workspace::new(&[]);
        install(&workspace, "bin/clang", &text);
        let message = find(&workspace).expect_err("is no good").to_string();
        assert!(message.contains(expected), "{message}");
    }
    let workspace = Workspace::new(&[]);
    install(&workspace, "bin/clang", "#!/bin/sh\nsleep 60\n");
    let settings = CompileSettings {
        patience: Some(Duration::from_millis(200)),
        ..workspace.settings(&workspace.path("bin"))
    };
    let message = Compiler::find(settings).expect_err("hangs").to_string();
    assert!(message.contains("does not answer `--version` within 200ms"), "{message}");
}

#[test]
fn relative_directories_of_path_are_not_searched() {
    let workspace = Workspace::new(&[]);
    for path in ["", ".", "bin", "../bin"] {
        assert!(Compiler::find(workspace.settings(Path::new(path))).is_err(), "{path}");
    }
}

#[test]
fn a_file_of_the_workspace_cannot_name_a_program() {
    let mut workspace = workspace(&format!("{OUTPUT} echo object > \"$out\""));
    workspace.write("bpf-analyzer.toml", "clang = \"bin/clang\"\n");
    let (catalogue, file) = (Catalogue::shipped(), workspace.path("bpf-analyzer.toml"));

    let found = ConfigCache::new(&catalogue).for_directory(&workspace.path("")).expect("is valid");
    workspace.config = (*found).clone();
    let error = find(&workspace).expect_err("is not followed");
    assert!(matches!(error, CompileError::UntrustedClang { .. }), "{error}");

    let mut named = ConfigCache::fixed(&catalogue, &file).expect("is valid");
    workspace.config = (*named.for_directory(Path::new("/")).expect("is valid")).clone();
    assert_eq!(find(&workspace).expect("the user named the file"), "clang");

    for (name, is_followed) in [("clang", true), ("clang-19", false), ("evil", false)] {
        workspace.config.clang = Some(Clang { program: name.into(), trusted: false });
        assert_eq!(find(&workspace).is_ok(), is_followed, "{name}");
    }
}

#[test]
fn a_compiler_that_hangs_is_stopped_with_all_it_started() {
    let workspace = workspace("sleep 300 & echo $! > \"$0.pid\"; sleep 300");
    let begun = Instant::now();
    let error = workspace
        .compile(&compiler(&workspace, Duration::from_millis(200)), "a.bpf.c")
        .expect_err("is stopped");
    assert!(matches!(error, CompileError::TimedOut(_)), "{error}");
    let child = fs::read_to_string(workspace.path("bin/clang.pid")).expect("it began");
    while runs(child.trim()) {
        assert!(begun.elapsed() < Duration::from_secs(30), "what it started still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nobody_waits_for_what_a_compiler_left_running() {
    let workspace = workspace(&format!("sleep 300 & {OUTPUT} echo object > \"$out\""));
    let begun = Instant::now();
    let compiled = workspace
        .compile(&compiler(&workspace, Duration::from_secs(60)), "a.bpf.c")
        .expect("ends well");
    assert_eq!(compiled.object, b"object\n");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn cancelling_stops_the_compiler() {
    let workspace = workspace("sleep 300");
    let compiler = compiler(&workspace, Duration::from_secs(200));
    let cancel = workspace.cancel.clone();
    let begun = Instant::now();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        Cancel::cancel(&cancel);
    });
    let error = workspace.compile(&compiler, "a.bpf.c").expect_err("is stopped");
    assert!(matches!(error, CompileError::Cancelled), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    let error = workspace.compile(&compiler, "a.bpf.c").expect_err("does not begin");
    assert!(matches!(error, CompileError::Cancelled), "{error}");
}

#[test]
fn what_is_no_message_is_shown_shortened() {
    let error = fails("printf '\\001\\377garbage\\n' >&2; exit 4");
    let CompileError::Failed { status, output, .. } = &error else { panic!("{error}") };
    assert_eq!(status, "exit status: 4");
    assert_eq!(output, "\u{fffd}garbage");
    let error = fails("exit 1");
    assert!(error.to_string().ends_with("exit status: 1 and without a message"), "{error}");
    let error = fails("exit 0");
    assert!(matches!(error, CompileError::Failed { .. }), "an object is missing: {error}");
    let error = fails("kill -SEGV $$");
    assert!(error.to_string().contains("SIGSEGV"), "{error}");
}

#[test]
fn endless_output_is_cut_off() {
    let error = fails("yes >&2");
    assert!(matches!(error, CompileError::TooLarge(_)), "{error}");
    let error = fails("yes");
    assert!(matches!(error, CompileError::TooLarge(_)), "{error}");
}

#[test]
fn the_compiler_sees_little_of_the_environment() {
    let workspace = workspace(&format!(
        "{{ env; cat; }} > \"$TMPDIR/env\"; {OUTPUT} cp \"$TMPDIR/env\" \"$out\""
    ));
    let compiled = workspace
        .compile(&compiler(&workspace, Duration::from_secs(20)), "a.bpf.c")
        .expect("compiles");
    let text = String::from_utf8_lossy(&compiled.object).into_owned();
    assert!(text.contains("LC_ALL=C\n"), "{text}");
    assert!(!text.contains("CARGO"), "{text}");
}
