//! How tests ended: for people, services and programs.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::{Case, CaseResult, CaseStatus, Mismatch};
use crate::run::write_dumps;

/// Version of the JSON document.
const VERSION: u32 = 1;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestFormat {
    /// A line for each test, then what failed, for people.
    Full,
    /// One JSON document.
    Json,
    /// GitHub workflow commands, which annotate the tests in the configuration.
    Github,
    /// JUnit XML: a suite for each file, a case for each test.
    Junit,
}

/// Prints how tests ended, in the order of their files.
///
/// # Errors
///
/// If `out` does not take it.
pub fn write(
    out: &mut dyn Write,
    results: &[CaseResult],
    format: TestFormat,
    elapsed: Duration,
) -> io::Result<()> {
    match format {
        TestFormat::Full => full(out, results, elapsed),
        TestFormat::Json => writeln!(out, "{}", document(results, elapsed)),
        TestFormat::Github => github(out, results, elapsed),
        TestFormat::Junit => junit(results).serialize(out).map_err(io::Error::other),
    }
}

/// Names and texts come from files and programs, which may be anybody's.
fn tame(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

fn milliseconds(elapsed: Duration) -> String {
    format!("{:.1} ms", elapsed.as_secs_f64() * 1000.0)
}

/// How many passed, failed and could not be run.
fn counts(results: &[CaseResult]) -> (usize, usize, usize) {
    let count = |wanted: fn(&CaseStatus) -> bool| {
        results.iter().filter(|result| wanted(&result.status)).count()
    };
    (
        count(|status| matches!(status, CaseStatus::Passed)),
        count(|status| matches!(status, CaseStatus::Failed(_))),
        count(|status| matches!(status, CaseStatus::Broken(_))),
    )
}

fn summary(results: &[CaseResult], elapsed: Duration) -> String {
    let (passed, failed, broken) = counts(results);
    let mut text = format!("{passed} passed, {failed} failed");
    if broken > 0 {
        let _ = write!(text, ", {broken} could not be run");
    }
    format!("{text} in {}", milliseconds(elapsed))
}

fn full(out: &mut dyn Write, results: &[CaseResult], elapsed: Duration) -> io::Result<()> {
    let width = results.iter().map(|result| result.case.short().chars().count()).max().unwrap_or(0);
    let mut file = "";
    for CaseResult { case, status, elapsed } in results {
        if case.file != file {
            file = &case.file;
            writeln!(out, "{}", tame(file))?;
        }
        let word = match status {
            CaseStatus::Passed => "pass ",
            CaseStatus::Failed(_) => "FAIL ",
            CaseStatus::Broken(_) => "ERROR",
        };
        let width = width.min(72);
        writeln!(out, "  {word} {:width$}  {}", tame(&case.short()), milliseconds(*elapsed))?;
    }
    for CaseResult { case, status, .. } in results {
        if matches!(status, CaseStatus::Passed) {
            continue;
        }
        writeln!(out, "\n{} ({}:{})", tame(&case.id()), tame(&case.config), case.line)?;
        match status {
            CaseStatus::Passed => {}
            CaseStatus::Failed(mismatches) => {
                for mismatch in mismatches {
                    writeln!(out, "  {}: {}", tame(&mismatch.what), tame(&mismatch.message))?;
                    if let Some((wanted, got)) = &mismatch.bytes {
                        writeln!(out, "  - expected, + got:")?;
                        write_dumps(out, &filled(wanted, got), got)?;
                    }
                }
            }
            CaseStatus::Broken(why) => writeln!(out, "  cannot be run: {}", tame(why))?,
        }
    }
    writeln!(out, "\n{}", summary(results, elapsed))
}

/// The bytes expected, where any will do those there are.
fn filled(wanted: &[Option<u8>], got: &[u8]) -> Vec<u8> {
    let byte = |(at, byte): (usize, &Option<u8>)| byte.or(got.get(at).copied()).unwrap_or(0);
    wanted.iter().enumerate().map(byte).collect()
}

/// The differences in words, with dumps of bytes.
fn described(mismatches: &[Mismatch]) -> String {
    let mut text = String::new();
    for mismatch in mismatches {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}: {}", mismatch.what, mismatch.message);
        if let Some((wanted, got)) = &mismatch.bytes {
            let mut dump = Vec::new();
            if write_dumps(&mut dump, &filled(wanted, got), got).is_ok() {
                text.push_str(&String::from_utf8_lossy(&dump));
            }
        }
    }
    tame(text.trim_end())
}

