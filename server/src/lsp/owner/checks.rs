//! Quick checks: which are begun, and what becomes of their results.

use std::sync::Arc;
use std::time::Duration;

use kernel_model::Version;
use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::notification::Notification;
use tower_lsp::lsp_types::{MessageType, Url};

use super::{Event, Owner};
use crate::lsp::analysis::Cancel;
use crate::lsp::checks::{
    self, CheckAnswer, CheckDone, CheckId, CheckJob, RunningCheck, Shown, Subject, Told,
};
use crate::lsp::open::{Document, Interest};
use crate::lsp::transport::guarded;
use crate::quick::{CheckError, CheckKind};

/// How soon a check that waits for its turn notices that it was cancelled.
const TICK: Duration = Duration::from_millis(20);

/// A check that somebody asks for.
pub(in crate::lsp) struct CheckQuestion {
    pub(in crate::lsp) subject: Subject,
    pub(in crate::lsp) kind: CheckKind,
    pub(in crate::lsp) cancel: Cancel,
    pub(in crate::lsp) reply: oneshot::Sender<CheckAnswer>,
}

/// `bpf-analyzer/reportStale`: reports on earlier versions of a document do not count any more.
enum ReportStale {}

#[derive(Debug, serde::Deserialize, Serialize)]
struct ReportStaleParams {
    uri: Url,
}

impl Notification for ReportStale {
    type Params = ReportStaleParams;
    const METHOD: &'static str = "bpf-analyzer/reportStale";
}

impl Owner {
    /// Begins a check.
    pub(super) fn check(&mut self, question: CheckQuestion) {
        let CheckQuestion { subject: Subject { uri, program }, kind, cancel, reply } = question;
        if !self.trusted {
            let _ = reply.send(Ok(Err(CheckError::Untrusted)));
        } else if self.documents.contains_key(&uri) {
            self.begin_check(&uri, kind, Some(program), cancel, Some(reply));
        } else {
            let _ = reply.send(Ok(Err(CheckError::NotOpen)));
        }
    }

    /// Verifies the programs of a file that was saved, unless that was done or is being done.
    pub(super) fn verify_saved(&mut self, uri: &Url) {
        if !self.trusted || !self.editor.verify_on_save {
            return;
        }
        let Some(document) = self.documents.get(uri) else { return };
        let is_done = document.checks.all_verified || document.checks.verifies_all();
        if !document.is_file || is_done {
            return;
        }
        let path = document.path.clone();
        let (config, _) = self.config(&path);
        let Some(document) = self.documents.get(uri) else { return };
        let is_wanted = config.verify_on_save.unwrap_or(true)
            && document.interest(&document.buffer.text(), &config) == Interest::Lint;
        if is_wanted {
            self.begin_check(uri, CheckKind::Verify, None, Cancel::default(), None);
        }
    }

    fn begin_check(
        &mut self,
        uri: &Url,
        kind: CheckKind,
        program: Option<String>,
        cancel: Cancel,
        reply: Option<oneshot::Sender<CheckAnswer>>,
    ) {
        self.last_check += 1;
        let id = CheckId(self.last_check);
        let Some(document) = self.documents.get(uri) else { return };
        let path = document.path.clone();
        let (config, _) = self.config(&path);
        let others =
            self.documents.iter().filter(|(other, document)| *other != uri && document.is_file);
        let open = others.map(|(_, other)| (other.path.clone(), other.buffer.text())).collect();
        let kernel = self.editor.overrides.kernel.or(config.kernel);
        let Some(document) = self.documents.get_mut(uri) else { return };
        let running = RunningCheck { id, kind, program: program.clone(), cancel: cancel.clone() };
        document.checks.running.push(running);
        let job = CheckJob {
            id,
            kind,
            uri: uri.clone(),
            revision: document.revision,
            version: document.version,
            path,
            text: document.buffer.text(),
            base: document.base.clone(),
            open,
            config,
            overrides: Arc::clone(&self.editor.overrides),
            headers: Arc::clone(&self.headers),
            types: Arc::clone(&self.types),
            kernel: kernel.unwrap_or(Version::NEWEST_MODELLED),
            program,
            compilers: Arc::clone(&self.compilers),
            engine: Arc::clone(&self.engine),
            cancel,
            reply,
        };
        self.start_check(job);
        self.refresh_lenses();
    }

