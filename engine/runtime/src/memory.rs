//! Memory as a program sees it: allocations, addressed by pointers that are never addresses of the host.
//!
//! An address is 64 bits: bit 63, the number of an allocation in the bits below it, and in the lower half the offset
//! in the allocation plus [`BIAS`]. So adding to a pointer, comparing two pointers into the same allocation and
//! subtracting them are plain arithmetic, also a little in front of the allocation, and NULL is nothing.
//!
//! All bytes lie in one arena. An allocation is a range of it, and ranges may overlap: a slice of a packet is an
//! allocation of its own ([`Memory::view`]) over the packet's bytes. So each pointer knows what it was made for, how
//! far it reaches, whether it may be written through and what ended it, and an access is one look into a table and one
//! comparison. What cannot be accessed has the length 0 in that table; why is looked up only then.

use std::collections::BTreeMap;

use crate::fault::{Access, Death, FaultKind, Origin, PointerNote, Stop};
use crate::op::OpIndex;

/// An address in a program's registers.
pub type Address = u64;

/// Added to offsets, so that a pointer can move in front of its allocation and back.
const BIAS: u32 = 1 << 30;
/// The upper half of the address of allocation 0.
const TOP: u32 = 1 << 31;
/// What the tables of an allocation cost beside its bytes, for the limit.
const OVERHEAD: usize = 128;

/// The number of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllocId(u32);

impl AllocId {
    /// The allocation with this number.
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The address of a byte of the allocation, or of one around it.
    pub fn at(self, offset: i64) -> Address {
        let low = i64::from(BIAS).wrapping_add(offset);
        (u64::from(self.0 ^ TOP) << 32).wrapping_add(low.cast_unsigned())
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The allocation and the offset that an address stands for, whether or not there is such an allocation.
#[expect(clippy::cast_possible_truncation, reason = "halves of 64 bits")]
pub fn split(address: Address) -> (AllocId, i64) {
    let id = AllocId((address >> 32) as u32 ^ TOP);
    (id, i64::from(address as u32) - i64::from(BIAS))
}

/// How long an allocation lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the run ends: stack, packet, context, objects of the kernel.
    Run,
    /// As long as the maps.
    Maps,
}

/// Where the bytes of an allocation lie, and how much of them can be read and written.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u32,
    /// What can be read; 0 when dead.
    readable: u32,
    /// What can be written; 0 when dead or read-only.
    writable: u32,
    /// Something was written through it.
    dirty: bool,
}

/// What else is known of an allocation.
#[derive(Clone, Debug)]
struct Info {
    origin: Origin,
    /// Its length when it was made.
    len: u32,
    writable: bool,
    lifetime: Lifetime,
    /// It has bytes of its own, which can be used again when it is gone.
    owner: bool,
    death: Option<Death>,
    /// The call of the kernel that made it.
    made: Option<OpIndex>,
}

