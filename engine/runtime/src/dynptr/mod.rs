//! Dynptrs: pointers that know how far they reach, over memory, packets and metadata.
//!
//! A dynptr is 16 bytes of the program's memory, laid out as in the kernel (`struct bpf_dynptr_kern`): what it is over, its
//! size with its kind and whether it is read-only in the upper bits, and its offset. One whose first word is 0 is null.
//! Errors and the order of checks are those of Linux 6.18.
//!
//! What makes and describes them is here; [`slice`], [`access`] and [`bulk`] have what gets at the bytes.

pub(crate) mod access;
pub(crate) mod bulk;
pub(crate) mod slice;

use crate::event::{Access, Event, Target};
use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_dynptr_adjust", bpf_dynptr_adjust),
    ("bpf_dynptr_clone", bpf_dynptr_clone),
    ("bpf_dynptr_from_mem", bpf_dynptr_from_mem),
    ("bpf_dynptr_from_skb", bpf_dynptr_from_skb),
    ("bpf_dynptr_from_skb_meta", bpf_dynptr_from_skb_meta),
    ("bpf_dynptr_from_xdp", bpf_dynptr_from_xdp),
    ("bpf_dynptr_is_null", bpf_dynptr_is_null),
    ("bpf_dynptr_is_rdonly", bpf_dynptr_is_rdonly),
    ("bpf_dynptr_size", bpf_dynptr_size),
];

/// The greatest size (`DYNPTR_MAX_SIZE`).
const MOST: u32 = (1 << 24) - 1;
/// `DYNPTR_RDONLY_BIT`
const READ_ONLY: u32 = 1 << 31;
/// Where the kind stands (`DYNPTR_TYPE_SHIFT`).
const KIND: u32 = 28;
/// Offsets and lengths in frames of XDP beyond this are not accessed directly.
const XDP_MOST: u32 = 0xffff;

/// What a dynptr is over (`enum bpf_dynptr_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local = 1,
    Ringbuf,
    Skb,
    Xdp,
    SkbMeta,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Local, Self::Ringbuf, Self::Skb, Self::Xdp, Self::SkbMeta];

    fn target(self) -> Target {
        match self {
            Self::Local | Self::Ringbuf => Target::Memory,
            Self::Skb | Self::Xdp => Target::Packet,
            Self::SkbMeta => Target::Metadata,
        }
    }
}

/// A dynptr that is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dynptr {
    /// The memory, or the context of the packet.
    pub(crate) data: Address,
    pub(crate) kind: Kind,
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) read_only: bool,
}

/// The lower half of a register.
#[expect(clippy::cast_possible_truncation, reason = "parameters have 32 bits")]
fn low(register: u64) -> u32 {
    register as u32
}

/// An errno as a kfunc returns it: an `int`.
fn int(number: i32) -> u64 {
    error(number) & 0xffff_ffff
}

impl Dynptr {
    /// The dynptr at an address; `None` if it is null.
    ///
    /// # Errors
    ///
    /// If the bytes there are no dynptr.
    pub(crate) fn load(m: &Machine<'_>, at: Address, argument: u8) -> Result<Option<Self>, Stop> {
        let data = m.memory.read_u64(at)?;
        let word = m.memory.read_u32(at.wrapping_add(8))?;
        let offset = m.memory.read_u32(at.wrapping_add(12))?;
        if data == 0 {
            return Ok(None);
        }
        let (size, number) = (word & MOST, word >> KIND & 7);
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u32 == number);
        // Sizes shrink by what offsets grow, so that their sum stays what a size can be.
        match kind.filter(|_| offset <= MOST - size) {
            Some(kind) => {
                Ok(Some(Self { data, kind, size, offset, read_only: word & READ_ONLY != 0 }))
            }
            None => Err(m.wrong_argument(argument, "a dynptr")),
        }
    }

    /// Writes it to an address.
    pub(crate) fn store(self, m: &mut Machine<'_>, at: Address) -> Result<(), Stop> {
        let kind = (self.kind as u32) << KIND;
        let size = self.size.min(MOST) | kind | if self.read_only { READ_ONLY } else { 0 };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.data.to_le_bytes());
        bytes[8..12].copy_from_slice(&size.to_le_bytes());
        bytes[12..].copy_from_slice(&self.offset.to_le_bytes());
        m.memory.put(at, &bytes)
    }

    /// `bpf_dynptr_check_off_len`
    fn holds(self, offset: u32, len: u32) -> bool {
        len <= self.size && offset <= self.size - len
    }
}

