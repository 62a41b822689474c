//! Dynptrs: pointers that know how far they reach, over memory, packets and metadata.
//!
//! A dynptr is 16 bytes of the program's memory, laid out as in the kernel (`struct bpf_dynptr_kern`): what it is over, its
//! size with its kind and whether it is read-only in the upper bits, and its offset. One whose first word is 0 is null.
//! Errors and the order of checks are those of Linux 6.18.

mod bulk;
mod slice;

use crate::event::{Access, Event, Target};
use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) use bulk::TABLE as BULK;
pub(crate) use slice::TABLE as SLICES;

pub(crate) const TABLE: &Table = &[
    ("bpf_dynptr_adjust", bpf_dynptr_adjust),
    ("bpf_dynptr_clone", bpf_dynptr_clone),
    ("bpf_dynptr_from_mem", bpf_dynptr_from_mem),
    ("bpf_dynptr_from_skb", bpf_dynptr_from_skb),
    ("bpf_dynptr_from_skb_meta", bpf_dynptr_from_skb_meta),
    ("bpf_dynptr_from_xdp", bpf_dynptr_from_xdp),
    ("bpf_dynptr_is_null", bpf_dynptr_is_null),
    ("bpf_dynptr_is_rdonly", bpf_dynptr_is_rdonly),
    ("bpf_dynptr_read", bpf_dynptr_read),
    ("bpf_dynptr_size", bpf_dynptr_size),
    ("bpf_dynptr_write", bpf_dynptr_write),
];

/// The greatest size (`DYNPTR_MAX_SIZE`).
const MOST: u32 = (1 << 24) - 1;
/// `DYNPTR_RDONLY_BIT`
const READ_ONLY: u32 = 1 << 31;
/// Where the kind stands (`DYNPTR_TYPE_SHIFT`).
const KIND: u32 = 28;
/// Offsets and lengths in frames of XDP beyond this are not accessed directly.
const XDP_MOST: u32 = 0xffff;

/// What a dynptr is over, with the numbers of `enum bpf_dynptr_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
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
    /// The dynptr at an address, which is an argument with this number; `None` if it is null.
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
        let size = word & MOST;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u32 == word >> KIND & 7);
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

