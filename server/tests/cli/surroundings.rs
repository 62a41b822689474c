//! Surroundings that are poorer than a developer's: no home, a home that cannot be written to, a full disk, closed
//! streams, a directory that is gone, a second run at the same time.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::sandbox::{CLEAN, IDLE_ALLOW, Ran, Sandbox};

#[test]
fn nothing_of_the_environment_is_needed() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("home/.keep", "")]);
    fs::set_permissions(sandbox.path("home"), Permissions::from_mode(0o500)).expect("can change");
    let expected = sandbox.run(&["check", "--format=concise"]);
    assert_eq!(expected.code, 1);
    let home = sandbox.path("home").display().to_string();
    for environment in [
        &[][..],
        &[("HOME", "")],
        &[("HOME", "/nonexistent"), ("TMPDIR", "/nonexistent")],
        &[("HOME", home.as_str()), ("XDG_CACHE_HOME", home.as_str())],
        &[("TERM", "dumb"), ("LC_ALL", "C"), ("COLUMNS", "0")],
    ] {
        let mut command = sandbox.command(&["check", "--format=concise"]);
        command.env_clear().envs(environment.iter().copied());
        let ran = Ran::of(&mut command);
        assert_eq!(
            (ran.code, ran.out, ran.err),
            (1, expected.out.clone(), String::new()),
            "{environment:?}"
        );
    }
    for args in [&["rules"][..], &["explain", "stale-slice"], &["completions", "zsh"], &["--help"]]
    {
        let ran = Ran::of(sandbox.command(args).env_clear());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        assert!(!ran.out.is_empty());
    }
    assert_eq!(
        fs::read_dir(sandbox.path("home")).expect("is there").count(),
        1,
        "nothing is put there"
    );
}

/// Runs the command in a shell that first does something to itself.
fn shell(sandbox: &Sandbox, script: &str) -> Ran {
    let program = sandbox.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(program).current_dir(sandbox.path("")).stdin(Stdio::null());
    Ran::of(shell.env_remove("CLICOLOR_FORCE"))
}

#[test]
fn a_full_disk_is_told_and_leaves_files_whole() {
    let sandbox =
        Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), ("known.json", "{\"version\":1,\"findings\":[]}")]);
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$0\" check";
    let ran = shell(&sandbox, &format!("{full} --fix --format=concise 2>&1 | cat; exit 2"));
    assert!(ran.out.contains("a.bpf.c: cannot write: File too large"), "{ran:?}");
    let ran = shell(
        &sandbox,
        &format!("{full} --baseline known.json --write-baseline 2>&1 | cat; exit 2"),
    );
    assert!(ran.out.contains("known.json: cannot write: File too large"), "{ran:?}");
    assert_eq!(sandbox.read("a.bpf.c"), IDLE_ALLOW);
    assert_eq!(sandbox.read("known.json"), "{\"version\":1,\"findings\":[]}");
    assert_eq!(
        fs::read_dir(sandbox.path("")).expect("is there").count(),
        2,
        "nothing is left behind"
    );

    for args in ["check --format=json", "check", "rules", "explain stale-slice", "completions bash"]
    {
        let ran = shell(&sandbox, &format!("exec \"$0\" {args} > /dev/full"));
        let said = "error: No space left on device";
        assert!(ran.code == 2 && ran.err.starts_with(said), "{args}: {ran:?}");
    }
}

