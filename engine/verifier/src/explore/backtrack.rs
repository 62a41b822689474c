//! One step backwards: where a value that matters comes from (`backtrack_insn`).

use isa::{AtomicOp, Callee, HelperId, Insn, Pc, Reg, Source};

use super::masks::{ARGUMENTS, Masks, write_regs, write_slots};
use crate::cfg;
use crate::cx::{Check, Cx};
use crate::log;
use crate::state::{Linked, Step};

/// How a step backwards went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// The walk goes on.
    On,
    /// It cannot be told what matters before (`-ENOTSUPP`).
    NotSupported,
}

/// `bpf_tail_call`
const TAIL_CALL: HelperId = HelperId(12);

/// Steps back over the instruction at `pc`; `subsequent` is the one that came after it.
pub(super) fn backtrack(
    cx: &mut Cx<'_>,
    pc: Pc,
    subsequent: Option<Pc>,
    step: Option<&Step>,
    masks: &mut Masks,
) -> Check<Found> {
    // The second half of a load of 64 bits is no instruction.
    let Some(insn) = cx.program.insn(pc).copied() else { return Ok(Found::On) };
    say(cx, pc, masks);
    let nothing = Linked::default();
    let linked = step.map_or(&nothing, |step| &step.linked);
    masks.sync(linked);
    let found = match insn {
        Insn::Neg(_) | Insn::ByteSwap(_) => return Ok(Found::On),
        Insn::Alu(alu) => {
            if !masks.has(alu.dst) {
                return Ok(Found::On);
            }
            if let Source::Reg(src) = alu.src {
                want(masks, src);
            }
            Found::On
        }
        Insn::Mov(mov) => moved(masks, mov.dst, mov.src),
        Insn::MovSx(mov) => moved(masks, mov.dst, Source::Reg(mov.src)),
        Insn::AddrSpaceCast(cast) => moved(masks, cast.dst, Source::Reg(cast.src)),
        Insn::Load(load) | Insn::LoadAcquire(load) => loaded(masks, load.dst, step),
        Insn::LoadSx(load) => loaded(masks, load.dst, step),
        Insn::Store(store) => stored(masks, store.base, Some(store.src), step),
        Insn::StoreRelease(store) => stored(masks, store.base, Some(Source::Reg(store.src)), step),
        Insn::Atomic(atomic) => {
            let _: AtomicOp = atomic.op;
            stored(masks, atomic.base, Some(Source::Reg(atomic.src)), step)
        }
        Insn::LoadImm(load) => {
            if !masks.has(load.dst) {
                return Ok(Found::On);
            }
            masks.clear(load.dst);
            Found::On
        }
        Insn::LoadPacket(_) => {
            if !masks.has(Reg::R0) {
                return Ok(Found::On);
            }
            Found::NotSupported
        }
        Insn::Jump(jump) => {
            let Source::Reg(rhs) = jump.rhs else {
                masks.sync(linked);
                return Ok(Found::On);
            };
            if !masks.has(jump.lhs) && !masks.has(rhs) {
                return Ok(Found::On);
            }
            if !step.is_some_and(|step| step.rhs_is_stack) {
                masks.set(rhs);
            }
            if !step.is_some_and(|step| step.lhs_is_stack) {
                masks.set(jump.lhs);
            }
            Found::On
        }
        Insn::Goto(_) | Insn::GotoLong(_) | Insn::MayGoto(_) => Found::On,
        Insn::Call(callee) => match called(cx, pc, callee, subsequent, masks)? {
            Some(found) => return Ok(found),
            None => Found::On,
        },
        Insn::Exit => return returned(cx, subsequent, masks),
    };
    if found == Found::On {
        masks.sync(linked);
    }
    Ok(found)
}

/// The value is looked for, unless it is the frame pointer, which is no number.
fn want(masks: &mut Masks, reg: Reg) {
    if reg != Reg::R10 {
        masks.set(reg);
    }
}

fn moved(masks: &mut Masks, dst: Reg, src: Source) -> Found {
    if masks.has(dst) {
        masks.clear(dst);
        if let Source::Reg(src) = src {
            want(masks, src);
        }
    }
    Found::On
}

/// Only what comes from the stack is looked for any further.
fn loaded(masks: &mut Masks, dst: Reg, step: Option<&Step>) -> Found {
    if masks.has(dst) {
        masks.clear(dst);
        if let Some(slot) = step.and_then(|step| step.stack) {
            masks.set_slot(slot);
        }
    }
    Found::On
}

