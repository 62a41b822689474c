//! Packets: bytes in a linear part and fragments, as an skb or an XDP frame has them.
//!
//! What changes a packet's geometry sets [`Packet::moved`] or is declared by the model to change it; then
//! [`renew`] ends every pointer into the packet that the program holds, so that a later access through one is a fault that
//! names the call, and gives the context new ones.

mod build;
mod bytes;
mod object;
mod skb;
mod xdp;

use std::collections::BTreeMap;

use kernel_model::ProgramType;

use crate::fault::{FaultKind, Origin, Stop};
use crate::input::Layout;
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Memory};

pub(crate) use build::{ETHERNET, build};
pub(crate) use bytes::Place;
pub(crate) use object::{kernel_object, kernel_offset, sk_buff};

/// Which structure of the kernel a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Skb,
    Xdp,
}

/// What tells direct slices apart: the allocation, where in it, how long, the offset asked for, whether it is written
/// through.
pub(crate) type SliceKey = (AllocId, u32, u32, u32, bool);

/// A packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) kind: Kind,
    /// The linear part with the room around it.
    pub(crate) head: AllocId,
    /// The length of `head` that may be used.
    pub(crate) capacity: u32,
    /// Where the bytes of the packet begin in `head`.
    pub(crate) data: u32,
    /// Where the linear part ends in `head`.
    pub(crate) tail: u32,
    /// How many bytes of metadata lie before `data`.
    pub(crate) meta: u32,
    /// What `ctx->data` points into: from the metadata to the end of the linear part.
    pub(crate) view: AllocId,
    /// Direct slices into the packet that have been handed out. The same one is given again when it is asked for again.
    pub(crate) slices: BTreeMap<SliceKey, AllocId>,
    pub(crate) fragments: Vec<Fragment>,
    /// How many of the last fragments are packets of the list of an skb.
    pub(crate) list: usize,
    /// The bytes are shared with another skb.
    pub(crate) cloned: bool,
    /// Programs may write to the bytes.
    pub(crate) writable: bool,
    /// Where the link-layer header begins in `head`; it can lie before `data`.
    pub(crate) mac: u32,
    /// Where the network-layer header begins in `head`.
    pub(crate) network: u32,
    /// `skb->protocol`, as a number.
    pub(crate) protocol: u16,
    /// The tag that is beside the packet: protocol and control information.
    pub(crate) vlan: Option<(u16, u16)>,
    pub(crate) checksum: Checksum,
    /// The tunnel that the packet is to go into.
    pub(crate) tunnel: Option<Box<Tunnel>>,
    /// The interface of IPsec that the packet is to go through, and the one below it.
    pub(crate) ipsec: Option<[u8; 8]>,
    /// The packet has been encapsulated by `bpf_skb_adjust_room`.
    pub(crate) encapsulated: bool,
    /// The sum of gso is not as it was.
    pub(crate) gso_reset: bool,
    /// Pointers into the packet are no longer right.
    pub(crate) moved: bool,
}

/// What an skb carries about a tunnel (`struct ip_tunnel_info`).
#[derive(Clone, Debug)]
pub(crate) struct Tunnel {
    pub(crate) id: u32,
    pub(crate) is_ipv6: bool,
    /// Addresses; those of IPv4 are the first 4 bytes.
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) service: u8,
    pub(crate) hops: u8,
    pub(crate) flags: u16,
    pub(crate) label: u32,
    pub(crate) options: Vec<u8>,
    /// The ports of UDP that it is encapsulated in (`struct bpf_fou_encap`).
    pub(crate) ports: [u8; 4],
}

/// What is known of the checksum of an skb (`ip_summed`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Nothing.
    None,
    /// It is right, that many layers deep.
    Unnecessary(u8),
    /// The sum over all bytes.
    Complete(u32),
}

/// A part of a packet behind the linear one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) id: AllocId,
    /// Where its bytes begin.
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Packet {
    /// How many bytes are linear.
    pub(crate) fn linear(&self) -> u32 {
        self.tail - self.data
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> u32 {
        self.fragments.iter().fold(self.linear(), |sum, fragment| sum.saturating_add(fragment.len))
    }

    /// The address of the first byte.
    pub(crate) fn data_address(&self) -> Address {
        self.view.at(self.meta.into())
    }

    /// The address of the metadata.
    pub(crate) fn meta_address(&self) -> Address {
        self.view.at(0)
    }

    /// The address behind the linear part.
    pub(crate) fn end_address(&self) -> Address {
        self.view.at(i64::from(self.meta) + i64::from(self.linear()))
    }

    /// The parts in their order: allocation, where in it, how long.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (AllocId, u32, u32)> {
        let fragments = self.fragments.iter().map(|one| (one.id, one.start, one.len));
        std::iter::once((self.head, self.data, self.linear())).chain(fragments)
    }

    /// Takes bytes from the front of what is behind the linear part.
    fn drop_front(&mut self, mut count: u32) {
        for fragment in &mut self.fragments {
            let take = count.min(fragment.len);
            fragment.start += take;
            fragment.len -= take;
            count -= take;
        }
        self.remove_empty();
    }

    fn remove_empty(&mut self) {
        let pages = self.fragments.len() - self.list;
        let listed = self.fragments.iter().skip(pages);
        self.list = listed.filter(|fragment| fragment.len > 0).count();
        self.fragments.retain(|fragment| fragment.len > 0);
    }
}

