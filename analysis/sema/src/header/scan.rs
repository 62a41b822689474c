//! Finding the definitions of a header among its tokens.
//!
//! The text is cut into pieces at file scope: a piece ends at a semicolon outside all brackets, or at the
//! closing brace of a function's body. Each piece is entered under every name that it may define; whether
//! it does shows when it is parsed.

use std::sync::{Arc, OnceLock};

use syntax::ast::DirectiveKind;
use syntax::{Token, TokenKind, lex};
use text::Span;

use super::{Entry, Header, Piece, Shape, Space, hash_of, is_word};

pub(super) fn scan(text: Arc<str>) -> Header {
    let tokens = lex(&text);
    let header = Header {
        text,
        pieces: Vec::new(),
        names: Vec::new(),
        includes: Vec::new(),
        mentioned: OnceLock::new(),
        makers: OnceLock::new(),
    };
    let mut scanner = Scanner {
        header,
        tokens: Vec::with_capacity(64),
        nesting: Vec::new(),
        conditions: Vec::new(),
        pack: Vec::new(),
        progress: Progress::default(),
    };
    for token in tokens {
        scanner.step(token);
    }
    scanner.finish(false);
    let mut header = scanner.header;
    header.names.sort_unstable_by_key(|entry| (entry.hash, entry.piece));
    header.names.dedup_by_key(|entry| (entry.hash, entry.piece, entry.name));
    header.pieces.shrink_to_fit();
    header.names.shrink_to_fit();
    header
}

/// How many open brackets are remembered at an `#if`; real code has a handful.
const REMEMBERED_NESTING: usize = 32;

/// How far behind `struct` its body may start, in tokens; attributes stand in between.
const BODY_REACH: usize = 64;

struct Scanner {
    header: Header,
    /// The tokens of the current piece, without directives.
    tokens: Vec<Token>,
    /// The open brackets of the current piece.
    nesting: Vec<u8>,
    /// For each open `#if`: the nesting at its start, which each of its branches starts from.
    conditions: Vec<Vec<u8>>,
    /// The stack of `#pragma pack`; the last is in force.
    pack: Vec<Option<u8>>,
    progress: Progress,
}

/// What the current piece has shown outside all brackets, to tell the body of a function from that of a
/// type and from an initialiser.
#[derive(Default)]
struct Progress {
    /// A parenthesis closed, and no keyword of a type came after it.
    parameters: bool,
    /// There is a `=`.
    initialised: bool,
    /// The brace that opened last starts a function's body.
    body: bool,
}

impl Scanner {
    fn step(&mut self, token: Token) {
        match token.kind {
            TokenKind::Directive => return self.directive(token.span),
            TokenKind::Punct(open @ (b'{' | b'(' | b'[')) => {
                if open == b'{' && self.nesting.is_empty() {
                    if self.is_linkage() {
                        // `extern "C" {` opens no scope of names.
                        return self.drop_piece();
                    }
                    self.progress.body = self.progress.parameters && !self.progress.initialised;
                }
                self.nesting.push(open);
            }
            TokenKind::Punct(close @ (b'}' | b')' | b']')) => {
                if self.nesting.pop().is_none() {
                    // The end of `extern "C"`, or a bracket without a partner.
                    return self.drop_piece();
                }
                self.tokens.push(token);
                match (close, self.nesting.is_empty()) {
                    (b'}', true) if self.progress.body => self.finish(true),
                    (b')', true) => self.progress.parameters = true,
                    _ => {}
                }
                return;
            }
            TokenKind::Punct(b';') if self.nesting.is_empty() => {
                self.tokens.push(token);
                return self.finish(false);
            }
            TokenKind::Punct(b'=') if self.nesting.is_empty() => self.progress.initialised = true,
            TokenKind::Ident if self.nesting.is_empty() => {
                if matches!(self.word(token), "struct" | "union" | "enum" | "typedef") {
                    self.progress.parameters = false;
                }
            }
            _ => {}
        }
        self.tokens.push(token);
    }

    fn drop_piece(&mut self) {
        self.tokens.clear();
        self.nesting.clear();
        self.progress = Progress::default();
    }

    fn word(&self, token: Token) -> &str {
        token.span.text(&self.header.text)
    }

    fn is(&self, token: Token, word: &str) -> bool {
        is_word(&self.header.text, token, word)
    }

    fn is_linkage(&self) -> bool {
        matches!(self.tokens[..], [keyword, name]
            if self.is(keyword, "extern") && name.kind == TokenKind::Str)
    }

    fn finish(&mut self, is_function: bool) {
        let tokens = std::mem::take(&mut self.tokens);
        self.types(&tokens);
        match tokens.iter().position(|token| self.is(*token, "typedef")) {
            Some(start) => self.typedef(&tokens[start..]),
            None => self.ordinary(&tokens, is_function),
        }
        self.tokens = tokens;
        self.drop_piece();
    }

