//! Timers, work queues and task work: fields of map values that calls are given.

use isa::Reg;

use super::meta::Meta;
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, FieldKind, FieldRecord};
use crate::program::MapId;
use crate::state::{self, Detail, State};

/// A map, and the lookup that an inner map comes from; 0 if none (`map_ptr`, `map_uid`).
pub(crate) type MapOfCall = (MapId, u32);

/// A timer in a map value; its map (`process_timer_func`).
pub(crate) fn timer(cx: &mut Cx<'_>, state: &State, reg: Reg) -> Check<MapOfCall> {
    in_map_value(cx, reg, state.reg(reg), FieldKind::Timer)
}

/// A work queue in a map value; its map (`process_wq_func`).
pub(super) fn workqueue(
    cx: &Cx<'_>,
    number: Reg,
    reg: &state::Reg,
    meta: &Meta,
) -> Check<MapOfCall> {
    let map = in_map_value(cx, number, reg, FieldKind::Workqueue)?;
    if meta.map.is_some() {
        reject!(EFAULT, "verifier bug: Two map pointers in a bpf_wq helper");
    }
    Ok(map)
}

/// A task work in a map value; its map (`process_task_work_func`).
pub(super) fn task_work(
    cx: &mut Cx<'_>,
    number: Reg,
    reg: &state::Reg,
    meta: &Meta,
) -> Check<MapOfCall> {
    let map = in_map_value(cx, number, reg, FieldKind::TaskWork)?;
    if meta.map.is_some() {
        reject!(EFAULT, "verifier bug: Two map pointers in a bpf_task_work helper");
    }
    Ok(map)
}

/// A map argument, which must be that of the work queue or task work in front of it
/// (`KF_ARG_PTR_TO_MAP` of `check_kfunc_args`).
pub(super) fn map(cx: &Cx<'_>, number: Reg, reg: &state::Reg, meta: &mut Meta) -> Check {
    let given = match reg.detail {
        Detail::Map { map, uid } => Some((map, uid)),
        // Other details share their place with the map in the kernel, so that the type is what is refused.
        Detail::None
        | Detail::Range(0)
        | Detail::Subprog(0)
        | Detail::Mem { size: 0, dynptr: 0 } => {
            reject!(EINVAL, "pointer in R{} isn't map pointer", number.number())
        }
        _ => None,
    };
    let Some(given) = given else {
        return if meta.map.is_some() { cx.unsupported("a map that is none") } else { Ok(()) };
    };
    let record = cx.program.record(given.0);
    let has_task_work = offset_of(record, FieldKind::TaskWork).is_some();
    let matters = has_task_work || offset_of(record, FieldKind::Workqueue).is_some();
    if let Some(before) = meta.map.filter(|_| matters)
        && before != given
    {
        let (one, other) = (before.1, given.1);
        if has_task_work {
            reject!(
                EINVAL,
                "bpf_task_work pointer in R2 map_uid={one} doesn't match map pointer in R3 map_uid={other}"
            );
        }
        reject!(
            EINVAL,
            "workqueue pointer in R1 map_uid={one} doesn't match map pointer in R2 map_uid={other}"
        );
    }
    meta.map = Some(given);
    Ok(())
}

/// The register points to that field of a map value (`check_map_field_pointer`).
fn in_map_value(cx: &Cx<'_>, number: Reg, reg: &state::Reg, kind: FieldKind) -> Check<MapOfCall> {
    let name = match kind {
        FieldKind::Timer => "bpf_timer",
        FieldKind::Workqueue => "bpf_wq",
        _ => "bpf_task_work",
    };
    if reg.num.bits.as_constant().is_none() {
        reject!(
            EINVAL,
            "R{} doesn't have constant offset. {name} has to be at the constant offset",
            number.number()
        );
    }
    let map = map_of(cx, reg)?;
    let map_name = || kernel_name(cx, map.0);
    if !has_btf(cx, map.0) {
        reject!(EINVAL, "map '{}' has to have BTF in order to use {name}", map_name());
    }
    let Some(there) = offset_of(memory::record_of(cx.program, reg), kind) else {
        reject!(EINVAL, "map '{}' has no valid {name}", map_name());
    };
    let offset = offset_in(reg);
    if offset != i64::from(there) {
        reject!(EINVAL, "off {offset} doesn't point to 'struct {name}' that is at {there}");
    }
    Ok(map)
}

fn map_of(cx: &Cx<'_>, reg: &state::Reg) -> Check<MapOfCall> {
    match reg.detail {
        Detail::Map { map, uid } => Ok((map, uid)),
        _ => cx.unsupported("a field of a map value that is none"),
    }
}

/// The map was created with the types of its keys and values (`map->btf`).
pub(crate) fn has_btf(cx: &Cx<'_>, map: MapId) -> bool {
    let definition = cx.program.map(map).map(|facts| facts.definition(map.inner));
    let is_typed = definition.is_some_and(|definition| {
        definition.value_type != btf::TypeId::VOID || definition.key_type != btf::TypeId::VOID
    });
    is_typed && cx.program.record(map).is_none_or(|record| record.error.is_none())
}

/// The name of a map as the kernel has it. Maps that only stand for what another map holds have none.
pub(crate) fn kernel_name(cx: &Cx<'_>, map: MapId) -> String {
    let facts = cx.program.map(map).filter(|_| !map.inner);
    facts.map_or_else(String::new, |facts| facts.map.kernel_name(&cx.program.options.file))
}

/// Where a field of this kind is.
pub(crate) fn offset_of(record: Option<&FieldRecord>, kind: FieldKind) -> Option<u32> {
    let fields = record?.fields.iter();
    fields.into_iter().find(|field| field.kind == kind).map(|field| field.offset)
}

/// The offset of a pointer, with what is not known of it taken as 0.
pub(crate) fn offset_in(reg: &state::Reg) -> i64 {
    i64::from(reg.off).wrapping_add(reg.num.bits.value().cast_signed())
}
