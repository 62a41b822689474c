//! `bpf-analyzer run --tests` and `bpf-analyzer verify --tests`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kernel_model::Version;

use super::args::{FormatName, RunArgs, RunFormat, TestingArgs, VerifyArgs};
use super::objects::{LoadError, Loaded, Objects};
use super::verify::read_target;
use super::{Status, complain};
use crate::config::ConfigCache;
use crate::rules::Catalogue;
use crate::run::Watched;
use crate::tests::{
    Case, CaseResult, CaseStatus, Collected, FileTests, Runner, TestFormat, What, collect, verify,
    write,
};
use crate::types::TypesCache;
use crate::verify::{Target, VerifySettings};

/// Runs the tests of what programs do.
pub(super) fn run(args: &RunArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let wanted = |case: &Case| {
        args.program.as_ref().is_none_or(|name| *name == case.program)
            && is_asked(&args.testing, case)
    };
    let started = Instant::now();
    let mut session = Session::new(&args.paths, args.config.as_deref(), catalogue, What::Runs)?;
    let mut runner = Runner {
        wanted: &wanted,
        lists: args.testing.list,
        budget: args.budget,
        memory: args.memory.saturating_mul(1 << 20),
        max_entries: args.max_entries,
        max_runs: args.max_runs,
        max_time: Duration::from_millis(args.max_time),
        watched: (args.coverage || args.lcov.is_some()).then(Watched::default),
    };
    session.broken(&wanted);
    for tests in std::mem::take(&mut session.collected.files) {
        let Some(loaded) = session.load(&tests, &wanted)? else { continue };
        session.results.extend(runner.run(&tests, &loaded.bytes));
    }
    let format = match args.format {
        RunFormat::Full => TestFormat::Full,
        RunFormat::Json => TestFormat::Json,
        RunFormat::Github => TestFormat::Github,
        RunFormat::Junit => TestFormat::Junit,
    };
    let status = session.print(format, &args.testing, started.elapsed())?;
    if let Some(watched) = &runner.watched {
        if args.coverage {
            // Documents stay alone.
            match args.format {
                RunFormat::Full => watched.coverage.write(&mut io::stdout().lock())?,
                _ => watched.coverage.write(&mut io::stderr().lock())?,
            }
        }
        if let Some(path) = &args.lcov {
            fs::write(path, watched.coverage.lcov()).with_context(|| path.display().to_string())?;
        }
    }
    Ok(forgiven(status, args.exit_zero))
}

/// Failed tests do not count if they are not to.
fn forgiven(status: Status, exit_zero: bool) -> Status {
    if exit_zero && status == Status::Findings { Status::Clean } else { status }
}

/// Runs the tests of what the verifier says.
pub(super) fn verdicts(args: &VerifyArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let format = match args.format {
        FormatName::Full => TestFormat::Full,
        FormatName::Json => TestFormat::Json,
        FormatName::Github => TestFormat::Github,
        FormatName::Junit => TestFormat::Junit,
        FormatName::Concise | FormatName::Sarif => {
            bail!("--tests has the formats full, json, github and junit")
        }
    };
    let wanted = |case: &Case| {
        (args.program.is_empty() || args.program.contains(&case.program))
            && is_asked(&args.testing, case)
    };
    let started = Instant::now();
    let mut session = Session::new(&args.paths, args.config.as_deref(), catalogue, What::Verdicts)?;
    session.broken(&wanted);
    let cache = TypesCache::default();
    let target = args.target.as_deref();
    let target = target.map(|text| read_target(&mut session.objects, text)).transpose()?;
    for tests in std::mem::take(&mut session.collected.files) {
        let Some(loaded) = session.load(&tests, &wanted)? else { continue };
        let types = cache.get(args.btf.as_deref().or(loaded.config.btf.as_deref()))?;
        let settings = VerifySettings {
            kernel: args.kernel.or(loaded.config.kernel).unwrap_or(Version::NEWEST_MODELLED),
            types: &types,
            capabilities: args.capabilities(&loaded.config),
            log_level: 0,
            programs: &[],
            max_entries: args.max_entries,
            target: target
                .as_ref()
                .map(|(bytes, program)| Target { bytes, program: program.as_deref() }),
            file: tests.path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
        };
        let results = verify(&tests, &loaded.bytes, &settings, &wanted, args.testing.list);
        session.results.extend(results);
    }
    let status = session.print(format, &args.testing, started.elapsed())?;
    Ok(forgiven(status, args.exit_zero))
}

