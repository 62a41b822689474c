//! References: what was acquired and must be given back.

use std::fmt::Write as _;

use isa::{Pc, Reg};

use crate::cx::{Check, Cx, reject};
use crate::state::{LockOwner, RefKind, Reference, State};

/// Something is acquired at `pc`; its identity is returned (`acquire_reference`).
pub(crate) fn acquire(cx: &mut Cx<'_>, state: &mut State, kind: RefKind, pc: Pc) -> u32 {
    let id = cx.new_id();
    state.refs.push(Reference { kind, id, pc, owner: LockOwner::None });
    id
}

/// The reference is given back, without regard to registers that hold it; whether it was held
/// (`release_reference_nomark`).
pub(crate) fn forget(state: &mut State, kind: RefKind, id: u32) -> bool {
    let held = state.refs.iter().position(|held| held.kind == kind && held.id == id);
    // What was acquired later moves up: saved interrupt states are given back in reverse order.
    held.map(|index| state.refs.remove(index)).is_some()
}

/// The object is given back, and registers that hold it are invalid; whether it was held (`release_reference`).
pub(crate) fn release(cx: &Cx<'_>, state: &mut State, id: u32) -> bool {
    if !forget(state, RefKind::Ptr, id) {
        return false;
    }
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        if reg.ref_obj_id == id {
            *reg = invalid;
        }
    });
    true
}

/// Nothing that must be given back is held (`check_resource_leak`): `prefix` begins the message.
pub(crate) fn check_leaks(
    cx: &Cx<'_>,
    state: &State,
    exception_exit: bool,
    check_lock: bool,
    prefix: &str,
) -> Check {
    if check_lock && state.active_locks > 0 {
        reject!(EINVAL, "{prefix} cannot be used inside bpf_spin_lock-ed region");
    }
    check_objects(cx, state, exception_exit, prefix)?;
    if !check_lock {
        return Ok(());
    }
    let open = [
        (state.active_irq_id > 0, "bpf_local_irq_save"),
        (state.active_rcu_locks > 0, "bpf_rcu_read_lock"),
        (state.active_preempt_locks > 0, "bpf_preempt_disable"),
    ];
    match open.iter().find(|(open, _)| *open) {
        Some((_, name)) => reject!(EINVAL, "{prefix} cannot be used inside {name}-ed region"),
        None => Ok(()),
    }
}

/// No object is held (`check_reference_leak`), but for one that an operation of `struct_ops` returns.
fn check_objects(cx: &Cx<'_>, state: &State, exception_exit: bool, prefix: &str) -> Check {
    if state.refs.is_empty() || (!exception_exit && state.frames.len() > 1) {
        return Ok(());
    }
    let returns = !exception_exit && cx.program.type_name() == "struct_ops";
    let result = state.reg(Reg::R0).ref_obj_id;
    let mut lines = String::new();
    for held in state.refs.iter().filter(|held| held.kind == RefKind::Ptr) {
        if !(returns && held.id == result) {
            // Writing to a string does not fail.
            let _ = writeln!(lines, "Unreleased reference id={} alloc_insn={}", held.id, held.pc.0);
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    reject!(EINVAL, "{lines}{prefix} would lead to reference leak");
}
