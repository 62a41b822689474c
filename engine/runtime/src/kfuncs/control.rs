//! Kfuncs that steer the program: exceptions and counting loops.

use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;

pub(crate) const TABLE: &Table = &[
    ("bpf_iter_num_destroy", bpf_iter_num_destroy),
    ("bpf_iter_num_new", bpf_iter_num_new),
    ("bpf_iter_num_next", bpf_iter_num_next),
    ("bpf_throw", bpf_throw),
];

/// The most rounds of a counting loop (`BPF_MAX_LOOPS`).
const MAX_LOOPS: i64 = 1 << 23;

/// `void bpf_throw(u64 cookie)`
fn bpf_throw(_: &mut Machine<'_>, [cookie, ..]: [u64; 5]) -> Result<u64, Stop> {
    Err(Stop::Throw(cookie))
}

/// `int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)`
///
/// The iterator is the last number and the end, 4 bytes each; both are 0 when there is nothing (left).
fn bpf_iter_num_new(
    m: &mut Machine<'_>,
    [iterator, start, end, ..]: [u64; 5],
) -> Result<u64, Stop> {
    #[expect(clippy::cast_possible_truncation, reason = "the parameters have 32 bits")]
    let (start, end) = (start as i32, end as i32);
    let (state, result) = if start > end {
        ([0, 0], error(errno::EINVAL))
    } else if i64::from(end) - i64::from(start) > MAX_LOOPS {
        ([0, 0], error(errno::E2BIG))
    } else {
        // The number before the first one, which need not have 32 bits.
        ([start.wrapping_sub(1), end], 0)
    };
    put(m, iterator, state)?;
    Ok(result)
}

/// `int *bpf_iter_num_next(struct bpf_iter_num *it)`
fn bpf_iter_num_next(m: &mut Machine<'_>, [iterator, ..]: [u64; 5]) -> Result<u64, Stop> {
    let current = m.memory.read_u32(iterator)?.cast_signed();
    let end = m.memory.read_u32(iterator.wrapping_add(4))?.cast_signed();
    if current.wrapping_add(1) >= end {
        put(m, iterator, [0, 0])?;
        return Ok(0);
    }
    put(m, iterator, [current.wrapping_add(1), end])?;
    Ok(iterator)
}

/// `void bpf_iter_num_destroy(struct bpf_iter_num *it)`
fn bpf_iter_num_destroy(m: &mut Machine<'_>, [iterator, ..]: [u64; 5]) -> Result<u64, Stop> {
    put(m, iterator, [0, 0])?;
    Ok(0)
}

fn put(m: &mut Machine<'_>, iterator: u64, [current, end]: [i32; 2]) -> Result<(), Stop> {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&current.to_le_bytes());
    bytes[4..].copy_from_slice(&end.to_le_bytes());
    m.memory.put(iterator, &bytes)
}
