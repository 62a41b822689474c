//! Locks, RCU, preemption and interrupts.

use isa::{Callee, Pc, Reg};

use crate::cx::{Check, Cx};
use crate::state::State;

/// How a lock is taken or given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LockCall {
    /// It is taken.
    pub lock: bool,
    /// It is a `bpf_res_spin_lock`.
    pub resilient: bool,
    /// Interrupts are disabled with it.
    pub irq: bool,
}

/// A lock argument (`process_spin_lock`).
pub(crate) fn argument(
    cx: &mut Cx<'_>,
    _state: &mut State,
    reg: Reg,
    _pc: Pc,
    _call: LockCall,
) -> Check {
    cx.unsupported(format!("the lock in {reg:?}"))
}

/// While a lock is held, little may be called (part of `do_check_insn`).
pub(crate) fn check_call(cx: &Cx<'_>, state: &State, callee: Callee) -> Check {
    if state.active_locks == 0 {
        return Ok(());
    }
    cx.unsupported(format!("{callee:?} with a lock held"))
}

/// The program may not sleep here, because of a lock, an RCU section, disabled preemption or interrupts
/// (`in_sleepable_context` negated).
pub(crate) fn in_atomic_section(state: &State) -> bool {
    state.active_rcu_locks > 0
        || state.active_preempt_locks > 0
        || state.active_locks > 0
        || state.active_irq_id != 0
}
