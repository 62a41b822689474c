//! Dynptrs on the stack, and as arguments.
//!
//! A dynptr takes two slots of the stack; the first is the one at the lower address, which has the greater number.
//! What is known of it stands in both, as a register of kind [`RegKind::Dynptr`] with the identity of the dynptr. A
//! callback or global function is handed a dynptr as a register of that kind.

use isa::{Pc, Reg};
use kernel_model::TypeFlags;

use crate::calls::refs;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, Access};
use crate::state::{
    Detail, DynptrKind, RefKind, Reg as RegState, RegKind, RegType, SlotKind, StackSlot, State,
};

/// How a call takes a dynptr.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct DynptrArg {
    /// It makes it (`MEM_UNINIT`), of this kind.
    pub makes: Option<DynptrKind>,
    /// It does not change it (`MEM_RDONLY`).
    pub read_only: bool,
    /// The kind it must be of, if that matters.
    pub kind: Option<DynptrKind>,
    /// Of a clone: the identity of the reference of the dynptr it is cloned from, or 0.
    pub clone_of: u32,
}

/// Why a pointer is to no slots that a dynptr could be in (`dynptr_get_spi`).
#[derive(Clone, PartialEq, Eq, Debug)]
enum NoSlots {
    /// Refused with these words.
    Refused(String),
    /// The stack is not in use that far (`-ERANGE`).
    Unused,
}

impl DynptrKind {
    /// Giving it back is a duty (`dynptr_type_refcounted`).
    pub(crate) const fn is_refcounted(self) -> bool {
        matches!(self, Self::Ringbuf)
    }

    /// The flag of slices of it (`get_dynptr_type_flag`).
    pub(crate) const fn flag(self) -> TypeFlags {
        match self {
            Self::Invalid => TypeFlags::NONE,
            Self::Local => TypeFlags::DYNPTR_TYPE_LOCAL,
            Self::Ringbuf => TypeFlags::DYNPTR_TYPE_RINGBUF,
            Self::Skb => TypeFlags::DYNPTR_TYPE_SKB,
            Self::Xdp => TypeFlags::DYNPTR_TYPE_XDP,
            Self::SkbMeta => TypeFlags::DYNPTR_TYPE_SKB_META,
        }
    }

    /// The kind that the flags of an argument ask for (`arg_to_dynptr_type`).
    pub(crate) fn of_flags(flags: TypeFlags) -> Option<Self> {
        [Self::Local, Self::Ringbuf, Self::Skb, Self::Xdp, Self::SkbMeta]
            .into_iter()
            .find(|kind| flags.contains(kind.flag()))
    }

    /// As in messages (`dynptr_type_str` of kernel/bpf/log.c).
    const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "<invalid>",
            Self::Local => "local",
            Self::Ringbuf => "ringbuf",
            Self::Skb => "skb",
            Self::Xdp => "xdp",
            Self::SkbMeta => "skb_meta",
        }
    }
}

/// A dynptr, or the first or second slot of one (`__mark_dynptr_reg`).
pub(crate) fn register(kind: DynptrKind, first: bool, id: u32) -> RegState {
    let pointer = RegState::pointer(RegType::of(RegKind::Dynptr));
    RegState { id, ..pointer.with(Detail::Dynptr { kind, first }) }
}

/// Checks a dynptr argument and, if the call makes it, marks its slots (`process_dynptr_func`).
pub(crate) fn argument(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    pc: Pc,
    arg: DynptrArg,
) -> Check {
    let pointer = *state.reg(reg);
    let number = reg.number() - 1;
    let constant = pointer.ty == RegType::of(RegKind::Dynptr);
    if pointer.ty != RegType::of(RegKind::Stack) && !constant {
        reject!(EINVAL, "arg#{number} expected pointer to stack or const struct bpf_dynptr");
    }
    if let Some(kind) = arg.makes {
        if arg.read_only {
            reject!(EFAULT, "verifier bug: misconfigured dynptr helper type flags");
        }
        return make(cx, state, reg, pc, kind, arg.clone_of);
    }
    if constant && !arg.read_only {
        reject!(EINVAL, "cannot pass pointer to const bpf_dynptr, the helper mutates it");
    }
    match first_slot(state, &pointer) {
        Ok(_) => {}
        Err(NoSlots::Refused(line)) if !line.is_empty() => {
            reject!(EINVAL, "{line}\nExpected an initialized dynptr as arg #{number}")
        }
        Err(_) => reject!(EINVAL, "Expected an initialized dynptr as arg #{number}"),
    }
    let found = of(state, reg);
    if let (Some(wanted), Some((kind, ..))) = (arg.kind, found)
        && wanted != kind
    {
        reject!(EINVAL, "Expected a dynptr of type {} as arg #{number}", wanted.name());
    }
    if !constant && let Ok(slot) = slots(state, &pointer) {
        liveness::mark_read(cx, state, pointer.frame, 0b11 << (slot - 1));
        cx.log.touched_slots |= 0b11 << (slot - 1);
    }
    Ok(())
}

