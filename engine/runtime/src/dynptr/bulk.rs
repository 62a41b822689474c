//! Many bytes at once: copying between dynptrs, filling them, and copying memory into them. Where bytes are contiguous
//! this goes past `bpf_dynptr_write`, and so past the giving of own bytes to clones, as in the kernel.

use super::slice::is_direct;
use super::{Dynptr, Kind, bytes_of, int, low, note, outcome, put, write_checks};
use crate::event::Access;
use crate::fault::Stop;
use crate::helpers::{Table, errno};
use crate::kfuncs::task::is_current;
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_copy_from_user_dynptr", bpf_copy_from_user_dynptr),
    ("bpf_copy_from_user_str_dynptr", bpf_copy_from_user_str_dynptr),
    ("bpf_copy_from_user_task_dynptr", bpf_copy_from_user_task_dynptr),
    ("bpf_copy_from_user_task_str_dynptr", bpf_copy_from_user_task_str_dynptr),
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
/// Addresses of the kernel have this bit, those of user space do not.
const KERNEL: u64 = 1 << 63;
/// Below this nothing is ever mapped.
const LOWEST: u64 = 1 << 16;

/// Writes contiguous bytes where they lie.
fn put_direct(m: &mut Machine<'_>, dynptr: Dynptr, at: u32, bytes: &[u8]) -> Result<(), Stop> {
    match (dynptr.kind, &m.packet) {
        (Kind::Skb | Kind::Xdp, Some(packet)) => packet.copy_in(&mut m.memory, at, bytes),
        _ => {
            put(m, dynptr, at, bytes, 0)?;
        }
    }
    Ok(())
}

/// `int bpf_dynptr_copy(struct bpf_dynptr *dst_ptr, u32 dst_off, struct bpf_dynptr *src_ptr, u32 src_off, u32 size)`
fn bpf_dynptr_copy(
    m: &mut Machine<'_>,
    [to, to_offset, from, from_offset, size]: [u64; 5],
) -> Result<u64, Stop> {
    let (to_offset, from_offset, size) = (low(to_offset), low(from_offset), low(size));
    let (to, from) = (Dynptr::load(m, to, 0)?, Dynptr::load(m, from, 2)?);
    let failed = copy(m, (to, to_offset), (from, from_offset), size)?;
    for (dynptr, offset) in [(from, from_offset), (to, to_offset)] {
        if let Some(dynptr) = dynptr {
            note(m, dynptr, offset, size, outcome(failed));
        }
    }
    Ok(failed.map_or(0, int))
}

type End = (Option<Dynptr>, u32);

