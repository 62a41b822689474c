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
    ("bpf_get_current_ancestor_cgroup_id", |m, [level, ..]| Ok(ancestor(m, level))),
    ("bpf_get_current_cgroup_id", |m, _| Ok(m.current.cgroup)),
    // The first network namespace, and the first socket in it.
    ("bpf_get_netns_cookie", |_, _| Ok(1)),
    ("bpf_get_socket_cookie", |_, _| Ok(1)),
    ("bpf_get_retval", |m, _| Ok(i64::from(m.return_value).cast_unsigned())),
    ("bpf_set_retval", bpf_set_retval),
    // The socket belongs to root.
    ("bpf_get_socket_uid", |m, [skb, ..]| m.skb(skb, 0).map(|_| 0)),
    ("bpf_msg_redirect_hash", to_no_socket),
    ("bpf_msg_redirect_map", to_no_socket),
    ("bpf_sk_redirect_hash", to_no_socket),
    ("bpf_sk_redirect_map", to_no_socket),
    ("bpf_sk_select_reuseport", bpf_sk_select_reuseport),
    ("bpf_skb_ancestor_cgroup_id", bpf_skb_ancestor_cgroup_id),
    ("bpf_skb_cgroup_id", bpf_skb_cgroup_id),
    ("bpf_skb_under_cgroup", bpf_skb_under_cgroup),
    ("bpf_sock_ops_cb_flags_set", bpf_sock_ops_cb_flags_set),
    ("bpf_xdp_metadata_rx_hash", no_metadata),
    ("bpf_xdp_metadata_rx_timestamp", no_metadata),
    ("bpf_xdp_metadata_rx_vlan_tag", no_metadata),
];

/// The number of the control group at the root.
const ROOT: u64 = 1;

/// The ancestor of the control group of the task: the root at level 0, itself at level 1 if it is not the root.
fn ancestor(m: &Machine<'_>, level: u64) -> u64 {
    match low(level) {
        0 => ROOT,
        1 if m.current.cgroup != ROOT => m.current.cgroup,
        _ => 0,
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
    Ok(ancestor(m, level))
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

/// Redirections to sockets of a map, in which there are none: `SK_DROP`.
fn to_no_socket(m: &mut Machine<'_>, [_, map, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.map_at(map, 1)?;
    Ok(0)
}

/// `long bpf_sk_select_reuseport(struct sk_reuseport_md *reuse, struct bpf_map *map, void *key, u64 flags)`
fn bpf_sk_select_reuseport(m: &mut Machine<'_>, [_, map, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.map_at(map, 1)?;
    Ok(error(errno::ENOENT))
}

/// `long bpf_sock_ops_cb_flags_set(struct bpf_sock_ops *bpf_sock, int argval)`: what of the flags is unknown.
fn bpf_sock_ops_cb_flags_set(m: &mut Machine<'_>, [_, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_SOCK_OPS_ALL_CB_FLAGS`
    const ALL: u32 = 0x7f;
    if m.context.word("is_fullsock") == 0 {
        return Ok(error(errno::EINVAL));
    }
    let flags = low(flags);
    m.context.set_word("bpf_sock_ops_cb_flags", flags & ALL);
    Ok((flags & !ALL).into())
}

/// Hints that the loopback device does not have.
fn no_metadata(m: &mut Machine<'_>, [context, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.xdp(context, 0)?;
    Ok(error(errno::EOPNOTSUPP) & 0xffff_ffff)
}