/// The dynptr is made in the slots that `reg` points to.
fn make(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    pc: Pc,
    kind: DynptrKind,
    clone_of: u32,
) -> Check {
    let pointer = *state.reg(reg);
    if pointer.kind() == RegKind::Dynptr {
        reject!(EINVAL, "Dynptr has to be an uninitialized dynptr");
    }
    if let Err(NoSlots::Refused(line)) = slots(state, &pointer) {
        reject!(EINVAL, "{line}\nDynptr has to be an uninitialized dynptr");
    }
    for offset in [0, 8] {
        memory::mem_access(cx, state, pc, reg, offset, 8, Access::Write, None, false, false)?;
    }
    let slot = match slots(state, &pointer) {
        Ok(slot) => slot,
        Err(NoSlots::Refused(line)) => reject!(EINVAL, "{line}"),
        Err(NoSlots::Unused) => reject!(ERANGE, ""),
    };
    destroy_by_store(cx, state, pointer.frame, slot)?;
    destroy_by_store(cx, state, pointer.frame, slot - 1)?;
    let id = cx.new_id();
    let ref_obj_id = match (kind.is_refcounted(), clone_of) {
        (false, _) => 0,
        (true, 0) => refs::acquire(cx, state, RefKind::Ptr, pc),
        (true, id) => id,
    };
    let stack = &mut state.frames[pointer.frame as usize].stack;
    for (slot, first) in [(slot, true), (slot - 1, false)] {
        let spilled = RegState { ref_obj_id, ..register(kind, first, id) };
        stack[slot] = StackSlot { kinds: [SlotKind::Dynptr; 8], spilled };
    }
    liveness::mark_write(cx, pointer.frame, 0b11 << (slot - 1));
    Ok(())
}

/// The first slot of a dynptr at the place a stack pointer points to, whether there is one or not.
fn slots(state: &State, pointer: &RegState) -> Result<usize, NoSlots> {
    let Some(variable) = pointer.num.bits.as_constant() else {
        return Err(NoSlots::Refused("dynptr has to be at a constant offset".to_owned()));
    };
    #[expect(clippy::cast_possible_truncation, reason = "offsets into the stack are small")]
    let offset = pointer.off.wrapping_add(variable as i32);
    let refused = || NoSlots::Refused(format!("cannot pass in dynptr at an offset={offset}"));
    if offset % 8 != 0 {
        return Err(refused());
    }
    let slot = usize::try_from(-1_i64 - i64::from(offset)).map_err(|_| refused())? / 8;
    if slot < 1 {
        return Err(refused());
    }
    if slot >= state.frame_of(pointer).stack.len() {
        return Err(NoSlots::Unused);
    }
    Ok(slot)
}

/// The first slot of the initialised dynptr that `pointer` points to; 0 if it is one itself
/// (`is_dynptr_reg_valid_init`).
fn first_slot(state: &State, pointer: &RegState) -> Result<usize, NoSlots> {
    if pointer.kind() == RegKind::Dynptr {
        return Ok(0);
    }
    let slot = slots(state, pointer)?;
    let stack = &state.frame_of(pointer).stack;
    let first = matches!(stack[slot].spilled.detail, Detail::Dynptr { first: true, .. });
    let whole = [slot, slot - 1].iter().all(|&slot| stack[slot].kinds == [SlotKind::Dynptr; 8]);
    if first && whole { Ok(slot) } else { Err(NoSlots::Refused(String::new())) }
}

/// The kind of the dynptr that `reg` points to, its identity and its reference
/// (`dynptr_get_type`, `dynptr_id`, `dynptr_ref_obj_id`). `None` if it points to none.
pub(crate) fn of(state: &State, reg: Reg) -> Option<(DynptrKind, u32, u32)> {
    of_pointer(state, state.reg(reg))
}

/// As [`of`], of what a pointer points to.
pub(crate) fn of_pointer(state: &State, pointer: &RegState) -> Option<(DynptrKind, u32, u32)> {
    let known = match pointer.kind() {
        RegKind::Dynptr => *pointer,
        RegKind::Stack => {
            let slot = slots(state, pointer).ok()?;
            state.frame_of(pointer).stack.get(slot)?.spilled
        }
        _ => return None,
    };
    match known.detail {
        Detail::Dynptr { kind, .. } => Some((kind, known.id, known.ref_obj_id)),
        _ => None,
    }
}

