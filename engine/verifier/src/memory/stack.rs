//! Loads from and stores to the stack at known offsets: registers are spilled and filled.

use isa::{Pc, Reg as Name};

use super::region::{self, MAX_VARIABLE_OFFSET};
use super::{Access, Request, set_unknown, stack_range};
use crate::calls::dynptr;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::state::{Reg, RegKind, SlotKind, StackSlot, State};

/// The lowest offset there is (`MAX_BPF_STACK`).
const LOWEST: i64 = -512;

/// An access through a pointer to a stack by an instruction, or by a call byte by byte.
pub(super) fn access(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let Request { reg, pointer, offset, access, value, .. } = request;
    check_bounds(cx, state, *reg, pointer, *offset, request.length(), *access)?;
    let frame = pointer.frame;
    let known = pointer.num.bits.as_constant();
    match (access, known) {
        (Access::Write, Some(known)) => {
            let at = Place { frame, offset: add(*offset, known), size: request.size };
            write(cx, state, at, request)
        }
        (Access::Write, None) => stack_range::write(cx, state, request),
        (Access::Read, Some(known)) => {
            let at = Place { frame, offset: add(*offset, known), size: request.size };
            read(cx, state, at, *value)
        }
        (Access::Read, None) => {
            let Some(value) = *value else {
                reject!(
                    EACCES,
                    "variable offset stack pointer cannot be passed into helper function; var_off={} off={offset} size={}",
                    region::bits(pointer),
                    request.size
                );
            };
            stack_range::read(cx, state, request, value)
        }
    }
}

/// Some bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The frame.
    pub frame: u32,
    /// The lowest byte, from the frame pointer of that frame.
    pub offset: i32,
    /// How many.
    pub size: u32,
}

impl Place {
    /// The slot that the lowest byte is in, and the byte in it as an index into [`StackSlot::kinds`].
    fn slot(self) -> (usize, usize) {
        crate::state::slot_of(self.offset).unwrap_or_default()
    }

    fn is_slot_aligned(self) -> bool {
        self.offset % 8 == 0
    }
}

/// A known offset added to another one.
#[expect(clippy::cast_possible_truncation, reason = "the kernel cuts offsets to 32 bits here")]
pub(super) fn add(offset: i32, known: u64) -> i32 {
    offset.wrapping_add(known as i32)
}

/// The access is within the stack, which grows to hold it (`check_stack_access_within_bounds`, `grow_stack_state`).
pub(super) fn check_bounds(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Name,
    pointer: &Reg,
    offset: i32,
    size: i32,
    access: Access,
) -> Check {
    let what = if access == Access::Read { "read from" } else { "write to" };
    let number = reg.number();
    let known = pointer.num.bits.as_constant();
    let (low, high) = if let Some(known) = known {
        let low = known.cast_signed().wrapping_add(offset.into());
        (low, low.wrapping_add(size.into()))
    } else {
        let (smin, smax) = (pointer.num.smin, pointer.num.smax);
        if smax >= MAX_VARIABLE_OFFSET || smin <= -MAX_VARIABLE_OFFSET {
            reject!(EACCES, "invalid unbounded variable-offset {what} stack R{number}");
        }
        (smin + i64::from(offset), smax + i64::from(offset) + i64::from(size))
    };
    let Some(frame) = state.frames.get_mut(pointer.frame as usize) else {
        return cx.unsupported("a pointer to a frame that is gone");
    };
    let lowest = if access == Access::Write || cx.program.allows_ptr_leaks() {
        LOWEST
    } else {
        -i64::try_from(frame.stack.len() * 8).unwrap_or(0)
    };
    let outside = low < lowest || low > -1;
    if outside || high > 0 {
        let text = if known.is_some() {
            format!("invalid {what} stack R{number} off={offset} size={size}")
        } else {
            let var = region::bits(pointer);
            format!(
                "invalid variable-offset {what} stack R{number} var_off={var} off={offset} size={size}"
            )
        };
        if outside {
            reject!(EACCES, "{text}");
        }
        reject!(EINVAL, "{text}");
    }
    // From 1 to 512.
    let slots = usize::try_from((7 - low) / 8).unwrap_or(0);
    if frame.stack.len() < slots {
        frame.grow_stack(slots);
        let depth = u32::try_from(slots * 8).unwrap_or(0);
        if let Some(subprog) = cx.subprogs.get_mut(frame.subprog as usize) {
            subprog.stack_depth = subprog.stack_depth.max(depth);
        }
    }
    Ok(())
}

