//! One instruction backwards: what it read, if what it wrote is looked for (`backtrack_insn`).

use isa::{Callee, Insn, Pc, Reg, Source};

use super::masks::{ARGUMENTS, MAX_FRAMES, Masks};
use crate::calls::helper::TAIL_CALL;
use crate::cfg::Subprog;
use crate::cx::{Check, InsnAux, reject};
use crate::program::Program;
use crate::state::Step;

/// What a step backwards found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Back {
    /// The walk goes on.
    Further,
    /// What is looked for cannot be followed further (`-ENOTSUPP`).
    Lost,
}

/// What instructions are.
#[derive(Clone, Copy)]
pub(super) struct Code<'a, 'p> {
    pub program: &'a Program<'p>,
    pub aux: &'a [InsnAux],
    pub subprogs: &'a [Subprog],
}

impl Code<'_, '_> {
    fn calls_callback(&self, pc: Pc) -> bool {
        self.aux.get(pc.index()).is_some_and(|aux| aux.calls_callback)
    }

    fn is_global(&self, start: Pc) -> Option<bool> {
        let index = self.subprogs.binary_search_by_key(&start, |subprog| subprog.start).ok()?;
        self.subprogs.get(index).map(|subprog| subprog.is_global)
    }

    /// The instruction calls a function of the program (`bpf_pseudo_call`).
    fn calls_subprogram(&self, pc: Pc) -> bool {
        matches!(self.program.insn(pc), Some(Insn::Call(Callee::Subprogram(_))))
    }
}

/// An instruction as it lies on the path.
#[derive(Clone, Copy)]
pub(super) struct At<'s> {
    pub pc: Pc,
    /// The one that comes after it on the path.
    pub next: Option<Pc>,
    /// What was noted of it.
    pub step: Option<&'s Step>,
}

impl At<'_> {
    /// The path goes on with the instruction behind it.
    fn falls_through(&self) -> bool {
        self.next.is_some_and(|next| next.0 == self.pc.0 + 1)
    }

    fn stack(&self) -> Option<(u8, u8)> {
        self.step.and_then(|step| step.stack)
    }
}

/// Goes back over an instruction.
pub(super) fn backtrack(code: Code<'_, '_>, at: At<'_>, masks: &mut Masks) -> Check<Back> {
    let Some(insn) = code.program.insn(at.pc) else { return Ok(Back::Further) };
    if let Some(step) = at.step {
        masks.sync(&step.linked);
    }
    let back = before(code, insn, at, masks)?;
    if let (Some(step), Back::Further) = (at.step, back) {
        masks.sync(&step.linked);
    }
    Ok(back)
}

fn before(code: Code<'_, '_>, insn: &Insn, at: At<'_>, masks: &mut Masks) -> Check<Back> {
    match *insn {
        Insn::Alu(alu) => {
            if let (true, Source::Reg(src)) = (masks.has(alu.dst), alu.src) {
                set_unless_frame_pointer(masks, src);
            }
        }
        Insn::Mov(mov) => match mov.src {
            Source::Reg(src) => copy(masks, mov.dst, src),
            Source::Imm(_) => masks.clear(mov.dst),
        },
        Insn::MovSx(mov) => copy(masks, mov.dst, mov.src),
        Insn::AddrSpaceCast(cast) => copy(masks, cast.dst, cast.src),
        Insn::LoadImm(load) => masks.clear(load.dst),
        Insn::Load(load) | Insn::LoadAcquire(load) => fill(masks, load.dst, at),
        Insn::LoadSx(load) => fill(masks, load.dst, at),
        Insn::LoadPacket(_) if masks.has(Reg::R0) => {
            masks.clear(Reg::R0);
            return Ok(Back::Lost);
        }
        Insn::Store(store) => return Ok(spill(masks, store.base, store.src, at)),
        Insn::StoreRelease(store) => {
            return Ok(spill(masks, store.base, Source::Reg(store.src), at));
        }
        // What an atomic operation gives back is not followed into the slot.
        Insn::Atomic(atomic) => {
            return Ok(spill(masks, atomic.base, Source::Reg(atomic.src), at));
        }
        Insn::Jump(jump) => {
            if let Source::Reg(rhs) = jump.rhs
                && (masks.has(jump.lhs) || masks.has(rhs))
            {
                if !at.step.is_some_and(|step| step.rhs_is_stack) {
                    masks.set(rhs);
                }
                if !at.step.is_some_and(|step| step.lhs_is_stack) {
                    masks.set(jump.lhs);
                }
            }
        }
        Insn::Call(callee) => return call(code, callee, at, masks),
        Insn::Exit => exit(code, at, masks)?,
        Insn::Neg(_)
        | Insn::ByteSwap(_)
        | Insn::LoadPacket(_)
        | Insn::Goto(_)
        | Insn::GotoLong(_)
        | Insn::MayGoto(_) => {}
    }
    Ok(Back::Further)
}

