//! The token stream the rules look at: tokens with their meaning, their matching bracket and, for a brace,
//! what it encloses.

use text::Span;

use crate::lexer::{Token, TokenKind};
use crate::mask::words::{Word, word};

/// No matching bracket.
pub(crate) const NONE: usize = usize::MAX;

/// Brackets inside more brackets than this are blanked with all that is in them: no program needs them, and
/// both the parser and the walk over its tree stay within bounds.
pub(crate) const MAX_NESTING: usize = 150;

/// What a `{` encloses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brace {
    /// Not a brace.
    No,
    /// Members of a struct or union.
    Record,
    /// Enumerators.
    Enum,
    /// The body of a function.
    Function,
    /// Statements inside a function.
    Block,
    /// An initialiser.
    Init,
    /// Declarations at file scope: `extern "C" {`.
    File,
}

/// Tokens without those that a rule has already dealt with.
pub(crate) struct Stream<'t> {
    pub(crate) text: &'t str,
    pub(crate) tokens: Vec<Token>,
    pub(crate) words: Vec<Word>,
    /// Index of the matching bracket, or [`NONE`].
    pub(crate) pairs: Vec<usize>,
    /// Kind of a `{`, set by [`Stream::classify`].
    pub(crate) braces: Vec<Brace>,
}

impl<'t> Stream<'t> {
    pub(crate) fn new(text: &'t str, tokens: Vec<Token>) -> Self {
        let words = tokens
            .iter()
            .map(|token| {
                if token.kind == TokenKind::Ident {
                    word(token.span.text(text))
                } else {
                    Word::Plain
                }
            })
            .collect();
        let mut stream = Self { text, tokens, words, pairs: Vec::new(), braces: Vec::new() };
        stream.pairs = pair(text, &stream.tokens);
        stream
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn is(&self, at: usize, byte: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(byte))
    }

    pub(crate) fn is_ident(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Ident)
    }

    pub(crate) fn word(&self, at: usize) -> Word {
        self.words.get(at).copied().unwrap_or(Word::Plain)
    }

    /// The text of a token.
    pub(crate) fn str(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| token.span.text(self.text))
    }

    /// The matching bracket of the `(` at `at`, if that is one and it is closed.
    pub(crate) fn parens(&self, at: usize) -> Option<usize> {
        (self.is(at, b'(') && self.pairs[at] != NONE).then(|| self.pairs[at])
    }

    /// From the first byte of token `from` to the last of token `to`.
    pub(crate) fn span(&self, from: usize, to: usize) -> Span {
        self.tokens[from].span.cover(self.tokens[to].span)
    }

    /// Removes the tokens for which `gone` holds and matches brackets anew.
    pub(crate) fn compact(&mut self, gone: &[bool]) {
        if !gone.contains(&true) {
            return;
        }
        let mut keep = gone.iter().map(|gone| !gone);
        self.tokens.retain(|_| keep.next().unwrap_or(true));
        let mut keep = gone.iter().map(|gone| !gone);
        self.words.retain(|_| keep.next().unwrap_or(true));
        self.pairs = pair(self.text, &self.tokens);
    }

    /// Removes brackets that are nested too deeply and returns where they stood.
    pub(crate) fn cut_deep(&mut self) -> Vec<Span> {
        let mut depth = 0usize;
        let mut gone = vec![false; self.len()];
        let mut cut: Vec<Span> = Vec::new();
        let mut skip_to = None;
        for (at, token) in self.tokens.iter().enumerate() {
            if skip_to.is_some_and(|end| at <= end) {
                gone[at] = true;
                continue;
            }
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => {
                    depth += 1;
                    if depth > MAX_NESTING {
                        // A bracket that nothing closes takes only itself away.
                        let end = if self.pairs[at] == NONE { at } else { self.pairs[at] };
                        cut.push(token.span.cover(self.tokens[end].span));
                        gone[at] = true;
                        skip_to = Some(end);
                        depth -= 1;
                    }
                }
                TokenKind::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        self.compact(&gone);
        cut
    }

    /// Finds out what each brace encloses.
    pub(crate) fn classify(&mut self) {
        self.braces = vec![Brace::No; self.len()];
        let mut open: Vec<(usize, Brace)> = Vec::new();
        for at in 0..self.len() {
            if self.is(at, b'{') {
                let around = open.last().map_or(Brace::File, |(_, kind)| *kind);
                let kind = self.brace(at, around);
                self.braces[at] = kind;
                if self.pairs[at] != NONE {
                    open.push((self.pairs[at], kind));
                }
            } else if open.last().is_some_and(|(end, _)| *end == at) {
                open.pop();
            }
        }
    }

    fn brace(&self, at: usize, around: Brace) -> Brace {
        let inside = matches!(around, Brace::Function | Brace::Block);
        let Some(before) = at.checked_sub(1) else { return Brace::File };
        let statement =
            if inside || around == Brace::Init { Brace::Block } else { Brace::Function };
        match self.tokens[before].kind {
            TokenKind::Punct(b')') => self.brace_after_paren(before, around),
            TokenKind::Punct(b'=' | b',' | b'[' | b']') => Brace::Init,
            TokenKind::Punct(b'{') if around == Brace::Init => Brace::Init,
            TokenKind::Punct(b'(') => Brace::Block,
            TokenKind::Str if !inside => Brace::File,
            TokenKind::Ident => match self.tag_before(at) {
                Some(Word::Enum) => Brace::Enum,
                Some(_) => Brace::Record,
                None => statement,
            },
            TokenKind::Punct(b'}') if !inside => Brace::Block,
            _ => Brace::Block,
        }
    }

    /// `) {`: the body of a function or of a statement, unless the parentheses are a cast.
    fn brace_after_paren(&self, close: usize, around: Brace) -> Brace {
        let open = self.pairs[close];
        let head = if open == NONE { None } else { open.checked_sub(1) };
        let named = head.is_some_and(|head| {
            self.is_ident(head)
                && !matches!(self.word(head), Word::Statement | Word::Sizeof | Word::Case)
                || self.is(head, b')')
        });
        match around {
            Brace::File if named => Brace::Function,
            Brace::Record | Brace::Enum => Brace::Init,
            Brace::Function | Brace::Block if named => Brace::Block,
            _ => Brace::Init,
        }
    }

    /// `struct`, `union` or `enum` whose body starts at `at`.
    fn tag_before(&self, at: usize) -> Option<Word> {
        let tag =
            |at: usize| matches!(self.word(at), Word::Record | Word::Enum).then(|| self.word(at));
        let mut back = at.checked_sub(1)?;
        // `struct {`, `struct name {`, `struct MARK name {`, `enum name : u8 {`.
        for _ in 0..5 {
            if let Some(word) = tag(back) {
                return Some(word);
            }
            let passes = self.is_ident(back) || self.is(back, b':');
            if !passes || self.word(back).is_statement() {
                return None;
            }
            back = back.checked_sub(1)?;
        }
        None
    }
}

