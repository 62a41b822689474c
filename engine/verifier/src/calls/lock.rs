//! Locks and saved interrupt states.

use isa::{Callee, Pc, Reg};

use crate::calls::graph;
use crate::calls::iter::{self, NoSlot};
use crate::calls::kfunc::{Special, field};
use crate::calls::refs;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, Access, FieldKind};
use crate::state::{
    Detail, IrqKind, LockOwner, RefKind, Reference, Reg as RegState, RegKind, RegType, SlotKind,
    StackSlot, State,
};

/// The number of `bpf_spin_unlock` among the helpers.
const SPIN_UNLOCK: i32 = 94;

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

impl LockCall {
    /// What a kfunc does with a resilient lock, if it is one of those that do.
    pub(crate) fn of_kfunc(special: Special) -> Option<Self> {
        let call = |lock, irq| Some(Self { lock, resilient: true, irq });
        match special {
            Special::ResSpinLock => call(true, false),
            Special::ResSpinUnlock => call(false, false),
            Special::ResSpinLockIrqsave => call(true, true),
            Special::ResSpinUnlockIrqrestore => call(false, true),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        if self.resilient { "bpf_res_spin" } else { "bpf_spin" }
    }

    fn field(self) -> FieldKind {
        if self.resilient { FieldKind::ResSpinLock } else { FieldKind::SpinLock }
    }

    fn kind(self) -> RefKind {
        match (self.resilient, self.irq) {
            (true, true) => RefKind::ResLockIrq,
            (true, false) => RefKind::ResLock,
            (false, _) => RefKind::Lock,
        }
    }
}

/// A lock argument (`process_spin_lock`).
pub(crate) fn argument(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    pc: Pc,
    call: LockCall,
) -> Check {
    let pointer = *state.reg(reg);
    let name = call.name();
    if pointer.num.bits.as_constant().is_none() {
        reject!(
            EINVAL,
            "R{} doesn't have constant offset. {name}_lock has to be at the constant offset",
            reg.number()
        );
    }
    let (owner, holder) = match (pointer.ty == RegType::of(RegKind::MapValue), pointer.detail) {
        (true, Detail::Map { map, .. }) => {
            let map_name = field::kernel_name(cx, map);
            if !field::has_btf(cx, map) {
                reject!(EINVAL, "map '{map_name}' has to have BTF in order to use {name}_lock");
            }
            (LockOwner::Map(map, 0), format!("map '{map_name}'"))
        }
        (false, Detail::Btf { id, .. }) => (LockOwner::Object(id), "local 'kptr'".to_owned()),
        _ => return cx.unsupported(format!("the lock in {reg:?}")),
    };
    let record = memory::record_of(cx.program, &pointer);
    let Some(there) = field::offset_of(record, call.field()) else {
        reject!(EINVAL, "{holder} has no valid {name}_lock");
    };
    let offset = field::offset_in(&pointer);
    if offset != i64::from(there) {
        reject!(EINVAL, "off {offset} doesn't point to 'struct {name}_lock' that is at {there}");
    }
    if call.lock {
        take(state, pc, call, pointer.id, owner)
    } else {
        give_back(cx, state, call, pointer.id, owner)
    }
}

/// `acquire_lock_state`, with what is checked before it.
fn take(state: &mut State, pc: Pc, call: LockCall, id: u32, owner: LockOwner) -> Check {
    let is_held = |kind| held(state, kind, id, owner);
    if call.resilient && (is_held(RefKind::ResLock) || is_held(RefKind::ResLockIrq)) {
        reject!(EINVAL, "Acquiring the same lock again, AA deadlock detected");
    }
    state.refs.push(Reference { kind: call.kind(), id, pc, owner });
    state.active_locks += 1;
    state.active_lock_id = id;
    state.active_lock_ptr = owner;
    Ok(())
}

/// `release_lock_state`, with what is checked before it.
fn give_back(cx: &Cx<'_>, state: &mut State, call: LockCall, id: u32, owner: LockOwner) -> Check {
    let name = call.name();
    if state.active_locks == 0 {
        reject!(EINVAL, "{name}_unlock without taking a lock");
    }
    let same = |held: &Reference| {
        held.kind == call.kind() && held.id == id && is_same_owner(held.owner, owner)
    };
    let Some(index) = state.refs.iter().position(same) else {
        reject!(EINVAL, "{name}_unlock of different lock");
    };
    if state.active_lock_id != id || !is_same_owner(state.active_lock_ptr, owner) {
        reject!(EINVAL, "{name}_unlock cannot be out of order");
    }
    let before = state.refs[..index].iter().rfind(|held| is_lock(held.kind)).copied();
    state.refs.remove(index);
    state.active_locks -= 1;
    state.active_lock_id = before.map_or(0, |held| held.id);
    state.active_lock_ptr = before.map_or(LockOwner::None, |held| held.owner);
    graph::invalidate_non_owning(cx, state);
    Ok(())
}

fn is_lock(kind: RefKind) -> bool {
    matches!(kind, RefKind::Lock | RefKind::ResLock | RefKind::ResLockIrq)
}

/// A lock of this kind is held (`find_lock_state`).
fn held(state: &State, kind: RefKind, id: u32, owner: LockOwner) -> bool {
    let mut refs = state.refs.iter();
    refs.any(|held| held.kind == kind && held.id == id && is_same_owner(held.owner, owner))
}

/// The kernel tells objects of the program apart by their identity alone.
fn is_same_owner(one: LockOwner, other: LockOwner) -> bool {
    one == other || matches!((one, other), (LockOwner::Object(_), LockOwner::Object(_)))
}

/// The lock that protects what the register points to is held (`check_reg_allocation_locked`); if not: what the kernel
/// says about it, which may be nothing.
pub(super) fn check_protected(state: &State, reg: &RegState) -> Result<(), &'static str> {
    let owner = match reg.detail {
        Detail::Map { map, .. } => LockOwner::Map(map, 0),
        Detail::Btf { id, .. } => LockOwner::Object(id),
        _ => return Err("verifier bug: unknown reg type for lock check"),
    };
    if state.active_locks == 0 {
        return Err("");
    }
    let kinds = [RefKind::Lock, RefKind::ResLock, RefKind::ResLockIrq];
    if kinds.iter().any(|&kind| held(state, kind, reg.id, owner)) {
        Ok(())
    } else {
        Err("held lock and object are not in the same allocation")
    }
}

