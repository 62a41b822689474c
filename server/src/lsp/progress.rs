//! Telling the client how far something is, and being told by it to stop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_lsp::lsp_types::notification::Progress;
use tower_lsp::lsp_types::request::WorkDoneProgressCreate;
use tower_lsp::lsp_types::{
    NumberOrString, ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressCreateParams, WorkDoneProgressEnd,
    WorkDoneProgressReport,
};

use crate::cancel::Cancel;

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

    /// Makes `cancel` known by its token until the result is dropped.
    pub(super) fn list(&self, token: Option<&ProgressToken>, cancel: &Cancel) -> Listed {
        if let Some(token) = token {
            self.lock().insert(token.clone(), cancel.clone());
        }
        Listed { running: self.clone(), token: token.cloned() }
    }

    /// A poisoned lock still guards usable values: they are inserted whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<ProgressToken, Cancel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that can be cancelled by its token as long as this lives.
pub(super) struct Listed {
    running: Running,
    token: Option<ProgressToken>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.running.lock().remove(token);
        }
    }
}

/// Cancels when nobody waits any more.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Tells the client how far a check is. Without a token nothing is told.
pub(super) struct Reporter {
    token: Option<ProgressToken>,
    connection: tower_lsp::Client,
    runtime: tokio::runtime::Handle,
}

impl Reporter {
    /// Uses the token of the client's request, or asks the client for a new one if it shows progress.
    pub(super) async fn new(
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

    /// What to cancel it by.
    pub(super) fn token(&self) -> Option<&ProgressToken> {
        self.token.as_ref()
    }

    pub(super) async fn begin(&self, title: String, percentage: Option<u32>) {
        let cancellable = Some(true);
        let begin = WorkDoneProgressBegin { title, cancellable, message: None, percentage };
        self.send(WorkDoneProgress::Begin(begin)).await;
    }

    pub(super) fn report(&self, done: usize, all: usize) {
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
