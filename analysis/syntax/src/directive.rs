//! Preprocessor lines: `#include`, `#define` and `#undef` as values.

use smol_str::SmolStr;
use text::Span;

use crate::ast::{Directive, DirectiveKind, Macro};
use crate::lexer::{Token, TokenKind, scan, span};

/// Reads the preprocessor line at `at` in `text`, a [`TokenKind::Directive`] token's span. `None` for
/// every line but `#include`, `#define` and `#undef`, and for those that are incomplete.
pub fn directive(text: &str, at: Span) -> Option<Directive> {
    let line = at.text(text);
    let (word, word_end) = directive_word(line)?;
    let base = at.start;
    let kind = match word {
        "include" | "include_next" | "import" => include(&line[word_end..])?,
        "define" => DirectiveKind::Define(define(line, word_end, base)?),
        "undef" => {
            let tokens = scan(&line[word_end..]).tokens;
            let name = tokens.first().filter(|token| token.kind == TokenKind::Ident)?;
            DirectiveKind::Undef(SmolStr::new(name.span.text(&line[word_end..])))
        }
        _ => return None,
    };
    Some(Directive { kind, span: at })
}

/// The word behind `#` and where it ends in `line`.
pub(crate) fn directive_word(line: &str) -> Option<(&str, usize)> {
    let rest = line.strip_prefix('#')?;
    let bytes = rest.as_bytes();
    let start = bytes.iter().position(|&byte| !matches!(byte, b' ' | b'\t'))?;
    let len = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    Some((&rest[start..start + len], 1 + start + len))
}

fn include(rest: &str) -> Option<DirectiveKind> {
    let rest = rest.trim_start();
    let (close, system) = match rest.as_bytes().first()? {
        b'<' => ('>', true),
        b'"' => ('"', false),
        _ => return None,
    };
    let path = rest[1..].split(close).next()?;
    (path.len() + 1 < rest.len() && !path.contains('\n'))
        .then(|| DirectiveKind::Include { path: path.to_owned(), system })
}

fn define(line: &str, word_end: usize, base: u32) -> Option<Macro> {
    let scanned = scan(&line[word_end..]);
    let text = &line[word_end..];
    let tokens = scanned.tokens;
    let name = *tokens.first().filter(|token| token.kind == TokenKind::Ident)?;
    let touches =
        tokens.get(1).is_some_and(|next| next.is(b'(') && next.span.start == name.span.end);
    let (params, variadic, body_at) = if touches {
        let (params, variadic, next) = parameters(text, &tokens)?;
        (Some(params), variadic, next)
    } else {
        (None, false, 1)
    };
    let start = word_end + name.span.start as usize;
    let name_span = span(start, start + name.span.len() as usize);
    Some(Macro {
        name: SmolStr::new(name.span.text(text)),
        params,
        variadic,
        body: body(text, tokens.get(body_at..).unwrap_or(&[])),
        name_span: Span::new(
            base.saturating_add(name_span.start),
            base.saturating_add(name_span.end),
        ),
    })
}

/// Parameters, whether the last takes the rest, and the index of the first token of the body.
fn parameters(text: &str, tokens: &[Token]) -> Option<(Vec<SmolStr>, bool, usize)> {
    let mut params: Vec<SmolStr> = Vec::new();
    let mut variadic = false;
    let mut named = false;
    for (index, token) in tokens.iter().enumerate().skip(2) {
        match token.kind {
            TokenKind::Ident => {
                params.push(SmolStr::new(token.span.text(text)));
                named = true;
            }
            TokenKind::Punct(b',') => named = false,
            TokenKind::Punct(b'.') if !variadic => {
                variadic = true;
                if !named {
                    params.push(SmolStr::new_static("__VA_ARGS__"));
                }
            }
            TokenKind::Punct(b'.') => {}
            TokenKind::Punct(b')') => return Some((params, variadic, index + 1)),
            _ => return None,
        }
    }
    None
}

/// The tokens joined as they stood, with one blank for any white space or comment between two.
fn body(text: &str, tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut end = None;
    for token in tokens {
        if end.is_some_and(|end| end != token.span.start) {
            out.push(' ');
        }
        out.push_str(token.span.text(text));
        end = Some(token.span.end);
    }
    out
}
