//! Whether every instruction can be reached, and where states are worth keeping (`check_cfg`).

use isa::Pc;

use super::facts::{self, Effects};
use super::raw::{self, Call};
use crate::cx::{Check, Cx, reject};

/// An edge out of an instruction, in the order in which they are followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Edge {
    Fall,
    Branch,
}

/// How far an instruction was looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Mark {
    Unseen,
    /// On the way, with the edge followed last.
    Discovered(Option<Edge>),
    Explored,
}

struct Walk {
    marks: Vec<Mark>,
    stack: Vec<usize>,
}

/// The instruction is done with, or something that it leads to comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Visit {
    Done,
    Keep,
}

/// Follows all edges; what cannot be reached is refused.
pub(super) fn check(cx: &mut Cx<'_>) -> Check {
    let mut walk = Walk { marks: vec![Mark::Unseen; cx.program.len()], stack: Vec::new() };
    let handler = cx.subprogs.get(cx.exception_callback as usize).map_or(0, |s| s.start.index());
    // The handler of exceptions is called by nobody.
    for root in [0, handler] {
        if walk.marks.get(root).is_some_and(|mark| *mark != Mark::Explored) {
            walk.marks[root] = Mark::Discovered(None);
            walk.stack.push(root);
            walk.run(cx)?;
        }
    }
    let mut index = 0;
    while let Some(mark) = walk.marks.get(index) {
        if *mark != Mark::Explored {
            reject!(EINVAL, "unreachable insn {index}");
        }
        if raw::is_wide(cx.program.raw[index]) {
            if walk.marks.get(index + 1).is_some_and(|mark| *mark != Mark::Unseen) {
                reject!(EINVAL, "jump into the middle of ldimm64 insn {index}");
            }
            index += 1;
        }
        index += 1;
    }
    Ok(())
}

impl Walk {
    fn run(&mut self, cx: &mut Cx<'_>) -> Check {
        while let Some(&at) = self.stack.last() {
            if self.visit(cx, at)? == Visit::Done {
                self.marks[at] = Mark::Explored;
                self.stack.pop();
            }
        }
        Ok(())
    }

    /// `visit_insn`
    fn visit(&mut self, cx: &mut Cx<'_>, at: usize) -> Check<Visit> {
        let insn = cx.program.raw[at];
        let next = at + if raw::is_wide(insn) { 2 } else { 1 };
        if raw::loads_function(insn) {
            return self.visit_call(cx, at, next, true);
        }
        if raw::is_exit(insn) {
            return Ok(Visit::Done);
        }
        if raw::is_call(insn) {
            mark_call(cx, at);
            return self.visit_call(cx, at, next, raw::call(insn) == Some(Call::Subprog));
        }
        let Some(offset) = raw::jump_offset(insn) else {
            return self.follow(cx, at, index(next), Edge::Fall);
        };
        let target = index(at) + i64::from(offset) + 1;
        if raw::is_goto(insn) {
            let visit = self.follow(cx, at, target, Edge::Fall)?;
            if visit == Visit::Done {
                mark_prune_point(cx, target);
                mark_jump_point(cx, target);
            }
            return Ok(visit);
        }
        mark_prune_point(cx, index(at));
        if raw::is_may_goto(insn) {
            cx.aux[at].force_checkpoint = true;
        }
        match self.follow(cx, at, index(next), Edge::Fall)? {
            Visit::Done => self.follow(cx, at, target, Edge::Branch),
            Visit::Keep => Ok(Visit::Keep),
        }
    }

    /// A call, or the address of a function that is called by someone (`visit_func_call_insn`).
    fn visit_call(
        &mut self,
        cx: &mut Cx<'_>,
        at: usize,
        next: usize,
        visits_callee: bool,
    ) -> Check<Visit> {
        if self.follow(cx, at, index(next), Edge::Fall)? == Visit::Keep {
            return Ok(Visit::Keep);
        }
        mark_prune_point(cx, index(next));
        mark_jump_point(cx, index(next));
        if !visits_callee {
            return Ok(Visit::Done);
        }
        let callee = index(at) + i64::from(cx.program.raw[at].imm) + 1;
        mark_prune_point(cx, index(at));
        merge_effects(cx, at, callee);
        self.follow(cx, at, callee, Edge::Branch)
    }

    /// Goes along an edge, if that was not done before (`push_insn`).
    fn follow(&mut self, cx: &mut Cx<'_>, at: usize, to: i64, edge: Edge) -> Check<Visit> {
        if self.marks[at] >= Mark::Discovered(Some(edge)) {
            return Ok(Visit::Done);
        }
        let Some(place) = usize::try_from(to).ok().filter(|to| *to < self.marks.len()) else {
            reject!(EINVAL, "jump out of range from insn {at} to {to}");
        };
        if edge == Edge::Branch {
            mark_prune_point(cx, to);
            mark_jump_point(cx, to);
        }
        match self.marks[place] {
            Mark::Unseen => {
                self.marks[at] = Mark::Discovered(Some(edge));
                self.marks[place] = Mark::Discovered(None);
                self.stack.push(place);
                Ok(Visit::Keep)
            }
            Mark::Discovered(_) if cx.program.is_bpf_capable() => Ok(Visit::Done),
            Mark::Discovered(_) => reject!(EINVAL, "back-edge from insn {at} to {to}"),
            Mark::Explored => {
                self.marks[at] = Mark::Discovered(Some(edge));
                Ok(Visit::Done)
            }
        }
    }
}

fn index(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn mark_prune_point(cx: &mut Cx<'_>, at: i64) {
    if let Some(aux) = usize::try_from(at).ok().and_then(|at| cx.aux.get_mut(at)) {
        aux.prune_point = true;
    }
}

fn mark_jump_point(cx: &mut Cx<'_>, at: i64) {
    if let Some(aux) = usize::try_from(at).ok().and_then(|at| cx.aux.get_mut(at)) {
        aux.jump_point = true;
    }
}

/// What a call of a helper or kfunc means for where states are kept, and for the function it is in.
fn mark_call(cx: &mut Cx<'_>, at: usize) {
    let Effects { calls_back, calls_back_later, steps_iterator, sleeps, changes_packet } =
        facts::effects(cx.program, cx.program.raw[at]);
    let aux = &mut cx.aux[at];
    aux.prune_point |= calls_back || calls_back_later || steps_iterator;
    aux.force_checkpoint |= calls_back || steps_iterator;
    aux.calls_callback |= calls_back;
    aux.steps_iterator |= steps_iterator;
    aux.jump_point |= calls_back;
    let subprog = super::containing(cx, Pc::from_index(at)) as usize;
    if let Some(subprog) = cx.subprogs.get_mut(subprog) {
        subprog.might_sleep |= sleeps;
        subprog.changes_packet |= changes_packet;
    }
}

/// What a function does, its callers do (`merge_callee_effects`).
fn merge_effects(cx: &mut Cx<'_>, at: usize, callee: i64) {
    let Ok(callee) = u32::try_from(callee) else { return };
    let caller = super::containing(cx, Pc::from_index(at)) as usize;
    let callee = super::containing(cx, Pc(callee)) as usize;
    let effects = cx.subprogs.get(callee).map(|sub| (sub.changes_packet, sub.might_sleep));
    if let (Some((changes, sleeps)), Some(caller)) = (effects, cx.subprogs.get_mut(caller)) {
        caller.changes_packet |= changes;
        caller.might_sleep |= sleeps;
    }
}
