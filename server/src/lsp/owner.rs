//! The one task that owns what changes: open documents, settings and headers. Everything reaches it through
//! one channel, in the order in which the client said it; analysis runs on worker threads and comes back
//! through the same channel.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::{
    FileChangeType, FileEvent, MessageType, TextDocumentContentChangeEvent, TextDocumentItem, Url,
    WorkspaceFoldersChangeEvent,
};

use super::analysis::{Analysed, CATALOGUE, Cancel, Job, Revision, Settings};
use super::client::Client;
use super::document::Buffer;
use super::open::{Answer, Document, Interest, is_c, path_of};
use super::settings::{EditorSettings, says_nothing};
use super::transport::guarded;
use super::workspace::Report;
use crate::config::{Config, ConfigCache, FILE_NAME};
use crate::files::SourceFile;
use crate::headers::Headers;

/// Something the owner has to know or to answer.
pub(super) enum Event {
    Connected(Box<Connection>),
    Opened(TextDocumentItem),
    Changed(Url, i32, Vec<TextDocumentContentChangeEvent>),
    Saved(Url),
    Closed(Url),
    Watched(Vec<FileEvent>),
    Configured(Value),
    Folders(WorkspaceFoldersChangeEvent),
    /// What is known about a document as it is now.
    Ask(Url, oneshot::Sender<Answer>),
    /// What a check of the whole workspace needs.
    AskWorld(oneshot::Sender<World>),
    /// What was found in closed files, to be shown.
    Found(Arc<Report>, oneshot::Sender<()>),
    /// A worker is done.
    Done(Url, Revision, Result<Option<Box<Analysed>>, Error>),
}

/// How the session begins.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) folders: Vec<Url>,
    pub(super) settings: Value,
}

/// The state as a check of the whole workspace sees it.
pub(super) struct World {
    /// Changes when anything that closed files depend on is known to have changed.
    pub(super) generation: u64,
    pub(super) folders: Vec<PathBuf>,
    /// Open files, which are published by themselves.
    pub(super) open: BTreeSet<PathBuf>,
    pub(super) editor: Arc<EditorSettings>,
    pub(super) headers: Arc<Headers>,
    pub(super) client: Arc<Client>,
}

/// The state of the server.
pub(super) struct Owner {
    connection: tower_lsp::Client,
    events: mpsc::UnboundedSender<Event>,
    workers: Arc<Semaphore>,
    client: Arc<Client>,
    folders: Vec<PathBuf>,
    editor: Arc<EditorSettings>,
    configs: ConfigCache<'static>,
    headers: Arc<Headers>,
    /// What the client sent when it connected; counts as long as it has nothing else to say.
    first_settings: Value,
    documents: HashMap<Url, Document>,
    /// Closed files with diagnostics on the client's screen.
    shown: BTreeSet<Url>,
    last_revision: Revision,
    generation: u64,
    complaints: BTreeSet<String>,
}

