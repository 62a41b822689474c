//! The message of a program for sockets (`struct sk_msg`): bytes in parts, of which the program sees a stretch.

use crate::fault::{Death, Origin, Stop};
use crate::helpers::errno;
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Lifetime, Memory};

/// The most parts (`MAX_MSG_FRAGS`).
const MOST_PARTS: usize = 17;

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    parts: Vec<Part>,
    /// What `data` points to.
    view: AllocId,
}

/// A part (`struct scatterlist`): bytes in an allocation.
#[derive(Clone, Copy, Debug)]
struct Part {
    id: AllocId,
    start: u32,
    len: u32,
}

/// Where a byte is: the number of the part, and where that begins in the message.
#[derive(Clone, Copy, Debug)]
struct Found {
    part: usize,
    offset: u32,
}

fn origin() -> Origin {
    Origin::Object { name: "a message".into() }
}

fn allocate(memory: &mut Memory, bytes: &[u8]) -> Result<Part, Stop> {
    let id = memory.allocate_bytes(bytes, origin(), true, Lifetime::Run)?;
    Ok(Part { id, start: 0, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX) })
}

impl Message {
    /// A message of these parts.
    pub(crate) fn new(m: &mut Machine<'_>, parts: &[&[u8]]) -> Result<Self, Stop> {
        let parts = parts.iter().filter(|part| !part.is_empty()).take(MOST_PARTS);
        let parts: Vec<Part> =
            parts.map(|part| allocate(&mut m.memory, part)).collect::<Result<_, _>>()?;
        let view = m.memory.allocate(0, origin(), true, Lifetime::Run)?;
        let mut message = Self { parts, view };
        message.show_first(&mut m.memory, Death::RunEnded)?;
        Ok(message)
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> u32 {
        self.parts.iter().map(|part| part.len).sum()
    }

    /// Where the stretch begins that the program sees.
    pub(crate) fn data(&self) -> Address {
        self.view.at(0)
    }

    /// Where that ends.
    pub(crate) fn end(&self, memory: &Memory) -> Address {
        self.view.at(memory.len(self.view).into())
    }

    /// All bytes.
    pub(crate) fn bytes(&self, memory: &Memory) -> Vec<u8> {
        let bytes = self.parts.iter().filter_map(|part| part_bytes(memory, *part));
        bytes.collect::<Vec<_>>().concat()
    }

    fn show(&mut self, memory: &mut Memory, part: Part, death: Death) -> Result<(), Stop> {
        memory.kill(self.view, death);
        self.view = memory.run_view(part.id, part.start, part.len, origin(), true)?;
        Ok(())
    }

    /// Shows the first part (`sk_msg_compute_data_pointers`).
    fn show_first(&mut self, memory: &mut Memory, death: Death) -> Result<(), Stop> {
        let none = Part { id: self.view, start: 0, len: 0 };
        let first = self.parts.first().copied().unwrap_or(none);
        self.show(memory, first, death)
    }

    /// The part with a byte, or what is behind the last one.
    fn find(&self, at: u32) -> Found {
        let mut offset = 0;
        for (part, Part { len, .. }) in self.parts.iter().enumerate() {
            if at < offset + len {
                return Found { part, offset };
            }
            offset += len;
        }
        Found { part: self.parts.len(), offset }
    }

    /// Shows the bytes from `start` to `end`, next to each other (`bpf_msg_pull_data`).
    pub(crate) fn pull(
        &mut self,
        memory: &mut Memory,
        start: u32,
        end: u32,
        death: Death,
    ) -> Result<i32, Stop> {
        if end <= start || start >= self.size() {
            return Ok(errno::EINVAL);
        }
        let Found { part: first, offset } = self.find(start);
        let wanted = u64::from(start - offset) + u64::from(end - start);
        let (mut last, mut len) = (first, 0_u64);
        while len < wanted {
            let Some(part) = self.parts.get(last) else { return Ok(errno::EINVAL) };
            len += u64::from(part.len);
            last += 1;
        }
        if last > first + 1 {
            let parts = self.parts.get(first..last).unwrap_or_default();
            let bytes = parts.iter().filter_map(|part| part_bytes(memory, *part));
            let bytes = bytes.collect::<Vec<_>>().concat();
            let joined = allocate(memory, &bytes)?;
            self.parts.splice(first..last, [joined]);
        }
        if let Some(part) = self.parts.get(first).copied() {
            let shown = Part { start: part.start + start - offset, len: end - start, ..part };
            self.show(memory, shown, death)?;
        }
        Ok(0)
    }

    /// Makes room for `len` bytes (`bpf_msg_push_data`). The kernel leaves in them what was there; here that is zeros.
    pub(crate) fn push(
        &mut self,
        memory: &mut Memory,
        start: u32,
        len: u32,
        death: Death,
    ) -> Result<i32, Stop> {
        if len == 0 {
            return Ok(0);
        }
        if start > self.size() {
            return Ok(errno::EINVAL);
        }
        let Found { part, offset } = self.find(start);
        let space = MOST_PARTS.saturating_sub(self.parts.len());
        let zeros = vec![0; len as usize];
        if space == 0 || (space == 1 && start != offset) {
            // Without a part to spare, the one there is copied with the room in it.
            let at = part.min(self.parts.len().saturating_sub(1));
            let old = self.parts.get(at).and_then(|part| part_bytes(memory, *part));
            let old = old.unwrap_or_default();
            let front = old.len().min((start - offset) as usize);
            let front = if part > at { old.len() } else { front };
            let bytes = [&old[..front], &zeros, &old[front..]].concat();
            let copied = allocate(memory, &bytes)?;
            self.parts.splice(at..(at + 1).min(self.parts.len()), [copied]);
        } else {
            let new = allocate(memory, &zeros)?;
            let at = self.split(part, start - offset);
            self.parts.insert(at, new);
        }
        self.show_first(memory, death)?;
        Ok(0)
    }

    /// Splits a part so that another can come in between; where that is.
    fn split(&mut self, part: usize, front: u32) -> usize {
        let Some(old) = self.parts.get_mut(part).filter(|_| front > 0) else { return part };
        let back = Part { start: old.start + front, len: old.len - front, ..*old };
        old.len = front;
        self.parts.insert(part + 1, back);
        part + 1
    }

    /// Takes `len` bytes out (`bpf_msg_pop_data`).
    pub(crate) fn pop(
        &mut self,
        memory: &mut Memory,
        start: u32,
        len: u32,
        death: Death,
    ) -> Result<i32, Stop> {
        if len == 0 {
            return Ok(0);
        }
        let size = self.size();
        if start >= size || u64::from(start) + u64::from(len) > size.into() {
            return Ok(errno::EINVAL);
        }
        let Found { part, offset } = self.find(start);
        let (front, mut left) = (start - offset, len);
        let old = self.parts.get(part).copied().unwrap_or(Part { id: self.view, start: 0, len: 0 });
        let mut at = part;
        if front > 0 && left < old.len - front && self.parts.len() >= MOST_PARTS {
            // What stays of the part is copied together.
            let mut bytes = part_bytes(memory, old).unwrap_or_default();
            bytes.drain(front as usize..(front + left) as usize);
            let copied = allocate(memory, &bytes)?;
            self.parts.splice(part..=part, [copied]);
            left = 0;
        } else {
            at = self.split(part, front);
        }
        while left > 0 {
            let Some(one) = self.parts.get_mut(at) else { break };
            if left < one.len {
                (one.start, one.len) = (one.start + left, one.len - left);
                left = 0;
            } else {
                left -= one.len;
                self.parts.remove(at);
            }
        }
        self.show_first(memory, death)?;
        Ok(0)
    }
}

fn part_bytes(memory: &Memory, part: Part) -> Option<Vec<u8>> {
    let (start, end) = (part.start as usize, (part.start + part.len) as usize);
    memory.bytes(part.id)?.get(start..end).map(<[u8]>::to_vec)
}
