//! What the client can do, as it said when it connected.

use text::Encoding;
use tower_lsp::lsp_types::{
    ClientCapabilities, InitializeParams, MarkupKind, PositionEncodingKind,
};

/// What the client can do, and what was agreed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// The unit of columns.
    pub(super) encoding: Encoding,
    /// It asks for diagnostics itself, also when it is told that they changed; none are pushed then.
    pub(super) pulls: bool,
    /// It shows second places of a diagnostic.
    pub(super) related: bool,
    /// It follows links from rule names.
    pub(super) code_links: bool,
    /// It shows waste greyed out.
    pub(super) tags: bool,
    /// It takes edits for a certain version of a document.
    pub(super) versioned_edits: bool,
    /// It completes a code action's edit when the action is chosen.
    pub(super) resolves_edits: bool,
    /// It takes code actions and not only commands.
    pub(super) code_actions: bool,
    /// It understands placeholders in completions.
    pub(super) snippets: bool,
    /// It shows progress that the server starts.
    pub(super) progress: bool,
    /// It answers `workspace/configuration`.
    pub(super) configuration: bool,
    /// It can be asked to watch files.
    pub(super) watches: bool,
    /// It can be told to ask again for inlay hints.
    pub(super) refreshes_hints: bool,
    /// It can be told to ask again for code lenses.
    pub(super) refreshes_lenses: bool,
    /// It shows Markdown when the pointer rests on something.
    pub(super) markdown_hover: bool,
    /// It shows Markdown beside completions.
    pub(super) markdown_completion: bool,
    /// It shows Markdown beside signatures.
    pub(super) markdown_signature: bool,
    /// It finds parameters in a signature by their place.
    pub(super) label_offsets: bool,
    /// It shows symbols as a tree.
    pub(super) symbol_tree: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(&InitializeParams::default())
    }
}

impl Client {
    /// Reads what the client said.
    pub(super) fn new(params: &InitializeParams) -> Self {
        let ClientCapabilities { workspace, text_document, window, general, .. } =
            params.capabilities.clone();
        let workspace = workspace.unwrap_or_default();
        let document = text_document.unwrap_or_default();
        let publish = document.publish_diagnostics.unwrap_or_default();
        let action = document.code_action.unwrap_or_default();
        let resolved = action.resolve_support.unwrap_or_default().properties;
        let edits = workspace.workspace_edit.unwrap_or_default();
        let completion = document.completion.and_then(|completion| completion.completion_item);
        let completion = completion.unwrap_or_default();
        let signature = document.signature_help.and_then(|help| help.signature_information);
        let signature = signature.unwrap_or_default();
        let hover = document.hover.and_then(|hover| hover.content_format);
        let markdown = |formats: Option<Vec<MarkupKind>>| {
            formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown))
        };
        let encodings = general.and_then(|general| general.position_encodings);
        let refreshes_diagnostics =
            workspace.diagnostic.and_then(|diagnostic| diagnostic.refresh_support) == Some(true);
        Self {
            encoding: preferred(encodings.as_deref().unwrap_or_default()),
            // One that cannot be told to ask again would show what held before a header or a setting
            // changed.
            pulls: document.diagnostic.is_some() && refreshes_diagnostics,
            related: publish.related_information == Some(true),
            code_links: publish.code_description_support == Some(true),
            tags: publish.tag_support.is_some(),
            versioned_edits: edits.document_changes == Some(true),
            resolves_edits: action.data_support == Some(true)
                && resolved.iter().any(|property| property == "edit"),
            code_actions: action.code_action_literal_support.is_some(),
            snippets: completion.snippet_support == Some(true),
            markdown_hover: markdown(hover),
            markdown_completion: markdown(completion.documentation_format),
            markdown_signature: markdown(signature.documentation_format),
            label_offsets: signature
                .parameter_information
                .and_then(|parameter| parameter.label_offset_support)
                == Some(true),
            progress: window.and_then(|window| window.work_done_progress) == Some(true),
            configuration: workspace.configuration == Some(true),
            watches: workspace
                .did_change_watched_files
                .and_then(|watch| watch.dynamic_registration)
                == Some(true),
            refreshes_hints: workspace.inlay_hint.and_then(|hint| hint.refresh_support)
                == Some(true),
            refreshes_lenses: workspace.code_lens.and_then(|lens| lens.refresh_support)
                == Some(true),
            symbol_tree: document
                .document_symbol
                .and_then(|symbol| symbol.hierarchical_document_symbol_support)
                == Some(true),
        }
    }

    /// The agreed unit in the words of the protocol.
    pub(super) fn encoding_kind(&self) -> PositionEncodingKind {
        match self.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }
}

/// Bytes cost nothing to convert, so they come first; a client that offers nothing means UTF-16.
fn preferred(offered: &[PositionEncodingKind]) -> Encoding {
    if offered.contains(&PositionEncodingKind::UTF8) {
        Encoding::Utf8
    } else if offered.contains(&PositionEncodingKind::UTF16)
        || !offered.contains(&PositionEncodingKind::UTF32)
    {
        Encoding::Utf16
    } else {
        Encoding::Utf32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoding_offered_is_taken() {
        use PositionEncodingKind as Kind;
        for (offered, expected) in [
            (vec![], Encoding::Utf16),
            (vec![Kind::UTF16], Encoding::Utf16),
            (vec![Kind::UTF32], Encoding::Utf32),
            (vec![Kind::UTF32, Kind::UTF16], Encoding::Utf16),
            (vec![Kind::UTF32, Kind::UTF16, Kind::UTF8], Encoding::Utf8),
            (vec![Kind::new("utf-7")], Encoding::Utf16),
        ] {
            assert_eq!(preferred(&offered), expected, "{offered:?}");
        }
    }

    #[test]
    fn a_client_that_says_nothing_can_do_nothing() {
        let client = Client::default();
        assert!(!client.pulls && !client.progress && !client.watches && !client.snippets);
    }
}
