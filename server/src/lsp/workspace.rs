//! Checks of all files of the workspace, with progress.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use text::LineIndex;
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
}

/// Lints the BPF C files below the folders of the workspace that are not open. Stops early when cancelled.
pub(super) fn check(world: &World, cancel: &Cancel, progress: &Reporter) -> Report {
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
pub(super) struct Reporter {
    token: Option<ProgressToken>,
    connection: tower_lsp::Client,
    runtime: tokio::runtime::Handle,
}

impl Reporter {
    /// Uses the token of the client's request, or asks the client for a new one if it shows progress.
    pub(super) async fn begin(
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
        let reporter = Self { token, connection: connection.clone(), runtime };
        let begin = WorkDoneProgressBegin {
            title: "Checking BPF C".to_owned(),
            cancellable: Some(true),
            message: None,
            percentage: Some(0),
        };
        reporter.send(WorkDoneProgress::Begin(begin)).await;
        reporter
    }

    /// The token, to recognise a cancellation by.
    pub(super) fn token(&self) -> Option<&ProgressToken> {
        self.token.as_ref()
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

    pub(super) async fn end(&self, message: String) {
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
