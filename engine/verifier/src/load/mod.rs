//! Everything but following paths: what is checked when a program is loaded, in the kernel's order, and what must be
//! in R0 at the end.

mod attach;
mod attr;
mod finish;
mod resolve;
mod returns;
mod struct_ops;
mod target;
mod types;

use crate::calls::kfunc;
use crate::cx::{Check, Cx, GoOn, Observer, Stop};
use crate::explain::trace::{Point, Trace};
use crate::program::Program;
use crate::{Report, Verdict, cfg, explain, explore, log};

pub(crate) use returns::{check_return, check_return_reg};

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
    let is_at_insn = has_begun && verdict != Verdict::Accept;
    let explanation = match &verdict {
        Verdict::Reject(reject) if program.options.explain => {
            Some(explain::explain(program, reject, &retrace(program, has_begun, go_on)?))
        }
        _ => None,
    };
    Some(Report {
        verdict,
        explanation,
        stats,
        stack_depths,
        log: cx.log.text,
        pc: is_at_insn.then_some(cx.pc),
        notes: cx.notes,
    })
}

/// The path to the rejection of a program, which is verified once more for that.
fn retrace<'a>(
    program: &'a Program<'a>,
    has_begun: bool,
    go_on: Option<&'a GoOn<'a>>,
) -> Option<Vec<Point>> {
    if !has_begun {
        return Some(Vec::new());
    }
    let mut cx = Cx::new(program);
    cx.go_on = go_on;
    cx.log.level = 0;
    cx.trace = Some(Trace::default());
    // That it is rejected is known.
    let _ = check(&mut cx, &mut false);
    (!cx.is_interrupted).then(|| cx.trace.map(|trace| trace.path()).unwrap_or_default())
}

/// The passes in the kernel's order; `has_begun` says whether paths were followed.
fn check(cx: &mut Cx<'_>, has_begun: &mut bool) -> Check {
    attr::check(cx)?;
    types::check_early(cx)?;
    cfg::find_subprogs(cx)?;
    types::check(cx)?;
    resolve::check(cx)?;
    cfg::prepare(cx)?;
    attach::check(cx)?;
    *has_begun = true;
    explore::explore(cx)?;
    *has_begun = false;
    cfg::check_stack_depth(cx)?;
    kfunc::fixup(cx)
}
