//! Which numbers must be exact for the path to be as it was: walking it backwards (`mark_chain_precision`).

use std::fmt::Write as _;

use isa::{Pc, Reg};

use super::backtrack::{At, Back, Code, backtrack};
use super::masks::{ARGUMENTS, Masks, write_regs, write_slots};
use crate::cx::{Check, Cx, reject};
use crate::log::{Touched, write_frame, write_insn};
use crate::state::{State, StateId};

/// The exact value of a register of the innermost frame matters from here on (`mark_chain_precision`).
pub(crate) fn mark_precise(cx: &mut Cx<'_>, state: &State, reg: Reg) -> Check {
    if !state.reg(reg).is_scalar() {
        if cx.program.is_bpf_capable() {
            reject!(EFAULT, "verifier bug: backtracking misuse");
        }
        return Ok(());
    }
    let mut masks = Masks::new(state.frames.len() - 1);
    masks.set(reg);
    mark(cx, state, masks, &mut false)
}

/// The exact value of a number spilled into a slot matters from here on (`bt_set_frame_slot` with
/// `mark_chain_precision_batch`).
pub(crate) fn mark_precise_slot(cx: &mut Cx<'_>, state: &State, frame: u32, slot: usize) -> Check {
    let mut masks = Masks::new(state.frames.len() - 1);
    if let (Ok(frame), Ok(slot)) = (u8::try_from(frame), u8::try_from(slot)) {
        masks.set_slot((frame, slot));
    }
    mark(cx, state, masks, &mut false)
}

/// A path that is walked backwards: first the state that is not stored yet, then its parents.
struct Walk<'s> {
    begin: &'s State,
    /// Where the walk is; the beginning if none.
    at: Option<StateId>,
    /// Marks that were not there are made in states of the path.
    changed: &'s mut bool,
}

impl Walk<'_> {
    fn state<'c>(&'c self, cx: &'c Cx<'_>) -> &'c State {
        self.at.map_or(self.begin, |id| cx.explored.state(id))
    }
}

/// Marks registers and slots in the parents of a state that is not stored, and whatever they were made of
/// (`__mark_chain_precision`). Marks in the state itself do not matter.
pub(super) fn mark(cx: &mut Cx<'_>, begin: &State, mut masks: Masks, changed: &mut bool) -> Check {
    if !cx.program.is_bpf_capable() || masks.is_empty() {
        return Ok(());
    }
    let mut walk = Walk { begin, at: None, changed };
    let mut last = Some(begin.path.pc);
    let mut next = None;
    loop {
        let path = &walk.state(cx).path;
        let (first, parent) = (path.first_insn, path.parent);
        if cx.log.is_verbose() {
            print_segment(cx, masks.frame, (last, first, next));
        }
        let Some(from) = last else { return mark_arguments(cx, &mut walk, &mut masks) };
        let skip = walk.at.is_none();
        match walk_segment(cx, &walk, from, &mut next, skip, &mut masks)? {
            Segment::Lost => {
                mark_all(cx, begin);
                return Ok(());
            }
            Segment::Found => return Ok(()),
            Segment::Passed => {}
        }
        let Some(parent) = parent else { break };
        mark_state(cx, parent, &mut masks, walk.changed)?;
        if masks.is_empty() {
            return Ok(());
        }
        walk.at = Some(parent);
        next = Some(first);
        last = cx.explored.state(parent).path.last_insn;
    }
    mark_all(cx, begin);
    Ok(())
}

/// How a walk over the instructions since a state's parent ends.
enum Segment {
    /// Everything that was looked for was found.
    Found,
    /// Something is left to look for in front of them.
    Passed,
    /// What is looked for cannot be followed.
    Lost,
}

/// Walks back over the instructions from the parent of a state to it; `skip` leaves the last one out.
fn walk_segment(
    cx: &mut Cx<'_>,
    walk: &Walk<'_>,
    from: Pc,
    next: &mut Option<Pc>,
    mut skip: bool,
    masks: &mut Masks,
) -> Check<Segment> {
    let Cx { program, aux, subprogs, explored, log, .. } = cx;
    let code = Code { program, aux, subprogs };
    let path = &walk.at.map_or(walk.begin, |id| explored.state(id)).path;
    let mut history = path.history.as_slice();
    let mut pc = from;
    loop {
        if !std::mem::take(&mut skip) {
            if log.is_verbose() && program.insn(pc).is_some() {
                print_insn(&mut log.text, program, pc, masks);
            }
            let step = history.last().filter(|step| step.pc == pc);
            if backtrack(code, At { pc, next: *next, step }, masks)? == Back::Lost {
                return Ok(Segment::Lost);
            }
        }
        if masks.is_empty() {
            return Ok(Segment::Found);
        }
        *next = Some(pc);
        // It is legal to come by the first instruction several times.
        if pc == path.first_insn
            && (history.is_empty() || history.len() == 1 && history[0].pc == pc)
        {
            return Ok(Segment::Passed);
        }
        let previous = match history.split_last() {
            Some((step, rest)) if step.pc == pc => {
                history = rest;
                step.prev
            }
            _ => pc.0.checked_sub(1).map(Pc),
        };
        pc = match previous.filter(|previous| previous.index() < program.len()) {
            Some(previous) => previous,
            None => reject!(EFAULT, "verifier bug: backtracking idx -1"),
        };
    }
}