/// The stack is used below what is set apart for calls that may be patched away, by something that is not around one:
/// such calls of the function are kept as they are (`check_fastcall_stack_contract`).
pub(super) fn check_fastcall(cx: &mut Cx<'_>, subprog: u32, pc: Pc, offset: i32) {
    let Some(subprog) = cx.subprogs.get_mut(subprog as usize) else { return };
    let in_pattern = cx.aux.get(pc.index()).is_none_or(|aux| aux.fastcall_pattern);
    if subprog.fastcall_stack_off <= offset || in_pattern {
        return;
    }
    subprog.fastcall_stack_off = i16::MIN.into();
    for aux in cx.aux.get_mut(subprog.start.index()..subprog.end.index()).unwrap_or_default() {
        aux.fastcall_spills = 0;
        aux.fastcall_pattern = false;
    }
}

/// What a store stores: a register, a constant, or something that is not known.
enum Stored {
    Reg(Name, Reg),
    Constant(u64),
    Unknown,
}

impl Stored {
    fn is_zero(&self) -> bool {
        match self {
            Self::Reg(_, reg) => reg.is_null(),
            Self::Constant(value) => *value == 0,
            Self::Unknown => false,
        }
    }
}

/// A store at a known offset (`check_stack_write_fixed_off`).
fn write(cx: &mut Cx<'_>, state: &mut State, at: Place, request: &Request) -> Check {
    let pc = request.pc;
    let (slot, byte) = at.slot();
    let stored = match request.value {
        Some(name) => Stored::Reg(name, *state.reg(name)),
        None => request.constant.map_or(Stored::Unknown, Stored::Constant),
    };
    check_corruption(cx, state, at, slot)?;
    if !cx.program.bypasses_spec_v4() && may_be_bypassed(state, at, &stored) {
        cx.aux[pc.index()].nospec_result = true;
    }
    if kinds(state, at.frame, slot)[0] == SlotKind::Dynptr {
        dynptr::destroy_by_store(cx, state, at.frame, slot)?;
    }
    if at.is_slot_aligned() && at.size == 8 {
        liveness::mark_write(cx, at.frame, 1 << slot);
    }
    let subprog = state.frames[at.frame as usize].subprog;
    check_fastcall(cx, subprog, pc, at.offset);
    cx.log.touched_slots |= 1 << slot;
    let spilled = match stored {
        Stored::Reg(name, mut reg)
            if at.is_slot_aligned() && reg.is_scalar() && cx.program.is_bpf_capable() =>
        {
            // The register and its copy are tied together unless bits are lost.
            let fits = 64 - reg.num.umax.leading_zeros() <= 8 * at.size;
            if fits {
                let id = reg.id;
                crate::scalar::identify(cx, &mut reg);
                if reg.id != id {
                    *state.reg_mut(name) = reg;
                }
            } else {
                reg.id = 0;
            }
            reg
        }
        Stored::Constant(value) if at.is_slot_aligned() && cx.program.is_bpf_capable() => {
            Reg::known(value)
        }
        Stored::Reg(_, reg) if is_spillable(reg.kind()) => {
            if at.size != 8 {
                reject!(EACCES, "invalid size of register spill");
            }
            let innermost = at.frame as usize + 1 == state.frames.len();
            if !innermost && reg.kind() == RegKind::Stack && reg.ty.flags.0 == 0 {
                reject!(EINVAL, "cannot spill pointers to stack into stack frame of the caller");
            }
            reg
        }
        other => return overwrite(cx, state, at, slot, byte, &other),
    };
    save(&mut state.frames[at.frame as usize].stack[slot], &spilled, at.size);
    explore::note_stack_access(cx, state, at.frame, u32::try_from(slot).unwrap_or(0));
    Ok(())
}

