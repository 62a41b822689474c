//! `bpf-analyzer check`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, bail};
use diagnostic::{Applicability, RuleInfo};

use super::args::CheckArgs;
use super::report::Reporter;
use super::{Status, complain};
use crate::baseline::{Baselines, Recorder};
use crate::changes::Changes;
use crate::config::{self, ConfigCache};
use crate::files::{Discovered, SourceFile, discover};
use crate::fix;
use crate::focus::Focus;
use crate::headers::Headers;
use crate::linter::BpfLinter;
use crate::parallel;
use crate::rules::{Catalogue, UnknownRule};
use crate::selection::{Layer, Selector};
use crate::session::{Checked, FixMode, Outcome, Overrides, Session};
use crate::source;

/// Lints what `args` say.
pub(super) fn run(args: &CheckArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let overrides = overrides(args, catalogue)?;
    let mut configs = match &args.config {
        Some(path) => ConfigCache::fixed(catalogue, path)?,
        None => ConfigCache::new(catalogue),
    };
    if args.fix || args.write_baseline {
        fix::wait_for_writes();
    }
    let headers = Headers::default();
    let stdin = args.paths.iter().any(|path| path == Path::new("-"));
    let focus = focus(args, stdin)?;
    let session = Session {
        catalogue,
        linter: &BpfLinter,
        headers: &headers,
        overrides: &overrides,
        focus: &focus,
    };
    let status = if stdin {
        check_stdin(args, &session, &mut configs)?
    } else {
        if args.stdin_filename.is_some() {
            bail!("--stdin-filename is only of use with `-`");
        }
        let found = discover(&args.paths, &mut configs)?;
        check_files(args, &session, &found)?
    };
    Ok(if args.exit_zero && status == Status::Findings { Status::Clean } else { status })
}

fn overrides(args: &CheckArgs, catalogue: &Catalogue) -> Result<Overrides, UnknownRule> {
    let selectors = |names: &[String]| -> Result<Vec<Selector>, UnknownRule> {
        names.iter().map(|name| Selector::parse(name.trim(), catalogue)).collect()
    };
    let allowed = if args.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
    Ok(Overrides {
        kernel: args.kernel,
        rules: Layer { select: selectors(&args.select)?, ignore: selectors(&args.ignore)? },
        fix: match (args.fix, args.diff) {
            (true, _) => FixMode::Write(allowed),
            (false, true) => FixMode::Diff(allowed),
            (false, false) => FixMode::Offer,
        },
    })
}

/// What the run is about.
fn focus(args: &CheckArgs, stdin: bool) -> anyhow::Result<Focus> {
    if stdin && args.diff_base.is_some() {
        bail!("--diff-base is of no use with `-`: git knows only what is in files");
    }
    if stdin && args.write_baseline {
        bail!("--write-baseline is of no use with `-`: record whole files");
    }
    let changes = args.diff_base.as_deref().map(|base| Changes::since(base, Path::new(".")));
    let baseline = args
        .baseline
        .as_deref()
        .map(|path| std::path::absolute(path).with_context(|| path.display().to_string()));
    Ok(Focus {
        changes: changes.transpose()?,
        baseline: baseline.transpose()?,
        forget_baselines: args.write_baseline,
        baselines: Baselines::default(),
    })
}

