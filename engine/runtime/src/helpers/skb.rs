//! Helpers over skbs: bytes in and out, pulling, changing lengths and headers, checksums. Orders of checks and errors are
//! those of `net/core/filter.c` in Linux 6.18.

use super::{Table, errno, error};
use crate::checksum;
use crate::event::{Access, Event, Target};
use crate::fault::Stop;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::packet::{Checksum, Packet};

pub(super) const TABLE: &Table = &[
    ("bpf_csum_diff", bpf_csum_diff),
    ("bpf_csum_update", bpf_csum_update),
    ("bpf_l3_csum_replace", bpf_l3_csum_replace),
    ("bpf_l4_csum_replace", bpf_l4_csum_replace),
    ("bpf_skb_change_head", bpf_skb_change_head),
    ("bpf_skb_change_tail", bpf_skb_change_tail),
    ("bpf_skb_load_bytes", bpf_skb_load_bytes),
    ("bpf_skb_load_bytes_relative", bpf_skb_load_bytes_relative),
    ("bpf_skb_pull_data", bpf_skb_pull_data),
    ("bpf_skb_store_bytes", bpf_skb_store_bytes),
    ("bpf_skb_vlan_pop", bpf_skb_vlan_pop),
    ("bpf_skb_vlan_push", bpf_skb_vlan_push),
];

/// `BPF_F_RECOMPUTE_CSUM`
const RECOMPUTE_CSUM: u64 = 1;
/// `BPF_F_INVALIDATE_HASH`
const INVALIDATE_HASH: u64 = 2;
/// The greatest offset of helpers that take one.
const MOST: u32 = i32::MAX.cast_unsigned();
/// The most bytes a packet can be made to have: four pages but for `struct skb_shared_info` (`SKB_MAX_ALLOC`).
pub(super) const MAX_LEN: u32 = 4 * 4096 - 320;

#[expect(clippy::cast_possible_truncation, reason = "parameters have 32 bits")]
pub(crate) fn low(register: u64) -> u32 {
    register as u32
}

pub(crate) fn note(m: &mut Machine<'_>, target: Target, offset: u32, len: u32, result: Access) {
    let event = Event { function: m.callee(), target, offset, len, result, at: m.location() };
    m.record(event);
}

/// Notes what was done, or the error, which becomes the result.
pub(super) fn noted(
    m: &mut Machine<'_>,
    target: Target,
    offset: u32,
    len: u32,
    failed: Option<i32>,
) -> Result<u64, Stop> {
    let result = failed.map_or(Access::Done, |errno| Access::Error(-errno));
    note(m, target, offset, len, result);
    Ok(failed.map_or(0, error))
}

/// Stores bytes into the skb (`__bpf_skb_store_bytes`); an error, if there is one.
pub(crate) fn store(
    m: &mut Machine<'_>,
    offset: u32,
    bytes: &[u8],
    flags: u64,
) -> Result<Option<i32>, Stop> {
    if flags & !(RECOMPUTE_CSUM | INVALIDATE_HASH) != 0 {
        return Ok(Some(errno::EINVAL));
    }
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (Some(packet), memory) = (&mut m.packet, &mut m.memory) else {
        return Ok(Some(errno::EFAULT));
    };
    if offset > MOST || !packet.ensure_writable(memory, offset.saturating_add(len))? {
        return Ok(Some(errno::EFAULT));
    }
    if flags & RECOMPUTE_CSUM != 0 {
        let old = packet.bytes(memory, offset, bytes.len()).unwrap_or_default();
        packet.subtract(&old, offset);
        packet.add(bytes, offset);
    }
    packet.copy_in(memory, offset, bytes);
    if flags & INVALIDATE_HASH != 0 {
        m.context.set_word("hash", 0);
    }
    Ok(None)
}

/// `long bpf_skb_store_bytes(struct sk_buff *skb, u32 offset, const void *from, u32 len, u64 flags)`
fn bpf_skb_store_bytes(
    m: &mut Machine<'_>,
    [skb, offset, from, len, flags]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    let (offset, len) = (low(offset), low(len));
    let bytes = m.memory.read(from, len as usize)?.to_vec();
    let failed = store(m, offset, &bytes, flags)?;
    noted(m, Target::Packet, offset, len, failed)
}

