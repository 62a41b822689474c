//! The answer to a relocation, from an access to a type of the object and one to a type of the kernel.

use btf::{Btf, Endian, Kind, Type, TypeId};

use super::access::{Access, Step};
use super::{CoreKind, Outcome};
use crate::CoreProblem;

/// What is known of one side.
#[derive(Clone, Copy)]
struct Answer<'b> {
    value: u64,
    check: bool,
    /// The type and size of the member that a load or store reads; none for bitfields.
    whole: Option<(Type<'b>, u32)>,
}

/// Compares both sides (`bpf_core_calc_relo`). `None` for the kernel means that no type fits.
pub(super) fn outcome(
    local: &Btf<'_>,
    access: &Access,
    kernel: Option<(&Btf<'_>, &Access)>,
) -> Result<Outcome, CoreProblem> {
    let Some(old) = answer(access.kind, Some((local, access)))? else {
        return Ok(Outcome { poison: true, ..Outcome::none() });
    };
    let before = Outcome { check: old.check, old: old.value, ..Outcome::none() };
    let Some(new) = answer(access.kind, kernel)? else {
        return Ok(Outcome { poison: true, ..before });
    };
    let sizes = (old.whole.map_or(0, |(_, size)| size), new.whole.map_or(0, |(_, size)| size));
    // Only what is extended with zeros reads the same at another size.
    let extended =
        |ty: Type<'_>| ty.int().is_some_and(|int| !(int.signed && !int.char && !int.bool));
    let pointer = |ty: Type<'_>| ty.kind() == Kind::Ptr;
    let resizable = match (old.whole, new.whole) {
        (Some((a, _)), Some((b, _))) => pointer(a) && pointer(b) || extended(a) && extended(b),
        _ => false,
    };
    Ok(Outcome {
        new: new.value,
        old_size: sizes.0,
        new_size: sizes.1,
        resize_fails: sizes.0 != sizes.1 && !resizable,
        ..before
    })
}

/// The answer of one side; `None` if there is none and the instruction is to be poisoned.
fn answer<'b>(
    kind: CoreKind,
    side: Option<(&'b Btf<'b>, &Access)>,
) -> Result<Option<Answer<'b>>, CoreProblem> {
    let plain = |value| Ok(Some(Answer { value, check: true, whole: None }));
    match (kind, side) {
        (CoreKind::FieldExists | CoreKind::EnumeratorExists, side) => {
            plain(u64::from(side.is_some()))
        }
        (_, None) if kind.is_type() => plain(0),
        (_, None) => Ok(None),
        (CoreKind::TypeIdTarget, Some((_, access))) => {
            Ok(Some(Answer { value: access.root.0.into(), check: false, whole: None }))
        }
        (CoreKind::TypeExists | CoreKind::TypeMatches, Some(_)) => plain(1),
        (CoreKind::TypeSize, Some((btf, access))) => plain(size_of(btf, access.root)?),
        (CoreKind::TypeIdLocal, Some((_, access))) => plain(access.root.0.into()),
        (CoreKind::EnumeratorValue, Some((btf, access))) => {
            let step = access.steps.first().ok_or(CoreProblem::Malformed)?;
            let ty = btf.get(step.ty).ok_or(CoreProblem::Malformed)?;
            let one = ty.enumerators().get(step.index as usize);
            plain(one.ok_or(CoreProblem::Malformed)?.extended())
        }
        (
            CoreKind::FieldOffset
            | CoreKind::FieldSize
            | CoreKind::FieldSigned
            | CoreKind::FieldLeftShift
            | CoreKind::FieldRightShift,
            Some((btf, access)),
        ) => {
            let step = access.steps.last().ok_or(CoreProblem::Malformed)?;
            if step.named {
                member(kind, btf, access, *step)
            } else {
                element(kind, btf, access, *step)
            }
            .map(Some)
        }
    }
}

/// Of an element of an array, or of the type itself.
fn element<'b>(
    kind: CoreKind,
    btf: &'b Btf<'b>,
    access: &Access,
    step: Step,
) -> Result<Answer<'b>, CoreProblem> {
    let check = true;
    match kind {
        CoreKind::FieldOffset => {
            let whole = Some((of(btf, step.ty)?, scalar_size(btf, step.ty)?));
            Ok(Answer { value: access.bit_offset / 8, check, whole })
        }
        CoreKind::FieldSize => Ok(Answer { value: size_of(btf, step.ty)?, check, whole: None }),
        _ => Err(CoreProblem::ArrayElement),
    }
}

