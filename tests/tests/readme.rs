//! The pages for users do what they say: every command of their shell blocks is run, every configuration is read, every
//! picture of C is checked. What cannot be run here is named with the reason.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tests::blocks;
use tests::places::{SHIPPED_BUT_SLOW, python_tools, repository, search_path};

/// The pages with blocks that are run.
const PAGES: [&str; 3] = ["README.md", "ci/README.md", "CONTRIBUTING.md"];

/// Lines that are not run, and what tests them instead.
const NOT_RUN: [(&str, &str); 13] = [
    (".ci/test", "this is how this test was started, or it would repeat itself"),
    ("cargo install --path server", "`the_command_can_be_installed`"),
    ("node vsix/build.mjs", "tests/vscode.rs builds the package"),
    ("code --install-extension target/vsix/bpf-analyzer-*.vsix", "tests/vscode.rs installs it"),
    ("cargo xtask dist", "tests/packages.rs makes a release"),
    ("cargo xtask corpus build", "the corpus has tests of its own"),
    ("cargo xtask oracle record", "it needs a running kernel and root"),
    ("cargo xtask oracle record --mode bpf", "so does this"),
    ("cargo xtask new-rule name-of-the-mistake", "it has tests of its own in xtask"),
    (
        "RECORD_SESSIONS=$PWD/tests/sessions cargo test -p tests --test editors",
        "it renews what tests read",
    ),
    (
        "RENEW_BOOK=1 cargo test -p tests --test editors verified",
        "it renews what `programs_are_verified_and_run` compares",
    ),
    ("cargo deny check", "it needs the advisories of another repository"),
    ("pip install target/dist/bpf_analyzer-*.whl", "tests/packages.rs installs it"),
];

/// A copy of the examples in a git repository, as a newcomer has them, with the command in the path.
struct Clone {
    directory: TempDir,
}

impl Clone {
    fn new() -> Self {
        let clone = Self { directory: tempfile::tempdir().expect("can create a directory") };
        let work = clone.work();
        fs::create_dir_all(work.join("bin")).expect("can create");
        let program = env!("CARGO_BIN_EXE_server-under-test");
        fs::copy(program, work.join("bin/bpf-analyzer")).expect("can copy");
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(repository("examples")).arg(work.join("examples"));
        assert!(copy.status().expect("can run").success());
        fs::create_dir(work.join("src")).expect("can create");
        for (from, to) in [("ttl_guard", "src/a"), ("stale_slice", "src/b"), ("ttl_guard", "a")] {
            let from = work.join(format!("examples/{from}.bpf.c"));
            let to = work.join(format!("{to}.bpf.c"));
            fs::copy(from, to).expect("can copy");
        }
        fs::copy(work.join("examples/ttl_guard.bpf.c"), work.join("prog.bpf.c")).expect("can copy");
        let object = repository("tests/corpus/run/parsers.bpf.o");
        fs::copy(object, work.join("prog.bpf.o")).expect("can copy");
        fs::rename(work.join("src/b.bpf.c"), work.join("src/b.c")).expect("can rename");
        fs::create_dir(work.join("src/b")).expect("can create");
        for script in [
            "git init --quiet --initial-branch=main",
            "git add examples src a.bpf.c",
            "git -c user.name=A -c user.email=a@example.org commit --quiet -m begin",
        ] {
            assert_eq!(clone.run(script).0, 0, "{script}");
        }
        clone
    }

    fn work(&self) -> PathBuf {
        self.directory.path().canonicalize().expect("is there")
    }

    /// The exit code, and what is printed.
    fn run(&self, line: &str) -> (i32, String) {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.work()).stdin(Stdio::null());
        shell.env("PATH", search_path(&[&self.work().join("bin")]));
        let output = shell.output().expect("can run");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().expect("is not killed"), String::from_utf8_lossy(&text).into_owned())
    }
}

fn page(name: &str) -> String {
    fs::read_to_string(repository(name)).expect("is there")
}

/// The lines of shell blocks without comments, and the page each stands on.
fn shell_lines() -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for name in PAGES {
        for (info, text, _) in blocks(&page(name)) {
            let prompt = |line: &str| line.strip_prefix("$ ").map(str::to_owned);
            let commands: Vec<String> = match info.as_str() {
                "sh" => text.lines().map(str::to_owned).collect(),
                "text" => text.lines().filter_map(prompt).collect(),
                _ => Vec::new(),
            };
            let bare = |line: String| line.split(" #").next().unwrap_or_default().trim().to_owned();
            let bare = commands.into_iter().map(bare).filter(|line| !line.is_empty());
            lines.extend(bare.map(|line| (name, line)));
        }
    }
    lines
}

