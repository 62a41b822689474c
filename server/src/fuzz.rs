//! What must hold for any input, for fuzzing and for the test that fuzzes for a second.

use std::path::PathBuf;
use std::sync::Arc;

use diagnostic::{Applicability, FileReport};
use text::{Span, apply_edits};

use crate::config::Config;
use crate::files::SourceFile;
use crate::focus::Focus;
use crate::headers::Headers;
use crate::linter::BpfLinter;
use crate::rules::Catalogue;
use crate::selection::Layer;
use crate::session::{FixMode, Overrides, Session};
use crate::source;

/// Checks `bytes` as a file, fixes included.
///
/// # Panics
///
/// If a place that is reported does not lie in the text, or a fix does not fit it.
pub fn check(bytes: &[u8]) {
    let Ok(text) = source::read_from(bytes) else { return };
    let overrides = Overrides {
        kernel: None,
        rules: Layer::default(),
        fix: FixMode::Write(Applicability::Unsafe),
    };
    let catalogue = Catalogue::shipped();
    let headers = Headers::default();
    let session = Session {
        catalogue: &catalogue,
        linter: &BpfLinter,
        headers: &headers,
        overrides: &overrides,
        focus: &Focus::default(),
    };
    let path = PathBuf::from("/no/such/directory/fuzz.bpf.c");
    let config = Arc::new(Config::default());
    let file = SourceFile { absolute: path.clone(), path, config, only_if_bpf: false };
    assert_fits(&session.check(&file, text).report);
}

fn assert_fits(report: &FileReport) {
    let inside = |span: Span| report.source.get(span.range()).is_some();
    for finding in &report.findings {
        assert!(inside(finding.span), "the finding lies outside: {finding:?}");
        assert!(
            finding.labels.iter().all(|label| inside(label.span)),
            "a label lies outside: {finding:?}"
        );
        for fix in &finding.fixes {
            assert!(
                apply_edits(&report.source, &fix.edits).is_ok(),
                "the fix does not fit: {finding:?}"
            );
        }
    }
}
