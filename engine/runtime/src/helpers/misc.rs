//! Helpers and kfuncs about time, chance, the current task, text, other memory, and locks, of which there is nothing to
//! wait for.

use super::user::put_or_clear;
use super::{Table, errno, error, format};
use crate::fault::Stop;
use crate::machine::Machine;

pub(super) const TABLE: &Table = &[
    ("bpf_get_current_comm", bpf_get_current_comm),
    ("bpf_get_current_pid_tgid", bpf_get_current_pid_tgid),
    ("bpf_get_current_uid_gid", bpf_get_current_uid_gid),
    ("bpf_get_numa_node_id", zero),
    ("bpf_get_prandom_u32", bpf_get_prandom_u32),
    ("bpf_get_smp_processor_id", zero),
    ("bpf_jiffies64", bpf_jiffies64),
    ("bpf_ktime_get_boot_ns", now),
    ("bpf_ktime_get_coarse_ns", now),
    ("bpf_ktime_get_ns", now),
    ("bpf_ktime_get_tai_ns", now),
    ("bpf_preempt_disable", zero),
    ("bpf_preempt_enable", zero),
    ("bpf_probe_read", bpf_probe_read_kernel),
    ("bpf_probe_read_kernel", bpf_probe_read_kernel),
    ("bpf_probe_read_kernel_str", bpf_probe_read_kernel_str),
    ("bpf_probe_read_str", bpf_probe_read_kernel_str),
    ("bpf_rcu_read_lock", zero),
    ("bpf_rcu_read_unlock", zero),
    ("bpf_snprintf", bpf_snprintf),
    ("bpf_spin_lock", zero),
    ("bpf_spin_unlock", zero),
    ("bpf_strncmp", bpf_strncmp),
    ("bpf_strtol", bpf_strtol),
    ("bpf_stream_vprintk_impl", bpf_stream_vprintk_impl),
    ("bpf_strtoul", bpf_strtoul),
    ("bpf_trace_printk", bpf_trace_printk),
    ("bpf_trace_vprintk", bpf_trace_vprintk),
];

/// Ticks of a second.
const HZ: u64 = 250;

/// Helpers that do nothing that shows, or whose result is 0 here.
fn zero(_: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(0)
}

fn now(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(m.now)
}

fn bpf_jiffies64(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(m.now / (1_000_000_000 / HZ))
}

fn bpf_get_prandom_u32(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(m.next_random() >> 32)
}

fn bpf_get_current_pid_tgid(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(u64::from(m.current.tgid) << 32 | u64::from(m.current.pid))
}

fn bpf_get_current_uid_gid(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(u64::from(m.current.gid) << 32 | u64::from(m.current.uid))
}

/// `long bpf_get_current_comm(void *buf, u32 size_of_buf)`
fn bpf_get_current_comm(m: &mut Machine<'_>, [to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    let name = m.current.name();
    let place = m.memory.write(to, (size & 0xffff_ffff) as usize)?;
    place.fill(0);
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let kept = end.min(place.len().saturating_sub(1));
    place[..kept].copy_from_slice(&name[..kept]);
    Ok(0)
}

/// `long bpf_probe_read_kernel(void *dst, u32 size, const void *unsafe_ptr)`
fn bpf_probe_read_kernel(m: &mut Machine<'_>, [to, size, from, ..]: [u64; 5]) -> Result<u64, Stop> {
    let size = (size & 0xffff_ffff) as usize;
    let bytes = m.memory.try_read(from, size).map(<[u8]>::to_vec);
    put_or_clear(m, to, size, bytes.as_deref())
}

