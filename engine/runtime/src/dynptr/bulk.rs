//! Many bytes at once: from one dynptr to another one, the same byte everywhere, and memory outside of the program.
//!
//! The kernel takes slices without buffers where it can, and otherwise goes by pieces over its stack, which what it has
//! done before an error shows.

use super::access::{bytes_of, put};
use super::slice::is_direct;
use super::{Dynptr, Kind, XDP_MOST, int, low, note, outcome};
use crate::fault::Stop;
use crate::helpers::{Table, errno};
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_copy_from_user_dynptr", bpf_probe_read_user_dynptr),
    ("bpf_copy_from_user_str_dynptr", bpf_probe_read_user_str_dynptr),
    ("bpf_dynptr_copy", bpf_dynptr_copy),
    ("bpf_dynptr_memset", bpf_dynptr_memset),
    ("bpf_probe_read_kernel_dynptr", bpf_probe_read_kernel_dynptr),
    ("bpf_probe_read_kernel_str_dynptr", bpf_probe_read_kernel_str_dynptr),
    ("bpf_probe_read_user_dynptr", bpf_probe_read_user_dynptr),
    ("bpf_probe_read_user_str_dynptr", bpf_probe_read_user_str_dynptr),
];

/// Bytes are copied in pieces of this length where they are not contiguous.
const CHUNK: u32 = 256;
/// Bytes that are moved at a time where memory is copied forward without regard to overlaps.
const FORWARD: u32 = 8;
/// Where addresses of user space end.
const USER: u64 = 1 << 47;

/// What an operation came to: an error, if there is one.
type Failed = Result<Option<i32>, Stop>;

/// A part of a dynptr; `None` is a null one, which has no bytes.
#[derive(Clone, Copy, Debug)]
struct Part {
    dynptr: Option<Dynptr>,
    offset: u32,
}

impl Part {
    fn load(m: &Machine<'_>, at: Address, offset: u64, argument: u8) -> Result<Self, Stop> {
        Ok(Self { dynptr: Dynptr::load(m, at, argument)?, offset: low(offset) })
    }

    /// `bpf_dynptr_check_off_len`
    fn holds(self, len: u32) -> bool {
        match self.dynptr {
            Some(dynptr) => dynptr.holds(self.offset, len),
            None => self.offset == 0 && len == 0,
        }
    }

    fn is_read_only(self) -> bool {
        self.dynptr.is_some_and(|dynptr| dynptr.read_only)
    }

    /// The dynptr, if a slice without a buffer can be taken of this part to read.
    fn readable(self, m: &Machine<'_>, len: u32) -> Option<Dynptr> {
        self.dynptr.filter(|dynptr| is_direct(m, *dynptr, self.offset, len))
    }

    /// The same to write.
    fn writable(self, m: &Machine<'_>, len: u32) -> Option<Dynptr> {
        self.readable(m, len).filter(|dynptr| !dynptr.read_only)
    }

    fn note(self, m: &mut Machine<'_>, len: u32, failed: Option<i32>) {
        if let Some(dynptr) = self.dynptr {
            note(m, dynptr, self.offset, len, outcome(failed));
        }
    }

    /// `__bpf_dynptr_write` from memory of the kernel.
    fn write(self, m: &mut Machine<'_>, at: u32, bytes: &[u8]) -> Failed {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let Some(dynptr) = self.dynptr.filter(|dynptr| !dynptr.read_only) else {
            return Ok(Some(errno::EINVAL));
        };
        let offset = self.offset.saturating_add(at);
        if !dynptr.holds(offset, len) {
            return Ok(Some(errno::E2BIG));
        }
        put(m, dynptr, dynptr.offset + offset, bytes, 0)
    }
}

/// Stores through a slice: at once, and a clone's bytes stay shared.
fn put_directly(m: &mut Machine<'_>, dynptr: Dynptr, offset: u32, bytes: &[u8]) -> Failed {
    match (&m.packet, dynptr.kind) {
        (Some(packet), Kind::Skb | Kind::Xdp) => {
            packet.copy_in(&mut m.memory, dynptr.offset + offset, bytes);
            Ok(None)
        }
        _ => put(m, dynptr, dynptr.offset + offset, bytes, 0),
    }
}

