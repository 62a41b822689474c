//! Which exact values matter: walking a path backwards (`__mark_chain_precision`).

use isa::{Pc, Reg};

use super::backtrack::{Found, backtrack};
use super::masks::{ARGUMENTS, Masks, write_regs, write_slots};
use crate::cx::{Check, Cx};
use crate::log;
use crate::state::{Reg as RegState, State, StateId, Step};

/// The exact value of a register of the innermost frame matters from here on (`mark_chain_precision`).
pub(crate) fn mark_precise(cx: &mut Cx<'_>, state: &State, reg: Reg) -> Check {
    let mut masks = Masks::new(state.frames.len() - 1);
    if !state.reg(reg).is_scalar() {
        return cx.unsupported(format!("the exact value of a pointer in R{}", reg.number()));
    }
    masks.set(reg);
    walk(cx, state, masks).map(|_| ())
}

/// The exact value of a number spilled into a slot matters from here on (`bt_set_frame_slot` with
/// `mark_chain_precision_batch`).
pub(crate) fn mark_precise_slot(cx: &mut Cx<'_>, state: &State, frame: u32, slot: usize) -> Check {
    let mut masks = Masks::new(state.frames.len() - 1);
    if let (Ok(frame), Ok(slot)) = (u8::try_from(frame), u8::try_from(slot)) {
        masks.set_slot((frame, slot));
    }
    walk(cx, state, masks).map(|_| ())
}

/// What matters behind the stored state matters on the path of the other one, which it covers; whether that was new
/// (`propagate_precision`).
pub(super) fn propagate(cx: &mut Cx<'_>, old: StateId, state: &State) -> Check<bool> {
    let mut masks = Masks::new(state.frames.len() - 1);
    let verbose = cx.log.is_verbose();
    let stored = cx.explored.state(old);
    let mut text = String::new();
    for (number, frame) in stored.frames.iter().enumerate().rev() {
        let mut is_first = true;
        let mut say = |what: String| {
            if verbose {
                let begin =
                    if is_first { format!("frame {number}: propagating ") } else { ",".to_owned() };
                text += &begin;
                text += &what;
            }
            is_first = false;
        };
        for (at, reg) in frame.regs.iter().enumerate().take(10) {
            if reg.is_scalar() && reg.precise {
                say(format!("r{at}"));
                masks.regs[number] |= 1 << at;
            }
        }
        for (at, slot) in frame.stack.iter().enumerate() {
            if slot.is_spilled_scalar() && slot.spilled.precise {
                say(format!("fp-{}", (at + 1) * 8));
                masks.slots[number] |= 1 << (at & 63);
            }
        }
        if !is_first {
            text.push('\n');
        }
    }
    if cx.log.level != 0 {
        cx.log.text.push_str(&text);
    }
    walk(cx, state, masks)
}

/// No exact value matters to the state yet (`mark_all_scalars_imprecise`).
pub(super) fn mark_all_imprecise(state: &mut State) {
    for frame in &mut state.frames {
        let spilled = frame.stack.iter_mut().filter(|slot| slot.is_spilled());
        let spilled = spilled.map(|slot| &mut slot.spilled);
        for reg in frame.regs.iter_mut().take(10).chain(spilled) {
            if reg.is_scalar() {
                reg.precise = false;
            }
        }
    }
}

/// Every exact value on the path matters (`mark_all_scalars_precise`).
pub(super) fn mark_all_precise(cx: &mut Cx<'_>, state: &State) {
    if cx.log.is_verbose() {
        let frame = state.frames.len() - 1;
        cx.say(format_args!(
            "mark_precise: frame{frame}: falling back to forcing all scalars precise"
        ));
    }
    let mut next = state.path.parent;
    while let Some(id) = next {
        let mut said = Vec::new();
        let stored = cx.explored.state_mut(id);
        for (number, frame) in stored.frames.iter_mut().enumerate() {
            for (at, reg) in frame.regs.iter_mut().enumerate().take(10) {
                if force(reg) {
                    said.push(format!("force_precise: frame{number}: forcing r{at} to be precise"));
                }
            }
            for (at, slot) in frame.stack.iter_mut().enumerate() {
                if slot.is_spilled() && force(&mut slot.spilled) {
                    said.push(format!(
                        "force_precise: frame{number}: forcing fp-{} to be precise",
                        (at + 1) * 8
                    ));
                }
            }
        }
        next = stored.path.parent;
        if cx.log.is_verbose() {
            for line in said {
                cx.say(format_args!("{line}"));
            }
        }
    }
}

fn force(reg: &mut RegState) -> bool {
    let is_new = reg.is_scalar() && !reg.precise;
    reg.precise |= is_new;
    is_new
}

