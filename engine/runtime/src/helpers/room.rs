//! Helpers that make and take room in an skb for headers, change what it is said to be, and send copies of it, which is
//! only noted. Orders of checks and errors are those of `net/core/filter.c` in Linux 6.18.

use super::skb::{MAX_LEN, low, note, noted};
use super::{Table, errno, error};
use crate::event::{Access, Target};
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::memory::Memory;
use crate::packet::{Checksum, Packet};

pub(super) const TABLE: &Table = &[
    ("bpf_clone_redirect", bpf_clone_redirect),
    ("bpf_csum_level", bpf_csum_level),
    ("bpf_get_hash_recalc", bpf_get_hash_recalc),
    ("bpf_set_hash", bpf_set_hash),
    ("bpf_set_hash_invalid", bpf_set_hash_invalid),
    ("bpf_skb_adjust_room", bpf_skb_adjust_room),
    ("bpf_skb_change_proto", bpf_skb_change_proto),
    ("bpf_skb_change_type", bpf_skb_change_type),
    ("bpf_skb_set_tstamp", bpf_skb_set_tstamp),
];

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// The lengths of the headers without options.
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;

/// `BPF_F_ADJ_ROOM_*`
mod flag {
    pub(super) const FIXED_GSO: u64 = 1;
    pub(super) const ENCAP_IPV4: u64 = 1 << 1;
    pub(super) const ENCAP_IPV6: u64 = 1 << 2;
    pub(super) const ENCAP_GRE: u64 = 1 << 3;
    pub(super) const ENCAP_UDP: u64 = 1 << 4;
    pub(super) const NO_CSUM_RESET: u64 = 1 << 5;
    pub(super) const ENCAP_ETHERNET: u64 = 1 << 6;
    pub(super) const DECAP_IPV4: u64 = 1 << 7;
    pub(super) const DECAP_IPV6: u64 = 1 << 8;
    pub(super) const ENCAP: u64 = ENCAP_IPV4 | ENCAP_IPV6;
    pub(super) const DECAP: u64 = DECAP_IPV4 | DECAP_IPV6;
    /// The length of the inner link-layer header.
    pub(super) const INNER: u64 = 0xff << 56;
    pub(super) const INNER_SHIFT: u32 = 56;
    pub(super) const ALL: u64 =
        FIXED_GSO | ENCAP | ENCAP_GRE | ENCAP_UDP | NO_CSUM_RESET | ENCAP_ETHERNET | DECAP | INNER;
}

/// What a helper did: nothing to say, or an error.
type Changed = Result<Option<i32>, Stop>;

