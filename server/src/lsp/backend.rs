//! The requests and notifications of the protocol. A notification is handed to the owner at once; a request
//! gets an immutable snapshot from the owner and is answered on a worker thread.

mod checks;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams,
    CompletionResponse, ConfigurationItem, Diagnostic, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWatchedFilesRegistrationOptions, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, FileSystemWatcher,
    FoldingRange, FoldingRangeParams, FullDocumentDiagnosticReport, GlobPattern,
    GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, InitializeParams,
    InitializeResult, InitializedParams, InlayHint, InlayHintParams, Location, MessageType,
    ProgressToken, ReferenceParams, Registration, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, ServerInfo, SignatureHelp, SignatureHelpParams,
    UnchangedDocumentDiagnosticReport, Url, WorkDoneProgressCancelParams,
    WorkspaceDiagnosticParams, WorkspaceDiagnosticReport, WorkspaceDiagnosticReportResult,
    WorkspaceDocumentDiagnosticReport, WorkspaceEdit, WorkspaceFullDocumentDiagnosticReport,
    WorkspaceUnchangedDocumentDiagnosticReport,
};
use tower_lsp::{LanguageServer, async_trait};

use super::actions::{self, APPLY_EDIT, EXPLAIN_RULE, Unresolved};
use super::analysis::{Analysed, CATALOGUE};
use super::capabilities::{CHECK_WORKSPACE, server_capabilities};
use super::checks::Engine;
use super::client::Client;
use super::open::{Answer, path_of};
use super::owner::{Connection, Event, Owner, World};
use super::progress::Running;
use super::settings::{SECTION, says_nothing};
use super::transport::guarded;
use super::workspace::{self, Report};
use super::{convert, features};
use crate::config::FILE_NAME;
use crate::messages;
pub(super) use checks::COMMANDS;

/// The language server.
pub(super) struct Backend {
    connection: tower_lsp::Client,
    events: mpsc::UnboundedSender<Event>,
    client: OnceLock<Client>,
    /// Checks of the workspace that can be cancelled by their progress tokens.
    running: Running,
    /// The client has asked for the diagnostics of the workspace.
    pulls_workspace: AtomicBool,
    /// The last check of the workspace, and what it was made from.
    last_check: Mutex<Option<LastCheck>>,
    /// How often settings were asked for.
    asked: AtomicU64,
    /// The last of these questions whose answer counts: answers may come in any order.
    answered: Arc<Mutex<u64>>,
}

/// What a check of the workspace was made from, and its result.
type LastCheck = (u64, Arc<Report>);

impl Backend {
    /// Starts the owner of the state.
    pub(super) fn new(connection: tower_lsp::Client, engine: Arc<dyn Engine>) -> Self {
        let (events, received) = mpsc::unbounded_channel();
        let owner = Owner::new(connection.clone(), events.clone(), engine);
        tokio::spawn(owner.run(received));
        Self {
            connection,
            events,
            client: OnceLock::new(),
            running: Running::default(),
            pulls_workspace: AtomicBool::new(false),
            last_check: Mutex::default(),
            asked: AtomicU64::new(0),
            answered: Arc::default(),
        }
    }

    fn client(&self) -> Client {
        self.client.get().copied().unwrap_or_default()
    }

