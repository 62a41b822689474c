//! What programs of iterators write to their file (`bpf_seq_*`).

use super::skb::low;
use super::{Table, errno, error};
use crate::event::{Access, Target};
use crate::fault::{FaultKind, Origin, Stop};
use crate::helpers::skb::note;
use crate::machine::Machine;

pub(super) const TABLE: &Table =
    &[("bpf_seq_printf", bpf_seq_printf), ("bpf_seq_write", bpf_seq_write)];

/// The room of a file at first (`bpf_iter`: eight pages).
const ROOM: usize = 8 * 4096;

/// Whether an argument is the file.
fn is_file(m: &Machine<'_>, address: u64) -> Result<(), Stop> {
    match m.memory.origin_at(address) {
        Some((Origin::Object { name }, _, 0)) if &**name == "struct seq_file" => Ok(()),
        Some((Origin::Object { .. } | Origin::Beyond { .. }, ..)) => {
            Err(FaultKind::NotModelled("a file that is not of an iterator".to_owned()).into())
        }
        _ => Err(m.wrong_argument(0, "the file of an iterator")),
    }
}

/// `long bpf_seq_printf(struct seq_file *m, const char *fmt, u32 fmt_size, const void *data, u32 data_len)`
fn bpf_seq_printf(
    m: &mut Machine<'_>,
    [file, fmt, size, data, len]: [u64; 5],
) -> Result<u64, Stop> {
    is_file(m, file)?;
    if !m.memory.read(fmt, low(size) as usize)?.contains(&0) {
        return Ok(error(errno::EINVAL));
    }
    let text = match super::misc::format_with(m, fmt, data, low(len) as usize)? {
        Ok(text) => text,
        Err(errno) => return Ok(error(errno)),
    };
    // With no room behind it, a text is cut, and what is there counts as full.
    let left = ROOM - m.sequence.len();
    if text.len() >= left {
        m.sequence.extend_from_slice(&text[..left]);
        return Ok(error(errno::EOVERFLOW));
    }
    m.sequence.extend_from_slice(&text);
    m.print(&text);
    Ok(0)
}

/// `long bpf_seq_write(struct seq_file *m, const void *data, u32 len)`
fn bpf_seq_write(m: &mut Machine<'_>, [file, data, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    is_file(m, file)?;
    let bytes = m.memory.read(data, low(len) as usize)?.to_vec();
    if m.sequence.len() + bytes.len() >= ROOM {
        m.sequence.resize(ROOM, 0);
        note(m, Target::Memory, 0, low(len), Access::Error(-errno::EOVERFLOW));
        return Ok(error(errno::EOVERFLOW));
    }
    let offset = u32::try_from(m.sequence.len()).unwrap_or(u32::MAX);
    m.sequence.extend_from_slice(&bytes);
    note(m, Target::Memory, offset, low(len), Access::Done);
    Ok(0)
}
