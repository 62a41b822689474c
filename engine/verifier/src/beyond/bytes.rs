//! Calls that read and write bytes through dynptrs, and those that make slices.

use isa::{Pc, Reg as Name};

use super::access::constant_before;
use super::api::Call;
use super::branch::ETHERNET;
use super::calls::{is_unbounded, number, outdate_metadata};
use super::found::Condition;
use super::shadow::{
    Alias, Buffer, By, Dynptr, Memory, Offset, Shadow, Slice, Unread, Why, place_in,
};
use super::{Arguments, Beyond, table};
use crate::cx::Cx;
use crate::state::{Reg, RegKind, State};

/// What is copied in pieces is copied in pieces of this size.
const PIECE: u64 = 256;

/// The flags that `bpf_dynptr_write` has for socket buffers: `BPF_F_RECOMPUTE_CSUM` and `BPF_F_INVALIDATE_HASH`.
const SKB_FLAGS: u64 = 3;

/// What is written back, or so it seems.
#[derive(Clone, Copy)]
struct Source {
    slice: Slice,
    /// The pointer is the slice, not its buffer by name.
    is_slice: bool,
    /// How far behind the beginning it is.
    inside: i64,
}

/// A range of the memory of a dynptr.
#[derive(Clone, Copy)]
struct Range {
    memory: Memory,
    /// Where it begins.
    offset: Offset,
    /// In bytes, if that is known.
    length: Option<u64>,
}

impl Range {
    fn of(dynptr: &Dynptr, offset: &Reg, length: &Reg) -> Self {
        let offset = Offset::of(dynptr.start, offset);
        Self { memory: dynptr.memory, offset, length: number(length) }
    }

    /// The byte behind the last one.
    fn end(self) -> Option<i64> {
        Some(self.offset.known()? + i64::try_from(self.length?).ok()?)
    }

    /// It may have bytes of the slice.
    fn may_touch(self, slice: &Slice) -> bool {
        if self.memory != slice.memory {
            return false;
        }
        let Some(distance) = self.offset.behind(slice.offset) else { return true };
        let before = self
            .length
            .and_then(|length| i64::try_from(length).ok())
            .is_some_and(|length| distance + length <= 0);
        let behind = distance >= i64::from(slice.length);
        !before && !behind
    }
}

impl Beyond {
    /// `bpf_dynptr_read(to, length, dynptr, offset, flags)`
    pub(super) fn read(&mut self, state: &mut State, pc: Pc, call: Call, args: &Arguments) {
        let [to, length, _, offset, flags] = &args.regs;
        self.tries_again(state);
        let Some(dynptr) = args.dynptr else { return };
        self.check_flags(pc, call, flags, 0);
        self.check_range(pc, &dynptr, offset, number(length));
        self.check_reach(pc, call, &dynptr, offset, length);
        let range = Range::of(&dynptr, offset, length);
        let bytes = range.length.unwrap_or(u64::from(u32::MAX)).min(512);
        match (to.kind(), place_in(to)) {
            (RegKind::Mem, _) if to.origin != 0 => self.note_store(state, pc, to.origin, u32::MAX),
            (RegKind::Stack | RegKind::MapValue, Some(at)) => {
                let end = at + i64::try_from(bytes).unwrap_or(0);
                self.filled(state, pc, to, at, end);
                let always_there =
                    dynptr.memory == Memory::Skb && range.end().is_some_and(|end| end <= ETHERNET);
                let fits = range
                    .end()
                    .zip(dynptr.size)
                    .is_some_and(|(end, size)| u64::try_from(end).is_ok_and(|end| end <= size));
                if args.is_raw && call.is_ignored && !always_there && !fits {
                    let unread = Unread { frame: to.frame, from: at, to: end, pc };
                    self.edit(state).add_unread(unread);
                }
            }
            _ => {}
        }
    }

