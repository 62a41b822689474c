//! Registers and spilled registers that hold the same number, or numbers that differ by a constant.

use isa::{Reg as RegName, Source};

use super::Bounds;
use crate::cx::Cx;
use crate::state::{ADD_CONST, ADD_CONST32, Linked, LinkedReg, Reg, State};

/// Adds what has this identity and is read later (`collect_linked_regs`); what finds no place loses its identity.
pub(super) fn collect(cx: &Cx<'_>, state: &mut State, id: u32, links: &mut Linked) {
    let id = id & !ADD_CONST;
    // Where the frames inwards of each were called from, and where the innermost one is.
    let places: Vec<_> = state.frames[1..].iter().map(|frame| frame.callsite).collect();
    let innermost = places.len();
    let mut count = links.entries.iter().flatten().count();
    let mut visit = |reg: &mut Reg, frame: usize, index: usize, is_slot: bool| {
        if !reg.is_scalar() || reg.id & !ADD_CONST != id {
            return;
        }
        let place = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        match links.entries.get_mut(count) {
            Some(entry) => {
                *entry = Some(LinkedReg { frame: place(frame), index: place(index), is_slot });
                count += 1;
            }
            None => reg.id = 0,
        }
    };
    for (number, frame) in state.frames.iter_mut().enumerate().rev() {
        let pc = if number == innermost { Some(cx.pc) } else { places[number] };
        let live = pc.and_then(|pc| cx.aux.get(pc.index())).map_or(0, |aux| aux.live_regs);
        for (index, reg) in frame.regs.iter_mut().take(RegName::R10.index()).enumerate() {
            if live & 1 << index != 0 {
                visit(reg, number, index, false);
            }
        }
        for (index, slot) in frame.stack.iter_mut().enumerate() {
            if slot.is_spilled() {
                visit(&mut slot.spilled, number, index, true);
            }
        }
    }
}

/// What was learnt of an operand of the jump holds for what it is tied to, on both ways.
pub(super) fn sync(state: &mut State, other: &mut State, operand: Source, links: &Linked) {
    let Source::Reg(name) = operand else { return };
    let known = state.reg(name);
    if known.is_scalar() && known.id != 0 {
        spread(state, name, links);
        spread(other, name, links);
    }
}

/// `sync_linked_regs`
fn spread(state: &mut State, name: RegName, links: &Linked) {
    let known = *state.reg(name);
    let innermost = state.frames.len() - 1;
    for entry in links.entries.iter().flatten() {
        let (frame, index) = (usize::from(entry.frame), usize::from(entry.index));
        if !entry.is_slot && frame == innermost && index == name.index() {
            continue;
        }
        let Some(frame) = state.frames.get_mut(frame) else { continue };
        let reg = if entry.is_slot {
            frame.stack.get_mut(index).map(|slot| &mut slot.spilled)
        } else {
            frame.regs.get_mut(index)
        };
        if let Some(reg) = reg {
            follow(reg, &known);
        }
    }
}

fn follow(reg: &mut Reg, known: &Reg) {
    if !reg.is_scalar() || reg.id & !ADD_CONST != known.id & !ADD_CONST {
        return;
    }
    if (reg.id ^ known.id) & ADD_CONST == ADD_CONST {
        // Sums of 32 and of 64 bits differ by more than their constants.
        return;
    }
    let copied = Reg { subreg_def: reg.subreg_def, origin: reg.origin, ..*known };
    let flags = (reg.id | known.id) & ADD_CONST;
    if flags == 0 || reg.off == known.off {
        *reg = copied;
        return;
    }
    let delta = i64::from(reg.off) - i64::from(known.off);
    *reg = Reg { off: reg.off, id: reg.id, ..copied };
    reg.num.add_to_ranges(&Bounds::constant(delta.cast_unsigned()));
    if flags & ADD_CONST32 != 0 {
        reg.num.zero_extend();
    }
    reg.num.sync();
}
