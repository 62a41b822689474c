//! Vim with ALE.

use super::sandbox::{Sample, Sandbox, installed, repository};

/// Runs `tests/editors/vim/CASE.vim`.
fn run(case: &str) {
    let vim = installed("vim", "/usr/share/vim-ale/plugin/ale.vim", "vim-nox vim-ale");
    let sandbox = Sandbox::new(&Sample::plain());
    let mut command = sandbox.command(&vim);
    command
        .args(["-N", "-i", "NONE", "--not-a-term", "-u"])
        .arg(repository("tests/editors/vim").join(format!("{case}.vim")))
        .env("CASE_PLUGIN", sandbox.copy("editors/vim"));
    sandbox.pass(&format!("vim-{case}"), command);
}

#[test]
fn findings_appear_and_go_with_a_code_action() {
    run("everyday");
}

#[test]
fn settings_a_missing_server_and_the_whole_project() {
    run("project");
}
