//! How an XDP frame changes. The names are those of `net/core/filter.c`.

use super::build::ETHERNET;
use super::{Fragment, Packet};
use crate::helpers::errno;
use crate::memory::Memory;

/// What a driver keeps at the beginning of a frame (`struct xdp_frame`).
const FRAME: u32 = 40;
/// The most bytes of metadata.
const META: u32 = 255;

type Changed = Result<(), i32>;

impl Packet {
    /// `bpf_xdp_adjust_head`
    pub(crate) fn adjust_head(&mut self, memory: &mut Memory, by: i32) -> Changed {
        let data = i64::from(self.data) + i64::from(by);
        if data < i64::from(FRAME + self.meta) || data > i64::from(self.tail) - i64::from(ETHERNET)
        {
            return Err(errno::EINVAL);
        }
        let old = (self.data - self.meta) as usize..self.data as usize;
        self.data = u32::try_from(data).unwrap_or(self.data);
        let new = (self.data - self.meta) as usize;
        if let Some(head) = memory.bytes_mut(self.head) {
            head.copy_within(old, new);
        }
        self.moved = true;
        Ok(())
    }

    /// `bpf_xdp_adjust_meta`
    pub(crate) fn adjust_meta(&mut self, by: i32) -> Changed {
        let meta = i64::from(self.data - self.meta) + i64::from(by);
        if meta < i64::from(FRAME) || meta > i64::from(self.data) {
            return Err(errno::EINVAL);
        }
        let len = self.data - u32::try_from(meta).unwrap_or(self.data);
        if !len.is_multiple_of(4) || len > META {
            return Err(errno::EACCES);
        }
        self.meta = len;
        self.moved = true;
        Ok(())
    }

    /// `bpf_xdp_adjust_tail`
    pub(crate) fn adjust_tail(&mut self, memory: &mut Memory, by: i32) -> Changed {
        let (size, grows) = (by.unsigned_abs(), by > 0);
        let result = match (self.fragments.is_empty(), grows) {
            (false, false) => self.shrink_fragments(size),
            (false, true) => self.grow_fragment(memory, size),
            (true, false) => {
                if self.linear() < size.saturating_add(ETHERNET) {
                    return Err(errno::EINVAL);
                }
                self.tail -= size;
                Ok(())
            }
            (true, true) => {
                if size > self.capacity - self.tail {
                    return Err(errno::EINVAL);
                }
                let (start, end) = (self.tail as usize, (self.tail + size) as usize);
                let head = memory.bytes_mut(self.head).unwrap_or_default();
                head.get_mut(start..end).unwrap_or_default().fill(0);
                self.tail += size;
                Ok(())
            }
        };
        self.moved |= result.is_ok();
        result
    }

    /// `bpf_xdp_frags_shrink_tail`
    fn shrink_fragments(&mut self, mut size: u32) -> Changed {
        if i64::from(size) > i64::from(self.len()) - i64::from(ETHERNET) {
            return Err(errno::EINVAL);
        }
        while let Some(last) = self.fragments.last_mut()
            && size > 0
        {
            let cut = size.min(last.len);
            last.len -= cut;
            size -= cut;
            if last.len == 0 {
                self.fragments.pop();
            }
        }
        self.tail -= size;
        Ok(())
    }

    /// `bpf_xdp_frags_increase_tail`
    fn grow_fragment(&mut self, memory: &mut Memory, size: u32) -> Changed {
        let Some(Fragment { id, start, len }) = self.fragments.last_mut() else { return Ok(()) };
        let room = memory.len(*id).saturating_sub(*start + *len);
        if size > room {
            return Err(errno::EINVAL);
        }
        let from = (*start + *len) as usize;
        let bytes = memory.bytes_mut(*id).unwrap_or_default();
        bytes.get_mut(from..from + size as usize).unwrap_or_default().fill(0);
        *len += size;
        Ok(())
    }

    /// `bpf_xdp_pull_data`: makes the first `len` bytes linear.
    pub(crate) fn pull_fragments(&mut self, memory: &mut Memory, len: u32) -> Changed {
        if len <= self.linear() {
            return Ok(());
        }
        if len > self.len() {
            return Err(errno::EINVAL);
        }
        let delta = len - self.linear();
        let start = self.data - self.meta;
        let (before, behind) = (start.saturating_sub(FRAME), self.capacity - self.tail);
        if delta > before + behind {
            return Err(errno::EINVAL);
        }
        let bytes = self.bytes(memory, self.linear(), delta as usize).unwrap_or_default();
        let shift = delta.saturating_sub(behind);
        let head = memory.bytes_mut(self.head).unwrap_or_default();
        head.copy_within(start as usize..self.tail as usize, (start - shift) as usize);
        self.data -= shift;
        self.tail -= shift;
        let (from, to) = (self.tail as usize, (self.tail + delta) as usize);
        if let Some(place) = head.get_mut(from..to) {
            place.copy_from_slice(&bytes);
        }
        self.tail += delta;
        self.drop_front(delta);
        self.moved = true;
        Ok(())
    }
}
