//! `bpf-analyzer check`.

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
use crate::config::ConfigCache;
use crate::files::{Discovered, SourceFile, discover};
use crate::headers::Headers;
use crate::linter::BpfLinter;
use crate::parallel;
use crate::rules::{Catalogue, UnknownRule};
use crate::selection::{Layer, Selector};
use crate::session::{FixMode, Outcome, Overrides, Session};
use crate::source;

/// Lints what `args` say.
pub(super) fn run(args: &CheckArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let overrides = overrides(args, catalogue)?;
    let mut configs = match &args.config {
        Some(path) => ConfigCache::fixed(catalogue, path)?,
        None => ConfigCache::new(catalogue),
    };
    let headers = Headers::default();
    let session =
        Session { catalogue, linter: &BpfLinter, headers: &headers, overrides: &overrides };
    let status = if args.paths.iter().any(|path| path == Path::new("-")) {
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

fn check_files(
    args: &CheckArgs,
    session: &Session<'_>,
    found: &Discovered,
) -> anyhow::Result<Status> {
    load_databases(session, &found.files)?;
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
                Ok(Ok(Outcome::Checked(checked))) => reporter.checked(checked),
                Ok(Ok(Outcome::Skipped)) => reporter.skipped(),
                Ok(Err(error)) => reporter.failed(&file.path, &error),
                Err(panicked) => reporter.failed(&file.path, &panicked),
            }
            if reporter.is_stuck() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    Ok(reporter.finish()?)
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
