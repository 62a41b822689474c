//! Packets: bytes in a linear part and fragments, as an skb or an XDP frame has them.

mod build;
mod bytes;

use kernel_model::ProgramType;

use crate::fault::{FaultKind, Origin, Stop};
use crate::input::Layout;
use crate::machine::Machine;
use crate::memory::{Address, AllocId};

pub(crate) use build::build;

/// Which structure of the kernel a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Skb,
    Xdp,
}

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
    /// Direct slices into the packet that have been handed out.
    pub(crate) slices: Vec<AllocId>,
    pub(crate) fragments: Vec<Fragment>,
    /// How many of the last fragments are packets of the list of an skb.
    pub(crate) list: usize,
    /// The bytes are shared with another skb.
    pub(crate) cloned: bool,
    /// Programs may write to the bytes.
    pub(crate) writable: bool,
    /// How many bytes of link-layer header lie before what the program sees.
    pub(crate) hidden: u32,
    /// `skb->protocol`, in the order of bytes of the network.
    pub(crate) protocol: u16,
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
}

/// The bytes of the packet.
pub(crate) fn contents(m: &Machine<'_>) -> Option<Vec<u8>> {
    let packet = m.packet.as_ref()?;
    let mut bytes = vec![0; packet.len() as usize];
    bytes::load(m, packet, 0, &mut bytes);
    Some(bytes)
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

/// Makes the linear part writable for the first direct store. A kernel does that before the program begins, if it has a
/// store to the packet; here the program may go on and be told.
pub(crate) fn unshare_for_store(m: &mut Machine<'_>) {
    if let Some(packet) = &mut m.packet
        && packet.cloned
        && packet.writable
    {
        packet.cloned = false;
        m.memory.make_writable(packet.view);
    }
}

/// What the prologue does that un-shares the packet; a result ends the program.
pub(crate) fn unshare_at_entry(m: &mut Machine<'_>, _: &ProgramType) -> Result<Option<u64>, Stop> {
    unshare_for_store(m);
    Ok(None)
}

/// `LD_ABS` and `LD_IND`: a number of `size` bytes at an offset; `None` if the packet is too short.
pub(crate) fn load_absolute(m: &Machine<'_>, offset: i32, size: u32) -> Result<Option<u64>, Stop> {
    let Some(packet) = &m.packet else {
        return Err(FaultKind::NotModelled("a load without a packet".to_owned()).into());
    };
    let Ok(offset) = u32::try_from(offset) else {
        return Err(FaultKind::NotModelled("a load at a negative offset".to_owned()).into());
    };
    let mut bytes = [0; 8];
    let size = size.min(4) as usize;
    Ok(bytes::load(m, packet, offset, &mut bytes[8 - size..]).then(|| u64::from_be_bytes(bytes)))
}

/// The origin of the view that programs have of the linear part.
const VIEW: Origin = Origin::PacketLinear;
