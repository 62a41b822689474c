//! Checks of all files of the workspace, with progress.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use text::LineIndex;
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::{Diagnostic, ProgressToken, Url};

use super::analysis::{CATALOGUE, Cancel};
use super::convert;
use super::owner::World;
use super::progress::{CancelOnDrop, Reporter, Running};
use super::transport::guarded;
use crate::config::ConfigCache;
use crate::files::{SourceFile, discover};
use crate::linter::BpfLinter;
use crate::parallel;
use crate::session::{Outcome, Session};

/// Progress is told after this many files.
const FILES_PER_REPORT: usize = 16;

/// The findings of a file that is not open.
pub(super) struct Checked {
    pub(super) uri: Url,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What a check of the workspace gives.
#[derive(Default)]
pub(super) struct Report {
    pub(super) files: Vec<Checked>,
    /// What could not be read, or is wrong with a configuration.
    pub(super) problems: Vec<String>,
    /// It was cancelled before all files were checked.
    pub(super) cancelled: bool,
}

impl Report {
    /// How many findings there are.
    pub(super) fn findings(&self) -> usize {
        self.files.iter().map(|file| file.diagnostics.len()).sum()
    }

    fn summary(&self) -> String {
        let cancelled = if self.cancelled { "cancelled: " } else { "" };
        format!("{cancelled}{} files, {} findings", self.files.len(), self.findings())
    }
}

/// Checks the closed files of the workspace on worker threads and tells how far it is. When the future is dropped
/// the check stops by itself, and progress that the client was told of ends in any case.
pub(super) async fn check_with_progress(
    connection: &tower_lsp::Client,
    running: Running,
    token: Option<ProgressToken>,
    world: World,
) -> Result<(World, Report), Error> {
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    let connection = connection.clone();
    let check = tokio::spawn(async move {
        let progress = Reporter::new(&connection, token, world.client.progress).await;
        let _listed = running.list(progress.token(), &cancel);
        progress.begin("Checking BPF C".to_owned(), Some(0)).await;
        let told = Arc::new(progress);
        let progress = Arc::clone(&told);
        let work = move || {
            let report = check(&world, &cancel, &progress);
            (world, report)
        };
        let done = tokio::task::spawn_blocking(move || guarded(work)).await;
        let done = done.unwrap_or_else(|_| Err(Error::internal_error()));
        let failed = |error: &Error| error.message.clone().into_owned();
        told.end(done.as_ref().map_or_else(failed, |(_, report)| report.summary())).await;
        done
    });
    let done = check.await;
    drop(guard);
    done.unwrap_or_else(|_| Err(Error::internal_error()))
}

/// Lints the BPF C files below the folders of the workspace that are not open. Stops early when cancelled.
fn check(world: &World, cancel: &Cancel, progress: &Reporter) -> Report {
    let mut report = Report::default();
    let mut configs = ConfigCache::new(&CATALOGUE);
    let found = match discover(&world.folders, &mut configs) {
        Ok(found) => found,
        Err(error) => {
            report.problems.push(error.to_string());
            return report;
        }
    };
    let unvisited = found.unvisited.iter();
    report.problems.extend(unvisited.map(|u| format!("{}: {}", u.path.display(), u.cause)));
    let files = closed_files(world, found.files);
    let session = Session {
        catalogue: &CATALOGUE,
        linter: &BpfLinter,
        headers: &world.headers,
        overrides: &world.editor.overrides,
        focus: &world.editor.focus,
    };
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut done = 0;
    parallel::in_order(
        &files,
        jobs,
        |file| if cancel.is_cancelled() { Ok(Outcome::Skipped) } else { session.process(file) },
        |file, outcome| {
            match outcome {
                Ok(Ok(Outcome::Checked(checked))) => {
                    report.files.extend(converted(world, file, &checked.report));
                }
                Ok(Ok(Outcome::Skipped)) => {}
                Ok(Err(error)) => {
                    report.problems.push(format!("{}: {error}", file.path.display()));
                }
                Err(panicked) => {
                    report.problems.push(format!("{}: {panicked}", file.path.display()));
                }
            }
            done += 1;
            if done % FILES_PER_REPORT == 0 {
                progress.report(done, files.len());
            }
            if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    report.cancelled = cancel.is_cancelled();
    report
}

/// The files that are linted, with the editor's settings over their configurations.
fn closed_files(world: &World, files: Vec<SourceFile>) -> Vec<SourceFile> {
    let closed = files.into_iter().filter(|file| !world.open.contains(&file.absolute));
    let closed = closed.map(|file| SourceFile { config: world.editor.over(&file.config), ..file });
    closed.filter(|file| !file.config.excludes(&file.absolute)).collect()
}

fn converted(world: &World, file: &SourceFile, report: &diagnostic::FileReport) -> Option<Checked> {
    let uri = Url::from_file_path(&file.absolute).ok()?;
    let lines = LineIndex::new(report.source.clone());
    let diagnostics = convert::diagnostics(&report.findings, &lines, &uri, &world.client);
    Some(Checked { uri, diagnostics })
}

/// Paths of folders as they are shown in messages.
pub(super) fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
