//! Formats of `bpf_snprintf`, `bpf_trace_printk` and `bpf_trace_vprintk`: what is refused, as `bpf_bprintf_prepare` does,
//! and the text, as `bstr_printf` makes it (Linux 6.18).

use super::errno;
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::memory::Address;

/// The room for all arguments (`MAX_BPRINTF_BIN_ARGS`).
const ROOM: usize = 512;
/// The widest field that is modelled; a kernel has 24 bits for it.
const WIDEST: usize = 1 << 16;
/// Addresses from here on may be in user space; below is nothing.
const LOWEST_OF_USER: u64 = 1 << 16;
const KERNEL: u64 = 1 << 63;

/// Reads memory of the kernel, if all of it can be read.
type Reader<'r> = dyn Fn(Address, usize) -> Option<Vec<u8>> + 'r;

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// The kernel returns this error.
    Errno(i32),
    NotModelled(String),
}

/// The text of a format with 64-bit arguments, or the errno if the kernel refuses it.
///
/// # Errors
///
/// If something in it is not modelled.
pub(super) fn text(
    m: &Machine<'_>,
    format: &[u8],
    arguments: &[u64],
) -> Result<Result<Vec<u8>, i32>, Stop> {
    let read = |at, len| m.memory.try_read(at, len).map(<[u8]>::to_vec);
    match print(format, arguments, &read) {
        Ok(text) => Ok(Ok(text)),
        Err(Refused::Errno(errno)) => Ok(Err(errno)),
        Err(Refused::NotModelled(what)) => Err(FaultKind::NotModelled(what).into()),
    }
}

/// How a field is filled up.
#[derive(Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    zeros: bool,
    width: usize,
}

/// The arguments, and the room that their copies take.
struct Arguments<'a> {
    left: std::slice::Iter<'a, u64>,
    used: usize,
}

impl Arguments<'_> {
    fn next(&mut self) -> Result<u64, Refused> {
        self.left.next().copied().ok_or(Refused::Errno(errno::EINVAL))
    }

    /// Takes the room for a number.
    fn number(&mut self, len: usize) -> Result<(), Refused> {
        let used = self.used.next_multiple_of(4) + len;
        if used > ROOM {
            return Err(Refused::Errno(errno::ENOSPC));
        }
        self.used = used;
        Ok(())
    }

    /// The room that is left for bytes, of which there must be some.
    fn room(&self, least: usize) -> Result<usize, Refused> {
        let room = ROOM.saturating_sub(self.used);
        if room < least { Err(Refused::Errno(errno::ENOSPC)) } else { Ok(room) }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

/// What may follow a string or a plain pointer.
fn ends(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| is_space(byte) || byte.is_ascii_punctuation())
}

/// The text of a format, which ends at its end or at a zero.
fn print(format: &[u8], arguments: &[u64], read: &Reader<'_>) -> Result<Vec<u8>, Refused> {
    let end = format.iter().position(|byte| *byte == 0).unwrap_or(format.len());
    let format = &format[..end];
    let mut arguments = Arguments { left: arguments.iter(), used: 0 };
    let (mut out, mut at) = (Vec::new(), 0);
    // What cannot be printed here is only known to be missing once the kernel would not have refused the rest.
    let mut missing = None;
    while let Some(&byte) = format.get(at) {
        at += 1;
        if !is_space(byte) && !(b' '..=b'~').contains(&byte) {
            return Err(Refused::Errno(errno::EINVAL));
        }
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        if format.get(at) == Some(&b'%') {
            out.push(b'%');
            at += 1;
            continue;
        }
        let argument = arguments.next()?;
        let spec = spec(format, &mut at);
        let result = conversion(format, &mut at, spec, argument, &mut arguments, read);
        match result {
            Ok(text) if spec.width <= WIDEST => out.extend_from_slice(&text),
            Ok(_) => missing = Some("a very wide field of a format".to_owned()),
            Err(Refused::NotModelled(what)) => missing = Some(what),
            Err(refused) => return Err(refused),
        }
    }
    missing.map_or(Ok(out), |what| Err(Refused::NotModelled(what)))
}

