//! The analysis of documents: when it is begun, and what becomes of its results.

use std::path::Path;
use std::sync::Arc;

use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::{MessageType, Url};

use super::{Event, Owner};
use crate::files::SourceFile;
use crate::lsp::analysis::{Analysed, Cancel, Job, Revision, Settings};
use crate::lsp::checks;
use crate::lsp::open::{Answer, Document, Interest};
use crate::lsp::transport::guarded;

impl Owner {
    /// Analyses again what includes the file at `path`.
    pub(super) async fn depends_on(&mut self, path: &Path) {
        let depends = |document: &Document| {
            let latest = document.latest.as_ref();
            latest.is_some_and(|latest| latest.includes(path) || latest.lacks(path))
        };
        if self.analyse(|document| document.path != path && depends(document)).await {
            self.refresh_diagnostics();
        }
    }

    pub(super) async fn analyse_all(&mut self) {
        self.analyse(|_| true).await;
        self.refresh_diagnostics();
        self.refresh();
    }

    /// Analyses the documents that are wanted again; whether there are any.
    async fn analyse(&mut self, wanted: impl Fn(&Document) -> bool) -> bool {
        let chosen = self.documents.iter().filter(|(_, document)| wanted(document));
        let uris: Vec<Url> = chosen.map(|(uri, _)| uri.clone()).collect();
        for uri in &uris {
            let revision = self.next_revision();
            if let Some(document) = self.documents.get_mut(uri) {
                document.revision = revision;
            }
            self.outdate_checks(uri).await;
            self.schedule(uri).await;
        }
        !uris.is_empty()
    }

    /// Tells a client that asks for diagnostics itself to ask again.
    pub(super) fn refresh_diagnostics(&self) {
        if self.client.pulls {
            let connection = self.connection.clone();
            tokio::spawn(async move { connection.workspace_diagnostic_refresh().await });
        }
    }

    /// Tells the client that what it asked for earlier may read differently now.
    fn refresh(&self) {
        let (client, connection) = (Arc::clone(&self.client), self.connection.clone());
        tokio::spawn(async move {
            if client.refreshes_hints {
                let _ = connection.inlay_hint_refresh().await;
            }
            if client.refreshes_lenses {
                let _ = connection.code_lens_refresh().await;
            }
        });
    }

    /// Starts the analysis of a document. While one is running it goes on, unless nobody waits for it; the
    /// next one starts when it is done, with the text as it is then.
    pub(super) async fn schedule(&mut self, uri: &Url) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        if let Some((_, cancel)) = &document.running {
            if document.waiting.is_empty() {
                cancel.cancel();
            }
            return;
        }
        let text = document.buffer.text();
        let path = document.path.clone();
        let (config, complaint) = self.config(&path);
        if let Some(complaint) = complaint {
            self.complain(complaint).await;
        }
        let Some(document) = self.documents.get_mut(uri) else { return };
        let interest = document.interest(&text, &config);
        if interest == Interest::None {
            return self.ignore(uri).await;
        }
        let file = SourceFile { path: path.clone(), absolute: path, config, only_if_bpf: false };
        let cancel = Cancel::default();
        document.running = Some((document.revision, cancel.clone()));
        let job = Job {
            uri: uri.clone(),
            version: document.version,
            revision: document.revision,
            text,
            base: document.base.clone(),
            settings: Settings {
                file,
                overrides: Arc::clone(&self.editor.overrides),
                headers: Arc::clone(&self.headers),
                client: Arc::clone(&self.client),
                editor: Arc::clone(&self.editor),
                lint: interest == Interest::Lint,
            },
            cancel,
        };
        self.start(job);
    }

    fn start(&self, job: Job) {
        let (workers, events) = (Arc::clone(&self.workers), self.events.clone());
        tokio::spawn(async move {
            let _turn = workers.acquire_owned().await;
            let (uri, revision) = (job.uri.clone(), job.revision);
            let work = tokio::task::spawn_blocking(|| guarded(|| job.run().map(Box::new)));
            let result = work.await.unwrap_or_else(|_| Err(Error::internal_error()));
            // The owner is gone only when the process ends.
            let _ = events.send(Event::Done(uri, revision, result));
        });
    }

    /// Nothing is said about the document (any more).
    async fn ignore(&mut self, uri: &Url) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        document.latest = None;
        for (_, reply) in document.waiting.drain(..) {
            let _ = reply.send(Ok(None));
        }
        if std::mem::take(&mut document.published) {
            self.connection.publish_diagnostics(uri.clone(), Vec::new(), None).await;
        }
    }

    pub(super) async fn done(
        &mut self,
        uri: &Url,
        revision: Revision,
        result: Result<Option<Box<Analysed>>, Error>,
    ) {
        let Some(document) = self.documents.get_mut(uri) else { return };
        if document.running.as_ref().is_none_or(|(running, _)| *running != revision) {
            return;
        }
        document.running = None;
        let answer: Answer = result.map(|analysed| analysed.map(Arc::from));
        match &answer {
            Ok(Some(analysed)) => {
                document.base = Some(Arc::clone(analysed));
                document.latest = Some(Arc::clone(analysed));
            }
            Ok(None) => {}
            // What is known of an earlier text does not hold for this one.
            Err(_) => document.latest = None,
        }
        let current = document.revision == revision;
        if !matches!(answer, Ok(None)) {
            document.answer(revision, &answer);
        }
        if !current {
            return self.schedule(uri).await;
        }
        let (diagnostics, version) = match answer {
            Ok(Some(analysed)) => {
                let diagnostics = checks::diagnostics(&analysed, &document.checks.results);
                (diagnostics, analysed.version)
            }
            Ok(None) => return,
            Err(error) => {
                let version = document.version;
                let message = format!("{uri}: {}", error.message);
                self.connection.log_message(MessageType::ERROR, message).await;
                (Vec::new(), version)
            }
        };
        if let Some(document) = self.documents.get_mut(uri)
            && !self.client.pulls
        {
            document.published = true;
            self.connection.publish_diagnostics(uri.clone(), diagnostics, Some(version)).await;
        }
    }
}