/// `long bpf_skb_load_bytes(const void *skb, u32 offset, void *to, u32 len)`
fn bpf_skb_load_bytes(
    m: &mut Machine<'_>,
    [skb, offset, to, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    load(m, low(offset), to, low(len))
}

fn load(m: &mut Machine<'_>, offset: u32, to: u64, len: u32) -> Result<u64, Stop> {
    let bytes = m.packet.as_ref().filter(|_| offset <= MOST);
    let bytes = bytes.and_then(|packet| packet.bytes(&m.memory, offset, len as usize));
    let failed = if bytes.is_none() { Some(errno::EFAULT) } else { None };
    // What cannot be read is zero.
    m.memory.put(to, &bytes.unwrap_or_else(|| vec![0; len as usize]))?;
    noted(m, Target::Packet, offset, len, failed)
}

/// `long bpf_skb_load_bytes_relative(const void *skb, u32 offset, void *to, u32 len, u32 start_header)`
fn bpf_skb_load_bytes_relative(
    m: &mut Machine<'_>,
    [skb, offset, to, len, start]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    let (offset, len) = (low(offset), low(len));
    let bytes = m.packet.as_ref().and_then(|packet| {
        // `BPF_HDR_START_MAC`, `BPF_HDR_START_NET`; only what is linear can be read.
        let base = match low(start) {
            0 => packet.mac,
            1 => packet.network,
            _ => return None,
        };
        let from = base.checked_add(offset).filter(|_| offset <= 0xffff)?;
        let to = from.checked_add(len).filter(|to| *to <= packet.tail)?;
        let head = m.memory.bytes(packet.head)?.get(from as usize..to as usize)?;
        Some((head.to_vec(), from.saturating_sub(packet.data)))
    });
    let failed = if bytes.is_none() { Some(errno::EFAULT) } else { None };
    let (bytes, at) = bytes.unwrap_or_else(|| (vec![0; len as usize], offset));
    m.memory.put(to, &bytes)?;
    noted(m, Target::Packet, at, len, failed)
}

/// `long bpf_skb_pull_data(struct sk_buff *skb, u32 len)`
fn bpf_skb_pull_data(m: &mut Machine<'_>, [skb, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, memory) = m.skb(skb, 0)?;
    let len = if low(len) == 0 { packet.linear() } else { low(len) };
    let pulled = packet.ensure_writable(memory, len)?;
    noted(m, Target::Geometry, 0, len, if pulled { None } else { Some(errno::ENOMEM) })
}

/// `long bpf_skb_change_tail(struct sk_buff *skb, u32 len, u64 flags)`
fn bpf_skb_change_tail(m: &mut Machine<'_>, [skb, len, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, memory) = m.skb(skb, 0)?;
    let len = low(len);
    // `__bpf_skb_min_len`; where the transport header is, is not known.
    let least = packet.network.saturating_sub(packet.data);
    if flags != 0 || len > MAX_LEN || len < least {
        return Ok(error(errno::EINVAL));
    }
    if packet.encapsulated {
        return Ok(error(errno::ENOTSUPP));
    }
    if !packet.ensure_writable(memory, least)? {
        return noted(m, Target::Geometry, 0, len, Some(errno::ENOMEM));
    }
    if len > packet.len() {
        packet.grow(memory, len)?;
    } else if len < packet.len() {
        packet.trim(memory, len)?;
    }
    noted(m, Target::Geometry, 0, len, None)
}

/// `long bpf_skb_change_head(struct sk_buff *skb, u32 len, u64 flags)`
fn bpf_skb_change_head(m: &mut Machine<'_>, [skb, len, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let is_gso = m.context.word("gso_size") != 0;
    let (packet, memory) = m.skb(skb, 0)?;
    let len = low(len);
    let too_long = packet.len().checked_add(len).is_none_or(|len| len > MAX_LEN) && !is_gso;
    if flags != 0 || len > MOST || too_long {
        return Ok(error(errno::EINVAL));
    }
    packet.cow(memory, len)?;
    packet.push_zeros(memory, len);
    noted(m, Target::Geometry, 0, len, None)
}

/// `long bpf_skb_vlan_push(struct sk_buff *skb, __be16 vlan_proto, u16 vlan_tci)`
fn bpf_skb_vlan_push(
    m: &mut Machine<'_>,
    [skb, protocol, control, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let (packet, memory) = m.skb(skb, 0)?;
    let protocol = (protocol & 0xffff) as u16;
    let control = (control & 0xffff) as u16;
    let protocol = match protocol.swap_bytes() {
        0x88a8 => 0x88a8,
        _ => 0x8100,
    };
    if let Some(tag) = packet.vlan {
        // The kernel warns of a packet that does not begin with its link-layer header.
        if packet.mac != packet.data {
            return Ok(error(errno::EINVAL));
        }
        packet.insert_tag(memory, tag)?;
    }
    // The tag is beside the packet.
    packet.vlan = Some((protocol, control));
    packet.moved = true;
    noted(m, Target::Geometry, 0, 4, None)
}

/// `long bpf_skb_vlan_pop(struct sk_buff *skb)`
fn bpf_skb_vlan_pop(m: &mut Machine<'_>, [skb, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, memory) = m.skb(skb, 0)?;
    let mut failed = None;
    let mut pop = |packet: &mut Packet, memory: &mut Memory| -> Result<Option<u16>, Stop> {
        let control = match packet.mac == packet.data {
            true => packet.remove_tag(memory)?,
            false => None,
        };
        failed = if control.is_none() { Some(errno::ENOMEM) } else { None };
        Ok(control)
    };
    let had_tag = packet.vlan.take().is_some();
    // Without a tag beside it the one in the packet goes.
    let goes_on = had_tag || (Packet::is_tag(packet.protocol) && pop(packet, memory)?.is_some());
    // The next one comes to stand beside the packet.
    if goes_on && Packet::is_tag(packet.protocol) {
        let protocol = packet.protocol;
        packet.vlan = pop(packet, memory)?.map(|control| (protocol, control));
    }
    packet.moved = true;
    noted(m, Target::Geometry, 0, 4, failed)
}

/// `long bpf_csum_diff(__be32 *from, u32 from_size, __be32 *to, u32 to_size, __wsum seed)`
fn bpf_csum_diff(
    m: &mut Machine<'_>,
    [from, from_size, to, to_size, seed]: [u64; 5],
) -> Result<u64, Stop> {
    let (from_size, to_size, seed) = (low(from_size), low(to_size), low(seed));
    if from_size % 4 != 0 || to_size % 4 != 0 {
        return Ok(error(errno::EINVAL));
    }
    let sum = |m: &Machine<'_>, at, size: u32, seed| -> Result<u32, Stop> {
        Ok(if size == 0 {
            seed
        } else {
            checksum::partial(m.memory.read(at, size as usize)?, seed)
        })
    };
    let result = match (from_size, to_size) {
        (0, 0) => seed,
        (0, _) => sum(m, to, to_size, seed)?,
        (_, 0) => !sum(m, from, from_size, !seed)?,
        _ => checksum::subtract(sum(m, to, to_size, seed)?, sum(m, from, from_size, 0)?),
    };
    Ok(checksum::folded(result).into())
}

/// `s64 bpf_csum_update(struct sk_buff *skb, __wsum csum)`
fn bpf_csum_update(m: &mut Machine<'_>, [skb, sum, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    match packet.checksum {
        Checksum::Complete(known) => {
            let known = checksum::add(known, low(sum));
            packet.checksum = Checksum::Complete(known);
            Ok(known.into())
        }
        _ => Ok(error(errno::ENOTSUPP)),
    }
}

