//! Iterators on the stack, and other objects that take whole slots of it.

use btf::{Kind, Type};
use isa::{Pc, Reg};
use kernel_model::{KfuncFlags, TypeFlags};

use crate::calls::kfunc::Arg;
use crate::calls::refs;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, Errno, reject};
use crate::memory::{self, Access};
use crate::state::{
    Detail, IterState, RefKind, Reg as RegState, RegKind, RegType, SlotKind, StackSlot, State,
};
use crate::{explore, scalar};

/// Why a pointer is to no slots that an object could be in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum NoSlot {
    /// Refused with these words.
    Refused(String),
    /// The stack is not in use that far (`-ERANGE`).
    Unused,
}

/// The slot with the greatest number of an object of `slots` slots that a pointer into a stack points to
/// (`stack_slot_obj_get_spi`).
pub(super) fn slot_of(
    state: &State,
    pointer: &RegState,
    object: &str,
    slots: usize,
) -> Result<usize, NoSlot> {
    let Some(variable) = pointer.num.bits.as_constant() else {
        return Err(NoSlot::Refused(format!("{object} has to be at a constant offset")));
    };
    let offset = i64::from(pointer.off).wrapping_add(variable.cast_signed());
    let refused = || NoSlot::Refused(format!("cannot pass in {object} at an offset={offset}"));
    if offset % 8 != 0 {
        return Err(refused());
    }
    // Rounded towards zero: what begins where the stack ends is in the first slot, and is refused when it is written.
    let slot = usize::try_from((-1 - offset) / 8).map_err(|_| refused())?;
    if slot + 1 < slots {
        return Err(refused());
    }
    let allocated = state.frames.get(pointer.frame as usize).map_or(0, |frame| frame.stack.len());
    if slot < allocated { Ok(slot) } else { Err(NoSlot::Unused) }
}

/// The slots are printed with the instruction (`mark_stack_slot_scratched`).
pub(super) fn touch(cx: &mut Cx<'_>, slots: u64) {
    cx.log.touched_slots |= slots;
}

/// The register of the iterator that the call at this instruction steps: its frame and slot
/// (`get_iter_from_state`).
pub(crate) fn of_next_call(state: &State, reg: Reg) -> Option<(u32, usize)> {
    let pointer = state.reg(reg);
    let slot = slot_of(state, pointer, "iter", 1).ok()?;
    Some((pointer.frame, slot))
}

/// An iterator as a kfunc takes it: the structure, and how many slots it has.
#[derive(Clone, Copy)]
struct Taken<'a> {
    ty: Type<'a>,
    slots: usize,
}

impl<'a> Taken<'a> {
    /// What the parameter says (`btf_check_iter_arg` of kernel/bpf/btf.c).
    fn of(arg: &Arg<'_, 'a>) -> Option<Self> {
        let ty = arg.param.pointee.filter(|ty| ty.kind() == Kind::Struct)?;
        let size = ty.size().filter(|size| *size > 0 && size % 8 == 0)?;
        ty.name().starts_with("bpf_iter_").then_some(Self { ty, slots: size as usize / 8 })
    }

    /// As in messages (`iter_type_str`).
    fn name(&self) -> &'a str {
        self.ty.name().strip_prefix("bpf_iter_").unwrap_or_default()
    }
}

/// Frame and slot of the iterator that a call steps, ends or takes, and its reference.
type Found = (Option<(u32, usize)>, Option<u32>);

/// An iterator argument, which is made, used or ended (`process_iter_arg`).
pub(super) fn argument(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    arg: Arg<'_, '_>,
) -> Check<Found> {
    let pointer = *state.reg(arg.reg);
    let index = arg.reg.number() - 1;
    if pointer.ty != RegType::of(RegKind::Stack) {
        reject!(EINVAL, "arg#{index} expected pointer to an iterator on stack");
    }
    let Some(taken) = Taken::of(&arg) else {
        reject!(EINVAL, "expected valid iter pointer as arg #{index}");
    };
    if arg.kfunc.has(KfuncFlags::ITER_NEW) {
        make(cx, state, pc, arg, taken)?;
        return Ok((None, None));
    }
    check_init(state, &pointer, arg, taken)?;
    let Ok(slot) = slot_of(state, &pointer, "iter", taken.slots) else {
        return cx.unsupported("an iterator outside of the stack");
    };
    let frame = pointer.frame;
    liveness::mark_read(cx, state, frame, mask(slot, taken.slots));
    touch(cx, mask(slot, taken.slots));
    let reference = state.frame_of(&pointer).stack[slot].spilled.ref_obj_id;
    if arg.kfunc.has(KfuncFlags::ITER_DESTROY) {
        end(cx, state, frame, slot, taken.slots);
    }
    Ok((Some((frame, slot)), Some(reference)))
}

/// The bits of `slots` slots, of which `slot` has the greatest number.
fn mask(slot: usize, slots: usize) -> u64 {
    (0..slots).fold(0, |mask, index| mask | 1 << (slot - index))
}

