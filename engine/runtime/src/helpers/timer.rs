//! Timers, work queues and work of tasks (`crate::deferred`).

use super::{Table, errno, error};
use crate::deferred::Kind;
use crate::fault::{Origin, Stop};
use crate::machine::Machine;
use crate::memory::Address;

pub(super) const TABLE: &Table = &[
    ("bpf_task_work_schedule_resume_impl", schedule),
    ("bpf_task_work_schedule_signal_impl", schedule),
    ("bpf_timer_cancel", bpf_timer_cancel),
    ("bpf_timer_init", bpf_timer_init),
    ("bpf_timer_set_callback", bpf_timer_set_callback),
    ("bpf_timer_start", bpf_timer_start),
    ("bpf_wq_init", bpf_wq_init),
    ("bpf_wq_set_callback_impl", bpf_wq_set_callback_impl),
    ("bpf_wq_start", bpf_wq_start),
];

/// A result of a helper.
fn long(result: i32) -> u64 {
    i64::from(result).cast_unsigned()
}

/// An argument points into the value of a map.
fn in_value(m: &Machine<'_>, address: Address, argument: u8) -> Result<(), Stop> {
    match m.memory.origin_at(address) {
        Some((Origin::MapValue(_), ..)) => Ok(()),
        _ => Err(m.wrong_argument(argument, "a part of the value of a map")),
    }
}

/// A result of a kfunc: an `int`.
fn int(result: i32) -> u64 {
    long(result) & 0xffff_ffff
}

/// `long bpf_timer_init(struct bpf_timer *timer, struct bpf_map *map, u64 flags)`
fn bpf_timer_init(m: &mut Machine<'_>, [timer, map, clock, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `CLOCK_REALTIME`, `CLOCK_MONOTONIC`, `CLOCK_BOOTTIME`
    const CLOCKS: [u64; 3] = [0, 1, 7];
    let map = m.map_at(map, 1)?;
    if !CLOCKS.contains(&clock) {
        return Ok(error(errno::EINVAL));
    }
    in_value(m, timer, 0)?;
    Ok(long(m.deferred.initialise(Kind::Timer, timer, map)))
}

/// `long bpf_timer_set_callback(struct bpf_timer *timer, void *callback_fn)`
fn bpf_timer_set_callback(
    m: &mut Machine<'_>,
    [timer, callback, ..]: [u64; 5],
) -> Result<u64, Stop> {
    Ok(long(m.deferred.set_callback(Kind::Timer, timer, callback)))
}

/// `long bpf_timer_start(struct bpf_timer *timer, u64 nsecs, u64 flags)`
fn bpf_timer_start(m: &mut Machine<'_>, [timer, time, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_F_TIMER_ABS`, `BPF_F_TIMER_CPU_PIN`
    const ABSOLUTE: u64 = 1;
    const PINNED: u64 = 2;
    if flags & !(ABSOLUTE | PINNED) != 0 {
        return Ok(error(errno::EINVAL));
    }
    let due = if flags & ABSOLUTE != 0 { time } else { m.now.saturating_add(time) };
    Ok(long(m.deferred.start(Kind::Timer, timer, due)))
}

/// `long bpf_timer_cancel(struct bpf_timer *timer)`
fn bpf_timer_cancel(m: &mut Machine<'_>, [timer, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(long(m.deferred.cancel(timer)))
}

/// `int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags)`
fn bpf_wq_init(m: &mut Machine<'_>, [work, map, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 1)?;
    if flags & 0xffff_ffff != 0 {
        return Ok(int(-errno::EINVAL));
    }
    in_value(m, work, 0)?;
    Ok(int(m.deferred.initialise(Kind::Work, work, map)))
}

/// `int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (callback_fn)(void *map, int *key, void *value), unsigned int flags,
/// void *aux__prog)`
fn bpf_wq_set_callback_impl(
    m: &mut Machine<'_>,
    [work, callback, flags, ..]: [u64; 5],
) -> Result<u64, Stop> {
    if flags & 0xffff_ffff != 0 {
        return Ok(int(-errno::EINVAL));
    }
    Ok(int(m.deferred.set_callback(Kind::Work, work, callback)))
}

/// `int bpf_wq_start(struct bpf_wq *wq, unsigned int flags)`
fn bpf_wq_start(m: &mut Machine<'_>, [work, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    if flags & 0xffff_ffff != 0 {
        return Ok(int(-errno::EINVAL));
    }
    let now = m.now;
    Ok(int(m.deferred.start(Kind::Work, work, now)))
}

/// `int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw, void *map__map,
/// bpf_task_work_callback_t callback, void *aux__prog)` and its like
fn schedule(m: &mut Machine<'_>, [_, work, map, callback, _]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 2)?;
    if m.deferred.is_waiting(Kind::TaskWork, work) {
        return Ok(int(-errno::EBUSY));
    }
    in_value(m, work, 1)?;
    m.deferred.initialise(Kind::TaskWork, work, map);
    m.deferred.set_callback(Kind::TaskWork, work, callback);
    let now = m.now;
    Ok(int(m.deferred.start(Kind::TaskWork, work, now)))
}
