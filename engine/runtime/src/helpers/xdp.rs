//! Helpers and kfuncs over XDP frames, and sending packets elsewhere, which is only noted.

use super::{Table, errno, error};
use crate::event::{Access, Event, Target};
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::maps::map_type;
use crate::packet;

pub(super) const TABLE: &Table = &[
    ("bpf_redirect", bpf_redirect),
    ("bpf_redirect_map", bpf_redirect_map),
    ("bpf_redirect_neigh", bpf_redirect_neigh),
    ("bpf_redirect_peer", bpf_redirect_peer),
    ("bpf_xdp_adjust_head", bpf_xdp_adjust_head),
    ("bpf_xdp_adjust_meta", bpf_xdp_adjust_meta),
    ("bpf_xdp_adjust_tail", bpf_xdp_adjust_tail),
    ("bpf_xdp_get_buff_len", bpf_xdp_get_buff_len),
    ("bpf_xdp_load_bytes", bpf_xdp_load_bytes),
    ("bpf_xdp_pull_data", bpf_xdp_pull_data),
    ("bpf_xdp_store_bytes", bpf_xdp_store_bytes),
];

/// `XDP_REDIRECT`
const XDP_REDIRECT: u64 = 4;
/// Accesses beyond this are refused.
const MOST: u32 = 0xffff;

#[expect(clippy::cast_possible_truncation, reason = "parameters have 32 bits")]
fn low(register: u64) -> u32 {
    register as u32
}

fn note(m: &mut Machine<'_>, target: Target, offset: u32, len: u32, result: Access) {
    let event = Event { function: m.callee(), target, offset, len, result, at: m.location() };
    m.record(event);
}

fn outcome(result: Result<(), i32>) -> Access {
    result.map_or_else(|errno| Access::Error(-errno), |()| Access::Done)
}

fn value(result: Result<(), i32>) -> u64 {
    result.map_or_else(error, |()| 0)
}

/// `long bpf_xdp_adjust_head(struct xdp_buff *xdp_md, int delta)`
fn bpf_xdp_adjust_head(m: &mut Machine<'_>, [xdp, by, ..]: [u64; 5]) -> Result<u64, Stop> {
    let by = low(by).cast_signed();
    let (packet, memory) = m.xdp(xdp, 0)?;
    let result = packet.adjust_head(memory, by);
    note(m, Target::Geometry, 0, by.unsigned_abs(), outcome(result));
    Ok(value(result))
}

/// `long bpf_xdp_adjust_meta(struct xdp_buff *xdp_md, int delta)`
fn bpf_xdp_adjust_meta(m: &mut Machine<'_>, [xdp, by, ..]: [u64; 5]) -> Result<u64, Stop> {
    let by = low(by).cast_signed();
    let (packet, _) = m.xdp(xdp, 0)?;
    let result = packet.adjust_meta(by);
    note(m, Target::Geometry, 0, by.unsigned_abs(), outcome(result));
    Ok(value(result))
}

/// `long bpf_xdp_adjust_tail(struct xdp_buff *xdp_md, int delta)`
fn bpf_xdp_adjust_tail(m: &mut Machine<'_>, [xdp, by, ..]: [u64; 5]) -> Result<u64, Stop> {
    let by = low(by).cast_signed();
    let (packet, memory) = m.xdp(xdp, 0)?;
    let result = packet.adjust_tail(memory, by);
    note(m, Target::Geometry, 0, by.unsigned_abs(), outcome(result));
    Ok(value(result))
}

/// `u64 bpf_xdp_get_buff_len(struct xdp_buff *xdp_md)`
fn bpf_xdp_get_buff_len(m: &mut Machine<'_>, [xdp, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(m.xdp(xdp, 0)?.0.len().into())
}

/// `int bpf_xdp_pull_data(struct xdp_md *x, u32 len)`
fn bpf_xdp_pull_data(m: &mut Machine<'_>, [xdp, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, memory) = m.xdp(xdp, 0)?;
    let result = packet.pull_fragments(memory, low(len));
    note(m, Target::Geometry, 0, low(len), outcome(result));
    Ok(value(result) & 0xffff_ffff)
}

/// Whether the frame has the bytes, in the kernel's order of checks (`bpf_xdp_pointer`).
fn check(len_of_packet: u32, offset: u32, len: u32) -> Result<(), i32> {
    if offset > MOST || len > MOST {
        Err(errno::EFAULT)
    } else if offset.saturating_add(len) > len_of_packet {
        Err(errno::EINVAL)
    } else {
        Ok(())
    }
}

