//! How an skb changes: room made and taken, bytes pulled into the linear part, clones given bytes of their own. The names
//! are those of `net/core/skbuff.c`.

use super::build::{ETHERNET, SHARED_INFO};
use super::{Checksum, Packet};
use crate::checksum;
use crate::fault::{Death, Origin, Stop};
use crate::memory::{Lifetime, Memory};

/// To what headroom is rounded (`NET_SKB_PAD`).
const PAD: u32 = 64;
/// Bytes more than needed that a pull makes room for.
const PULL_RESERVE: u32 = 128;
/// The bytes of a tag.
const TAG: u32 = 4;

impl Packet {
    /// `pskb_expand_head`: a linear part of its own, with more room before and behind it.
    pub(crate) fn expand_head(
        &mut self,
        memory: &mut Memory,
        before: u32,
        behind: u32,
    ) -> Result<(), Stop> {
        let old = memory.bytes(self.head).unwrap_or_default().get(..self.tail as usize);
        let old = old.unwrap_or_default().to_vec();
        let used = before + self.capacity + behind + SHARED_INFO;
        let capacity = used.checked_next_power_of_two().unwrap_or(used) - SHARED_INFO;
        let head = memory.allocate(capacity as usize, Origin::PacketBuffer, true, Lifetime::Run)?;
        let place = memory.bytes_mut(head).and_then(|bytes| bytes.get_mut(before as usize..));
        if let Some(place) = place.and_then(|place| place.get_mut(..old.len())) {
            place.copy_from_slice(&old);
        }
        memory.kill(self.head, Death::RunEnded);
        (self.head, self.capacity) = (head, capacity);
        self.data += before;
        self.tail += before;
        self.mac += before;
        self.network += before;
        self.cloned = false;
        self.moved = true;
        // `skb_metadata_clear`
        self.meta = 0;
        Ok(())
    }

    /// `pskb_may_pull`: makes the first `len` bytes linear; false if there are not so many.
    pub(crate) fn may_pull(&mut self, memory: &mut Memory, len: u32) -> Result<bool, Stop> {
        if len <= self.linear() {
            return Ok(true);
        }
        if len > self.len() {
            return Ok(false);
        }
        let delta = len - self.linear();
        let room = self.capacity - self.tail;
        if room < delta || self.cloned {
            let more = if room < delta { delta - room + PULL_RESERVE } else { 0 };
            self.expand_head(memory, 0, more)?;
        }
        let bytes = self.bytes(memory, self.linear(), delta as usize).unwrap_or_default();
        let (start, end) = (self.tail as usize, (self.tail + delta) as usize);
        if let Some(place) = memory.bytes_mut(self.head).and_then(|head| head.get_mut(start..end)) {
            place.copy_from_slice(&bytes);
        }
        self.tail += delta;
        self.drop_front(delta);
        self.moved = true;
        Ok(true)
    }

    /// `skb_ensure_writable`: makes the first `len` bytes linear and the skb's own.
    pub(crate) fn ensure_writable(&mut self, memory: &mut Memory, len: u32) -> Result<bool, Stop> {
        if !self.may_pull(memory, len)? {
            return Ok(false);
        }
        if self.cloned {
            self.expand_head(memory, 0, 0)?;
        }
        Ok(true)
    }

    /// `skb_cow`: room for `room` bytes before the packet, in a linear part of its own.
    pub(crate) fn cow(&mut self, memory: &mut Memory, room: u32) -> Result<(), Stop> {
        let delta = room.saturating_sub(self.data);
        if delta > 0 || self.cloned {
            self.expand_head(memory, delta.next_multiple_of(PAD), 0)?;
        }
        Ok(())
    }

