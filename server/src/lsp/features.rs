//! Requests about a document in three moves: from the client's words, ask, and into its words.

use std::ops::Range;

use ide::{CompletionKind, Fold, SymbolKind, TextId};
use serde_json::json;
use text::LineIndex;
use tower_lsp::lsp_types as lsp;
use tower_lsp::lsp_types::{Position, Url};

use super::analysis::Analysed;
use super::backend::COMMANDS;
use super::checks::Shown;
use super::convert::{markup, offset, position, range, span};

/// `textDocument/hover`.
pub(super) fn hover(document: &Analysed, at: Position) -> Option<lsp::Hover> {
    let client = &document.settings.client;
    let at = offset(&document.lines, at, client);
    let hover = document.with_file(|file| ide::hover(file, at))?;
    Some(lsp::Hover {
        contents: lsp::HoverContents::Markup(markup(hover.markdown, client.markdown_hover)),
        range: Some(range(&document.lines, hover.span, client)),
    })
}

/// `textDocument/completion`.
pub(super) fn completion(document: &Analysed, at: Position) -> lsp::CompletionResponse {
    let client = &document.settings.client;
    let at = offset(&document.lines, at, client);
    let completions = document.with_file(|file| ide::complete(file, at));
    let items = completions.into_iter().map(|completion| {
        let new_text =
            if client.snippets { completion.snippet } else { plain(&completion.snippet) };
        let edit =
            lsp::TextEdit { range: range(&document.lines, completion.span, client), new_text };
        lsp::CompletionItem {
            kind: Some(match completion.kind {
                CompletionKind::Section => lsp::CompletionItemKind::VALUE,
                CompletionKind::MapMember => lsp::CompletionItemKind::FIELD,
                CompletionKind::MapValue => lsp::CompletionItemKind::ENUM_MEMBER,
                CompletionKind::Function => lsp::CompletionItemKind::FUNCTION,
                CompletionKind::Idiom => lsp::CompletionItemKind::SNIPPET,
            }),
            detail: Some(completion.detail).filter(|detail| !detail.is_empty()),
            documentation: Some(completion.documentation)
                .filter(|text| !text.is_empty())
                .map(|text| markup(text, client.markdown_completion))
                .map(lsp::Documentation::MarkupContent),
            insert_text_format: client.snippets.then_some(lsp::InsertTextFormat::SNIPPET),
            text_edit: Some(lsp::CompletionTextEdit::Edit(edit)),
            label: completion.label,
            ..lsp::CompletionItem::default()
        }
    });
    lsp::CompletionResponse::Array(items.collect())
}

/// A snippet without its placeholders: `${1:name}` is `name`, `$0` is nothing.
fn plain(snippet: &str) -> String {
    let mut out = String::new();
    let mut rest = snippet;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let placeholder = behind.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        rest = match placeholder {
            Some((inner, behind)) => {
                out.push_str(inner.split_once(':').map_or("", |(_, name)| name));
                behind
            }
            None => behind.trim_start_matches(|c: char| c.is_ascii_digit()),
        };
    }
    out.push_str(rest);
    out
}

/// `textDocument/signatureHelp`.
pub(super) fn signature(document: &Analysed, at: Position) -> Option<lsp::SignatureHelp> {
    let client = &document.settings.client;
    let at = offset(&document.lines, at, client);
    let signature = document.with_file(|file| ide::signature(file, at))?;
    let label = |place: Range<u32>| {
        if client.label_offsets {
            return lsp::ParameterLabel::LabelOffsets([place.start, place.end]);
        }
        let text = signature.label.get(place.start as usize..place.end as usize);
        lsp::ParameterLabel::Simple(text.unwrap_or_default().to_owned())
    };
    // None would mean the first; one behind the last means none.
    let active = signature.active.unwrap_or_else(|| length(&signature.params));
    let params = signature.params.into_iter().map(|(place, meaning)| lsp::ParameterInformation {
        label: label(place),
        documentation: Some(meaning)
            .filter(|text| !text.is_empty())
            .map(lsp::Documentation::String),
    });
    let params = params.collect();
    let documentation = markup(signature.documentation, client.markdown_signature);
    let information = lsp::SignatureInformation {
        label: signature.label,
        documentation: Some(lsp::Documentation::MarkupContent(documentation)),
        parameters: Some(params),
        active_parameter: Some(active),
    };
    Some(lsp::SignatureHelp {
        signatures: vec![information],
        active_signature: Some(0),
        active_parameter: Some(active),
    })
}

fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// `textDocument/documentSymbol`.
pub(super) fn symbols(document: &Analysed) -> lsp::DocumentSymbolResponse {
    let client = &document.settings.client;
    let symbols = document.with_file(ide::symbols).into_iter();
    let kind = |kind| match kind {
        SymbolKind::Program => lsp::SymbolKind::EVENT,
        SymbolKind::Subprogram => lsp::SymbolKind::FUNCTION,
        SymbolKind::Map => lsp::SymbolKind::OBJECT,
        SymbolKind::Global => lsp::SymbolKind::VARIABLE,
    };
    #[expect(deprecated, reason = "the structures have a deprecated field")]
    if client.symbol_tree {
        let symbols = symbols.map(|symbol| lsp::DocumentSymbol {
            name: symbol.name,
            detail: Some(symbol.detail).filter(|detail| !detail.is_empty()),
            kind: kind(symbol.kind),
            tags: None,
            deprecated: None,
            range: range(&document.lines, symbol.span, client),
            selection_range: range(&document.lines, symbol.name_span, client),
            children: None,
        });
        lsp::DocumentSymbolResponse::Nested(symbols.collect())
    } else {
        let symbols = symbols.map(|symbol| lsp::SymbolInformation {
            name: symbol.name,
            kind: kind(symbol.kind),
            tags: None,
            deprecated: None,
            location: lsp::Location::new(
                document.uri.clone(),
                range(&document.lines, symbol.span, client),
            ),
            container_name: Some(symbol.detail).filter(|detail| !detail.is_empty()),
        });
        lsp::DocumentSymbolResponse::Flat(symbols.collect())
    }
}

