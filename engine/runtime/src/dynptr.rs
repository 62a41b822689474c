//! Dynptrs: pointers that know how far they reach, over memory, packets and metadata.
//!
//! A dynptr is 16 bytes of the program's memory, laid out as in the kernel (`struct bpf_dynptr_kern`): what it is over, its
//! size with its kind and whether it is read-only in the upper bits, and its offset. One whose first word is 0 is null.
//! Errors and the order of checks are those of Linux 6.18.

use crate::event::{Access, Event, Target};
use crate::fault::{Origin, Stop};
use crate::helpers::{Table, errno, error};
use crate::input::Slices;
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_dynptr_adjust", bpf_dynptr_adjust),
    ("bpf_dynptr_clone", bpf_dynptr_clone),
    ("bpf_dynptr_copy", bpf_dynptr_copy),
    ("bpf_dynptr_data", bpf_dynptr_data),
    ("bpf_dynptr_from_mem", bpf_dynptr_from_mem),
    ("bpf_dynptr_from_skb", bpf_dynptr_from_skb),
    ("bpf_dynptr_from_skb_meta", bpf_dynptr_from_skb_meta),
    ("bpf_dynptr_from_xdp", bpf_dynptr_from_xdp),
    ("bpf_dynptr_is_null", bpf_dynptr_is_null),
    ("bpf_dynptr_is_rdonly", bpf_dynptr_is_rdonly),
    ("bpf_dynptr_memset", bpf_dynptr_memset),
    ("bpf_dynptr_read", bpf_dynptr_read),
    ("bpf_dynptr_size", bpf_dynptr_size),
    ("bpf_dynptr_slice", bpf_dynptr_slice),
    ("bpf_dynptr_slice_rdwr", bpf_dynptr_slice_rdwr),
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
/// Bytes are copied in pieces of this length where they are not contiguous.
const CHUNK: u32 = 256;
/// Bytes that are moved at a time where memory is copied forward without regard to overlaps.
const FORWARD: u32 = 8;
/// What [`Slices::Poisoned`] fills buffers with.
const POISON: u8 = 0xa5;

/// What a dynptr is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
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
    pub(crate) fn load(m: &Machine<'_>, at: Address) -> Result<Option<Self>, Stop> {
        let data = m.memory.read_u64(at)?;
        let size = m.memory.read_u32(at.wrapping_add(8))?;
        let offset = m.memory.read_u32(at.wrapping_add(12))?;
        let kind = Kind::ALL.get((size >> KIND & 7) as usize).copied();
        let kind = kind.filter(|_| data != 0);
        Ok(kind.map(|kind| Self {
            data,
            kind,
            size: size & MOST,
            offset,
            read_only: size & READ_ONLY != 0,
        }))
    }

    /// Writes it to an address.
    pub(crate) fn store(self, m: &mut Machine<'_>, at: Address) -> Result<(), Stop> {
        let kind = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        let kind = u32::try_from(kind).unwrap_or(0) << KIND;
        let size = self.size | kind | if self.read_only { READ_ONLY } else { 0 };
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
    let Some(dynptr) = Dynptr::load(m, at)? else { return Ok(int(errno::EINVAL)) };
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
    Ok(Dynptr::load(m, at)?.is_none().into())
}

/// `bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p)`
fn bpf_dynptr_is_rdonly(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(Dynptr::load(m, at)?.is_some_and(|dynptr| dynptr.read_only).into())
}

/// `__u32 bpf_dynptr_size(const struct bpf_dynptr *p)`
fn bpf_dynptr_size(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(Dynptr::load(m, at)?.map_or(int(errno::EINVAL), |dynptr| dynptr.size.into()))
}