    /// The owner lives as long as the process.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Begins to ask for a document; the question has its place among the notifications at once.
    fn ask(&self, uri: Url) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Ask(uri, reply));
        answer
    }

    /// Answers a question about a document on a worker thread; nothing for a document that is not ours.
    async fn with<T: Send + 'static>(
        &self,
        uri: Url,
        answer: impl FnOnce(&Analysed) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let Some(document) = self.ask(uri).await.map_err(|_| Error::internal_error())?? else {
            return Ok(None);
        };
        work(move || answer(&document)).await.map(Some)
    }

    /// Fetches the settings if the client keeps them, else uses those it sent.
    fn fetch_settings(&self, sent: Value) {
        let (connection, events) = (self.connection.clone(), self.events.clone());
        if !self.client().configuration {
            self.tell(Event::Configured(sent));
            return;
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let answered = self.answered.clone();
        // In a task of its own: a notification must not wait for the client.
        tokio::spawn(async move {
            let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
            let answer = connection.configuration(vec![item]).await;
            let settings =
                answer.ok().and_then(|mut items| (!items.is_empty()).then(|| items.remove(0)));
            let settings = settings.filter(|settings| !says_nothing(settings)).unwrap_or(sent);
            let mut answered = lock(&answered);
            if *answered < number {
                *answered = number;
                let _ = events.send(Event::Configured(settings));
            }
        });
    }

    fn watch_files(&self) {
        let patterns = [FILE_NAME, "compile_commands.json", "*.h", "*.c"];
        let watchers = patterns.iter().map(|name| FileSystemWatcher {
            glob_pattern: GlobPattern::String(format!("**/{name}")),
            kind: None,
        });
        let options = DidChangeWatchedFilesRegistrationOptions { watchers: watchers.collect() };
        let registration = Registration {
            id: "watched-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let connection = self.connection.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.register_capability(vec![registration]).await {
                let message = format!("files are not watched: {error}");
                connection.log_message(MessageType::WARNING, message).await;
            }
        });
    }

    /// Checks all closed files of the workspace; the last result counts while nothing changed.
    async fn check_workspace(&self, token: Option<ProgressToken>) -> Result<(World, Arc<Report>)> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::AskWorld(reply));
        let world = answer.await.map_err(|_| Error::internal_error())?;
        let client = self.client();
        let known = lock(&self.last_check).clone();
        if let Some((generation, report)) = known
            && client.watches
            && generation == world.generation
        {
            return Ok((world, report));
        }
        let running = self.running.clone();
        let check = workspace::check_with_progress(&self.connection, running, token, world);
        let (world, report) = check.await?;
        for problem in &report.problems {
            self.connection.log_message(MessageType::WARNING, problem).await;
        }
        let report = Arc::new(report);
        if !report.cancelled {
            *lock(&self.last_check) = Some((world.generation, Arc::clone(&report)));
        }
        Ok((world, report))
    }

    /// `window/workDoneProgress/cancel`.
    pub(super) async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        self.running.cancel(&params.token);
    }

    /// `$/setTrace`: the transport has read it already.
    pub(super) async fn set_trace(&self, _: Value) {}

    async fn publish_workspace(&self, token: Option<ProgressToken>) -> Result<Value> {
        let (world, report) = self.check_workspace(token).await?;
        if self.pulls_workspace.load(Ordering::Relaxed) && self.client().pulls {
            // The client asks for the same findings itself.
            let connection = self.connection.clone();
            tokio::spawn(async move { connection.workspace_diagnostic_refresh().await });
        } else {
            let (reply, published) = oneshot::channel();
            self.tell(Event::Found(Arc::clone(&report), reply));
            published.await.map_err(|_| Error::internal_error())?;
        }
        let message = format!("checked {}", workspace::shown(&world.folders));
        self.connection.log_message(MessageType::INFO, message).await;
        Ok(json!({ "files": report.files.len(), "findings": report.findings() }))
    }
}

/// Runs `work` on a worker thread; its panic is an error.
async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || guarded(work)).await;
    done.unwrap_or_else(|_| Err(Error::internal_error()))
}

/// A poisoned lock still guards usable values: they are inserted whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names what diagnostics say, so that the same ones need not be sent again.
fn result_id(diagnostics: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(diagnostics).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// All diagnostics of a closed file.
fn whole_report(uri: Url, items: Vec<Diagnostic>) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
        uri,
        version: None,
        full_document_diagnostic_report: FullDocumentDiagnosticReport {
            result_id: Some(result_id(&items)),
            items,
        },
    })
}

/// Whether the user trusts the workspace: clients that know such a thing say so when they connect.
fn is_trusted(options: &Value) -> bool {
    let ours = options.get(SECTION).and_then(|section| section.get("trusted"));
    options.get("trusted").or(ours).and_then(Value::as_bool).unwrap_or(true)
}

fn invalid(message: String) -> Error {
    Error { code: ErrorCode::InvalidParams, message: message.into(), data: None }
}