/// The flags and the width at a place, which moves on.
fn spec(format: &[u8], at: &mut usize) -> Spec {
    let mut spec = Spec::default();
    while let Some(byte) = format.get(*at) {
        match byte {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'0' => spec.zeros = true,
            _ => break,
        }
        *at += 1;
    }
    while let Some(digit) = format.get(*at).filter(|byte| byte.is_ascii_digit()) {
        spec.width = (spec.width * 10 + usize::from(digit - b'0')).min(WIDEST + 1);
        *at += 1;
    }
    spec
}

/// The text of one conversion, whose letters are at a place, which moves behind them.
fn conversion(
    format: &[u8],
    at: &mut usize,
    spec: Spec,
    argument: u64,
    arguments: &mut Arguments<'_>,
    read: &Reader<'_>,
) -> Result<Vec<u8>, Refused> {
    let rest = format.get(*at..).unwrap_or_default();
    match rest {
        [b'p', ..] => pointer(rest, at, argument, arguments, read),
        [b's', ..] => {
            *at += 1;
            if !ends(rest.get(1).copied()) {
                return Err(Refused::Errno(errno::EINVAL));
            }
            Ok(pad(&copied(argument, arguments, read)?, spec))
        }
        [b'c', ..] => {
            *at += 1;
            arguments.room(1)?;
            arguments.used += 1;
            Ok(pad(&argument.to_le_bytes()[..1], spec))
        }
        _ => {
            let longs = rest.iter().take(2).take_while(|byte| **byte == b'l').count();
            *at += longs + 1;
            number(rest.get(longs).copied(), longs > 0, spec, argument, arguments)
        }
    }
}

/// A string as it is copied before it is printed: empty if it cannot be read, cut where the room ends.
fn copied(
    from: Address,
    arguments: &mut Arguments<'_>,
    read: &Reader<'_>,
) -> Result<Vec<u8>, Refused> {
    let room = arguments.room(1)?;
    let mut text = Vec::new();
    while text.len() + 1 < room {
        match read(from.wrapping_add(text.len() as u64), 1).as_deref() {
            Some([0]) => break,
            Some(one) => text.extend_from_slice(one),
            None if from & KERNEL == 0 && from >= LOWEST_OF_USER => {
                arguments.used += 1;
                return Err(Refused::NotModelled("memory of user space".to_owned()));
            }
            None => {
                text.clear();
                break;
            }
        }
    }
    arguments.used += text.len() + 1;
    Ok(text)
}

/// What `%p` and the letters behind it give. Letters and digits that follow are swallowed.
fn pointer(
    rest: &[u8],
    at: &mut usize,
    argument: u64,
    arguments: &mut Arguments<'_>,
    read: &Reader<'_>,
) -> Result<Vec<u8>, Refused> {
    let letters = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    *at += letters;
    let unknown = |what: &str| Err(Refused::NotModelled(format!("%{what} in a format")));
    match rest {
        [_, b'k', b's', after @ ..] | [_, b'u', b's', after @ ..] => {
            if !ends(after.first().copied()) {
                return Err(Refused::Errno(errno::EINVAL));
            }
            if rest[1] == b'u' {
                arguments.room(1)?;
                arguments.used += 1;
                return unknown("pus");
            }
            // It is printed as it is, whatever the width.
            copied(argument, arguments, read)
        }
        [_, b'B', ..] => unknown("pB"),
        [_, family @ (b'i' | b'I'), b'4', ..] => {
            arguments.room(4)?;
            let bytes = read(argument, 4).unwrap_or_else(|| vec![0; 4]);
            let part = |byte: &u8| match family {
                b'i' => format!("{byte:03}"),
                _ => byte.to_string(),
            };
            address(bytes.iter().map(part).collect::<Vec<_>>().join("."), arguments)
        }
        [_, family @ (b'i' | b'I'), b'6', ..] => {
            arguments.room(16)?;
            let bytes = read(argument, 16).unwrap_or_else(|| vec![0; 16]);
            let parts = bytes.chunks(2).map(|pair| pair.iter().map(|byte| format!("{byte:02x}")));
            let parts: Vec<String> = parts.map(Iterator::collect).collect();
            address(parts.join(if *family == b'i' { "" } else { ":" }), arguments)
        }
        [_, b'K' | b'x' | b's' | b'S', ..] => {
            arguments.number(8)?;
            unknown(&format!("p{}", char::from(rest[1])))
        }
        [_, after @ ..] if ends(after.first().copied()) => {
            arguments.number(8)?;
            unknown("p")
        }
        _ => Err(Refused::Errno(errno::EINVAL)),
    }
}

