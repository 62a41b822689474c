//! Compiling a program with clang: text in, object or findings out.
//!
//! [`Compiler::find`] looks for a clang once, [`Compiler::compile`] runs it as often as needed, from any thread.
//! A program is compiled with the flags of `compile_commands.json` or with defaults, from the disk or from texts that
//! are not saved. `vmlinux.h` is there even if the workspace has none. Results are kept by their content: what was
//! compiled before is not compiled again, unless a header changed.

mod cache;
mod clang;
mod dependencies;
mod error;
mod findings;
mod flags;
mod messages;
mod overlay;
mod process;
mod vmlinux;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use diagnostic::{Finding, Severity};
use tempfile::TempDir;

use crate::cancel::Cancel;
use crate::config::{Clang, Config};
use crate::headers::Headers;
use crate::paths::normal;
use crate::source;
use cache::{Cache, Entry, Input, Inputs, Key, digest};
use clang::Found;
pub use clang::Tried;
pub use error::CompileError;
pub use findings::CLANG;
use flags::Flags;
use process::{Outcome, Run, RunError, run};
use vmlinux::VmlinuxError;

/// The largest object that is taken, in bytes.
const MAX_OBJECT: u64 = 128 * 1024 * 1024;

/// How far the clock of files lags behind that of the system.
const CLOCK: Duration = Duration::from_millis(20);

/// How much of clang's words is shown if they are no messages, in bytes.
const TAIL: usize = 2_000;

/// How programs are compiled.
#[derive(Clone, Debug)]
pub struct CompileSettings {
    /// The compiler; `None` means that it is searched.
    pub clang: Option<Clang>,
    /// Directories in which it is searched, in the form of `PATH`.
    pub search_path: OsString,
    /// How long one compilation may take.
    pub time_limit: Duration,
    /// How long clang may take to say its version; `None` means 10 s.
    pub patience: Option<Duration>,
    /// Where objects and `vmlinux.h` are kept; `None` means nowhere.
    pub cache: Option<PathBuf>,
    /// How much is kept, in bytes; the oldest goes first.
    pub cache_bytes: u64,
}

impl CompileSettings {
    /// The settings of a configuration and of the environment: `PATH`, and the user's directory for caches.
    pub fn of(config: &Config) -> Self {
        Self {
            clang: config.clang.clone(),
            search_path: std::env::var_os("PATH").unwrap_or_default(),
            time_limit: Duration::from_secs(30),
            patience: None,
            cache: cache::default_directory(),
            cache_bytes: 256 * 1024 * 1024,
        }
    }
}

/// A program to compile.
#[derive(Clone, Copy, Debug)]
pub struct CompileRequest<'r> {
    /// Its file.
    pub path: &'r Path,
    /// Its text if it is not that of the file.
    pub text: Option<&'r Arc<str>>,
    /// Other files whose texts are not saved; absolute paths.
    pub unsaved: &'r [(PathBuf, Arc<str>)],
    /// The configuration of the file.
    pub config: &'r Config,
    /// Where compilation databases are known.
    pub headers: &'r Headers,
    /// Flags of the user, behind those of the database. Those that could run or write something are left out.
    pub flags: &'r [String],
    /// Stops it.
    pub cancel: &'r Cancel,
}

/// A program that compiles.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The object, an ELF file with BTF.
    pub object: Vec<u8>,
    /// The text that was compiled; the findings are about it.
    pub source: Arc<str>,
    /// What clang warns of.
    pub warnings: Vec<Finding>,
    /// The files that were read, the program first: if one changes, so may the object.
    pub dependencies: Vec<PathBuf>,
    /// Whether clang did not have to run.
    pub cached: bool,
}

/// A clang that was found.
#[derive(Clone, Debug)]
pub struct Compiler {
    clang: Found,
    settings: CompileSettings,
    cache: Option<Cache>,
}