/// A program that brings its own types, so that little is written when it is compiled.
const SMALL: &str = "\
typedef unsigned char __u8;
typedef unsigned int __u32;
struct xdp_md;
__attribute__((section(\"xdp\"), used)) int pass(struct xdp_md *ctx)
{
	return 2;
}
char _license[] __attribute__((section(\"license\"), used)) = \"GPL\";
";

/// The files below a directory.
fn below(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => below(&path),
            path => vec![path],
        })
        .collect()
}

/// Verifies `a.bpf.c` with a cache of its own, in a shell that first does something to itself.
fn verify(sandbox: &Sandbox, before: &str) -> Ran {
    let cache = sandbox.path("cache").display().to_string();
    let command = format!("XDG_CACHE_HOME='{cache}' exec \"$0\" verify --format=json a.bpf.c");
    shell(sandbox, &format!("{before}; {command}"))
}

#[test]
fn a_disk_that_is_too_full_for_the_cache_changes_nothing() {
    let sandbox = Sandbox::new(&[("vmlinux.h", "")]);
    // What is kept with an object names the files that were read.
    let includes = (0..9).map(|number| {
        sandbox.write(&format!("{number}.h"), b"");
        format!("#include \"{number}.h\"\n")
    });
    let includes: String = includes.collect();
    sandbox.write("a.bpf.c", format!("{includes}{SMALL}").as_bytes());
    let expected = verify(&sandbox, "true");
    assert_eq!(expected.code, 0, "{expected:?}");
    let kept = below(&sandbox.path("cache"));
    let [entry] = kept.as_slice() else { panic!("{kept:?}") };
    let bytes = fs::read(entry).expect("was written");
    let head = bytes.split(|byte| *byte == b'\n').next().expect("has a first line");
    let head: serde_json::Value = serde_json::from_slice(head).expect("is JSON");
    let object = head["object_bytes"].as_u64().expect("is a number");
    // There is room for the object, but not for it and what is kept with it.
    let blocks = object / 512 + 1;
    assert!(blocks * 512 < bytes.len() as u64, "{object} of {} bytes", bytes.len());
    fs::remove_dir_all(sandbox.path("cache")).expect("can remove");
    for _ in 0..2 {
        let ran = verify(&sandbox, &format!("trap '' XFSZ; ulimit -f {blocks}"));
        let verdict = |ran: &Ran| ran.json()["programs"][0]["verdict"].clone();
        assert_eq!((ran.code, verdict(&ran)), (0, verdict(&expected)), "{ran:?}");
        assert_eq!(below(&sandbox.path("cache")), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_disk_that_is_too_full_to_compile_is_told() {
    let sandbox = Sandbox::new(&[("a.bpf.c", &format!("#include <vmlinux.h>\n{SMALL}"))]);
    let script = "(trap '' XFSZ; ulimit -f 0; \"$0\" verify a.bpf.c 2>&1; echo \"code $?\") | cat";
    let ran = shell(&sandbox, &format!("export XDG_CACHE_HOME=\"$PWD/cache\"; {script}"));
    assert!(ran.out.contains("a.bpf.c: cannot write vmlinux.h: File too large"), "{ran:?}");
    assert!(ran.out.contains("code 2"), "{ran:?}");
    assert_eq!(below(&sandbox.path("cache")), [] as [PathBuf; 0]);
}

#[test]
fn programs_are_compiled_without_a_home() {
    let sandbox = Sandbox::new(&[("a.bpf.c", SMALL), ("home/.keep", "")]);
    fs::set_permissions(sandbox.path("home"), Permissions::from_mode(0o500)).expect("can change");
    let home = sandbox.path("home").display().to_string();
    let path = std::env::var("PATH").expect("is set");
    for environment in [
        &[][..],
        &[("HOME", "")],
        &[("HOME", "/nonexistent"), ("TMPDIR", "/nonexistent")],
        &[("HOME", "/dev/null/home"), ("XDG_CACHE_HOME", "/dev/null/cache")],
        &[("HOME", home.as_str()), ("XDG_CACHE_HOME", "/proc/self/cache")],
    ] {
        let mut command = sandbox.command(&["verify", "--format=concise", "a.bpf.c"]);
        command.env_clear().env("PATH", &path).envs(environment.iter().copied());
        let ran = Ran::of(&mut command);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{environment:?}: {ran:?}");
    }
}

#[test]
fn closed_streams_are_no_trouble() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    for script in
        ["exec \"$0\" check >&-", "exec \"$0\" check 2>&-", "exec \"$0\" check <&- >&- 2>&-"]
    {
        assert_eq!(shell(&sandbox, script).code, 1, "{script}");
    }
    let ran = shell(&sandbox, "exec \"$0\" check - <&-");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "nothing comes in: {ran:?}");
}

#[test]
fn a_directory_that_is_gone_is_an_error() {
    let sandbox = Sandbox::new(&[("gone/a.bpf.c", IDLE_ALLOW), ("b.bpf.c", CLEAN)]);
    let ran = shell(&sandbox, "cd gone && rm -r ../gone && exec \"$0\" check");
    assert_eq!((ran.code, ran.out.contains("panicked")), (2, false), "{ran:?}");
    assert!(ran.err.starts_with("error: ") && !ran.err.contains("panicked"), "{ran:?}");
    let absolute = sandbox.path("b.bpf.c").display().to_string();
    let script =
        format!("mkdir gone && cd gone && rmdir ../gone && exec \"$0\" check '{absolute}'");
    assert_eq!(shell(&sandbox, &script).code, 0, "it is not needed");
}

#[test]
fn a_directory_that_cannot_be_written_to_is_told() {
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let probe = sandbox.path("probe");
    fs::set_permissions(sandbox.path(""), Permissions::from_mode(0o500)).expect("can change");
    let allowed_all_the_same = File::create(&probe).is_ok();
    let ran = sandbox.run(&["check", "--fix"]);
    fs::set_permissions(sandbox.path(""), Permissions::from_mode(0o700)).expect("can change");
    // The super-user writes everywhere.
    if allowed_all_the_same {
        assert_eq!((ran.code, sandbox.read("a.bpf.c").as_str()), (0, "int x;\n"));
    } else {
        assert_eq!(ran.code, 2);
        assert!(ran.err.starts_with("error: a.bpf.c: cannot write: Permission denied"), "{ran:?}");
        assert_eq!(sandbox.read("a.bpf.c"), IDLE_ALLOW);
    }
}

#[test]
fn two_runs_at_once_do_the_same_as_one() {
    let sandbox = Sandbox::new(&[]);
    for index in 0..100 {
        sandbox.write(&format!("{index:03}.bpf.c"), IDLE_ALLOW.repeat(20).as_bytes());
    }
    let start = || {
        let mut command = sandbox.command(&["check", "--fix", "--format=json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command is built")
    };
    let runs = [start(), start(), start()];
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    for index in 0..100 {
        assert_eq!(sandbox.read(&format!("{index:03}.bpf.c")), "int x;\n".repeat(20));
    }
    assert_eq!(fs::read_dir(sandbox.path("")).expect("is there").count(), 100);
}