fn copy(
    m: &mut Machine<'_>,
    (to, to_offset): End,
    (from, from_offset): End,
    size: u32,
) -> Result<Option<i32>, Stop> {
    let to_direct = to.is_some_and(|to| !to.read_only && is_direct(m, to, to_offset, size));
    let from_direct = from.is_some_and(|from| is_direct(m, from, from_offset, size));
    let (Some(to), Some(from)) = (to, from) else {
        // The other one's bytes are about to be copied there or from there at once; otherwise a null one has no bytes.
        let is_tried = to_direct || from_direct;
        let fits = |one: Option<Dynptr>, offset: u32| match one {
            Some(one) => one.holds(offset, size),
            None => size == 0 && offset == 0,
        };
        let fit = fits(to, to_offset) && fits(from, from_offset);
        return Ok(match (is_tried, fit) {
            (true, _) => Some(errno::EINVAL),
            (false, true) => None,
            (false, false) => Some(errno::E2BIG),
        });
    };
    let (source, target) =
        (from.offset.wrapping_add(from_offset), to.offset.wrapping_add(to_offset));
    // The kernel asks at once for what it reads or writes at once.
    match (to_direct, from_direct) {
        (true, true) => {
            if let Ok(bytes) = bytes_of(m, from, source, size)? {
                put_direct(m, to, target, &bytes)?;
            }
            return Ok(None);
        }
        (false, true) => {
            if let Err(errno) = write_checks(m, to, to_offset, size) {
                return Ok(Some(errno));
            }
            if to.kind != Kind::Xdp || from.kind != Kind::Xdp {
                let bytes = bytes_of(m, from, source, size)?.unwrap_or_default();
                return put(m, to, target, &bytes, 0);
            }
        }
        (true, false) => {
            if !from.holds(from_offset, size) {
                return Ok(Some(errno::E2BIG));
            }
            match bytes_of(m, from, source, size)? {
                Ok(bytes) if to.kind != Kind::Xdp || from.kind != Kind::Xdp => {
                    put_direct(m, to, target, &bytes)?;
                    return Ok(None);
                }
                Ok(_) => {}
                Err(errno) => {
                    if from.kind == Kind::Skb {
                        put_direct(m, to, target, &vec![0; size as usize])?;
                    }
                    return Ok(Some(errno));
                }
            }
        }
        (false, false) => {
            if !to.holds(to_offset, size) || !from.holds(from_offset, size) {
                return Ok(Some(errno::E2BIG));
            }
        }
    }
    // Piece by piece; bytes that were just written may be read again.
    let step = if to_direct || from_direct { FORWARD } else { CHUNK };
    let mut done = 0;
    while done < size {
        let now = step.min(size - done);
        let bytes = match bytes_of(m, from, source + done, now)? {
            Ok(bytes) => bytes,
            Err(errno) => return Ok(Some(errno)),
        };
        if to.read_only {
            return Ok(Some(errno::EINVAL));
        }
        if let Some(errno) = put(m, to, target + done, &bytes, 0)? {
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
    let (offset, size) = (low(offset), low(size));
    let value = value.to_le_bytes()[0];
    let Some(dynptr) = Dynptr::load(m, at, 0)? else {
        return Ok(if size == 0 && offset == 0 { 0 } else { int(errno::E2BIG) });
    };
    if dynptr.read_only {
        return Ok(int(errno::EINVAL));
    }
    if !dynptr.holds(offset, size) {
        return Ok(int(errno::E2BIG));
    }
    let at = dynptr.offset + offset;
    if is_direct(m, dynptr, offset, size) {
        put_direct(m, dynptr, at, &vec![value; size as usize])?;
        note(m, dynptr, offset, size, Access::Done);
        return Ok(0);
    }
    let mut done = 0;
    while done < size {
        let now = CHUNK.min(size - done);
        if let Some(errno) = put(m, dynptr, at + done, &vec![value; now as usize], 0)? {
            note(m, dynptr, offset, size, Access::Error(-errno));
            return Ok(int(errno));
        }
        done += now;
    }
    note(m, dynptr, offset, size, Access::Done);
    Ok(0)
}

/// Where bytes are copied from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Kernel,
    User,
    /// What cannot be read becomes zeros.
    UserOrZero,
}

impl Source {
    /// Up to `len` bytes at an address; with `text` up to the first zero, which is the last byte in any case.
    fn read(
        self,
        m: &Machine<'_>,
        from: Address,
        len: u32,
        text: bool,
    ) -> Result<Result<Vec<u8>, i32>, Stop> {
        let is_kernel = from & KERNEL != 0;
        match self {
            _ if len == 0 => return Ok(Ok(Vec::new())),
            Self::Kernel if !is_kernel => return Ok(Err(errno::ERANGE)),
            Self::Kernel => {}
            _ if is_kernel || from < LOWEST => return Ok(Err(errno::EFAULT)),
            _ if text => {
                let found = m.user_text(from, (len - 1) as usize)?;
                let ended = |mut bytes: Vec<u8>| {
                    bytes.push(0);
                    bytes
                };
                return Ok(found.map(ended).ok_or(errno::EFAULT));
            }
            _ => return Ok(m.user_bytes(from, len as usize)?.ok_or(errno::EFAULT)),
        }
        if !text {
            let bytes = m.memory.try_read(from, len as usize);
            return Ok(bytes.map(<[u8]>::to_vec).ok_or(errno::EFAULT));
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < u64::from(len) {
            match m.memory.try_read(from.wrapping_add(bytes.len() as u64), 1) {
                Some([0]) => break,
                Some(byte) => bytes.extend_from_slice(byte),
                None => return Ok(Err(errno::EFAULT)),
            }
        }
        bytes.truncate(len as usize - 1);
        bytes.push(0);
        Ok(Ok(bytes))
    }
}

/// `__bpf_dynptr_copy` and `__bpf_dynptr_copy_str`
fn copy_in(
    m: &mut Machine<'_>,
    [at, offset, size, from, _]: [u64; 5],
    source: Source,
    text: bool,
) -> Result<u64, Stop> {
    let (offset, size) = (low(offset), low(size));
    let Some(dynptr) = Dynptr::load(m, at, 0)? else {
        return Ok(if size == 0 && offset == 0 { 0 } else { int(errno::E2BIG) });
    };
    let result = if !dynptr.holds(offset, size) {
        Err(errno::E2BIG)
    } else if !dynptr.read_only && is_direct(m, dynptr, offset, size) {
        copy_in_at_once(m, (dynptr, offset), size, from, source, text)?
    } else {
        copy_in_pieces(m, (dynptr, offset), size, from, source, text)?
    };
    note(m, dynptr, offset, size, outcome(result.err()));
    Ok(match result {
        Ok(len) if text => len.into(),
        Ok(_) => 0,
        Err(errno) => int(errno),
    })
}

/// How many bytes were written, or an error.
type Copied = Result<Result<u32, i32>, Stop>;

fn copy_in_at_once(
    m: &mut Machine<'_>,
    (dynptr, offset): (Dynptr, u32),
    size: u32,
    from: Address,
    source: Source,
    text: bool,
) -> Copied {
    let at = dynptr.offset + offset;
    match source.read(m, from, size, text)? {
        Ok(bytes) => {
            put_direct(m, dynptr, at, &bytes)?;
            Ok(Ok(u32::try_from(bytes.len()).unwrap_or(0)))
        }
        Err(errno) => {
            if source == Source::UserOrZero && !text {
                put_direct(m, dynptr, at, &vec![0; size as usize])?;
            }
            Ok(Err(errno))
        }
    }
}

fn copy_in_pieces(
    m: &mut Machine<'_>,
    (dynptr, offset): (Dynptr, u32),
    size: u32,
    from: Address,
    source: Source,
    text: bool,
) -> Copied {
    let at = dynptr.offset + offset;
    let mut done = 0;
    while done < size {
        let chunk = CHUNK.min(size - done);
        let bytes = match source.read(m, from.wrapping_add(done.into()), chunk, text)? {
            Ok(bytes) => bytes,
            Err(errno) => return Ok(Err(errno)),
        };
        let count = u32::try_from(bytes.len()).unwrap_or(0);
        if dynptr.read_only {
            return Ok(Err(errno::EINVAL));
        }
        if let Some(errno) = put(m, dynptr, at + done, &bytes, 0)? {
            return Ok(Err(errno));
        }
        if text && (count < chunk || chunk == 1) {
            return Ok(Ok(done + count));
        }
        // The next piece overwrites the zero at the end of a text.
        done += if text { chunk - 1 } else { chunk };
    }
    Ok(Ok(done))
}

/// `int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *dptr, u32 off, u32 size, const void *unsafe_ptr__ign)`
fn bpf_probe_read_kernel_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::Kernel, false)
}

/// As [`bpf_probe_read_kernel_dynptr`], a text; returns its length with the zero.
fn bpf_probe_read_kernel_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::Kernel, true)
}

/// As [`bpf_probe_read_kernel_dynptr`], from user space.
fn bpf_probe_read_user_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::User, false)
}

/// As [`bpf_probe_read_kernel_str_dynptr`], from user space.
fn bpf_probe_read_user_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::User, true)
}

/// As [`bpf_probe_read_user_dynptr`], which may wait for memory.
fn bpf_copy_from_user_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::UserOrZero, false)
}

/// As [`bpf_probe_read_user_str_dynptr`], which may wait for memory.
fn bpf_copy_from_user_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    copy_in(m, args, Source::UserOrZero, true)
}

/// As [`bpf_copy_from_user_dynptr`], of a task.
fn bpf_copy_from_user_task_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    is_current(m, args[4])?;
    bpf_copy_from_user_dynptr(m, args)
}

/// As [`bpf_copy_from_user_str_dynptr`], of a task.
fn bpf_copy_from_user_task_str_dynptr(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    is_current(m, args[4])?;
    bpf_copy_from_user_str_dynptr(m, args)
}