fn make(cx: &mut Cx<'_>, state: &mut State, pc: Pc, arg: Arg<'_, '_>, taken: Taken<'_>) -> Check {
    let pointer = *state.reg(arg.reg);
    let refused = match slot_of(state, &pointer, "iter", taken.slots) {
        Ok(slot) => {
            let stack = &state.frame_of(&pointer).stack;
            let used = |slot: &StackSlot| slot.kinds.contains(&SlotKind::Iter);
            stack[slot + 1 - taken.slots..=slot].iter().any(used).then(String::new)
        }
        Err(NoSlot::Unused) => None,
        Err(NoSlot::Refused(line)) => Some(line + "\n"),
    };
    if let Some(line) = refused {
        let index = arg.reg.number() - 1;
        reject!(EINVAL, "{line}expected uninitialized iter_{} as arg #{index}", taken.name());
    }
    for index in 0..taken.slots {
        let offset = i32::try_from(index * 8).unwrap_or(i32::MAX);
        memory::mem_access(cx, state, pc, arg.reg, offset, 8, Access::Write, None, false, false)?;
    }
    let Ok(slot) = slot_of(state, &pointer, "iter", taken.slots) else {
        return cx.unsupported("an iterator outside of the stack");
    };
    let reference = refs::acquire(cx, state, RefKind::Ptr, pc);
    let flags = if !arg.kfunc.has(KfuncFlags::RCU_PROTECTED) {
        TypeFlags::NONE
    } else if memory::in_rcu_section(cx, state) {
        TypeFlags::MEM_RCU
    } else {
        TypeFlags::PTR_UNTRUSTED
    };
    let detail = Detail::Iter { id: taken.ty.id(), state: IterState::Active, depth: 0 };
    let stack = RegState::pointer(RegType::with(RegKind::Stack, flags)).with(detail);
    for index in 0..taken.slots {
        // Only the slot at the lowest address stands for the reference.
        let ref_obj_id = if index == 0 { reference } else { 0 };
        let spilled = RegState { ref_obj_id, ..stack };
        state.frames[pointer.frame as usize].stack[slot - index] =
            StackSlot { kinds: [SlotKind::Iter; 8], spilled };
    }
    liveness::mark_write(cx, pointer.frame, mask(slot, taken.slots));
    touch(cx, mask(slot, taken.slots));
    Ok(())
}

/// The iterator was made by a call for iterators of this kind (`is_iter_reg_valid_init`).
fn check_init(state: &State, pointer: &RegState, arg: Arg<'_, '_>, taken: Taken<'_>) -> Check {
    let index = arg.reg.number() - 1;
    let slot = match slot_of(state, pointer, "iter", taken.slots) {
        Ok(slot) => slot,
        Err(no_slot) => {
            let line = match no_slot {
                NoSlot::Refused(line) => line + "\n",
                NoSlot::Unused => String::new(),
            };
            reject!(EINVAL, "{line}expected an initialized iter_{} as arg #{index}", taken.name());
        }
    };
    let stack = &state.frame_of(pointer).stack;
    for part in 0..taken.slots {
        let found = &stack[slot - part];
        if found.spilled.ty.has(TypeFlags::PTR_UNTRUSTED) {
            reject!(EPROTO, "expected an RCU CS when using {}", arg.kfunc.name);
        }
        let is_made = (found.spilled.ref_obj_id != 0) == (part == 0)
            && matches!(found.spilled.detail, Detail::Iter { id, .. } if id == taken.ty.id())
            && found.kinds == [SlotKind::Iter; 8];
        if !is_made {
            reject!(EINVAL, "expected an initialized iter_{} as arg #{index}", taken.name());
        }
    }
    Ok(())
}

/// The iterator is gone (`unmark_stack_slots_iter`).
fn end(cx: &mut Cx<'_>, state: &mut State, frame: u32, slot: usize, slots: usize) {
    let reference = state.frames[frame as usize].stack[slot].spilled.ref_obj_id;
    refs::release(cx, state, reference);
    for index in 0..slots {
        state.frames[frame as usize].stack[slot - index] = StackSlot::INVALID;
    }
    liveness::mark_write(cx, frame, mask(slot, slots));
    touch(cx, mask(slot, slots));
}

/// The register that stands for an iterator.
fn iterator(state: &mut State, (frame, slot): (u32, usize)) -> Option<&mut RegState> {
    let slot = state.frames.get_mut(frame as usize)?.stack.get_mut(slot)?;
    Some(&mut slot.spilled)
}

/// A call of `bpf_iter_*_next`, which has put its result into R0: paths part into one with an element, which is left
/// for later, and one without (`process_iter_next_call`).
pub(super) fn next_call(cx: &mut Cx<'_>, state: &mut State, pc: Pc, place: (u32, usize)) -> Check {
    let Some(Detail::Iter { id, state: step, depth }) =
        iterator(state, place).map(|iterator| iterator.detail)
    else {
        return cx.unsupported("an iterator that is none");
    };
    match step {
        IterState::Active => {
            let mut queued = state.clone();
            if let Some(iterator) = iterator(&mut queued, place) {
                iterator.detail = Detail::Iter { id, state: step, depth: depth + 1 };
            }
            explore::widen_since_last_step(cx, state, &mut queued, pc)?;
            scalar::mark_not_null(cx, queued.reg_mut(Reg::R0));
            explore::push(cx, queued, Pc(pc.0 + 1), pc, Errno::ENOMEM)?;
        }
        IterState::Drained => {}
        IterState::Invalid => reject!(EFAULT, "verifier bug: unexpected iterator state"),
    }
    if let Some(iterator) = iterator(state, place) {
        iterator.detail = Detail::Iter { id, state: IterState::Drained, depth };
    }
    *state.reg_mut(Reg::R0) = RegState::known(0);
    Ok(())
}
