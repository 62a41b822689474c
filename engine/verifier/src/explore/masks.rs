//! Registers and slots that a walk backwards looks for (`struct backtrack_state`).

use std::fmt::Write as _;

use isa::Reg;

use crate::state::{Linked, LinkedReg};

/// As many frames as there may be (`MAX_CALL_FRAMES`).
pub(super) const MAX_FRAMES: usize = 8;
/// R1 to R5.
pub(super) const ARGUMENTS: u16 = 0b11_1110;

/// Registers and slots, by frame.
#[derive(Clone, Debug)]
pub(super) struct Masks {
    /// The frame that the walk is in.
    pub frame: usize,
    /// Registers by number, as bits.
    pub regs: [u16; MAX_FRAMES],
    /// Slots: bit `i` is the one at `fp-8*(i+1)`.
    pub slots: [u64; MAX_FRAMES],
}

impl Masks {
    /// Nothing yet, in this frame.
    pub(super) fn new(frame: usize) -> Self {
        Self { frame, regs: [0; MAX_FRAMES], slots: [0; MAX_FRAMES] }
    }

    /// Nothing is left to look for.
    pub(super) fn is_empty(&self) -> bool {
        (0..=self.frame).all(|frame| self.regs[frame] == 0 && self.slots[frame] == 0)
    }

    /// The registers of the frame.
    pub(super) fn here(&self) -> u16 {
        self.regs[self.frame]
    }

    pub(super) fn has(&self, reg: Reg) -> bool {
        self.here() >> reg.number() & 1 != 0
    }

    pub(super) fn set(&mut self, reg: Reg) {
        self.regs[self.frame] |= 1 << reg.number();
    }

    pub(super) fn clear(&mut self, reg: Reg) {
        self.regs[self.frame] &= !(1 << reg.number());
    }

    /// The slot is looked for; frames and slots that do not exist are not.
    pub(super) fn has_slot(&self, (frame, slot): (u8, u8)) -> bool {
        let slots = self.slots.get(usize::from(frame)).copied().unwrap_or_default();
        slots >> (slot & 63) & 1 != 0
    }

    pub(super) fn set_slot(&mut self, (frame, slot): (u8, u8)) {
        if let Some(slots) = self.slots.get_mut(usize::from(frame)) {
            *slots |= 1 << (slot & 63);
        }
    }

    pub(super) fn clear_slot(&mut self, (frame, slot): (u8, u8)) {
        if let Some(slots) = self.slots.get_mut(usize::from(frame)) {
            *slots &= !(1 << (slot & 63));
        }
    }

    /// If one of the linked registers is looked for, all are (`bt_sync_linked_regs`).
    pub(super) fn sync(&mut self, linked: &Linked) {
        let entries = || linked.entries.iter().map_while(|entry| *entry);
        if entries().any(|entry| self.has_linked(entry)) {
            entries().for_each(|entry| self.set_linked(entry));
        }
    }

    fn has_linked(&self, entry: LinkedReg) -> bool {
        if entry.is_slot {
            return self.has_slot((entry.frame, entry.index));
        }
        let regs = self.regs.get(usize::from(entry.frame)).copied().unwrap_or_default();
        regs >> (entry.index & 15) & 1 != 0
    }

    fn set_linked(&mut self, entry: LinkedReg) {
        if entry.is_slot {
            self.set_slot((entry.frame, entry.index));
        } else if let Some(regs) = self.regs.get_mut(usize::from(entry.frame)) {
            *regs |= 1 << (entry.index & 15);
        }
    }
}

/// `r0,r2` (`fmt_reg_mask`).
pub(super) fn write_regs(out: &mut String, regs: u16) {
    let mut sep = "";
    for number in (0..16).filter(|number| regs >> number & 1 != 0) {
        // Writing to a string does not fail, here and below.
        let _ = write!(out, "{sep}r{number}");
        sep = ",";
    }
}

/// `-8,-24` (`fmt_stack_mask`).
pub(super) fn write_slots(out: &mut String, slots: u64) {
    let mut sep = "";
    for slot in (0..64).filter(|slot| slots >> slot & 1 != 0) {
        let _ = write!(out, "{sep}-{}", (slot + 1) * 8);
        sep = ",";
    }
}