    /// `bpf_dynptr_write(dynptr, offset, from, length, flags)`
    pub(super) fn write(
        &mut self,
        cx: &Cx<'_>,
        state: &mut State,
        pc: Pc,
        call: Call,
        args: &Arguments,
    ) {
        let [_, offset, from, length, flags] = &args.regs;
        let Some(dynptr) = args.dynptr else { return };
        self.has_effect(state, dynptr.memory);
        let allowed = match dynptr.memory {
            Memory::Skb => Some(SKB_FLAGS),
            Memory::Argument(_) | Memory::Unknown => None,
            Memory::Xdp | Memory::Meta | Memory::Map { .. } | Memory::Record(_) => Some(0),
        };
        if let Some(allowed) = allowed {
            self.check_flags(pc, call, flags, allowed);
        }
        self.check_range(pc, &dynptr, offset, number(length));
        self.check_writable(pc, call, &dynptr);
        self.check_reach(pc, call, &dynptr, offset, length);
        if number(length) == Some(0) && constant_before(cx, pc, Name::R4) == Some(0) {
            let text = || "the length is 0, so that nothing is written".to_owned();
            self.found.note(&table::EMPTY, pc, text, None, &[]);
        }
        let range = Range::of(&dynptr, offset, length);
        let is_write_back = match self.source(state, from) {
            Some(source) => self.write_back(state, pc, source, range),
            None => false,
        };
        if dynptr.memory.is_packet() && call.is_ignored && !is_write_back && is_unbounded(offset) {
            let text = || {
                "the result of `bpf_dynptr_write` is ignored: if the range is not in the packet, nothing is written"
                    .to_owned()
            };
            self.found.note(&table::IGNORED, pc, text, None, &[]);
        } else {
            self.found.fine(&table::IGNORED, pc);
        }
        if dynptr.memory.is_packet() {
            self.settle(state, range);
            let shadow = self.edit(state);
            if dynptr.memory == Memory::Skb {
                outdate_metadata(shadow, pc);
                shadow.private = true;
            }
        }
    }

    /// The slice that a pointer points into, or into whose buffer.
    fn source(&self, state: &State, from: &Reg) -> Option<Source> {
        let shadow = self.shadow(state);
        if from.kind() == RegKind::Mem {
            let slice = *shadow.slice(from.origin)?;
            return Some(Source { slice, is_slice: true, inside: place_in(from)? });
        }
        let place = Buffer::of(from);
        shadow.slices.iter().rev().find_map(|slice| {
            let inside = slice.buffer.distance(place)?;
            let fits = (0..i64::from(slice.length)).contains(&inside);
            (fits && slice.by == By::SliceRdwr).then_some(Source {
                slice: *slice,
                is_slice: false,
                inside,
            })
        })
    }

    /// A slice or its buffer is written to a dynptr; whether that is meant to be a write-back.
    fn write_back(&mut self, state: &State, pc: Pc, source: Source, to: Range) -> bool {
        let Source { slice, is_slice, inside } = source;
        let made = [(slice.made, "the slice is made here")];
        let about = Some(slice.made);
        if to.memory != slice.memory || !slice.memory.is_packet() {
            return false;
        }
        let moved = to.offset.behind(slice.offset).map(|distance| distance - inside);
        let is_own_place = moved.is_none_or(|moved| moved == 0);
        let is_known_place = moved == Some(0);
        if slice.alias == Alias::Is {
            // The memory may be something else's by now.
            if !is_slice && slice.refilled {
                return true;
            }
            self.check_place(pc, &source, moved, to.length);
            return true;
        }
        let unfilled = !is_slice && !slice.refilled && slice.can_copy();
        let in_place = is_slice && slice.alias == Alias::Not && slice.stored.is_some();
        if is_known_place && slice.by == By::SliceRdwr && (in_place || unfilled) {
            let text = || match slice.alias {
                Alias::Not if is_slice => {
                    "written back where the slice is not its buffer, and lost where it is"
                }
                Alias::Not => {
                    "the buffer is written where the slice is not the buffer, which is then not filled"
                }
                _ => {
                    "the buffer is written back although the slice may not be the buffer, which is then not filled"
                }
            };
            self.found.note(&table::INVERTED, pc, || text().to_owned(), about, &made);
            return true;
        }
        let shadow = self.shadow(state);
        let stays = shadow.private
            && to.end().is_some_and(|end| u64::try_from(end).is_ok_and(|end| end <= shadow.linear));
        if is_slice && slice.memory == Memory::Skb && !stays {
            let text = || "the write may move the packet that its source is a slice of".to_owned();
            self.found.note(&table::OWN_PACKET, pc, text, about, &made);
        }
        !is_slice && is_own_place
    }

