//! `path:line:column: severity[rule] message`, one line per finding.

use std::io::{self, Write};
use std::sync::Arc;

use text::{LineColumn, LineIndex};

use super::{Options, Renderer, Summary, one_line};
use crate::{FileReport, Severity};

/// The line per finding, coloured or not.
pub(super) struct Concise {
    color: bool,
}

impl Concise {
    pub(super) fn new(options: Options) -> Self {
        Self { color: options.color }
    }
}

/// The ANSI escape that switches to the colour of a severity.
fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "\x1b[1;34m",
        Severity::Warning => "\x1b[1;33m",
        Severity::Error => "\x1b[1;31m",
    }
}

impl Renderer for Concise {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        if report.findings.is_empty() {
            return Ok(());
        }
        let index = LineIndex::new(Arc::clone(&report.source));
        let path = one_line(&report.path);
        for finding in &report.findings {
            let LineColumn { line, column } = index.line_column(finding.span.start);
            let (on, off) =
                if self.color { (color_of(finding.severity), "\x1b[0m") } else { ("", "") };
            let (severity, rule) = (finding.severity.name(), finding.rule);
            let message = one_line(&finding.message);
            writeln!(out, "{path}:{line}:{column}: {on}{severity}[{rule}]{off} {message}")?;
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
