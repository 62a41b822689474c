//! From the words of this program to those of the protocol. Only here are positions counted in the client's
//! units.

use diagnostic::{Finding, Severity};
use serde_json::json;
use text::{Edit, LineIndex, Span};
use tower_lsp::lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    DocumentChanges, Location, MarkupContent, MarkupKind, NumberOrString, OneOf,
    OptionalVersionedTextDocumentIdentifier, Position, Range, TextDocumentEdit, TextEdit, Url,
    WorkspaceEdit,
};

use super::analysis::{Analysed, CATALOGUE};
use super::client::Client;
use crate::messages;
use crate::verify::VERIFIER;

/// A description for a client that shows Markdown or does not.
pub(super) fn markup(markdown: String, shown: bool) -> MarkupContent {
    if shown {
        return MarkupContent { kind: MarkupKind::Markdown, value: markdown };
    }
    let lines = markdown.lines().filter(|line| !line.starts_with("```"));
    let plain: Vec<String> = lines.map(|line| line.replace("**", "").replace('`', "")).collect();
    let value = plain.join("\n").trim_end().to_owned();
    MarkupContent { kind: MarkupKind::PlainText, value }
}

/// The name under which findings are shown.
pub(super) const SOURCE: &str = "bpf-analyzer";

/// A piece of a text in the client's units.
pub(super) fn range(lines: &LineIndex, span: Span, client: &Client) -> Range {
    Range::new(position(lines, span.start, client), position(lines, span.end, client))
}

/// An offset in the client's units.
pub(super) fn position(lines: &LineIndex, offset: u32, client: &Client) -> Position {
    let text::Position { line, column } = lines.position(offset, client.encoding);
    Position::new(line, column)
}

/// The offset of a position of the client.
pub(super) fn offset(lines: &LineIndex, position: Position, client: &Client) -> u32 {
    let place = text::Position { line: position.line, column: position.character };
    lines.offset(place, client.encoding)
}

/// The span of a range of the client; a reversed one is turned round.
pub(super) fn span(lines: &LineIndex, range: Range, client: &Client) -> Span {
    let (a, b) = (offset(lines, range.start, client), offset(lines, range.end, client));
    Span::new(a.min(b), a.max(b))
}

/// All findings of a text.
pub(super) fn diagnostics(
    findings: &[Finding],
    lines: &LineIndex,
    uri: &Url,
    client: &Client,
) -> Vec<Diagnostic> {
    findings.iter().map(|finding| diagnostic(finding, lines, uri, client)).collect()
}

/// A finding. What the client cannot show beside the message is put into the message.
pub(super) fn diagnostic(
    finding: &Finding,
    lines: &LineIndex,
    uri: &Url,
    client: &Client,
) -> Diagnostic {
    let labels = finding.labels.iter().map(|label| DiagnosticRelatedInformation {
        location: Location::new(uri.clone(), range(lines, label.span, client)),
        message: label.message.clone(),
    });
    let related: Vec<_> = if client.related { labels.collect() } else { Vec::new() };
    let fixes: Vec<&str> = finding.fixes.iter().map(|fix| fix.title.as_str()).collect();
    Diagnostic {
        range: range(lines, finding.span, client),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.rule.to_owned())),
        code_description: rule_page(finding.rule)
            .or_else(|| message_page(finding))
            .filter(|_| client.code_links)
            .map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: message(finding, lines, client),
        related_information: (!related.is_empty()).then_some(related),
        tags: (client.tags && is_waste(finding.rule)).then(|| vec![DiagnosticTag::UNNECESSARY]),
        data: Some(json!({
            "rule": finding.rule,
            "kernel": finding.kernel.name(),
            "fixes": fixes,
        })),
    }
}

fn message(finding: &Finding, lines: &LineIndex, client: &Client) -> String {
    let mut message = finding.message.clone();
    for label in finding.labels.iter().filter(|_| !client.related) {
        let line = lines.line(label.span.start) + 1;
        message.push_str(&format!("\nline {line}: {}", label.message));
    }
    if let Some(help) = &finding.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    if let Some(kernel) = &finding.kernel_message {
        message.push_str("\nkernel: ");
        message.push_str(kernel);
    }
    message
}

/// Rules about code or comments that can simply go.
fn is_waste(rule: &str) -> bool {
    rule.starts_with("needless-") || rule == crate::rules::UNUSED_SUPPRESSION
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    }
}

/// Where the page of a rule is: its public address, or else an address that an editor's extension can
/// answer with the command `bpf-analyzer.explainRule`.
pub(super) fn rule_page(rule: &str) -> Option<Url> {
    let known = CATALOGUE.find(rule)?;
    let own = format!("bpf-analyzer:/rules/{rule}.md");
    Url::parse(if known.info.url.is_empty() { &own } else { known.info.url }).ok()
}

/// Where the entry of the verifier's message in a finding is, for the same command.
fn message_page(finding: &Finding) -> Option<Url> {
    let said = finding.kernel_message.as_deref().filter(|_| finding.rule == VERIFIER.name)?;
    let message = messages::find_joined(said)?;
    Url::parse(&format!("bpf-analyzer:/rules/{}.md", message.anchor)).ok()
}

/// Edits of a document as it was analysed.
pub(super) fn workspace_edit(document: &Analysed, edits: &[Edit]) -> WorkspaceEdit {
    let client = &document.settings.client;
    let edits = edits.iter().map(|edit| TextEdit {
        range: range(&document.lines, edit.span, client),
        new_text: edit.text.clone(),
    });
    if client.versioned_edits {
        let text_document = OptionalVersionedTextDocumentIdentifier {
            uri: document.uri.clone(),
            version: Some(document.version),
        };
        let edit = TextDocumentEdit { text_document, edits: edits.map(OneOf::Left).collect() };
        return WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![edit])),
            ..WorkspaceEdit::default()
        };
    }
    let changes = [(document.uri.clone(), edits.collect())];
    WorkspaceEdit { changes: Some(changes.into()), ..WorkspaceEdit::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_loses_its_marks_for_clients_that_do_not_show_it() {
        let text = "```c\nint f(void)\n```\n\n**Since**: `6.1`\n";
        assert_eq!(markup(text.to_owned(), true).value, text);
        assert_eq!(markup(text.to_owned(), false).value, "int f(void)\n\nSince: 6.1");
    }

    #[test]
    fn every_rule_has_a_page_that_can_be_linked_to() {
        for rule in CATALOGUE.rules() {
            let page = rule_page(rule.name).map(String::from).unwrap_or_default();
            assert!(page.contains(rule.name), "{page}");
        }
        assert_eq!(rule_page("no-such-rule"), None);
    }

    #[test]
    fn findings_of_the_verifier_lead_to_their_messages() {
        let finding = |rule, said: &str| Finding {
            rule,
            severity: Severity::Error,
            kernel: diagnostic::KernelVerdict::Rejects,
            function: None,
            span: Span::empty(0),
            message: String::new(),
            labels: Vec::new(),
            help: None,
            kernel_message: Some(said.to_owned()),
            fixes: Vec::new(),
        };
        let page = |rule, said| message_page(&finding(rule, said)).map(String::from);
        let expected = Some("bpf-analyzer:/rules/r-read-ok.md".to_owned());
        assert_eq!(page(VERIFIER.name, "R7 !read_ok; and more"), expected);
        assert_eq!(page(VERIFIER.name, "something else"), None);
        assert_eq!(page("stale-slice", "R7 !read_ok"), None);
    }
}