#[async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let client = *self.client.get_or_init(|| Client::new(&params));
        let folders = params.workspace_folders.unwrap_or_default();
        let mut folders: Vec<Url> = folders.into_iter().map(|folder| folder.uri).collect();
        if folders.is_empty() {
            folders.extend(params.root_uri);
        }
        let settings = params.initialization_options.unwrap_or_default();
        let trusted = is_trusted(&settings);
        self.tell(Event::Connected(Box::new(Connection { client, folders, settings, trusted })));
        Ok(InitializeResult {
            capabilities: server_capabilities(&client),
            server_info: Some(ServerInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        if self.client().watches {
            self.watch_files();
        }
        if self.client().configuration {
            self.fetch_settings(Value::Null);
        }
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.tell(Event::Opened(params.text_document));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        self.tell(Event::Changed(document.uri, document.version, params.content_changes));
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.tell(Event::Saved(params.text_document.uri));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.tell(Event::Closed(params.text_document.uri));
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.fetch_settings(params.settings);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        self.tell(Event::Watched(params.changes));
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.tell(Event::Folders(params.event));
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let place = params.text_document_position_params;
        let hover = move |document: &Analysed| features::hover(document, place.position);
        Ok(self.with(place.text_document.uri, hover).await?.flatten())
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let place = params.text_document_position;
        let complete = move |document: &Analysed| features::completion(document, place.position);
        self.with(place.text_document.uri, complete).await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        let place = params.text_document_position_params;
        let signature = move |document: &Analysed| features::signature(document, place.position);
        Ok(self.with(place.text_document.uri, signature).await?.flatten())
    }

    async fn document_symbol(
        &self,
        params: DocumentSymbolParams,
    ) -> Result<Option<DocumentSymbolResponse>> {
        self.with(params.text_document.uri, features::symbols).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.with(params.text_document.uri, features::folds).await
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        let place = params.text_document_position_params;
        let definition = move |document: &Analysed| features::definition(document, place.position);
        let found = self.with(place.text_document.uri, definition).await?.unwrap_or_default();
        Ok((!found.is_empty()).then_some(GotoDefinitionResponse::Array(found)))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let place = params.text_document_position;
        let with_definition = params.context.include_declaration;
        let references = move |document: &Analysed| {
            features::references(document, place.position, with_definition)
        };
        self.with(place.text_document.uri, references).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let hints = move |document: &Analysed| features::hints(document, params.range);
        self.with(params.text_document.uri, hints).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        let uri = params.text_document.uri;
        // The checks are looked at when the text is analysed, so that they are about the same one.
        let Some(document) = self.ask(uri.clone()).await.map_err(|_| Error::internal_error())??
        else {
            return Ok(None);
        };
        let checks = self.ask_checks(uri).await?;
        work(move || features::lenses(&document, &checks)).await.map(Some)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.clone();
        self.with(uri, move |document| actions::actions(document, &params)).await
    }

    async fn code_action_resolve(&self, mut action: CodeAction) -> Result<CodeAction> {
        let data = action.data.clone().unwrap_or_default();
        let Ok(Unresolved { uri, rule }) = serde_json::from_value(data) else {
            return Ok(action);
        };
        let resolve = move |document: &Analysed| {
            let edits = actions::resolve(document, rule.as_deref())?;
            Some(convert::workspace_edit(document, &edits))
        };
        action.edit = self.with(uri, resolve).await?.flatten();
        Ok(action)
    }

    async fn diagnostic(
        &self,
        params: DocumentDiagnosticParams,
    ) -> Result<DocumentDiagnosticReportResult> {
        let items = self.diagnostics(params.text_document.uri).await?;
        let result_id = result_id(&items);
        if params.previous_result_id.as_ref() == Some(&result_id) {
            let report = RelatedUnchangedDocumentDiagnosticReport {
                unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport {
                    result_id,
                },
                related_documents: None,
            };
            return Ok(DocumentDiagnosticReport::Unchanged(report).into());
        }
        let report = RelatedFullDocumentDiagnosticReport {
            full_document_diagnostic_report: FullDocumentDiagnosticReport {
                result_id: Some(result_id),
                items,
            },
            related_documents: None,
        };
        Ok(DocumentDiagnosticReport::Full(report).into())
    }

    async fn workspace_diagnostic(
        &self,
        params: WorkspaceDiagnosticParams,
    ) -> Result<WorkspaceDiagnosticReportResult> {
        let token = params.work_done_progress_params.work_done_token;
        self.pulls_workspace.store(true, Ordering::Relaxed);
        let (world, report) = self.check_workspace(token).await?;
        let previous: HashMap<Url, String> =
            params.previous_result_ids.into_iter().map(|old| (old.uri, old.value)).collect();
        // Of files that are gone the client still shows what was found in them.
        let known: HashSet<&Url> = report.files.iter().map(|file| &file.uri).collect();
        let is_gone = |uri: &&Url| {
            !report.cancelled && !known.contains(uri) && !world.open.contains(&path_of(uri))
        };
        let gone = previous.keys().filter(is_gone).map(|uri| whole_report(uri.clone(), Vec::new()));
        let items = report.files.iter().map(|file| {
            let result_id = result_id(&file.diagnostics);
            if previous.get(&file.uri) == Some(&result_id) {
                return WorkspaceDocumentDiagnosticReport::Unchanged(
                    WorkspaceUnchangedDocumentDiagnosticReport {
                        uri: file.uri.clone(),
                        version: None,
                        unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport {
                            result_id,
                        },
                    },
                );
            }
            whole_report(file.uri.clone(), file.diagnostics.clone())
        });
        Ok(WorkspaceDiagnosticReport { items: items.chain(gone).collect() }.into())
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let argument = params.arguments.first().cloned().unwrap_or_default();
        let check = COMMANDS.iter().find(|(name, _)| *name == params.command);
        if let Some((_, kind)) = check {
            return self.quick_check(*kind, params).await;
        }
        match params.command.as_str() {
            CHECK_WORKSPACE => {
                let token = params.work_done_progress_params.work_done_token;
                self.publish_workspace(token).await.map(Some)
            }
            EXPLAIN_RULE => {
                let name = argument.as_str().unwrap_or_default();
                if let Some(message) = messages::find(name) {
                    return Ok(Some(Value::from(message.page())));
                }
                let rule = CATALOGUE.require(name).map_err(|error| invalid(error.to_string()))?;
                Ok(Some(Value::from(rule.page_for_people())))
            }
            APPLY_EDIT => {
                let edit: WorkspaceEdit =
                    serde_json::from_value(argument).map_err(|error| invalid(error.to_string()))?;
                let connection = self.connection.clone();
                tokio::spawn(async move { connection.apply_edit(edit).await });
                Ok(None)
            }
            unknown => Err(invalid(format!("unknown command `{unknown}`"))),
        }
    }
}