/// `int bpf_dynptr_copy(struct bpf_dynptr *dst_ptr, u32 dst_off, struct bpf_dynptr *src_ptr, u32 src_off, u32 size)`
fn bpf_dynptr_copy(
    m: &mut Machine<'_>,
    [to, to_offset, from, from_offset, size]: [u64; 5],
) -> Result<u64, Stop> {
    let to = Part::load(m, to, to_offset, 0)?;
    let from = Part::load(m, from, from_offset, 2)?;
    let size = low(size);
    let failed = match (to.writable(m, size), from.readable(m, size)) {
        (Some(target), Some(source)) => {
            match bytes_of(m, source, source.offset + from.offset, size)? {
                Ok(bytes) => put_directly(m, target, to.offset, &bytes)?,
                Err(errno) => Some(errno),
            }
        }
        (None, Some(source)) => copy_from(m, to, source, from.offset, size)?,
        (Some(target), None) => copy_to(m, target, to.offset, from, size)?,
        (None, None) => copy_pieces(m, to, from, size)?,
    };
    from.note(m, size, failed);
    to.note(m, size, failed);
    Ok(failed.map_or(0, int))
}

/// From contiguous bytes: one `__bpf_dynptr_write`.
fn copy_from(m: &mut Machine<'_>, to: Part, source: Dynptr, offset: u32, size: u32) -> Failed {
    let Some(target) = to.dynptr.filter(|to| !to.read_only) else {
        return Ok(Some(errno::EINVAL));
    };
    if !target.holds(to.offset, size) {
        return Ok(Some(errno::E2BIG));
    }
    let (to, from) = (target.offset + to.offset, source.offset + offset);
    forward(m, (target, to), (source, from), size)
}

/// To contiguous bytes: one `__bpf_dynptr_read`.
fn copy_to(m: &mut Machine<'_>, target: Dynptr, offset: u32, from: Part, size: u32) -> Failed {
    let Some(source) = from.dynptr else { return Ok(Some(errno::EINVAL)) };
    if !source.holds(from.offset, size) {
        return Ok(Some(errno::E2BIG));
    }
    let (to, from) = (target.offset + offset, source.offset + from.offset);
    let failed = forward(m, (target, to), (source, from), size)?;
    if failed.is_some() && source.kind == Kind::Skb {
        put_directly(m, target, offset, &vec![0; size as usize])?;
    }
    Ok(failed)
}

/// Copies memory to memory, forward, part by part: bytes that were just written may be read again.
fn forward(m: &mut Machine<'_>, to: (Dynptr, u32), from: (Dynptr, u32), size: u32) -> Failed {
    for (dynptr, at) in [from, to] {
        if let Some(errno) = missing(m, dynptr, at, size) {
            return Ok(Some(errno));
        }
    }
    // An skb is made writable as a whole.
    let step = if to.0.kind == Kind::Skb { size.max(1) } else { FORWARD };
    let mut done = 0;
    while done < size {
        let now = step.min(size - done);
        let bytes = match bytes_of(m, from.0, from.1 + done, now)? {
            Ok(bytes) => bytes,
            Err(errno) => return Ok(Some(errno)),
        };
        if let Some(errno) = put(m, to.0, to.1 + done, &bytes, 0)? {
            return Ok(Some(errno));
        }
        done += now;
    }
    Ok(None)
}

/// The error of accessing bytes that the packet does not have.
fn missing(m: &Machine<'_>, dynptr: Dynptr, at: u32, len: u32) -> Option<i32> {
    let there = m.packet.as_ref().map_or(0, crate::packet::Packet::len);
    match dynptr.kind {
        Kind::Xdp if at > XDP_MOST || len > XDP_MOST => Some(errno::EFAULT),
        Kind::Xdp if at + len > there => Some(errno::EINVAL),
        Kind::Skb if at + len > there => Some(errno::EFAULT),
        _ => None,
    }
}

fn copy_pieces(m: &mut Machine<'_>, to: Part, from: Part, size: u32) -> Failed {
    if !to.holds(size) || !from.holds(size) {
        return Ok(Some(errno::E2BIG));
    }
    let Some(source) = from.dynptr else { return Ok(None) };
    let mut done = 0;
    while done < size {
        let now = CHUNK.min(size - done);
        let bytes = match bytes_of(m, source, source.offset + from.offset + done, now)? {
            Ok(bytes) => bytes,
            Err(errno) => return Ok(Some(errno)),
        };
        if let Some(errno) = to.write(m, done, &bytes)? {
            return Ok(Some(errno));
        }
        done += now;
    }
    Ok(None)
}

/// `int bpf_dynptr_memset(struct bpf_dynptr *p, u32 offset, u32 size, u8 val)`
fn bpf_dynptr_memset(
    m: &mut Machine<'_>,
    [at, offset, size, value, _]: [u64; 5],
) -> Result<u64, Stop> {
    let part = Part::load(m, at, offset, 0)?;
    let (size, value) = (low(size), value.to_le_bytes()[0]);
    let failed = match part.writable(m, size) {
        Some(dynptr) => put_directly(m, dynptr, part.offset, &vec![value; size as usize])?,
        None if part.is_read_only() => Some(errno::EINVAL),
        None if !part.holds(size) => Some(errno::E2BIG),
        None => pieces(size, |done, now| part.write(m, done, &vec![value; now as usize]))?,
    };
    part.note(m, size, failed);
    Ok(failed.map_or(0, int))
}

