//! Registers and spilled registers that hold the same number, or numbers that differ by a constant.

use isa::{Jump, Reg as RegName, Source};

use super::Bounds;
use crate::state::{ADD_CONST, Linked, LinkedReg, Reg, State};

/// Adds what has this identity (`collect_linked_regs`); what finds no place loses its identity.
pub(super) fn collect(state: &mut State, id: u32, links: &mut Linked) {
    let id = id & !ADD_CONST;
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
        let regs = frame.regs.iter_mut().take(RegName::R10.index());
        regs.enumerate().for_each(|(index, reg)| visit(reg, number, index, false));
        for (index, slot) in frame.stack.iter_mut().enumerate() {
            if slot.is_spilled() {
                visit(&mut slot.spilled, number, index, true);
            }
        }
    }
}

/// What was learnt of an operand of the jump holds for what it is tied to, on both ways.
pub(super) fn sync(
    state: &mut State,
    other: &mut State,
    _jump: &Jump,
    operand: Source,
    links: &Linked,
) {
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
    let copied = Reg { subreg_def: reg.subreg_def, ..*known };
    if (reg.id | known.id) & ADD_CONST == 0 || reg.off == known.off {
        *reg = copied;
        return;
    }
    let delta = Bounds::constant(i64::from(reg.off.wrapping_sub(known.off)).cast_unsigned());
    // The kernel gives the register the other's identity here, with or without the mark of a sum.
    *reg = Reg { off: reg.off, ..copied };
    reg.num.add_32(&delta);
    reg.num.add_64(&delta);
    reg.num.bits = reg.num.bits + delta.bits;
}