/// `long bpf_skb_adjust_room(struct sk_buff *skb, s32 len_diff, u32 mode, u64 flags)`
fn bpf_skb_adjust_room(
    m: &mut Machine<'_>,
    [skb, by, mode, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let by = low(by).cast_signed();
    let is_gso = m.context.word("gso_size") != 0;
    if m.context.program_type() == "sk_skb" {
        // Another function of the kernel, for streams.
        return Err(FaultKind::NotModelled("bpf_skb_adjust_room of sk_skb".to_owned()).into());
    }
    let (packet, memory) = m.skb(skb, 0)?;
    let failed = adjust_room(packet, memory, by, low(mode), flags, is_gso)?;
    noted(m, Target::Geometry, 0, by.unsigned_abs(), failed)
}

fn adjust_room(
    packet: &mut Packet,
    memory: &mut Memory,
    by: i32,
    mode: u32,
    flags: u64,
    is_gso: bool,
) -> Changed {
    let (size, shrinks) = (by.unsigned_abs(), by < 0);
    if flags & !flag::ALL != 0 {
        return Ok(Some(errno::EINVAL));
    }
    if size > 0xfff {
        return Ok(Some(errno::EFAULT));
    }
    let base = match packet.protocol {
        IPV4 => IPV4_HEADER,
        IPV6 => IPV6_HEADER,
        _ => return Ok(Some(errno::ENOTSUPP)),
    };
    let link = packet.network.saturating_sub(packet.mac);
    let offset = match mode {
        // `BPF_ADJ_ROOM_NET`, `BPF_ADJ_ROOM_MAC`
        0 => link + base,
        1 => link,
        _ => return Ok(Some(errno::ENOTSUPP)),
    };
    let least = match flags & flag::DECAP {
        0 => base,
        _ if !shrinks => return Ok(Some(errno::EINVAL)),
        flag::DECAP_IPV4 => IPV4_HEADER,
        flag::DECAP_IPV6 => IPV6_HEADER,
        _ => return Ok(Some(errno::EINVAL)),
    };
    let behind_link = packet.len().saturating_sub(packet.network.saturating_sub(packet.data));
    let too_short = shrinks && (size >= behind_link || behind_link - size < least);
    let too_long = !shrinks && packet.len().saturating_add(size) > MAX_LEN && !is_gso;
    if too_short || too_long {
        return Ok(Some(errno::ENOTSUPP));
    }
    let failed = if shrinks {
        shrink(packet, memory, offset, size, flags, is_gso)?
    } else {
        grow(packet, memory, offset, size, flags, is_gso)?
    };
    if failed.is_none() && flags & flag::NO_CSUM_RESET == 0 {
        reset_level(packet);
    }
    Ok(failed)
}

/// `bpf_skb_net_grow`
fn grow(
    packet: &mut Packet,
    memory: &mut Memory,
    offset: u32,
    size: u32,
    flags: u64,
    is_gso: bool,
) -> Changed {
    if is_gso {
        // What kind of segments it has is not known in a test run.
        return Ok(Some(errno::ENOTSUPP));
    }
    packet.cow(memory, size)?;
    let has = |flag| flags & flag != 0;
    if has(flag::ENCAP) {
        let inner = (flags >> flag::INNER_SHIFT) as u32;
        let both = |a, b| has(a) && has(b);
        if both(flag::ENCAP_IPV4, flag::ENCAP_IPV6)
            || both(flag::ENCAP_GRE, flag::ENCAP_UDP)
            || (has(flag::ENCAP_ETHERNET) && inner < crate::packet::ETHERNET)
        {
            return Ok(Some(errno::EINVAL));
        }
        if packet.encapsulated {
            return Ok(Some(errno::EALREADY));
        }
        if inner > size {
            return Ok(Some(errno::EINVAL));
        }
    }
    packet.header_push(memory, offset, size);
    if has(flag::ENCAP) {
        packet.encapsulated = true;
        match packet.protocol {
            IPV4 if has(flag::ENCAP_IPV6) => packet.protocol = IPV6,
            IPV6 if has(flag::ENCAP_IPV4) => packet.protocol = IPV4,
            _ => {}
        }
    }
    Ok(None)
}

/// `bpf_skb_net_shrink`
fn shrink(
    packet: &mut Packet,
    memory: &mut Memory,
    offset: u32,
    size: u32,
    flags: u64,
    is_gso: bool,
) -> Changed {
    if flags & !(flag::FIXED_GSO | flag::DECAP | flag::NO_CSUM_RESET) != 0 {
        return Ok(Some(errno::EINVAL));
    }
    if is_gso {
        return Ok(Some(errno::ENOTSUPP));
    }
    if packet.cloned {
        packet.expand_head(memory, 0, 0)?;
    }
    if !packet.header_pop(memory, offset, size)? {
        return Ok(Some(errno::ENOMEM));
    }
    match packet.protocol {
        IPV4 if flags & flag::DECAP_IPV6 != 0 => packet.protocol = IPV6,
        IPV6 if flags & flag::DECAP_IPV4 != 0 => packet.protocol = IPV4,
        _ => {}
    }
    Ok(None)
}

/// `long bpf_skb_change_proto(struct sk_buff *skb, __be16 proto, u64 flags)`
fn bpf_skb_change_proto(m: &mut Machine<'_>, [skb, to, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    const MORE: u32 = IPV6_HEADER - IPV4_HEADER;
    let (packet, memory) = m.skb(skb, 0)?;
    if flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    let [first, second, ..] = to.to_le_bytes();
    let to = u16::from_be_bytes([first, second]);
    let offset = packet.network.saturating_sub(packet.mac);
    let failed = match (packet.protocol, to) {
        (IPV4, IPV6) => {
            packet.cow(memory, MORE)?;
            packet.header_push(memory, offset, MORE);
            None
        }
        (IPV6, IPV4) => {
            if packet.cloned {
                packet.expand_head(memory, 0, 0)?;
            }
            if packet.header_pop(memory, offset, MORE)? { None } else { Some(errno::ENOMEM) }
        }
        _ => Some(errno::ENOTSUPP),
    };
    if failed.is_none() {
        packet.protocol = to;
        m.context.set_word("hash", 0);
    }
    noted(m, Target::Geometry, offset, MORE, failed)
}

/// `long bpf_skb_change_type(struct sk_buff *skb, u32 type)`
fn bpf_skb_change_type(m: &mut Machine<'_>, [skb, kind, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `PACKET_OTHERHOST`
    const LAST: u32 = 3;
    m.skb(skb, 0)?;
    if m.context.word("pkt_type") > LAST || low(kind) > LAST {
        return Ok(error(errno::EINVAL));
    }
    m.context.set_word("pkt_type", low(kind));
    Ok(0)
}

/// `long bpf_skb_set_tstamp(struct sk_buff *skb, u64 tstamp, u32 tstamp_type)`
fn bpf_skb_set_tstamp(m: &mut Machine<'_>, [skb, time, clock, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    if !matches!(packet.protocol, IPV4 | IPV6) {
        return Ok(error(errno::EOPNOTSUPP));
    }
    // `BPF_SKB_CLOCK_REALTIME`, `_MONOTONIC`, `_TAI`
    match low(clock) {
        0 => {}
        1 | 2 if time != 0 => {}
        _ => return Ok(error(errno::EINVAL)),
    }
    m.context.set("tstamp", &time.to_le_bytes());
    m.context.set("tstamp_type", &[clock.to_le_bytes()[0]]);
    Ok(0)
}