/// Does something piece by piece until it fails: `step` is given what is done and how long the piece is.
fn pieces(size: u32, mut step: impl FnMut(u32, u32) -> Failed) -> Failed {
    let mut done = 0;
    while done < size {
        let now = CHUNK.min(size - done);
        if let Some(errno) = step(done, now)? {
            return Ok(Some(errno));
        }
        done += now;
    }
    Ok(None)
}

/// Whose memory is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    User,
    Kernel,
}

impl Source {
    /// The error for an address where there is nothing: addresses of user space are none of the kernel's
    /// (`copy_from_kernel_nofault_allowed`).
    fn error(self, address: Address) -> i32 {
        if self == Self::Kernel && address < USER { errno::ERANGE } else { errno::EFAULT }
    }
}

/// `int bpf_probe_read_user_dynptr(struct bpf_dynptr *dptr, u32 off, u32 size, const void *unsafe_ptr__ign)`
fn bpf_probe_read_user_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::User)
}

/// `int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *dptr, u32 off, u32 size, const void *unsafe_ptr__ign)`
fn bpf_probe_read_kernel_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::Kernel)
}

/// `int bpf_probe_read_user_str_dynptr(struct bpf_dynptr *dptr, u32 off, u32 size, const void *unsafe_ptr__ign)`
fn bpf_probe_read_user_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_text(m, args, Source::User)
}

/// `int bpf_probe_read_kernel_str_dynptr(struct bpf_dynptr *dptr, u32 off, u32 size, const void *unsafe_ptr__ign)`
fn bpf_probe_read_kernel_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_text(m, args, Source::Kernel)
}

/// `__bpf_dynptr_copy`
fn copy_in(
    m: &mut Machine<'_>,
    [at, offset, size, from, _]: [u64; 5],
    source: Source,
) -> Result<u64, Stop> {
    let part = Part::load(m, at, offset, 0)?;
    let size = low(size);
    let bytes = |m: &Machine<'_>, at: u64, len: u32| {
        let bytes = m.memory.try_read(at, len as usize).map(<[u8]>::to_vec);
        bytes.ok_or(source.error(at))
    };
    let failed = match part.writable(m, size) {
        Some(_) if size == 0 => None,
        Some(dynptr) => match bytes(m, from, size) {
            Ok(bytes) => put_directly(m, dynptr, part.offset, &bytes)?,
            Err(errno) => Some(errno),
        },
        None if !part.holds(size) => Some(errno::E2BIG),
        None => pieces(size, |done, now| match bytes(m, from.wrapping_add(done.into()), now) {
            Ok(bytes) => part.write(m, done, &bytes),
            Err(errno) => Ok(Some(errno)),
        })?,
    };
    part.note(m, size, failed);
    Ok(failed.map_or(0, int))
}

/// `__bpf_dynptr_copy_str`; the result is the length with the byte that ends it.
fn copy_text(
    m: &mut Machine<'_>,
    [at, offset, size, from, _]: [u64; 5],
    source: Source,
) -> Result<u64, Stop> {
    let part = Part::load(m, at, offset, 0)?;
    let size = low(size);
    if !part.holds(size) {
        part.note(m, size, Some(errno::E2BIG));
        return Ok(int(errno::E2BIG));
    }
    if size == 0 {
        return Ok(0);
    }
    let (failed, len) = match text(m, from, size) {
        None => (Some(source.error(from)), 0),
        Some(bytes) => {
            let failed = match part.writable(m, size) {
                Some(dynptr) => put_directly(m, dynptr, part.offset, &bytes)?,
                None => {
                    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    pieces(len, |done, now| {
                        let piece = bytes.get(done as usize..(done + now) as usize);
                        part.write(m, done, piece.unwrap_or_default())
                    })?
                }
            };
            (failed, bytes.len() as u64)
        }
    };
    part.note(m, size, failed);
    Ok(failed.map_or(len, int))
}

/// Text with the byte that ends it, of `size` bytes at most; `None` if it reaches to where nothing is.
fn text(m: &Machine<'_>, from: Address, size: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for at in 0..u64::from(size) - 1 {
        let byte = *m.memory.try_read(from.wrapping_add(at), 1)?.first()?;
        if byte == 0 {
            break;
        }
        bytes.push(byte);
    }
    // The last byte there is room for ends it in any case.
    bytes.push(0);
    Some(bytes)
}
