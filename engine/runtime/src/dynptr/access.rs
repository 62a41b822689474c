//! Bytes copied out of dynptrs and into them.

use super::{Dynptr, Kind, XDP_MOST, low, note, outcome};
use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table =
    &[("bpf_dynptr_read", bpf_dynptr_read), ("bpf_dynptr_write", bpf_dynptr_write)];

/// `int bpf_dynptr_read(void *dst, u32 len, const struct bpf_dynptr *src, u32 offset, u64 flags)`
fn bpf_dynptr_read(
    m: &mut Machine<'_>,
    [to, len, at, offset, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let (len, offset) = (low(len), low(offset));
    let Some(dynptr) = Dynptr::load(m, at, 2)?.filter(|_| flags == 0) else {
        return Ok(error(errno::EINVAL));
    };
    let failed = read(m, dynptr, to, offset, len)?;
    note(m, dynptr, offset, len, outcome(failed));
    Ok(failed.map_or(0, error))
}

/// Copies bytes out of a dynptr (`__bpf_dynptr_read`); an error, if there is one.
pub(super) fn read(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    to: Address,
    offset: u32,
    len: u32,
) -> Result<Option<i32>, Stop> {
    if !dynptr.holds(offset, len) {
        return Ok(Some(errno::E2BIG));
    }
    let at = dynptr.offset + offset;
    match bytes_of(m, dynptr, at, len)? {
        Ok(bytes) => {
            m.memory.put(to, &bytes)?;
            Ok(None)
        }
        Err(errno) => {
            if dynptr.kind == Kind::Skb {
                m.memory.write(to, len as usize)?.fill(0);
            }
            Ok(Some(errno))
        }
    }
}

/// Bytes behind a dynptr, from an offset of what it is over.
pub(super) fn bytes_of(
    m: &Machine<'_>,
    dynptr: Dynptr,
    at: u32,
    len: u32,
) -> Result<Result<Vec<u8>, i32>, Stop> {
    let size = len as usize;
    Ok(match dynptr.kind {
        Kind::Local | Kind::Ringbuf => {
            Ok(m.memory.read(dynptr.data.wrapping_add(at.into()), size)?.to_vec())
        }
        Kind::Skb => {
            let packet = m.packet.as_ref();
            packet.and_then(|packet| packet.bytes(&m.memory, at, size)).ok_or(errno::EFAULT)
        }
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => Err(errno::EFAULT),
        Kind::Xdp => {
            let packet = m.packet.as_ref();
            packet.and_then(|packet| packet.bytes(&m.memory, at, size)).ok_or(errno::EINVAL)
        }
        Kind::SkbMeta => {
            let all = crate::packet::metadata(m);
            let range = at as usize..at as usize + size;
            all.get(range).map(<[u8]>::to_vec).ok_or(errno::EFAULT)
        }
    })
}

/// `int bpf_dynptr_write(const struct bpf_dynptr *dst, u32 offset, void *src, u32 len, u64 flags)`
fn bpf_dynptr_write(
    m: &mut Machine<'_>,
    [at, offset, from, len, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let (len, offset) = (low(len), low(offset));
    let Some(dynptr) = Dynptr::load(m, at, 0)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(error(errno::EINVAL));
    };
    let failed = write(m, dynptr, offset, from, len, flags)?;
    note(m, dynptr, offset, len, outcome(failed));
    Ok(failed.map_or(0, error))
}

/// Copies bytes into a dynptr (`__bpf_dynptr_write`); an error, if there is one.
pub(super) fn write(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    offset: u32,
    from: Address,
    len: u32,
    flags: u64,
) -> Result<Option<i32>, Stop> {
    if dynptr.read_only {
        return Ok(Some(errno::EINVAL));
    }
    if !dynptr.holds(offset, len) {
        return Ok(Some(errno::E2BIG));
    }
    let bytes = m.memory.read(from, len as usize)?.to_vec();
    put(m, dynptr, dynptr.offset + offset, &bytes, flags)
}

/// Stores bytes behind a dynptr, from an offset of what it is over; an error, if there is one.
pub(super) fn put(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    at: u32,
    bytes: &[u8],
    flags: u64,
) -> Result<Option<i32>, Stop> {
    if dynptr.kind == Kind::Skb {
        return crate::helpers::skb::store(m, at, bytes, flags);
    }
    if flags != 0 {
        return Ok(Some(errno::EINVAL));
    }
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match dynptr.kind {
        Kind::Local | Kind::Ringbuf => m.memory.put(dynptr.data.wrapping_add(at.into()), bytes)?,
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => return Ok(Some(errno::EFAULT)),
        Kind::Xdp => {
            let Some(packet) = &m.packet else { return Ok(Some(errno::EINVAL)) };
            if u64::from(at) + u64::from(len) > u64::from(packet.len()) {
                return Ok(Some(errno::EINVAL));
            }
            packet.copy_in(&mut m.memory, at, bytes);
        }
        Kind::SkbMeta => {
            let Some(packet) = m.packet.as_ref().filter(|packet| at + len <= packet.meta) else {
                return Ok(Some(errno::EFAULT));
            };
            let start = (packet.data - packet.meta + at) as usize;
            let place = m
                .memory
                .bytes_mut(packet.head)
                .and_then(|head| head.get_mut(start..start + bytes.len()));
            if let Some(place) = place {
                place.copy_from_slice(bytes);
            }
        }
        Kind::Skb => {}
    }
    Ok(None)
}