/// At the entry of a global function: its arguments are what is looked for.
fn mark_arguments(cx: &mut Cx<'_>, walk: &mut Walk<'_>, masks: &mut Masks) -> Check {
    let state = walk.state(cx);
    let Some(frame) = state.frames.first() else { return Ok(()) };
    let (regs, slots) = (masks.here(), masks.slots[masks.frame]);
    let is_entry = state.frames.len() == 1 && frame.subprog > 0 && frame.callsite.is_none();
    if !is_entry || slots != 0 || regs & !ARGUMENTS != 0 {
        reject!(
            EFAULT,
            "verifier bug: backtracking func entry subprog {} reg_mask {regs:x} stack_mask {slots:x}",
            frame.subprog
        );
    }
    if let Some(id) = walk.at {
        let frame = &mut cx.explored.state_mut(id).frames[0];
        for (number, reg) in frame.regs.iter_mut().enumerate() {
            if regs >> number & 1 != 0 && reg.is_scalar() {
                reg.precise = true;
                *walk.changed = true;
            }
        }
    }
    Ok(())
}

/// Marks what is looked for in a stored state; what is exact there already, or no number, is not looked for any more.
fn mark_state(cx: &mut Cx<'_>, id: StateId, masks: &mut Masks, changed: &mut bool) -> Check {
    for frame in (0..=masks.frame).rev() {
        let Some(found) = cx.explored.state_mut(id).frames.get_mut(frame) else {
            return cx.unsupported("a path whose frames do not match");
        };
        let mut regs = masks.regs[frame];
        for (number, reg) in found.regs.iter_mut().enumerate() {
            if regs >> number & 1 == 0 {
                continue;
            }
            if !reg.is_scalar() || reg.precise {
                regs &= !(1 << number);
            } else {
                reg.precise = true;
                *changed = true;
            }
        }
        masks.regs[frame] = regs;
        let mut rest = masks.slots[frame];
        while rest != 0 {
            let slot = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let total = found.stack.len();
            let Some(stack) = found.stack.get_mut(slot) else {
                reject!(EFAULT, "verifier bug: stack slot {slot}, total slots {total}");
            };
            if !stack.is_spilled_scalar() || stack.spilled.precise {
                masks.slots[frame] &= !(1 << slot);
            } else {
                stack.spilled.precise = true;
                *changed = true;
            }
        }
        if cx.log.is_verbose() {
            print_marks(cx, id, frame, masks);
        }
    }
    Ok(())
}

/// All numbers in the parents of a state matter (`mark_all_scalars_precise`).
pub(super) fn mark_all(cx: &mut Cx<'_>, begin: &State) {
    let Cx { explored, log, .. } = cx;
    let mut note = |text: std::fmt::Arguments<'_>| {
        if log.is_verbose() {
            // Writing to a string does not fail.
            let _ = writeln!(log.text, "{text}");
        }
    };
    let frame = begin.frames.len() - 1;
    note(format_args!("mark_precise: frame{frame}: falling back to forcing all scalars precise"));
    let mut at = begin.path.parent;
    while let Some(id) = at {
        let state = explored.state_mut(id);
        at = state.path.parent;
        for (index, frame) in state.frames.iter_mut().enumerate() {
            for (number, reg) in frame.regs[..10].iter_mut().enumerate() {
                if reg.is_scalar() && !reg.precise {
                    reg.precise = true;
                    note(format_args!(
                        "force_precise: frame{index}: forcing r{number} to be precise"
                    ));
                }
            }
            for (slot, stack) in frame.stack.iter_mut().enumerate() {
                if stack.is_spilled_scalar() && !stack.spilled.precise {
                    stack.spilled.precise = true;
                    let offset = (slot + 1) * 8;
                    note(format_args!(
                        "force_precise: frame{index}: forcing fp-{offset} to be precise"
                    ));
                }
            }
        }
    }
}

fn print_segment(cx: &mut Cx<'_>, frame: usize, (last, first, next): (Option<Pc>, Pc, Option<Pc>)) {
    let number = |pc: Option<Pc>| pc.map_or(-1, |pc| i64::from(pc.0));
    let (last, next) = (number(last), number(next));
    let text = &mut cx.log.text;
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        text,
        "mark_precise: frame{frame}: last_idx {last} first_idx {first} subseq_idx {next} "
    );
}

fn print_insn(out: &mut String, program: &crate::program::Program<'_>, pc: Pc, masks: &Masks) {
    let _ = write!(out, "mark_precise: frame{}: regs=", masks.frame);
    write_regs(out, masks.here());
    out.push_str(" stack=");
    write_slots(out, masks.slots[masks.frame]);
    let _ = write!(out, " before {pc}: ");
    write_insn(out, program, pc);
    out.push('\n');
}

fn print_marks(cx: &mut Cx<'_>, id: StateId, frame: usize, masks: &Masks) {
    let Cx { program, explored, log, .. } = cx;
    let out = &mut log.text;
    let _ = write!(out, "mark_precise: frame{frame}: parent state regs=");
    write_regs(out, masks.regs[frame]);
    out.push_str(" stack=");
    write_slots(out, masks.slots[frame]);
    out.push_str(": ");
    write_frame(out, program, explored.state(id), frame, Touched::ALL);
    out.push('\n');
}
