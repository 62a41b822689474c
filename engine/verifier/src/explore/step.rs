//! What an instruction does: handed to the room that knows (`do_check_insn`).

use isa::{Callee, Insn, Pc};

use super::run::Went;
use super::widen;
use crate::cx::{Check, Cx, Next, reject};
use crate::state::State;
use crate::{calls, load, memory, scalar};

/// Follows the instruction at `cx.pc`.
pub(super) fn step(cx: &mut Cx<'_>, state: &mut State) -> Check<Went> {
    let pc = cx.pc;
    let Some(insn) = cx.program.insn(pc).copied() else {
        return undecoded(cx, pc);
    };
    let next = match insn {
        Insn::Alu(_)
        | Insn::Mov(_)
        | Insn::MovSx(_)
        | Insn::Neg(_)
        | Insn::ByteSwap(_)
        | Insn::AddrSpaceCast(_) => {
            scalar::alu(cx, state, pc, &insn)?;
            Next::Fall
        }
        Insn::LoadImm(_)
        | Insn::Load(_)
        | Insn::LoadSx(_)
        | Insn::LoadPacket(_)
        | Insn::Store(_)
        | Insn::Atomic(_)
        | Insn::LoadAcquire(_)
        | Insn::StoreRelease(_) => memory::access(cx, state, pc, &insn)?,
        Insn::Jump(ref jump) => {
            cx.explored.jumps += 1;
            scalar::jump(cx, state, pc, jump)?
        }
        Insn::Goto(offset) => {
            cx.explored.jumps += 1;
            target(cx, offset.target(pc))?
        }
        Insn::GotoLong(offset) => {
            cx.explored.jumps += 1;
            target(cx, offset.target(pc))?
        }
        Insn::MayGoto(offset) => {
            cx.explored.jumps += 1;
            may_goto(cx, state, offset.target(pc))?
        }
        Insn::Call(callee) => {
            cx.explored.jumps += 1;
            let depth = state.frames.len();
            let next = calls::call(cx, state, pc, callee)?;
            if let (Callee::Subprogram(_), Next::Jump(to)) = (callee, next)
                && state.frames.len() != depth
            {
                return Ok(Went::On(to, false));
            }
            next
        }
        Insn::Exit => {
            cx.explored.jumps += 1;
            return exit(cx, state);
        }
    };
    Ok(match next {
        Next::Fall => Went::On(after(pc, &insn), false),
        Next::Jump(to) => Went::On(to, false),
        Next::End => Went::End,
    })
}

/// A slot that is no instruction.
fn undecoded(cx: &Cx<'_>, pc: Pc) -> Check<Went> {
    match cx.program.undecoded.iter().find(|error| error.pc == pc) {
        Some(error) => reject!(EINVAL, "{}", error.kernel_message()),
        None => cx.unsupported(format!("the instruction at {}, which is none", pc.0)),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "1 or 2")]
fn after(pc: Pc, insn: &Insn) -> Pc {
    Pc(pc.0 + insn.slots() as u32)
}

fn target(cx: &Cx<'_>, target: Option<Pc>) -> Check<Next> {
    match target {
        Some(target) => Ok(Next::Jump(target)),
        None => cx.unsupported("a jump in front of the program"),
    }
}

/// Goes on behind the jump later, as if it had been taken never before; the path takes it.
fn may_goto(cx: &mut Cx<'_>, state: &mut State, target: Option<Pc>) -> Check<Next> {
    let pc = cx.pc;
    let mut queued = super::fork(cx, state);
    queued.path.may_goto_depth += 1;
    widen::widen_since_last_step(cx, state, &mut queued, pc)?;
    super::push(cx, queued, Pc(pc.0 + 1), pc, false)?;
    self::target(cx, target)
}

/// A return, from a function or callback or from the program (`process_bpf_exit_full`).
fn exit(cx: &mut Cx<'_>, state: &mut State) -> Check<Went> {
    let is_inner = state.frames.len() > 1;
    calls::check_leaks(cx, state, false, !is_inner, "BPF_EXIT instruction in main prog")?;
    if is_inner {
        return Ok(match calls::exit_frame(cx, state, cx.pc)? {
            Next::Jump(to) => Went::On(to, true),
            Next::Fall => Went::On(Pc(cx.pc.0 + 1), true),
            Next::End => Went::End,
        });
    }
    load::check_return(cx, state)?;
    Ok(Went::End)
}