    /// The write-back goes to the bytes that the slice shows.
    fn check_place(&mut self, pc: Pc, source: &Source, moved: Option<i64>, length: Option<u64>) {
        let slice = &source.slice;
        let made = [(slice.made, "the slice is made here")];
        let about = Some(slice.made);
        if let Some(moved) = moved.filter(|moved| *moved != 0) {
            let direction = if moved > 0 { "behind" } else { "in front of" };
            let bytes = moved.unsigned_abs();
            let text = || {
                format!(
                    "the buffer is written back {bytes} bytes {direction} the place it was taken from"
                )
            };
            self.found.note(&table::OTHER_PLACE, pc, text, about, &made);
            return;
        }
        let Some(end) = length
            .and_then(|length| i64::try_from(length).ok())
            .map(|length| length + source.inside)
        else {
            return;
        };
        let own = i64::from(slice.length);
        if end > own {
            let text = || format!("{} bytes more are written back than the slice has", end - own);
            self.found.note(&table::OTHER_PLACE, pc, text, about, &made);
        } else if end < own
            && slice.dirty.is_some()
            && i64::from(slice.dirty_end.min(slice.length)) > end
        {
            let text = || {
                format!(
                    "the last {} bytes are not written back, though bytes among them were changed",
                    own - end
                )
            };
            self.found.note(&table::OTHER_PLACE, pc, text, about, &made);
        }
    }

    /// `bpf_dynptr_slice(dynptr, offset, buffer, length)`, or `bpf_dynptr_data(dynptr, offset, length)`
    pub(super) fn slice(&mut self, state: &mut State, pc: Pc, by: By, args: &Arguments) {
        self.tries_again(state);
        let Some(dynptr) = args.dynptr else { return };
        let [_, offset, second, third, _] = &args.regs;
        let length = if by == By::Data { second } else { third };
        self.check_range(pc, &dynptr, offset, number(length));
        self.found.unshares |= by == By::SliceRdwr;
        if by == By::Data {
            self.check_kind(pc, &dynptr);
        }
        let result = *state.reg(Name::R0);
        if result.kind() != RegKind::Mem {
            return;
        }
        let buffer = if by == By::Data { Buffer::None } else { Buffer::of(second) };
        if let Buffer::Stack { frame, at } = buffer
            && let Some(frame) = state.frames.get(frame as usize)
        {
            self.found.buffer(frame.subprog, at);
        }
        let range = Range::of(&dynptr, offset, length);
        let in_one_piece = self.facts.in_one_piece && dynptr.memory == Memory::Xdp;
        let pulled = self.shadow(state).linear;
        let ends_there = range
            .end()
            .map_or(pulled == u64::MAX, |end| u64::try_from(end).is_ok_and(|end| end <= pulled));
        let id = self.new_id();
        let slice = Slice {
            id,
            made: pc,
            by,
            dynptr: dynptr.id,
            memory: dynptr.memory,
            offset: range.offset,
            length: u32::try_from(range.length.unwrap_or(0)).unwrap_or(u32::MAX),
            buffer,
            is_raw: args.is_raw,
            linear: in_one_piece || ends_there,
            alias: if buffer == Buffer::None { Alias::Not } else { Alias::Maybe },
            owes_fallback: false,
            dirty: None,
            dirty_end: 0,
            stored: None,
            refilled: false,
            stale: None,
        };
        let shadow = self.edit(state);
        if slice.can_copy() {
            take_buffer(shadow, &slice, second);
        }
        shadow.add_slice(slice);
        state.reg_mut(Name::R0).origin = id;
    }

    /// `bpf_dynptr_copy(to, offset, from, offset, length)`
    pub(super) fn copy(&mut self, state: &mut State, pc: Pc, call: Call, args: &Arguments) {
        let [_, to_offset, _, from_offset, length] = &args.regs;
        let (Some(to), Some(from)) = (args.dynptr, args.other) else { return };
        self.check_range(pc, &to, to_offset, number(length));
        self.check_range(pc, &from, from_offset, number(length));
        let (to_range, from_range) =
            (Range::of(&to, to_offset, length), Range::of(&from, from_offset, length));
        self.check_overlap(pc, to_range, from_range);
        self.bulk(state, pc, call, (&to, to_range), length);
    }

    /// `bpf_dynptr_memset(dynptr, offset, length, byte)`, and functions that fill a dynptr from memory.
    pub(super) fn fill(&mut self, state: &mut State, pc: Pc, call: Call, args: &Arguments) {
        let [_, offset, length, ..] = &args.regs;
        let Some(dynptr) = args.dynptr else { return };
        self.check_range(pc, &dynptr, offset, number(length));
        self.bulk(state, pc, call, (&dynptr, Range::of(&dynptr, offset, length)), length);
    }

