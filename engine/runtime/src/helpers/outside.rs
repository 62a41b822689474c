//! What programs ask of the world around a packet or task: control groups, cookies, devices, sockets of maps. It is that
//! of a test run: the loopback device, a socket of the task, one network namespace, maps without sockets.

use super::{Table, errno, error};
use crate::fault::{FaultKind, Stop};
use crate::helpers::skb::low;
use crate::machine::Machine;
use crate::packet::Kind;

pub(super) const TABLE: &Table = &[
    ("bpf_check_mtu", bpf_check_mtu),
    ("bpf_current_task_under_cgroup", |m, [map, index, ..]| is_under(m, map, index, 0)),
    ("bpf_get_current_ancestor_cgroup_id", |m, [level, ..]| Ok(ancestor(m.current.cgroup, level))),
    ("bpf_get_current_cgroup_id", |m, _| Ok(m.current.cgroup)),
    // The first network namespace.
    ("bpf_get_netns_cookie", |_, _| Ok(1)),
    ("bpf_get_socket_cookie", bpf_get_socket_cookie),
    ("bpf_get_retval", |m, _| Ok(i64::from(m.return_value).cast_unsigned())),
    ("bpf_set_retval", bpf_set_retval),
    // The socket belongs to root.
    ("bpf_get_socket_uid", |m, [skb, ..]| m.skb(skb, 0).map(|_| 0)),
    ("bpf_sk_ancestor_cgroup_id", bpf_sk_ancestor_cgroup_id),
    ("bpf_sk_cgroup_id", bpf_sk_cgroup_id),
    ("bpf_skb_ancestor_cgroup_id", bpf_skb_ancestor_cgroup_id),
    ("bpf_skb_cgroup_id", bpf_skb_cgroup_id),
    ("bpf_skb_under_cgroup", bpf_skb_under_cgroup),
    ("bpf_xdp_metadata_rx_hash", no_metadata),
    ("bpf_xdp_metadata_rx_timestamp", no_metadata),
    ("bpf_xdp_metadata_rx_vlan_tag", no_metadata),
];

/// The number of the control group at the root.
const ROOT: u64 = 1;

/// The ancestor of a control group: the root at level 0, itself at level 1 if it is not the root.
fn ancestor(group: u64, level: u64) -> u64 {
    match low(level) {
        0 => ROOT,
        1 if group != ROOT => group,
        _ => 0,
    }
}

/// `u64 bpf_get_socket_cookie(void *ctx)`: of a socket, or that of the context; 0 without one.
fn bpf_get_socket_cookie(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    // The context of `cgroup_sock` is its socket, which is the first one.
    if m.context.program_type() == "cgroup_sock" {
        return Ok(1);
    }
    match m.socket_or_own(socket, 0)? {
        Some(index) => Ok(m.socket(index)?.now.cookie),
        None => Ok(0),
    }
}

/// The number of the control group of a socket; 0 if it is not a full one (`__bpf_sk_cgroup_id`).
fn group_of(m: &Machine<'_>, socket: u64) -> Result<u64, Stop> {
    let index = m.socket_at(socket, 0)?;
    if m.socket(index)?.now.is_full() { m.group_of(index) } else { Ok(0) }
}

/// `u64 bpf_sk_cgroup_id(void *sk)`
fn bpf_sk_cgroup_id(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    group_of(m, socket)
}

/// `u64 bpf_sk_ancestor_cgroup_id(void *sk, int ancestor_level)`
fn bpf_sk_ancestor_cgroup_id(
    m: &mut Machine<'_>,
    [socket, level, ..]: [u64; 5],
) -> Result<u64, Stop> {
    match group_of(m, socket)? {
        0 => Ok(0),
        group => Ok(ancestor(group, level)),
    }
}

/// `u64 bpf_skb_cgroup_id(struct sk_buff *skb)`: that of the task that made the socket.
fn bpf_skb_cgroup_id(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    Ok(m.current.cgroup)
}

/// `u64 bpf_skb_ancestor_cgroup_id(struct sk_buff *skb, int ancestor_level)`
fn bpf_skb_ancestor_cgroup_id(
    m: &mut Machine<'_>,
    [skb, level, ..]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    Ok(ancestor(m.current.cgroup, level))
}

/// Whether the control group of the task is that of an element of a map or below it, in the order of
/// `bpf_current_task_under_cgroup`.
fn is_under(m: &mut Machine<'_>, map: u64, index: u64, argument: u8) -> Result<u64, Stop> {
    let map = m.map_at(map, argument)?;
    let index = low(index);
    let len = m.image.maps().get(map).map_or(0, |map| map.definition.max_entries);
    if index >= len {
        return Ok(error(errno::E2BIG));
    }
    let Some(at) = m.maps.get(map)?.lookup(&mut m.memory, &index.to_le_bytes())? else {
        return Ok(error(errno::EAGAIN));
    };
    let group = u64::from(m.memory.read_u32(at)?);
    Ok((group == ROOT || group == m.current.cgroup).into())
}

/// `long bpf_skb_under_cgroup(struct sk_buff *skb, struct bpf_map *map, u32 index)`: that of the socket's task.
fn bpf_skb_under_cgroup(m: &mut Machine<'_>, [skb, map, index, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    is_under(m, map, index, 1)
}

/// `int bpf_set_retval(int retval)`
fn bpf_set_retval(m: &mut Machine<'_>, [value, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.return_value = low(value).cast_signed();
    Ok(0)
}

/// `long bpf_check_mtu(void *ctx, u32 ifindex, u32 *mtu_len, s32 len_diff, u64 flags)` (`bpf_skb_check_mtu`,
/// `bpf_xdp_check_mtu`). There is one device, the loopback one.
fn bpf_check_mtu(
    m: &mut Machine<'_>,
    [_, interface, at, difference, flags]: [u64; 5],
) -> Result<u64, Stop> {
    const LOOPBACK: u32 = 1;
    const MTU: u32 = 65536;
    /// Of Ethernet.
    const HEADER: i64 = 14;
    /// `BPF_MTU_CHK_SEGS`
    const SEGMENTS: u64 = 1;
    const FRAGMENTATION_NEEDED: u64 = 1;
    let Some(packet) = &m.packet else { return Err(m.wrong_argument(0, "a packet")) };
    let is_skb = packet.kind == Kind::Skb;
    let len = packet.len();
    let segmented = is_skb && !packet.gso_reset && m.context.word("gso_size") != 0;
    let given = m.memory.read_u32(at)?;
    let difference = low(difference).cast_signed();
    let allowed = if is_skb { SEGMENTS } else { 0 };
    if flags & !allowed != 0 || (flags & SEGMENTS != 0 && (difference != 0 || given != 0)) {
        return Ok(error(errno::EINVAL));
    }
    if !matches!(low(interface), 0 | LOOPBACK) {
        return Ok(error(errno::ENODEV));
    }
    let len = if given == 0 { i64::from(len) } else { i64::from(given) + HEADER };
    let fits = len + i64::from(difference) <= i64::from(MTU) + HEADER;
    if !fits && segmented && flags & SEGMENTS != 0 {
        return Err(FaultKind::NotModelled("the lengths of segments".to_owned()).into());
    }
    m.memory.put(at, &MTU.to_le_bytes())?;
    Ok(if fits || segmented { 0 } else { FRAGMENTATION_NEEDED })
}

/// Hints that the loopback device does not have.
fn no_metadata(m: &mut Machine<'_>, [context, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.xdp(context, 0)?;
    Ok(error(errno::EOPNOTSUPP) & 0xffff_ffff)
}