    fn piece(&mut self, tokens: &[Token], shape: Shape) -> Option<u32> {
        let span = tokens.first()?.span.cover(tokens.last()?.span);
        let index = u32::try_from(self.header.pieces.len()).ok()?;
        let pack = self.pack.last().copied().flatten();
        self.header.pieces.push(Piece { span, shape, pack, content: OnceLock::new() });
        Some(index)
    }

    fn enter(&mut self, space: Space, name: Token, piece: u32) {
        let hash = hash_of(space, self.word(name));
        self.header.names.push(Entry { hash, name: name.span, piece });
    }

    /// Enters every record and enum that has a body, also those inside others.
    fn types(&mut self, tokens: &[Token]) {
        let mut closers: Option<Vec<u32>> = None;
        for (at, token) in tokens.iter().enumerate() {
            if token.kind != TokenKind::Ident {
                continue;
            }
            let space = match self.word(*token) {
                "struct" => Space::Struct,
                "union" => Space::Union,
                "enum" => Space::Enumerator,
                _ => continue,
            };
            let Some((tag, open)) = self.body_behind(tokens, at, space) else { continue };
            let closers = closers.get_or_insert_with(|| partners(tokens));
            let close = closers[open] as usize;
            if close <= open {
                continue;
            }
            if space == Space::Enumerator {
                self.enumerators(&tokens[at..=close], open - at);
            } else if let Some(tag) = tag {
                let end = self.behind_attributes(tokens, closers, close + 1);
                if let Some(piece) = self.piece(&tokens[at..end], Shape::Type) {
                    self.enter(space, tag, piece);
                }
            }
        }
    }

    /// The tag, if any, and the index of the opening brace of the type whose keyword is at `at`.
    fn body_behind(
        &self,
        tokens: &[Token],
        at: usize,
        space: Space,
    ) -> Option<(Option<Token>, usize)> {
        let mut tag = None;
        let mut depth = 0usize;
        for (index, token) in tokens.iter().enumerate().skip(at + 1).take(BODY_REACH) {
            match token.kind {
                TokenKind::Punct(b'(') => depth += 1,
                TokenKind::Punct(b')') => depth = depth.checked_sub(1)?,
                _ if depth > 0 => {}
                TokenKind::Punct(b'{') => return Some((tag, index)),
                // The underlying type of an enum.
                TokenKind::Punct(b':') if space == Space::Enumerator => {}
                TokenKind::Ident if space == Space::Enumerator && tag.is_some() => {}
                TokenKind::Ident if self.word(*token).starts_with("__attribute") => {}
                TokenKind::Ident if matches!(self.word(*token), "__packed" | "__aligned") => {}
                TokenKind::Ident if tag.is_none() => tag = Some(*token),
                _ => return None,
            }
        }
        None
    }

    /// The index behind attributes that start at `at`.
    fn behind_attributes(&self, tokens: &[Token], partners: &[u32], mut at: usize) -> usize {
        while let Some(token) = tokens.get(at) {
            let word = self.word(*token);
            if !(word.starts_with("__attribute")
                || matches!(word, "__packed" | "__aligned" | "__preserve_access_index"))
            {
                break;
            }
            at += 1;
            if tokens.get(at).is_some_and(|next| next.is(b'(')) {
                at = (partners[at] as usize).max(at) + 1;
            }
        }
        at.min(tokens.len())
    }

    /// Enters the names of an enum: those behind the opening brace and behind each comma at its level.
    fn enumerators(&mut self, tokens: &[Token], open: usize) {
        let Some(piece) = self.piece(tokens, Shape::Type) else { return };
        let mut depth = 0usize;
        let mut expected = true;
        for token in &tokens[open + 1..] {
            match token.kind {
                TokenKind::Ident if expected && depth == 0 => {
                    self.enter(Space::Enumerator, *token, piece);
                    expected = false;
                }
                TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                TokenKind::Punct(b',') if depth == 0 => expected = true,
                _ => {}
            }
        }
    }

    fn typedef(&mut self, tokens: &[Token]) {
        let Some(piece) = self.piece(tokens, Shape::Whole) else { return };
        for name in self.declared(tokens) {
            self.enter(Space::Typedef, name, piece);
        }
    }

    fn ordinary(&mut self, tokens: &[Token], is_function: bool) {
        let mut names = self.declared(tokens);
        names.extend(self.called(tokens));
        let is_forward = tokens.len() <= 3 && !is_function;
        if names.is_empty() || is_forward {
            return;
        }
        let Some(piece) = self.piece(tokens, Shape::Whole) else { return };
        for name in names {
            self.enter(Space::Ordinary, name, piece);
        }
    }

