//! Running the compiler: no shell, no input, its own process group, bounded time and output.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::cancel::Cancel;

/// What a program may print to each of its outputs, in bytes.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// How often a running program is looked after.
const TICK: Duration = Duration::from_millis(5);

/// How long outputs may stay open after the program ended: something it started holds them.
const LINGER: Duration = Duration::from_secs(1);

/// A program to run.
pub(super) struct Run<'a> {
    pub(super) program: &'a Path,
    pub(super) args: &'a [OsString],
    pub(super) directory: &'a Path,
    /// Where it may put temporary files.
    pub(super) temporary: &'a Path,
    pub(super) limit: Duration,
    pub(super) cancel: &'a Cancel,
}

/// What it did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Why there is no outcome. The program and what it started are gone.
#[derive(Debug)]
pub(super) enum RunError {
    Start(io::Error),
    TimedOut,
    Cancelled,
    TooMuchOutput,
}

/// The variables that the program gets besides those set here: where it finds its parts, not what it does.
const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "LD_LIBRARY_PATH", "SYSTEMROOT", "CCACHE_DIR"];

/// The environment of compilers, as far as it comes from outside. Wrappers of Nix find headers by their variables.
pub(super) fn environment() -> Vec<(OsString, OsString)> {
    let kept = |name: &OsStr| {
        let name = name.to_str().unwrap_or_default();
        KEPT.contains(&name) || name.starts_with("NIX_")
    };
    let mut kept: Vec<_> = std::env::vars_os().filter(|(name, _)| kept(name)).collect();
    kept.sort();
    kept
}

/// Runs it to its end.
pub(super) fn run(run: &Run<'_>) -> Result<Outcome, RunError> {
    let mut command = Command::new(run.program);
    command.args(run.args).current_dir(run.directory).env_clear().envs(environment());
    command.env("LC_ALL", "C");
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, run.temporary);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    if run.cancel.is_cancelled() {
        return Err(RunError::Cancelled);
    }
    let mut group = Group(command.spawn().map_err(RunError::Start)?);
    let (sender, events) = mpsc::channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        group.0.stdout.take().map(|pipe| Box::new(pipe) as _),
        group.0.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for (which, pipe) in outputs.into_iter().enumerate() {
        let (Some(pipe), sender) = (pipe, sender.clone()) else { continue };
        std::thread::spawn(move || read(which, pipe, &sender));
    }
    drop(sender);
    let mut read = [Vec::new(), Vec::new()];
    let deadline = Instant::now() + run.limit;
    let mut ended: Option<Instant> = None;
    let mut open = 2;
    while open > 0 || ended.is_none() {
        match events.recv_timeout(TICK) {
            Ok((which, Some(bytes))) => {
                read[which] = bytes;
                open -= 1;
            }
            Ok((_, None)) => return Err(RunError::TooMuchOutput),
            Err(RecvTimeoutError::Timeout) => {}
            // Both outputs are read; all that is left is the end.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(1)),
        }
        if run.cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        let now = Instant::now();
        if ended.is_none() && group.has_ended() {
            group.kill();
            ended = Some(now);
        }
        let lingers = ended.is_some_and(|ended| now - ended > LINGER);
        if lingers || ended.is_none() && now > deadline {
            return Err(RunError::TimedOut);
        }
    }
    let status = group.0.wait().map_err(RunError::Start)?;
    let [stdout, stderr] = read;
    Ok(Outcome { status, stdout, stderr })
}

/// Sends all that comes out of `pipe`, or `None` if it is too much.
fn read(which: usize, pipe: impl Read, sender: &Sender<(usize, Option<Vec<u8>>)>) {
    let mut bytes = Vec::new();
    let limit = MAX_OUTPUT as u64 + 1;
    // What a broken pipe gave until then is all there is.
    let _ = pipe.take(limit).read_to_end(&mut bytes);
    let fits = bytes.len() <= MAX_OUTPUT;
    let _ = sender.send((which, fits.then_some(bytes)));
}

/// A program and what it started; none of it outlives this.
struct Group(Child);

impl Group {
    #[cfg(unix)]
    fn id(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(self.0.id().try_into().ok()?)
    }

    /// Whether the program ended. Its number is not given up, so that it cannot be another's yet.
    #[cfg(unix)]
    fn has_ended(&mut self) -> bool {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(id) = self.id() else { return true };
        !matches!(waitid(WaitId::Pid(id), options), Ok(None))
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        if let Some(id) = self.id() {
            // There may be nothing left to kill.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // After a wait the number belongs to nobody; before, it is ours.
        if !self.waited() {
            self.kill();
            let _ = self.0.wait();
        }
    }
}

impl Group {
    #[cfg(unix)]
    fn waited(&mut self) -> bool {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.id().is_none_or(|id| waitid(WaitId::Pid(id), options).is_err())
    }

    #[cfg(not(unix))]
    fn waited(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }
}
