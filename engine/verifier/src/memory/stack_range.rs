//! Accesses to the stack at unknown offsets, and by calls.

use std::ops::Range;

use isa::Reg as Name;

use super::region::bits;
use super::stack::{self, check_bounds, check_fastcall, kinds, scrub, zero};
use super::{Access, RawStack, Request, set_unknown};
use crate::calls::dynptr;
use crate::cfg::liveness;
use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::state::{Reg, SlotKind, State, slot_of};

/// The offsets that an access can begin at, the first and the last.
#[expect(clippy::cast_possible_truncation, reason = "offsets were found to be within the stack")]
fn offsets(pointer: &Reg, offset: i32) -> (i32, i32) {
    (pointer.num.smin as i32 + offset, pointer.num.smax as i32 + offset)
}

/// A store at an unknown offset: every slot it can reach may be written (`check_stack_write_var_off`).
pub(super) fn write(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let Request { pc, pointer, offset, value, .. } = request;
    let frame = pointer.frame;
    let (low, high) = offsets(pointer, *offset);
    let high = high + request.length();
    let writes_zero = match value {
        Some(name) => state.reg(*name).is_null(),
        None => request.constant == Some(0),
    };
    for at in low..high {
        let Some((slot, _)) = slot_of(at) else { continue };
        if kinds(state, frame, slot)[0] == SlotKind::Dynptr {
            dynptr::destroy_by_store(cx, state, frame, slot)?;
        }
    }
    let subprog = state.frames[frame as usize].subprog;
    check_fastcall(cx, subprog, *pc, low);
    let allows_leaks = cx.program.allows_ptr_leaks();
    let mut zero_used = false;
    for at in low..high {
        let Some((slot, byte)) = slot_of(at) else { continue };
        cx.log.touched_slots |= 1 << slot;
        let place = &mut state.frames[frame as usize].stack[slot];
        let kind = place.kinds[byte];
        if !allows_leaks && !matches!(kind, SlotKind::Misc | SlotKind::Zero) {
            reject!(
                EINVAL,
                "spilled ptr in range of var-offset stack write; insn {pc}, ptr off: {at}"
            );
        }
        let keeps_spill = writes_zero && kind == SlotKind::Spill && place.is_spilled_scalar();
        if keeps_spill && place.spilled.num.bits.as_constant() == Some(0) {
            zero_used = true;
            continue;
        }
        stack::forget_special(place);
        let keeps_zero = writes_zero && place.kinds[byte] == SlotKind::Zero;
        zero_used |= keeps_zero;
        place.kinds[byte] = if keeps_zero { SlotKind::Zero } else { SlotKind::Misc };
    }
    if let (true, Some(name)) = (zero_used, value) {
        explore::mark_precise(cx, state, *name)?;
    }
    Ok(())
}

/// A load at an unknown offset (`check_stack_read_var_off`).
pub(super) fn read(cx: &mut Cx<'_>, state: &mut State, request: &Request, value: Name) -> Check {
    let Request { pc, reg, pointer, offset, .. } = request;
    let size = request.length();
    let call = ByCall { access: Access::Read, zero_allowed: false, raw: false };
    initialized(cx, state, *reg, pointer, *offset, size, call)?;
    let (low, high) = offsets(pointer, *offset);
    load(cx, state, pointer.frame, low, high + size, value);
    let subprog = state.frames[pointer.frame as usize].subprog;
    check_fastcall(cx, subprog, *pc, low);
    Ok(())
}

/// What is loaded from bytes that are no spilled register: zero if all are (`mark_reg_stack_read`).
pub(super) fn load(
    cx: &mut Cx<'_>,
    state: &mut State,
    frame: u32,
    low: i32,
    high: i32,
    value: Name,
) {
    let mut all_zero = true;
    for at in low..high {
        let Some((slot, byte)) = slot_of(at) else { break };
        cx.log.touched_slots |= 1 << slot;
        if kinds(state, frame, slot)[byte] != SlotKind::Zero {
            all_zero = false;
            break;
        }
    }
    if all_zero {
        *state.reg_mut(value) = zero(cx);
    } else {
        set_unknown(cx, state, value);
    }
}