/// Goes back on the path of `start` until all that is looked for was found; whether a mark was new.
fn walk(cx: &mut Cx<'_>, start: &State, mut masks: Masks) -> Check<bool> {
    if !cx.program.options.privileged || masks.is_empty() {
        return Ok(false);
    }
    let mut changed = false;
    let mut skip = true;
    let mut subsequent: Option<Pc> = None;
    let mut last = Some(start.path.pc);
    let mut at: Option<StateId> = None;
    loop {
        let (first, history) = {
            let path = &path_of(cx, start, at).path;
            (path.first_insn, path.history.len())
        };
        say_begin(cx, &masks, last, first, subsequent);
        let Some(from) = last else {
            return entry(cx, at, &mut masks).map(|new| changed | new);
        };
        let mut history = history;
        let mut pc = from;
        loop {
            if skip {
                skip = false;
            } else {
                let step = noted(path_of(cx, start, at), history, pc);
                match backtrack(cx, pc, subsequent, step.as_ref(), &mut masks)? {
                    Found::On => {}
                    Found::NotSupported => {
                        mark_all_precise(cx, start);
                        return Ok(true);
                    }
                }
            }
            if masks.is_empty() {
                return Ok(changed);
            }
            subsequent = Some(pc);
            match before(path_of(cx, start, at), pc, &mut history) {
                Some(previous) => pc = previous,
                None => break,
            }
        }
        at = path_of(cx, start, at).path.parent;
        let Some(id) = at else { break };
        changed |= mark(cx, id, &mut masks)?;
        if masks.is_empty() {
            return Ok(changed);
        }
        subsequent = Some(first);
        last = cx.explored.state(id).path.last_insn;
    }
    // Something was missed.
    mark_all_precise(cx, start);
    Ok(true)
}

/// The state whose part of the path is walked.
fn path_of<'s>(cx: &'s Cx<'_>, start: &'s State, at: Option<StateId>) -> &'s State {
    at.map_or(start, |id| cx.explored.state(id))
}

/// What is noted on an instruction, if its note comes next (`get_jmp_hist_entry`).
fn noted(state: &State, history: usize, pc: Pc) -> Option<Step> {
    let step = state.path.history.get(history.checked_sub(1)?)?;
    (step.pc == pc).then_some(*step)
}

/// The instruction before; `None` before the state's first (`get_prev_insn_idx`).
fn before(state: &State, pc: Pc, history: &mut usize) -> Option<Pc> {
    let path = &state.path;
    if pc == path.first_insn {
        let is_first = match *history {
            0 => true,
            1 => path.history.first().is_some_and(|step| step.pc == pc),
            _ => false,
        };
        if is_first {
            return None;
        }
    }
    if let Some(step) = noted(state, *history, pc) {
        *history -= 1;
        return step.prev;
    }
    pc.0.checked_sub(1).map(Pc)
}

/// The walk has come to the beginning of a function, whose arguments may be looked for.
fn entry(cx: &mut Cx<'_>, at: Option<StateId>, masks: &mut Masks) -> Check<bool> {
    let Some(id) = at else { return Ok(false) };
    let state = cx.explored.state_mut(id);
    let is_function = state.frames.len() == 1 && state.frames[0].subprog > 0;
    if !is_function || masks.slots[0] != 0 || masks.regs[0] & !ARGUMENTS != 0 {
        return cx.unsupported("a walk back beyond the beginning of a function");
    }
    let mut changed = false;
    for (at, reg) in state.frames[0].regs.iter_mut().enumerate() {
        if masks.regs[0] >> at & 1 != 0 && reg.is_scalar() {
            changed |= !reg.precise;
            reg.precise = true;
        }
    }
    Ok(changed)
}

/// Marks what is looked for in a stored state; what was marked before needs no more looking for.
fn mark(cx: &mut Cx<'_>, id: StateId, masks: &mut Masks) -> Check<bool> {
    let mut changed = false;
    let mut lines = Vec::new();
    for number in (0..=masks.frame).rev() {
        let state = cx.explored.state_mut(id);
        let Some(frame) = state.frames.get_mut(number) else {
            return cx.unsupported("a walk back into a frame that is not there");
        };
        for (at, reg) in frame.regs.iter_mut().enumerate() {
            if masks.regs[number] >> at & 1 == 0 {
                continue;
            }
            if reg.is_scalar() && !reg.precise {
                reg.precise = true;
                changed = true;
            } else {
                masks.regs[number] &= !(1 << at);
            }
        }
        for at in 0..64 {
            if masks.slots[number] >> at & 1 == 0 {
                continue;
            }
            match frame.stack.get_mut(at).filter(|slot| slot.is_spilled_scalar()) {
                Some(slot) if !slot.spilled.precise => {
                    slot.spilled.precise = true;
                    changed = true;
                }
                _ => masks.slots[number] &= !(1 << at),
            }
        }
        if cx.log.is_verbose() {
            let mut line = format!("mark_precise: frame{number}: parent state regs=");
            write_regs(&mut line, masks.regs[number]);
            line += " stack=";
            write_slots(&mut line, masks.slots[number]);
            line += ": ";
            let number = u32::try_from(number).unwrap_or(0);
            line += &log::print_state(cx, cx.explored.state(id), number, true);
            lines.push(line);
        }
    }
    for line in lines {
        cx.say(format_args!("{line}"));
    }
    Ok(changed)
}

fn say_begin(cx: &mut Cx<'_>, masks: &Masks, last: Option<Pc>, first: Pc, subsequent: Option<Pc>) {
    if cx.log.is_verbose() {
        let number = |pc: Option<Pc>| pc.map_or(-1, |pc| i64::from(pc.0));
        cx.say(format_args!(
            "mark_precise: frame{}: last_idx {} first_idx {} subseq_idx {} ",
            masks.frame,
            number(last),
            first.0,
            number(subsequent),
        ));
    }
}
