//! What a worker thread computes for one version of one document, from an immutable snapshot.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use diagnostic::FileReport;
use flow::{Analysis, Memory};
use lint_rules::Lint;
use sema::Sema;
use syntax::Parsed;
use text::LineIndex;
use tower_lsp::lsp_types::{Diagnostic, Url};

use super::client::Client;
use super::convert;
use super::settings::EditorSettings;
pub(super) use crate::cancel::Cancel;
use crate::files::SourceFile;
use crate::headers::{self, HeaderFile, HeaderProvider, Headers};
use crate::linter::{LintOptions, Linted, Linter};
use crate::rules::Catalogue;
use crate::session::{Overrides, Session};
use crate::suppress::Scopes;

/// The rules of this program.
pub(super) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::shipped);

/// Counts what can change findings: texts, headers and settings. Results of an older one are stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Revision(pub(super) u64);

/// Everything a worker needs beside the text.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) file: SourceFile,
    pub(super) overrides: Arc<Overrides>,
    pub(super) headers: Arc<Headers>,
    pub(super) client: Arc<Client>,
    pub(super) editor: Arc<EditorSettings>,
    /// Findings are wanted: it is BPF C and not excluded.
    pub(super) lint: bool,
}

/// One version of a document to analyse.
pub(super) struct Job {
    pub(super) uri: Url,
    pub(super) version: i32,
    pub(super) revision: Revision,
    pub(super) text: Arc<str>,
    /// An earlier version, to go on from.
    pub(super) base: Option<Arc<Analysed>>,
    pub(super) settings: Settings,
    pub(super) cancel: Cancel,
}

/// What is known about one version of a document.
pub(super) struct Analysed {
    pub(super) uri: Url,
    pub(super) version: i32,
    pub(super) revision: Revision,
    pub(super) settings: Settings,
    pub(super) parsed: Arc<Parsed>,
    pub(super) lines: LineIndex,
    /// The headers it includes, directly or not.
    pub(super) headers: Vec<Arc<HeaderFile>>,
    pub(super) facts: Option<Analysis>,
    /// For the next version.
    memory: Memory,
    pub(super) report: FileReport,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Job {
    /// Parses and lints; nothing if that has become useless.
    pub(super) fn run(self) -> Option<Analysed> {
        if self.cancel.is_cancelled() {
            return None;
        }
        let parsed = Arc::new(match &self.base {
            Some(base) => base.parsed.edit(Arc::clone(&self.text)),
            None => Parsed::parse(Arc::clone(&self.text)),
        });
        if self.cancel.is_cancelled() {
            return None;
        }
        let before = self.base.as_deref().map(|base| &base.memory);
        let linter = Remembering { parsed, before, seen: Mutex::default() };
        let report = self.settings.report(&linter, Arc::clone(&self.text));
        let Remembering { parsed, before: _, seen } = linter;
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lines = LineIndex::new(Arc::clone(&self.text));
        let diagnostics =
            convert::diagnostics(&report.findings, &lines, &self.uri, &self.settings.client);
        Some(Analysed {
            uri: self.uri,
            version: self.version,
            revision: self.revision,
            settings: self.settings,
            parsed,
            lines,
            headers: seen.headers,
            facts: seen.facts,
            memory: seen.memory,
            report,
            diagnostics,
        })
    }
}

impl Settings {
    /// The findings of `text`, the same as `check` gives.
    fn report(&self, linter: &Remembering<'_>, text: Arc<str>) -> FileReport {
        if self.lint {
            return self.session(linter).check(&self.file, text).report;
        }
        let headers = self.headers.for_file(&self.file.absolute, &self.file.config);
        linter.remember(&self.file.absolute, &headers);
        FileReport {
            path: self.file.path.display().to_string(),
            source: text,
            findings: Vec::new(),
            unparsed_regions: 0,
        }
    }

    fn session<'s>(&'s self, linter: &'s dyn Linter) -> Session<'s> {
        Session {
            catalogue: &CATALOGUE,
            linter,
            headers: &self.headers,
            overrides: &self.overrides,
            focus: &self.editor.focus,
        }
    }
}

/// Lints one parsed text and keeps what else is learned on the way.
struct Remembering<'b> {
    parsed: Arc<Parsed>,
    before: Option<&'b Memory>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    headers: Vec<Arc<HeaderFile>>,
    facts: Option<Analysis>,
    memory: Memory,
}

impl Remembering<'_> {
    fn remember(&self, path: &Path, provider: &dyn HeaderProvider) -> sema::Headers {
        let found = headers::included_files(provider, path, Sema::includes(&self.parsed));
        let headers = found.iter().map(|file| Arc::clone(&file.header)).collect();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).headers = found;
        headers
    }
}

impl Linter for Remembering<'_> {
    fn lint(&self, path: &Path, text: Arc<str>, options: &LintOptions<'_>) -> Linted {
        let headers = self.remember(path, options.headers);
        let lint = Lint { kernel: options.kernel };
        let nothing = Memory::default();
        let before = self.before.unwrap_or(&nothing);
        let (findings, facts, memory) =
            lint_rules::check_again(&self.parsed, &headers, &lint, before);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.facts, seen.memory) = (facts, memory);
        drop(seen);
        let report = FileReport {
            path: path.display().to_string(),
            source: text,
            findings,
            unparsed_regions: self.parsed.unit().errors.len(),
        };
        Linted { report, scopes: Scopes::of(&self.parsed) }
    }
}

impl Analysed {
    /// The findings of another text of the file; what both texts have in common is not analysed again.
    pub(super) fn check(&self, text: Arc<str>) -> FileReport {
        let parsed = Arc::new(self.parsed.edit(Arc::clone(&text)));
        let linter = Remembering { parsed, before: Some(&self.memory), seen: Mutex::default() };
        self.settings.report(&linter, text)
    }

    /// Answers questions about the document.
    pub(super) fn with_file<T>(&self, ask: impl FnOnce(&ide::File<'_>) -> T) -> T {
        let headers: sema::Headers =
            self.headers.iter().map(|file| Arc::clone(&file.header)).collect();
        let sema = Sema::new(&self.parsed, &headers);
        ask(&ide::File {
            parsed: &self.parsed,
            sema: &sema,
            facts: self.facts.as_ref(),
            kernel: self.settings.kernel(),
            headers: self.headers.iter().map(|file| file.header.text()).collect(),
        })
    }

    /// Whether the findings depend on the file at `path`.
    pub(super) fn includes(&self, path: &Path) -> bool {
        self.headers.iter().any(|header| header.path == path)
    }

    /// Whether a file of that name is included but was not found, so that the one at `path` may be it.
    pub(super) fn lacks(&self, path: &Path) -> bool {
        let own = Sema::includes(&self.parsed).map(|(name, _)| name);
        let nested =
            self.headers.iter().flat_map(|file| file.header.includes().map(|(name, _)| name));
        own.chain(nested).any(|name| Path::new(name).file_name() == path.file_name())
    }
}

impl Settings {
    fn kernel(&self) -> kernel_model::Version {
        self.overrides.kernel.or(self.file.config.kernel).unwrap_or_default()
    }
}
