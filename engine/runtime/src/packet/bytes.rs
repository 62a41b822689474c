//! Reading and writing bytes of a packet, wherever they lie.

use super::Packet;
use crate::memory::{AllocId, Memory};

/// Where bytes of a packet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: AllocId,
    pub(crate) start: u32,
    /// The part: 0 is the linear one.
    pub(crate) part: usize,
}

impl Packet {
    /// Bytes of the packet; `None` if it is too short.
    pub(crate) fn bytes(&self, memory: &Memory, offset: u32, len: usize) -> Option<Vec<u8>> {
        if u64::from(offset) + len as u64 > u64::from(self.len()) {
            return None;
        }
        let mut bytes = vec![0; len];
        self.copy_out(memory, offset, &mut bytes);
        Some(bytes)
    }

    /// Copies what there is from an offset on; the rest of `to` stays as it is.
    pub(crate) fn copy_out(&self, memory: &Memory, offset: u32, to: &mut [u8]) {
        let (mut at, mut to) = (offset as usize, to);
        for (id, start, len) in self.parts() {
            let len = len as usize;
            if at >= len {
                at -= len;
                continue;
            }
            let (now, rest) = to.split_at_mut(to.len().min(len - at));
            let from = start as usize + at;
            let bytes = memory.bytes(id).and_then(|bytes| bytes.get(from..from + now.len()));
            now.copy_from_slice(bytes.unwrap_or(&vec![0; now.len()]));
            (to, at) = (rest, 0);
            if to.is_empty() {
                break;
            }
        }
    }

    /// Copies bytes into the packet as far as it goes.
    pub(crate) fn copy_in(&self, memory: &mut Memory, offset: u32, from: &[u8]) {
        let (mut at, mut from) = (offset as usize, from);
        for (id, start, len) in self.parts() {
            let len = len as usize;
            if at >= len {
                at -= len;
                continue;
            }
            let (now, rest) = from.split_at(from.len().min(len - at));
            let to = start as usize + at;
            if let Some(place) =
                memory.bytes_mut(id).and_then(|bytes| bytes.get_mut(to..to + now.len()))
            {
                place.copy_from_slice(now);
            }
            (from, at) = (rest, 0);
            if from.is_empty() {
                break;
            }
        }
    }

    /// Where `len` bytes lie next to each other, if they do.
    pub(crate) fn contiguous(&self, offset: u32, len: u32) -> Option<Place> {
        let mut at = offset;
        for (part, (id, start, size)) in self.parts().enumerate() {
            // The end of a part is the beginning of the next one, but for the last.
            if at < size || (at == 0 && len == 0) {
                let fits = u64::from(at) + u64::from(len) <= u64::from(size);
                return fits.then_some(Place { id, start: start + at, part });
            }
            at -= size;
        }
        // Nothing at the very end: the kernel points to the beginning.
        (at == 0 && len == 0).then_some(Place { id: self.head, start: self.data, part: 0 })
    }
}
