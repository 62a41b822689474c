//! Sections given through a macro of the project: `__section_entry("tc")`, `__map_section`.

use syntax::ast::{Attrs, Macro};
use syntax::{Token, TokenKind, lex};
use text::Span;

use crate::Sema;

/// How many macros inside macros are followed.
const MACRO_DEPTH: usize = 4;
/// Macros with longer bodies, in bytes, do more than name a section.
const MAX_BODY: usize = 1024;
/// Longer tokens, in bytes, name no section.
const MAX_ARGUMENT: usize = 256;

impl Sema {
    /// The section that `attrs` name, or that a macro in `range` of the file stands for, with the place of
    /// its string. Braces in the range are skipped.
    pub(crate) fn section_at(&self, attrs: &Attrs, range: Span) -> Option<(String, Span)> {
        if let Some(section) = &attrs.section {
            return Some(section.clone());
        }
        let text = range.text(&self.text);
        let tokens = outside_braces(lex(text));
        tokens.iter().enumerate().find_map(|(at, token)| {
            let definition = self.section_macro(token, text)?;
            let section = self.expanded(definition, &tokens[at + 1..], text, 0)?;
            let written =
                tokens[at + 1..].iter().find(|it| unquoted(it, text) == Some(section.as_str()));
            let span = written.unwrap_or(token).span;
            let shift = |offset: u32| offset.saturating_add(range.start);
            Some((section, Span::new(shift(span.start), shift(span.end))))
        })
    }

    /// The macro that `token` names, if it is one of the project's own.
    fn section_macro(&self, token: &Token, text: &str) -> Option<&Macro> {
        let word = token.span.text(text);
        let is_name = token.kind == TokenKind::Ident && !is_section_word(word);
        let definition = if is_name { self.macro_def(word) } else { None };
        definition.filter(|definition| definition.body.len() <= MAX_BODY)
    }

    /// The section in the body of `definition`, used with the tokens `behind` its name.
    fn expanded(
        &self,
        definition: &Macro,
        behind: &[Token],
        text: &str,
        depth: usize,
    ) -> Option<String> {
        let body = substituted(definition, behind, text);
        let tokens = lex(&body);
        tokens.iter().enumerate().find_map(|(at, token)| {
            let word = token.span.text(&body);
            if let [open, string, ..] = &tokens[at + 1..]
                && is_section_word(word)
                && open.is(b'(')
            {
                return unquoted(string, &body).map(str::to_owned);
            }
            let inner = self.section_macro(token, &body).filter(|_| depth < MACRO_DEPTH)?;
            self.expanded(inner, &tokens[at + 1..], &body, depth + 1)
        })
    }
}

fn is_section_word(word: &str) -> bool {
    matches!(word, "SEC" | "section" | "__section__" | "__section")
}

/// The content of a string constant.
fn unquoted<'a>(token: &Token, text: &'a str) -> Option<&'a str> {
    let string = (token.kind == TokenKind::Str).then(|| token.span.text(text))?;
    string.strip_prefix('"')?.strip_suffix('"')
}

fn outside_braces(tokens: Vec<Token>) -> Vec<Token> {
    let mut depth = 0usize;
    let outside = tokens.into_iter().filter(|token| {
        match token.kind {
            TokenKind::Punct(b'{') => depth += 1,
            TokenKind::Punct(b'}') => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    outside.collect()
}

/// The body of a macro with single tokens in place of its parameters; an argument of several tokens is no
/// section's name and leaves its parameter alone.
fn substituted(definition: &Macro, behind: &[Token], text: &str) -> String {
    let params = definition.params.as_deref().unwrap_or_default();
    let args: Vec<&str> = behind
        .iter()
        .skip(1)
        .take_while(|token| !token.is(b')'))
        .filter(|token| !token.is(b','))
        .map(|token| token.span.text(text))
        .take_while(|argument| argument.len() <= MAX_ARGUMENT)
        .collect();
    let body = definition.body.as_str();
    let mut out = String::with_capacity(body.len());
    for token in lex(body) {
        let word = token.span.text(body);
        let argument = params.iter().position(|param| param == word).and_then(|at| args.get(at));
        out.push_str(argument.copied().unwrap_or(word));
        out.push(' ');
    }
    out
}
