//! Helpers over the counters of perf events, recorded branches, and the place that a probe is at.

use super::skb::low;
use super::{Table, errno, error};
use crate::attached;
use crate::fault::{FaultKind, Origin, Stop};
use crate::machine::Machine;
use crate::memory::Lifetime;

pub(super) const TABLE: &Table = &[
    ("bpf_get_attach_cookie", bpf_get_attach_cookie),
    // A machine without recorded branches.
    ("bpf_get_branch_snapshot", bpf_get_branch_snapshot),
    ("bpf_get_func_ip", bpf_get_func_ip),
    ("bpf_perf_event_read_value", bpf_perf_event_read_value),
    ("bpf_perf_prog_read_value", bpf_perf_prog_read_value),
    ("bpf_read_branch_records", bpf_read_branch_records),
    ("bpf_session_cookie", bpf_session_cookie),
    ("bpf_session_is_return", bpf_session_is_return),
];

/// `struct bpf_perf_event_value`: the counter, for how long it was enabled and running.
const VALUE: usize = 24;

/// The counter of an event; it is that of all events.
pub(super) fn counter(m: &Machine<'_>) -> Result<[u64; 3], Stop> {
    let missing = || FaultKind::NotModelled("the counter of a perf event".to_owned());
    let attached = &m.context.attached;
    let counter = attached.number("counter").ok_or_else(missing)?;
    let enabled = attached.number("enabled").unwrap_or(0);
    Ok([counter, enabled, attached.number("running").unwrap_or(enabled)])
}

fn put(m: &mut Machine<'_>, to: u64, values: [u64; 3]) -> Result<u64, Stop> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    m.memory.put(to, &bytes)?;
    Ok(0)
}

/// `long bpf_perf_event_read_value(struct bpf_map *map, u64 flags, struct bpf_perf_event_value *buf, u32 buf_size)`
fn bpf_perf_event_read_value(
    m: &mut Machine<'_>,
    [map, flags, to, size, _]: [u64; 5],
) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let size = low(size) as usize;
    let failed = match size {
        VALUE => super::stream::counted(m, map, flags)?,
        _ => -errno::EINVAL,
    };
    if failed == 0 {
        let values = counter(m)?;
        return put(m, to, values);
    }
    m.memory.write(to, size)?.fill(0);
    Ok(i64::from(failed).cast_unsigned())
}

/// `long bpf_perf_prog_read_value(struct bpf_perf_event_data *ctx, struct bpf_perf_event_value *buf, u32 buf_size)`
fn bpf_perf_prog_read_value(m: &mut Machine<'_>, [_, to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    let size = low(size) as usize;
    if size == VALUE {
        let values = counter(m)?;
        return put(m, to, values);
    }
    m.memory.write(to, size)?.fill(0);
    Ok(error(errno::EINVAL))
}

/// `long bpf_read_branch_records(struct bpf_perf_event_data *ctx, void *buf, u32 size, u64 flags)`
fn bpf_read_branch_records(
    _: &mut Machine<'_>,
    [_, _, _, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_GET_BRANCH_RECORDS_SIZE`
    const SIZE: u64 = 1;
    Ok(error(if flags & !SIZE != 0 { errno::EINVAL } else { errno::ENOENT }))
}

/// `long bpf_get_branch_snapshot(void *entries, u32 size, u64 flags)`
fn bpf_get_branch_snapshot(_: &mut Machine<'_>, [_, _, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(error(if flags != 0 { errno::EINVAL } else { errno::ENOENT }))
}

/// `u64 bpf_get_attach_cookie(void *ctx)`: 0 if none was set.
fn bpf_get_attach_cookie(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(m.context.attached.number("attach_cookie").unwrap_or(0))
}

/// `u64 bpf_get_func_ip(void *ctx)`
fn bpf_get_func_ip(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    let known = m.context.attached.number("func_ip");
    let missing = || FaultKind::NotModelled("where the function is (`func_ip`)".to_owned()).into();
    known.ok_or_else(missing)
}

/// `bool bpf_session_is_return(void)`
fn bpf_session_is_return(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok((m.context.attached.number("is_return").unwrap_or(0) != 0).into())
}

/// `long *bpf_session_cookie(void)`: what a session keeps from its first half for its second one, 0 at first.
fn bpf_session_cookie(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    if let Some(known) = m.session {
        return Ok(known);
    }
    let origin = Origin::Object { name: "the cookie of a session".into() };
    let cookie = m.memory.allocate(8, origin, true, Lifetime::Run)?.at(0);
    let given = m.context.attached.number("session_cookie").unwrap_or(0);
    attached::set_pointer(m, cookie, 0, given)?;
    m.session = Some(cookie);
    Ok(cookie)
}
