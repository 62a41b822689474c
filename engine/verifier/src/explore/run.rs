//! Following the paths of the program, and of its global functions one by one (`do_check_main`, `do_check_subprogs`,
//! `do_check_common`, `do_check`).

use std::fmt::Write as _;

use isa::Pc;

use super::step::{After, step};
use super::{INSNS_LIMIT, Pending, history, scc, visit};
use crate::beyond;
use crate::calls::subprog;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, Errno, Reject, Stop, reject};
use crate::explain;
use crate::log;
use crate::observe;
use crate::state::State;

/// After so many instructions is asked whether to go on.
const ASKED_EVERY: u32 = 256;

/// Follows all paths of the program and of its global functions.
pub(crate) fn explore(cx: &mut Cx<'_>) -> Check {
    follow_function(cx, 0)?;
    follow_globals(cx)
}

/// Global functions are verified in the order of their beginnings, those called by others of them in further rounds.
fn follow_globals(cx: &mut Cx<'_>) -> Check {
    if cx.program.functions.is_empty() {
        return Ok(());
    }
    if let Some(handler) = cx.subprogs.get_mut(cx.exception_callback as usize)
        && cx.exception_callback != 0
    {
        handler.called = true;
    }
    let mut verified = vec![false; cx.subprogs.len()];
    loop {
        let mut is_last_round = true;
        for (index, verified) in verified.iter_mut().enumerate().skip(1) {
            let subprog = &cx.subprogs[index];
            if !subprog.is_global || !subprog.called || *verified {
                continue;
            }
            follow_function(cx, u32::try_from(index).unwrap_or(u32::MAX))?;
            if cx.log.is_on() {
                let name = &cx.subprogs[index].name;
                // Writing to a string does not fail.
                let _ = writeln!(
                    cx.log.text,
                    "Func#{index} ('{name}') is safe for any args that match its prototype"
                );
            }
            *verified = true;
            is_last_round = false;
        }
        if is_last_round {
            return Ok(());
        }
    }
}

/// Follows all paths of a function from its beginning.
pub(crate) fn follow_function(cx: &mut Cx<'_>, subprog: u32) -> Check {
    cx.following = subprog;
    cx.log.begin();
    cx.log.touch_all();
    cx.explored.begin(cx.program.len(), cx.flow.scc_count);
    liveness::frames_changed(cx);
    let Some(start) = cx.subprogs.get(subprog as usize).map(|subprog| subprog.start) else {
        return cx.unsupported("a program without functions");
    };
    cx.pc = start;
    cx.prev_pc = None;
    let mut state = subprog::entry_state(cx, subprog)?;
    state.path.first_insn = start;
    follow(cx, state, start)?;
    observe::finish(cx);
    if !cx.log.is_verbose() {
        cx.log.reset(0);
    }
    Ok(())
}

/// A path, from where it was left on.
struct Way {
    state: State,
    pc: Pc,
    prev: Option<Pc>,
    /// The state is printed before the next instruction.
    announce: bool,
}

/// Follows paths until none is left.
fn follow(cx: &mut Cx<'_>, state: State, start: Pc) -> Check {
    let mut way = Way { state, pc: start, prev: None, announce: false };
    loop {
        while advance(cx, &mut way)? {}
        cx.log.touch_all();
        end_branch(cx, &way.state)?;
        liveness::update(cx, &way.state);
        let Some(Pending { state, pc, prev, log_position }) = cx.explored.pending.pop() else {
            return Ok(());
        };
        if !cx.log.is_verbose() {
            cx.log.reset(log_position);
        }
        let done = std::mem::replace(&mut way, Way { state, pc, prev: Some(prev), announce: true });
        cx.explored.recycle(done.state);
        liveness::frames_changed(cx);
    }
}