/// `long bpf_l3_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 size)`
fn bpf_l3_csum_replace(
    m: &mut Machine<'_>,
    [skb, offset, from, to, flags]: [u64; 5],
) -> Result<u64, Stop> {
    m.skb(skb, 0)?;
    if flags & !0xf != 0 {
        return Ok(error(errno::EINVAL));
    }
    replace(m, low(offset), from, to, flags & 0xf, Zero::Plain)
}

/// `long bpf_l4_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags)`
fn bpf_l4_csum_replace(
    m: &mut Machine<'_>,
    [skb, offset, from, to, flags]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_PSEUDO_HDR`, `BPF_F_MARK_MANGLED_0`, `BPF_F_MARK_ENFORCE`, `BPF_F_IPV6`
    const PSEUDO: u64 = 1 << 4;
    const MANGLED: u64 = 1 << 5;
    const ENFORCE: u64 = 1 << 6;
    const IPV6: u64 = 1 << 7;
    m.skb(skb, 0)?;
    if flags & !(0xf | PSEUDO | MANGLED | ENFORCE | IPV6) != 0 {
        return Ok(error(errno::EINVAL));
    }
    let zero = match (flags & MANGLED != 0, flags & ENFORCE != 0) {
        (false, _) => Zero::Plain,
        (true, false) => Zero::None,
        (true, true) => Zero::Mangled,
    };
    replace(m, low(offset), from, to, flags & 0xf, zero)
}

/// What a checksum of zero means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    /// What it says.
    Plain,
    /// That there is none, which stays so; a sum of zero is written as its complement.
    None,
    /// A sum of zero is written as its complement.
    Mangled,
}

/// Replaces a part of what a checksum in the packet is over.
fn replace(
    m: &mut Machine<'_>,
    offset: u32,
    from: u64,
    to: u64,
    size: u64,
    zero: Zero,
) -> Result<u64, Stop> {
    if offset > 0xffff || offset & 1 != 0 {
        return Ok(error(errno::EFAULT));
    }
    let (Some(packet), memory) = (&mut m.packet, &mut m.memory) else {
        return Ok(error(errno::EFAULT));
    };
    if !packet.ensure_writable(memory, offset + 2)? {
        return Ok(error(errno::EFAULT));
    }
    let old = packet.bytes(memory, offset, 2).unwrap_or_default();
    let old = u16::from_le_bytes([old[0], old[1]]);
    if zero == Zero::None && old == 0 {
        return Ok(0);
    }
    let (from, to) = (low(from), low(to));
    let difference = match size {
        0 if from == 0 => to,
        2 => checksum::subtract(to & 0xffff, from & 0xffff),
        4 => checksum::subtract(to, from),
        _ => return Ok(error(errno::EINVAL)),
    };
    let new = checksum::finished(checksum::add(u32::from(!old), difference));
    let new = if zero != Zero::Plain && new == 0 { 0xffff } else { new };
    packet.copy_in(memory, offset, &new.to_le_bytes());
    Ok(0)
}
