//! What goes along with an skb beside its bytes, and marks that say how it is treated: the key of a tunnel, classes and
//! realms, congestion. Orders of checks and errors are those of `net/core/filter.c` in Linux 6.18.

use super::skb::low;
use super::{Table, errno, error};
use crate::checksum;
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::packet::{Checksum, Packet, Tunnel};

pub(super) const TABLE: &Table = &[
    // A test run has no route, and its task is in no class.
    ("bpf_get_cgroup_classid", none_of_skb),
    ("bpf_get_route_realm", none_of_skb),
    ("bpf_skb_cgroup_classid", none_of_skb),
    ("bpf_skb_ecn_set_ce", bpf_skb_ecn_set_ce),
    ("bpf_skb_get_fou_encap", bpf_skb_get_fou_encap),
    ("bpf_skb_get_tunnel_key", bpf_skb_get_tunnel_key),
    ("bpf_skb_get_tunnel_opt", bpf_skb_get_tunnel_opt),
    ("bpf_skb_get_xfrm_info", bpf_skb_get_xfrm_info),
    ("bpf_skb_get_xfrm_state", bpf_skb_get_xfrm_state),
    ("bpf_skb_set_fou_encap", bpf_skb_set_fou_encap),
    ("bpf_skb_set_tunnel_key", bpf_skb_set_tunnel_key),
    ("bpf_skb_set_tunnel_opt", bpf_skb_set_tunnel_opt),
    ("bpf_skb_set_xfrm_info", bpf_skb_set_xfrm_info),
    ("bpf_xdp_get_xfrm_state", bpf_xdp_get_xfrm_state),
    // There are no states of IPsec.
    ("bpf_xdp_xfrm_state_release", |_, _| Ok(0)),
];

/// The bits of an `int`.
const INT: u64 = 0xffff_ffff;

/// `struct bpf_tunnel_key`: its size, the ends of what older programs know of it, and where its fields are.
mod key {
    pub(super) const SIZE: usize = 44;
    /// The end of the IPv4 address, with which the structure began its life.
    pub(super) const FIRST: usize = 8;
    pub(super) const OLDER: [usize; 3] = [22, LABEL, LOCAL];
    pub(super) const REMOTE: usize = 4;
    pub(super) const TOS: usize = 20;
    pub(super) const TTL: usize = 21;
    pub(super) const FLAGS: usize = 22;
    pub(super) const LABEL: usize = 24;
    pub(super) const LOCAL: usize = 28;
}

/// `BPF_F_TUNINFO_IPV6`
const IPV6: u64 = 1;
/// The greatest label of a flow.
const FLOW_LABEL: u32 = 0xf_ffff;
/// The most bytes of options (`IP_TUNNEL_OPTS_MAX`).
const MOST_OPTIONS: usize = 255;
/// `IP_TUNNEL_*_BIT` as the numbers of `TUNNEL_*`.
mod tunnel {
    pub(super) const CHECKSUM: u16 = 0x0001;
    pub(super) const KEY: u16 = 0x0004;
    pub(super) const SEQUENCE: u16 = 0x0008;
    pub(super) const DONT_FRAGMENT: u16 = 0x0100;
    pub(super) const NO_CACHE: u16 = 0x2000;
    /// Options of Geneve, VXLAN, ERSPAN and GTP.
    pub(super) const OPTIONS: u16 = 0x0800 | 0x1000 | 0x4000 | 0x8000;
}

fn none_of_skb(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    Ok(0)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u32::from_le_bytes(*word))
}

fn address(bytes: &[u8], at: usize, is_ipv6: bool) -> [u8; 16] {
    let len = if is_ipv6 { 16 } else { 4 };
    let mut address = [0; 16];
    if let Some(from) = bytes.get(at..at + len) {
        address[..len].copy_from_slice(from);
    }
    address
}

