//! SARIF 2.1.0, the interchange format of code scanning services (OASIS standard), written as the
//! files come: the rules first, then one result after the other.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use text::{LineIndex, Span};

use super::{Renderer, Summary};
use crate::{FileReport, Finding, Fix, KernelVerdict, Range, RuleInfo, Severity};

/// The log being written.
pub(super) struct Sarif<'a> {
    rules: &'a [RuleInfo],
    has_results: bool,
}

impl<'a> Sarif<'a> {
    pub(super) fn new(rules: &'a [RuleInfo]) -> Self {
        Self { rules, has_results: false }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message<'a>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Value>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'a> {
    kernel: KernelVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
}

/// The level that stands for a severity.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A path as an RFC 3986 reference: `/` between the parts, anything else that is not unreserved
/// percent-encoded, `file://` in front of an absolute one.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    let mut uri = String::new();
    if is_drive {
        uri.push_str("file:///");
    } else if path.starts_with('/') {
        uri.push_str("file://");
    }
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            b':' if is_drive && at == 1 => uri.push(':'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

/// A span by lines and columns, by bytes and by characters.
fn region(index: &LineIndex, span: Span) -> Value {
    let Range { start, end } = Range::new(index, span);
    let (first, behind) = (index.char_offset(span.start), index.char_offset(span.end));
    json!({
        "startLine": start.line, "startColumn": start.column,
        "endLine": end.line, "endColumn": end.column,
        "byteOffset": start.byte, "byteLength": end.byte - start.byte,
        "charOffset": first, "charLength": behind - first,
    })
}

fn fix(uri: &str, index: &LineIndex, fix: &Fix) -> Value {
    let replacements: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            let inserted = json!({ "text": edit.text });
            json!({ "deletedRegion": region(index, edit.span), "insertedContent": inserted })
        })
        .collect();
    // A change without replacements is not valid.
    let changes = if replacements.is_empty() {
        json!([])
    } else {
        json!([{ "artifactLocation": { "uri": uri }, "replacements": replacements }])
    };
    json!({
        "description": { "text": fix.title },
        "artifactChanges": changes,
        "properties": { "applicability": fix.applicability },
    })
}

fn result<'a>(
    rules: &[RuleInfo],
    uri: &str,
    index: &LineIndex,
    finding: &'a Finding,
) -> SarifResult<'a> {
    let place = |span| json!({ "artifactLocation": { "uri": uri }, "region": region(index, span) });
    let function = |name| json!({ "name": name, "kind": "function" });
    let related = finding.labels.iter().enumerate().map(|(id, label)| Location {
        id: Some(id),
        physical_location: place(label.span),
        logical_locations: Vec::new(),
        message: Some(Message { text: &label.message }),
    });
    SarifResult {
        rule_id: finding.rule,
        rule_index: rules.iter().position(|rule| rule.name == finding.rule),
        level: level(finding.severity),
        message: Message { text: &finding.message },
        locations: [Location {
            id: None,
            physical_location: place(finding.span),
            logical_locations: finding.function.iter().map(function).collect(),
            message: None,
        }],
        related_locations: related.collect(),
        fixes: finding
            .fixes
            .iter()
            .filter(|offered| !offered.edits.is_empty())
            .map(|offered| fix(uri, index, offered))
            .collect(),
        properties: ResultProperties {
            kernel: finding.kernel,
            kernel_message: finding.kernel_message.as_deref(),
            help: finding.help.as_deref(),
        },
    }
}

/// The rule as a reporting descriptor.
fn descriptor(rule: &RuleInfo) -> Value {
    let mut descriptor = json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": [rule.group], "kernel": rule.kernel },
    });
    if !rule.url.is_empty() {
        descriptor["helpUri"] = rule.url.into();
    }
    descriptor
}

impl Renderer for Sarif<'_> {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let driver = json!({
            "name": "bpf-analyzer",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": self.rules.iter().map(descriptor).collect::<Vec<_>>(),
        });
        let schema = "https://json.schemastore.org/sarif-2.1.0.json";
        write!(out, r#"{{"$schema":"{schema}","version":"2.1.0","runs":[{{"tool":"#)?;
        serde_json::to_writer(&mut *out, &json!({ "driver": driver }))?;
        out.write_all(br#","columnKind":"unicodeCodePoints","results":["#)
    }

    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        if report.findings.is_empty() {
            return Ok(());
        }
        let index = LineIndex::new(Arc::clone(&report.source));
        let uri = uri(&report.path);
        for finding in &report.findings {
            if std::mem::replace(&mut self.has_results, true) {
                out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *out, &result(self.rules, &uri, &index, finding))?;
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"]}]}\n")
    }
}