/// Of a member (`bpf_core_calc_field_relo`).
fn member<'b>(
    kind: CoreKind,
    btf: &'b Btf<'b>,
    access: &Access,
    step: Step,
) -> Result<Answer<'b>, CoreProblem> {
    let member = of(btf, step.ty)?.members().get(step.index as usize);
    let member = member.ok_or(CoreProblem::Malformed)?;
    let ty = btf.resolve(member.ty).ok_or(CoreProblem::Malformed)?;
    let offset = access.bit_offset;
    let bitfield = member.bitfield > 0;
    let (byte_offset, bytes, bits) = if bitfield {
        let bits = u64::from(member.bitfield);
        let (byte_offset, bytes) = load_of_bits(offset, bits, ty.size().unwrap_or_default())?;
        (byte_offset, bytes, bits)
    } else {
        let bytes = size_of(btf, ty.id())?;
        (offset / 8, bytes, bytes * 8)
    };
    let within = offset.wrapping_sub(byte_offset * 8);
    let answer = |value, check| Ok(Answer { value, check, whole: None });
    match kind {
        CoreKind::FieldOffset => {
            let whole = if bitfield { None } else { Some((ty, scalar_size(btf, ty.id())?)) };
            Ok(Answer { value: byte_offset, check: !bitfield, whole })
        }
        CoreKind::FieldSize => answer(bytes, !bitfield),
        CoreKind::FieldSigned => {
            let signed = ty.kind().is_enum() && ty.flag() || ty.int().is_some_and(|int| int.signed);
            answer(u64::from(signed), true)
        }
        CoreKind::FieldLeftShift => {
            let shift = match btf.endian() {
                Endian::Little => 64u64.wrapping_sub(within.wrapping_add(bits)),
                Endian::Big => 8u64.wrapping_sub(bytes).wrapping_mul(8).wrapping_add(within),
            };
            answer(shift, !bitfield)
        }
        CoreKind::FieldRightShift => answer(64u64.wrapping_sub(bits), true),
        CoreKind::FieldExists
        | CoreKind::TypeIdLocal
        | CoreKind::TypeIdTarget
        | CoreKind::TypeExists
        | CoreKind::TypeSize
        | CoreKind::EnumeratorExists
        | CoreKind::EnumeratorValue
        | CoreKind::TypeMatches => Err(CoreProblem::Kind),
    }
}

/// The smallest aligned load that has all bits of a bitfield: its offset and size in bytes.
fn load_of_bits(offset: u64, bits: u64, size: u32) -> Result<(u64, u64), CoreProblem> {
    let mut bytes = u64::from(size);
    loop {
        let aligned = (offset / 8).checked_div(bytes).ok_or(CoreProblem::Malformed)? * bytes;
        let end = offset.checked_add(bits).ok_or(CoreProblem::Malformed)?;
        if end - aligned * 8 <= bytes * 8 {
            return Ok((aligned, bytes));
        }
        if bytes >= 8 {
            return Err(CoreProblem::Bitfield);
        }
        bytes *= 2;
    }
}

/// The size of the elements at the bottom of an array, or of the type itself.
fn scalar_size(btf: &Btf<'_>, id: TypeId) -> Result<u32, CoreProblem> {
    let mut ty = btf.resolve(id).ok_or(CoreProblem::Malformed)?;
    for _ in 0..64 {
        let Some(array) = ty.array() else {
            return u32::try_from(size_of(btf, ty.id())?).map_err(|_| CoreProblem::Malformed);
        };
        ty = btf.resolve(array.element).ok_or(CoreProblem::Malformed)?;
    }
    Err(CoreProblem::TooDeep)
}

fn size_of(btf: &Btf<'_>, id: TypeId) -> Result<u64, CoreProblem> {
    btf.size_of(id).map_err(|_| CoreProblem::Malformed)
}

fn of<'b>(btf: &'b Btf<'b>, id: TypeId) -> Result<Type<'b>, CoreProblem> {
    btf.get(id).ok_or(CoreProblem::Malformed)
}