/// Makes a dynptr null (`bpf_dynptr_set_null`).
pub(crate) fn set_null(m: &mut Machine<'_>, at: Address) -> Result<(), Stop> {
    m.memory.put(at, &[0; 16])
}

fn note(m: &mut Machine<'_>, dynptr: Dynptr, offset: u32, len: u32, result: Access) {
    let event = Event {
        function: m.callee(),
        target: dynptr.kind.target(),
        offset: dynptr.offset.wrapping_add(offset),
        len,
        result,
        at: m.location(),
    };
    m.record(event);
}

/// `int bpf_dynptr_from_mem(void *data, u32 size, u64 flags, struct bpf_dynptr *ptr)`
fn bpf_dynptr_from_mem(
    m: &mut Machine<'_>,
    [data, size, flags, to, _]: [u64; 5],
) -> Result<u64, Stop> {
    let size = low(size);
    let failed = match (size, flags) {
        (size, _) if size > MOST => errno::E2BIG,
        (_, 0) => {
            let dynptr = Dynptr { data, kind: Kind::Local, size, offset: 0, read_only: false };
            dynptr.store(m, to)?;
            return Ok(0);
        }
        _ => errno::EINVAL,
    };
    set_null(m, to)?;
    Ok(error(failed))
}

/// `int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit)`
fn bpf_dynptr_from_skb(m: &mut Machine<'_>, [skb, flags, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    let (size, read_only) = (packet.len(), !packet.writable);
    of_packet(m, Kind::Skb, skb, size, read_only, flags, to)
}

/// `int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr__uninit)`
fn bpf_dynptr_from_skb_meta(
    m: &mut Machine<'_>,
    [skb, flags, to, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let (packet, _) = m.skb(skb, 0)?;
    let (size, read_only) = (packet.meta, packet.cloned);
    of_packet(m, Kind::SkbMeta, skb, size, read_only, flags, to)
}

/// `int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit)`
fn bpf_dynptr_from_xdp(m: &mut Machine<'_>, [xdp, flags, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (packet, _) = m.xdp(xdp, 0)?;
    let size = packet.len();
    of_packet(m, Kind::Xdp, xdp, size, false, flags, to)
}

fn of_packet(
    m: &mut Machine<'_>,
    kind: Kind,
    data: Address,
    size: u32,
    read_only: bool,
    flags: u64,
    to: Address,
) -> Result<u64, Stop> {
    if flags != 0 {
        set_null(m, to)?;
        return Ok(int(errno::EINVAL));
    }
    Dynptr { data, kind, size, offset: 0, read_only }.store(m, to)?;
    Ok(0)
}

/// `int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end)`
fn bpf_dynptr_adjust(m: &mut Machine<'_>, [at, start, end, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (start, end) = (low(start), low(end));
    let Some(dynptr) = Dynptr::load(m, at, 0)? else { return Ok(int(errno::EINVAL)) };
    if start > end {
        return Ok(int(errno::EINVAL));
    }
    if start > dynptr.size || end > dynptr.size {
        return Ok(int(errno::ERANGE));
    }
    Dynptr { offset: dynptr.offset + start, size: end - start, ..dynptr }.store(m, at)?;
    Ok(0)
}

/// `bool bpf_dynptr_is_null(const struct bpf_dynptr *p)`
fn bpf_dynptr_is_null(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(Dynptr::load(m, at, 0)?.is_none().into())
}

/// `bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p)`
fn bpf_dynptr_is_rdonly(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(Dynptr::load(m, at, 0)?.is_some_and(|dynptr| dynptr.read_only).into())
}

/// `__u32 bpf_dynptr_size(const struct bpf_dynptr *p)`
fn bpf_dynptr_size(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(Dynptr::load(m, at, 0)?.map_or(int(errno::EINVAL), |dynptr| dynptr.size.into()))
}

/// `int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit)`
fn bpf_dynptr_clone(m: &mut Machine<'_>, [at, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    match Dynptr::load(m, at, 0)? {
        Some(dynptr) => {
            dynptr.store(m, to)?;
            Ok(0)
        }
        None => {
            set_null(m, to)?;
            Ok(int(errno::EINVAL))
        }
    }
}

fn outcome(failed: Option<i32>) -> Access {
    failed.map_or(Access::Done, |errno| Access::Error(-errno))
}