    /// The first `len` bytes of the linear part, to be changed.
    fn front<'m>(&self, memory: &'m mut Memory, len: u32) -> &'m mut [u8] {
        let (start, end) = (self.data as usize, (self.data + len) as usize);
        memory.bytes_mut(self.head).and_then(|head| head.get_mut(start..end)).unwrap_or_default()
    }

    /// `bpf_skb_generic_push`: `len` zeros at `offset`. There must be room before the packet.
    pub(crate) fn generic_push(&mut self, memory: &mut Memory, offset: u32, len: u32) {
        self.data -= len;
        self.meta = 0;
        let front = self.front(memory, offset + len);
        if front.len() == (offset + len) as usize {
            front.copy_within(len as usize.., 0);
            front[offset as usize..].fill(0);
        }
        self.moved = true;
    }

    /// `bpf_skb_generic_pop`: takes `len` bytes at `offset` out; false if there are not so many.
    pub(crate) fn generic_pop(
        &mut self,
        memory: &mut Memory,
        offset: u32,
        len: u32,
    ) -> Result<bool, Stop> {
        if !self.may_pull(memory, offset.saturating_add(len))? {
            return Ok(false);
        }
        let front = self.front(memory, offset + len);
        let gone = front.get(offset as usize..).unwrap_or_default().to_vec();
        front.copy_within(..offset as usize, len as usize);
        self.subtract(&gone, offset);
        self.data += len;
        self.meta = 0;
        self.moved = true;
        Ok(true)
    }

    /// `bpf_skb_net_hdr_push`: as [`Packet::generic_push`], headers before `offset` move along.
    pub(crate) fn header_push(&mut self, memory: &mut Memory, offset: u32, len: u32) {
        self.generic_push(memory, offset, len);
        self.mac = self.mac.saturating_sub(len);
        self.network = self.network.saturating_sub(len);
    }

    /// `bpf_skb_net_hdr_pop`.
    pub(crate) fn header_pop(
        &mut self,
        memory: &mut Memory,
        offset: u32,
        len: u32,
    ) -> Result<bool, Stop> {
        let popped = self.generic_pop(memory, offset, len)?;
        if popped {
            self.mac += len;
            self.network += len;
        }
        Ok(popped)
    }

    /// `__skb_push` of zeros, which become the link-layer header.
    pub(crate) fn push_zeros(&mut self, memory: &mut Memory, len: u32) {
        self.data -= len;
        self.mac = self.data;
        self.meta = 0;
        self.front(memory, len).fill(0);
        self.moved = true;
    }

    /// Makes the packet `len` bytes long, the new ones zero.
    pub(crate) fn grow(&mut self, memory: &mut Memory, len: u32) -> Result<(), Stop> {
        self.may_pull(memory, self.len())?;
        let more = len - self.linear();
        let room = self.capacity - self.tail;
        if room < more || self.cloned {
            self.expand_head(memory, 0, more.saturating_sub(room))?;
        }
        let (start, end) = (self.tail as usize, (self.tail + more) as usize);
        if let Some(place) = memory.bytes_mut(self.head).and_then(|head| head.get_mut(start..end)) {
            place.fill(0);
        }
        self.tail += more;
        if matches!(self.checksum, Checksum::Complete(_)) {
            self.checksum = Checksum::None;
        }
        self.moved = true;
        Ok(())
    }

    /// Cuts the packet to `len` bytes.
    pub(crate) fn trim(&mut self, memory: &mut Memory, len: u32) -> Result<(), Stop> {
        if self.cloned {
            self.expand_head(memory, 0, 0)?;
        }
        if let Checksum::Complete(sum) = self.checksum {
            let gone = self.bytes(memory, len, (self.len() - len) as usize).unwrap_or_default();
            let gone = checksum::shifted(checksum::partial(&gone, 0), len);
            self.checksum = Checksum::Complete(checksum::subtract(sum, gone));
        }
        let mut left = len;
        self.tail = self.data + left.min(self.linear());
        left -= self.linear();
        for fragment in &mut self.fragments {
            fragment.len = fragment.len.min(left);
            left -= fragment.len;
        }
        self.remove_empty();
        self.moved = true;
        Ok(())
    }

    /// Bytes at an offset are no longer part of the sum over the packet (`skb_postpull_rcsum`).
    pub(crate) fn subtract(&mut self, bytes: &[u8], offset: u32) {
        if let Checksum::Complete(sum) = self.checksum {
            let part = checksum::shifted(checksum::partial(bytes, 0), offset);
            self.checksum = Checksum::Complete(checksum::subtract(sum, part));
        }
    }

    /// Bytes at an offset are part of the sum over the packet (`skb_postpush_rcsum`).
    pub(crate) fn add(&mut self, bytes: &[u8], offset: u32) {
        if let Checksum::Complete(sum) = self.checksum {
            let part = checksum::shifted(checksum::partial(bytes, 0), offset);
            self.checksum = Checksum::Complete(checksum::add(sum, part));
        }
    }

    /// Puts the tag that is beside the packet into it (`__vlan_insert_tag`).
    pub(crate) fn insert_tag(
        &mut self,
        memory: &mut Memory,
        (protocol, control): (u16, u16),
    ) -> Result<(), Stop> {
        self.cow(memory, TAG)?;
        self.data -= TAG;
        self.mac = self.mac.saturating_sub(TAG);
        self.meta = 0;
        let front = self.front(memory, ETHERNET + TAG);
        if front.len() == (ETHERNET + TAG) as usize {
            front.copy_within(4..16, 0);
            front[12..14].copy_from_slice(&protocol.to_be_bytes());
            front[14..16].copy_from_slice(&control.to_be_bytes());
        }
        self.protocol = protocol;
        self.network = self.network.saturating_sub(TAG);
        self.moved = true;
        Ok(())
    }

    /// Takes the tag out of the packet (`__skb_vlan_pop`); `None` if it is too short.
    pub(crate) fn remove_tag(&mut self, memory: &mut Memory) -> Result<Option<u16>, Stop> {
        if !self.ensure_writable(memory, ETHERNET + TAG)? {
            return Ok(None);
        }
        let front = self.front(memory, ETHERNET + TAG);
        let tag = <[u8; 4]>::try_from(front.get(12..16).unwrap_or(&[0; 4])).unwrap_or_default();
        let inner = front.get(16..18).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        front.copy_within(..12, 4);
        self.subtract(&tag, 2 * 6);
        self.data += TAG;
        self.mac += TAG;
        self.meta = 0;
        // `vlan_set_encap_proto`
        self.protocol = if inner >= 0x600 { inner } else { 0x0004 };
        if self.network < self.data + ETHERNET {
            self.network = self.data + ETHERNET;
        }
        self.moved = true;
        Ok(Some(u16::from_be_bytes([tag[2], tag[3]])))
    }

    /// Whether a protocol is one of tags (`eth_type_vlan`).
    pub(crate) fn is_tag(protocol: u16) -> bool {
        matches!(protocol, 0x8100 | 0x88a8)
    }
}