#[test]
fn every_command_runs() {
    let clone = Clone::new();
    let mut ran = 0;
    for (page, line) in shell_lines() {
        if NOT_RUN.iter().any(|(known, _)| *known == line) {
            continue;
        }
        // The same program, compiled for tests.
        let line = line.replace("cargo run --release --", "bpf-analyzer");
        let line = line.strip_prefix("exec ").unwrap_or(&line);
        assert!(line.starts_with("bpf-analyzer "), "{page}: nothing says how `{line}` is tested");
        let (code, printed) = clone.run(line);
        assert!(code < 2, "{page}: `{line}` ended with {code}: {printed}");
        assert!(!printed.contains("error: "), "{page}: `{line}`: {printed}");
        ran += 1;
    }
    assert!(ran >= 12, "{ran} commands were run");
}

#[test]
fn what_is_not_run_stands_on_a_page() {
    let lines = shell_lines();
    for (line, _) in NOT_RUN {
        assert!(lines.iter().any(|(_, on_page)| on_page == line), "`{line}` is on no page");
    }
}

#[test]
fn the_first_command_finds_what_it_is_there_for() {
    let clone = Clone::new();
    let (code, printed) = clone.run("bpf-analyzer check examples/forgotten_write_back.bpf.c");
    assert!(code == 1 && printed.contains("error[missing-write-back]"), "{printed}");
}

#[test]
fn every_configuration_is_read() {
    let clone = Clone::new();
    let mut read = 0;
    for (info, text, line) in blocks(&page("README.md")) {
        if info == "toml" {
            fs::write(clone.work().join("shown.toml"), &text).expect("can write");
            // What it names need not be there, but must be understood.
            let (_, printed) = clone.run("bpf-analyzer check --config shown.toml");
            assert!(!printed.contains("shown.toml:"), "README.md:{line}: {printed}");
            read += 1;
        }
    }
    assert!(read > 0);
}

#[test]
fn every_comment_that_is_shown_is_understood() {
    let clone = Clone::new();
    for (info, text, line) in blocks(&page("README.md")) {
        if info == "c" {
            fs::write(clone.work().join("shown.c"), format!("int before;\n{text}"))
                .expect("can write");
            let (_, printed) = clone.run("bpf-analyzer check --select unknown-suppression shown.c");
            assert!(printed.starts_with("no findings"), "README.md:{line}: {printed}");
        }
    }
}

/// The platform of this machine.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("can run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("is told").to_owned()
}

/// A command that compiles, with the settings of packages, with which everything is compiled already.
fn compiling(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(repository(".")).env("RUSTFLAGS", "-C target-feature=+crt-static");
    command.envs(SHIPPED_BUT_SLOW);
    // What cargo sets for tests is not meant for the programs that are started.
    command.env_remove("LD_LIBRARY_PATH").stdin(Stdio::null());
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether the only program in the directory is the command.
fn assert_installed(bin: &Path) {
    let installed: Vec<_> = fs::read_dir(bin).expect("is there").flatten().collect();
    assert_eq!(installed.len(), 1, "one command: {installed:?}");
    let said = Command::new(bin.join("bpf-analyzer")).arg("--version").output().expect("can run");
    let expected = format!("bpf-analyzer {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&said.stdout), expected);
}

#[test]
fn the_command_can_be_installed() {
    let root = tempfile::tempdir().expect("can create a directory");
    let mut install = compiling(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    install.args(["install", "--locked", "--no-track", "--path", "server", "--root"]);
    succeeds(install.arg(root.path()).args(["--target", &host()]));
    assert_installed(&root.path().join("bin"));
}

/// As pip does it for people, and for the hook of pre-commit.
#[test]
fn pip_builds_a_clone() {
    let root = tempfile::tempdir().expect("can create a directory");
    let mut pip = compiling(python_tools().join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // The tools have maturin already.
    pip.arg("--no-build-isolation").env("PATH", search_path(&[&python_tools()]));
    pip.env("MATURIN_PEP517_ARGS", format!("--target {}", host()));
    succeeds(pip.arg("--target").arg(root.path()).arg("."));
    assert_installed(&root.path().join("bin"));
}
