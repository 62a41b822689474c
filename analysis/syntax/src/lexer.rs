//! A C lexer that needs no preprocessor: tokens with byte offsets, whole preprocessor lines as one
//! token, comments apart. It never fails; what is not closed ends at the end of its line (strings and
//! character constants) or of the text (comments).

use memchr::memchr;
use text::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or keyword. Bytes outside ASCII count as letters.
    Ident,
    /// A preprocessing number.
    Number,
    /// A string constant with its quotes and encoding prefix.
    Str,
    /// A character constant with its quotes and encoding prefix.
    Char,
    /// One byte of punctuation; `->` is two tokens that touch.
    Punct(u8),
    /// A preprocessor line from `#` up to, not including, the newline that ends it. Comments and
    /// continuation lines are inside.
    Directive,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

impl Token {
    /// Whether this is the punctuation `byte`.
    pub fn is(self, byte: u8) -> bool {
        self.kind == TokenKind::Punct(byte)
    }
}

/// The tokens of `text` in order, without white space and comments. Offsets beyond `u32` are not
/// reached: a longer text yields the tokens of its first 4 GiB.
pub fn lex(text: &str) -> Vec<Token> {
    scan(text).tokens
}

/// Tokens and comments.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// In order.
    pub(crate) tokens: Vec<Token>,
    /// In order, those inside directives too.
    pub(crate) comments: Vec<Span>,
    /// String and character constants that are not closed, in order.
    pub(crate) unclosed: Vec<Span>,
}

/// Tokens and comments of `text`.
pub(crate) fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut lexer = Lexer {
        bytes: &bytes[..bytes.len().min(u32::MAX as usize)],
        at: 0,
        line_start: true,
        out: Scan { tokens: Vec::with_capacity(bytes.len() / 5), ..Scan::default() },
    };
    while lexer.step() {}
    lexer.out
}

const BLANK: u8 = 0;
const NEWLINE: u8 = 1;
const LETTER: u8 = 2;
const DIGIT: u8 = 3;
const QUOTE: u8 = 4;
const OTHER: u8 = 5;