/// `textDocument/foldingRange`.
pub(super) fn folds(document: &Analysed) -> Vec<lsp::FoldingRange> {
    let folds = document.with_file(ide::folds).into_iter().map(|fold| {
        let span = range(&document.lines, fold.span(), &document.settings.client);
        // What closes a region stays to be seen, and with it what follows on its line: `} else {`.
        let hidden = u32::from(matches!(fold, Fold::Region(_)));
        let end_line = span.end.line.saturating_sub(hidden);
        (end_line > span.start.line).then(|| lsp::FoldingRange {
            start_line: span.start.line,
            end_line,
            kind: match fold {
                Fold::Region(_) => None,
                Fold::Comment(_) => Some(lsp::FoldingRangeKind::Comment),
                Fold::Includes(_) => Some(lsp::FoldingRangeKind::Imports),
            },
            ..lsp::FoldingRange::default()
        })
    });
    folds.flatten().collect()
}

/// `textDocument/definition`.
pub(super) fn definition(document: &Analysed, at: Position) -> Vec<lsp::Location> {
    let at = offset(&document.lines, at, &document.settings.client);
    locations(document, document.with_file(|file| ide::definition(file, at)))
}

/// `textDocument/references`.
pub(super) fn references(
    document: &Analysed,
    at: Position,
    with_definition: bool,
) -> Vec<lsp::Location> {
    let at = offset(&document.lines, at, &document.settings.client);
    let places = document.with_file(|file| {
        let mut places = ide::references(file, at);
        if !with_definition {
            let definition = ide::definition(file, at);
            places.retain(|place| !definition.contains(place));
        }
        places
    });
    locations(document, places)
}

fn locations(document: &Analysed, places: Vec<ide::Place>) -> Vec<lsp::Location> {
    let client = &document.settings.client;
    let locations = places.into_iter().filter_map(|place| match place.text {
        TextId::Own => {
            let range = range(&document.lines, place.span, client);
            Some(lsp::Location::new(document.uri.clone(), range))
        }
        TextId::Header(index) => {
            let header = document.headers.get(index)?;
            let lines = LineIndex::new(header.header.text().into());
            let uri = Url::from_file_path(&header.path).ok()?;
            Some(lsp::Location::new(uri, range(&lines, place.span, client)))
        }
    });
    locations.collect()
}

/// `textDocument/inlayHint`.
pub(super) fn hints(document: &Analysed, shown: lsp::Range) -> Vec<lsp::InlayHint> {
    let client = &document.settings.client;
    let shown = span(&document.lines, shown, client);
    let options = document.settings.editor.hints;
    let hints = document.with_file(|file| ide::hints(file, shown, options)).into_iter();
    let hints = hints.map(|hint| lsp::InlayHint {
        position: position(&document.lines, hint.offset, client),
        label: lsp::InlayHintLabel::String(hint.label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    });
    hints.collect()
}

/// The command of a code lens: lists what is found in a program.
pub(super) const SHOW_FINDINGS: &str = "bpf-analyzer.showFindings";

/// `textDocument/codeLens`: for each program what is found in it, and what it can be checked for, with what came of
/// that in `checks`.
pub(super) fn lenses(document: &Analysed, checks: &Shown) -> Vec<lsp::CodeLens> {
    if !document.settings.editor.lenses || !document.settings.lint {
        return Vec::new();
    }
    let findings = &document.report.findings;
    let lenses = document.with_file(|file| ide::lenses(file, findings)).into_iter();
    let none = Shown::default();
    let checks = if checks.is_about(document) { checks } else { &none };
    let lenses = lenses.flat_map(|lens| {
        let range = range(&document.lines, lens.span, &document.settings.client);
        let program = lens.span.text(document.parsed.text());
        let findings = vec![json!(document.uri), json!(range.start)];
        let subject = json!({ "uri": document.uri, "program": program });
        let commands = COMMANDS.map(|(name, kind)| {
            let title = checks.title(program, kind);
            lsp::Command::new(title, name.to_owned(), Some(vec![subject.clone()]))
        });
        let show = lsp::Command::new(lens.title, SHOW_FINDINGS.to_owned(), Some(findings));
        let all = std::iter::once(show).chain(commands);
        all.map(move |command| lsp::CodeLens { range, command: Some(command), data: None })
    });
    lenses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_lose_their_placeholders_for_clients_without_them() {
        for (snippet, expected) in [
            ("f(${1:a}, ${2:b});$0", "f(a, b);"),
            ("xdp", "xdp"),
            ("$0 ${1:x}$2", " x"),
            ("a ${", "a {"),
        ] {
            assert_eq!(plain(snippet), expected);
        }
    }
}