/// A processor may load what was there before the store, which must be nothing but numbers (part of
/// `check_stack_write_fixed_off`).
fn may_be_bypassed(state: &State, at: Place, stored: &Stored) -> bool {
    let (slot, byte) = at.slot();
    let stores_pointer =
        matches!(stored, Stored::Reg(_, reg) if !reg.is_scalar() && is_spillable(reg.kind()));
    let kinds = kinds(state, at.frame, slot);
    let mut bytes = (0..at.size as usize).map(|index| kinds[(byte + 8 - index) % 8]);
    stores_pointer || bytes.any(|kind| !matches!(kind, SlotKind::Misc | SlotKind::Zero))
}

/// Without privileges, pointers on the stack are not overwritten in part.
fn check_corruption(cx: &Cx<'_>, state: &State, at: Place, slot: usize) -> Check {
    if cx.program.allows_ptr_leaks() || at.size == 8 {
        return Ok(());
    }
    let slot = &state.frames[at.frame as usize].stack[slot];
    if slot.is_spilled() && !slot.is_spilled_scalar() {
        reject!(EACCES, "attempt to corrupt spilled pointer on stack");
    }
    Ok(())
}

/// Bytes become unknown, or zero (the last part of `check_stack_write_fixed_off`).
fn overwrite(
    cx: &mut Cx<'_>,
    state: &mut State,
    at: Place,
    slot: usize,
    byte: usize,
    stored: &Stored,
) -> Check {
    let place = &mut state.frames[at.frame as usize].stack[slot];
    forget_special(place);
    let kind = if stored.is_zero() {
        // What is zero must stay so in later states.
        if let Stored::Reg(name, _) = stored {
            explore::mark_precise(cx, state, *name)?;
        }
        SlotKind::Zero
    } else {
        SlotKind::Misc
    };
    let place = &mut state.frames[at.frame as usize].stack[slot];
    for index in 0..at.size as usize {
        place.kinds[(byte + 8 - index) % 8] = kind;
    }
    Ok(())
}

/// `save_register_state`
fn save(slot: &mut StackSlot, reg: &Reg, size: u32) {
    slot.spilled = *reg;
    let kept = 8 - size.min(8) as usize;
    slot.kinds[kept..].fill(SlotKind::Spill);
    for kind in &mut slot.kinds[..kept] {
        if !matches!(kind, SlotKind::Zero | SlotKind::Invalid) {
            *kind = SlotKind::Misc;
        }
    }
}

/// What was spilled is not known byte by byte (`scrub_spilled_slot`).
pub(super) fn scrub(kind: &mut SlotKind) {
    if *kind != SlotKind::Invalid {
        *kind = SlotKind::Misc;
    }
}

/// Bytes are all that is left in the slot (`scrub_special_slot`).
pub(super) fn forget_special(slot: &mut StackSlot) {
    slot.spilled.ty = Reg::NOT_INIT.ty;
    if is_special(slot) {
        slot.kinds.iter_mut().for_each(scrub);
    }
}

/// There is more in the slot than bytes (`is_stack_slot_special`).
fn is_special(slot: &StackSlot) -> bool {
    matches!(slot.kind(), SlotKind::Spill | SlotKind::Dynptr | SlotKind::Iter | SlotKind::IrqFlag)
}

/// The kinds of the bytes of a slot.
pub(super) fn kinds(state: &State, frame: u32, slot: usize) -> [SlotKind; 8] {
    let frame = state.frames.get(frame as usize);
    frame.and_then(|frame| frame.stack.get(slot)).map_or([SlotKind::Invalid; 8], |slot| slot.kinds)
}

/// Registers of this kind can be spilled (`is_spillable_regtype`), beside numbers.
fn is_spillable(kind: RegKind) -> bool {
    match kind {
        RegKind::MapValue
        | RegKind::Stack
        | RegKind::Ctx
        | RegKind::Packet
        | RegKind::PacketMeta
        | RegKind::PacketEnd
        | RegKind::FlowKeys
        | RegKind::ConstMapPtr
        | RegKind::Socket
        | RegKind::SockCommon
        | RegKind::TcpSock
        | RegKind::XdpSock
        | RegKind::BtfId
        | RegKind::Buf
        | RegKind::Mem
        | RegKind::Func
        | RegKind::MapKey
        | RegKind::Arena => true,
        RegKind::NotInit | RegKind::Scalar | RegKind::TpBuffer | RegKind::Dynptr => false,
    }
}