/// `long bpf_probe_read_kernel_str(void *dst, u32 size, const void *unsafe_ptr)`
fn bpf_probe_read_kernel_str(
    m: &mut Machine<'_>,
    [to, size, from, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let size = (size & 0xffff_ffff) as usize;
    if size == 0 {
        return Ok(0);
    }
    let mut text = Vec::new();
    while text.len() + 1 < size {
        match m.memory.try_read(from.wrapping_add(text.len() as u64), 1) {
            Some([0]) => break,
            Some(one) => text.extend_from_slice(one),
            None => return put_or_clear(m, to, size, None),
        }
    }
    text.push(0);
    m.memory.put(to, &text)?;
    Ok(text.len() as u64)
}

/// `long bpf_snprintf(char *str, u32 str_size, const char *fmt, u64 *data, u32 data_len)`
fn bpf_snprintf(m: &mut Machine<'_>, [to, size, fmt, data, len]: [u64; 5]) -> Result<u64, Stop> {
    let (size, len) = ((size & 0xffff_ffff) as usize, (len & 0xffff_ffff) as usize);
    let text = match format_with(m, fmt, data, len)? {
        Ok(text) => text,
        Err(errno) => return Ok(error(errno)),
    };
    if size > 0 {
        let kept = text.len().min(size - 1);
        m.memory.put(to, &[&text[..kept], &[0]].concat())?;
    }
    Ok(text.len() as u64 + 1)
}

/// The text of a format, with arguments in memory, or an errno.
pub(super) fn format_with(
    m: &Machine<'_>,
    fmt: u64,
    data: u64,
    len: usize,
) -> Result<Result<Vec<u8>, i32>, Stop> {
    /// `MAX_BPRINTF_VARARGS`
    const MOST: usize = 12;
    if !len.is_multiple_of(8) || len > MOST * 8 || (len > 0 && data == 0) {
        return Ok(Err(errno::EINVAL));
    }
    let bytes = if len == 0 { Vec::new() } else { m.memory.read(data, len)?.to_vec() };
    let (words, _) = bytes.as_chunks::<8>();
    let arguments: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    format::text(m, &format::string(m, fmt), &arguments)
}

/// Keeps a text that is printed; how long it is, or the error.
fn print(m: &mut Machine<'_>, text: Result<Vec<u8>, i32>) -> u64 {
    match text {
        Ok(text) => {
            m.print(&text);
            text.len() as u64
        }
        Err(errno) => error(errno),
    }
}

/// `long bpf_trace_printk(const char *fmt, u32 fmt_size, ...)`
fn bpf_trace_printk(m: &mut Machine<'_>, [fmt, size, a, b, c]: [u64; 5]) -> Result<u64, Stop> {
    let format = m.memory.read(fmt, (size & 0xffff_ffff) as usize)?.to_vec();
    if !format.contains(&0) {
        return Ok(error(errno::EINVAL));
    }
    let text = format::text(m, &format, &[a, b, c])?;
    Ok(print(m, text))
}

/// `long bpf_trace_vprintk(const char *fmt, u32 fmt_size, const void *data, u32 data_len)`
fn bpf_trace_vprintk(
    m: &mut Machine<'_>,
    [fmt, size, data, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    if !m.memory.read(fmt, (size & 0xffff_ffff) as usize)?.contains(&0) {
        return Ok(error(errno::EINVAL));
    }
    let text = format_with(m, fmt, data, (len & 0xffff_ffff) as usize)?;
    Ok(print(m, text))
}

/// `int bpf_stream_vprintk_impl(int stream_id, const char *fmt__str, const void *args, u32 len__sz, void *aux__prog)`
fn bpf_stream_vprintk_impl(
    m: &mut Machine<'_>,
    [stream, fmt, data, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    if !matches!(stream & 0xffff_ffff, 1 | 2) {
        return Ok(error(errno::ENOENT) & 0xffff_ffff);
    }
    Ok(match format_with(m, fmt, data, (len & 0xffff_ffff) as usize)? {
        Ok(text) => {
            m.print(&text);
            0
        }
        Err(errno) => error(errno) & 0xffff_ffff,
    })
}

/// `long bpf_strncmp(const char *s1, u32 s1_sz, const char *s2)`
fn bpf_strncmp(m: &mut Machine<'_>, [a, size, b, ..]: [u64; 5]) -> Result<u64, Stop> {
    let size = (size & 0xffff_ffff) as usize;
    let a = m.memory.read(a, size)?.to_vec();
    let mut b = format::string(m, b);
    b.push(0);
    for (index, left) in a.iter().enumerate() {
        let right = b.get(index).copied().unwrap_or(0);
        if *left != right {
            return Ok(if *left < right { error(1) } else { 1 });
        }
        if *left == 0 {
            break;
        }
    }
    Ok(0)
}

/// `long bpf_strtol(const char *buf, size_t buf_len, u64 flags, s64 *res)`
fn bpf_strtol(m: &mut Machine<'_>, [text, len, flags, to, _]: [u64; 5]) -> Result<u64, Stop> {
    number(m, text, len, flags, to, true)
}

/// `long bpf_strtoul(const char *buf, size_t buf_len, u64 flags, u64 *res)`
fn bpf_strtoul(m: &mut Machine<'_>, [text, len, flags, to, _]: [u64; 5]) -> Result<u64, Stop> {
    number(m, text, len, flags, to, false)
}

/// Reads a number; how many bytes it has, or an error (`__bpf_strtoull`).
fn number(
    m: &mut Machine<'_>,
    text: u64,
    len: u64,
    flags: u64,
    to: u64,
    signed: bool,
) -> Result<u64, Stop> {
    /// The most characters of a number, behind its sign.
    const LONGEST: usize = 63;
    let bytes = m.memory.read(text, usize::try_from(len).unwrap_or(usize::MAX))?.to_vec();
    m.memory.put(to, &[0; 8])?;
    let base = u32::try_from(flags & 0x1f).unwrap_or(0);
    if bytes.is_empty() || flags & !0x1f != 0 || !matches!(base, 0 | 8 | 10 | 16) {
        return Ok(error(errno::EINVAL));
    }
    let blanks = bytes.iter().take_while(|byte| matches!(byte, 9..=13 | b' ' | 0xa0)).count();
    let negative = bytes.get(blanks) == Some(&b'-');
    let start = blanks + usize::from(negative);
    let rest = bytes.get(start..).unwrap_or_default();
    // What is behind is not looked at, as the kernel makes a copy.
    let rest = rest.get(..LONGEST).unwrap_or(rest);
    let has_prefix = matches!(rest, [b'0', b'x' | b'X', ..]);
    let base = match (base, rest.first()) {
        (0, Some(b'0')) if has_prefix && rest.get(2).is_some_and(u8::is_ascii_hexdigit) => 16,
        (0, Some(b'0')) => 8,
        (0, _) => 10,
        (base, _) => base,
    };
    let prefix = if base == 16 && has_prefix { 2 } else { 0 };
    let digits = rest.get(prefix..).unwrap_or_default().iter();
    let digits: Vec<u64> =
        digits.map_while(|byte| char::from(*byte).to_digit(base).map(u64::from)).collect();
    if digits.is_empty() {
        return Ok(error(errno::EINVAL));
    }
    let value = digits
        .iter()
        .try_fold(0_u64, |sum, digit| sum.checked_mul(base.into())?.checked_add(*digit));
    let Some(value) = value else { return Ok(error(errno::ERANGE)) };
    // An unsigned number that is too great is said to be so even with a sign.
    if negative && !signed {
        return Ok(error(errno::EINVAL));
    }
    if signed && value > i64::MAX.cast_unsigned() + u64::from(negative) {
        return Ok(error(errno::ERANGE));
    }
    let value = if negative { value.wrapping_neg() } else { value };
    m.memory.put(to, &value.to_le_bytes())?;
    Ok((start + prefix + digits.len()) as u64)
}
