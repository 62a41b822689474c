//! Helpers over perf events, stacks, and ring buffers of user space.

use super::{Table, errno, error};
use crate::dynptr::{Dynptr, Kind};
use crate::fault::{FaultKind, Origin, Stop};
use crate::image::CODE;
use crate::machine::Machine;
use crate::memory::Lifetime;
use crate::packet;

pub(super) const TABLE: &Table = &[
    ("bpf_get_stack", bpf_get_stack),
    ("bpf_get_stackid", bpf_get_stackid),
    ("bpf_perf_event_output", bpf_perf_event_output),
    ("bpf_perf_event_read", bpf_perf_event_read),
    ("bpf_user_ringbuf_drain", bpf_user_ringbuf_drain),
];

/// `BPF_F_INDEX_MASK`, which is also `BPF_F_CURRENT_CPU`.
const INDEX: u64 = 0xffff_ffff;
/// `BPF_F_CTXLEN_MASK` and where it begins.
const CONTEXT_LEN: u64 = 0xf_ffff << 32;
const CONTEXT_SHIFT: u32 = 32;
/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`
const WAKEUP: u64 = 3;
/// The most addresses of a stack (`sysctl_perf_event_max_stack`).
const MOST_ADDRESSES: usize = 127;
/// `BPF_F_SKIP_FIELD_MASK` and `BPF_F_USER_STACK`
const SKIP: u64 = 0xff;
const USER: u64 = 1 << 8;
/// The most samples of one call (`BPF_MAX_USER_RINGBUF_SAMPLES`).
const MOST_SAMPLES: u64 = 128 * 1024;

/// The index in an array of perf events, or an errno.
fn event(m: &mut Machine<'_>, map: usize, flags: u64) -> Result<i32, Stop> {
    // The processor that the program runs on is number 0.
    let index = if flags & INDEX == INDEX { 0 } else { flags & INDEX };
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    match m.maps.get(map)?.events() {
        Some(events) => Ok(events.check(index)),
        None => Err(m.wrong_argument(1, "an array of perf events")),
    }
}

/// `long bpf_perf_event_output(void *ctx, struct bpf_map *map, u64 flags, void *data, u64 size)`
///
/// The upper half of the flags of programs that have a packet says how much of it is added to the sample.
fn bpf_perf_event_output(
    m: &mut Machine<'_>,
    [_, map, flags, data, size]: [u64; 5],
) -> Result<u64, Stop> {
    let map = m.map_at(map, 1)?;
    let packet = packet::contents(m);
    let allowed = if packet.is_some() { INDEX | CONTEXT_LEN } else { INDEX };
    if flags & !allowed != 0 {
        return Ok(error(errno::EINVAL));
    }
    let packet = packet.unwrap_or_default();
    let added = usize::try_from((flags & CONTEXT_LEN) >> CONTEXT_SHIFT).unwrap_or(usize::MAX);
    let Some(added) = packet.get(..added) else { return Ok(error(errno::EFAULT)) };
    let mut sample = m.memory.read(data, usize::try_from(size).unwrap_or(usize::MAX))?.to_vec();
    sample.extend_from_slice(added);
    let mut failed = event(m, map, flags)?;
    if failed == 0
        && let Some(events) = m.maps.get(map)?.events()
    {
        failed = events.output(sample);
    }
    Ok(i64::from(failed).cast_unsigned())
}

/// `u64 bpf_perf_event_read(struct bpf_map *map, u64 flags)`
fn bpf_perf_event_read(m: &mut Machine<'_>, [map, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    if flags & !INDEX != 0 {
        return Ok(error(errno::EINVAL));
    }
    match event(m, map, flags)? {
        0 => Ok(super::perf::counter(m)?[0]),
        failed => Ok(i64::from(failed).cast_unsigned()),
    }
}

/// Whether there is an event whose counter can be read: an errno, or 0 (`get_map_perf_counter`).
pub(super) fn counted(m: &mut Machine<'_>, map: usize, flags: u64) -> Result<i32, Stop> {
    if flags & !INDEX != 0 {
        return Ok(-errno::EINVAL);
    }
    event(m, map, flags)
}

/// `long bpf_user_ringbuf_drain(struct bpf_map *map, void *callback_fn, void *ctx, u64 flags)`
fn bpf_user_ringbuf_drain(
    m: &mut Machine<'_>,
    [map, callback, context, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    if flags & !WAKEUP != 0 {
        return Ok(error(errno::EINVAL));
    }
    let origin = |name: &str| Origin::Object { name: name.into() };
    let dynptr = m.memory.allocate(16, origin("a dynptr"), true, Lifetime::Run)?;
    let mut count = 0;
    while count < MOST_SAMPLES {
        let Some(waiting) = m.maps.get(map)?.waiting() else {
            return Err(m.wrong_argument(0, "a ring buffer of user space"));
        };
        let Some(sample) = waiting.pop_front() else { break };
        let origin = origin("a sample of user space");
        let data = m.memory.allocate_bytes(&sample, origin, true, Lifetime::Run)?;
        let size = u32::try_from(sample.len()).unwrap_or(0);
        let sample =
            Dynptr { data: data.at(0), kind: Kind::Local, size, offset: 0, read_only: false };
        sample.store(m, dynptr.at(0))?;
        count += 1;
        let stop = m.call_back(callback, [dynptr.at(0), context, 0, 0, 0])?;
        let death = m.death();
        m.memory.release(data, death);
        if stop != 0 {
            break;
        }
    }
    Ok(count)
}

/// The addresses of the functions of the program that are open, innermost first: a stack without what called the program.
fn stack(m: &Machine<'_>, flags: u64, most: usize) -> Vec<u8> {
    let inner = std::iter::once(m.pc);
    let outer = m.frames.iter().skip(1).rev().map(|frame| frame.called_at);
    let skipped = usize::try_from(flags & SKIP).unwrap_or(0);
    let addresses = inner.chain(outer).map(|op| CODE.at(op.into()).to_le_bytes());
    addresses.skip(skipped).take(most).flatten().collect()
}

fn no_user_stack() -> Stop {
    FaultKind::NotModelled("the stack of user space".to_owned()).into()
}

/// `long bpf_get_stackid(void *ctx, struct bpf_map *map, u64 flags)`
fn bpf_get_stackid(m: &mut Machine<'_>, [_, map, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_F_FAST_STACK_CMP`, `BPF_F_REUSE_STACKID`
    const FAST: u64 = 1 << 9;
    const REUSE: u64 = 1 << 10;
    let map = m.map_at(map, 1)?;
    if flags & !(SKIP | USER | FAST | REUSE) != 0 {
        return Ok(error(errno::EINVAL));
    }
    if flags & USER != 0 {
        return Err(no_user_stack());
    }
    let size = m.maps.sizes(map).1;
    if size > MOST_ADDRESSES * 8 {
        return Err(m.wrong_argument(1, "a map of stacks"));
    }
    let mut found = stack(m, flags, size / 8);
    if found.is_empty() {
        return Ok(error(errno::EFAULT));
    }
    // FNV-1a in the place of the kernel's hash, whose seed nobody knows.
    let hash = found
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let entries = m.image.maps.get(map).map_or(1, |map| map.definition.max_entries);
    let buckets = entries.max(1).checked_next_power_of_two().unwrap_or(1 << 31);
    let id = hash & (buckets - 1);
    let key = id.to_le_bytes();
    let known = m.maps.get(map)?.lookup(&mut m.memory, &key)?;
    found.resize(size, 0);
    if let Some(known) = known {
        let same = m.memory.read(known, found.len())? == found;
        if same || flags & FAST != 0 {
            return Ok(id.into());
        }
        if flags & REUSE == 0 {
            return Ok(error(errno::EEXIST));
        }
    }
    m.maps.get(map)?.update(&mut m.memory, &key, &found, 0)?;
    Ok(id.into())
}

/// `long bpf_get_stack(void *ctx, void *buf, u32 size, u64 flags)`
pub(crate) fn bpf_get_stack(
    m: &mut Machine<'_>,
    [_, to, size, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_USER_BUILD_ID`
    const BUILD_ID: u64 = 1 << 11;
    let size = (size & 0xffff_ffff) as usize;
    m.memory.write(to, size)?.fill(0);
    if flags & !(SKIP | USER | BUILD_ID) != 0 || (flags & BUILD_ID != 0 && flags & USER == 0) {
        return Ok(error(errno::EINVAL));
    }
    if flags & USER != 0 {
        return Err(no_user_stack());
    }
    if !size.is_multiple_of(8) {
        return Ok(error(errno::EINVAL));
    }
    let found = stack(m, flags, size / 8);
    if found.is_empty() && size > 0 {
        return Ok(error(errno::EFAULT));
    }
    m.memory.put(to, &found)?;
    Ok(found.len() as u64)
}
