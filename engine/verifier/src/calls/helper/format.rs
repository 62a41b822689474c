//! Format strings (`bpf_bprintf_prepare` of kernel/bpf/helpers.c).

/// The kernel takes the format with so many arguments.
pub(super) fn is_valid(format: &[u8], arguments: u64) -> bool {
    let end = format.iter().position(|&byte| byte == 0).unwrap_or(format.len());
    let format = format.get(..end).unwrap_or_default();
    let at = |index: usize| format.get(index).copied().unwrap_or(0);
    let (mut index, mut used) = (0, 0_u64);
    while index < format.len() {
        let byte = at(index);
        // Text may be of any language, unlike conversions.
        if byte.is_ascii() && !byte.is_ascii_graphic() && !is_space(byte) {
            return false;
        }
        if byte != b'%' {
            index += 1;
            continue;
        }
        if at(index + 1) == b'%' {
            index += 2;
            continue;
        }
        if used >= arguments {
            return false;
        }
        let Some(last) = conversion(&at, index + 1) else { return false };
        used += 1;
        index = last + 1;
    }
    true
}

/// The last byte of the conversion whose flags, width and letters begin at `index`.
fn conversion(at: &impl Fn(usize) -> u8, mut index: usize) -> Option<usize> {
    while matches!(at(index), b'0' | b'+' | b'-' | b' ') {
        index += 1;
    }
    if matches!(at(index), b'1'..=b'9') {
        while at(index).is_ascii_digit() {
            index += 1;
        }
    }
    match at(index) {
        b'p' => pointer(at, index),
        b's' => ends_word(at(index + 1)).then_some(index),
        b'c' => Some(index),
        _ => {
            for _ in 0..2 {
                index += usize::from(at(index) == b'l');
            }
            matches!(at(index), b'i' | b'd' | b'u' | b'x' | b'X').then_some(index)
        }
    }
}

/// What may follow `%p`.
fn pointer(at: &impl Fn(usize) -> u8, index: usize) -> Option<usize> {
    let (next, after) = (at(index + 1), at(index + 2));
    match next {
        _ if ends_word(next) => Some(index),
        b'k' | b'u' if after == b's' => ends_word(at(index + 3)).then_some(index + 2),
        b'K' | b'x' | b's' | b'S' | b'B' => Some(index + 1),
        b'i' | b'I' if matches!(after, b'4' | b'6') => Some(index + 2),
        _ => None,
    }
}

fn ends_word(byte: u8) -> bool {
    byte == 0 || is_space(byte) || is_punctuation(byte)
}

/// A byte alone, in Latin-1 (`ispunct`).
fn is_punctuation(byte: u8) -> bool {
    byte.is_ascii_punctuation() || matches!(byte, 0xa1..=0xbf | 0xd7 | 0xf7)
}

/// The same (`isspace`).
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0)
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn formats() {
        let good: [(&str, u64); 12] = [
            ("", 0),
            ("100%% sure\n", 0),
            ("%d %u %llx", 3),
            ("%08lx", 1),
            ("%s, %-5d", 2),
            ("%pI4 %pi6 %pks %px %pB", 5),
            ("%c%c", 2),
            ("%p.", 1),
            ("one %d", 2),
            ("gr\u{fc}n", 0),
            ("\u{20ac}%d\u{20ac}", 1),
            // Its first byte is a sign of multiplication, if read alone.
            ("%s\u{5d0}", 1),
        ];
        for (format, arguments) in good {
            assert!(is_valid(format.as_bytes(), arguments), "{format}");
        }
        let bad: [(&str, u64); 9] = [
            ("%d", 0),
            ("%", 1),
            ("%q", 1),
            ("%sx", 1),
            ("%pI5", 1),
            ("%lllx", 1),
            ("bell \u{7}", 0),
            ("%\u{fc}", 1),
            ("%s\u{fc}", 1),
        ];
        for (format, arguments) in bad {
            assert!(!is_valid(format.as_bytes(), arguments), "{format}");
        }
        assert!(is_valid(b"%d\0%d", 1), "the string ends with the first zero");
    }
}