fn document(results: &[CaseResult], elapsed: Duration) -> Value {
    let tests: Vec<Value> = results.iter().map(test).collect();
    let (passed, failed, broken) = counts(results);
    json!({
        "version": VERSION,
        "tests": tests,
        "summary": {
            "passed": passed,
            "failed": failed,
            "errors": broken,
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        },
    })
}

fn test(result: &CaseResult) -> Value {
    let CaseResult { case, status, elapsed } = result;
    let pattern = |bytes: &[Option<u8>]| -> String {
        bytes
            .iter()
            .map(|byte| byte.map_or("??".to_owned(), |byte| format!("{byte:02x}")))
            .collect()
    };
    let (outcome, failures, error) = match status {
        CaseStatus::Passed => ("pass", Vec::new(), None),
        CaseStatus::Broken(why) => ("error", Vec::new(), Some(why)),
        CaseStatus::Failed(mismatches) => {
            let failure = |mismatch: &Mismatch| {
                let mut value = json!({ "what": mismatch.what, "message": mismatch.message });
                if let Some((wanted, got)) = &mismatch.bytes {
                    value["expected"] = json!(pattern(wanted));
                    value["actual"] = json!(crate::run::typed::digits(got));
                }
                value
            };
            ("fail", mismatches.iter().map(failure).collect(), None)
        }
    };
    json!({
        "id": case.id(),
        "file": case.file,
        "program": case.program,
        "test": case.name,
        "packet": case.packet,
        "location": { "file": case.config, "line": case.line },
        "outcome": outcome,
        "failures": failures,
        "error": error,
        "elapsed_us": u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
    })
}

/// What went wrong with a test, in a line and in more; nothing if it passed.
fn problem(status: &CaseStatus) -> Option<(String, String)> {
    match status {
        CaseStatus::Passed => None,
        CaseStatus::Broken(why) => Some((tame(why), tame(why))),
        CaseStatus::Failed(mismatches) => {
            let first = mismatches.first();
            let first = first.map(|one| format!("{}: {}", one.what, one.message));
            Some((tame(&first.unwrap_or_default()), described(mismatches)))
        }
    }
}

fn github(out: &mut dyn Write, results: &[CaseResult], elapsed: Duration) -> io::Result<()> {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    for CaseResult { case, status, .. } in results {
        if let Some((_, text)) = problem(status) {
            let Case { config, line, .. } = case;
            let (file, title) = (property(&tame(config)), property(&tame(&case.id())));
            writeln!(out, "::error file={file},line={line},title={title}::{}", data(&text))?;
        }
    }
    writeln!(out, "{}", summary(results, elapsed))
}

fn junit(results: &[CaseResult]) -> Report {
    let mut report = Report::new("bpf-analyzer");
    let mut suites: Vec<TestSuite> = Vec::new();
    for CaseResult { case, status, elapsed } in results {
        let mut outcome = TestCaseStatus::success();
        if let Some((message, text)) = problem(status) {
            let kind = match status {
                CaseStatus::Broken(_) => NonSuccessKind::Error,
                _ => NonSuccessKind::Failure,
            };
            outcome = TestCaseStatus::non_success(kind);
            outcome.set_message(message).set_description(text);
        }
        let mut test = TestCase::new(tame(&case.short()), outcome);
        test.set_classname(tame(&case.file)).set_time(*elapsed);
        test.extra.insert("file".into(), tame(&case.config).into());
        test.extra.insert("line".into(), case.line.to_string().into());
        if suites.last().is_none_or(|suite| suite.name.as_str() != tame(&case.file)) {
            suites.push(TestSuite::new(tame(&case.file)));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(test);
        }
    }
    report.add_test_suites(suites);
    report
}
