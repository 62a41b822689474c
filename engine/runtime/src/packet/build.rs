//! Making the packet that a run begins with, as `BPF_PROG_TEST_RUN` does.

use std::collections::BTreeMap;

use kernel_model::{DataStarts, ProgramType};

use super::{Checksum, Fragment, Kind, Packet};
use crate::fault::{Origin, Stop};
use crate::input::PacketInput;
use crate::machine::Machine;
use crate::memory::Lifetime;

/// The length of an Ethernet header.
pub(crate) const ETHERNET: u32 = 14;
/// Bytes before an skb (`NET_SKB_PAD`) and an XDP frame (`XDP_PACKET_HEADROOM`).
const SKB_HEADROOM: u32 = 64;
const XDP_HEADROOM: u32 = 256;
/// A page, which a fragment and a frame of XDP have.
pub(crate) const PAGE: u32 = 4096;
/// What `struct skb_shared_info` takes of it.
pub(crate) const SHARED_INFO: u32 = 320;

/// Puts the packet into memory.
pub(crate) fn build(
    m: &mut Machine<'_>,
    kind: Kind,
    program_type: &ProgramType,
    input: &PacketInput,
) -> Result<Packet, Stop> {
    let bytes = input.bytes.as_slice();
    let all = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let meta = u32::try_from(input.metadata.len()).unwrap_or(u32::MAX);
    let list: u32 =
        input.layout.list.iter().fold(0u32, |sum, len| sum.saturating_add(*len)).min(all);
    let linear = input.layout.linear.unwrap_or(all - list).min(all - list);
    let (headroom, tailroom) = match kind {
        Kind::Skb => {
            let used = SKB_HEADROOM.saturating_add(linear).saturating_add(SHARED_INFO);
            (SKB_HEADROOM.max(meta), used.next_power_of_two().saturating_sub(used))
        }
        Kind::Xdp => {
            let used = XDP_HEADROOM.saturating_add(linear).saturating_add(SHARED_INFO);
            (XDP_HEADROOM.max(meta), PAGE.saturating_sub(used))
        }
    };
    let capacity = headroom.saturating_add(linear).saturating_add(tailroom);
    let head = m.memory.allocate(capacity as usize, Origin::PacketBuffer, true, Lifetime::Run)?;
    let (start, end) = (headroom as usize, headroom as usize + linear as usize);
    if let Some(place) = m.memory.bytes_mut(head) {
        place[start..end].copy_from_slice(&bytes[..linear as usize]);
        place[start - input.metadata.len()..start].copy_from_slice(&input.metadata);
    }
    let fragments =
        fragments(m, &bytes[linear as usize..], &input.layout.fragments, &input.layout.list)?;
    let hidden = if kind == Kind::Skb { hidden(program_type).min(linear) } else { 0 };
    let (mac, data) = (headroom, headroom + hidden);
    let writable = program_type.packet_write;
    let len = meta + linear - hidden;
    let store = writable && !input.layout.cloned;
    let view = m.memory.run_view(head, data - meta, len, Origin::PacketLinear, store)?;
    let list = input.layout.list.len().min(fragments.len());
    Ok(Packet {
        kind,
        head,
        capacity,
        data,
        tail: headroom + linear,
        meta,
        view,
        slices: BTreeMap::new(),
        fragments,
        list,
        cloned: input.layout.cloned,
        writable,
        mac,
        network: mac + ETHERNET,
        protocol: protocol(bytes),
        vlan: None,
        checksum: Checksum::None,
        tunnel: None,
        ipsec: None,
        encapsulated: false,
        gso_reset: false,
        moved: false,
    })
}

/// How many bytes of link-layer header lie before what programs of a type see.
fn hidden(program_type: &ProgramType) -> u32 {
    match program_type.data_starts {
        // A test run passes on what it was given.
        _ if matches!(program_type.name, "netfilter" | "flow_dissector") => 0,
        DataStarts::LinkLayer | DataStarts::Payload | DataStarts::None => 0,
        DataStarts::NetworkLayer | DataStarts::Varies => ETHERNET,
    }
}

/// What `skb->protocol` becomes (`eth_type_trans`).
fn protocol(frame: &[u8]) -> u16 {
    const LEAST: u16 = 0x600;
    const RAW_802_3: u16 = 0x0001;
    const LLC_802_2: u16 = 0x0004;
    let word = |at: usize| frame.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    match word(12) {
        Some(number) if number >= LEAST => number,
        Some(_) if word(14) == Some(0xffff) => RAW_802_3,
        Some(_) => LLC_802_2,
        None => 0,
    }
}

/// Distributes bytes over fragments.
fn fragments(
    m: &mut Machine<'_>,
    bytes: &[u8],
    lengths: &[u32],
    list: &[u32],
) -> Result<Vec<Fragment>, Stop> {
    let listed: usize = list.iter().map(|len| *len as usize).sum();
    let paged = bytes.len().saturating_sub(listed);
    let mut fragments = Vec::new();
    let (mut rest, mut lengths) = (bytes, lengths.iter());
    let mut left = paged;
    while left > 0 {
        let want = lengths.next().map_or(PAGE as usize, |len| *len as usize);
        let take = want.min(left);
        if take > 0 {
            fragments.push(fragment(m, &rest[..take], fragments.len())?);
        }
        rest = &rest[take..];
        left -= take;
    }
    for len in list {
        let take = (*len as usize).min(rest.len());
        fragments.push(fragment(m, &rest[..take], fragments.len())?);
        rest = &rest[take..];
    }
    Ok(fragments)
}

fn fragment(m: &mut Machine<'_>, bytes: &[u8], index: usize) -> Result<Fragment, Stop> {
    let origin = Origin::PacketFragment(u16::try_from(index).unwrap_or(u16::MAX));
    let room = bytes.len().max(PAGE as usize);
    let id = m.memory.allocate(room, origin, true, Lifetime::Run)?;
    if let Some(place) = m.memory.bytes_mut(id) {
        place[..bytes.len()].copy_from_slice(bytes);
    }
    Ok(Fragment { id, start: 0, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX) })
}