fn check_files(
    args: &CheckArgs,
    session: &Session<'_>,
    found: &Discovered,
) -> anyhow::Result<Status> {
    load_databases(session, &found.files)?;
    let mut recorders = if args.write_baseline {
        recorders(session, &found.files)?
    } else {
        load_baselines(session, &found.files)?;
        BTreeMap::new()
    };
    let rules: Vec<RuleInfo> = session.catalogue.rules().copied().collect();
    let mut reporter = Reporter::new(args, session, &rules, found.files.len());
    for unvisited in &found.unvisited {
        reporter.failed(&unvisited.path, &unvisited.cause);
    }
    reporter.begin();
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get);
    parallel::in_order(
        &found.files,
        jobs,
        |file| session.process(file),
        |file, outcome| {
            match outcome {
                Ok(Ok(Outcome::Checked(mut checked))) => {
                    record(session, &mut recorders, file, &mut checked);
                    reporter.checked(checked);
                }
                Ok(Ok(Outcome::Skipped)) => reporter.skipped(),
                Ok(Err(error)) => reporter.failed(&file.path, &error),
                Err(panicked) => reporter.failed(&file.path, &panicked),
            }
            if reporter.is_stuck() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    if !reporter.is_stuck() {
        for (path, recorder) in recorders {
            let (findings, files) = recorder.finish()?;
            reporter.recorded(&path, findings, files);
        }
    }
    reporter.stale(session.focus.baselines.of_missing_files());
    Ok(reporter.finish()?)
}

/// Moves the findings of a file into its baseline.
fn record(
    session: &Session<'_>,
    recorders: &mut BTreeMap<PathBuf, Recorder>,
    file: &SourceFile,
    checked: &mut Checked,
) {
    let path = session.focus.baseline_of(file);
    if let Some(recorder) = path.and_then(|path| recorders.get_mut(&path)) {
        let rules = session.rules(file);
        recorder.record(&file.absolute, &checked.report, &|rule| rules.contains(rule));
        checked.report.findings.clear();
    }
}

/// The baselines that are written, by path.
fn recorders(
    session: &Session<'_>,
    files: &[SourceFile],
) -> anyhow::Result<BTreeMap<PathBuf, Recorder>> {
    let mut recorders = BTreeMap::new();
    for file in files {
        let Some(path) = session.focus.baseline_of(file) else {
            bail!(
                "{}: say with --baseline or in {} which file becomes the baseline",
                file.path.display(),
                config::FILE_NAME
            );
        };
        if let Entry::Vacant(entry) = recorders.entry(path) {
            let recorder = Recorder::new(entry.key())?;
            entry.insert(recorder);
        }
    }
    Ok(recorders)
}

/// A baseline that is asked for must be usable.
fn load_baselines(session: &Session<'_>, files: &[SourceFile]) -> anyhow::Result<()> {
    let of_files = files.iter().filter_map(|file| session.focus.baseline_of(file));
    let all: BTreeSet<PathBuf> = of_files.chain(session.focus.baseline.clone()).collect();
    for path in all {
        session.focus.baselines.load(&path)?;
    }
    Ok(())
}

/// A compilation database named by a configuration must be usable; one that merely lies there need not.
fn load_databases(session: &Session<'_>, files: &[SourceFile]) -> anyhow::Result<()> {
    let mut databases: Vec<&PathBuf> =
        files.iter().filter_map(|file| file.config.compile_commands.as_ref()).collect();
    databases.sort();
    databases.dedup();
    for path in databases {
        session.headers.load_database(path)?;
    }
    Ok(())
}

fn check_stdin(
    args: &CheckArgs,
    session: &Session<'_>,
    configs: &mut ConfigCache<'_>,
) -> anyhow::Result<Status> {
    if args.paths.len() > 1 {
        bail!("`-` stands alone: standard input cannot be linted together with files");
    }
    let path = args.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("<stdin>"));
    let absolute = std::path::absolute(&path).with_context(|| path.display().to_string())?;
    let config = configs.for_directory(absolute.parent().unwrap_or(&absolute))?;
    let file = SourceFile { path, absolute, config, only_if_bpf: false };
    load_databases(session, std::slice::from_ref(&file))?;
    load_baselines(session, std::slice::from_ref(&file))?;
    let text = match source::read_from(io::stdin().lock()) {
        Ok(text) => text,
        Err(error) => {
            complain(format_args!("{}: {error}", file.path.display()));
            return Ok(Status::Error);
        }
    };
    let checked = session.check(&file, text);
    if matches!(session.overrides.fix, FixMode::Write(_)) {
        // Standard output is the mended text, so the report goes to standard error.
        let mut out = io::stdout().lock();
        out.write_all(checked.report.source.as_bytes())?;
        out.flush()?;
    }
    let rules: Vec<RuleInfo> = session.catalogue.rules().copied().collect();
    let mut reporter = Reporter::new(args, session, &rules, 1);
    reporter.begin();
    reporter.checked(checked);
    Ok(reporter.finish()?)
}
