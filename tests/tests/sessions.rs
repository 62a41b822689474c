//! Sessions of real editors, played again as they were and disturbed, and random edits under load.
//!
//! `RECORD_SESSIONS=DIRECTORY cargo test -p tests --test editors` records new ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::lsp::{Disorder, Encoding, Report, Stress, replay, stress};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_server-under-test"))
}

fn recordings() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
    let entries = std::fs::read_dir(directory).expect("is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("is readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    paths
}

#[test]
fn recorded_sessions_go_as_they_went() {
    let mut editors = BTreeSet::new();
    let (mut documents, mut diagnostics) = (0, 0);
    for path in recordings() {
        let played = replay(program(), &path, Disorder::None)
            .unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
        assert!(played.requests > 0, "{}: nothing is asked", path.display());
        documents += played.documents;
        diagnostics += played.diagnostics;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        editors.insert(name.split('-').next().unwrap_or_default().to_owned());
    }
    for editor in ["neovim", "emacs", "vim", "vscode"] {
        assert!(editors.contains(editor), "no session of {editor}: {editors:?}");
    }
    assert!(documents > 10 && diagnostics > 10, "{documents} documents, {diagnostics} diagnostics");
}

#[test]
fn recorded_sessions_stand_disorder() {
    for path in recordings() {
        for seed in 0..6 {
            replay(program(), &path, Disorder::Seed(seed))
                .unwrap_or_else(|error| panic!("{}, seed {seed}: {error:#}", path.display()));
        }
    }
}

#[test]
fn no_edit_is_lost_under_load() {
    for (seed, encoding) in [(1, Encoding::Utf8), (2, Encoding::Utf16), (3, Encoding::Utf32)] {
        let plan = Stress {
            seed,
            edits: 1_500,
            documents: 8,
            encoding,
            compare_every: 250,
            concurrent: 32,
            patience: Duration::from_secs(60),
        };
        let report = stress(program(), &plan).expect("the server starts");
        assert!(report.is_clean(), "{plan:?}: {report:#?}");
        assert_eq!((report.edits, report.comparisons), (plan.edits, 48), "{plan:?}");
        assert!(report.requests > 400 && report.cancelled > 20, "{plan:?}: {report:?}");
    }
}

/// A tester that cannot fail proves nothing.
#[cfg(unix)]
#[test]
fn faults_are_noticed() {
    let directory = tempfile::tempdir().expect("can create a directory");
    let plan = Stress {
        seed: 4,
        edits: 400,
        documents: 2,
        encoding: Encoding::Utf8,
        compare_every: 100,
        concurrent: 16,
        patience: Duration::from_secs(1),
    };
    for (fault, noticed) in [
        ("none", (|report| report.is_clean()) as fn(&Report) -> bool),
        ("loses", |report| !report.wrong.is_empty()),
        ("swaps", |report| !report.wrong.is_empty()),
        ("silent", |report| report.unanswered.len() == 1),
        ("twice", |report| report.faults.iter().any(|fault| fault.contains("2 times"))),
        ("publish", |report| !report.wrong.is_empty()),
        ("dies", |report| report.crashed),
    ] {
        let program = directory.path().join(fault);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_faulty-server"), &program)
            .expect("can link");
        let report = stress(&program, &plan).expect("the server starts");
        assert!(noticed(&report), "{fault}: {report:#?}");
    }
}