    fn check_overlap(&mut self, pc: Pc, to: Range, from: Range) {
        let is_known = !matches!(to.memory, Memory::Unknown | Memory::Argument(_));
        let (true, Some(a), Some(b), Some(length)) = (
            is_known && to.memory == from.memory,
            to.offset.known(),
            from.offset.known(),
            to.length,
        ) else {
            return self.found.fine(&table::SAME_BYTES, pc);
        };
        if a == b {
            let text = || {
                "the bytes are copied onto themselves: both dynptrs show the same memory".to_owned()
            };
            return self.found.note(&table::SAME_BYTES, pc, text, None, &[]);
        }
        self.found.fine(&table::SAME_BYTES, pc);
        let in_pieces = match to.memory {
            Memory::Xdp => !self.facts.in_one_piece,
            Memory::Skb => true,
            _ => false,
        };
        if in_pieces && length > PIECE && a.abs_diff(b) < length {
            let text = || {
                format!(
                    "the ranges overlap by {} bytes, and are copied in pieces",
                    length - a.abs_diff(b)
                )
            };
            self.found.note(&table::OVERLAP, pc, text, None, &[]);
        }
    }

    /// Bytes are written without the kernel taking notice.
    fn bulk(
        &mut self,
        state: &mut State,
        pc: Pc,
        call: Call,
        (dynptr, range): (&Dynptr, Range),
        length: &Reg,
    ) {
        self.has_effect(state, dynptr.memory);
        self.check_writable(pc, call, dynptr);
        if call.is_ignored && is_unbounded(length) {
            let name = call.name;
            let text = || {
                format!(
                    "the result of `{name}` is ignored: on an error part of the bytes, or none, were written"
                )
            };
            self.found.note(&table::IGNORED, pc, text, None, &[]);
        } else {
            self.found.fine(&table::IGNORED, pc);
        }
        if !dynptr.memory.is_packet() {
            return;
        }
        let shadow = self.shadow(state);
        let stays =
            range.end().is_some_and(|end| u64::try_from(end).is_ok_and(|end| end <= shadow.linear));
        if dynptr.memory == Memory::Skb && !self.facts.read_only {
            if !shadow.private && self.facts.may_be_shared {
                let text = || {
                    format!("`{}` writes to the packet even if others share its bytes", call.name)
                };
                self.found.note_if(&table::SHARED_PACKET, pc, text, (None, Condition::Shared), &[]);
            } else {
                self.found.fine(&table::SHARED_PACKET, pc);
            }
            if !stays {
                let shadow = self.edit(state);
                for slice in shadow.slices.iter_mut().filter(|slice| slice.memory == Memory::Skb) {
                    slice.stale.get_or_insert((pc, Why::Bulk));
                }
            }
        }
        self.settle(state, range);
    }
}

impl Beyond {
    /// The bytes are in the packet now, whatever a slice of them held.
    fn settle(&mut self, state: &mut State, range: Range) {
        let shadow = self.shadow(state);
        let touched =
            shadow.slices.iter().chain(&shadow.lost).filter(|slice| range.may_touch(slice));
        let made: Vec<Pc> = touched.map(|slice| slice.made).collect();
        if made.is_empty() {
            return;
        }
        made.into_iter().for_each(|made| self.found.written(made));
        let shadow = self.edit(state);
        for slice in shadow.slices.iter_mut().filter(|slice| range.may_touch(slice)) {
            slice.dirty = None;
        }
        shadow.lost.retain(|slice| !range.may_touch(slice));
    }
}

/// Other slices that may be in the buffer show other bytes from now on.
fn take_buffer(shadow: &mut Shadow, slice: &Slice, pointer: &Reg) {
    let Some(from) = place_in(pointer) else { return };
    let to = from + i64::from(slice.length);
    let mut lost = Vec::new();
    for other in &mut shadow.slices {
        let place = Buffer::of(pointer);
        if !super::access::overlaps_buffer(other, place, (from, to)) {
            continue;
        }
        if other.owes() {
            lost.push(*other);
        }
        // What was not filled before is not looked for any more: the new slice has the buffer.
        other.is_raw = false;
        other.dirty = None;
        if other.may_be_buffer() {
            other.stale.get_or_insert((slice.made, Why::Shared));
        }
    }
    for one in lost {
        if !shadow.lost.iter().any(|known| known.made == one.made) {
            shadow.lost.push(one);
        }
    }
}
