//! The order in which states are visited, where they are cut off, and what matters to that.

mod backtrack;
mod clean;
mod equal;
mod history;
mod idmap;
mod masks;
mod precision;
mod run;
mod scc;
mod step;
mod store;
#[cfg(test)]
mod tests;
mod visit;
mod widen;

use isa::Pc;

pub(crate) use history::{note_linked, note_stack_access, note_stack_operands};
pub(crate) use precision::{mark_precise, mark_precise_slot};
pub(crate) use run::{explore, follow_function};
pub(crate) use store::Explored;
pub(crate) use visit::frame_pc;
pub(crate) use widen::{widen_since_last_step, widen_since_last_visit};

use crate::cx::{Check, Cx, Errno, Reject, Stop, reject};
use crate::state::{Frame, State};

/// So many instructions are followed at most (`BPF_COMPLEXITY_LIMIT_INSNS`).
pub(crate) const INSNS_LIMIT: u32 = 1_000_000;
/// So many paths may be left for later (`BPF_COMPLEXITY_LIMIT_JMP_SEQ`).
const PENDING_LIMIT: usize = 8192;

/// A path left for later (`struct bpf_verifier_stack_elem`).
#[derive(Debug)]
pub(crate) struct Pending {
    /// What is known there.
    pub state: State,
    /// Where it goes on.
    pub pc: Pc,
    /// The instruction before.
    pub prev: Pc,
    /// The end of the log when it was left.
    pub log_position: usize,
}

/// What the kernel counts and prints at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// `insns_processed`.
    pub insns_processed: u32,
    /// `max_states_per_insn`.
    pub max_states_per_insn: u32,
    /// `total_states`.
    pub total_states: u32,
    /// `peak_states`.
    pub peak_states: u32,
}

/// Leaves a path from `pc` on for later (`push_stack`); `state` is what is known there. What is returned when there are
/// too many depends on the caller.
pub(crate) fn push(cx: &mut Cx<'_>, state: State, pc: Pc, prev: Pc, too_many: Errno) -> Check {
    if let Some(parent) = state.path.parent {
        cx.explored.state_mut(parent).path.branches += 1;
    }
    let log_position = cx.log.position();
    cx.explored.pending.push(Pending { state, pc, prev, log_position });
    let count = cx.explored.pending.len();
    if count > PENDING_LIMIT {
        let message = format!("The sequence of {count} jumps is too complex.");
        return Err(Stop::Reject(Box::new(Reject { errno: too_many, message })));
    }
    Ok(())
}

/// As [`push`], where Linux 6.18 does not look whether there are too many, and goes on with counts that are off.
pub(crate) fn push_unchecked(cx: &mut Cx<'_>, state: State, pc: Pc, prev: Pc) -> Check {
    match push(cx, state, pc, prev, Errno::ENOMEM) {
        Err(Stop::Reject(_)) => cx.unsupported("more paths left for later than the kernel keeps"),
        done => done,
    }
}

/// Leaves an asynchronous callback for later (`push_async_cb`); the state begins with `frame` alone.
pub(crate) fn push_async(
    cx: &mut Cx<'_>,
    frame: Frame,
    pc: Pc,
    prev: Pc,
    sleepable: bool,
) -> Check {
    let mut state = State::new(frame.subprog, Pc(0));
    state.in_sleepable = sleepable;
    state.frames.clear();
    state.frames.push(frame);
    let log_position = cx.log.position();
    cx.explored.pending.push(Pending { state, pc, prev, log_position });
    let count = cx.explored.pending.len();
    if count > PENDING_LIMIT {
        reject!(EFAULT, "The sequence of {count} jumps is too complex for async cb.");
    }
    Ok(())
}

/// A copy of a state for [`push`], in memory that is no longer needed elsewhere.
pub(crate) fn fork(cx: &mut Cx<'_>, state: &State) -> State {
    cx.explored.copy(state)
}