/// The text of an address, which is kept among the arguments; one that does not fit there is not modelled.
fn address(text: String, arguments: &mut Arguments<'_>) -> Result<Vec<u8>, Refused> {
    let used = arguments.used + text.len() + 1;
    arguments.used = used;
    if used > ROOM {
        return Err(Refused::NotModelled("an address that is cut in a format".to_owned()));
    }
    Ok(text.into_bytes())
}

/// The text of a number.
fn number(
    letter: Option<u8>,
    is_long: bool,
    spec: Spec,
    argument: u64,
    arguments: &mut Arguments<'_>,
) -> Result<Vec<u8>, Refused> {
    let Some(letter @ (b'd' | b'i' | b'u' | b'x' | b'X')) = letter else {
        return Err(Refused::Errno(errno::EINVAL));
    };
    arguments.number(if is_long { 8 } else { 4 })?;
    #[expect(clippy::cast_possible_truncation, reason = "an int")]
    let (signed, unsigned) = match is_long {
        true => (argument.cast_signed(), argument),
        false => (i64::from(argument as i32), u64::from(argument as u32)),
    };
    let digits = match letter {
        b'd' | b'i' => signed.unsigned_abs().to_string(),
        b'u' => unsigned.to_string(),
        b'x' => format!("{unsigned:x}"),
        _ => format!("{unsigned:X}"),
    };
    let sign = match letter {
        b'd' | b'i' if signed < 0 => "-",
        b'd' | b'i' if spec.plus => "+",
        b'd' | b'i' if spec.space => " ",
        _ => "",
    };
    let missing = spec.width.min(WIDEST).saturating_sub(sign.len() + digits.len());
    if spec.zeros && !spec.left {
        return Ok(format!("{sign}{}{digits}", "0".repeat(missing)).into_bytes());
    }
    Ok(pad(format!("{sign}{digits}").as_bytes(), spec))
}

/// The text filled up with blanks.
fn pad(text: &[u8], spec: Spec) -> Vec<u8> {
    let blanks = vec![b' '; spec.width.min(WIDEST).saturating_sub(text.len())];
    if spec.left { [text, &blanks].concat() } else { [&blanks, text].concat() }
}

