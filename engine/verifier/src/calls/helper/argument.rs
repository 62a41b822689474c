//! Checks of arguments that helpers, kfuncs and global functions share.

use isa::Reg;
use kernel_model::{ArgBase, TypeFlags};

use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::memory::{self, Access, RawStack};
use crate::program::MapId;
use crate::state::{Reg as RegState, RegKind, RegType, SlotKind, State, slot_of};

/// No memory that is accessed may be that large (`BPF_MAX_VAR_SIZ`).
const MAX_VARIABLE_SIZE: u64 = 1 << 29;

/// The offset of a pointer that is an argument (`check_func_arg_reg_off`): `base` as far as it matters
/// (`PtrToDynptr`, else anything, such as `Anything`), `flags` for `OBJ_RELEASE`.
pub(crate) fn check_offset(
    cx: &mut Cx<'_>,
    state: &State,
    reg: Reg,
    base: ArgBase,
    flags: TypeFlags,
) -> Check {
    let pointer = state.reg(reg);
    if flags.contains(TypeFlags::OBJ_RELEASE) {
        if base == ArgBase::PtrToDynptr && pointer.ty == RegType::of(RegKind::Stack) {
            return Ok(());
        }
        if pointer.off != 0 {
            reject!(
                EINVAL,
                "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                reg.number()
            );
        }
        return memory::ptr_off_reg(cx, state, reg, false);
    }
    match offset_rule(pointer.ty) {
        OffsetRule::Any => Ok(()),
        OffsetRule::Known => memory::ptr_off_reg(cx, state, reg, true),
        OffsetRule::Zero => memory::ptr_off_reg(cx, state, reg, false),
    }
}

/// Which offsets pointers may have that are arguments.
enum OffsetRule {
    Any,
    Known,
    Zero,
}

fn offset_rule(ty: RegType) -> OffsetRule {
    type F = TypeFlags;
    const NON_OWNING: F = F::MEM_ALLOC.union(F::NON_OWN_REF);
    match (ty.kind, ty.flags) {
        (
            RegKind::Stack
            | RegKind::Packet
            | RegKind::PacketMeta
            | RegKind::MapKey
            | RegKind::MapValue
            | RegKind::Arena
            | RegKind::Scalar,
            F::NONE,
        )
        | (RegKind::Mem, F::NONE | F::MEM_RDONLY | F::MEM_RINGBUF)
        | (RegKind::Buf, F::NONE | F::MEM_RDONLY) => OffsetRule::Any,
        (RegKind::BtfId, flags)
            if [F::NONE, F::MEM_ALLOC, F::PTR_TRUSTED, F::MEM_RCU, NON_OWNING].contains(&flags)
                || flags == NON_OWNING.union(F::MEM_RCU) =>
        {
            OffsetRule::Known
        }
        _ => OffsetRule::Zero,
    }
}

/// The bytes of a map's only value from an offset on, with the zeros that the object leaves out; `None` from the end
/// of the value on.
pub(crate) fn frozen_bytes(cx: &Cx<'_>, map: MapId, offset: u64) -> Option<Vec<u8>> {
    let facts = cx.program.map(map)?;
    let size = facts.definition(map.inner).value_size as usize;
    let offset = usize::try_from(offset).ok().filter(|&offset| offset < size)?;
    let data = facts.map.data.get(offset..).unwrap_or_default();
    let mut bytes = data.to_vec();
    bytes.resize(size - offset, 0);
    Some(bytes)
}

/// Where in the map's value a pointer with a known offset points.
pub(crate) fn known_offset(pointer: &RegState) -> u64 {
    i64::from(pointer.off).cast_unsigned().wrapping_add(pointer.num.bits.value())
}

/// A string in a read-only map (`check_reg_const_str`).
pub(crate) fn check_const_str(cx: &mut Cx<'_>, state: &mut State, reg: Reg) -> Check {
    let pointer = *state.reg(reg);
    let number = reg.number();
    let Some(map) = pointer.map().filter(|_| pointer.ty == RegType::of(RegKind::MapValue)) else {
        reject!(EINVAL, "");
    };
    let Some(facts) = cx.program.map(map) else { return cx.unsupported("a map that is not there") };
    if !memory::is_frozen(facts) {
        reject!(EACCES, "R{number} does not point to a readonly map'");
    }
    if pointer.num.bits.as_constant().is_none() {
        reject!(EACCES, "R{number} is not a constant address'");
    }
    let size = i64::from(facts.definition(map.inner).value_size) - i64::from(pointer.off);
    let size = u32::try_from(size).unwrap_or(0);
    memory::helper_access(cx, state, reg, size, Access::Read, false, false)?;
    let Some(bytes) = frozen_bytes(cx, map, known_offset(&pointer)) else {
        reject!(EINVAL, "direct value access on string failed");
    };
    if !bytes.contains(&0) {
        reject!(EINVAL, "string is not zero-terminated");
    }
    Ok(())
}

