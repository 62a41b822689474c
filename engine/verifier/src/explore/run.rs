//! Following all paths: of the program, then of each global function that was called.

use isa::Pc;

use super::{Pending, clean, step, visit};
use crate::calls::subprog;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, reject};
use crate::explain::trace;
use crate::log;
use crate::state::State;

/// Follows all paths of the program and of its global functions (`do_check_main`, `do_check_subprogs`).
pub(crate) fn explore(cx: &mut Cx<'_>) -> Check {
    from(cx, 0)?;
    if cx.program.functions.is_empty() {
        return Ok(());
    }
    if let Some(callback) = cx.subprogs.get_mut(cx.exception_callback as usize)
        && cx.exception_callback > 0
    {
        callback.called = true;
    }
    let mut verified = vec![false; cx.subprogs.len()];
    // A function that is verified may call others that come before it.
    loop {
        let mut has_new = false;
        for index in 1..cx.subprogs.len() {
            let info = &cx.subprogs[index];
            if !info.is_global || !info.called || verified[index] {
                continue;
            }
            let name = info.name.clone();
            from(cx, u32::try_from(index).unwrap_or(u32::MAX))?;
            if cx.log.is_on() {
                cx.say(format_args!(
                    "Func#{index} ('{name}') is safe for any args that match its prototype"
                ));
            }
            verified[index] = true;
            has_new = true;
        }
        if !has_new {
            return Ok(());
        }
    }
}

/// Follows all paths from the beginning of a function (`do_check_common`).
fn from(cx: &mut Cx<'_>, subprog: u32) -> Check {
    cx.explored.begin(cx.program.len(), cx.flow.scc_count);
    cx.log.begin();
    cx.log.touch_all();
    let mut state = subprog::entry_state(cx, subprog)?;
    liveness::frames_changed(cx);
    cx.pc = state.path.pc;
    cx.prev_pc = None;
    follow(cx, &mut state)?;
    if !cx.log.is_verbose() {
        cx.log.reset(0);
    }
    Ok(())
}

/// How a path goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Went {
    /// At this instruction; whether the whole state is worth printing.
    On(Pc, bool),
    /// Nowhere: it ends.
    End,
}

/// Follows the path of the state, and then all that are left for later (`do_check`).
fn follow(cx: &mut Cx<'_>, state: &mut State) -> Check {
    let mut is_new_path = false;
    let mut prev = None;
    loop {
        cx.prev_pc = prev;
        let ended = match one(cx, state, &mut is_new_path)? {
            Went::On(pc, print) => {
                is_new_path |= print;
                prev = Some(cx.pc);
                cx.pc = pc;
                false
            }
            Went::End => true,
        };
        if !ended {
            continue;
        }
        cx.log.touch_all();
        liveness::update(cx, state);
        clean::end_path(cx, state)?;
        let Some(Pending { state: next, pc, prev: before, log_position }) =
            cx.explored.pending.pop()
        else {
            return Ok(());
        };
        if !cx.log.is_verbose() {
            cx.log.reset(log_position);
        }
        let left = std::mem::replace(state, next);
        cx.explored.recycle(left);
        liveness::frames_changed(cx);
        cx.pc = pc;
        prev = Some(before);
        is_new_path = true;
    }
}

/// One instruction: whether it was seen in such a state, what is printed, what it does.
fn one(cx: &mut Cx<'_>, state: &mut State, is_new_path: &mut bool) -> Check<Went> {
    cx.explored.is_noted = false;
    let pc = cx.pc;
    let count = cx.program.len();
    if pc.index() >= count {
        reject!(EFAULT, "invalid insn idx {} insn_cnt {count}", pc.0);
    }
    cx.explored.stats.insns_processed += 1;
    let processed = cx.explored.stats.insns_processed;
    if processed > super::INSNS_LIMIT {
        reject!(E2BIG, "BPF program is too large. Processed {processed} insn");
    }
    state.path.last_insn = cx.prev_pc;
    state.path.pc = pc;
    let (prune, jump) =
        cx.aux.get(pc.index()).map_or((false, false), |aux| (aux.prune_point, aux.jump_point));
    if prune && visit::is_visited(cx, state)? {
        say_safe(cx, state, *is_new_path);
        return Ok(Went::End);
    }
    if jump {
        super::history::note_jump(cx, state);
    }
    print(cx, state, is_new_path);
    trace::begin(cx, state, pc);
    if let Some(aux) = cx.aux.get_mut(pc.index()) {
        aux.seen = true;
    }
    liveness::begin_insn(cx, state, pc);
    let went = step::step(cx, state)?;
    liveness::end_insn(cx);
    Ok(went)
}

/// The numbers of an instruction and of the one before, as the kernel counts: -1 before the first.
fn prev_number(cx: &Cx<'_>) -> i64 {
    cx.prev_pc.map_or(-1, |pc| i64::from(pc.0))
}

/// How the kernel calls a path that only a processor takes.
fn speculative(state: &State) -> &'static str {
    if state.speculative { " (speculative execution)" } else { "" }
}

fn say_safe(cx: &mut Cx<'_>, state: &State, is_new_path: bool) {
    if !cx.log.is_on() {
        return;
    }
    let (prev, pc) = (prev_number(cx), cx.pc.0);
    if is_new_path {
        cx.say(format_args!("\nfrom {prev} to {pc}{}: safe", speculative(state)));
    } else {
        cx.say(format_args!("{pc}: safe"));
    }
}

fn print(cx: &mut Cx<'_>, state: &State, is_new_path: &mut bool) {
    if cx.log.is_verbose() && *is_new_path {
        let frame = state.frame().number;
        let text = log::print_state(cx, state, frame, true);
        let (prev, pc) = (prev_number(cx), cx.pc.0);
        cx.say(format_args!("\nfrom {prev} to {pc}{}:{text}", speculative(state)));
        *is_new_path = false;
    }
    if cx.log.is_on() {
        log::print_step(cx, state);
    }
}
