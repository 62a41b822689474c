//! Code actions. Everything is computed from the document, the range and the rule: clients send back what
//! they like of a diagnostic.

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostic::{Applicability, FileReport, Finding};
use serde::{Deserialize, Serialize};
use similar::{DiffOp, TextDiff};
use text::{Edit, Span};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command, Url,
};

use super::analysis::Analysed;
use super::convert;
use crate::fix;

/// Applies all safe fixes of a file.
pub(super) const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.bpf-analyzer");

/// The command that shows a rule's page; its argument is the rule's name.
pub(super) const EXPLAIN_RULE: &str = "bpf-analyzer.explainRule";

/// What an action is completed from when it is chosen: the edit is computed from the document then.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Unresolved {
    pub(super) uri: Url,
    /// The rule whose fixes are applied; none for all.
    pub(super) rule: Option<String>,
}

/// The actions for a range of a document.
pub(super) fn actions(document: &Analysed, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let client = &document.settings.client;
    let range = convert::span(&document.lines, params.range, client);
    let only = params.context.only.as_deref();
    let mut actions = Vec::new();
    if wants(only, &CodeActionKind::QUICKFIX) {
        let touched: Vec<&Finding> = document
            .report
            .findings
            .iter()
            .filter(|finding| touches(finding.span, range))
            .collect();
        touched.iter().for_each(|finding| fixes(document, finding, &mut actions));
        for rule in touched.iter().map(|finding| finding.rule).collect::<BTreeSet<_>>() {
            actions.extend(fix_rule(document, rule));
        }
        touched.iter().for_each(|finding| suppressions(document, finding, &mut actions));
    }
    if wants(only, &FIX_ALL) {
        actions.extend(fix_everything(document));
    }
    let explained: BTreeSet<&str> = document
        .report
        .findings
        .iter()
        .filter(|finding| touches(finding.span, range))
        .map(|finding| finding.rule)
        .collect();
    let mut out: Vec<CodeActionOrCommand> = actions
        .into_iter()
        .map(|action| {
            if client.code_actions {
                CodeActionOrCommand::CodeAction(action)
            } else {
                as_command(action)
            }
        })
        .collect();
    if wants(only, &CodeActionKind::QUICKFIX) {
        out.extend(explained.into_iter().map(|rule| {
            let command = explain(rule);
            if client.code_actions {
                // Some clients ask to resolve whatever has no edit, and a bare command is no code action.
                CodeActionOrCommand::CodeAction(CodeAction {
                    title: command.title.clone(),
                    kind: Some(CodeActionKind::QUICKFIX),
                    command: Some(command),
                    ..CodeAction::default()
                })
            } else {
                CodeActionOrCommand::Command(command)
            }
        }));
    }
    out
}

/// The edit of an action that was offered without one.
pub(super) fn resolve(document: &Analysed, rule: Option<&str>) -> Option<Vec<Edit>> {
    let fixed = fixed_text(document, rule)?;
    Some(difference(&document.report.source, &fixed))
}

/// Whether the client asks for actions of this kind; kinds are prefixes of others.
fn wants(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    let includes = |wanted: &CodeActionKind| {
        let rest = kind.as_str().strip_prefix(wanted.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    only.is_none_or(|only| only.iter().any(includes))
}

fn touches(finding: Span, range: Span) -> bool {
    finding.start <= range.end && range.start <= finding.end
}

fn fixes(document: &Analysed, finding: &Finding, actions: &mut Vec<CodeAction>) {
    for (index, fix) in finding.fixes.iter().filter(|fix| !fix.edits.is_empty()).enumerate() {
        let remark = match fix.applicability {
            Applicability::Safe => "",
            Applicability::Unsafe => " (may change what the program does)",
        };
        actions.push(CodeAction {
            title: format!("{}{remark}", capitalised(&fix.title)),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(document, finding)]),
            edit: Some(convert::workspace_edit(document, &fix.edits)),
            is_preferred: Some(index == 0 && fix.applicability == Applicability::Safe),
            ..CodeAction::default()
        });
    }
}

/// One action for all safe fixes of a rule, if there are several.
fn fix_rule(document: &Analysed, rule: &str) -> Option<CodeAction> {
    let fixable = document
        .report
        .findings
        .iter()
        .filter(|finding| finding.rule == rule && is_fixable(finding));
    if fixable.count() < 2 {
        return None;
    }
    let title = format!("Fix all `{rule}` in this file");
    deferred(document, title, CodeActionKind::QUICKFIX, Some(rule))
}

fn fix_everything(document: &Analysed) -> Option<CodeAction> {
    document.report.findings.iter().find(|finding| is_fixable(finding))?;
    deferred(document, "Apply all safe fixes of bpf-analyzer".to_owned(), FIX_ALL, None)
}

fn is_fixable(finding: &Finding) -> bool {
    finding
        .fixes
        .iter()
        .any(|fix| fix.applicability == Applicability::Safe && !fix.edits.is_empty())
}