/// Memory in the register before `size`, of the length in `size` (`check_mem_size_reg`).
///
/// `raw` as in [`crate::memory::helper_access`]; the result has the greatest possible length as well.
pub(crate) fn check_mem_size(
    cx: &mut Cx<'_>,
    state: &mut State,
    size: Reg,
    access: Access,
    zero_allowed: bool,
    raw: bool,
) -> Check<MemSize> {
    let (length, number) = (state.reg(size).num, size.number());
    let raw = raw && length.bits.as_constant().is_some();
    if length.smin < 0 {
        reject!(EACCES, "R{number} min value is negative, either use unsigned or 'var &= const'");
    }
    if length.umin == 0 && !zero_allowed {
        reject!(
            EACCES,
            "R{number} invalid zero-sized read: u64=[{},{}]",
            length.umin.cast_signed(),
            length.umax.cast_signed()
        );
    }
    if length.umax >= MAX_VARIABLE_SIZE {
        reject!(
            EACCES,
            "R{number} unbounded memory access, use 'var &= const' or 'if (var < const)'"
        );
    }
    let Some(memory) = Reg::from_number(number.wrapping_sub(1)) else {
        return cx.unsupported("a length in R0");
    };
    let bytes = u32::try_from(length.umax).unwrap_or(u32::MAX);
    let raw = memory::helper_access(cx, state, memory, bytes, access, zero_allowed, raw)?;
    explore::mark_precise(cx, state, size)?;
    Ok(MemSize { raw, max: length.umax })
}

/// What [`check_mem_size`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemSize {
    /// Uninitialised stack that the caller has to mark as written.
    pub raw: Option<RawStack>,
    /// The greatest possible length (`msize_max_value`).
    pub max: u64,
}

/// Memory of a fixed size, which may be NULL if its type says so, that is read and written (`check_mem_reg`).
pub(crate) fn check_mem(cx: &mut Cx<'_>, state: &mut State, reg: Reg, size: u32) -> Check {
    if state.reg(reg).is_null() {
        return Ok(());
    }
    assuming_not_null(cx, state, reg, |cx, state| {
        memory::helper_access(cx, state, reg, size, Access::Read, true, false)?;
        memory::helper_access(cx, state, reg, size, Access::Write, true, false).map(|_| ())
    })
}

/// Checks something as if the pointer in `reg` were not NULL, which only the check sees.
pub(crate) fn assuming_not_null<T>(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    check: impl FnOnce(&mut Cx<'_>, &mut State) -> Check<T>,
) -> Check<T> {
    let saved = *state.reg(reg);
    if !saved.ty.may_be_null() {
        return check(cx, state);
    }
    crate::scalar::mark_not_null(cx, state.reg_mut(reg));
    let checked = check(cx, state);
    *state.reg_mut(reg) = saved;
    checked
}

/// The number that the key `reg` points to is known to be, which then matters (`get_constant_map_key`).
pub(crate) fn constant_key(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    size: u32,
) -> Check<Option<i64>> {
    let key = *state.reg(reg);
    let Some(variable) = key.num.bits.as_constant() else { return Ok(None) };
    if !cx.program.is_bpf_capable() || key.ty != RegType::of(RegKind::Stack) {
        return Ok(None);
    }
    #[expect(clippy::cast_possible_truncation, reason = "offsets into the stack are small")]
    let offset = key.off.wrapping_add(variable as i32);
    let Some((slot, byte)) = slot_of(offset) else { return Ok(None) };
    let Some(stored) = state.frame_of(&key).stack.get(slot).copied() else { return Ok(None) };
    let of_kind = |kind| stored.kinds[..=byte].iter().rev().take_while(|&&k| k == kind).count();
    let size = size as usize;
    if of_kind(SlotKind::Zero) >= size {
        return Ok(Some(0));
    }
    if !stored.is_spilled_scalar() || of_kind(SlotKind::Spill) != size {
        return Ok(None);
    }
    let Some(value) = stored.spilled.as_constant() else { return Ok(None) };
    explore::mark_precise_slot(cx, state, key.frame, slot)?;
    Ok(Some(value.cast_signed()))
}