impl Owner {
    /// An owner that answers `connection` and is sent results through `events`.
    pub(super) fn new(connection: tower_lsp::Client, events: mpsc::UnboundedSender<Event>) -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            connection,
            events,
            workers: Arc::new(Semaphore::new(workers)),
            client: Arc::default(),
            folders: Vec::new(),
            editor: Arc::default(),
            configs: ConfigCache::new(&CATALOGUE),
            headers: Arc::default(),
            first_settings: Value::Null,
            documents: HashMap::new(),
            shown: BTreeSet::new(),
            last_revision: Revision::default(),
            generation: 0,
            complaints: BTreeSet::new(),
        }
    }

    /// Works until nobody can send events any more.
    pub(super) async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            self.handle(event).await;
        }
    }

    async fn handle(&mut self, event: Event) {
        self.generation += u64::from(event.changes_closed_files());
        match event {
            Event::Connected(connection) => self.connected(*connection).await,
            Event::Opened(item) => self.opened(item).await,
            Event::Changed(uri, version, changes) => self.changed(&uri, version, &changes).await,
            Event::Saved(uri) => self.saved(&uri).await,
            Event::Closed(uri) => self.closed(&uri).await,
            Event::Watched(events) => self.watched(&events).await,
            Event::Configured(settings) => self.configure(&settings).await,
            Event::Folders(change) => self.change_folders(&change).await,
            Event::Ask(uri, reply) => self.ask(&uri, reply),
            Event::AskWorld(reply) => {
                let _ = reply.send(self.world());
            }
            Event::Found(report, reply) => {
                self.show(&report).await;
                let _ = reply.send(());
            }
            Event::Done(uri, revision, result) => self.done(&uri, revision, result).await,
        }
    }

    async fn connected(&mut self, connection: Connection) {
        self.client = Arc::new(connection.client);
        self.folders =
            connection.folders.iter().filter_map(|uri| uri.to_file_path().ok()).collect();
        self.first_settings = connection.settings;
        self.configure(&Value::Null).await;
    }

    async fn opened(&mut self, item: TextDocumentItem) {
        let root = self.folders.first().cloned().unwrap_or_default();
        let old = self.documents.remove(&item.uri);
        let published = old.as_ref().is_some_and(|old| old.published);
        let document = Document {
            buffer: Buffer::new(&item.text),
            version: item.version,
            // One that was never saved is taken for a file of the first folder.
            path: root.join(path_of(&item.uri)),
            is_file: item.uri.scheme() == "file",
            is_c: item.language_id == "c" || item.uri.path().ends_with(".c"),
            revision: self.next_revision(),
            base: None,
            latest: None,
            running: None,
            waiting: Vec::new(),
            published: published || self.shown.remove(&item.uri),
        };
        if let Some(old) = old {
            old.give_up();
        }
        let path = document.path.clone();
        let is_file = document.is_file;
        self.documents.insert(item.uri.clone(), document);
        if is_file {
            self.headers.set_open(&path, item.text.into());
        }
        self.schedule(&item.uri).await;
        if is_file {
            self.depends_on(&path).await;
        }
    }

    async fn changed(
        &mut self,
        uri: &Url,
        version: i32,
        changes: &[TextDocumentContentChangeEvent],
    ) {
        let revision = self.next_revision();
        let encoding = self.client.encoding;
        let Some(document) = self.documents.get_mut(uri) else { return };
        document.buffer.change(changes, encoding);
        document.version = version;
        document.revision = revision;
        let (path, is_file) = (document.path.clone(), document.is_file);
        if is_file {
            self.headers.set_open(&path, document.buffer.text());
        }
        self.schedule(uri).await;
        if is_file {
            self.depends_on(&path).await;
        }
    }

    async fn saved(&mut self, uri: &Url) {
        // Not every client watches files.
        let kind = FileChangeType::CHANGED;
        self.watched(&[FileEvent::new(uri.clone(), kind)]).await;
    }

    async fn closed(&mut self, uri: &Url) {
        let Some(document) = self.documents.remove(uri) else { return };
        if document.published {
            self.connection.publish_diagnostics(uri.clone(), Vec::new(), None).await;
        }
        let (path, is_file) = (document.path.clone(), document.is_file);
        document.give_up();
        if is_file {
            self.headers.set_closed(&path);
            self.depends_on(&path).await;
        }
    }

    async fn watched(&mut self, events: &[FileEvent]) {
        let mut configured = false;
        let mut everything = false;
        let mut changed = Vec::new();
        for event in events {
            if event.typ == FileChangeType::DELETED && self.shown.remove(&event.uri) {
                self.connection.publish_diagnostics(event.uri.clone(), Vec::new(), None).await;
            }
            let path = path_of(&event.uri);
            let name = path.file_name().unwrap_or_default();
            let is_config = name == FILE_NAME;
            let is_new = event.typ != FileChangeType::CHANGED && !is_c(&path);
            configured |= is_config;
            everything |= is_config || is_new || name == "compile_commands.json";
            changed.push(path);
        }
        if configured {
            // What is still wrong is worth being said again.
            self.complaints.clear();
        }
        if everything {
            self.configs = ConfigCache::new(&CATALOGUE);
            self.headers.forget_places();
            self.analyse_all().await;
            return;
        }
        for path in changed {
            self.depends_on(&path).await;
        }
        self.refresh_diagnostics();
    }

    /// Shows what was found in closed files. Those that had diagnostics and have none now lose them.
    async fn show(&mut self, report: &Report) {
        let mut before = std::mem::take(&mut self.shown);
        for file in &report.files {
            let was_shown = before.remove(&file.uri);
            if self.documents.contains_key(&file.uri) || file.diagnostics.is_empty() && !was_shown {
                continue;
            }
            if !file.diagnostics.is_empty() {
                self.shown.insert(file.uri.clone());
            }
            let diagnostics = file.diagnostics.clone();
            self.connection.publish_diagnostics(file.uri.clone(), diagnostics, None).await;
        }
        if report.cancelled {
            self.shown.extend(before);
            return;
        }
        for uri in before {
            self.connection.publish_diagnostics(uri, Vec::new(), None).await;
        }
    }

    async fn configure(&mut self, settings: &Value) {
        let root = self.folders.first().cloned().unwrap_or_default();
        let settings = if says_nothing(settings) { &self.first_settings } else { settings };
        match EditorSettings::read(settings, &root) {
            Ok(settings) => {
                self.editor = Arc::new(settings);
                self.complaints.retain(|complaint| !complaint.starts_with(ABOUT_SETTINGS));
            }
            Err(error) => self.complain(format!("{ABOUT_SETTINGS}{error}")).await,
        }
        self.headers.forget_places();
        self.analyse_all().await;
    }

    async fn change_folders(&mut self, change: &WorkspaceFoldersChangeEvent) {
        let paths = |folders: &[tower_lsp::lsp_types::WorkspaceFolder]| -> Vec<PathBuf> {
            folders.iter().filter_map(|folder| folder.uri.to_file_path().ok()).collect()
        };
        let removed = paths(&change.removed);
        self.folders.retain(|folder| !removed.contains(folder));
        for folder in paths(&change.added) {
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
        let (gone, kept) = std::mem::take(&mut self.shown)
            .into_iter()
            .partition(|uri| removed.iter().any(|folder| path_of(uri).starts_with(folder)));
        self.shown = kept;
        let gone: BTreeSet<Url> = gone;
        for uri in gone {
            self.connection.publish_diagnostics(uri, Vec::new(), None).await;
        }
        self.headers.forget_places();
        self.analyse_all().await;
    }

    fn ask(&mut self, uri: &Url, reply: oneshot::Sender<Answer>) {
        let Some(document) = self.documents.get_mut(uri) else {
            let _ = reply.send(Ok(None));
            return;
        };
        if document.running.is_some() {
            document.waiting.push((document.revision, reply));
            return;
        }
        // Nothing runs, so the latest result is current, or there is none because none is wanted.
        let _ = reply.send(Ok(document.latest.clone()));
    }

    fn world(&self) -> World {
        World {
            generation: self.generation,
            folders: self.folders.clone(),
            open: self
                .documents
                .values()
                .filter(|document| document.is_file)
                .map(|document| document.path.clone())
                .collect(),
            editor: Arc::clone(&self.editor),
            headers: Arc::clone(&self.headers),
            client: Arc::clone(&self.client),
        }
    }

    fn next_revision(&mut self) -> Revision {
        self.last_revision.0 += 1;
        self.last_revision
    }

    /// Analyses again what includes the file at `path`.
    async fn depends_on(&mut self, path: &Path) {
        let depends = |document: &Document| {
            let latest = document.latest.as_ref();
            latest.is_some_and(|latest| latest.includes(path) || latest.lacks(path))
        };
        if self.analyse(|document| document.path != path && depends(document)).await {
            self.refresh_diagnostics();
        }
    }

    async fn analyse_all(&mut self) {
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
            self.schedule(uri).await;
        }
        !uris.is_empty()
    }

    /// Tells a client that asks for diagnostics itself to ask again.
    fn refresh_diagnostics(&self) {
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
    async fn schedule(&mut self, uri: &Url) {
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

    async fn done(
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
            Ok(Some(analysed)) => (analysed.diagnostics.clone(), analysed.version),
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

    /// The configuration of a file, and what is wrong with it.
    fn config(&mut self, path: &Path) -> (Arc<Config>, Option<String>) {
        let directory = path.parent().unwrap_or(path);
        match self.configs.for_directory(directory) {
            Ok(config) => (self.editor.over(&config), None),
            Err(error) => (self.editor.over(&Arc::default()), Some(error.to_string())),
        }
    }

    /// Shows a mistake in the settings, once.
    async fn complain(&mut self, message: String) {
        if self.complaints.insert(message.clone()) {
            self.connection.show_message(MessageType::ERROR, message).await;
        }
    }
}

impl Event {
    /// Whether it may change what is found in closed files, or which files are closed. What is typed into a C file
    /// reaches others only when it is saved; headers are seen as they are.
    fn changes_closed_files(&self) -> bool {
        match self {
            Event::Changed(uri, ..) => !is_c(&path_of(uri)),
            Event::Ask(..) | Event::AskWorld(_) | Event::Found(..) | Event::Done(..) => false,
            _ => true,
        }
    }
}

/// How complaints about the editor's settings begin.
const ABOUT_SETTINGS: &str = "settings of the editor: ";
