//! Which stack slots are read later, per chain of calls (kernel/bpf/liveness.c).
//!
//! While paths are followed, accesses are noted for the instruction that makes them; from time to time the notes are
//! carried backwards. Slots are bits: bit `i` is the slot at `fp-8*(i+1)`.

use isa::Pc;

use crate::cx::Cx;
use crate::state::State;

/// What is read and written of stacks, by chain of calls.
#[derive(Debug, Default)]
pub(crate) struct Liveness {}

/// An instruction begins: nothing is written by it yet (`bpf_reset_stack_write_marks`).
pub(crate) fn begin_insn(_cx: &mut Cx<'_>, _state: &State, _pc: Pc) {}

/// The instruction at `cx.pc` may read slots of a frame (`bpf_mark_stack_read`).
pub(crate) fn mark_read(_cx: &mut Cx<'_>, _state: &State, _frame: u32, _slots: u64) {}

/// The instruction surely overwrites slots of a frame (`bpf_mark_stack_write`).
pub(crate) fn mark_write(_cx: &mut Cx<'_>, _frame: u32, _slots: u64) {}

/// The instruction ends (`bpf_commit_stack_write_marks`).
pub(crate) fn end_insn(_cx: &mut Cx<'_>) {}

/// The frames have changed, by a call or a return (`bpf_reset_live_stack_callchain`).
pub(crate) fn frames_changed(_cx: &mut Cx<'_>) {}

/// Carries what was noted backwards in all frames of the state; before a path is left and before a frame is
/// (`bpf_update_live_stack`).
pub(crate) fn update(_cx: &mut Cx<'_>, _state: &State) {}

/// Asks what is live at a state (`bpf_live_stack_query_init`).
#[derive(Debug)]
pub(crate) struct Query {}

impl Query {
    /// About a state at `pc`.
    pub fn new(_cx: &mut Cx<'_>, _state: &State, _pc: Pc) -> Self {
        Self {}
    }

    /// Whether a slot of a frame may be read from there on (`bpf_stack_slot_alive`).
    pub fn is_live(&self, _cx: &Cx<'_>, _frame: u32, _slot: u32) -> bool {
        true
    }
}
