//! Helpers over ring buffers, and dynptrs to their records.

use super::{Table, errno, error};
use crate::dynptr::{Dynptr, Kind, set_null};
use crate::fault::Stop;
use crate::machine::Machine;
use crate::memory::{Address, split};

pub(super) const TABLE: &Table = &[
    ("bpf_ringbuf_discard", bpf_ringbuf_discard),
    ("bpf_ringbuf_discard_dynptr", bpf_ringbuf_discard_dynptr),
    ("bpf_ringbuf_output", bpf_ringbuf_output),
    ("bpf_ringbuf_query", bpf_ringbuf_query),
    ("bpf_ringbuf_reserve", bpf_ringbuf_reserve),
    ("bpf_ringbuf_reserve_dynptr", bpf_ringbuf_reserve_dynptr),
    ("bpf_ringbuf_submit", bpf_ringbuf_submit),
    ("bpf_ringbuf_submit_dynptr", bpf_ringbuf_submit_dynptr),
];

/// The longest record (`RINGBUF_MAX_RECORD_SZ`).
const LONGEST: u64 = u32::MAX as u64 / 4;
/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`
const WAKEUP: u64 = 3;
/// The greatest size of a dynptr.
const MOST: u64 = (1 << 24) - 1;

fn reserve(m: &mut Machine<'_>, map: u64, len: u64) -> Result<Option<Address>, Stop> {
    let map = m.map_at(map, 0)?;
    if len > LONGEST {
        return Ok(None);
    }
    match m.maps.get(map)?.ring() {
        Some(ring) => ring.reserve(&mut m.memory, len),
        None => Err(m.wrong_argument(0, "a ring buffer")),
    }
}

/// Gives a record back; its memory is no longer the program's.
fn finish(m: &mut Machine<'_>, record: Address, submits: bool) -> Result<(), Stop> {
    let (id, _) = split(record);
    if !m.maps.finish_record(&m.memory, id, submits) {
        return Err(m.wrong_argument(0, "a reserved record"));
    }
    let death = m.death();
    m.memory.kill(id, death);
    Ok(())
}

/// `void *bpf_ringbuf_reserve(void *ringbuf, u64 size, u64 flags)`
fn bpf_ringbuf_reserve(m: &mut Machine<'_>, [map, len, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(0);
    }
    Ok(reserve(m, map, len)?.unwrap_or(0))
}

/// `void bpf_ringbuf_submit(void *data, u64 flags)`
fn bpf_ringbuf_submit(m: &mut Machine<'_>, [record, ..]: [u64; 5]) -> Result<u64, Stop> {
    finish(m, record, true).map(|()| 0)
}

/// `void bpf_ringbuf_discard(void *data, u64 flags)`
fn bpf_ringbuf_discard(m: &mut Machine<'_>, [record, ..]: [u64; 5]) -> Result<u64, Stop> {
    finish(m, record, false).map(|()| 0)
}

/// `long bpf_ringbuf_output(void *ringbuf, void *data, u64 size, u64 flags)`
fn bpf_ringbuf_output(
    m: &mut Machine<'_>,
    [map, data, len, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    if flags & !WAKEUP != 0 {
        return Ok(error(errno::EINVAL));
    }
    let bytes = m.memory.read(data, usize::try_from(len).unwrap_or(usize::MAX))?.to_vec();
    let Some(record) = reserve(m, map, len)? else { return Ok(error(errno::EAGAIN)) };
    m.memory.put(record, &bytes)?;
    finish(m, record, true)?;
    Ok(0)
}

/// `u64 bpf_ringbuf_query(void *ringbuf, u64 flags)`
fn bpf_ringbuf_query(m: &mut Machine<'_>, [map, what, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let Some((size, position)) = m.maps.get(map)?.ring().map(|ring| ring.state()) else {
        return Err(m.wrong_argument(0, "a ring buffer"));
    };
    // Nobody has read anything.
    Ok(match what {
        0 | 3 => position,
        1 => size,
        _ => 0,
    })
}

/// `long bpf_ringbuf_reserve_dynptr(void *ringbuf, u32 size, u64 flags, struct bpf_dynptr *ptr)`
fn bpf_ringbuf_reserve_dynptr(
    m: &mut Machine<'_>,
    [map, len, flags, to, _]: [u64; 5],
) -> Result<u64, Stop> {
    let len = len & 0xffff_ffff;
    let failed = if flags != 0 {
        errno::EINVAL
    } else if len > MOST {
        errno::E2BIG
    } else if let Some(data) = reserve(m, map, len)? {
        let size = u32::try_from(len).unwrap_or(0);
        Dynptr { data, kind: Kind::Ringbuf, size, offset: 0, read_only: false }.store(m, to)?;
        return Ok(0);
    } else {
        errno::EINVAL
    };
    set_null(m, to)?;
    Ok(error(failed))
}

/// `void bpf_ringbuf_submit_dynptr(struct bpf_dynptr *ptr, u64 flags)`
fn bpf_ringbuf_submit_dynptr(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    finish_dynptr(m, at, true)
}

/// `void bpf_ringbuf_discard_dynptr(struct bpf_dynptr *ptr, u64 flags)`
fn bpf_ringbuf_discard_dynptr(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    finish_dynptr(m, at, false)
}

/// Gives back the record of a dynptr, if it has one.
fn finish_dynptr(m: &mut Machine<'_>, at: Address, submits: bool) -> Result<u64, Stop> {
    if let Some(dynptr) = Dynptr::load(m, at, 0)? {
        finish(m, dynptr.data, submits)?;
        set_null(m, at)?;
    }
    Ok(0)
}
