//! The order in which states are visited, where they are cut off, and what matters to that.

use isa::{Pc, Reg};

use crate::cx::{Check, Cx};
use crate::state::State;

/// What was explored and what is yet to be explored.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// Paths left for later, the next one last.
    pub pending: Vec<Pending>,
    /// What was counted.
    pub stats: Stats,
}

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

/// Follows all paths of the program and of its global functions (`do_check_main`, `do_check_subprogs`).
pub(crate) fn explore(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("exploration")
}

/// Leaves a path from `pc` on for later (`push_stack`); `state` is what is known there.
pub(crate) fn push(
    cx: &mut Cx<'_>,
    mut state: State,
    pc: Pc,
    prev: Pc,
    speculative: bool,
) -> Check {
    state.speculative |= speculative;
    let log_position = cx.log.text.len();
    cx.explored.pending.push(Pending { state, pc, prev, log_position });
    Ok(())
}

/// Leaves an asynchronous callback for later (`push_async_cb`); the state begins with `frame` alone.
pub(crate) fn push_async(
    cx: &mut Cx<'_>,
    _frame: crate::state::Frame,
    _pc: Pc,
    _prev: Pc,
    _sleepable: bool,
) -> Check {
    cx.unsupported("asynchronous callbacks")
}

/// The exact value of a register of the innermost frame matters from here on (`mark_chain_precision`).
pub(crate) fn mark_precise(cx: &mut Cx<'_>, _state: &State, _reg: Reg) -> Check {
    cx.unsupported("precision")
}

/// The exact value of a number spilled into a slot matters from here on (`bt_set_frame_slot` with
/// `mark_chain_precision_batch`).
pub(crate) fn mark_precise_slot(
    cx: &mut Cx<'_>,
    _state: &State,
    _frame: u32,
    _slot: usize,
) -> Check {
    cx.unsupported("precision")
}

/// An instruction accesses a stack slot through a register (`push_jmp_history` with `insn_stack_access_flags`).
pub(crate) fn note_stack_access(_cx: &mut Cx<'_>, _state: &mut State, _frame: u32, _slot: u32) {}

/// Operands of a comparison are stack pointers (`push_jmp_history` with `INSN_F_DST_REG_STACK` and
/// `INSN_F_SRC_REG_STACK`).
pub(crate) fn note_stack_operands(_cx: &mut Cx<'_>, _state: &mut State, _lhs: bool, _rhs: bool) {}

/// A jump at which registers are linked (`push_jmp_history` with linked registers).
pub(crate) fn note_linked(_cx: &mut Cx<'_>, _state: &mut State, _linked: crate::state::Linked) {}

/// In `queued`, which goes on behind the iterator step at `pc`, numbers that differ from the last visit of that step on
/// this path are forgotten, so that the loop converges (`widen_imprecise_scalars` in `process_iter_next_call`).
pub(crate) fn widen_since_last_step(
    cx: &mut Cx<'_>,
    _state: &State,
    _queued: &mut State,
    _pc: Pc,
) -> Check {
    cx.unsupported("widening")
}

/// As [`widen_since_last_step`], of a callback that has returned to the call at `pc` (`prepare_func_exit`).
pub(crate) fn widen_since_last_visit(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc) -> Check {
    cx.unsupported("widening")
}