/// `int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit)`
fn bpf_dynptr_clone(m: &mut Machine<'_>, [at, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    match Dynptr::load(m, at)? {
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

/// `void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)`
fn bpf_dynptr_slice(
    m: &mut Machine<'_>,
    [at, offset, buffer, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    slice_call(m, at, low(offset), buffer, low(len), false)
}

/// `void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)`
fn bpf_dynptr_slice_rdwr(
    m: &mut Machine<'_>,
    [at, offset, buffer, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    slice_call(m, at, low(offset), buffer, low(len), true)
}

fn slice_call(
    m: &mut Machine<'_>,
    at: Address,
    offset: u32,
    buffer: Address,
    len: u32,
    writes: bool,
) -> Result<u64, Stop> {
    let Some(dynptr) = Dynptr::load(m, at)? else { return Ok(0) };
    if writes && dynptr.read_only {
        return Ok(0);
    }
    let (address, result) = slice(m, dynptr, offset, buffer, len, writes)?;
    note(m, dynptr, offset, len, result);
    Ok(address)
}

/// Bytes of a dynptr: themselves, or a copy in the buffer, or nothing.
fn slice(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    offset: u32,
    buffer: Address,
    len: u32,
    writes: bool,
) -> Result<(Address, Access), Stop> {
    if !dynptr.holds(offset, len) {
        return Ok((0, Access::Null));
    }
    let at = dynptr.offset + offset;
    let forced = m.slices == Slices::Buffer && buffer != 0;
    match dynptr.kind {
        Kind::Local | Kind::Ringbuf => Ok((dynptr.data.wrapping_add(at.into()), Access::Direct)),
        Kind::SkbMeta => {
            let view = m.packet.as_ref().filter(|packet| at + len <= packet.meta);
            let place = view.map(|packet| (packet.head, packet.data - packet.meta + at));
            let Some((head, start)) = place else { return Ok((0, Access::Null)) };
            let address = direct(m, head, start, offset, len, writes)?;
            Ok((address, Access::Direct))
        }
        Kind::Skb | Kind::Xdp => {
            let Some(packet) = &m.packet else { return Ok((0, Access::Null)) };
            let is_skb = dynptr.kind == Kind::Skb;
            let place = packet.contiguous(at, len);
            let place = place.filter(|place| match is_skb {
                true => place.part == 0,
                false => at <= XDP_MOST && len <= XDP_MOST,
            });
            if let Some(place) = place.filter(|_| !forced) {
                let address = direct(m, place.id, place.start, offset, len, writes)?;
                if m.slices == Slices::Poisoned && buffer != 0 {
                    m.memory.write(buffer, len as usize)?.fill(POISON);
                }
                return Ok((address, Access::Direct));
            }
            if buffer == 0 || (is_skb && u64::from(at) + u64::from(len) > u64::from(packet.len())) {
                return Ok((0, Access::Null));
            }
            // What an XDP frame no longer has stays as it is in the buffer.
            let mut bytes = m.memory.read(buffer, len as usize)?.to_vec();
            if let Some(packet) = &m.packet {
                packet.copy_out(&m.memory, at, &mut bytes);
            }
            m.memory.put(buffer, &bytes)?;
            Ok((buffer, Access::Buffer))
        }
    }
}

/// A pointer to bytes of the packet, which ends when the packet changes.
fn direct(
    m: &mut Machine<'_>,
    id: crate::memory::AllocId,
    start: u32,
    offset: u32,
    len: u32,
    writes: bool,
) -> Result<Address, Stop> {
    let origin = Origin::Slice { offset, len, data: false };
    let view = m.memory.run_view(id, start, len, origin, writes)?;
    if let Some(packet) = &mut m.packet {
        packet.slices.push(view);
    }
    Ok(view.at(0))
}

/// `void *bpf_dynptr_data(const struct bpf_dynptr *ptr, u32 offset, u32 len)`
fn bpf_dynptr_data(m: &mut Machine<'_>, [at, offset, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (offset, len) = (low(offset), low(len));
    let Some(dynptr) = Dynptr::load(m, at)? else { return Ok(0) };
    let is_memory = matches!(dynptr.kind, Kind::Local | Kind::Ringbuf);
    if !dynptr.holds(offset, len) || dynptr.read_only || !is_memory {
        return Ok(0);
    }
    note(m, dynptr, offset, len, Access::Direct);
    Ok(dynptr.data.wrapping_add(u64::from(dynptr.offset + offset)))
}

/// `int bpf_dynptr_read(void *dst, u32 len, const struct bpf_dynptr *src, u32 offset, u64 flags)`
fn bpf_dynptr_read(
    m: &mut Machine<'_>,
    [to, len, at, offset, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let (len, offset) = (low(len), low(offset));
    let Some(dynptr) = Dynptr::load(m, at)?.filter(|_| flags == 0) else {
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
    let Some(dynptr) = Dynptr::load(m, at)?.filter(|dynptr| !dynptr.read_only) else {
        return Ok(error(errno::EINVAL));
    };
    let failed = write(m, dynptr, offset, from, len, flags)?;
    note(m, dynptr, offset, len, outcome(failed));
    Ok(failed.map_or(0, error))
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

/// Whether the bytes are contiguous, so that the kernel takes a slice of them without a buffer.
fn is_direct(m: &Machine<'_>, dynptr: Dynptr, offset: u32, len: u32) -> bool {
    let at = dynptr.offset.wrapping_add(offset);
    dynptr.holds(offset, len)
        && match dynptr.kind {
            Kind::Local | Kind::Ringbuf | Kind::SkbMeta => true,
            Kind::Skb | Kind::Xdp => {
                let place = m.packet.as_ref().and_then(|packet| packet.contiguous(at, len));
                place.is_some_and(|place| match dynptr.kind {
                    Kind::Skb => place.part == 0,
                    _ => at <= XDP_MOST && len <= XDP_MOST,
                })
            }
        }
}

/// `int bpf_dynptr_copy(struct bpf_dynptr *dst_ptr, u32 dst_off, struct bpf_dynptr *src_ptr, u32 src_off, u32 size)`
fn bpf_dynptr_copy(
    m: &mut Machine<'_>,
    [to, to_offset, from, from_offset, size]: [u64; 5],
) -> Result<u64, Stop> {
    let (to_offset, from_offset, size) = (low(to_offset), low(from_offset), low(size));
    let (to, from) = (Dynptr::load(m, to)?, Dynptr::load(m, from)?);
    // A null one is found when the other one's bytes are about to be copied there or from there at once.
    let at_once =
        |one: Option<Dynptr>, offset| one.is_some_and(|one| is_direct(m, one, offset, size));
    let (to_direct, from_direct) = (at_once(to, to_offset), at_once(from, from_offset));
    let (Some(to), Some(from)) = (to, from) else {
        let is_tried = to_direct || from_direct;
        let fits =
            |one: Option<Dynptr>, offset| one.map_or(size == 0, |one| one.holds(offset, size));
        return Ok(match (is_tried, fits(to, to_offset) && fits(from, from_offset)) {
            (true, _) => int(errno::EINVAL),
            (false, true) => 0,
            (false, false) => int(errno::E2BIG),
        });
    };
    if !to.holds(to_offset, size) || !from.holds(from_offset, size) {
        return Ok(int(errno::E2BIG));
    }
    let step = match (to_direct, from_direct) {
        (true, true) => size.max(1),
        // Memory to memory, forward, part by part: bytes that were just written may be read again.
        (true, false) | (false, true) => FORWARD,
        (false, false) => CHUNK,
    };
    let mut done = 0;
    while done < size {
        let now = step.min(size - done);
        let bytes = match bytes_of(m, from, from.offset + from_offset + done, now)? {
            Ok(bytes) => bytes,
            Err(errno) => return Ok(int(errno)),
        };
        if to.read_only {
            return Ok(int(errno::EINVAL));
        }
        if let Some(errno) = put(m, to, to.offset + to_offset + done, &bytes, 0)? {
            return Ok(int(errno));
        }
        done += now;
    }
    note(m, from, from_offset, size, Access::Done);
    note(m, to, to_offset, size, Access::Done);
    Ok(0)
}

/// `int bpf_dynptr_memset(struct bpf_dynptr *p, u32 offset, u32 size, u8 val)`
fn bpf_dynptr_memset(
    m: &mut Machine<'_>,
    [at, offset, size, value, _]: [u64; 5],
) -> Result<u64, Stop> {
    let (offset, size) = (low(offset), low(size));
    let value = value.to_le_bytes()[0];
    let Some(dynptr) = Dynptr::load(m, at)? else {
        return Ok(if size == 0 { 0 } else { int(errno::E2BIG) });
    };
    if dynptr.read_only {
        return Ok(int(errno::EINVAL));
    }
    if !dynptr.holds(offset, size) {
        return Ok(int(errno::E2BIG));
    }
    let step = if is_direct(m, dynptr, offset, size) { size.max(1) } else { CHUNK };
    let mut done = 0;
    while done < size {
        let now = step.min(size - done);
        let bytes = vec![value; now as usize];
        if let Some(errno) = put(m, dynptr, dynptr.offset + offset + done, &bytes, 0)? {
            return Ok(int(errno));
        }
        done += now;
    }
    note(m, dynptr, offset, size, Access::Done);
    Ok(0)
}
