//! Helpers over memory of user space, of which there is what [`crate::Input::user`] says. If that says nothing, what is
//! there is not known; addresses that no user space has are errors in any case.

use super::{Table, errno, error};
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::memory::Address;

pub(super) const TABLE: &Table = &[
    ("bpf_copy_from_user", bpf_probe_read_user),
    ("bpf_copy_from_user_str", bpf_copy_from_user_str),
    ("bpf_probe_read_user", bpf_probe_read_user),
    ("bpf_probe_read_user_str", bpf_probe_read_user_str),
    ("bpf_probe_write_user", bpf_probe_write_user),
];

/// Addresses of the kernel have this bit, those of user space do not.
const KERNEL: u64 = 1 << 63;
/// The lowest address of user space (`mmap_min_addr`).
const LOWEST: u64 = 1 << 16;

impl Machine<'_> {
    /// The memory of user space that an address lies in, and where in it; nothing if there is none.
    fn user_place(&self, address: Address) -> Result<Option<(usize, usize)>, Stop> {
        if address & KERNEL != 0 || address < LOWEST {
            return Ok(None);
        }
        if self.user.is_empty() {
            return Err(FaultKind::NotModelled("memory of user space".to_owned()).into());
        }
        let mut places = self.user.iter().enumerate();
        Ok(places.find_map(|(index, (start, bytes))| {
            let at = usize::try_from(address.checked_sub(*start)?).ok()?;
            (at < bytes.len()).then_some((index, at))
        }))
    }

    /// Bytes of user space; nothing if not all of them are there.
    pub(crate) fn user_bytes(&self, address: Address, len: usize) -> Result<Option<Vec<u8>>, Stop> {
        let Some((index, at)) = self.user_place(address)? else { return Ok(None) };
        let rest = self.user.get(index).and_then(|(_, bytes)| bytes.get(at..)).unwrap_or_default();
        Ok(rest.get(..len).map(<[u8]>::to_vec))
    }

    /// A text of user space, without the zero at its end, or its first `most` bytes; nothing if it does not end in memory
    /// that is there.
    pub(crate) fn user_text(&self, address: Address, most: usize) -> Result<Option<Vec<u8>>, Stop> {
        let Some((index, at)) = self.user_place(address)? else { return Ok(None) };
        let rest = self.user.get(index).and_then(|(_, bytes)| bytes.get(at..)).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0);
        let len = end.unwrap_or(usize::MAX).min(most);
        Ok(rest.get(..len).map(<[u8]>::to_vec))
    }
}

/// `long bpf_probe_read_user(void *dst, u32 size, const void *unsafe_ptr)`
fn bpf_probe_read_user(m: &mut Machine<'_>, [to, size, from, ..]: [u64; 5]) -> Result<u64, Stop> {
    let size = (size & 0xffff_ffff) as usize;
    let bytes = if size == 0 { Some(Vec::new()) } else { m.user_bytes(from, size)? };
    put_or_clear(m, to, size, bytes.as_deref())
}

/// Puts what was read there, or zeros if it could not be read, as all functions of this kind do.
pub(crate) fn put_or_clear(
    m: &mut Machine<'_>,
    to: u64,
    size: usize,
    bytes: Option<&[u8]>,
) -> Result<u64, Stop> {
    match bytes {
        Some(bytes) => {
            m.memory.put(to, bytes)?;
            Ok(0)
        }
        None => {
            m.memory.write(to, size)?.fill(0);
            Ok(error(errno::EFAULT))
        }
    }
}

/// `long bpf_probe_read_user_str(void *dst, u32 size, const void *unsafe_ptr)`: the length with the zero, which is the
/// last byte in any case.
fn bpf_probe_read_user_str(
    m: &mut Machine<'_>,
    [to, size, from, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let size = (size & 0xffff_ffff) as usize;
    if size == 0 {
        return Ok(0);
    }
    match m.user_text(from, size - 1)? {
        Some(mut text) => {
            text.push(0);
            m.memory.put(to, &text)?;
            Ok(text.len() as u64)
        }
        None => put_or_clear(m, to, size, None),
    }
}

/// `int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags)`
pub(crate) fn bpf_copy_from_user_str(
    m: &mut Machine<'_>,
    [to, size, from, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_PAD_ZEROS`
    const PAD: u64 = 1;
    const INT: u64 = 0xffff_ffff;
    let size = (size & INT) as usize;
    if flags & !PAD != 0 {
        return Ok(error(errno::EINVAL) & INT);
    }
    if size == 0 {
        return Ok(0);
    }
    let text = if size == 1 { Some(Vec::new()) } else { m.user_text(from, size - 1)? };
    let Some(mut text) = text else {
        if flags & PAD != 0 {
            m.memory.write(to, size)?.fill(0);
        }
        return Ok(error(errno::EFAULT) & INT);
    };
    text.push(0);
    let len = text.len() as u64;
    if flags & PAD != 0 {
        text.resize(size, 0);
    }
    m.memory.put(to, &text)?;
    Ok(len)
}

/// `long bpf_probe_write_user(void *dst, const void *src, u32 len)`
fn bpf_probe_write_user(m: &mut Machine<'_>, [to, from, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let bytes = m.memory.read(from, (len & 0xffff_ffff) as usize)?.to_vec();
    let Some((index, at)) = m.user_place(to)? else { return Ok(error(errno::EFAULT)) };
    let place = m.user.get_mut(index).and_then(|(_, known)| known.get_mut(at..));
    match place.and_then(|rest| rest.get_mut(..bytes.len())) {
        Some(place) => {
            place.copy_from_slice(&bytes);
            Ok(0)
        }
        None => Ok(error(errno::EFAULT)),
    }
}