impl Compiler {
    /// Looks for a clang that compiles for BPF: the one of the settings, or `clang`, or the newest `clang-NN`.
    ///
    /// # Errors
    ///
    /// If there is none, with what was tried.
    pub fn find(settings: CompileSettings) -> Result<Self, CompileError> {
        let clang = clang::find(settings.clang.as_ref(), &settings.search_path, settings.patience)?;
        let cache = settings.cache.as_deref().map(|dir| Cache::new(dir, settings.cache_bytes));
        Ok(Self { clang, settings, cache })
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.clang.program
    }

    /// Whether the program is still the file that was found.
    pub fn is_current(&self) -> bool {
        clang::stamp(&self.clang.program) == self.clang.stamp
    }

    /// The first number of its version.
    pub fn major(&self) -> u32 {
        self.clang.major
    }

    /// Compiles a program. It blocks until clang is done, or stopped.
    ///
    /// # Errors
    ///
    /// If the program has mistakes, which are [`CompileError::Rejected`], or clang does not do its work.
    pub fn compile(&self, request: &CompileRequest<'_>) -> Result<Compiled, CompileError> {
        let mut job = self.prepare(request)?;
        let key = self.key(&job);
        if let Some(entry) =
            self.cache.as_ref().and_then(|cache| cache.load(&key, |inputs| job.is_current(inputs)))
        {
            let read = entry.inputs.read.iter().map(|input| input.path.clone()).collect();
            return Ok(job.compiled(entry, read, true));
        }
        if let Some(cause) = job.unwritable.take() {
            return Err(CompileError::Io { what: "cannot write vmlinux.h", cause });
        }
        let begun = SystemTime::now();
        let outcome = self.run(&job, request.cancel)?;
        let messages = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let object = outcome.status.success().then(|| job.object()).transpose()?.flatten();
        let Some(object) = object else {
            return Err(self.failure(&job, &outcome, &messages));
        };
        let rule = fs::read(job.file("rule")).unwrap_or_default();
        let read = dependencies::parse(&String::from_utf8_lossy(&rule), &job.flags.directory);
        let inputs = job.inputs(read.clone(), begun);
        let entry = Entry { object, messages, inputs: inputs.unwrap_or_default() };
        if let Some(cache) = &self.cache
            && !entry.inputs.read.is_empty()
        {
            // An object that is not kept is compiled again.
            let _ = cache.store(&key, &entry);
        }
        Ok(job.compiled(entry, read, false))
    }

    fn prepare(&self, request: &CompileRequest<'_>) -> Result<Job, CompileError> {
        let fail = |what| move |cause| CompileError::Io { what, cause };
        let path = std::path::absolute(request.path).map_err(fail("cannot find the program"))?;
        let path = normal(&path);
        let source = match request.text {
            Some(text) => Arc::clone(text),
            None => source::read(&path)
                .map_err(|cause| CompileError::Source { path: path.clone(), cause })?,
        };
        let mut unsaved: Vec<(PathBuf, Arc<str>)> = request
            .unsaved
            .iter()
            .filter(|(other, _)| normal(other) != path)
            .map(|(path, text)| (normal(path), Arc::clone(text)))
            .collect();
        if request.text.is_some() {
            unsaved.push((path.clone(), Arc::clone(&source)));
        }
        let flags = flags::of(&path, request.config, request.headers, request.flags);
        let scratch = tempfile::Builder::new()
            .prefix("bpf-analyzer-")
            .tempdir()
            .map_err(fail("cannot create a temporary directory"))?;
        let mut job =
            Job { path, source, unsaved, flags, scratch, vmlinux: None, unwritable: None };
        if !job.flags.search.iter().any(|dir| dir.join(vmlinux::NAME).is_file()) {
            match self.vmlinux(job.scratch.path()) {
                Ok(directory) => job.vmlinux = Some(directory),
                Err(VmlinuxError::Io(cause)) => job.unwritable = Some(cause),
                // Clang says which include leads nowhere.
                Err(VmlinuxError::Btf(_)) => {}
            }
        }
        Ok(job)
    }

