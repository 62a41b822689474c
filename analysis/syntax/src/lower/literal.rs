//! Constants: integers, characters, strings.

use crate::ast::ExprKind;
use crate::lexer::{TokenKind, lex};

/// An integer constant, `None` for anything else (floating constants too).
pub(super) fn integer(text: &str) -> Option<ExprKind> {
    let digits_end = suffix_start(text);
    let (digits, suffix) = text.split_at(digits_end);
    let (mut unsigned, mut long) = (false, false);
    for byte in suffix.bytes() {
        match byte {
            b'u' | b'U' => unsigned = true,
            b'l' | b'L' => long = true,
            _ => return None,
        }
    }
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', b'b' | b'B', ..] => (&digits[2..], 2),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    let mut value: u64 = 0;
    let mut any = false;
    for byte in digits.bytes() {
        if byte == b'\'' {
            continue;
        }
        let digit = char::from(byte).to_digit(radix)?;
        any = true;
        value = value.wrapping_mul(u64::from(radix)).wrapping_add(u64::from(digit));
    }
    any.then(|| {
        // C11 6.4.4.1: a constant takes the first type of its list that holds it; only those not in decimal may become unsigned.
        let decimal = radix == 10;
        unsigned |= value > i64::MAX as u64
            || !decimal && !long && value > i32::MAX as u64 && value <= u64::from(u32::MAX);
        long |= value > u64::from(u32::MAX) || decimal && !unsigned && value > i32::MAX as u64;
        ExprKind::Int { value, unsigned, long }
    })
}

/// Where the letters of the suffix start.
fn suffix_start(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    while end > 0 && matches!(bytes[end - 1], b'u' | b'U' | b'l' | b'L') {
        end -= 1;
    }
    end
}

/// A character constant's value. The value of one with several characters is the last one's.
pub(super) fn character(text: &str) -> Option<ExprKind> {
    let open = text.find('\'')?;
    let inner = text.get(open + 1..text.len().checked_sub(1)?)?;
    let value = match inner.strip_prefix('\\') {
        None => inner.chars().last().map(u64::from)?,
        Some(escape) => escaped(escape)?,
    };
    Some(ExprKind::Int { value, unsigned: false, long: false })
}

/// The value of an escape sequence behind its backslash. `char` is signed, so `\xff` is -1.
fn escaped(escape: &str) -> Option<u64> {
    let first = escape.bytes().next()?;
    let narrow = |value: u64| if value <= 0xff && value > 0x7f { value | !0xff } else { value };
    Some(match first {
        b'n' => 10,
        b't' => 9,
        b'r' => 13,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'e' | b'E' => 27,
        b'x' => narrow(u64::from_str_radix(escape.get(1..)?, 16).ok()?),
        b'u' | b'U' => u64::from_str_radix(escape.get(1..)?, 16).ok()?,
        b'0'..=b'7' => narrow(u64::from_str_radix(escape, 8).ok()?),
        other => u64::from(other),
    })
}

/// The contents of adjacent string constants joined, escapes as written. Names between them are left out.
pub(super) fn strings(text: &str) -> String {
    let mut out = String::new();
    for token in lex(text).into_iter().filter(|token| token.kind == TokenKind::Str) {
        let piece = token.span.text(text);
        let open = piece.find('"').map_or(0, |at| at + 1);
        let inner = &piece[open..];
        out.push_str(inner.strip_suffix('"').unwrap_or(inner));
    }
    out
}
