//! Formats of `bpf_snprintf` and `bpf_trace_printk`.

use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::memory::Address;

/// The text of a format with 64-bit arguments.
pub(super) fn text(m: &Machine<'_>, format: &[u8], arguments: &[u64]) -> Result<Vec<u8>, Stop> {
    let mut out = Vec::new();
    let mut arguments = arguments.iter().copied();
    let mut rest = format.iter().copied().take_while(|byte| *byte != 0).peekable();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut flags = Vec::new();
        while let Some(flag) = rest.next_if(|byte| b"-+ #0".contains(byte)) {
            flags.push(flag);
        }
        let mut width = 0_usize;
        while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
            width = width.saturating_mul(10).saturating_add(usize::from(digit - b'0')).min(1024);
        }
        let mut longs = 0;
        while rest.next_if(|byte| *byte == b'l').is_some() {
            longs += 1;
        }
        let Some(conversion) = rest.next() else { break };
        if conversion == b'%' {
            out.push(b'%');
            continue;
        }
        let argument = arguments.next().unwrap_or(0);
        let is_short = longs == 0;
        #[expect(clippy::cast_possible_truncation, reason = "an int")]
        let unsigned = if is_short { u64::from(argument as u32) } else { argument };
        #[expect(clippy::cast_possible_truncation, reason = "an int")]
        let signed = if is_short { i64::from(argument as i32) } else { argument.cast_signed() };
        let number = match conversion {
            b'd' | b'i' => signed.to_string(),
            b'u' => unsigned.to_string(),
            b'x' => format!("{}{unsigned:x}", if flags.contains(&b'#') { "0x" } else { "" }),
            b'X' => format!("{}{unsigned:X}", if flags.contains(&b'#') { "0X" } else { "" }),
            b'c' => char::from(argument.to_le_bytes()[0]).to_string(),
            b's' => String::from_utf8_lossy(&string(m, argument)).into_owned(),
            other => {
                let what = format!("%{} in a format", char::from(other));
                return Err(FaultKind::NotModelled(what).into());
            }
        };
        pad(&mut out, number.as_bytes(), width, &flags);
    }
    Ok(out)
}

fn pad(out: &mut Vec<u8>, text: &[u8], width: usize, flags: &[u8]) {
    let missing = width.saturating_sub(text.len());
    if flags.contains(&b'-') {
        out.extend_from_slice(text);
        out.extend(std::iter::repeat_n(b' ', missing));
        return;
    }
    let filler = if flags.contains(&b'0') { b'0' } else { b' ' };
    let sign = usize::from(filler == b'0' && text.first() == Some(&b'-'));
    out.extend_from_slice(&text[..sign]);
    out.extend(std::iter::repeat_n(filler, missing));
    out.extend_from_slice(&text[sign..]);
}

/// The text up to a zero; what cannot be read ends it.
pub(super) fn string(m: &Machine<'_>, at: Address) -> Vec<u8> {
    let bytes = (0..4096_u64)
        .map_while(|index| m.memory.try_read(at.wrapping_add(index), 1).map(|one| one[0]));
    bytes.take_while(|byte| *byte != 0).collect()
}
