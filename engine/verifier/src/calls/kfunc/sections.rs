//! RCU read sections and sections without preemption, and what may be called in them.

use kernel_model::{KfuncFlags, TypeFlags};

use super::{Kfunc, Special};
use crate::calls::graph;
use crate::cx::{Check, Cx, reject};
use crate::memory;
use crate::state::{SlotKind, State};

/// Opens and closes sections, and refuses calls that may sleep in them (part of `check_kfunc_call`).
pub(super) fn check(cx: &Cx<'_>, state: &mut State, kfunc: &Kfunc<'_>) -> Check {
    let name = kfunc.name;
    let may_sleep = kfunc.has(KfuncFlags::SLEEPABLE);
    rcu(cx, state, kfunc, may_sleep)?;
    match kfunc.special {
        Some(Special::PreemptDisable) => state.active_preempt_locks += 1,
        Some(Special::PreemptEnable) if state.active_preempt_locks > 0 => {
            state.active_preempt_locks -= 1;
        }
        Some(Special::PreemptEnable) => {
            reject!(EINVAL, "unmatched attempt to enable preemption (kernel function {name})")
        }
        _ if state.active_preempt_locks > 0 && may_sleep => {
            reject!(EACCES, "kernel func {name} is sleepable within non-preemptible region")
        }
        _ => {}
    }
    if state.active_irq_id != 0 && may_sleep {
        reject!(EACCES, "kernel func {name} is sleepable within IRQ-disabled region");
    }
    if kfunc.has(KfuncFlags::RCU_PROTECTED) && !memory::in_rcu_section(cx, state) {
        reject!(EACCES, "kernel func {name} requires RCU critical section protection");
    }
    Ok(())
}

fn rcu(cx: &Cx<'_>, state: &mut State, kfunc: &Kfunc<'_>, may_sleep: bool) -> Check {
    let name = kfunc.name;
    let opens = kfunc.is(Special::RcuReadLock);
    let closes = kfunc.is(Special::RcuReadUnlock);
    if state.active_rcu_locks == 0 {
        if closes {
            reject!(EINVAL, "unmatched rcu read unlock (kernel function {name})");
        }
        state.active_rcu_locks = opens.into();
        return Ok(());
    }
    if (opens || closes) && graph::in_tree_callback(cx, state) {
        reject!(EACCES, "Calling bpf_rcu_read_{{lock,unlock}} in unnecessary rbtree callback");
    }
    if opens {
        reject!(EINVAL, "nested rcu read lock (kernel function {name})");
    }
    if closes {
        demote(state);
        state.active_rcu_locks = 0;
    } else if may_sleep {
        reject!(EACCES, "kernel func {name} is sleepable within rcu_read_lock region");
    }
    Ok(())
}

/// What the section protected is not to be trusted any more, in registers, spills and iterators.
fn demote(state: &mut State) {
    let demote = |reg: &mut crate::state::Reg| {
        if reg.ty.has(TypeFlags::MEM_RCU) {
            let gone = TypeFlags::MEM_RCU.union(TypeFlags::PTR_MAYBE_NULL);
            reg.ty = reg.ty.without(gone).plus(TypeFlags::PTR_UNTRUSTED);
        }
    };
    for frame in &mut state.frames {
        frame.regs.iter_mut().for_each(demote);
        let slots = frame.stack.iter_mut();
        slots
            .filter(|slot| matches!(slot.kind(), SlotKind::Spill | SlotKind::Iter))
            .for_each(|slot| demote(&mut slot.spilled));
    }
}