/// The text up to a zero; what cannot be read ends it.
pub(super) fn string(m: &Machine<'_>, at: Address) -> Vec<u8> {
    let bytes = (0..4096_u64)
        .map_while(|index| m.memory.try_read(at.wrapping_add(index), 1).map(|one| one[0]));
    bytes.take_while(|byte| *byte != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16 bytes from 192 on, `bpf` and a zero, and then nothing.
    const BYTES: &[u8] =
        b"\xc0\x00\x02\x07\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0fbpf\0tail";
    const BASE: u64 = KERNEL;
    const TEXT: u64 = BASE + 16;
    const TAIL: u64 = BASE + 20;

    fn printed(format: &str, arguments: &[u64]) -> Result<String, Refused> {
        let read = |at: u64, len: usize| {
            let at = usize::try_from(at.wrapping_sub(BASE)).ok()?;
            BYTES.get(at..at.checked_add(len)?).map(<[u8]>::to_vec)
        };
        print(format.as_bytes(), arguments, &read).map(|text| String::from_utf8_lossy(&text).into())
    }

    #[test]
    fn texts() {
        const MINUS: u64 = (-7_i64).cast_unsigned();
        let cases: &[(&str, &[u64], &str)] = &[
            ("", &[], ""),
            ("100%%", &[], "100%"),
            ("a\0b%d", &[], "a"),
            ("%d %u %x %X", &[MINUS, MINUS, 0xab, 0xab], "-7 4294967289 ab AB"),
            ("%ld|%llu|%lx", &[MINUS, MINUS, 1 << 36], "-7|18446744073709551609|1000000000"),
            ("%i", &[1 << 32], "0"),
            ("%5d|%-5d|%05d", &[MINUS, MINUS, MINUS], "   -7|-7   |-0007"),
            ("%+d|% d|%+u", &[7, 7, 7], "+7| 7|7"),
            ("%-05d|", &[7], "7    |"),
            ("%c%3c", &[0x41, 0x42], "A  B"),
            ("%s|%5s|%-5s|%05s", &[TEXT; 4], "bpf|  bpf|bpf  |  bpf"),
            ("%s|", &[0], "|"),
            ("%s|", &[TAIL], "|"),
            ("%pks,", &[TEXT], "bpf,"),
            ("%pI4 %pi4", &[BASE, BASE], "192.0.2.7 192.000.002.007"),
            ("%pI6c|", &[BASE], "c000:0207:0405:0607:0809:0a0b:0c0d:0e0f|"),
            ("%pi6", &[BASE], "c0000207040506070809 0a0b0c0d0e0f"),
            ("%pI4", &[0], "0.0.0.0"),
            ("%d", &[1, 2, 3], "1"),
        ];
        for (format, arguments, expected) in cases {
            let expected = expected.replace("09 0a", "090a");
            assert_eq!(printed(format, arguments), Ok(expected), "{format}");
        }
    }

    #[test]
    fn what_the_kernel_refuses() {
        let nine = "%s".repeat(9);
        let cases: &[(&str, &[u64], i32)] = &[
            ("%d", &[], errno::EINVAL),
            ("%d%d", &[1], errno::EINVAL),
            ("%", &[1], errno::EINVAL),
            ("%5%", &[1], errno::EINVAL),
            ("%#x", &[1], errno::EINVAL),
            ("%o", &[1], errno::EINVAL),
            ("%lld%llld", &[1, 1], errno::EINVAL),
            ("%.3s", &[TEXT], errno::EINVAL),
            ("%sx", &[TEXT], errno::EINVAL),
            ("%pI5", &[BASE], errno::EINVAL),
            ("%pM", &[BASE], errno::EINVAL),
            ("\u{7f}", &[], errno::EINVAL),
            ("\u{e9}", &[], errno::EINVAL),
            // It is refused before it is known that a pointer cannot be printed.
            ("%px %o", &[BASE, 1], errno::EINVAL),
            (&nine, &[TEXT; 8], errno::EINVAL),
        ];
        for (format, arguments, errno) in cases {
            assert_eq!(printed(format, arguments), Err(Refused::Errno(*errno)), "{format}");
        }
    }

    #[test]
    fn arguments_have_little_room() {
        let long = [vec![b'x'; 600], vec![0]].concat();
        let read = |at: u64, _: usize| long.get(usize::try_from(at).ok()?).map(|byte| vec![*byte]);
        let text = print(b"%s", &[0], &read).expect("is cut");
        assert_eq!(text.len(), ROOM - 1);
        for format in ["%s%s", "%s%c", "%s%d", "%s%pI4"] {
            assert_eq!(
                print(format.as_bytes(), &[0, 0], &read),
                Err(Refused::Errno(errno::ENOSPC))
            );
        }
    }

    #[test]
    fn addresses_are_not_modelled() {
        for (format, argument) in [("%p", BASE), ("%pK", BASE), ("%ps", BASE), ("%s", 1 << 20)] {
            assert!(
                matches!(printed(format, &[argument]), Err(Refused::NotModelled(_))),
                "{format}"
            );
        }
    }
}