/// How a call uses the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByCall {
    /// What it does.
    pub access: Access,
    /// No bytes at all are fine.
    pub zero_allowed: bool,
    /// It fills memory that need not be initialised.
    pub raw: bool,
}

/// Bytes of the stack are initialised, or to be filled by a call (`check_stack_range_initialized`).
pub(super) fn initialized(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Name,
    pointer: &Reg,
    offset: i32,
    size: i32,
    call: ByCall,
) -> Check<Option<RawStack>> {
    if size == 0 && !call.zero_allowed {
        reject!(EACCES, "invalid zero-sized read");
    }
    check_bounds(cx, state, reg, pointer, offset, size, call.access)?;
    let known = pointer.num.bits.as_constant();
    let bypasses_spec = cx.program.bypasses_spec_v1();
    let (low, high) = match known {
        Some(known) => {
            let at = stack::add(offset, known);
            (at, at)
        }
        None if !bypasses_spec => reject!(
            EACCES,
            "R{} variable offset stack access prohibited for !root, var_off={}",
            reg.number(),
            bits(pointer)
        ),
        None => offsets(pointer, offset),
    };
    let range = low..high + size;
    if call.raw && known.is_some() {
        check_dynptrs(state, pointer.frame, range)?;
        return Ok(Some(RawStack { reg, offset: low, size: size.cast_unsigned() }));
    }
    let clobbers = call.access == Access::Write;
    if let Some(bad) = use_bytes(cx, state, pointer.frame, range, clobbers) {
        return refuse(reg, pointer, low, bad - low, size);
    }
    Ok(None)
}

/// A call that fills memory does not overwrite dynptrs.
fn check_dynptrs(state: &State, frame: u32, range: Range<i32>) -> Check {
    for at in range {
        let Some((slot, byte)) = slot_of(at) else { break };
        if kinds(state, frame, slot)[byte] == SlotKind::Dynptr {
            reject!(EACCES, "potential write to dynptr at off={at} disallowed");
        }
    }
    Ok(())
}

/// A call reads the bytes and, if it `clobbers` them, may write them; the first one that it cannot.
fn use_bytes(
    cx: &mut Cx<'_>,
    state: &mut State,
    frame: u32,
    range: Range<i32>,
    clobbers: bool,
) -> Option<i32> {
    let allows_leaks = cx.program.allows_ptr_leaks();
    let allows_uninit = cx.program.allows_uninit_stack();
    let mut slots = 0_u64;
    for at in range {
        let Some((slot, byte)) = slot_of(at) else { break };
        let place = state.frames.get_mut(frame as usize)?.stack.get_mut(slot)?;
        slots |= 1 << slot;
        match place.kinds[byte] {
            SlotKind::Misc => continue,
            SlotKind::Zero => {}
            SlotKind::Invalid if allows_uninit => {}
            _ if place.is_spilled() && (place.spilled.is_scalar() || allows_leaks) => {
                if clobbers {
                    place.spilled = cx.unknown();
                    place.kinds.iter_mut().for_each(scrub);
                }
                continue;
            }
            _ => return Some(at),
        }
        if clobbers {
            place.kinds[byte] = SlotKind::Misc;
        }
    }
    if slots != 0 {
        liveness::mark_read(cx, state, frame, slots);
    }
    None
}

fn refuse<T>(reg: Name, pointer: &Reg, low: i32, index: i32, size: i32) -> Check<T> {
    let number = reg.number();
    if pointer.num.bits.as_constant().is_some() {
        reject!(EACCES, "invalid read from stack R{number} off {low}+{index} size {size}");
    }
    let var = bits(pointer);
    reject!(EACCES, "invalid read from stack R{number} var_off {var}+{index} size {size}")
}
