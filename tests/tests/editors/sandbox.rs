//! A home and a workspace for one run of an editor, which must end by itself and leave no process behind.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// The program that the editors start.
const SERVER: &str = env!("CARGO_BIN_EXE_server-under-test");

/// The absolute path of a directory for recordings of the sessions; none are made without it.
const RECORD: &str = "RECORD_SESSIONS";

/// Far above what a case takes, so that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may outlive its editor, which it notices by the end of its input.
const GRACE: Duration = Duration::from_secs(3);

/// A file of this repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
        .canonicalize()
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of a file that editors open.
pub(crate) fn fixture(name: &str) -> String {
    let path = repository("tests/editors/fixtures").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program with one finding, in line 15, and the same after its fix.
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) fixed: String,
}

impl Sample {
    pub(crate) fn plain() -> Self {
        Self { text: fixture("lost.bpf.c"), fixed: fixture("fixed.bpf.c") }
    }

    /// With CRLF, and characters of several bytes in front of the finding. A case types `typed` there too.
    pub(crate) fn foreign(typed: &str) -> Self {
        let plain = Self::plain();
        let store = "\tbytes[0] = 1;\n";
        let write = "bpf_dynptr_write(&pkt, 32, buf, sizeof(buf), 0);";
        let foreign = plain.text.replace(store, "\t/* é😀 */ bytes[0] = 1;\n");
        assert_ne!(foreign, plain.text);
        let store_and_write = format!("\t{typed} bytes[0] = 1; if (bytes == buf) {write}\n");
        let fixed = plain.text.replace(store, &store_and_write);
        Self { text: foreign.replace('\n', "\r\n"), fixed: fixed.replace('\n', "\r\n") }
    }
}

/// An empty home with a workspace, a server in the path, and files for a case.
pub(crate) struct Sandbox {
    home: TempDir,
    /// Written by cases whose editor keeps standard output to itself.
    pub(crate) output: PathBuf,
}

impl Sandbox {
    pub(crate) fn new(sample: &Sample) -> Self {
        let home = tempfile::Builder::new().prefix("bpf-analyzer-").tempdir().expect("can create");
        let sandbox = Self { output: home.path().join("output"), home };
        for directory in ["bin", "workspace", "config", "data", "state", "cache", "run"] {
            fs::create_dir(sandbox.path(directory)).expect("can create");
        }
        let server = if std::env::var_os(RECORD).is_some() {
            env!("CARGO_BIN_EXE_record-session")
        } else {
            SERVER
        };
        symlink(server, sandbox.path("bin/bpf-analyzer")).expect("can link");
        sandbox.write("lost.bpf.c", &sample.text);
        sandbox.write("plain.c", &fixture("plain.c"));
        sandbox.write("notes.txt", "nothing\n");
        sandbox.write("bpf-analyzer.toml", "");
        fs::write(sandbox.path("expected"), &sample.fixed).expect("can write");
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().canonicalize().expect("exists").join(name)
    }

    /// Adds a file to the workspace.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path("workspace").join(name), text).expect("can write");
    }

    /// What a case has written down of what it saw.
    pub(crate) fn shown(&self) -> String {
        fs::read_to_string(self.path("shown")).expect("was written")
    }

    /// A copy of a directory of the repository, for editors that write into it.
    pub(crate) fn copy(&self, directory: &str) -> PathBuf {
        let to = self.path("copy");
        let status = Command::new("cp").arg("-r").arg(repository(directory)).arg(&to).status();
        assert!(status.expect("cp runs").success());
        to
    }

    /// A command that sees nothing of the user's own set-up.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear();
        for (name, directory) in [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("CASE_FILE", "workspace/lost.bpf.c"),
            ("CASE_EXPECTED", "expected"),
            ("CASE_SHOWN", "shown"),
        ] {
            command.env(name, self.path(directory));
        }
        command
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("CASE_OUTPUT", &self.output)
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .current_dir(self.path("workspace"));
        command
    }

    /// Runs an editor until it says `passed`; anything else, and a process that is left, is a failure. The
    /// name is that of a recording, if one is made.
    pub(crate) fn pass(&self, name: &str, mut command: Command) {
        if let Some(directory) = std::env::var_os(RECORD) {
            command.env("RECORD_SERVER", SERVER).env("RECORD_TO", Path::new(&directory).join(name));
        }
        let mut child = command
            // The input stays open: some editors end when it does.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        let stdout = read_all(child.stdout.take());
        let stderr = read_all(child.stderr.take());
        let input = child.stdin.take();
        let ended = wait(&mut child);
        drop(input);
        if ended.is_none() {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
        let orphans = self.orphans();
        let mut said = fs::read_to_string(&self.output).unwrap_or_default();
        said += &stdout.join().expect("reads");
        said += &stderr.join().expect("reads");
        let ended = ended.map_or("had to be killed".to_owned(), |status| status.to_string());
        assert_eq!(ended, "exit status: 0", "{name}:\n{said}");
        assert!(said.contains("passed"), "the case did not pass:\n{said}");
        assert!(orphans.is_empty(), "left behind: {orphans:?}\n{said}");
    }

    /// The processes that still run in this home after a while, which are ended.
    fn orphans(&self) -> Vec<String> {
        let end = Instant::now() + GRACE;
        loop {
            let running = self.running();
            if running.is_empty() || Instant::now() > end {
                for (pid, _) in &running {
                    let _ = kill_process(*pid, Signal::KILL);
                }
                return running.into_iter().map(|(_, name)| name).collect();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The processes whose home this is, with their command lines.
    fn running(&self) -> Vec<(Pid, String)> {
        let home = format!("HOME={}", self.path("").display());
        let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
        let of_ours = processes.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let mut variables = environment.split(|byte| *byte == 0);
            variables.find(|variable| *variable == home.as_bytes())?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        });
        of_ours.collect()
    }
}

/// How a process ended, if it did in time.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("is a child") {
            return Some(status);
        }
        if Instant::now() > end {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn read_all(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The path of a program of the system, or a failure that says how to install it.
pub(crate) fn installed(program: &str, needed: &str, packages: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(program));
    let found = found.into_iter().find(|path| path.is_file());
    let found = found.filter(|_| Path::new(needed).exists());
    found.unwrap_or_else(|| {
        panic!("`{program}` is not here with all it needs: apt-get install {packages}")
    })
}

#[test]
#[should_panic(expected = "left behind")]
fn a_process_that_is_left_is_a_failure() {
    let sandbox = Sandbox::new(&Sample::plain());
    let mut command = sandbox.command(Path::new("/bin/sh"));
    command.args(["-c", "sleep 100 & echo passed"]);
    sandbox.pass("orphan", command);
}