fn stored(masks: &mut Masks, base: Reg, src: Option<Source>, step: Option<&Step>) -> Found {
    // No number is an address: two pointers were subtracted.
    if masks.has(base) {
        return Found::NotSupported;
    }
    if let Some(slot) = step.and_then(|step| step.stack)
        && masks.has_slot(slot)
    {
        masks.clear_slot(slot);
        if let Some(Source::Reg(src)) = src {
            masks.set(src);
        }
    }
    Found::On
}

/// A call, or the way back from a function that was called into its caller. `None` if the rest is as usual.
fn called(
    cx: &Cx<'_>,
    pc: Pc,
    callee: Callee,
    subsequent: Option<Pc>,
    masks: &mut Masks,
) -> Check<Option<Found>> {
    let goes_on_behind = subsequent == Some(Pc(pc.0 + 1));
    if let Callee::Subprogram(offset) = callee {
        let subprog = offset.target(pc).and_then(|target| cfg::subprog_at(cx, target));
        let Some(subprog) = subprog else { return cx.unsupported("a walk back over no function") };
        let is_global = cx.subprogs.get(subprog as usize).is_some_and(|info| info.is_global);
        if is_global {
            if masks.here() & ARGUMENTS != 0 {
                return cx
                    .unsupported("a walk back over a global function that looks for arguments");
            }
            masks.clear(Reg::R0);
            return Ok(Some(Found::On));
        }
        // The walk was in the function and leaves it to its caller.
        if masks.here() & !ARGUMENTS != 0 || masks.slots[masks.frame] != 0 {
            return cx
                .unsupported("a walk back out of a function that looks for more than arguments");
        }
        let arguments = masks.here();
        leave(cx, masks)?;
        masks.regs[masks.frame] |= arguments;
        return Ok(Some(Found::On));
    }
    let calls_back = cx.aux.get(pc.index()).is_some_and(|aux| aux.calls_callback);
    if calls_back && !goes_on_behind {
        if masks.here() & !ARGUMENTS != 0 || masks.slots[masks.frame] != 0 {
            return cx
                .unsupported("a walk back out of a callback that looks for more than arguments");
        }
        leave(cx, masks)?;
        return Ok(Some(Found::On));
    }
    masks.clear(Reg::R0);
    if masks.here() & ARGUMENTS != 0 {
        return cx.unsupported("a walk back over a call that looks for arguments");
    }
    if callee == Callee::Helper(TAIL_CALL) && !goes_on_behind {
        enter(cx, masks)?;
    }
    Ok(None)
}

/// A return, which the walk takes into the function.
fn returned(cx: &Cx<'_>, subsequent: Option<Pc>, masks: &mut Masks) -> Check<Found> {
    let before = subsequent.and_then(|pc| pc.0.checked_sub(1)).map(Pc);
    let calls_back = |pc: Pc| cx.aux.get(pc.index()).is_some_and(|aux| aux.calls_callback);
    if subsequent.is_some_and(calls_back) {
        masks.regs[masks.frame] &= !ARGUMENTS;
    }
    if masks.here() & ARGUMENTS != 0 {
        return cx.unsupported("a walk back into a function that looks for arguments");
    }
    let is_call = before
        .is_some_and(|pc| matches!(cx.program.insn(pc), Some(Insn::Call(Callee::Subprogram(_)))));
    let result = is_call && masks.has(Reg::R0);
    masks.clear(Reg::R0);
    enter(cx, masks)?;
    if result {
        masks.set(Reg::R0);
    }
    Ok(Found::On)
}

/// `bt_subprog_enter`
fn enter(cx: &Cx<'_>, masks: &mut Masks) -> Check {
    if masks.frame + 1 >= super::masks::MAX_FRAMES {
        return cx.unsupported("a walk back into too many frames");
    }
    masks.frame += 1;
    Ok(())
}

/// `bt_subprog_exit`
fn leave(cx: &Cx<'_>, masks: &mut Masks) -> Check {
    if masks.frame == 0 {
        return cx.unsupported("a walk back out of the outermost frame");
    }
    masks.regs[masks.frame] = 0;
    masks.slots[masks.frame] = 0;
    masks.frame -= 1;
    Ok(())
}

fn say(cx: &mut Cx<'_>, pc: Pc, masks: &Masks) {
    if !cx.log.is_verbose() {
        return;
    }
    let mut line = format!("mark_precise: frame{}: regs=", masks.frame);
    write_regs(&mut line, masks.here());
    line += " stack=";
    write_slots(&mut line, masks.slots[masks.frame]);
    let insn = log::print_insn(cx, pc);
    cx.say(format_args!("{line} before {}: {insn}", pc.0));
}
