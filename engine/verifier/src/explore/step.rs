//! One instruction: who processes it, and what comes next (`do_check_insn`).

use isa::{Callee, Insn, JumpOffset, Pc, Stage};

use super::{push, widen};
use crate::cx::{Check, Cx, Errno, Next, reject};
use crate::state::State;
use crate::{calls, load, log, memory, scalar};

/// What comes after an instruction.
pub(super) enum After {
    /// This instruction.
    At(Pc),
    /// This instruction, in the caller of the function that has returned.
    Returned(Pc),
    /// Nothing: the path ends.
    End,
}

impl After {
    /// The instruction that comes next on the path.
    pub(super) fn next(&self) -> Option<Pc> {
        match self {
            Self::At(next) | Self::Returned(next) => Some(*next),
            Self::End => None,
        }
    }
}

/// Processes the instruction at `cx.pc`.
pub(super) fn step(cx: &mut Cx<'_>, state: &mut State) -> Check<After> {
    let pc = cx.pc;
    let program = cx.program;
    let Some(insn) = program.insn(pc) else { return Err(undecoded(cx)) };
    load::gates::insn(cx, insn, Stage::Step)?;
    let behind = Pc(pc.0 + if insn.slots() == 2 { 2 } else { 1 });
    let next = match insn {
        Insn::Alu(_)
        | Insn::Mov(_)
        | Insn::MovSx(_)
        | Insn::Neg(_)
        | Insn::ByteSwap(_)
        | Insn::AddrSpaceCast(_) => {
            scalar::alu(cx, state, pc, insn)?;
            Next::Fall
        }
        Insn::LoadImm(_)
        | Insn::Load(_)
        | Insn::LoadSx(_)
        | Insn::LoadPacket(_)
        | Insn::Store(_)
        | Insn::Atomic(_)
        | Insn::LoadAcquire(_)
        | Insn::StoreRelease(_) => memory::access(cx, state, pc, insn)?,
        Insn::Jump(_)
        | Insn::Goto(_)
        | Insn::GotoLong(_)
        | Insn::MayGoto(_)
        | Insn::Call(_)
        | Insn::Exit => {
            cx.explored.jumps += 1;
            return jump(cx, state, insn, behind);
        }
    };
    Ok(after(next, behind))
}

fn after(next: Next, behind: Pc) -> After {
    match next {
        Next::Fall => After::At(behind),
        Next::Jump(target) => After::At(target),
        Next::End => After::End,
    }
}

/// Jumps, calls and returns.
fn jump(cx: &mut Cx<'_>, state: &mut State, insn: &Insn, behind: Pc) -> Check<After> {
    let pc = cx.pc;
    match insn {
        Insn::Jump(jump) => {
            let next = scalar::jump(cx, state, pc, jump)?;
            if cx.log.is_on() {
                log::print_touched(cx, state);
            }
            Ok(after(next, behind))
        }
        Insn::Goto(offset) => goto(cx, offset.target(pc)),
        Insn::GotoLong(offset) => goto(cx, offset.target(pc)),
        Insn::MayGoto(offset) => may_goto(cx, state, *offset, behind),
        Insn::Call(callee) => call(cx, state, *callee, behind),
        _ => exit(cx, state, false),
    }
}

fn goto(cx: &Cx<'_>, target: Option<Pc>) -> Check<After> {
    match target {
        Some(target) => Ok(After::At(target)),
        None => cx.unsupported("a jump in front of the program"),
    }
}

/// A jump that is taken when the program has run for too long: both ways are followed, the one that falls through
/// later, without what changes from round to round (part of `check_cond_jmp_op`).
fn may_goto(cx: &mut Cx<'_>, state: &mut State, offset: JumpOffset, behind: Pc) -> Check<After> {
    let pc = cx.pc;
    let mut queued = super::fork(cx, state);
    queued.path.may_goto_depth += 1;
    widen::widen_since_last_step(cx, state, &mut queued, pc)?;
    push(cx, queued, behind, pc, Errno::ENOMEM)?;
    goto(cx, offset.target(pc))
}

fn call(cx: &mut Cx<'_>, state: &mut State, callee: Callee, behind: Pc) -> Check<After> {
    let pc = cx.pc;
    let next = calls::call(cx, state, pc, callee)?;
    if next == Next::End && matches!(callee, Callee::Kfunc { .. }) {
        return exit(cx, state, true);
    }
    cx.log.touched_regs |= 1;
    Ok(after(next, behind))
}

/// A return from the program or a function, or an exception (`process_bpf_exit_full`).
fn exit(cx: &mut Cx<'_>, state: &mut State, by_exception: bool) -> Check<After> {
    let pc = cx.pc;
    let is_outermost = state.frames.len() == 1;
    let prefix = if by_exception { "bpf_throw" } else { "BPF_EXIT instruction in main prog" };
    calls::check_leaks(cx, state, by_exception, by_exception || is_outermost, prefix)?;
    if by_exception {
        return Ok(After::End);
    }
    if !is_outermost {
        return Ok(match calls::exit_frame(cx, state, pc)? {
            Next::Jump(target) => After::Returned(target),
            Next::Fall => After::Returned(Pc(pc.0 + 1)),
            Next::End => After::End,
        });
    }
    load::check_return(cx, state)?;
    Ok(After::End)
}

/// What the kernel says about an instruction that is none, when it gets there.
fn undecoded(cx: &Cx<'_>) -> crate::cx::Stop {
    let refuse = || -> Check {
        let Some(error) = cx.program.undecoded.iter().find(|error| error.pc == cx.pc) else {
            return cx.unsupported("the second half of an instruction");
        };
        reject!(EINVAL, "{}", error.kernel_message())
    };
    match refuse() {
        Err(stop) => stop,
        Ok(()) => crate::cx::Stop::Unsupported("an instruction that is none".into()),
    }
}
