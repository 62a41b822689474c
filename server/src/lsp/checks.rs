//! Quick checks of a document: what is known of its text as it is now, what is being found out, and the work itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kernel_model::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syntax::Parsed;
use syntax::ast::Item;
use text::Span;
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::Error;
use tower_lsp::lsp_types::{Diagnostic, Url};

use super::analysis::{Analysed, CATALOGUE, Cancel, Revision};
use super::convert;
use crate::config::Config;
use crate::headers::Headers;
use crate::merge::{self, merge};
use crate::quick::{self, CheckError, CheckKind, CheckRequest, Checked, Compilers};
use crate::session::Overrides;
use crate::types::TypesCache;

/// What a check is about, as clients say it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Subject {
    pub(super) uri: Url,
    pub(super) program: String,
}

/// What became of a check that was asked for; a panic is an error.
pub(super) type CheckAnswer = Result<Result<Told, CheckError>, Error>;

/// A result, for the version of the document that it is about.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) version: i32,
    pub(super) checked: Arc<Checked>,
}

impl Told {
    /// As clients are told. Rendering is work.
    pub(super) fn report(&self, uri: &Url) -> Value {
        let Checked { program, kind, report, .. } = &*self.checked;
        serde_json::json!({
            "uri": uri,
            "program": program,
            "kind": kind.name(),
            "version": self.version,
            "title": report.title,
            "summary": report.summary,
            "text": report.text(),
            "html": report.html(),
        })
    }
}

/// Results by program and kind.
pub(super) type Results = BTreeMap<(String, CheckKind), Arc<Checked>>;

/// Distinguishes checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckId(pub(super) u64);

/// A check that is being done.
pub(super) struct RunningCheck {
    pub(super) id: CheckId,
    pub(super) kind: CheckKind,
    /// `None` for all programs.
    pub(super) program: Option<String>,
    pub(super) cancel: Cancel,
}

/// The checks of a document.
#[derive(Default)]
pub(super) struct Checks {
    /// Of the text as it is now.
    pub(super) results: Results,
    pub(super) running: Vec<RunningCheck>,
    /// All programs of the text were verified.
    pub(super) all_verified: bool,
    /// The client has a report that is about the text as it is now.
    pub(super) is_shown: bool,
}

impl Checks {
    /// Forgets what is known of an earlier text; whether the client must be told.
    pub(super) fn outdate(&mut self) -> bool {
        for check in self.running.drain(..) {
            check.cancel.cancel();
        }
        self.results.clear();
        self.all_verified = false;
        std::mem::take(&mut self.is_shown)
    }

    /// All programs are being verified.
    pub(super) fn verifies_all(&self) -> bool {
        let all = |check: &RunningCheck| check.kind == CheckKind::Verify && check.program.is_none();
        self.running.iter().any(all)
    }

    pub(super) fn snapshot(&self, revision: Revision) -> Shown {
        let running = self.running.iter().map(|check| (check.program.clone(), check.kind));
        Shown { revision, results: self.results.clone(), running: running.collect() }
    }
}

/// What is shown of the checks of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    revision: Revision,
    pub(super) results: Results,
    running: Vec<(Option<String>, CheckKind)>,
}

impl Shown {
    /// Whether it is about the text and the settings that were analysed.
    pub(super) fn is_about(&self, document: &Analysed) -> bool {
        self.revision == document.revision
    }

    /// What stands beside a program: `Run: 2 (TC_ACT_SHOT)`.
    pub(super) fn title(&self, program: &str, kind: CheckKind) -> String {
        let name = match kind {
            CheckKind::Verify => "Verify",
            CheckKind::Run => "Run",
            CheckKind::Layouts => "Layouts",
        };
        let of_program = |of: &Option<String>| of.as_ref().is_none_or(|of| of == program);
        if self.running.iter().any(|(of, running)| *running == kind && of_program(of)) {
            return format!("{name}: …");
        }
        match self.results.get(&(program.to_owned(), kind)) {
            Some(checked) => format!("{name}: {}", checked.summary),
            None => name.to_owned(),
        }
    }
}

