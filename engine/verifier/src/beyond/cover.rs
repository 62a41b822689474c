//! Whether everything that is to be found behind a state was found behind another one.

use super::Facts;
use super::shadow::{Alias, Buffer, By, Dynptr, Memory, Shadow, Slice, Why};
use crate::cfg::liveness::Query;
use crate::cx::Cx;
use crate::explore;
use crate::state::{Reg, SlotKind, State, StateId};

/// A state, the one that covers it as far as the kernel is concerned, and what is read of it later.
pub(super) struct Cut<'c, 'a> {
    cx: &'c Cx<'a>,
    live: Query,
    new: &'c State,
    old: &'c State,
    facts: Facts,
}

impl<'c, 'a> Cut<'c, 'a> {
    /// Both states are at the same instruction, and the same calls led there.
    pub(super) fn new(cx: &'c mut Cx<'a>, new: &'c State, old: StateId, facts: Facts) -> Self {
        let live = Query::new(cx, new, new.path.pc);
        let cx = &*cx;
        Self { cx, live, new, old: cx.explored.state(old), facts }
    }

    /// Everything that is found behind the new state was found behind the old one.
    pub(super) fn covers(&self, new: &Shadow, old: &Shadow) -> bool {
        if new.dead || new == old {
            return true;
        }
        let owes = || new.slices.iter().any(Slice::owes);
        if old.dead
            || old.linear > new.linear
            || self.facts.has_bulk && old.private && !new.private
            || old.failed && !new.failed && owes()
            || old.loose && !new.loose && owes()
            || !new.lost.iter().all(|lost| old.lost.iter().any(|one| one.made == lost.made))
        {
            return false;
        }
        let mut unread = new.unread.iter().filter(|one| !old.unread.contains(one));
        if unread.any(|one| self.is_read(one.frame, one.from, one.to)) {
            return false;
        }
        let has_like = |slice: &Slice| old.slices.iter().any(|one| is_like_slice(one, slice));
        let mut unlike = new.slices.iter().filter(|slice| !has_like(slice));
        unlike.all(|slice| !self.matters(slice)) && self.are_dynptrs_covered(new, old)
    }

    /// Something may still be found of the slice.
    fn matters(&self, slice: &Slice) -> bool {
        if slice.owes() || slice.owes_fallback {
            return true;
        }
        let has_use =
            slice.alias != Alias::Not || slice.stale.is_some() || slice.memory == Memory::Skb;
        if has_use && self.is_held(slice.id) {
            return true;
        }
        let is_taken = slice.stale.is_some_and(|(_, why)| why == Why::Shared);
        match slice.buffer {
            Buffer::Stack { frame, at }
                if slice.is_raw && !is_taken && slice.alias != Alias::Is =>
            {
                self.is_read(frame, at, at + i64::from(slice.length))
            }
            _ => false,
        }
    }

    /// A register or slot that is read later has it.
    fn is_held(&self, id: u32) -> bool {
        let has = |reg: &Reg| reg.origin == id;
        (0_u32..).zip(&self.new.frames).any(|(number, frame)| {
            let pc = explore::frame_pc(self.new, number as usize);
            let live = self.cx.aux.get(pc.index()).map_or(u16::MAX, |aux| aux.live_regs);
            let in_reg = frame
                .regs
                .iter()
                .enumerate()
                .any(|(reg, known)| live >> reg & 1 != 0 && has(known));
            in_reg
                || (0_u32..).zip(&frame.stack).any(|(slot, known)| {
                    known.is_spilled()
                        && has(&known.spilled)
                        && self.live.is_live(self.cx, number, slot)
                })
        })
    }

    /// Some of these bytes of a frame are read later.
    fn is_read(&self, frame: u32, from: i64, to: i64) -> bool {
        let slot = |at: i64| u32::try_from((-1 - at) / 8).unwrap_or(0);
        from < to && (slot(to - 1)..=slot(from)).any(|slot| self.live.is_live(self.cx, frame, slot))
    }

    fn are_dynptrs_covered(&self, new: &Shadow, old: &Shadow) -> bool {
        let frames = (0_u32..).zip(self.new.frames.iter().zip(&self.old.frames));
        let slots = frames.flat_map(|(frame, (new, old))| {
            (0_u32..)
                .zip(new.stack.iter().zip(&old.stack))
                .map(move |(slot, both)| (frame, slot, both))
        });
        let mut dynptrs = slots.filter(|(_, _, (new, _))| new.kind() == SlotKind::Dynptr);
        dynptrs.all(|(frame, slot, (now, before))| {
            let (now, known) = (new.dynptr(now.spilled.id), old.dynptr(before.spilled.id));
            let is_like = match (now, known) {
                (Some(now), Some(known)) => is_like_dynptr(now, known),
                (None, _) => true,
                (Some(_), None) => before.kind() != SlotKind::Dynptr,
            };
            is_like || !self.live.is_live(self.cx, frame, slot)
        })
    }
}

/// What is found from one slice is found from the other.
fn is_like_slice(old: &Slice, new: &Slice) -> bool {
    old.made == new.made
        && is_like_memory(old.memory, new.memory)
        && (old.offset.is_like(new.offset) || old.by != By::SliceRdwr)
        && old.linear == new.linear
        && old.alias == new.alias
        && old.owes_fallback == new.owes_fallback
        && old.dirty.is_some() == new.dirty.is_some()
        && old.refilled == new.refilled
        && old.stale.map(|(_, why)| why) == new.stale.map(|(_, why)| why)
}

fn is_like_dynptr(new: &Dynptr, old: &Dynptr) -> bool {
    is_like_memory(new.memory, old.memory)
        && new.start == old.start
        && new.size == old.size
        && new.null == old.null
        && new.doubt.is_some() == old.doubt.is_some()
        && new.outdated.is_some() == old.outdated.is_some()
        && new.released.is_some() == old.released.is_some()
}

/// Both are the same, or play the same part.
fn is_like_memory(one: Memory, other: Memory) -> bool {
    match (one, other) {
        (Memory::Map { map, at, .. }, Memory::Map { map: other, at: other_at, .. }) => {
            map == other && at == other_at
        }
        (Memory::Record(_), Memory::Record(_)) => true,
        _ => one == other,
    }
}
