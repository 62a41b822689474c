//! Ended from outside: files are old or new, never in between, and nothing is left beside them.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::sandbox::{IDLE_ALLOW, Sandbox};

const FILES: usize = 150;
const FINDINGS: usize = 15;

fn name(index: usize) -> String {
    format!("{index:03}.bpf.c")
}

/// How many files are mended; the others must be as they were.
fn mended(sandbox: &Sandbox) -> usize {
    let (old, new) = (IDLE_ALLOW.repeat(FINDINGS), "int x;\n".repeat(FINDINGS));
    let is_mended = |index: &usize| {
        let text = sandbox.read(&name(*index));
        assert!(text == old || text == new, "{} is half-written: {text}", name(*index));
        text == new
    };
    (0..FILES).filter(is_mended).count()
}

/// Starts to mend, ends it after ever longer times, and looks. Returns how many runs were ended before the last file.
fn kill_repeatedly(signal: Signal, leaves_temporary_files: bool) -> usize {
    let sandbox = Sandbox::new(&[]);
    let mut partial = 0;
    for round in 0..12 {
        for index in 0..FILES {
            sandbox.write(&name(index), IDLE_ALLOW.repeat(FINDINGS).as_bytes());
        }
        let mut command = sandbox.command(&["check", "--fix", "--format=concise", "--jobs=2"]);
        let mut child = command.stdout(Stdio::null()).spawn().expect("the command is built");
        // Files are mended in order; the wait is for work, not for a time.
        let deadline = Instant::now() + Duration::from_secs(20);
        let goal = "int x;\n".repeat(FINDINGS);
        while sandbox.read(&name(round * 10)) != goal && Instant::now() < deadline {
            sleep(Duration::from_micros(200));
        }
        let id = Pid::from_child(&child);
        // It may have ended by itself.
        let _ = kill_process(id, signal);
        let status = child.wait().expect("it ends");
        let expected = status.code().is_some_and(|code| code == 0 || code == 130)
            || signal == Signal::KILL && status.signal() == Some(9);
        assert!(expected, "{status:?}");
        let done = mended(&sandbox);
        partial += usize::from(done < FILES);
        let entries = fs::read_dir(sandbox.path("")).expect("is there");
        let left: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        if !leaves_temporary_files {
            assert_eq!(left.len(), FILES, "something is left beside the files: {left:?}");
        }
    }
    partial
}

#[test]
fn an_interrupted_run_leaves_whole_files_and_nothing_else() {
    for signal in [Signal::INT, Signal::TERM] {
        let partial = kill_repeatedly(signal, false);
        assert!(partial > 0, "no run was interrupted in time");
    }
}

#[test]
fn a_killed_run_leaves_whole_files() {
    assert!(kill_repeatedly(Signal::KILL, true) > 0, "no run was killed in time");
}

#[test]
fn an_interruption_ends_a_run_that_only_reads() {
    let sandbox = Sandbox::new(&[]);
    let mut command = sandbox.command(&["check", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the command is built");
    sleep(Duration::from_millis(50));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it waits for input");
    assert_eq!(child.wait().expect("it ends").signal(), Some(2), "as shells expect it");
}

/// `bpf-analyzer … | head` for everything that prints.
#[test]
fn a_reader_that_has_enough_is_no_error() {
    let sandbox = Sandbox::new(&[]);
    for index in 0..FILES {
        sandbox.write(&name(index), IDLE_ALLOW.repeat(50).as_bytes());
    }
    for args in [
        &["check"][..],
        &["check", "--format=sarif"],
        &["check", "--diff"],
        &["check", "--statistics", "--format=junit"],
        &["rules", "--format=json"],
        &["explain", "stale-slice"],
        &["completions", "bash"],
        &["check", "--help"],
    ] {
        let mut command = sandbox.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command is built");
        let mut out = child.stdout.take().expect("is piped");
        out.read_exact(&mut [0]).expect("prints something");
        drop(out);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("error") && !said.contains("panicked"), "{args:?}: {said}");
        assert!(output.status.code().is_some_and(|code| code < 2), "{args:?}: {:?}", output.status);
    }
}