/// `long bpf_clone_redirect(struct sk_buff *skb, u32 ifindex, u64 flags)`
///
/// Which devices there are is not known: each is taken to exist and to take the packet.
fn bpf_clone_redirect(
    m: &mut Machine<'_>,
    [skb, interface, flags, ..]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_INGRESS`
    const INGRESS: u64 = 1;
    let (packet, memory) = m.skb(skb, 0)?;
    if flags & !INGRESS != 0 || low(interface) == 0 {
        return Ok(error(errno::EINVAL));
    }
    // The copy shares the bytes, so that the packet gets others.
    packet.cloned = true;
    let (linear, len) = (packet.linear(), packet.len());
    packet.ensure_writable(memory, linear)?;
    note(m, Target::Geometry, 0, len, Access::Sent(low(interface)));
    Ok(0)
}

/// `long bpf_csum_level(struct sk_buff *skb, u64 level)`
fn bpf_csum_level(m: &mut Machine<'_>, [skb, level, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `SKB_MAX_CSUM_LEVEL`
    const MOST: u8 = 3;
    let (packet, _) = m.skb(skb, 0)?;
    match (level, packet.checksum) {
        // `BPF_CSUM_LEVEL_QUERY`, `_INC`, `_DEC`, `_RESET`
        (0, Checksum::Unnecessary(level)) => return Ok(level.into()),
        (0, _) => return Ok(error(errno::EACCES)),
        (1, Checksum::Unnecessary(level)) => {
            packet.checksum = Checksum::Unnecessary(MOST.min(level + 1));
        }
        (1, Checksum::None) => packet.checksum = Checksum::Unnecessary(0),
        (2, Checksum::Unnecessary(0)) => packet.checksum = Checksum::None,
        (2, Checksum::Unnecessary(level)) => packet.checksum = Checksum::Unnecessary(level - 1),
        (3, _) => reset_level(packet),
        (1 | 2, _) => {}
        _ => return Ok(error(errno::EINVAL)),
    }
    Ok(0)
}

/// `__skb_reset_checksum_unnecessary`
fn reset_level(packet: &mut Packet) {
    if matches!(packet.checksum, Checksum::Unnecessary(_)) {
        packet.checksum = Checksum::None;
    }
}

/// `u32 bpf_get_hash_recalc(struct sk_buff *skb)`
fn bpf_get_hash_recalc(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    match m.context.word("hash") {
        // A kernel computes one with a secret of its own.
        0 => Err(FaultKind::NotModelled("the hash of a flow".to_owned()).into()),
        hash => Ok(hash.into()),
    }
}

/// `long bpf_set_hash(struct sk_buff *skb, u32 hash)`
fn bpf_set_hash(m: &mut Machine<'_>, [skb, hash, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    m.context.set_word("hash", low(hash));
    Ok(0)
}

/// `void bpf_set_hash_invalid(struct sk_buff *skb)`
fn bpf_set_hash_invalid(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    m.context.set_word("hash", 0);
    Ok(0)
}
