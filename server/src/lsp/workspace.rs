//! Checks of all files of the workspace, with progress.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use text::LineIndex;
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::notification::Progress;
use tower_lsp::lsp_types::request::WorkDoneProgressCreate;
use tower_lsp::lsp_types::{
    Diagnostic, NumberOrString, ProgressParams, ProgressParamsValue, ProgressToken, Url,
    WorkDoneProgress, WorkDoneProgressBegin, WorkDoneProgressCreateParams, WorkDoneProgressEnd,
    WorkDoneProgressReport,
};

use super::analysis::{CATALOGUE, Cancel};
use super::convert;
use super::owner::World;
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

/// The checks that can be cancelled by their progress tokens.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<ProgressToken, Cancel>>>);

impl Running {
    /// Cancels the check with this token.
    pub(super) fn cancel(&self, token: &ProgressToken) {
        if let Some(cancel) = self.lock().get(token) {
            cancel.cancel();
        }
    }

    /// A poisoned lock still guards usable values: they are inserted whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<ProgressToken, Cancel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels when nobody waits any more.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
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
        if let Some(token) = progress.token.clone() {
            running.lock().insert(token, cancel.clone());
        }
        progress.begin().await;
        let told = Arc::new(progress);
        let progress = Arc::clone(&told);
        let work = move || {
            let report = check(&world, &cancel, &progress);
            (world, report)
        };
        let done = tokio::task::spawn_blocking(move || guarded(work)).await;
        let done = done.unwrap_or_else(|_| Err(Error::internal_error()));
        if let Some(token) = &told.token {
            running.lock().remove(token);
        }
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

/// Tells the client how far a check is. Without a token nothing is told.
struct Reporter {
    token: Option<ProgressToken>,
    connection: tower_lsp::Client,
    runtime: tokio::runtime::Handle,
}

impl Reporter {
    /// Uses the token of the client's request, or asks the client for a new one if it shows progress.
    async fn new(
        connection: &tower_lsp::Client,
        token: Option<ProgressToken>,
        can_create: bool,
    ) -> Self {
        let token = match token {
            Some(token) => Some(token),
            None if can_create => create(connection).await,
            None => None,
        };
        let runtime = tokio::runtime::Handle::current();
        Self { token, connection: connection.clone(), runtime }
    }

    async fn begin(&self) {
        let begin = WorkDoneProgressBegin {
            title: "Checking BPF C".to_owned(),
            cancellable: Some(true),
            message: None,
            percentage: Some(0),
        };
        self.send(WorkDoneProgress::Begin(begin)).await;
    }

    fn report(&self, done: usize, all: usize) {
        let percentage = u32::try_from(done.saturating_mul(100) / all.max(1)).unwrap_or(100);
        let report = WorkDoneProgressReport {
            cancellable: Some(true),
            message: Some(format!("{done}/{all} files")),
            percentage: Some(percentage),
        };
        self.runtime.block_on(self.send(WorkDoneProgress::Report(report)));
    }

    async fn end(&self, message: String) {
        self.send(WorkDoneProgress::End(WorkDoneProgressEnd { message: Some(message) })).await;
    }

    async fn send(&self, progress: WorkDoneProgress) {
        let Some(token) = self.token.clone() else { return };
        let value = ProgressParamsValue::WorkDone(progress);
        self.connection.send_notification::<Progress>(ProgressParams { token, value }).await;
    }
}

/// Asks in a task of its own: an answer to a request whose asker is gone would be a fault of tower-lsp.
async fn create(connection: &tower_lsp::Client) -> Option<ProgressToken> {
    static NUMBER: AtomicI32 = AtomicI32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let token = NumberOrString::String(format!("bpf-analyzer/check/{number}"));
    let params = WorkDoneProgressCreateParams { token: token.clone() };
    let connection = connection.clone();
    let create = async move { connection.send_request::<WorkDoneProgressCreate>(params).await };
    tokio::spawn(create).await.ok()?.ok()?;
    Some(token)
}

/// Paths of folders as they are shown in messages.
pub(super) fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
