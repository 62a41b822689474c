//! The seam between this program, which knows files and settings, and the analysis, which knows C.

use std::path::Path;
use std::sync::Arc;

use diagnostic::FileReport;
use kernel_model::Version;
use lint_rules::Lint;
use sema::Sema;
use syntax::Parsed;

use crate::headers::{self, HeaderProvider};
use crate::selection::RuleSet;
use crate::suppress::Scopes;

/// What the analysis is told beside the text.
#[derive(Clone, Copy)]
pub struct LintOptions<'a> {
    /// Target kernel.
    pub kernel: Version,
    /// The rules that run. Findings of others may be returned; they are dropped.
    pub rules: &'a RuleSet,
    /// Where `#include` leads.
    pub headers: &'a dyn HeaderProvider,
}

/// What the analysis says about a text.
#[derive(Clone, Debug)]
pub struct Linted {
    /// The findings, suppressed ones too.
    pub report: FileReport,
    /// What suppression comments can speak of.
    pub scopes: Scopes,
}

/// Something that finds mistakes in a text. Everything around the analysis is tested with simple ones.
pub trait Linter: Sync {
    /// Lints `text`, the content of the file with the absolute path `path`.
    fn lint(&self, path: &Path, text: Arc<str>, options: &LintOptions<'_>) -> Linted;
}

/// The rules of this program.
#[derive(Clone, Copy, Debug, Default)]
pub struct BpfLinter;

impl Linter for BpfLinter {
    fn lint(&self, path: &Path, text: Arc<str>, options: &LintOptions<'_>) -> Linted {
        lint_text(path, text, options)
    }
}

/// Parses and analyses `text`, the content of the file with the absolute path `path`, and runs the rules.
pub fn lint_text(path: &Path, text: Arc<str>, options: &LintOptions<'_>) -> Linted {
    let parsed = Parsed::parse(Arc::clone(&text));
    let headers = headers::included(options.headers, path, Sema::includes(&parsed));
    let findings = lint_rules::check(&parsed, &headers, &Lint { kernel: options.kernel });
    let report = FileReport {
        path: path.display().to_string(),
        source: text,
        findings,
        unparsed_regions: parsed.unit().errors.len(),
    };
    Linted { report, scopes: Scopes::of(&parsed) }
}
