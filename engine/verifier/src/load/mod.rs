//! Everything but following paths: what is checked when a program is loaded, in the kernel's order, and what must be
//! in R0 at the end.

use crate::cx::{Check, Cx, Stop};
use crate::program::Program;
use crate::state::State;
use crate::{Report, Verdict, cfg, explore, log};

/// Verifies a program (`bpf_prog_load` of kernel/bpf/syscall.c, `bpf_check`).
pub(crate) fn verify(program: &Program<'_>) -> Report {
    let mut cx = Cx::new(program);
    let mut has_begun = false;
    let outcome = check(&mut cx, &mut has_begun);
    let verdict = match outcome {
        Ok(()) => Verdict::Accept,
        Err(Stop::Reject(reject)) => Verdict::Reject(*reject),
        Err(Stop::Unsupported(what)) => Verdict::Unsupported(what.into()),
    };
    if let Verdict::Reject(reject) = &verdict
        && cx.log.is_on()
        && !reject.message.is_empty()
    {
        cx.log.text.push_str(&reject.message);
        cx.log.text.push('\n');
    }
    let stats = cx.explored.stats;
    let stack_depths: Vec<u32> = cx.subprogs.iter().map(|subprog| subprog.stack_depth).collect();
    log::print_stats(&mut cx.log, &stats, &stack_depths);
    let is_at_insn = has_begun && verdict != Verdict::Accept;
    Report {
        verdict,
        stats,
        stack_depths,
        log: cx.log.text,
        pc: is_at_insn.then_some(cx.pc),
        notes: cx.notes,
    }
}

/// The passes in the kernel's order; `has_begun` says whether paths were followed.
fn check(cx: &mut Cx<'_>, has_begun: &mut bool) -> Check {
    cfg::find_subprogs(cx)?;
    cfg::prepare(cx)?;
    *has_begun = true;
    explore::explore(cx)?;
    *has_begun = false;
    cfg::check_stack_depth(cx)
}

/// What R0 must be at the end of the main program or of a callback (`check_return_code`).
pub(crate) fn check_return(cx: &mut Cx<'_>, _state: &mut State) -> Check {
    cx.unsupported("return codes")
}
