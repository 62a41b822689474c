//! What the passes behind the verification change of what is printed at the end.

use isa::{Callee, Insn, Pc};

use crate::cfg::Subprog;
use crate::cx::Cx;

/// What a loop of `bpf_loop` that is written out in the program takes of the stack (`optimize_bpf_loop`).
const INLINED_LOOP: u32 = 24;

/// What `may_goto` takes of the stack where the processor has a clock for it (`do_misc_fixups`).
const MAY_GOTO: u32 = 16;

/// Bytes of stack of the program and of each of its subprograms; `accepted` says that the passes were run which
/// remove functions that are never reached, and write out loops.
pub(super) fn stack_depths(cx: &Cx<'_>, accepted: bool) -> Vec<u32> {
    if !accepted {
        return cx.subprogs.iter().map(|subprog| subprog.stack_depth).collect();
    }
    let reached = cx.subprogs.iter().filter(|subprog| is_reached(cx, subprog));
    let mut depths: Vec<u32> = reached.map(|subprog| depth(cx, subprog)).collect();
    if cx.seen_exception && cx.exception_callback == 0 {
        // The default callback of exceptions is added behind.
        depths.push(0);
    }
    depths
}

fn insns<'c>(cx: &'c Cx<'_>, subprog: &Subprog) -> impl Iterator<Item = (usize, &'c Insn)> {
    let range = subprog.start.index()..subprog.end.index();
    range.filter_map(|index| Some((index, cx.program.insn(Pc::from_index(index))?)))
}

fn is_reached(cx: &Cx<'_>, subprog: &Subprog) -> bool {
    cx.aux.get(subprog.start.index()).is_some_and(|aux| aux.seen)
}

fn depth(cx: &Cx<'_>, subprog: &Subprog) -> u32 {
    let is_seen = |index: usize| cx.aux.get(index).is_some_and(|aux| aux.seen);
    let is_inlined = |index: usize| {
        cx.aux.get(index).and_then(|aux| aux.call.inline_loop).is_some_and(|(fits, _)| fits)
    };
    let mut depth = subprog.stack_depth;
    let seen = insns(cx, subprog).filter(|&(index, _)| is_seen(index));
    let (mut has_loop, mut has_may_goto) = (false, false);
    for (index, insn) in seen {
        has_loop |= matches!(insn, Insn::Call(Callee::Helper(_))) && is_inlined(index);
        has_may_goto |= matches!(insn, Insn::MayGoto(_));
    }
    if has_loop {
        depth = depth.next_multiple_of(8) + INLINED_LOOP;
    }
    if has_may_goto {
        depth += MAY_GOTO;
    }
    depth
}