fn is_asked(args: &TestingArgs, case: &Case) -> bool {
    args.test.is_empty() || args.test.iter().any(|part| case.id().contains(part))
}

/// Tests that are run, and how they ended.
struct Session<'s> {
    objects: Objects<'s>,
    collected: Collected,
    results: Vec<CaseResult>,
}

impl<'s> Session<'s> {
    fn new(
        paths: &[PathBuf],
        config: Option<&Path>,
        catalogue: &'s Catalogue,
        what: What,
    ) -> anyhow::Result<Self> {
        let mut configs = match config {
            Some(path) => ConfigCache::fixed(catalogue, path)?,
            None => ConfigCache::new(catalogue),
        };
        let here = [PathBuf::from(".")];
        // A configuration that is named says itself where its files are.
        let paths = match (paths, config) {
            ([], Some(config)) => &[config.parent().map_or_else(PathBuf::new, Path::to_owned)],
            ([], None) => &here[..],
            (paths, _) => paths,
        };
        let paths: Vec<PathBuf> = paths
            .iter()
            .map(|path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.clone() })
            .collect();
        let collected = collect(&paths, &mut configs, config.is_some(), what)?;
        Ok(Self { objects: Objects::new(catalogue, config)?, collected, results: Vec::new() })
    }

    /// Tests whose files do not exist.
    fn broken(&mut self, wanted: &dyn Fn(&Case) -> bool) {
        for (case, why) in std::mem::take(&mut self.collected.broken) {
            if wanted(&case) {
                let status = CaseStatus::Broken(why);
                self.results.push(CaseResult { case, status, elapsed: Duration::ZERO });
            }
        }
    }

    /// The object of a file; if there is none, its tests cannot be run.
    fn load(
        &mut self,
        tests: &FileTests,
        wanted: &dyn Fn(&Case) -> bool,
    ) -> anyhow::Result<Option<Loaded>> {
        let why = match self.objects.load(&tests.path) {
            Ok(loaded) => return Ok(Some(loaded)),
            Err(LoadError::Command(error)) => return Err(error),
            Err(LoadError::File(error)) => format!("{error:#}"),
            Err(LoadError::Rejected(findings)) => {
                let first = findings.first().map(|finding| finding.message.as_str());
                format!("clang does not compile it: {}", first.unwrap_or_default())
            }
        };
        let broken = tests.broken(&why).into_iter().filter(|result| wanted(&result.case));
        self.results.extend(broken);
        Ok(None)
    }

    fn print(
        &self,
        format: TestFormat,
        args: &TestingArgs,
        elapsed: Duration,
    ) -> anyhow::Result<Status> {
        let mut out = BufWriter::new(io::stdout().lock());
        if args.list {
            for result in &self.results {
                writeln!(out, "{}", result.case.id().replace(char::is_control, "\u{fffd}"))?;
            }
        } else {
            write(&mut out, &self.results, format, elapsed)?;
        }
        out.flush()?;
        if self.results.is_empty() {
            complain(format_args!(
                "there are no such tests; they are written as [[tests]] in bpf-analyzer.toml"
            ));
            return Ok(Status::Error);
        }
        let status = self.results.iter().map(|result| match result.status {
            CaseStatus::Passed => Status::Clean,
            CaseStatus::Failed(_) => Status::Findings,
            CaseStatus::Broken(_) => Status::Error,
        });
        Ok(status.max().unwrap_or(Status::Clean))
    }
}