/// The memory of a machine.
#[derive(Clone, Debug)]
pub struct Memory {
    ranges: Vec<Range>,
    infos: Vec<Info>,
    bytes: Vec<u8>,
    limit: usize,
    /// Ranges of the arena that nothing lies in any more, by length.
    free: BTreeMap<u32, Vec<u32>>,
    /// How it was when the maps had just been made.
    baseline: Option<Box<Baseline>>,
    /// Where allocations of the run begin.
    run: Mark,
    /// The run has made allocations that outlive it.
    outlived: bool,
    /// Ranges below the baseline that were written through allocations that are gone.
    written: Vec<(u32, u32)>,
    /// What ends when the run does, and by what.
    late: Vec<(AllocId, Death)>,
    /// The call of the kernel that is executed, which makes what is allocated now.
    pub(crate) maker: Option<OpIndex>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    allocations: usize,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Baseline {
    ranges: Vec<Range>,
    infos: Vec<Info>,
    bytes: Vec<u8>,
}

impl Memory {
    /// Memory that never holds more than about `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            ranges: Vec::new(),
            infos: Vec::new(),
            bytes: Vec::new(),
            // Places in the arena are 32 bits.
            limit: limit.min(1 << 31),
            free: BTreeMap::new(),
            baseline: None,
            run: Mark::default(),
            outlived: false,
            written: Vec::new(),
            late: Vec::new(),
            maker: None,
        }
    }

    /// An allocation of `len` bytes, all zero.
    pub fn allocate(
        &mut self,
        len: usize,
        origin: Origin,
        writable: bool,
        lifetime: Lifetime,
    ) -> Result<AllocId, Stop> {
        let start = self.place(len)?;
        self.outlived |= lifetime == Lifetime::Maps;
        let len = u32::try_from(len).map_err(|_| FaultKind::MemoryLimit(self.limit))?;
        let info =
            Info { origin, len, writable, lifetime, owner: true, death: None, made: self.maker };
        self.push(start, info)
    }

    /// An allocation with these bytes.
    pub fn allocate_bytes(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        writable: bool,
        lifetime: Lifetime,
    ) -> Result<AllocId, Stop> {
        let id = self.allocate(bytes.len(), origin, writable, lifetime)?;
        if let Some(place) = self.bytes_mut(id) {
            place.copy_from_slice(bytes);
        }
        Ok(id)
    }

    /// Another allocation over `len` bytes of one, from `offset`. It ends when [`Memory::kill`] ends it, not with the
    /// other one.
    pub fn view(
        &mut self,
        of: AllocId,
        offset: u32,
        len: u32,
        origin: Origin,
        writable: bool,
    ) -> Result<AllocId, Stop> {
        let (range, info) = (self.range(of)?, self.info(of)?);
        let fits = offset.checked_add(len).is_some_and(|end| end <= info.len);
        if !fits {
            return Err(FaultKind::Internal("a view reaches beyond its allocation").into());
        }
        let (start, lifetime) = (range.start + offset, info.lifetime);
        self.outlived |= lifetime == Lifetime::Maps;
        let made = self.maker;
        self.push(start, Info { origin, len, writable, lifetime, owner: false, death: None, made })
    }

    /// As [`Memory::view`], gone when the run ends.
    pub fn run_view(
        &mut self,
        of: AllocId,
        offset: u32,
        len: u32,
        origin: Origin,
        writable: bool,
    ) -> Result<AllocId, Stop> {
        let outlived = self.outlived;
        let view = self.view(of, offset, len, origin, writable)?;
        self.outlived = outlived;
        if let Some(info) = self.infos.get_mut(view.index()) {
            info.lifetime = Lifetime::Run;
        }
        Ok(view)
    }

    /// Ends an allocation: no access is possible any more, and a fault says what ended it.
    pub fn kill(&mut self, id: AllocId, death: Death) {
        if let (Some(range), Some(info)) =
            (self.ranges.get_mut(id.index()), self.infos.get_mut(id.index()))
            && info.death.is_none()
        {
            (range.readable, range.writable) = (0, 0);
            info.death = Some(death);
        }
    }

    /// Ends an allocation that nothing points to any more; its bytes may be used again.
    pub fn release(&mut self, id: AllocId, death: Death) {
        let Some(info) = self.infos.get(id.index()).filter(|info| info.owner) else { return };
        let (len, start) = (info.len, self.ranges.get(id.index()).map_or(0, |range| range.start));
        let alive = info.death.is_none();
        self.kill(id, death);
        if alive && len > 0 {
            self.free.entry(len).or_default().push(start);
        }
    }

    /// As [`Memory::release`], when the run ends: until then what still points to the allocation may look at it.
    pub fn release_later(&mut self, id: AllocId, death: Death) {
        self.late.push((id, death));
    }

    /// Makes an ended allocation usable again, as a frame of the stack is.
    pub(crate) fn revive(&mut self, id: AllocId) {
        if let (Some(range), Some(info)) =
            (self.ranges.get_mut(id.index()), self.infos.get_mut(id.index()))
        {
            range.readable = info.len;
            range.writable = if info.writable { info.len } else { 0 };
            info.death = None;
        }
    }

    /// Allows stores through a live allocation.
    pub(crate) fn make_writable(&mut self, id: AllocId) {
        if let (Some(range), Some(info)) =
            (self.ranges.get_mut(id.index()), self.infos.get_mut(id.index()))
        {
            info.writable = true;
            range.writable = range.readable;
        }
    }

    /// Something was written to the allocation since the maps were made or reset.
    pub(crate) fn is_dirty(&self, id: AllocId) -> bool {
        self.ranges.get(id.index()).is_some_and(|range| range.dirty)
    }

    /// What an allocation was made for.
    pub fn origin(&self, id: AllocId) -> Option<&Origin> {
        self.infos.get(id.index()).map(|info| &info.origin)
    }

    /// What the allocation was made for that an address points into, if it is alive.
    pub fn origin_at(&self, address: Address) -> Option<(&Origin, AllocId, i64)> {
        let (id, offset) = split(address);
        let info = self.infos.get(id.index()).filter(|info| info.death.is_none())?;
        Some((&info.origin, id, offset))
    }

    /// Only the first bytes of an allocation can be read and written directly from now on.
    pub(crate) fn set_reach(&mut self, id: AllocId, len: usize) {
        let most = self.len(id);
        if let Some(range) = self.ranges.get_mut(id.index()) {
            let reach = u32::try_from(len).unwrap_or(u32::MAX).min(most);
            (range.readable, range.writable, range.dirty) = (reach, reach, true);
        }
    }

    /// Where the bytes of an allocation begin, to compare it with others that share them.
    pub(crate) fn start(&self, id: AllocId) -> Option<u32> {
        self.ranges.get(id.index()).map(|range| range.start)
    }

    /// How many bytes an allocation has, from its beginning; 0 when it is dead.
    pub fn len(&self, id: AllocId) -> u32 {
        self.infos.get(id.index()).filter(|info| info.death.is_none()).map_or(0, |info| info.len)
    }

    /// All bytes of a live allocation.
    pub fn bytes(&self, id: AllocId) -> Option<&[u8]> {
        let range = self.ranges.get(id.index())?;
        self.bytes.get(range.start as usize..)?.get(..self.len(id) as usize)
    }

    /// All bytes of a live allocation, to be changed whether or not a program could.
    pub fn bytes_mut(&mut self, id: AllocId) -> Option<&mut [u8]> {
        let len = self.len(id) as usize;
        let range = self.ranges.get_mut(id.index())?;
        range.dirty = true;
        self.bytes.get_mut(range.start as usize..)?.get_mut(..len)
    }

    /// The bytes at an address, as the program could read them.
    pub fn read(&self, address: Address, len: usize) -> Result<&[u8], Stop> {
        self.try_read(address, len).ok_or_else(|| self.fault(address, len, Access::Read))
    }

    /// The bytes at an address, as the program could write them.
    pub fn write(&mut self, address: Address, len: usize) -> Result<&mut [u8], Stop> {
        if self.try_write(address, len).is_none() {
            return Err(self.fault(address, len, Access::Write));
        }
        // Asked for again because the borrow of a first answer would last for the error as well.
        self.try_write(address, len).ok_or_else(|| FaultKind::Internal("no memory").into())
    }

    /// The bytes at an address, or nothing if the program could not read them.
    #[inline]
    pub fn try_read(&self, address: Address, len: usize) -> Option<&[u8]> {
        let (range, at) = self.locate(address)?;
        let end = u64::from(at).saturating_add(len as u64);
        if end > u64::from(range.readable) {
            return None;
        }
        self.bytes.get(range.start as usize + at as usize..)?.get(..len)
    }

    /// The bytes at an address, or nothing if the program could not write them.
    #[inline]
    pub fn try_write(&mut self, address: Address, len: usize) -> Option<&mut [u8]> {
        let (id, at) = self.number(address);
        let range = self.ranges.get_mut(id)?;
        let end = u64::from(at).saturating_add(len as u64);
        if end > u64::from(range.writable) {
            return None;
        }
        range.dirty = true;
        self.bytes.get_mut(range.start as usize + at as usize..)?.get_mut(..len)
    }

    /// `N` bytes at an address: the way of the interpreter.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: Address) -> Option<&[u8; N]> {
        let (range, at) = self.locate(address)?;
        if u64::from(at) + N as u64 > u64::from(range.readable) {
            return None;
        }
        let start = range.start as usize + at as usize;
        self.bytes.get(start..start + N)?.first_chunk()
    }

    /// Writes `N` bytes to an address; false if the program could not.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, address: Address, value: [u8; N]) -> bool {
        let (index, at) = self.number(address);
        let Some(range) = self.ranges.get_mut(index) else { return false };
        if u64::from(at) + N as u64 > u64::from(range.writable) {
            return false;
        }
        range.dirty = true;
        let start = range.start as usize + at as usize;
        match self.bytes.get_mut(start..start + N).and_then(|bytes| bytes.first_chunk_mut()) {
            Some(place) => {
                *place = value;
                true
            }
            None => false,
        }
    }

    /// A little-endian word of 32 bits at an address.
    pub fn read_u32(&self, address: Address) -> Result<u32, Stop> {
        let word = self.load(address).copied().map(u32::from_le_bytes);
        word.ok_or_else(|| self.fault(address, 4, Access::Read))
    }

    /// A little-endian word of 64 bits at an address.
    pub fn read_u64(&self, address: Address) -> Result<u64, Stop> {
        let word = self.load(address).copied().map(u64::from_le_bytes);
        word.ok_or_else(|| self.fault(address, 8, Access::Read))
    }

    /// Writes bytes to an address.
    pub fn put(&mut self, address: Address, bytes: &[u8]) -> Result<(), Stop> {
        self.write(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Moves `len` bytes; the ranges may overlap.
    pub fn copy(&mut self, to: Address, from: Address, len: usize) -> Result<(), Stop> {
        self.read(from, len)?;
        self.write(to, len)?;
        let place =
            |address| self.locate(address).map(|(range, at)| range.start as usize + at as usize);
        if let (Some(to), Some(from)) = (place(to), place(from)) {
            self.bytes.copy_within(from..from + len, to);
        }
        Ok(())
    }

    /// Why an access failed.
    #[cold]
    pub(crate) fn fault(&self, address: Address, len: usize, access: Access) -> Stop {
        let note = self.note(address);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        match note {
            None if address < 1 << 16 => FaultKind::Null { access, address, len },
            None => FaultKind::NotAPointer { access, address, len },
            Some(pointer) if pointer.death.is_some() => FaultKind::Dead { access, pointer, len },
            Some(pointer) => {
                let end = pointer.offset.saturating_add(i64::from(len));
                let inside = pointer.offset >= 0 && end <= i64::from(pointer.len);
                if inside && access == Access::Write && !pointer.writable {
                    FaultKind::ReadOnly { pointer, len }
                } else {
                    FaultKind::OutOfBounds { access, pointer, len }
                }
            }
        }
        .into()
    }

    /// What is known of the pointer that an address is.
    pub fn note(&self, address: Address) -> Option<Box<PointerNote>> {
        let (id, offset) = split(address);
        let info = self.infos.get(id.index())?;
        Some(Box::new(PointerNote {
            origin: info.origin.clone(),
            offset,
            len: info.len,
            writable: info.writable,
            death: info.death.clone(),
            maker: info.made,
            made: None,
        }))
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "halves of 64 bits")]
    fn number(&self, address: Address) -> (usize, u32) {
        (((address >> 32) as u32 ^ TOP) as usize, (address as u32).wrapping_sub(BIAS))
    }

    #[inline(always)]
    fn locate(&self, address: Address) -> Option<(&Range, u32)> {
        let (index, at) = self.number(address);
        Some((self.ranges.get(index)?, at))
    }

    fn range(&self, id: AllocId) -> Result<Range, Stop> {
        let range = self.ranges.get(id.index()).copied();
        range.ok_or_else(|| FaultKind::Internal("no such allocation").into())
    }

    fn info(&self, id: AllocId) -> Result<&Info, Stop> {
        let info = self.infos.get(id.index());
        info.ok_or_else(|| FaultKind::Internal("no such allocation").into())
    }

    /// Room for `len` bytes, all zero.
    fn place(&mut self, len: usize) -> Result<u32, Stop> {
        let too_much = FaultKind::MemoryLimit(self.limit);
        let want = u32::try_from(len).map_err(|_| too_much.clone())?;
        if let Some(start) = self.free.get_mut(&want).and_then(Vec::pop) {
            let place = self.bytes.get_mut(start as usize..).and_then(|rest| rest.get_mut(..len));
            place.unwrap_or_default().fill(0);
            return Ok(start);
        }
        let start = self.bytes.len();
        let used = start + self.ranges.len().saturating_mul(OVERHEAD);
        if used.saturating_add(len) > self.limit {
            return Err(too_much.into());
        }
        self.bytes.resize(start + len, 0);
        u32::try_from(start).map_err(|_| too_much.into())
    }

    fn push(&mut self, start: u32, info: Info) -> Result<AllocId, Stop> {
        let used = self.bytes.len() + self.ranges.len().saturating_mul(OVERHEAD);
        if used > self.limit {
            return Err(FaultKind::MemoryLimit(self.limit).into());
        }
        let number = u32::try_from(self.ranges.len());
        let number = number.map_err(|_| FaultKind::MemoryLimit(self.limit))?;
        let writable = if info.writable { info.len } else { 0 };
        self.ranges.push(Range { start, readable: info.len, writable, dirty: false });
        self.infos.push(info);
        Ok(AllocId(number))
    }

    /// Remembers how things are: [`Memory::reset`] goes back to this.
    pub(crate) fn set_baseline(&mut self) {
        for range in &mut self.ranges {
            range.dirty = false;
        }
        self.baseline = Some(Box::new(Baseline {
            ranges: self.ranges.clone(),
            infos: self.infos.clone(),
            bytes: self.bytes.clone(),
        }));
        self.begin_run();
    }

    /// Puts back what was written since the baseline and forgets what was allocated.
    pub(crate) fn reset(&mut self) {
        self.end_run();
        let Some(baseline) = self.baseline.take() else { return };
        // The length is not in the table of ranges for what is dead by now.
        let known = self.ranges.iter().zip(&self.infos).filter(|(range, _)| range.dirty);
        let dirty = known.map(|(range, info)| (range.start, info.len));
        let dirty: Vec<_> = dirty.chain(std::mem::take(&mut self.written)).collect();
        for (start, len) in dirty {
            let (start, end) = (start as usize, (start + len) as usize);
            let from = baseline.bytes.get(start..end.min(baseline.bytes.len()));
            if let (Some(from), Some(to)) = (from, self.bytes.get_mut(start..))
                && let Some(to) = to.get_mut(..from.len())
            {
                to.copy_from_slice(from);
            }
        }
        let count = baseline.ranges.len();
        self.ranges.truncate(count);
        self.ranges.copy_from_slice(&baseline.ranges);
        self.infos.truncate(count);
        for (info, before) in self.infos.iter_mut().zip(&baseline.infos) {
            if info.death.is_some() != before.death.is_some() {
                info.clone_from(before);
            }
        }
        self.bytes.truncate(baseline.bytes.len());
        self.free.clear();
        self.baseline = Some(baseline);
        self.begin_run();
    }

    /// What is allocated from now on for the run goes when it ends.
    pub(crate) fn begin_run(&mut self) {
        self.run = Mark { allocations: self.ranges.len(), bytes: self.bytes.len() };
        self.outlived = false;
    }

    /// Ends the allocations of the run.
    pub(crate) fn end_run(&mut self) {
        for (id, death) in std::mem::take(&mut self.late) {
            self.release(id, death);
        }
        let below = self.baseline.as_ref().map_or(0, |baseline| baseline.bytes.len());
        for (range, info) in self.ranges.iter().zip(&self.infos).skip(self.run.allocations) {
            if range.dirty && (range.start as usize) < below {
                self.written.push((range.start, info.len));
            }
        }
        if self.outlived {
            for number in self.run.allocations..self.ranges.len() {
                let id = AllocId(u32::try_from(number).unwrap_or(u32::MAX));
                if self.infos.get(number).is_some_and(|info| info.lifetime == Lifetime::Run) {
                    self.release(id, Death::RunEnded);
                    self.kill(id, Death::RunEnded);
                }
            }
        } else {
            self.ranges.truncate(self.run.allocations);
            self.infos.truncate(self.run.allocations);
            self.bytes.truncate(self.run.bytes);
            let end = self.run.bytes;
            self.free.retain(|_, starts| {
                starts.retain(|start| (*start as usize) < end);
                !starts.is_empty()
            });
        }
        self.begin_run();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &'static str) -> Origin {
        Origin::Object { name: name.into() }
    }

    #[test]
    fn a_pointer_moves_in_front_and_back() {
        let mut memory = Memory::new(1 << 20);
        let id = memory.allocate(8, object("a"), true, Lifetime::Run).expect("fits");
        let before = id.at(-3);
        assert!(memory.try_read(before, 1).is_none());
        assert!(before < id.at(0));
        assert!(memory.try_read(before.wrapping_add(3), 8).is_some());
        assert!(memory.try_read(id.at(1), 8).is_none());
        assert!(memory.try_read(0, 1).is_none());
    }

    #[test]
    fn a_view_shares_bytes_and_has_its_own_end() {
        let mut memory = Memory::new(1 << 20);
        let id = memory.allocate(8, object("a"), true, Lifetime::Run).expect("fits");
        let view = memory.view(id, 2, 4, object("b"), false).expect("is inside");
        memory.put(id.at(3), &[7]).expect("is writable");
        assert_eq!(memory.read(view.at(0), 4).expect("is readable"), [0, 7, 0, 0]);
        assert!(memory.try_read(view.at(0), 5).is_none());
        assert!(memory.try_write(view.at(0), 1).is_none());
        memory.kill(view, Death::RunEnded);
        assert!(memory.try_read(view.at(0), 1).is_none());
        assert!(memory.try_read(id.at(0), 1).is_some());
        assert!(memory.view(id, 6, 3, object("c"), false).is_err());
    }

    #[test]
    fn a_reset_brings_back_what_was_written_through_anything() {
        let mut memory = Memory::new(1 << 20);
        memory.allocate(8, object("other"), true, Lifetime::Maps).expect("fits");
        let map = memory.allocate_bytes(&[1; 8], object("m"), true, Lifetime::Maps).expect("fits");
        memory.set_baseline();
        let view = memory.run_view(map, 4, 4, object("v"), true).expect("is inside");
        memory.put(view.at(0), &[9]).expect("is writable");
        memory.end_run();
        assert_eq!(memory.read(map.at(4), 1).expect("is there"), [9]);
        memory.put(map.at(0), &[8]).expect("is writable");
        memory.kill(map, Death::RunEnded);
        memory.reset();
        assert_eq!(memory.read(map.at(0), 8).expect("is there"), [1; 8]);
    }

    #[test]
    fn the_limit_holds() {
        let mut memory = Memory::new(4096);
        assert!(memory.allocate(1 << 40, object("a"), true, Lifetime::Run).is_err());
        let made =
            (0..1000).take_while(|_| memory.allocate(16, object("a"), true, Lifetime::Run).is_ok());
        assert!(made.count() < 64);
    }
}