    /// Does a check when it is its turn: there are fewer at a time than processors, so that typing stays fast.
    fn start_check(&self, mut job: CheckJob) {
        let (checkers, events) = (Arc::clone(&self.checkers), self.events.clone());
        tokio::spawn(async move {
            let mut turn = Box::pin(checkers.acquire_owned());
            let turn = loop {
                match tokio::time::timeout(TICK, &mut turn).await {
                    Ok(turn) => break Some(turn),
                    Err(_) if job.cancel.is_cancelled() => break None,
                    Err(_) => {}
                }
            };
            let (id, uri) = (job.id, job.uri.clone());
            let (revision, version) = (job.revision, job.version);
            let reply = job.reply.take();
            let asked = reply.is_some();
            let result = match turn {
                None => Ok(Err(CheckError::Cancelled)),
                Some(_turn) => {
                    let work = tokio::task::spawn_blocking(move || guarded(|| job.run(asked)));
                    work.await.unwrap_or_else(|_| Err(Error::internal_error()))
                }
            };
            // The owner is gone only when the process ends.
            let done = CheckDone { id, uri, revision, version, result, reply };
            let _ = events.send(Event::CheckDone(Box::new(done)));
        });
    }

    /// Shows the result of a check, if it is about the text as it is now.
    pub(super) async fn check_done(&mut self, done: CheckDone) {
        let CheckDone { id, uri, revision, version, result, reply } = done;
        let document = self.documents.get_mut(&uri);
        let Some(document) = document.filter(|document| document.revision == revision) else {
            if let Some(reply) = reply {
                let _ = reply.send(Ok(Err(CheckError::Changed)));
            }
            return;
        };
        document.checks.running.retain(|check| check.id != id);
        let has_results = matches!(&result, Ok(Ok(results)) if !results.is_empty());
        document.checks.all_verified |= has_results && reply.is_none();
        let answer = match result {
            Ok(Ok(results)) => {
                for checked in &results {
                    let key = (checked.program.clone(), checked.kind);
                    document.checks.results.insert(key, Arc::clone(checked));
                }
                let first = results.into_iter().next();
                Ok(first.map(|checked| Told { version, checked }).ok_or(CheckError::Changed))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(error) => Err(error),
        };
        match reply {
            Some(reply) => {
                document.checks.is_shown |= matches!(answer, Ok(Ok(_)));
                let _ = reply.send(answer);
            }
            None => self.tell_failure(&uri, answer).await,
        }
        if has_results {
            self.publish(&uri).await;
            self.refresh_diagnostics();
        }
        self.refresh_lenses();
    }

    /// A check that nobody asked for fails in silence, unless that is a fault of this program; that is shown once.
    async fn tell_failure(&mut self, uri: &Url, answer: CheckAnswer) {
        let Err(error) = answer else { return };
        let message = format!("Verifying {uri}: {}", error.message);
        self.connection.log_message(MessageType::ERROR, message.clone()).await;
        self.complain(message).await;
    }

    /// Sends the diagnostics of a document that was analysed as it is now to a client that does not ask for them.
    async fn publish(&mut self, uri: &Url) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        let Some(latest) = document.current().filter(|_| !self.client.pulls) else { return };
        let diagnostics = checks::diagnostics(&latest, &document.checks.results);
        document.published = true;
        let version = Some(latest.version);
        self.connection.publish_diagnostics(uri.clone(), diagnostics, version).await;
    }

    /// The text of a document, or what it depends on, is not what it was.
    pub(super) async fn outdate_checks(&mut self, uri: &Url) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        if document.checks.outdate() {
            let params = ReportStaleParams { uri: uri.clone() };
            self.connection.send_notification::<ReportStale>(params).await;
        }
    }

    /// What is shown of the checks of a document.
    pub(super) fn ask_checks(&self, uri: &Url) -> Shown {
        let document = self.documents.get(uri);
        document.map(|document| document.checks.snapshot(document.revision)).unwrap_or_default()
    }

    /// The last report on a program, which the client will show.
    pub(super) fn last_report(&mut self, subject: Subject, kind: CheckKind) -> Option<Told> {
        let document = self.documents.get_mut(&subject.uri)?;
        let checked = Arc::clone(document.checks.results.get(&(subject.program, kind))?);
        document.checks.is_shown = true;
        Some(Told { version: document.version, checked })
    }

    /// Tells the client that lenses read differently now.
    fn refresh_lenses(&self) {
        if self.client.refreshes_lenses {
            let connection = self.connection.clone();
            tokio::spawn(async move { connection.code_lens_refresh().await });
        }
    }
}

impl Document {
    /// The analysis of the document as it is now.
    fn current(&self) -> Option<Arc<crate::lsp::analysis::Analysed>> {
        self.latest.as_ref().filter(|latest| latest.revision == self.revision).cloned()
    }
}