/// `long bpf_xdp_load_bytes(struct xdp_buff *xdp_md, u32 offset, void *buf, u32 len)`
fn bpf_xdp_load_bytes(
    m: &mut Machine<'_>,
    [xdp, offset, to, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    let (offset, len) = (low(offset), low(len));
    let (packet, memory) = m.xdp(xdp, 0)?;
    let result = check(packet.len(), offset, len);
    let bytes = packet.bytes(memory, offset, len as usize).filter(|_| result.is_ok());
    if let Some(bytes) = bytes {
        m.memory.put(to, &bytes)?;
    }
    note(m, Target::Packet, offset, len, outcome(result));
    Ok(value(result))
}

/// `long bpf_xdp_store_bytes(struct xdp_buff *xdp_md, u32 offset, void *buf, u32 len)`
fn bpf_xdp_store_bytes(
    m: &mut Machine<'_>,
    [xdp, offset, from, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    let (offset, len) = (low(offset), low(len));
    let result = check(m.xdp(xdp, 0)?.0.len(), offset, len);
    if result.is_ok() {
        let bytes = m.memory.read(from, len as usize)?.to_vec();
        let (packet, memory) = m.xdp(xdp, 0)?;
        packet.copy_in(memory, offset, &bytes);
    }
    note(m, Target::Packet, offset, len, outcome(result));
    Ok(value(result))
}

/// `long bpf_redirect(u32 ifindex, u64 flags)`
fn bpf_redirect(m: &mut Machine<'_>, [interface, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `TC_ACT_SHOT`, `TC_ACT_REDIRECT`, `XDP_ABORTED`
    const SHOT: u64 = 2;
    const REDIRECT: u64 = 7;
    let is_xdp = m.packet.as_ref().is_some_and(|packet| packet.kind == packet::Kind::Xdp);
    let allowed = if is_xdp { 0 } else { 1 };
    if flags & !allowed != 0 {
        return Ok(if is_xdp { 0 } else { SHOT });
    }
    note(m, Target::Geometry, 0, 0, Access::Sent(low(interface)));
    Ok(if is_xdp { XDP_REDIRECT } else { REDIRECT })
}

/// `long bpf_redirect_map(struct bpf_map *map, u64 key, u64 flags)`
fn bpf_redirect_map(m: &mut Machine<'_>, [map, key, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// The result if there is nothing in the map; `BPF_F_BROADCAST` and `BPF_F_EXCLUDE_INGRESS`.
    const OTHERWISE: u64 = 3;
    const BROADCAST: u64 = 1 << 3;
    const EXCLUDE_INGRESS: u64 = 1 << 4;
    let map = m.map_at(map, 0)?;
    let allowed = match m.maps.kind(map) {
        map_type::DEVMAP | map_type::DEVMAP_HASH => OTHERWISE | BROADCAST | EXCLUDE_INGRESS,
        map_type::CPUMAP | map_type::XSKMAP => OTHERWISE,
        _ => return Err(FaultKind::NotModelled("bpf_redirect_map to sockets".to_owned()).into()),
    };
    if flags & !allowed != 0 {
        return Ok(0);
    }
    let value = m.maps.get(map)?.lookup(&mut m.memory, &low(key).to_le_bytes())?;
    let target = match value {
        Some(value) => m.memory.read_u32(value)?,
        // All that are in it; which ones is not said.
        None if flags & BROADCAST != 0 => 0,
        None => return Ok(flags & OTHERWISE),
    };
    note(m, Target::Geometry, 0, 0, Access::Sent(target));
    Ok(XDP_REDIRECT)
}

/// `long bpf_redirect_peer(u32 ifindex, u64 flags)`
fn bpf_redirect_peer(m: &mut Machine<'_>, [interface, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(2);
    }
    note(m, Target::Geometry, 0, 0, Access::Sent(low(interface)));
    Ok(7)
}

/// `long bpf_redirect_neigh(u32 ifindex, struct bpf_redir_neigh *params, int plen, u64 flags)`
fn bpf_redirect_neigh(
    m: &mut Machine<'_>,
    [interface, _, _, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(2);
    }
    note(m, Target::Geometry, 0, 0, Access::Sent(low(interface)));
    Ok(7)
}