    /// Names that stand where a declarator ends, and names of function pointers.
    fn declared(&self, tokens: &[Token]) -> Vec<Token> {
        let mut names = Vec::new();
        let mut nesting: Vec<u8> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Punct(open @ (b'(' | b'[' | b'{')) => nesting.push(open),
                TokenKind::Punct(b')' | b']' | b'}') => {
                    nesting.pop();
                }
                TokenKind::Ident => {
                    let ends = match tokens.get(at + 1).map(|next| next.kind) {
                        Some(TokenKind::Punct(b';' | b',' | b'=' | b'[')) => nesting.is_empty(),
                        Some(TokenKind::Punct(b')')) => {
                            nesting.len() == 1 && self.in_pointer(&tokens[..at])
                        }
                        Some(TokenKind::Ident) => {
                            nesting.is_empty() && self.is_attribute(tokens[at + 1])
                        }
                        _ => false,
                    };
                    if ends {
                        names.push(*token);
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// Whether the tokens end in `(*`, with qualifiers.
    fn in_pointer(&self, tokens: &[Token]) -> bool {
        let mut rest = tokens.iter().rev().skip_while(|token| self.is(**token, "const"));
        rest.next().is_some_and(|token| token.is(b'*'))
            && rest.next().is_some_and(|token| token.is(b'('))
    }

    fn is_attribute(&self, token: Token) -> bool {
        let word = self.word(token);
        word.starts_with("__") || word == "SEC"
    }

    /// Names in front of a parenthesis at file scope, which may be functions, and the first name inside,
    /// which is the function where the name in front is a macro such as `BPF_PROG`.
    fn called(&self, tokens: &[Token]) -> Vec<Token> {
        let mut names = Vec::new();
        let mut depth = 0usize;
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Punct(b'{') if depth == 0 => break,
                TokenKind::Punct(b'=') if depth == 0 => break,
                TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                TokenKind::Ident
                    if depth == 0 && tokens.get(at + 1).is_some_and(|next| next.is(b'(')) =>
                {
                    if self.word(*token).starts_with("__attribute") {
                        continue;
                    }
                    names.push(*token);
                    names.extend(tokens.get(at + 2).filter(|first| first.kind == TokenKind::Ident));
                }
                _ => {}
            }
        }
        names
    }

    fn directive(&mut self, span: Span) {
        let text = self.header.text.clone();
        let Some(rest) = span.text(&text).strip_prefix('#').map(str::trim_start) else { return };
        let word_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        match &rest[..word_end] {
            "if" | "ifdef" | "ifndef" => {
                let remembered = self.nesting.get(..self.nesting.len().min(REMEMBERED_NESTING));
                self.conditions.push(remembered.unwrap_or_default().to_vec());
            }
            "elif" | "else" => {
                if let Some(nesting) = self.conditions.last() {
                    self.nesting.clone_from(nesting);
                }
            }
            "endif" => {
                self.conditions.pop();
            }
            "pragma" => {
                if let Some(arguments) = rest[word_end..].trim_start().strip_prefix("pack") {
                    change_pack(&mut self.pack, arguments);
                }
            }
            "define" => self.macro_definition(span, rest[word_end..].trim_start().len()),
            "include" | "include_next" => {
                if let Some(DirectiveKind::Include { path, system }) =
                    syntax::directive(&text, span).map(|directive| directive.kind)
                {
                    self.header.includes.push((path, system));
                }
            }
            _ => {}
        }
    }

    /// Enters the macro whose name starts `tail` bytes before the end of `span`.
    fn macro_definition(&mut self, span: Span, tail: usize) {
        let Some(start) = u32::try_from(tail).ok().and_then(|tail| span.end.checked_sub(tail))
        else {
            return;
        };
        let rest = Span::new(start, span.end).text(&self.header.text);
        let len = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
            .unwrap_or(rest.len());
        let Some(end) = u32::try_from(len).ok().and_then(|len| start.checked_add(len)) else {
            return;
        };
        let directive = Token { kind: TokenKind::Directive, span };
        if let Some(piece) = self.piece(&[directive], Shape::Directive) {
            self.enter(
                Space::Macro,
                Token { kind: TokenKind::Ident, span: Span::new(start, end) },
                piece,
            );
        }
    }
}

/// Applies the arguments of a `#pragma pack`, parentheses included, to the stack of limits.
pub(crate) fn change_pack(stack: &mut Vec<Option<u8>>, arguments: &str) {
    let inner = arguments.trim().trim_start_matches('(');
    let inner = inner.split(')').next().unwrap_or_default();
    let limit = inner.split(',').find_map(|argument| argument.trim().parse::<u8>().ok());
    if inner.contains("pop") {
        stack.pop();
    } else if inner.contains("push") {
        let current = stack.last().copied().flatten();
        stack.push(limit.or(current));
    } else {
        stack.pop();
        stack.push(limit);
    }
}

/// For each bracket that opens, the index of the one that closes it; 0 for all other tokens.
fn partners(tokens: &[Token]) -> Vec<u32> {
    let mut partners = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in (0u32..).zip(tokens) {
        match token.kind {
            TokenKind::Punct(b'(' | b'[' | b'{') => open.push(at),
            TokenKind::Punct(b')' | b']' | b'}') => {
                if let Some(start) = open.pop() {
                    partners[start as usize] = at;
                }
            }
            _ => {}
        }
    }
    partners
}