/// `int bpf_dynptr_read(void *dst, u32 len, const struct bpf_dynptr *src, u32 offset, u64 flags)`
fn bpf_dynptr_read(
    m: &mut Machine<'_>,
    [to, len, at, offset, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let (len, offset) = (low(len), low(offset));
    let Some(dynptr) = Dynptr::load(m, at, 2)?.filter(|_| flags == 0) else {
        return Ok(error(errno::EINVAL));
    };
    let failed = read(m, dynptr, to, offset, len)?;
    note(m, dynptr, offset, len, outcome(failed));
    Ok(failed.map_or(0, error))
}

fn outcome(failed: Option<i32>) -> Access {
    failed.map_or(Access::Done, |errno| Access::Error(-errno))
}

/// Copies bytes out of a dynptr (`__bpf_dynptr_read`); an error, if there is one.
fn read(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    to: Address,
    offset: u32,
    len: u32,
) -> Result<Option<i32>, Stop> {
    if !dynptr.holds(offset, len) {
        return Ok(Some(errno::E2BIG));
    }
    let at = dynptr.offset + offset;
    match bytes_of(m, dynptr, at, len)? {
        Ok(bytes) => {
            m.memory.put(to, &bytes)?;
            Ok(None)
        }
        Err(errno) => {
            if dynptr.kind == Kind::Skb {
                m.memory.write(to, len as usize)?.fill(0);
            }
            Ok(Some(errno))
        }
    }
}

/// Bytes behind a dynptr, from an offset of what it is over.
fn bytes_of(
    m: &Machine<'_>,
    dynptr: Dynptr,
    at: u32,
    len: u32,
) -> Result<Result<Vec<u8>, i32>, Stop> {
    let size = len as usize;
    Ok(match dynptr.kind {
        Kind::Local | Kind::Ringbuf => {
            Ok(m.memory.read(dynptr.data.wrapping_add(at.into()), size)?.to_vec())
        }
        Kind::Skb => {
            let packet = m.packet.as_ref();
            packet.and_then(|packet| packet.bytes(&m.memory, at, size)).ok_or(errno::EFAULT)
        }
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => Err(errno::EFAULT),
        Kind::Xdp => {
            let packet = m.packet.as_ref();
            packet.and_then(|packet| packet.bytes(&m.memory, at, size)).ok_or(errno::EINVAL)
        }
        Kind::SkbMeta => {
            let all = crate::packet::metadata(m);
            let range = at as usize..at as usize + size;
            all.get(range).map(<[u8]>::to_vec).ok_or(errno::EFAULT)
        }
    })
}

/// `int bpf_dynptr_write(const struct bpf_dynptr *dst, u32 offset, void *src, u32 len, u64 flags)`
fn bpf_dynptr_write(
    m: &mut Machine<'_>,
    [at, offset, from, len, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let (len, offset) = (low(len), low(offset));
    let Some(dynptr) = Dynptr::load(m, at, 0)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(error(errno::EINVAL));
    };
    let failed = write(m, dynptr, offset, from, len, flags)?;
    note(m, dynptr, offset, len, outcome(failed));
    Ok(failed.map_or(0, error))
}

/// What `__bpf_dynptr_write` looks at before it writes.
fn write_checks(m: &Machine<'_>, dynptr: Dynptr, offset: u32, len: u32) -> Result<(), i32> {
    if dynptr.read_only {
        return Err(errno::EINVAL);
    }
    if !dynptr.holds(offset, len) {
        return Err(errno::E2BIG);
    }
    let at = dynptr.offset + offset;
    let has = m.packet.as_ref().map_or(0, crate::packet::Packet::len);
    match dynptr.kind {
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => Err(errno::EFAULT),
        Kind::Xdp if u64::from(at) + u64::from(len) > u64::from(has) => Err(errno::EINVAL),
        _ => Ok(()),
    }
}

/// Copies bytes into a dynptr (`__bpf_dynptr_write`); an error, if there is one.
fn write(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    offset: u32,
    from: Address,
    len: u32,
    flags: u64,
) -> Result<Option<i32>, Stop> {
    if dynptr.read_only {
        return Ok(Some(errno::EINVAL));
    }
    if !dynptr.holds(offset, len) {
        return Ok(Some(errno::E2BIG));
    }
    let bytes = m.memory.read(from, len as usize)?.to_vec();
    put(m, dynptr, dynptr.offset + offset, &bytes, flags)
}

fn put(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    at: u32,
    bytes: &[u8],
    flags: u64,
) -> Result<Option<i32>, Stop> {
    if dynptr.kind == Kind::Skb {
        return crate::helpers::skb::store(m, at, bytes, flags);
    }
    if flags != 0 {
        return Ok(Some(errno::EINVAL));
    }
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match dynptr.kind {
        Kind::Local | Kind::Ringbuf => m.memory.put(dynptr.data.wrapping_add(at.into()), bytes)?,
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => return Ok(Some(errno::EFAULT)),
        Kind::Xdp => {
            let Some(packet) = &m.packet else { return Ok(Some(errno::EINVAL)) };
            if u64::from(at) + u64::from(len) > u64::from(packet.len()) {
                return Ok(Some(errno::EINVAL));
            }
            packet.copy_in(&mut m.memory, at, bytes);
        }
        Kind::SkbMeta => {
            let Some(packet) = m.packet.as_ref().filter(|packet| at + len <= packet.meta) else {
                return Ok(Some(errno::EFAULT));
            };
            let start = (packet.data - packet.meta + at) as usize;
            let place = m
                .memory
                .bytes_mut(packet.head)
                .and_then(|head| head.get_mut(start..start + bytes.len()));
            if let Some(place) = place {
                place.copy_from_slice(bytes);
            }
        }
        Kind::Skb => {}
    }
    Ok(None)
}
