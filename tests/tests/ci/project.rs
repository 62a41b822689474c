//! A project with BPF C that uses a recipe.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tests::places::{python_tools, repository, search_path};

/// A program with one finding that has a safe fix.
pub(crate) const GUILTY: &str = "// bpf-analyzer: allow(unknown-suppression)\nint x;\n";

/// A git repository with one committed file, and a directory for programs.
pub(crate) struct Project {
    directory: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { directory: tempfile::tempdir().expect("can create a directory") };
        for directory in ["work", "bin", "temp"] {
            fs::create_dir(project.path(directory)).expect("can create");
        }
        project.write("src/old.bpf.c", GUILTY);
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.commit();
        project
    }

    /// A path beside the work tree.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(path, text).expect("can write");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("work").join(name)).expect("is there")
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let ran = self.run(Command::new("git").args(args));
        assert_eq!(ran.code, 0, "git {args:?}: {ran:?}");
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--no-verify", "-m", "more"]);
    }

    /// Puts the command into a directory.
    pub(crate) fn install(directory: &Path) {
        fs::create_dir_all(directory).expect("can create");
        symlink(env!("CARGO_BIN_EXE_server-under-test"), directory.join("bpf-analyzer"))
            .expect("can link");
    }

    /// Makes a cargo that installs the command, and writes down what it was asked for.
    pub(crate) fn fake_cargo(&self) {
        let script = format!(
            "#!/bin/sh\necho \"$*\" >> '{log}'\nwhile [ \"$1\" != --root ]; do shift; done\n\
             mkdir -p \"$2/bin\" && ln -s '{program}' \"$2/bin/bpf-analyzer\"\n",
            log = self.path("cargo.log").display(),
            program = env!("CARGO_BIN_EXE_server-under-test"),
        );
        let path = self.path("bin/cargo");
        fs::write(&path, script).expect("can write");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("can change");
    }

    /// What the cargo was asked for, a line each time.
    pub(crate) fn cargo_log(&self) -> String {
        fs::read_to_string(self.path("cargo.log")).unwrap_or_default()
    }

    /// Runs in the work tree, with the directory `bin` in the path, and nothing of the user's own.
    pub(crate) fn run(&self, command: &mut Command) -> Ran {
        self.run_with(command, &[])
    }

    /// The same with more directories in the path.
    pub(crate) fn run_with(&self, command: &mut Command, first: &[&Path]) -> Ran {
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "GIT_DIR", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        let bin = self.path("bin");
        let path = search_path(&[first, &[bin.as_path()]].concat());
        command.env("PATH", path).env("HOME", self.path("temp"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "A");
            command.env(format!("GIT_{role}_EMAIL"), "a@example.org");
        }
        let output = command.current_dir(self.path("work")).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Ran {
            code: output.status.code().expect("is not killed"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The content of a YAML file of this repository, which must fit the schema of a service.
pub(crate) fn yaml(path: &str, schema: &str) -> Value {
    let file = repository(path);
    let mut check = Command::new(python_tools().join("check-jsonschema"));
    check.args(["--builtin-schema", schema]).arg(&file);
    let output = check.output().expect("is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = fs::read_to_string(&file).expect("is there");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A script, run so that it ends at the first failure, in which shellcheck finds nothing.
pub(crate) fn lint_shell(dialect: &str, script: &str) {
    let directory = tempfile::tempdir().expect("can create a directory");
    let path = directory.path().join("script");
    fs::write(&path, format!("set -eo pipefail\n{script}")).expect("can write");
    let mut check = Command::new(python_tools().join("shellcheck"));
    let output = check.args(["--shell", dialect]).arg(path).output().expect("is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
