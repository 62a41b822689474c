//! `JUnit` XML: a test suite per file, a failing test case per finding, a passing one for a clean file.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use text::{LineColumn, LineIndex};

use super::{Renderer, Summary};
use crate::{FileReport, Finding};

/// The suites so far. The document begins with totals, so it is written at the end.
pub(super) struct Junit {
    report: Report,
}

impl Default for Junit {
    fn default() -> Self {
        Self { report: Report::new("bpf-analyzer") }
    }
}

/// The failing test case of a finding.
fn test_case(path: &str, index: &LineIndex, finding: &Finding) -> TestCase {
    let LineColumn { line, column } = index.line_column(finding.span.start);
    let mut text = format!("{path}:{line}:{column}: {}", finding.message);
    for label in &finding.labels {
        let LineColumn { line, column } = index.line_column(label.span.start);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{path}:{line}:{column}: {}", label.message);
    }
    for (what, more) in
        [("the kernel rejects this", &finding.kernel_message), ("help", &finding.help)]
    {
        if let Some(more) = more {
            let _ = write!(text, "\n{what}: {more}");
        }
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(finding.severity.name()).set_message(finding.message.as_str());
    status.set_description(text);
    let mut case = TestCase::new(format!("{} at {line}:{column}", finding.rule), status);
    case.set_classname(path);
    case.extra.insert("file".into(), path.into());
    case.extra.insert("line".into(), line.to_string().into());
    case
}

impl Renderer for Junit {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, report: &FileReport, _out: &mut dyn Write) -> io::Result<()> {
        let mut suite = TestSuite::new(report.path.as_str());
        if report.findings.is_empty() {
            let mut case = TestCase::new("no findings", TestCaseStatus::success());
            case.set_classname(report.path.as_str());
            suite.add_test_case(case);
        } else {
            let index = LineIndex::new(Arc::clone(&report.source));
            let cases =
                report.findings.iter().map(|finding| test_case(&report.path, &index, finding));
            suite.add_test_cases(cases);
        }
        self.report.add_test_suite(suite);
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.report.serialize(out).map_err(io::Error::other)
    }
}