/// An action whose edit takes several rounds of linting: computed now only for clients that cannot ask for
/// it later.
fn deferred(
    document: &Analysed,
    title: String,
    kind: CodeActionKind,
    rule: Option<&str>,
) -> Option<CodeAction> {
    let mut action = CodeAction { title, kind: Some(kind), ..CodeAction::default() };
    if document.settings.client.resolves_edits {
        let unresolved = Unresolved { uri: document.uri.clone(), rule: rule.map(str::to_owned) };
        action.data = serde_json::to_value(unresolved).ok();
    } else {
        let edits = resolve(document, rule)?;
        action.edit = Some(convert::workspace_edit(document, &edits));
    }
    Some(action)
}

fn suppressions(document: &Analysed, finding: &Finding, actions: &mut Vec<CodeAction>) {
    let rule = finding.rule;
    let edits = document.with_file(|file| {
        let function = finding.function.as_deref().unwrap_or_default();
        [
            (format!("Allow `{rule}` on this line"), ide::allow_on_line(file, finding.span, rule)),
            (
                format!("Allow `{rule}` in `{function}`"),
                ide::allow_in_function(file, finding.span, rule),
            ),
        ]
    });
    for (title, edit) in edits {
        let Some(edit) = edit else { continue };
        actions.push(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(document, finding)]),
            edit: Some(convert::workspace_edit(document, &[edit])),
            ..CodeAction::default()
        });
    }
}

fn explain(rule: &str) -> Command {
    Command::new(
        format!("Explain `{rule}`"),
        EXPLAIN_RULE.to_owned(),
        Some(vec![serde_json::Value::from(rule)]),
    )
}

/// For clients that know only commands.
fn as_command(action: CodeAction) -> CodeActionOrCommand {
    let argument = serde_json::to_value(action.edit).unwrap_or_default();
    let command = Command::new(action.title, APPLY_EDIT.to_owned(), Some(vec![argument]));
    CodeActionOrCommand::Command(command)
}

/// The command that sends an edit back to a client that does not take edits in code actions.
pub(super) const APPLY_EDIT: &str = "bpf-analyzer.applyEdit";

fn diagnostic(document: &Analysed, finding: &Finding) -> tower_lsp::lsp_types::Diagnostic {
    let client = &document.settings.client;
    convert::diagnostic(finding, &document.lines, &document.uri, client)
}

/// The text after all safe fixes, or those of one rule.
fn fixed_text(document: &Analysed, rule: Option<&str>) -> Option<Arc<str>> {
    let only = |mut report: FileReport| {
        for finding in &mut report.findings {
            if rule.is_some_and(|rule| rule != finding.rule) {
                finding.fixes.clear();
            }
        }
        report
    };
    let lint = |text: Arc<str>| only(document.check(text));
    let fixed = fix::fix(only(document.report.clone()), Applicability::Safe, &lint, &fix::all);
    (fixed.applied > 0).then_some(fixed.report.source)
}

/// The edits that make `new` of `old`, line by line.
fn difference(old: &str, new: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(old, new);
    let starts = |text: &str| -> Vec<usize> {
        let mut starts = vec![0];
        let mut at = 0;
        for line in diff_lines(text) {
            at += line.len();
            starts.push(at);
        }
        starts
    };
    let (old_starts, new_starts) = (starts(old), starts(new));
    let place = |starts: &[usize], line: usize| starts.get(line).copied().unwrap_or_default();
    let changed = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edits = changed.map(|op| {
        let (old_lines, new_lines) = (op.old_range(), op.new_range());
        let from = place(&new_starts, new_lines.start)..place(&new_starts, new_lines.end);
        let offset = |line| u32::try_from(place(&old_starts, line)).unwrap_or(u32::MAX);
        let span = Span::new(offset(old_lines.start), offset(old_lines.end));
        Edit::replace(span, new.get(from).unwrap_or_default())
    });
    edits.collect()
}

/// Lines as the diff counts them: each ends with `\n`, `\r\n` or a lone `\r`.
fn diff_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let length = match end {
            _ if rest.is_empty() => return None,
            None => rest.len(),
            Some(at) if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
        };
        let (line, behind) = rest.split_at(length);
        rest = behind;
        Some(line)
    })
}

fn capitalised(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text::apply_edits;

    use super::*;

    #[test]
    fn kinds_asked_for_include_those_below_them() {
        let asked = |kinds: &[&'static str], kind: &CodeActionKind| {
            let kinds: Vec<_> = kinds.iter().map(|kind| CodeActionKind::new(kind)).collect();
            wants(Some(&kinds), kind)
        };
        assert!(wants(None, &FIX_ALL));
        assert!(asked(&["source"], &FIX_ALL) && asked(&["source.fixAll"], &FIX_ALL));
        assert!(asked(&["quickfix", "source.fixAll.bpf-analyzer"], &FIX_ALL));
        assert!(!asked(&["source.fixAll.other"], &FIX_ALL) && !asked(&["source.fix"], &FIX_ALL));
        assert!(!asked(&["refactor"], &CodeActionKind::QUICKFIX));
    }

    proptest! {
        #[test]
        fn a_difference_makes_the_new_text_of_the_old(
            old in "[ab\r\n\u{e9}]{0,16}",
            new in "[ab\r\n\u{e9}]{0,16}",
        ) {
            let edits = difference(&old, &new);
            prop_assert_eq!(apply_edits(&old, &edits), Ok(new));
        }
    }
}