/// What a release needs: a dynptr on the stack with a reference (part of `check_func_arg`).
pub(crate) fn check_release(state: &State, reg: Reg) -> Check {
    let pointer = state.reg(reg);
    if pointer.ty != RegType::of(RegKind::Stack) {
        reject!(EINVAL, "cannot release unowned const bpf_dynptr");
    }
    let number = reg.number();
    match slots(state, pointer) {
        Ok(slot) if state.frame_of(pointer).stack[slot].spilled.ref_obj_id != 0 => Ok(()),
        Err(NoSlots::Refused(line)) => {
            reject!(EINVAL, "{line}\narg {number} is an unacquired reference")
        }
        _ => reject!(EINVAL, "arg {number} is an unacquired reference"),
    }
}

/// The dynptr that `reg` points to is given back: its slots, its clones and its slices are gone
/// (`unmark_stack_slots_dynptr`).
pub(crate) fn release(cx: &mut Cx<'_>, state: &mut State, reg: Reg) -> Check {
    let pointer = *state.reg(reg);
    let slot = match slots(state, &pointer) {
        Ok(slot) => slot,
        Err(NoSlots::Refused(line)) => reject!(EINVAL, "{line}"),
        Err(NoSlots::Unused) => reject!(ERANGE, ""),
    };
    let frame = pointer.frame;
    let known = state.frame_of(&pointer).stack[slot].spilled;
    let refcounted = matches!(known.detail, Detail::Dynptr { kind, .. } if kind.is_refcounted());
    if !refcounted {
        forget_slots(cx, state, frame, slot);
        return Ok(());
    }
    refs::release(cx, state, known.ref_obj_id);
    for slot in 1..state.frame_of(&pointer).stack.len() {
        let other = &state.frame_of(&pointer).stack[slot];
        if other.spilled.ref_obj_id != known.ref_obj_id {
            continue;
        }
        if other.kinds[0] != SlotKind::Dynptr {
            reject!(EFAULT, "verifier bug: misconfigured ref_obj_id");
        }
        if matches!(other.spilled.detail, Detail::Dynptr { first: true, .. }) {
            forget_slots(cx, state, frame, slot);
        }
    }
    Ok(())
}

/// Nothing is in the two slots any more (`invalidate_dynptr`).
fn forget_slots(cx: &mut Cx<'_>, state: &mut State, frame: u32, first: usize) {
    let stack = &mut state.frames[frame as usize].stack;
    for slot in [first, first - 1] {
        stack[slot] = StackSlot::INVALID;
    }
    liveness::mark_write(cx, frame, 0b11 << (first - 1));
}

/// A store to the slots of dynptrs destroys them, if that is allowed (`destroy_if_dynptr_stack_slot`): the dynptr in
/// slot `slot` of frame `frame`.
pub(crate) fn destroy_by_store(
    cx: &mut Cx<'_>,
    state: &mut State,
    frame: u32,
    slot: usize,
) -> Check {
    let Some(stored) = state.frames.get(frame as usize).and_then(|frame| frame.stack.get(slot))
    else {
        return Ok(());
    };
    if stored.kinds[0] != SlotKind::Dynptr {
        return Ok(());
    }
    let Detail::Dynptr { kind, first } = stored.spilled.detail else { return Ok(()) };
    if kind.is_refcounted() {
        reject!(EINVAL, "cannot overwrite referenced dynptr");
    }
    let id = stored.spilled.id;
    let slot = if first { slot } else { slot + 1 };
    cx.log.touched_slots |= 0b11 << (slot - 1);
    forget_slots(cx, state, frame, slot);
    let invalid = cx.invalid();
    // Only what `bpf_dynptr_data` gives: slices have the kind of the dynptr among their flags.
    state.each_reg(|reg| {
        let data = reg.kind() == RegKind::Mem
            && reg.ty.without(TypeFlags::PTR_MAYBE_NULL).flags == TypeFlags::NONE;
        if data && matches!(reg.detail, Detail::Mem { dynptr, .. } if dynptr == id) {
            *reg = invalid;
        }
    });
    Ok(())
}

/// Everything derived from packets is gone: packet pointers and slices of packet dynptrs (`clear_all_pkt_pointers`).
pub(crate) fn clear_packet_pointers(cx: &Cx<'_>, state: &mut State) {
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        let packet =
            matches!(reg.kind(), RegKind::Packet | RegKind::PacketMeta | RegKind::PacketEnd);
        if packet || is_packet_slice(reg) {
            *reg = RegState { origin: reg.origin, ..invalid };
        }
    });
}

/// It is a slice of a packet (`reg_is_dynptr_slice_pkt`).
fn is_packet_slice(reg: &RegState) -> bool {
    let packets = [DynptrKind::Skb, DynptrKind::Xdp, DynptrKind::SkbMeta];
    reg.kind() == RegKind::Mem && packets.iter().any(|kind| reg.ty.has(kind.flag()))
}
