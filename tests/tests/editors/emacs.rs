//! Emacs in batch mode, with Eglot and without.

use std::path::Path;
use std::process::Command;

use super::sandbox::{Sample, Sandbox, installed, repository};

/// Runs `tests/editors/emacs/CASE.el`.
fn run(sample: &Sample, case: &str) {
    let emacs = installed("emacs", "/", "emacs-nox elpa-eglot");
    let sandbox = Sandbox::new(sample);
    let cases = repository("tests/editors/emacs");
    let mut command = sandbox.command(&emacs);
    command
        .args(["-Q", "--batch", "-l"])
        .arg(cases.join("case.el"))
        .arg("-l")
        .arg(cases.join(format!("{case}.el")))
        .env("CASE_PACKAGE", sandbox.copy("editors/emacs"));
    // A project is what Git keeps.
    let workspace = command.get_current_dir().map(Path::to_owned).expect("is set");
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(workspace).status();
    assert!(git.expect("git runs").success());
    sandbox.pass(&format!("emacs-{case}"), command);
}

#[test]
fn findings_appear_and_go_with_a_code_action() {
    run(&Sample::plain(), "everyday");
}

#[test]
fn settings_and_columns_are_right_and_a_missing_server_is_told() {
    run(&Sample::foreign("/* é😀 */ /* ü🐝 */"), "settings");
}

#[test]
fn findings_appear_without_a_language_server() {
    run(&Sample::plain(), "beside");
}

#[test]
fn the_packages_compile_without_warnings() {
    run(&Sample::plain(), "packages");
}
