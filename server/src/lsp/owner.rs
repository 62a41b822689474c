//! The one task that owns what changes: open documents, settings and headers. Everything reaches it through
//! one channel, in the order in which the client said it; analysis runs on worker threads and comes back
//! through the same channel.

mod analyse;
mod checks;

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

use super::analysis::{Analysed, CATALOGUE, Revision};
use super::checks::{CheckDone, Checks, Engine, Shown, Subject, Told};
use super::client::Client;
use super::document::Buffer;
use super::open::{Answer, Document, is_c, path_of};
use super::settings::{EditorSettings, says_nothing};
use super::workspace::Report;
use crate::config::{Config, ConfigCache, FILE_NAME};
use crate::headers::Headers;
use crate::quick::{CheckKind, Compilers};
use crate::types::TypesCache;
pub(super) use checks::CheckQuestion;

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
    /// A program is to be verified or run.
    Check(Box<CheckQuestion>),
    /// That is done.
    CheckDone(Box<CheckDone>),
    /// What is shown of the checks of a document.
    AskChecks(Url, oneshot::Sender<Shown>),
    /// The last report on a program.
    AskReport(Subject, CheckKind, oneshot::Sender<Option<Told>>),
}

/// How the session begins.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) folders: Vec<Url>,
    pub(super) settings: Value,
    /// Programs of the workspace may be compiled.
    pub(super) trusted: bool,
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
    types: Arc<TypesCache>,
    /// What the client sent when it connected; counts as long as it has nothing else to say.
    first_settings: Value,
    documents: HashMap<Url, Document>,
    /// Closed files with diagnostics on the client's screen.
    shown: BTreeSet<Url>,
    last_revision: Revision,
    /// Checks that may be done at a time.
    checkers: Arc<Semaphore>,
    compilers: Arc<Compilers>,
    engine: Arc<dyn Engine>,
    trusted: bool,
    last_check: u64,
    generation: u64,
    complaints: BTreeSet<String>,
}

impl Owner {
    /// An owner that answers `connection` and is sent results through `events`.
    pub(super) fn new(
        connection: tower_lsp::Client,
        events: mpsc::UnboundedSender<Event>,
        engine: Arc<dyn Engine>,
    ) -> Self {
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
            types: Arc::default(),
            first_settings: Value::Null,
            documents: HashMap::new(),
            shown: BTreeSet::new(),
            last_revision: Revision::default(),
            checkers: Arc::new(Semaphore::new(workers.saturating_sub(1).max(1))),
            compilers: Arc::default(),
            engine,
            trusted: false,
            last_check: 0,
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
            Event::Check(question) => self.check(*question),
            Event::CheckDone(done) => self.check_done(*done).await,
            Event::AskChecks(uri, reply) => {
                let _ = reply.send(self.ask_checks(&uri));
            }
            Event::AskReport(subject, kind, reply) => {
                let _ = reply.send(self.last_report(subject, kind));
            }
        }
    }

    async fn connected(&mut self, connection: Connection) {
        self.client = Arc::new(connection.client);
        self.folders =
            connection.folders.iter().filter_map(|uri| uri.to_file_path().ok()).collect();
        self.first_settings = connection.settings;
        self.trusted = connection.trusted;
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
            checks: Checks::default(),
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
        self.outdate_checks(uri).await;
        self.schedule(uri).await;
        if is_file {
            self.depends_on(&path).await;
        }
    }

    async fn saved(&mut self, uri: &Url) {
        // Not every client watches files.
        let kind = FileChangeType::CHANGED;
        self.watched(&[FileEvent::new(uri.clone(), kind)]).await;
        self.verify_saved(uri);
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
            Event::Check(_) | Event::CheckDone(_) | Event::AskChecks(..) | Event::AskReport(..) => {
                false
            }
            _ => true,
        }
    }
}

/// How complaints about the editor's settings begin.
const ABOUT_SETTINGS: &str = "settings of the editor: ";