/// `long bpf_skb_set_tunnel_key(struct sk_buff *skb, struct bpf_tunnel_key *key, u32 size, u64 flags)`
fn bpf_skb_set_tunnel_key(
    m: &mut Machine<'_>,
    [skb, from, size, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_ZERO_CSUM_TX`, `BPF_F_DONT_FRAGMENT`, `BPF_F_SEQ_NUMBER`, `BPF_F_NO_TUNNEL_KEY`
    const ZERO_CHECKSUM: u64 = 1 << 1;
    const DONT_FRAGMENT: u64 = 1 << 2;
    const SEQUENCE: u64 = 1 << 3;
    const NO_KEY: u64 = 1 << 4;
    m.skb(skb, 0)?;
    let size = low(size) as usize;
    let known = size == key::SIZE || size == key::FIRST || key::OLDER.contains(&size);
    if flags & !(IPV6 | ZERO_CHECKSUM | DONT_FRAGMENT | SEQUENCE | NO_KEY) != 0 || !known {
        return Ok(error(errno::EINVAL));
    }
    let mut bytes = m.memory.read(from, size)?.to_vec();
    bytes.resize(key::SIZE, 0);
    let is_ipv6 = flags & IPV6 != 0;
    let label = word(&bytes, key::LABEL);
    if (!is_ipv6 && label != 0) || bytes[key::FLAGS..key::LABEL] != [0, 0] {
        return Ok(error(errno::EINVAL));
    }
    let mut tunnel_flags = tunnel::KEY | tunnel::CHECKSUM | tunnel::NO_CACHE;
    for (flag, set, cleared) in [
        (DONT_FRAGMENT, tunnel::DONT_FRAGMENT, 0),
        (ZERO_CHECKSUM, 0, tunnel::CHECKSUM),
        (SEQUENCE, tunnel::SEQUENCE, 0),
        (NO_KEY, 0, tunnel::KEY),
    ] {
        if flags & flag != 0 {
            tunnel_flags = (tunnel_flags | set) & !cleared;
        }
    }
    let (packet, _) = m.skb(skb, 0)?;
    packet.tunnel = Some(Box::new(Tunnel {
        id: word(&bytes, 0),
        is_ipv6,
        source: address(&bytes, key::LOCAL, is_ipv6),
        destination: address(&bytes, key::REMOTE, is_ipv6),
        service: bytes[key::TOS],
        hops: bytes[key::TTL],
        flags: tunnel_flags,
        label: label & FLOW_LABEL,
        options: Vec::new(),
        ports: [0; 4],
    }));
    packet.ipsec = None;
    Ok(0)
}

/// `long bpf_skb_get_tunnel_key(struct sk_buff *skb, struct bpf_tunnel_key *key, u32 size, u64 flags)`
fn bpf_skb_get_tunnel_key(
    m: &mut Machine<'_>,
    [skb, to, size, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    let size = low(size) as usize;
    let result = tunnel_key(packet.tunnel.as_deref(), size, flags);
    let place = m.memory.write(to, size)?;
    match result {
        Ok(bytes) => {
            place.copy_from_slice(&bytes[..size]);
            Ok(0)
        }
        Err(errno) => {
            place.fill(0);
            Ok(error(errno))
        }
    }
}

/// The key of a tunnel as a program reads it: what it has come from is the remote end.
fn tunnel_key(tunnel: Option<&Tunnel>, size: usize, flags: u64) -> Result<[u8; key::SIZE], i32> {
    /// `BPF_F_TUNINFO_FLAGS`
    const FLAGS: u64 = 1 << 4;
    let tunnel = tunnel.filter(|_| flags & !(IPV6 | FLAGS) == 0).ok_or(errno::EINVAL)?;
    if tunnel.is_ipv6 != (flags & IPV6 != 0) {
        return Err(errno::EPROTO);
    }
    let first = size == key::FIRST && !tunnel.is_ipv6;
    if size != key::SIZE && !key::OLDER.contains(&size) && !first {
        return Err(errno::EINVAL);
    }
    let mut bytes = [0; key::SIZE];
    bytes[..4].copy_from_slice(&tunnel.id.to_le_bytes());
    bytes[key::REMOTE..key::TOS].copy_from_slice(&tunnel.source);
    bytes[key::TOS] = tunnel.service;
    bytes[key::TTL] = tunnel.hops;
    if flags & FLAGS != 0 {
        bytes[key::FLAGS..key::LABEL].copy_from_slice(&tunnel.flags.to_be_bytes());
    }
    bytes[key::LABEL..key::LOCAL].copy_from_slice(&tunnel.label.to_le_bytes());
    bytes[key::LOCAL..].copy_from_slice(&tunnel.destination);
    Ok(bytes)
}

/// `long bpf_skb_set_tunnel_opt(struct sk_buff *skb, void *opt, u32 size)`
fn bpf_skb_set_tunnel_opt(
    m: &mut Machine<'_>,
    [skb, from, size, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let has_tunnel = m.skb(skb, 0)?.0.tunnel.is_some();
    let size = low(size) as usize;
    if !has_tunnel || !size.is_multiple_of(4) {
        return Ok(error(errno::EINVAL));
    }
    if size > MOST_OPTIONS {
        return Ok(error(errno::ENOMEM));
    }
    let options = m.memory.read(from, size)?.to_vec();
    if let Some(tunnel) = &mut m.skb(skb, 0)?.0.tunnel {
        if size > 0 {
            tunnel.flags |= tunnel::OPTIONS;
        }
        tunnel.options = options;
    }
    Ok(0)
}

/// `long bpf_skb_get_tunnel_opt(struct sk_buff *skb, void *opt, u32 size)`
fn bpf_skb_get_tunnel_opt(m: &mut Machine<'_>, [skb, to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    let tunnel = packet.tunnel.as_ref();
    let options = tunnel.filter(|tunnel| tunnel.flags & tunnel::OPTIONS != 0);
    let options = options.map(|tunnel| tunnel.options.clone());
    let place = m.memory.write(to, low(size) as usize)?;
    place.fill(0);
    let Some(options) = options else { return Ok(error(errno::ENOENT)) };
    let Some(front) = place.get_mut(..options.len()) else { return Ok(error(errno::ENOMEM)) };
    front.copy_from_slice(&options);
    Ok(options.len() as u64)
}

/// `int bpf_skb_set_fou_encap(struct __sk_buff *skb_ctx, struct bpf_fou_encap *encap, int type)`
fn bpf_skb_set_fou_encap(m: &mut Machine<'_>, [skb, from, ..]: [u64; 5]) -> Result<u64, Stop> {
    let has_tunnel = m.skb(skb, 0)?.0.tunnel.is_some();
    if from == 0 || !has_tunnel {
        return Ok(error(errno::EINVAL) & INT);
    }
    let ports = m.memory.read(from, 4)?.first_chunk().copied().unwrap_or_default();
    if let Some(tunnel) = &mut m.skb(skb, 0)?.0.tunnel {
        tunnel.ports = ports;
    }
    Ok(0)
}

/// `int bpf_skb_get_fou_encap(struct __sk_buff *skb_ctx, struct bpf_fou_encap *encap)`
fn bpf_skb_get_fou_encap(m: &mut Machine<'_>, [skb, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let ports = m.skb(skb, 0)?.0.tunnel.as_ref().map(|tunnel| tunnel.ports);
    let Some(ports) = ports else { return Ok(error(errno::EINVAL) & INT) };
    m.memory.put(to, &ports)?;
    Ok(0)
}

/// `int bpf_skb_set_xfrm_info(struct __sk_buff *skb_ctx, const struct bpf_xfrm_info *from)`: a packet that goes into a
/// tunnel or through an interface already cannot be told another one.
fn bpf_skb_set_xfrm_info(m: &mut Machine<'_>, [skb, from, ..]: [u64; 5]) -> Result<u64, Stop> {
    let info = m.memory.read(from, 8)?.first_chunk().copied().unwrap_or_default();
    let (packet, _) = m.skb(skb, 0)?;
    if packet.tunnel.is_some() || packet.ipsec.is_some() {
        return Ok(error(errno::EINVAL) & INT);
    }
    packet.ipsec = Some(info);
    Ok(0)
}

/// `int bpf_skb_get_xfrm_info(struct __sk_buff *skb_ctx, struct bpf_xfrm_info *to)`
fn bpf_skb_get_xfrm_info(m: &mut Machine<'_>, [skb, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let Some(info) = m.skb(skb, 0)?.0.ipsec else { return Ok(error(errno::EINVAL) & INT) };
    m.memory.put(to, &info)?;
    Ok(0)
}

/// `long bpf_skb_get_xfrm_state(struct sk_buff *skb, u32 index, struct bpf_xfrm_state *xfrm_state, u32 size, u64 flags)`: the
/// packet has not come through IPsec.
fn bpf_skb_get_xfrm_state(
    m: &mut Machine<'_>,
    [skb, _, to, size, _]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    m.memory.write(to, low(size) as usize)?.fill(0);
    Ok(error(errno::EINVAL))
}

/// `struct xfrm_state *bpf_xdp_get_xfrm_state(struct xdp_md *ctx, struct bpf_xfrm_state_opts *opts, u32 opts__sz)`: there is
/// none.
fn bpf_xdp_get_xfrm_state(m: &mut Machine<'_>, [_, opts, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `struct bpf_xfrm_state_opts`, which begins with the error and the number of the namespace.
    const SIZE: u32 = 36;
    let size = low(size);
    if opts == 0 || size < 4 {
        return Ok(0);
    }
    let namespace = match size {
        SIZE => m.memory.read_u32(opts.wrapping_add(4))?.cast_signed(),
        _ => i32::MIN,
    };
    let errno = match namespace {
        ..-1 => errno::EINVAL,
        -1 => errno::ENOENT,
        // There is no namespace but the own one, which has no number.
        0.. => errno::ENONET,
    };
    m.memory.put(opts, &(-errno).to_le_bytes())?;
    Ok(0)
}

/// `long bpf_skb_ecn_set_ce(struct sk_buff *skb)`
fn bpf_skb_ecn_set_ce(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    const IPV4: u16 = 0x0800;
    const IPV6: u16 = 0x86dd;
    let (packet, memory) = m.skb(skb, 0)?;
    let len = match packet.protocol {
        IPV4 => 20,
        IPV6 => 40,
        protocol if Packet::is_tag(protocol) => {
            return Err(FaultKind::NotModelled("congestion behind a tag".to_owned()).into());
        }
        _ => return Ok(0),
    };
    let is_ipv4 = packet.protocol == IPV4;
    if packet.linear() < len || packet.cloned {
        return Ok(0);
    }
    let start = packet.network as usize;
    let head = memory.bytes_mut(packet.head).and_then(|head| head.get_mut(start..));
    let Some(header) = head.and_then(|rest| rest.get_mut(..len as usize)) else { return Ok(0) };
    if is_ipv4 {
        return Ok(mark_ipv4(header).into());
    }
    // The bits lie across the first two bytes, of which the second one has those of congestion.
    const CONGESTION: u8 = 0x30;
    let old = word(header, 0);
    if header[1] & CONGESTION == 0 {
        return Ok(0);
    }
    header[1] |= CONGESTION;
    let new = word(header, 0);
    if let Checksum::Complete(sum) = packet.checksum {
        packet.checksum = Checksum::Complete(checksum::add(checksum::subtract(sum, old), new));
    }
    Ok(1)
}

/// `IP_ECN_set_ce`: whether the header is marked now.
fn mark_ipv4(header: &mut [u8]) -> bool {
    const CONGESTION: u8 = 3;
    let added = match header[1] & CONGESTION {
        0 => return false,
        1 => 0xfffd,
        2 => 0xfffe,
        _ => return true,
    };
    let (sum, carry) = u16::from_be_bytes([header[10], header[11]]).overflowing_add(added);
    header[10..12].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    header[1] |= CONGESTION;
    true
}