/// While a lock is held, little may be called (part of `do_check_insn`).
pub(crate) fn check_call(cx: &Cx<'_>, state: &State, callee: Callee) -> Check {
    if state.active_locks == 0 {
        return Ok(());
    }
    let allowed = match callee {
        Callee::Helper(id) => id.0 == SPIN_UNLOCK,
        Callee::Subprogram(_) => true,
        Callee::Kfunc { id, module } => {
            let special = cx.kfuncs.get(id).and_then(|kfunc| kfunc.special);
            module.0 == 0 && special.is_some_and(Special::is_allowed_in_lock)
        }
    };
    if !allowed {
        reject!(EINVAL, "function calls are not allowed while holding a lock");
    }
    Ok(())
}

/// A saved interrupt state as an argument, which is made or used up (`process_irq_flag`).
pub(super) fn irq_flag(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    reg: Reg,
    special: Option<Special>,
) -> Check {
    match special {
        Some(Special::LocalIrqSave) => save_irq(cx, state, pc, reg, IrqKind::Native),
        Some(Special::ResSpinLockIrqsave) => save_irq(cx, state, pc, reg, IrqKind::Lock),
        Some(Special::LocalIrqRestore) => restore_irq(cx, state, reg, IrqKind::Native),
        Some(Special::ResSpinUnlockIrqrestore) => restore_irq(cx, state, reg, IrqKind::Lock),
        _ => reject!(EFAULT, "verifier bug: unknown irq flags kfunc"),
    }
}

