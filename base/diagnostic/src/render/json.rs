//! The JSON document: `{"version":1,"findings":[…],"summary":{…}}`, written as the files come.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use text::LineIndex;

use super::{Renderer, Summary};
use crate::{Applicability, FileReport, Finding, KernelVerdict, Range, Severity};

/// The document being written.
#[derive(Default)]
pub(super) struct Json {
    has_findings: bool,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    severity: Severity,
    kernel: KernelVerdict,
    file: &'a str,
    function: Option<&'a str>,
    range: Range,
    message: &'a str,
    labels: Vec<JsonLabel<'a>>,
    help: Option<&'a str>,
    kernel_message: Option<&'a str>,
    fixes: Vec<JsonFix<'a>>,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    range: Range,
    message: &'a str,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    applicability: Applicability,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    range: Range,
    text: &'a str,
}

impl<'a> JsonFinding<'a> {
    fn new(file: &'a str, index: &LineIndex, finding: &'a Finding) -> Self {
        let range = |span| Range::new(index, span);
        let labels = finding
            .labels
            .iter()
            .map(|label| JsonLabel { range: range(label.span), message: &label.message });
        let fixes = finding.fixes.iter().map(|fix| JsonFix {
            title: &fix.title,
            applicability: fix.applicability,
            edits: fix
                .edits
                .iter()
                .map(|edit| JsonEdit { range: range(edit.span), text: &edit.text })
                .collect(),
        });
        Self {
            rule: finding.rule,
            severity: finding.severity,
            kernel: finding.kernel,
            file,
            function: finding.function.as_deref(),
            range: range(finding.span),
            message: &finding.message,
            labels: labels.collect(),
            help: finding.help.as_deref(),
            kernel_message: finding.kernel_message.as_deref(),
            fixes: fixes.collect(),
        }
    }
}

impl Renderer for Json {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(br#"{"version":1,"findings":["#)
    }

    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        if report.findings.is_empty() {
            return Ok(());
        }
        let index = LineIndex::new(Arc::clone(&report.source));
        for finding in &report.findings {
            if std::mem::replace(&mut self.has_findings, true) {
                out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *out, &JsonFinding::new(&report.path, &index, finding))?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(br#"],"summary":"#)?;
        serde_json::to_writer(&mut *out, summary)?;
        out.write_all(b"}\n")
    }
}
