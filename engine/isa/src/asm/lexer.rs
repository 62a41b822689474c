//! Text to tokens, one list for each instruction.

use super::{AsmError, AsmErrorKind};

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) kind: TokenKind,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a number.
    Word,
    /// A sign of one or more characters.
    Sign,
}

impl Token<'_> {
    pub(super) fn error(&self, kind: AsmErrorKind) -> AsmError {
        AsmError { line: self.line, column: self.column, kind }
    }
}

/// The tokens of one instruction with its labels, and where it ends.
pub(super) struct Tokens<'t> {
    pub(super) list: Vec<Token<'t>>,
    pub(super) end: Token<'t>,
}

/// Signs, longer ones before their beginnings. Those that begin with `s` are signs only if no other letter
/// precedes.
const SIGNS: [&str; 37] = [
    "s>>=", "<<=", ">>=", "s>=", "s<=", "s/=", "s%=", "s>", "s<", "+=", "-=", "*=", "/=", "%=",
    "|=", "&=", "^=", "==", "!=", ">=", "<=", "=", ">", "<", "&", "*", "(", ")", "[", "]", ",",
    ":", "+", "-", "#", ";", "//",
];

/// The instructions of a text.
pub(super) fn statements(text: &str) -> impl Iterator<Item = Result<Tokens<'_>, AsmError>> {
    text.lines().enumerate().flat_map(|(index, line)| match tokens(line, index + 1) {
        Ok(tokens) => split(tokens, line, index + 1).into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}

/// Divides the tokens of a line at semicolons.
fn split<'t>(tokens: Vec<Token<'t>>, text: &'t str, line: usize) -> Vec<Tokens<'t>> {
    let column = text.trim_end().chars().count() + 1;
    let end = Token { text: "", kind: TokenKind::Sign, line, column };
    let mut statements = vec![Tokens { list: Vec::new(), end }];
    for token in tokens {
        if let Some(last) = statements.last_mut() {
            if token.text == ";" {
                last.end = token;
            } else {
                last.list.push(token);
                continue;
            }
        }
        statements.push(Tokens { list: Vec::new(), end });
    }
    statements
}

fn tokens(text: &str, line: usize) -> Result<Vec<Token<'_>>, AsmError> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    let mut column = 1;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let glued = tokens
            .last()
            .is_some_and(|last| last.kind == TokenKind::Word && text[..at].ends_with(last.text));
        let (length, kind) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            // A hash behind a name is the number of a helper, otherwise a comment.
            if *sign == "//" || *sign == "#" && !glued {
                break;
            }
            (sign.len(), Some(TokenKind::Sign))
        } else if is_word(first) {
            (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), Some(TokenKind::Word))
        } else {
            return Err(AsmError { line, column, kind: AsmErrorKind::Character(first) });
        };
        let (token, _) = rest.split_at(length);
        if let Some(kind) = kind {
            tokens.push(Token { text: token, kind, line, column });
        }
        at += length;
        column += token.chars().count();
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '$')
}