/// Matches brackets. A closing bracket that does not fit the innermost open one closes the nearest one of its
/// kind if it is a brace, and is ignored otherwise. If that leaves something over, a `}` at the start of a line is
/// taken for the end of a declaration, which keeps an unfinished function, and an unfinished `SEC(`, from swallowing
/// what follows.
pub(crate) fn pair(text: &str, tokens: &[Token]) -> Vec<usize> {
    let (pairs, clean) = pair_with(tokens, |_| false);
    if clean {
        return pairs;
    }
    let bytes = text.as_bytes();
    let at_line_start = |token: Token| {
        token
            .span
            .start
            .checked_sub(1)
            .is_none_or(|before| bytes.get(before as usize) == Some(&b'\n'))
    };
    pair_with(tokens, at_line_start).0
}

fn pair_with(tokens: &[Token], ends_all: impl Fn(Token) -> bool) -> (Vec<usize>, bool) {
    let mut pairs = vec![NONE; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    // How many of the open brackets are braces: a stray `}` then needs no search.
    let mut braces = 0usize;
    let mut clean = true;
    for (at, token) in tokens.iter().enumerate() {
        let TokenKind::Punct(byte) = token.kind else { continue };
        let wanted = match byte {
            b'(' | b'[' | b'{' => {
                open.push(at);
                braces += usize::from(byte == b'{');
                continue;
            }
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            _ => continue,
        };
        if byte == b'}' && braces > 1 && ends_all(*token) {
            // The outermost brace is the one that this line start closes.
            while braces > 1 {
                let Some(top) = open.pop() else { break };
                braces -= usize::from(tokens[top].is(b'{'));
            }
        }
        if !open.last().is_some_and(|top| tokens[*top].is(wanted)) {
            clean = false;
            if byte != b'}' || braces == 0 {
                continue;
            }
            while open.last().is_some_and(|top| !tokens[*top].is(b'{')) {
                open.pop();
            }
        }
        if let Some(top) = open.pop() {
            braces -= usize::from(byte == b'}');
            pairs[top] = at;
            pairs[at] = top;
        }
        if byte == b'}' && braces == 0 && ends_all(*token) {
            // No bracket in front of a declaration that ends here is closed behind it.
            clean &= open.is_empty();
            open.clear();
        }
    }
    (pairs, clean && open.is_empty())
}
