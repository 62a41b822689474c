//! A directory of its own in which the command runs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A correct program, on which nothing is found.
pub(crate) const CLEAN: &str =
    "SEC(\"xdp\")\nint pass(struct xdp_md *ctx)\n{\n\treturn XDP_PASS;\n}\n";

/// A program with one finding that has a safe fix: a comment that allows what is not there.
pub(crate) const IDLE_ALLOW: &str = "// bpf-analyzer: allow(unknown-suppression)\nint x;\n";

/// A directory that is removed in the end.
pub(crate) struct Sandbox {
    dir: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// A directory with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let sandbox = Self { dir: tempfile::tempdir().expect("can create a directory") };
        for (path, text) in files {
            sandbox.write(path, text.as_bytes());
        }
        sandbox
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(path, content).expect("can write");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("is there")
    }

    /// The command, ready to run in the directory without influence from outside.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bpf-analyzer"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs with `input` as standard input.
    pub(crate) fn pipe(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command is built");
        child.stdin.take().expect("is piped").write_all(input).expect("it reads all input");
        Ran::from(&child.wait_with_output().expect("it ends"))
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(&command.output().expect("the command is built"))
    }

    fn from(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("prints UTF-8");
        Self {
            code: output.status.code().expect("is not killed"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The JSON document on standard output.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The files of the findings, each with its rule.
    pub(crate) fn findings(&self) -> Vec<(String, String)> {
        let document = self.json();
        let findings = document["findings"].as_array().expect("is a list").iter();
        let text = |value: &serde_json::Value| value.as_str().expect("is a text").to_owned();
        findings.map(|finding| (text(&finding["file"]), text(&finding["rule"]))).collect()
    }
}

/// The number of files in a JSON document.
pub(crate) fn files(ran: &Ran) -> u64 {
    ran.json()["summary"]["files"].as_u64().expect("is a number")
}

/// Makes a symbolic link.
#[cfg(unix)]
pub(crate) fn link(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).expect("can link");
}
