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
use super::settings::EditorSettings;
use super::transport::guarded;
use crate::config::{Config, ConfigCache, FILE_NAME};
use crate::files::SourceFile;
use crate::headers::Headers;
use crate::source::looks_like_bpf;

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
    /// A worker is done.
    Done(Url, Revision, Result<Option<Box<Analysed>>, Error>),
}

/// How the session begins.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) folders: Vec<Url>,
    pub(super) settings: Value,
}

/// The analysis of a document, nothing for one that is not open or not BPF C.
pub(super) type Answer = Result<Option<Arc<Analysed>>, Error>;

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

/// What is done with a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interest {
    /// Findings and everything else.
    Lint,
    /// Everything but findings: a header.
    Assist,
    /// Nothing: other C is for other servers.
    None,
}

struct Document {
    buffer: Buffer,
    version: i32,
    path: PathBuf,
    is_c: bool,
    /// Of the text and all it depends on.
    revision: Revision,
    /// The last analysis, from which the next one is made.
    base: Option<Arc<Analysed>>,
    latest: Option<Arc<Analysed>>,
    running: Option<(Revision, Cancel)>,
    waiting: Vec<(Revision, oneshot::Sender<Answer>)>,
    /// There may be diagnostics on the client's screen.
    published: bool,
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
    documents: HashMap<Url, Document>,
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
            documents: HashMap::new(),
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
        let asks = matches!(event, Event::Ask(..) | Event::AskWorld(_) | Event::Done(..));
        self.generation += u64::from(!asks);
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
            Event::Done(uri, revision, result) => self.done(&uri, revision, result).await,
        }
    }

    async fn connected(&mut self, connection: Connection) {
        self.client = Arc::new(connection.client);
        self.folders =
            connection.folders.iter().filter_map(|uri| uri.to_file_path().ok()).collect();
        self.configure(&connection.settings).await;
    }

    async fn opened(&mut self, item: TextDocumentItem) {
        let document = Document {
            buffer: Buffer::new(&item.text),
            version: item.version,
            path: path_of(&item.uri),
            is_c: item.language_id == "c" || item.uri.path().ends_with(".c"),
            revision: self.next_revision(),
            base: None,
            latest: None,
            running: None,
            waiting: Vec::new(),
            published: false,
        };
        self.headers.set_open(&document.path, item.text.into());
        let path = document.path.clone();
        if let Some(old) = self.documents.insert(item.uri.clone(), document) {
            old.give_up();
        }
        self.schedule(&item.uri).await;
        self.depends_on(&path).await;
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
        let path = document.path.clone();
        self.headers.set_open(&path, document.buffer.text());
        self.schedule(uri).await;
        self.depends_on(&path).await;
    }

    async fn saved(&mut self, uri: &Url) {
        // Not every client watches files.
        let kind = FileChangeType::CHANGED;
        self.watched(&[FileEvent::new(uri.clone(), kind)]).await;
    }

    async fn closed(&mut self, uri: &Url) {
        let Some(document) = self.documents.remove(uri) else { return };
        self.headers.set_closed(&document.path);
        let path = document.path.clone();
        if document.published {
            self.connection.publish_diagnostics(uri.clone(), Vec::new(), None).await;
        }
        document.give_up();
        self.depends_on(&path).await;
    }

    async fn watched(&mut self, events: &[FileEvent]) {
        let mut everything = false;
        let mut headers = Vec::new();
        for event in events {
            let path = path_of(&event.uri);
            let name = path.file_name().unwrap_or_default();
            everything |= name == FILE_NAME
                || name == "compile_commands.json"
                || event.typ != FileChangeType::CHANGED;
            headers.push(path);
        }
        if everything {
            self.configs = ConfigCache::new(&CATALOGUE);
            self.headers.forget_places();
            self.complaints.clear();
            self.analyse_all().await;
        } else {
            for path in headers {
                self.depends_on(&path).await;
            }
        }
    }

    async fn configure(&mut self, settings: &Value) {
        let root = self.folders.first().cloned().unwrap_or_default();
        match EditorSettings::read(settings, &root) {
            Ok(settings) => self.editor = Arc::new(settings),
            Err(error) => self.complain(format!("settings of the editor: {error}")).await,
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
        self.folders.extend(paths(&change.added));
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
            open: self.documents.values().map(|document| document.path.clone()).collect(),
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
        self.analyse(|document| document.path != path && depends(document)).await;
    }

    async fn analyse_all(&mut self) {
        self.analyse(|_| true).await;
        self.refresh();
    }

    async fn analyse(&mut self, wanted: impl Fn(&Document) -> bool) {
        let chosen = self.documents.iter().filter(|(_, document)| wanted(document));
        let uris: Vec<Url> = chosen.map(|(uri, _)| uri.clone()).collect();
        for uri in &uris {
            let revision = self.next_revision();
            if let Some(document) = self.documents.get_mut(uri) {
                document.revision = revision;
            }
            self.schedule(uri).await;
        }
        if !uris.is_empty() && self.client.pulls {
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

impl Document {
    fn interest(&self, text: &str, config: &Config) -> Interest {
        let included = config.includes(&self.path);
        let is_bpf = included
            || self.path.as_os_str().as_encoded_bytes().ends_with(b".bpf.c")
            || looks_like_bpf(text.as_bytes());
        if (self.is_c || included) && is_bpf && !self.is_header() {
            if config.excludes(&self.path) { Interest::Assist } else { Interest::Lint }
        } else if self.is_header() && text.contains("bpf") {
            Interest::Assist
        } else {
            Interest::None
        }
    }

    fn is_header(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "h")
    }

    /// Answers those who asked for this revision or an older one.
    fn answer(&mut self, revision: Revision, answer: &Answer) {
        let (answered, waiting) =
            self.waiting.drain(..).partition(|(wanted, _)| *wanted <= revision);
        self.waiting = waiting;
        let answered: Vec<(Revision, oneshot::Sender<Answer>)> = answered;
        for (_, reply) in answered {
            let _ = reply.send(answer.clone());
        }
    }

    /// Nobody needs the document any more.
    fn give_up(mut self) {
        if let Some((_, cancel)) = &self.running {
            cancel.cancel();
        }
        for (_, reply) in self.waiting.drain(..) {
            let _ = reply.send(Ok(None));
        }
    }
}

/// The path of a document; one that is not a file has none but looks as if.
pub(super) fn path_of(uri: &Url) -> PathBuf {
    uri.to_file_path().unwrap_or_else(|()| PathBuf::from(uri.path()))
}