/// The findings of the analysis and of checks, each mistake once.
pub(super) fn diagnostics(document: &Analysed, results: &Results) -> Vec<Diagnostic> {
    let found: Vec<merge::Checked> =
        results.values().flat_map(|checked| checked.findings.iter().cloned()).collect();
    if found.is_empty() {
        return document.diagnostics.clone();
    }
    let functions = functions(&document.parsed).map(|(_, _, span)| span).collect::<Vec<_>>();
    let findings = merge(document.parsed.text(), &functions, &document.report.findings, &found);
    let client = &document.settings.client;
    convert::diagnostics(&findings, &document.lines, &document.uri, client)
}

/// The functions of a text: names, where those stand, and all of them.
fn functions(parsed: &Parsed) -> impl Iterator<Item = (String, Span, Span)> {
    parsed.unit().items.iter().filter_map(|item| match item {
        Item::Function(function) => {
            Some((function.name.to_string(), function.name_span, function.span))
        }
        Item::Declaration(_) => None,
    })
}

/// What verifies and runs programs. Everything around it is tested with one that panics.
pub(super) trait Engine: Send + Sync {
    /// Does what is asked for, with the compiler of its configuration.
    fn check(
        &self,
        compilers: &Compilers,
        request: &CheckRequest<'_>,
    ) -> Result<Vec<Checked>, CheckError>;
}

/// The engine of this program.
pub(super) struct QuickEngine;

impl Engine for QuickEngine {
    fn check(
        &self,
        compilers: &Compilers,
        request: &CheckRequest<'_>,
    ) -> Result<Vec<Checked>, CheckError> {
        let compiler = compilers.of(request.config)?;
        quick::check(&compiler, request).map(|done| done.results)
    }
}

/// One check to be done.
pub(super) struct CheckJob {
    pub(super) id: CheckId,
    pub(super) kind: CheckKind,
    pub(super) uri: Url,
    pub(super) revision: Revision,
    pub(super) version: i32,
    pub(super) path: PathBuf,
    pub(super) text: Arc<str>,
    /// An analysis of this text or an earlier one, to go on from.
    pub(super) base: Option<Arc<Analysed>>,
    /// Other open files, saved or not.
    pub(super) open: Vec<(PathBuf, Arc<str>)>,
    pub(super) config: Arc<Config>,
    pub(super) overrides: Arc<Overrides>,
    pub(super) headers: Arc<Headers>,
    pub(super) types: Arc<TypesCache>,
    pub(super) kernel: Version,
    /// `None` for all programs.
    pub(super) program: Option<String>,
    pub(super) compilers: Arc<Compilers>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) cancel: Cancel,
    /// Who asked for it; `None` if it was begun because the file was saved.
    pub(super) reply: Option<oneshot::Sender<CheckAnswer>>,
}

/// What a check found.
pub(super) type CheckResult = Result<Vec<Arc<Checked>>, CheckError>;

/// What the owner has to know of a check that is done.
pub(super) struct CheckDone {
    pub(super) id: CheckId,
    pub(super) uri: Url,
    pub(super) revision: Revision,
    pub(super) version: i32,
    pub(super) result: Result<CheckResult, Error>,
    pub(super) reply: Option<oneshot::Sender<CheckAnswer>>,
}

impl CheckJob {
    /// Compiles, and verifies or runs. What nobody asked for is done only for a text that was saved.
    pub(super) fn run(&self, asked: bool) -> CheckResult {
        if self.cancel.is_cancelled() {
            return Err(CheckError::Cancelled);
        }
        let is_saved = quick::is_saved(&self.path, &self.text);
        if !asked && !is_saved {
            return Err(CheckError::Changed);
        }
        let parsed = match &self.base {
            Some(base) => base.parsed.edit(Arc::clone(&self.text)),
            None => Parsed::parse(Arc::clone(&self.text)),
        };
        let names: Vec<(String, Span)> =
            functions(&parsed).map(|(name, span, _)| (name, span)).collect();
        let results = self.engine.check(
            &self.compilers,
            &CheckRequest {
                kind: self.kind,
                path: &self.path,
                text: &self.text,
                is_saved,
                unsaved: &quick::unsaved(self.open.clone()),
                config: &self.config,
                catalogue: &CATALOGUE,
                types: &self.types,
                layer: Some(&self.overrides.rules),
                headers: &self.headers,
                kernel: self.kernel,
                program: self.program.as_deref(),
                names: &names,
                cancel: &self.cancel,
            },
        )?;
        Ok(results.into_iter().map(Arc::new).collect())
    }
}