    /// The directory of a `vmlinux.h`.
    fn vmlinux(&self, scratch: &Path) -> Result<PathBuf, VmlinuxError> {
        let kept = self.settings.cache.as_deref().and_then(|dir| vmlinux::directory(dir).ok());
        kept.map_or_else(|| vmlinux::directory(scratch), Ok)
    }

    fn key(&self, job: &Job) -> Key {
        let stamp = format!("{:?}", self.clang.stamp);
        let environment = format!("{:?}", process::environment());
        let mut parts: Vec<&[u8]> = vec![
            env!("CARGO_PKG_VERSION").as_bytes(),
            self.clang.program.as_os_str().as_encoded_bytes(),
            self.clang.version.as_bytes(),
            stamp.as_bytes(),
            environment.as_bytes(),
            job.path.as_os_str().as_encoded_bytes(),
            job.source.as_bytes(),
            job.flags.directory.as_os_str().as_encoded_bytes(),
        ];
        // What is written below the temporary directory has another name each time, and is known by its content.
        let kept = job.vmlinux.as_deref().filter(|dir| !dir.starts_with(job.scratch.path()));
        parts.extend(kept.map(|dir| dir.as_os_str().as_encoded_bytes()));
        parts.push(if job.unsaved.is_empty() { b"saved" } else { b"unsaved" });
        parts.extend(job.flags.args.iter().map(|arg| arg.as_encoded_bytes()));
        Key::of(parts)
    }

    fn run(&self, job: &Job, cancel: &Cancel) -> Result<Outcome, CompileError> {
        let args = job
            .args(self.clang.major)
            .map_err(|cause| CompileError::Io { what: "cannot write temporary files", cause })?;
        let limit = self.settings.time_limit;
        run(&Run {
            program: &self.clang.program,
            args: &args,
            directory: &job.flags.directory,
            temporary: job.scratch.path(),
            limit,
            cancel,
        })
        .map_err(|error| match error {
            RunError::Start(cause) => CompileError::Io { what: "cannot run clang", cause },
            RunError::TimedOut => CompileError::TimedOut(limit),
            RunError::Cancelled => CompileError::Cancelled,
            RunError::TooMuchOutput => CompileError::TooLarge("the output of clang"),
        })
    }

    fn failure(&self, job: &Job, outcome: &Outcome, messages: &str) -> CompileError {
        let findings = job.findings(messages);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return CompileError::Rejected(findings);
        }
        let text = messages.trim();
        let start = (text.len().saturating_sub(TAIL)..=text.len())
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(text.len());
        let shown = text[start..].chars().filter(|c| !c.is_control() || *c == '\n');
        CompileError::Failed {
            program: self.clang.program.clone(),
            status: outcome.status.to_string(),
            output: shown.collect(),
        }
    }
}

/// One compilation.
struct Job {
    path: PathBuf,
    source: Arc<str>,
    unsaved: Vec<(PathBuf, Arc<str>)>,
    flags: Flags,
    scratch: TempDir,
    /// Where `vmlinux.h` is if the program has none of its own.
    vmlinux: Option<PathBuf>,
    /// Why it could not be written.
    unwritable: Option<io::Error>,
}

impl Job {
    fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn args(&self, major: u32) -> io::Result<Vec<OsString>> {
        let mut args = self.flags.args.clone();
        // Without excerpts (`-fno-caret-diagnostics`) there would be no suggestions either.
        let mut add = |flags: &[&str]| args.extend(flags.iter().map(OsString::from));
        add(&["-fno-color-diagnostics", "-fmessage-length=0"]);
        add(&["-fdiagnostics-print-source-range-info", "-fdiagnostics-parseable-fixits"]);
        add(&["-fno-diagnostics-show-note-include-stack", "-fno-crash-diagnostics"]);
        if !self.unsaved.is_empty() {
            // BTF holds the lines of the program. Without the text in the debug information the backend would take
            // them from the disk.
            add(&["-gdwarf-5", "-gembed-source"]);
            let overlay = overlay::write(self.scratch.path(), &self.unsaved)?;
            args.extend(["-ivfsoverlay".into(), overlay.into_os_string()]);
        }
        // Which option that says has another name in older versions; the default is right there.
        if major >= 14 {
            args.push("-Wno-unused-command-line-argument".into());
        }
        if let Some(dir) = &self.vmlinux {
            args.extend(["-idirafter".into(), dir.as_os_str().to_owned()]);
        }
        args.extend(["-MD".into(), "-MT".into(), "object".into(), "-MF".into()]);
        args.push(self.file("rule").into_os_string());
        args.extend(["-c".into(), "-x".into(), "c".into(), "-o".into()]);
        args.push(self.file("object").into_os_string());
        let input = if self.path.exists() { self.path.clone() } else { self.stand_in(&mut args)? };
        args.push(input.into_os_string());
        Ok(args)
    }