fn set_unless_frame_pointer(masks: &mut Masks, reg: Reg) {
    if reg != Reg::R10 {
        masks.set(reg);
    }
}

fn copy(masks: &mut Masks, dst: Reg, src: Reg) {
    if masks.has(dst) {
        masks.clear(dst);
        set_unless_frame_pointer(masks, src);
    }
}

/// A load: of stack, the number comes from the slot; of other memory, it may be anything.
fn fill(masks: &mut Masks, dst: Reg, at: At<'_>) {
    if masks.has(dst) {
        masks.clear(dst);
        if let Some(place) = at.stack() {
            masks.set_slot(place);
        }
    }
}

/// A store: into stack, the number in the slot comes from the register.
fn spill(masks: &mut Masks, base: Reg, src: Source, at: At<'_>) -> Back {
    if masks.has(base) {
        return Back::Lost;
    }
    if let Some(place) = at.stack().filter(|place| masks.has_slot(*place)) {
        masks.clear_slot(place);
        if let Source::Reg(src) = src {
            masks.set(src);
        }
    }
    Back::Further
}

fn call(code: Code<'_, '_>, callee: Callee, at: At<'_>, masks: &mut Masks) -> Check<Back> {
    if let Callee::Subprogram(offset) = callee {
        match offset.target(at.pc).and_then(|target| code.is_global(target)) {
            Some(true) => after_global(masks)?,
            Some(false) => into_caller(masks)?,
            None => reject!(EFAULT, ""),
        }
        return Ok(Back::Further);
    }
    if code.calls_callback(at.pc) && !at.falls_through() {
        out_of_callback(masks)?;
        return Ok(Back::Further);
    }
    if matches!(callee, Callee::Kfunc { id, .. } if id.0 == 0) {
        return Ok(Back::Lost);
    }
    masks.clear(Reg::R0);
    let regs = masks.here();
    if regs & ARGUMENTS != 0 {
        reject!(EFAULT, "verifier bug: backtracking call unexpected regs {regs:x}");
    }
    if matches!(callee, Callee::Helper(id) if id.0 == TAIL_CALL) && !at.falls_through() {
        enter(masks)?;
    }
    Ok(Back::Further)
}

/// A global function, which sets R0.
fn after_global(masks: &mut Masks) -> Check {
    let regs = masks.here();
    if regs & ARGUMENTS != 0 {
        reject!(EFAULT, "verifier bug: global subprog unexpected regs {regs:x}");
    }
    masks.clear(Reg::R0);
    Ok(())
}

/// From the beginning of a function to its caller: its arguments are the caller's registers.
fn into_caller(masks: &mut Masks) -> Check {
    let (regs, slots) = (masks.here(), masks.slots[masks.frame]);
    if regs & !ARGUMENTS != 0 {
        reject!(EFAULT, "verifier bug: static subprog unexpected regs {regs:x}");
    }
    if slots != 0 {
        reject!(EFAULT, "verifier bug: static subprog leftover stack slots {slots:x}");
    }
    masks.regs[masks.frame] = 0;
    leave(masks)?;
    masks.regs[masks.frame] |= regs;
    Ok(())
}

/// From the beginning of a callback to the helper or kfunc that called it, which made up its arguments.
fn out_of_callback(masks: &mut Masks) -> Check {
    let (regs, slots) = (masks.here(), masks.slots[masks.frame]);
    if regs & !ARGUMENTS != 0 {
        reject!(EFAULT, "verifier bug: callback unexpected regs {regs:x}");
    }
    if slots != 0 {
        reject!(EFAULT, "verifier bug: callback leftover stack slots {slots:x}");
    }
    masks.regs[masks.frame] = 0;
    leave(masks)
}

/// From behind a call to the end of the function or callback that was called.
fn exit(code: Code<'_, '_>, at: At<'_>, masks: &mut Masks) -> Check {
    if at.next.is_some_and(|next| code.calls_callback(next)) {
        masks.regs[masks.frame] &= !ARGUMENTS;
    }
    let regs = masks.here();
    if regs & ARGUMENTS != 0 {
        reject!(EFAULT, "verifier bug: backtracking exit unexpected regs {regs:x}");
    }
    let call = at.next.and_then(|next| next.0.checked_sub(1)).map(Pc);
    let returns = call.is_some_and(|call| code.calls_subprogram(call)) && masks.has(Reg::R0);
    masks.clear(Reg::R0);
    enter(masks)?;
    if returns {
        masks.set(Reg::R0);
    }
    Ok(())
}

/// `bt_subprog_enter`
fn enter(masks: &mut Masks) -> Check {
    if masks.frame == MAX_FRAMES - 1 {
        reject!(EFAULT, "verifier bug: subprog enter from frame {}", masks.frame);
    }
    masks.frame += 1;
    Ok(())
}

/// `bt_subprog_exit`
fn leave(masks: &mut Masks) -> Check {
    if masks.frame == 0 {
        reject!(EFAULT, "verifier bug: subprog exit from frame 0");
    }
    masks.frame -= 1;
    Ok(())
}