/// A load at a known offset (`check_stack_read_fixed_off`).
fn read(cx: &mut Cx<'_>, state: &mut State, at: Place, value: Option<Name>) -> Check {
    let (slot, byte) = at.slot();
    cx.log.touched_slots |= 1 << slot;
    let subprog = state.frame().subprog;
    let pc = cx.pc;
    check_fastcall(cx, subprog, pc, at.offset);
    liveness::mark_read(cx, state, at.frame, 1 << slot);
    let place = &state.frames[at.frame as usize].stack[slot];
    if !place.is_spilled() {
        check_initialized(cx, &place.kinds, at, byte)?;
        if let Some(value) = value {
            stack_range::load(
                cx,
                state,
                at.frame,
                at.offset,
                at.offset + at.size.cast_signed(),
                value,
            );
        }
        return Ok(());
    }
    let whole = place.kinds[0] == SlotKind::Spill && place.spilled_bytes() == 8;
    let filled = if at.size == 8 && whole {
        match value {
            Some(value) => {
                let spilled = place.spilled;
                *state.reg_mut(value) = spilled;
            }
            None if cx.leaks(&place.spilled) => {
                reject!(EACCES, "leaking pointer from stack off {}", at.offset);
            }
            None => {}
        }
        true
    } else {
        if !place.spilled.is_scalar() {
            reject!(EACCES, "invalid size of register fill");
        }
        let Some(value) = value else { return Ok(()) };
        fill_part(cx, state, at, value)?
    };
    if filled {
        explore::note_stack_access(cx, state, at.frame, u32::try_from(slot).unwrap_or(0));
    }
    Ok(())
}

/// A load of a part of a slot, or of a slot that holds a part of a register; whether the register is restored.
fn fill_part(cx: &mut Cx<'_>, state: &mut State, at: Place, value: Name) -> Check<bool> {
    let (slot, byte) = at.slot();
    let place = state.frames[at.frame as usize].stack[slot];
    if at.size as usize <= place.spilled_bytes() && at.is_slot_aligned() {
        let mut reg = place.spilled;
        // Bits are lost; what remains is cut off by the load.
        if 64 - reg.num.umax.leading_zeros() > 8 * at.size {
            reg.id = 0;
        }
        *state.reg_mut(value) = reg;
        return Ok(true);
    }
    let (mut spilled, mut zeros) = (0, 0);
    for index in 0..at.size {
        match place.kinds[(byte + 8 - index as usize) % 8] {
            SlotKind::Spill => spilled += 1,
            SlotKind::Zero => zeros += 1,
            SlotKind::Misc => {}
            SlotKind::Invalid if cx.program.allows_uninit_stack() => {}
            _ => return refuse_read(at, index),
        }
    }
    if spilled == at.size && place.spilled.num.bits.as_constant() == Some(0) {
        *state.reg_mut(value) = zero(cx);
        return Ok(true);
    }
    if zeros == at.size {
        *state.reg_mut(value) = zero(cx);
    } else {
        set_unknown(cx, state, value);
    }
    Ok(false)
}

/// The number zero (`__mark_reg_const_zero`).
pub(super) fn zero(cx: &Cx<'_>) -> Reg {
    Reg { precise: !cx.program.is_bpf_capable(), ..Reg::known(0) }
}

fn check_initialized(cx: &Cx<'_>, kinds: &[SlotKind; 8], at: Place, byte: usize) -> Check {
    for index in 0..at.size {
        match kinds[(byte + 8 - index as usize) % 8] {
            SlotKind::Misc | SlotKind::Zero => {}
            SlotKind::Invalid if cx.program.allows_uninit_stack() => {}
            _ => return refuse_read(at, index),
        }
    }
    Ok(())
}

fn refuse_read<T>(at: Place, index: u32) -> Check<T> {
    reject!(EACCES, "invalid read from stack off {}+{index} size {}", at.offset, at.size)
}

impl StackSlot {
    /// How many bytes of a register were spilled here, from the lowest address on.
    fn spilled_bytes(&self) -> usize {
        self.kinds.iter().rev().take_while(|kind| **kind == SlotKind::Spill).count()
    }
}
