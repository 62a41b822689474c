//! Everything but following paths: what is checked when a program is loaded, in the kernel's order, and what must be
//! in R0 at the end.

mod attach;
mod attr;
mod extension;
mod finish;
pub(crate) mod gates;
mod maps;
mod resolve;
mod returns;
mod struct_ops;
mod target;
#[cfg(test)]
mod tests;
mod types;

use crate::calls::fixup;
use crate::cx::{Check, Cx, GoOn, Reject, Stop};
use crate::explain::Explanation;
use crate::explain::trace::Trace;
use crate::observe::Observer;
use crate::program::Program;
use crate::{Refused, Report, Verdict, beyond, cfg, explain, explore, log};

pub(crate) use attr::is_for_anybody;
pub(crate) use returns::{check_return, check_return_reg};

/// So many functions are verified at most beside one that was refused.
const MOST_BESIDE: usize = 16;

/// Verifies a program (`bpf_prog_load` of kernel/bpf/syscall.c, `bpf_check`). `None` if `go_on` said no on the way.
pub(crate) fn verify<'a>(
    program: &'a Program<'a>,
    observer: Option<&'a mut Observer<'a>>,
    go_on: Option<&'a GoOn<'a>>,
) -> Option<Report> {
    let mut cx = Cx::new(program);
    (cx.observer, cx.go_on) = (observer, go_on);
    let mut has_begun = false;
    let outcome = check(&mut cx, &mut has_begun);
    if cx.is_interrupted {
        return None;
    }
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
    let stack_depths = finish::stack_depths(&cx, verdict == Verdict::Accept);
    log::print_stats(&mut cx.log, &stats, &stack_depths);
    let notes = match cx.beyond.take().filter(|_| verdict == Verdict::Accept) {
        Some(beyond) => beyond::finish(program, *beyond, stats.insns_processed),
        None => Vec::new(),
    };
    let is_at_insn = has_begun && verdict != Verdict::Accept;
    let (explanation, also) = match &verdict {
        Verdict::Reject(reject) if program.options.explain => {
            let also = match has_begun {
                true => refused_beside(program, cx.following, go_on)?,
                false => Vec::new(),
            };
            (Some(retrace(program, reject, go_on)?), also)
        }
        _ => (None, Vec::new()),
    };
    Some(Report {
        verdict,
        explanation,
        stats,
        stack_depths,
        log: cx.log.text,
        pc: is_at_insn.then_some(cx.pc),
        notes,
        also,
    })
}

/// Explains the rejection of a program, which is verified once more for that.
fn retrace<'a>(
    program: &'a Program<'a>,
    reject: &Reject,
    go_on: Option<&'a GoOn<'a>>,
) -> Option<Explanation> {
    let mut cx = Cx::new(program);
    cx.go_on = go_on;
    cx.log.level = 0;
    cx.trace = Some(Trace::default());
    let mut has_begun = false;
    // That it is rejected is known.
    let _ = check(&mut cx, &mut has_begun);
    (!cx.is_interrupted).then(|| explained(&cx, reject, has_begun))
}

/// Explains a rejection from the paths that were recorded.
fn explained(cx: &Cx<'_>, reject: &Reject, has_begun: bool) -> Explanation {
    let path = cx.trace.as_ref().filter(|_| has_begun).map(Trace::path).unwrap_or_default();
    // The path leads to the rejected instruction, or to the one before, if that could not be begun; otherwise nothing
    // of the function was followed.
    let leads_here =
        path.last().is_some_and(|point| point.pc == cx.pc || cx.prev_pc == Some(point.pc));
    explain::explain(cx, reject, if leads_here { &path } else { &[] })
}

/// The other functions that are verified by themselves and would be refused too, when one of them is.
fn refused_beside<'a>(
    program: &'a Program<'a>,
    refused: u32,
    go_on: Option<&'a GoOn<'a>>,
) -> Option<Vec<Refused>> {
    let mut found = Vec::new();
    let mut cx = Cx::new(program);
    if prepare(&mut cx).is_err() {
        return Some(found);
    }
    let globals =
        (1_u32..).zip(cx.subprogs.iter().skip(1)).filter(|(_, subprog)| subprog.is_global);
    let others: Vec<u32> = globals.map(|(index, _)| index).filter(|&one| one != refused).collect();
    for index in others.into_iter().take(MOST_BESIDE) {
        let mut cx = Cx::new(program);
        cx.go_on = go_on;
        cx.log.level = 0;
        cx.trace = Some(Trace::default());
        if prepare(&mut cx).is_err() {
            return Some(found);
        }
        let outcome = explore::follow_function(&mut cx, index);
        if cx.is_interrupted {
            return None;
        }
        if let Err(Stop::Reject(reject)) = outcome {
            let function = cx.subprogs.get(index as usize).map(|one| one.name.clone());
            let explanation = explained(&cx, &reject, true);
            let function = function.unwrap_or_default();
            found.push(Refused { function, reject: *reject, pc: cx.pc, explanation });
        }
    }
    Some(found)
}

/// The passes in the kernel's order; `has_begun` says whether paths were followed.
pub(crate) fn check(cx: &mut Cx<'_>, has_begun: &mut bool) -> Check {
    prepare(cx)?;
    beyond::begin(cx);
    *has_begun = true;
    explore::explore(cx)?;
    *has_begun = false;
    cfg::check_stack_depth(cx)?;
    fixup::check(cx)
}

/// The passes before any path is followed.
fn prepare(cx: &mut Cx<'_>) -> Check {
    maps::check(cx)?;
    gates::check(cx)?;
    attr::check(cx)?;
    types::check_early(cx)?;
    cfg::find_subprogs(cx)?;
    types::check(cx)?;
    resolve::check(cx)?;
    cfg::order(cx)?;
    attach::check(cx)?;
    cfg::prepare(cx);
    Ok(())
}