/// The class of each byte.
static CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let byte = i as u8;
        table[i] = match byte {
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c | 0 => BLANK,
            b'\n' => NEWLINE,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0x80..=0xff => LETTER,
            b'0'..=b'9' => DIGIT,
            b'"' | b'\'' => QUOTE,
            _ => OTHER,
        };
        i += 1;
    }
    table
};

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Only blanks and comments stand between here and the start of the line.
    line_start: bool,
    out: Scan,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let span = span(start, self.at);
        self.out.tokens.push(Token { kind, span });
        self.line_start = false;
    }

    /// Reads one token, comment or run of blanks; false at the end.
    fn step(&mut self) -> bool {
        let Some(&byte) = self.bytes.get(self.at) else { return false };
        let start = self.at;
        match CLASS[byte as usize] {
            BLANK => self.at += 1,
            NEWLINE => {
                self.at += 1;
                self.line_start = true;
            }
            LETTER => self.word(start),
            DIGIT => {
                self.number();
                self.push(TokenKind::Number, start);
            }
            QUOTE => self.quoted(start, byte),
            _ => self.other(start, byte),
        }
        true
    }

    fn word(&mut self, start: usize) {
        if start == 0 && self.bytes.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
            return;
        }
        while matches!(CLASS[self.peek(0) as usize], LETTER | DIGIT) {
            self.at += 1;
        }
        let quote = self.peek(0);
        let prefix = matches!(&self.bytes[start..self.at], b"L" | b"u" | b"U" | b"u8");
        if prefix && (quote == b'"' || quote == b'\'') {
            self.quoted(start, quote);
        } else {
            self.push(TokenKind::Ident, start);
        }
    }

    fn other(&mut self, start: usize, byte: u8) {
        let next = self.peek(1);
        match (byte, next) {
            (b'/', b'*' | b'/') => self.comment(),
            (b'.', b'0'..=b'9') => {
                self.number();
                self.push(TokenKind::Number, start);
            }
            (b'#', _) if self.line_start => {
                self.directive();
                self.push(TokenKind::Directive, start);
                // The next token starts a line; a directive at the very end changes nothing.
                self.line_start = true;
            }
            (b'\\', b'\n') => self.at += 2,
            (b'\\', b'\r') if self.peek(2) == b'\n' => self.at += 3,
            _ => {
                self.at += 1;
                self.push(TokenKind::Punct(byte), start);
            }
        }
    }

    fn number(&mut self) {
        let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
        let mut last = 0;
        loop {
            let byte = self.peek(0);
            let sign = matches!(byte, b'+' | b'-')
                && (matches!(last, b'p' | b'P') || !hex && matches!(last, b'e' | b'E'));
            if !(sign || byte == b'.' || byte.is_ascii_alphanumeric() || byte == b'_') {
                return;
            }
            last = byte;
            self.at += 1;
        }
    }

    fn quoted(&mut self, start: usize, quote: u8) {
        if !self.skip_quoted(quote) {
            self.out.unclosed.push(span(start, self.at));
        }
        let kind = if quote == b'"' { TokenKind::Str } else { TokenKind::Char };
        self.push(kind, start);
    }

    /// Moves from an opening quote behind the closing one, or to the end of the line; whether it was closed.
    fn skip_quoted(&mut self, quote: u8) -> bool {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => return false,
                b'\\' => {
                    self.at += 1;
                    if self.peek(0) == b'\r' && self.peek(1) == b'\n' {
                        self.at += 1;
                    }
                    self.skip_char();
                }
                _ => {
                    self.at += 1;
                    if byte == quote {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Moves over a whole character, so that no token ends inside of one.
    fn skip_char(&mut self) {
        self.at = (self.at + 1).min(self.bytes.len());
        while matches!(self.peek(0), 0x80..=0xbf) {
            self.at += 1;
        }
    }

    /// Moves over a comment and records it.
    fn comment(&mut self) {
        let start = self.at;
        self.at += 2;
        if self.bytes[start + 1] == b'*' {
            loop {
                match memchr(b'*', &self.bytes[self.at..]) {
                    None => {
                        self.at = self.bytes.len();
                        break;
                    }
                    Some(found) => self.at += found + 1,
                }
                if self.peek(0) == b'/' {
                    self.at += 1;
                    break;
                }
            }
        } else {
            self.line_end();
        }
        self.out.comments.push(span(start, self.at));
    }

    /// Moves to the newline that ends the logical line, or the end of the text.
    fn line_end(&mut self) {
        loop {
            match memchr(b'\n', &self.bytes[self.at..]) {
                None => {
                    self.at = self.bytes.len();
                    return;
                }
                Some(found) => self.at += found,
            }
            if !ends_in_backslash(&self.bytes[..self.at]) {
                return;
            }
            self.at += 1;
        }
    }

    fn directive(&mut self) {
        // An apostrophe in `#error` or `#warning` is prose and opens nothing.
        let prose = {
            let rest = self.bytes[self.at + 1..].trim_ascii_start();
            rest.starts_with(b"error") || rest.starts_with(b"warning")
        };
        loop {
            let byte = self.peek(0);
            match (byte, self.peek(1)) {
                _ if self.at >= self.bytes.len() => return,
                (b'\n', _) => {
                    if !ends_in_backslash(&self.bytes[..self.at]) {
                        return;
                    }
                    self.at += 1;
                }
                (b'/', b'*' | b'/') => self.comment(),
                (b'"' | b'\'', _) if !prose => {
                    self.skip_quoted(byte);
                }
                _ => self.at += 1,
            }
        }
    }
}

fn ends_in_backslash(before: &[u8]) -> bool {
    before.strip_suffix(b"\r").unwrap_or(before).ends_with(b"\\")
}

/// A span from `usize` offsets; callers stay below `u32::MAX`.
pub(crate) fn span(start: usize, end: usize) -> Span {
    Span::new(offset(start), offset(end))
}

/// A `u32` offset from a `usize` one; saturates.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