/// Processes an instruction; whether the path goes on.
fn advance(cx: &mut Cx<'_>, way: &mut Way) -> Check<bool> {
    let Way { state, pc, prev, announce } = way;
    cx.explored.is_noted = false;
    cx.pc = *pc;
    cx.prev_pc = *prev;
    let len = cx.program.len();
    if pc.index() >= len {
        reject!(EFAULT, "invalid insn idx {pc} insn_cnt {len}");
    }
    cx.explored.stats.insns_processed += 1;
    let processed = cx.explored.stats.insns_processed;
    if processed > INSNS_LIMIT {
        reject!(E2BIG, "BPF program is too large. Processed {processed} insn");
    }
    if processed.is_multiple_of(ASKED_EVERY) && cx.go_on.is_some_and(|go_on| !go_on()) {
        cx.is_interrupted = true;
        return cx.unsupported("a verification that nobody waits for");
    }
    state.path.last_insn = *prev;
    state.path.pc = *pc;
    let aux = &cx.aux[pc.index()];
    let jump_point = aux.jump_point;
    if aux.prune_point && visit::is_visited(cx, state)? {
        print_safe(cx, state, *announce);
        return Ok(false);
    }
    if jump_point {
        history::note_jump(cx, state);
    }
    if cx.log.is_on() {
        if cx.log.is_verbose() && std::mem::take(announce) {
            print_arrival(cx, state);
        }
        log::print_step(cx, state);
    }
    explain::trace::begin(cx, state, *pc);
    observe::arrive(cx, state);
    cx.aux[pc.index()].seen |= !state.speculative;
    *prev = Some(*pc);
    if state.speculative && cx.aux[pc.index()].nospec {
        return Ok(false);
    }
    liveness::begin_insn(cx, state, *pc);
    beyond::before(cx, state)?;
    let after = match step(cx, state) {
        Err(Stop::Reject(reject)) if state.speculative && can_be_prevented(reject.errno) => {
            liveness::end_insn(cx);
            prevent(cx, &reject);
            return Ok(false);
        }
        after => after?,
    };
    if cx.beyond.is_some() {
        beyond::after(cx, state, after.next());
    }
    liveness::end_insn(cx);
    if state.speculative && cx.aux[cx.pc.index()].nospec_result {
        return Ok(false);
    }
    match after {
        After::At(next) => *pc = next,
        After::Returned(next) => {
            *pc = next;
            *announce = true;
        }
        After::End => return Ok(false),
    }
    Ok(true)
}

/// A barrier helps against what the processor would only do speculatively (`error_recoverable_with_nospec`).
fn can_be_prevented(errno: Errno) -> bool {
    matches!(errno, Errno::EPERM | Errno::EACCES | Errno::EINVAL)
}

/// A barrier is put in front of the instruction, which ends speculative paths.
fn prevent(cx: &mut Cx<'_>, reject: &Reject) {
    if cx.log.is_on() && !reject.message.is_empty() {
        cx.say(format_args!("{}", reject.message));
    }
    let aux = &mut cx.aux[cx.pc.index()];
    aux.nospec = true;
    aux.masking = None;
}

/// A path has ended: the states it went through have one branch less (`update_branch_counts`).
fn end_branch(cx: &mut Cx<'_>, state: &State) -> Check {
    let mut at = state.path.parent;
    let mut ended = None;
    while let Some(id) = at {
        let path = &mut cx.explored.state_mut(id).path;
        path.branches = path.branches.saturating_sub(1);
        if path.branches > 0 {
            break;
        }
        at = path.parent;
        scc::exit(cx, id)?;
        if let Some(ended) = ended.replace(id) {
            visit::free_if_done(cx, ended);
        }
    }
    if let (Some(ended), _) = (ended, at) {
        visit::free_if_done(cx, ended);
    }
    Ok(())
}

/// The path ends because what follows was explored.
fn print_safe(cx: &mut Cx<'_>, state: &State, announce: bool) {
    if !cx.log.is_on() {
        return;
    }
    let pc = cx.pc;
    // Writing to a string does not fail, here and below.
    let _ = match cx.prev_pc.filter(|_| announce) {
        Some(prev) => {
            writeln!(cx.log.text, "\nfrom {prev} to {pc}{}: safe", speculation(state))
        }
        None => writeln!(cx.log.text, "{pc}: safe"),
    };
}

/// The state with which a path goes on that was left, or that has returned from a function.
fn print_arrival(cx: &mut Cx<'_>, state: &State) {
    let prev = cx.prev_pc.map_or(-1, |prev| i64::from(prev.0));
    let _ = write!(cx.log.text, "\nfrom {prev} to {}{}:", cx.pc, speculation(state));
    let frame = state.frames.len() - 1;
    log::write_frame(&mut cx.log.text, cx.program, state, frame, log::Touched::ALL);
    cx.log.text.push('\n');
}

fn speculation(state: &State) -> &'static str {
    if state.speculative { " (speculative execution)" } else { "" }
}