fn save_irq(cx: &mut Cx<'_>, state: &mut State, pc: Pc, reg: Reg, kind: IrqKind) -> Check {
    let pointer = *state.reg(reg);
    let index = reg.number() - 1;
    let refused = match iter::slot_of(state, &pointer, "irq_flag", 1) {
        Ok(slot) if state.frame_of(&pointer).stack[slot].kinds.contains(&SlotKind::IrqFlag) => {
            Some(String::new())
        }
        Ok(_) | Err(NoSlot::Unused) => None,
        Err(NoSlot::Refused(line)) => Some(line + "\n"),
    };
    if let Some(line) = refused {
        reject!(EINVAL, "{line}expected uninitialized irq flag as arg#{index}");
    }
    memory::mem_access(cx, state, pc, reg, 0, 8, Access::Write, None, false, false)?;
    let Ok(slot) = iter::slot_of(state, &pointer, "irq_flag", 1) else {
        return cx.unsupported("an interrupt state outside of the stack");
    };
    let id = refs::acquire(cx, state, RefKind::Irq, pc);
    state.active_irq_id = id;
    let stack = RegState::pointer(RegType::of(RegKind::Stack)).with(Detail::Irq(kind));
    let spilled = RegState { ref_obj_id: id, ..stack };
    let kinds = [SlotKind::IrqFlag; 8];
    state.frames[pointer.frame as usize].stack[slot] = StackSlot { kinds, spilled };
    liveness::mark_write(cx, pointer.frame, 1 << slot);
    iter::touch(cx, 1 << slot);
    Ok(())
}

fn restore_irq(cx: &mut Cx<'_>, state: &mut State, reg: Reg, kind: IrqKind) -> Check {
    let pointer = *state.reg(reg);
    let index = reg.number() - 1;
    let found = iter::slot_of(state, &pointer, "irq_flag", 1);
    let slot = match found {
        Ok(slot) => slot,
        Err(NoSlot::Refused(line)) => {
            reject!(EINVAL, "{line}\nexpected an initialized irq flag as arg#{index}")
        }
        Err(NoSlot::Unused) => reject!(EINVAL, "expected an initialized irq flag as arg#{index}"),
    };
    let flag = state.frame_of(&pointer).stack[slot];
    if flag.spilled.ref_obj_id == 0 || flag.kinds != [SlotKind::IrqFlag; 8] {
        reject!(EINVAL, "expected an initialized irq flag as arg#{index}");
    }
    liveness::mark_read(cx, state, pointer.frame, 1 << slot);
    iter::touch(cx, 1 << slot);
    if flag.spilled.detail != Detail::Irq(kind) {
        let name = |is_native| if is_native { "native" } else { "lock" };
        let saved = name(flag.spilled.detail == Detail::Irq(IrqKind::Native));
        let used = name(kind == IrqKind::Native);
        reject!(
            EINVAL,
            "irq flag acquired by {saved} kfuncs cannot be restored with {used} kfuncs"
        );
    }
    let id = flag.spilled.ref_obj_id;
    if id != state.active_irq_id {
        let expected = state.active_irq_id;
        let at = state.refs.iter().find(|held| held.id == expected).map_or(0, |held| held.pc.0);
        reject!(
            EACCES,
            "cannot restore irq state out of order, expected id={expected} acquired at insn_idx={at}"
        );
    }
    refs::forget(state, RefKind::Irq, id);
    let before = state.refs.iter().rfind(|held| held.kind == RefKind::Irq);
    state.active_irq_id = before.map_or(0, |held| held.id);
    state.frames[pointer.frame as usize].stack[slot] = StackSlot::INVALID;
    liveness::mark_write(cx, pointer.frame, 1 << slot);
    iter::touch(cx, 1 << slot);
    Ok(())
}
