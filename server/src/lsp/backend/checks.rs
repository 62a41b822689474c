//! Quick checks as clients ask for them: commands with progress that can be cancelled, and the last report.

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{Diagnostic, ExecuteCommandParams, MessageType, ProgressToken, Url};

use super::{Backend, Event, invalid, work};
use crate::lsp::analysis::Cancel;
use crate::lsp::checks::{self, CheckAnswer, Shown, Subject, Told};
use crate::lsp::owner::CheckQuestion;
use crate::lsp::progress::{CancelOnDrop, Reporter};
use crate::quick::CheckKind;

/// The commands, by what they do.
pub(in crate::lsp) const COMMANDS: [(&str, CheckKind); 3] = [
    ("bpf-analyzer.verify", CheckKind::Verify),
    ("bpf-analyzer.run", CheckKind::Run),
    ("bpf-analyzer.layouts", CheckKind::Layouts),
];

/// What `bpf-analyzer/report` asks for.
#[derive(Debug, Deserialize)]
pub(in crate::lsp) struct ReportParams {
    #[serde(flatten)]
    subject: Subject,
    kind: String,
}

impl Backend {
    /// Does a check, and tells how it went. The answer is a report, or null if there is none.
    pub(super) async fn quick_check(
        &self,
        kind: CheckKind,
        params: ExecuteCommandParams,
    ) -> Result<Option<Value>> {
        let argument = params.arguments.into_iter().next().unwrap_or_default();
        let subject: Subject =
            serde_json::from_value(argument).map_err(|error| invalid(error.to_string()))?;
        let (uri, program) = (subject.uri.clone(), subject.program.clone());
        let cancel = Cancel::default();
        let guard = CancelOnDrop(cancel.clone());
        let (reply, answer) = oneshot::channel();
        let question = CheckQuestion { subject, kind, cancel: cancel.clone(), reply };
        self.tell(Event::Check(Box::new(question)));
        let token = params.work_done_progress_params.work_done_token;
        let answer = self.with_progress(kind, &program, token, cancel, answer).await?;
        drop(guard);
        let result = match answer {
            Ok(Ok(told)) => match work(move || told.report(&uri)).await {
                Ok(report) => return Ok(Some(report)),
                Err(panicked) => Err(panicked),
            },
            Ok(Err(error)) if error.is_moot() => return Ok(None),
            Ok(Err(error)) => Ok(error),
            Err(panicked) => Err(panicked),
        };
        let (words, severity, reason) = match result {
            Ok(error) => (error.to_string(), MessageType::INFO, error.reason().to_owned()),
            Err(panicked) => {
                let words = panicked.message.into_owned();
                (words.clone(), MessageType::ERROR, words)
            }
        };
        let message = format!("{}: {words}", title(kind, &program));
        self.connection.show_message(MessageType::ERROR, message).await;
        let reason = format!("{} {program}: {reason}", kind.name());
        self.connection.log_message(severity, reason).await;
        Ok(None)
    }

    /// Waits for the answer, and shows meanwhile that something is being done.
    async fn with_progress(
        &self,
        kind: CheckKind,
        program: &str,
        token: Option<ProgressToken>,
        cancel: Cancel,
        answer: oneshot::Receiver<CheckAnswer>,
    ) -> Result<CheckAnswer> {
        // A token of the client counts until the request is answered; one of the server lives longer, and may never
        // be agreed to, which is waited for by nobody.
        let is_clients = token.is_some();
        let listed = self.running.list(token.as_ref(), &cancel);
        let (ended, end) = oneshot::channel::<String>();
        let (connection, running) = (self.connection.clone(), self.running.clone());
        let (can_create, title) = (self.client().progress, title(kind, program));
        let progress = tokio::spawn(async move {
            let progress = Reporter::new(&connection, token, can_create).await;
            let _listed = running.list(progress.token().filter(|_| !is_clients), &cancel);
            progress.begin(title, None).await;
            progress.end(end.await.unwrap_or_else(|_| "cancelled".to_owned())).await;
        });
        let answer = answer.await.map_err(|_| Error::internal_error())?;
        drop(listed);
        let _ = ended.send(match &answer {
            Ok(Ok(told)) => told.checked.summary.clone(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.message.clone().into_owned(),
        });
        if is_clients {
            let _ = progress.await;
        }
        Ok(answer)
    }

    /// `bpf-analyzer/report`: the last report on the text as it is now, without new work.
    pub(in crate::lsp) async fn last_report(&self, params: ReportParams) -> Result<Option<Value>> {
        let ReportParams { subject, kind } = params;
        let kind = CheckKind::of_name(&kind)
            .ok_or_else(|| invalid(format!("`{kind}` is no kind of check")))?;
        let uri = subject.uri.clone();
        let (reply, answer) = oneshot::channel::<Option<Told>>();
        self.tell(Event::AskReport(subject, kind, reply));
        match answer.await.map_err(|_| Error::internal_error())? {
            Some(told) => work(move || told.report(&uri)).await.map(Some),
            None => Ok(None),
        }
    }

    /// The diagnostics of a document, with those of its checks.
    pub(super) async fn diagnostics(&self, uri: Url) -> Result<Vec<Diagnostic>> {
        let answer = self.ask(uri.clone()).await.map_err(|_| Error::internal_error())?;
        let Some(document) = answer? else { return Ok(Vec::new()) };
        let shown = self.ask_checks(uri).await?;
        work(move || match shown.is_about(&document) {
            true => checks::diagnostics(&document, &shown.results),
            false => document.diagnostics.clone(),
        })
        .await
    }

    /// What is shown of the checks of a document.
    pub(super) async fn ask_checks(&self, uri: Url) -> Result<Shown> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::AskChecks(uri, reply));
        answer.await.map_err(|_| Error::internal_error())
    }
}

fn title(kind: CheckKind, program: &str) -> String {
    match kind {
        CheckKind::Verify => format!("Verifying {program}"),
        CheckKind::Run => format!("Running {program}"),
        CheckKind::Layouts => format!("Running {program} on all layouts"),
    }
}