    /// A file for a text that was never saved: clang wants its input to be on the disk, whatever the overlay says.
    fn stand_in(&self, args: &mut Vec<OsString>) -> io::Result<PathBuf> {
        let name = self.path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        let file = self.file("new.bpf.c");
        fs::write(&file, format!("#line 1 \"{name}\"\n{}", self.source))?;
        if let Some(beside) = self.path.parent() {
            args.extend(["-iquote".into(), beside.as_os_str().to_owned()]);
        }
        Ok(file)
    }

    /// What clang wrote, if it did.
    fn object(&self) -> Result<Option<Vec<u8>>, CompileError> {
        let path = self.file("object");
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > MAX_OBJECT => {
                Err(CompileError::TooLarge("the object"))
            }
            Ok(metadata) if metadata.len() == 0 => Ok(None),
            Ok(_) => fs::read(&path)
                .map(Some)
                .map_err(|cause| CompileError::Io { what: "cannot read the object", cause }),
            Err(_) => Ok(None),
        }
    }

    fn findings(&self, messages: &str) -> Vec<Finding> {
        findings::of(messages, &self.path, &self.flags.directory, &self.source)
    }

    fn compiled(self, entry: Entry, mut read: Vec<PathBuf>, cached: bool) -> Compiled {
        let warnings = self.findings(&entry.messages);
        read.retain(|path| *path != self.path && !path.starts_with(self.scratch.path()));
        read.insert(0, self.path);
        let Entry { object, .. } = entry;
        Compiled { object, source: self.source, warnings, dependencies: read, cached }
    }

    /// What the object depends on, or nothing if some of it changed while clang ran.
    fn inputs(&self, read: Vec<PathBuf>, begun: SystemTime) -> Option<Inputs> {
        let changed = |path: &PathBuf| {
            let modified = fs::metadata(path).and_then(|data| data.modified());
            !modified.is_ok_and(|modified| modified + CLOCK < begun)
        };
        let is_unsaved = |path: &PathBuf| self.unsaved.iter().any(|(other, _)| other == path);
        let scratch = self.scratch.path();
        let absent = dependencies::shadows(&read, &self.flags.search);
        let mut inputs = Inputs { read: Vec::new(), absent };
        for path in read.into_iter().filter(|path| !path.starts_with(scratch)) {
            if !is_unsaved(&path) && changed(&path) {
                return None;
            }
            let digest = self.digest(&path)?;
            inputs.read.push(Input { path, digest });
        }
        Some(inputs)
    }

    fn is_current(&self, inputs: &Inputs) -> bool {
        let same = |input: &Input| self.digest(&input.path).as_ref() == Some(&input.digest);
        let is_unsaved = |path: &PathBuf| self.unsaved.iter().any(|(other, _)| other == path);
        inputs.read.iter().all(same)
            && !inputs.absent.iter().any(|path| path.exists() || is_unsaved(path))
    }

    fn digest(&self, path: &Path) -> Option<String> {
        match self.unsaved.iter().find(|(other, _)| other == path) {
            Some((_, text)) => Some(digest(text.as_bytes())),
            None => fs::read(path).ok().map(|bytes| digest(&bytes)),
        }
    }
}