impl Machine<'_> {
    /// The packet, if an argument is the context of an skb, or the kernel's structure for it.
    pub(crate) fn skb(
        &mut self,
        address: Address,
        argument: u8,
    ) -> Result<(&mut Packet, &mut Memory), Stop> {
        let is_skb = match self.memory.origin_at(address) {
            Some((Origin::Context, _, 0)) => true,
            Some((Origin::Object { name }, _, 0)) => &**name == "struct sk_buff",
            _ => false,
        };
        let wrong = self.wrong_argument(argument, "an skb");
        match &mut self.packet {
            Some(packet) if is_skb && packet.kind == Kind::Skb => Ok((packet, &mut self.memory)),
            _ => Err(wrong),
        }
    }

    /// The packet, if an argument is the context of XDP.
    pub(crate) fn xdp(
        &mut self,
        address: Address,
        argument: u8,
    ) -> Result<(&mut Packet, &mut Memory), Stop> {
        let is_context = matches!(self.memory.origin_at(address), Some((Origin::Context, _, 0)));
        let wrong = self.wrong_argument(argument, "an XDP context");
        match &mut self.packet {
            Some(packet) if is_context && packet.kind == Kind::Xdp => {
                Ok((packet, &mut self.memory))
            }
            _ => Err(wrong),
        }
    }
}

/// Ends the pointers into the packet and makes new ones.
pub(crate) fn renew(m: &mut Machine<'_>) -> Result<(), Stop> {
    let death = m.death();
    let Some(packet) = &mut m.packet else { return Ok(()) };
    m.memory.kill(packet.view, death.clone());
    for slice in std::mem::take(&mut packet.slices).into_values() {
        m.memory.kill(slice, death.clone());
    }
    packet.moved = false;
    let (from, len) = (packet.data - packet.meta, packet.meta + packet.linear());
    let writable = packet.writable && !packet.cloned;
    packet.view = m.memory.run_view(packet.head, from, len, Origin::PacketLinear, writable)?;
    Ok(())
}

/// [`renew`], if pointers are no longer right.
pub(crate) fn renew_if_moved(m: &mut Machine<'_>) -> Result<(), Stop> {
    match &m.packet {
        Some(packet) if packet.moved => renew(m),
        _ => Ok(()),
    }
}

/// The bytes of the packet.
pub(crate) fn contents(m: &Machine<'_>) -> Option<Vec<u8>> {
    let packet = m.packet.as_ref()?;
    packet.bytes(&m.memory, 0, packet.len() as usize)
}

/// The metadata of the packet.
pub(crate) fn metadata(m: &Machine<'_>) -> Vec<u8> {
    let Some(packet) = &m.packet else { return Vec::new() };
    let head = m.memory.bytes(packet.head).unwrap_or_default();
    let range = (packet.data - packet.meta) as usize..packet.data as usize;
    head.get(range).unwrap_or_default().to_vec()
}

/// How the packet lies in memory.
pub(crate) fn layout(m: &Machine<'_>) -> Layout {
    let Some(packet) = &m.packet else { return Layout::default() };
    let lengths = packet.fragments.iter().map(|fragment| fragment.len);
    let pages = packet.fragments.len() - packet.list;
    Layout {
        linear: Some(packet.linear()),
        fragments: lengths.clone().take(pages).collect(),
        list: lengths.skip(pages).collect(),
        cloned: packet.cloned,
    }
}

/// Makes the linear part of a clone writable for the first direct store. A kernel does that before the program begins, if
/// the verifier saw a store to the packet; here it is known when the store comes.
pub(crate) fn unshare_for_store(m: &mut Machine<'_>) {
    if let Some(packet) = &mut m.packet
        && packet.cloned
        && packet.writable
    {
        packet.cloned = false;
        m.memory.make_writable(packet.view);
    }
}

/// What the kernel puts before the first instruction of a program that may write through slices: a clone gets bytes of its
/// own. A result ends the program.
pub(crate) fn unshare_at_entry(m: &mut Machine<'_>, _: &ProgramType) -> Result<Option<u64>, Stop> {
    let Some(packet) = &mut m.packet else { return Ok(None) };
    if packet.cloned {
        // Nothing beyond the linear part is touched, so that it cannot fail for the packet's sake.
        packet.ensure_writable(&mut m.memory, packet.linear())?;
        renew(m)?;
    }
    Ok(None)
}

/// `LD_ABS` and `LD_IND`: a number of `size` bytes at an offset; `None` if the packet is too short.
pub(crate) fn load_absolute(m: &Machine<'_>, offset: i32, size: u32) -> Result<Option<u64>, Stop> {
    /// Where negative offsets count from the network and the link-layer header (`SKF_NET_OFF`, `SKF_LL_OFF`).
    const NETWORK: i32 = -0x10_0000;
    const LINK: i32 = -0x20_0000;
    let Some(packet) = &m.packet else {
        return Err(FaultKind::NotModelled("a load without a packet".to_owned()).into());
    };
    let size = size.min(4) as usize;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if let Ok(offset) = u32::try_from(offset) {
        return Ok(packet.bytes(&m.memory, offset, size).map(|bytes| number(&bytes)));
    }
    let (base, offset) = match offset {
        NETWORK.. => (packet.network, offset - NETWORK),
        LINK.. => (packet.mac, offset - LINK),
        _ => return Ok(None),
    };
    let start = base as usize + usize::try_from(offset).unwrap_or(usize::MAX);
    let head = m.memory.bytes(packet.head).unwrap_or_default();
    let linear = head.get(..packet.tail as usize).unwrap_or_default();
    Ok(start.checked_add(size).and_then(|end| linear.get(start..end)).map(number))
}
