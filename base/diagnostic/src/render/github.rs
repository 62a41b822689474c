//! GitHub's workflow commands, `::error file=…,line=…,title=…::message`: the runner turns them into
//! annotations of a pull request.

use std::io::{self, Write};
use std::sync::Arc;

use text::LineIndex;

use super::{Renderer, Summary};
use crate::{FileReport, Finding, Range, Severity};

/// One command per finding.
pub(super) struct Github;

/// Escapes the message of a command. Control characters could steer the terminal that shows the log.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    text.replace(char::is_control, "\u{fffd}")
}

/// Escapes the value of a command's property, which also ends at `,` and `:`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The message with what helps to understand it without the labels.
fn message(finding: &Finding) -> String {
    let mut message = finding.message.clone();
    if let Some(kernel) = &finding.kernel_message {
        message.push_str("\nthe kernel rejects this: ");
        message.push_str(kernel);
    }
    if let Some(help) = &finding.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    message
}

impl Renderer for Github {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        if report.findings.is_empty() {
            return Ok(());
        }
        let index = LineIndex::new(Arc::clone(&report.source));
        let file = property(&report.path);
        for finding in &report.findings {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let Range { start, end } = Range::new(&index, finding.span);
            write!(out, "::{command} file={file},line={},endLine={}", start.line, end.line)?;
            // An annotation of several lines has no columns.
            if start.line == end.line {
                write!(out, ",col={},endColumn={}", start.column, end.column)?;
            }
            let title = property(&format!("bpf-analyzer ({})", finding.rule));
            writeln!(out, ",title={title}::{}", data(&message(finding)))?;
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
