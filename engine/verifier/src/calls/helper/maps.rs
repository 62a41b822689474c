//! Maps as arguments of helpers.

use isa::Reg;
use kernel_model::{Arg, ArgBase, AttachType, TypeFlags};

use super::{HelperCall, argument};
use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::memory::{self, Access};
use crate::program::{MapFacts, MapId};
use crate::state::{Detail, State};

/// `BPF_F_RDONLY_PROG`.
const READ_ONLY_FOR_PROGRAMS: u32 = 1 << 7;

/// `BPF_F_INNER_MAP`.
const OF_ANY_LENGTH: u32 = 1 << 12;

/// The map was created with types.
pub(super) fn has_types(cx: &Cx<'_>, map: MapId) -> bool {
    let definition = cx.program.map(map).map(|facts| facts.definition(map.inner));
    let is_typed = definition.is_some_and(|definition| definition.value_type != btf::TypeId::VOID);
    is_typed && cx.program.record(map).is_none_or(|record| record.error.is_none())
}

/// The kernel's name of the type of a map: `hash`.
pub(super) fn type_of(cx: &Cx<'_>, map: MapId) -> Option<&'static kernel_model::MapType> {
    let facts = cx.program.map(map)?;
    if map.inner { kernel_model::map_type_by_id(facts.definition(true).map_type) } else { facts.ty }
}

/// It is an array that always has a value at a key in its range (`can_elide_value_nullness`). Some arrays in maps only
/// stand for others with fewer entries.
pub(super) fn always_has_value(cx: &Cx<'_>, map: MapId) -> bool {
    let flags = cx.program.map(map).map_or(0, |facts| facts.definition(map.inner).flags);
    if flags & OF_ANY_LENGTH != 0 {
        return false;
    }
    type_of(cx, map).is_some_and(|ty| ["array", "percpu_array"].contains(&ty.name))
}

fn facts<'c>(cx: &'c Cx<'_>, call: &HelperCall) -> Check<(&'c MapFacts<'c>, MapId)> {
    match call.map.and_then(|(map, _)| Some((cx.program.map(map)?, map))) {
        Some(found) => Ok(found),
        None => cx.unsupported(format!("{} without a map", call.name())),
    }
}

/// A value that is an argument: sockets and filters take something else (`resolve_map_arg_type`).
pub(super) fn resolve_value(cx: &Cx<'_>, call: &HelperCall, arg: Arg) -> Check<Arg> {
    let ty = call.map.and_then(|(map, _)| type_of(cx, map)).map_or("", |ty| ty.name);
    match ty {
        "sockmap" | "sockhash" if arg.flags == TypeFlags::NONE => {
            Ok(Arg { base: ArgBase::PtrToBtfIdSockCommon, ..arg })
        }
        "sockmap" | "sockhash" => reject!(EINVAL, "invalid arg_type for sockmap/sockhash"),
        "bloom_filter" if call.name() == "bpf_map_peek_elem" => {
            Ok(Arg { flags: TypeFlags::NONE, ..arg })
        }
        _ => Ok(arg),
    }
}

/// The map itself is an argument.
pub(super) fn take(cx: &Cx<'_>, state: &State, call: &mut HelperCall, reg: Reg) -> Check {
    let Detail::Map { map, uid } = state.reg(reg).detail else {
        return cx.unsupported("a map that is not known");
    };
    if let Some((other, other_uid)) = call.map
        && (other, other_uid) != (map, uid)
    {
        reject!(
            EINVAL,
            "timer pointer in R1 map_uid={other_uid} doesn't match map pointer in R2 map_uid={uid}"
        );
    }
    call.map = Some((map, uid));
    Ok(())
}

/// Memory of the size of a key.
pub(super) fn check_key(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    reg: Reg,
) -> Check {
    let (facts, map) = facts(cx, call)?;
    let size = facts.definition(map.inner).key_size;
    memory::helper_access(cx, state, reg, size, Access::Read, false, false)?;
    if always_has_value(cx, map) {
        call.const_key = argument::constant_key(cx, state, reg, size)?;
    }
    Ok(())
}

/// Memory of the size of a value.
pub(super) fn check_value(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    reg: Reg,
    arg: Arg,
) -> Check {
    if arg.flags.contains(TypeFlags::PTR_MAYBE_NULL) && state.reg(reg).is_null() {
        return Ok(());
    }
    let (facts, map) = facts(cx, call)?;
    let size = facts.definition(map.inner).value_size;
    call.raw = arg.flags.contains(TypeFlags::MEM_UNINIT);
    let access =
        if arg.flags.contains(TypeFlags::MEM_WRITE) { Access::Write } else { Access::Read };
    let raw = memory::helper_access(cx, state, reg, size, access, false, call.raw)?;
    call.raw_stack = raw.or(call.raw_stack);
    Ok(())
}

/// Notes the map at the call, and refuses changes of maps that programs may only read (`record_func_map`).
pub(super) fn record(cx: &mut Cx<'_>, call: &HelperCall) -> Check {
    const RECORDED: [&str; 10] = [
        "bpf_tail_call",
        "bpf_map_lookup_elem",
        "bpf_map_update_elem",
        "bpf_map_delete_elem",
        "bpf_map_push_elem",
        "bpf_map_pop_elem",
        "bpf_map_peek_elem",
        "bpf_for_each_map_elem",
        "bpf_redirect_map",
        "bpf_map_lookup_percpu_elem",
    ];
    const CHANGING: [&str; 4] =
        ["bpf_map_delete_elem", "bpf_map_update_elem", "bpf_map_push_elem", "bpf_map_pop_elem"];
    if !RECORDED.contains(&call.name()) {
        return Ok(());
    }
    let (facts, map) = facts(cx, call)?;
    let read_only = facts.definition(map.inner).flags & READ_ONLY_FOR_PROGRAMS != 0;
    if read_only && CHANGING.contains(&call.name()) {
        reject!(EACCES, "write into map forbidden");
    }
    if let Some(aux) = cx.aux.get_mut(call.pc.index()) {
        aux.map = match aux.map {
            None => Some(Some(map)),
            Some(Some(other)) if other == map => Some(Some(map)),
            Some(_) => Some(None),
        };
    }
    Ok(())
}

/// The place in the array that a tail call takes (`record_func_key`).
pub(super) fn record_key(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    if call.name() != "bpf_tail_call" {
        return Ok(());
    }
    let (facts, map) = facts(cx, call)?;
    if type_of(cx, map).is_none_or(|ty| ty.name != "prog_array") {
        reject!(EINVAL, "expected prog array map for tail call");
    }
    let most = u64::from(facts.definition(map.inner).max_entries);
    match state.reg(Reg::R3).as_constant() {
        Some(key) if key < most => explore::mark_precise(cx, state, Reg::R3),
        _ => Ok(()),
    }
}

/// The helper works on maps of this type (`check_map_func_compatibility`).
pub(super) fn check_compatible(cx: &Cx<'_>, call: &HelperCall) -> Check {
    let Some((map, _)) = call.map else { return Ok(()) };
    let Some(ty) = type_of(cx, map) else { return cx.unsupported("a map of an unknown type") };
    let name = call.name();
    let sockets = ["sockmap", "sockhash"].contains(&ty.name);
    let changes = ["bpf_map_update_elem", "bpf_map_delete_elem"].contains(&name);
    let accepted = if sockets && changes { may_update_sockets(cx, name) } else { ty.accepts(name) };
    if accepted {
        return Ok(());
    }
    let before = if sockets && changes { "cannot update sockmap in this context\n" } else { "" };
    reject!(EINVAL, "{before}cannot pass map_type {} into func {}", ty.id, call.title());
}

/// The program may change maps of sockets with the helpers for all maps (`may_update_sockmap`).
fn may_update_sockets(cx: &Cx<'_>, helper: &str) -> bool {
    match cx.program.type_name() {
        "tracing" => cx.program.attach == Some(AttachType::TraceIter),
        "sock_ops" => helper == "bpf_map_delete_elem",
        "socket_filter" | "sched_cls" | "sched_act" | "xdp" | "sk_reuseport" | "flow_dissector"
        | "sk_lookup" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Program;
    use crate::testing::{corpus, linked, options, types};

    #[test]
    fn arrays_of_any_length_may_have_no_value() {
        let object = corpus("maps/kinds");
        let mut linked = linked(&object);
        let outer = linked.maps.iter().position(|map| map.name == "array_of_maps");
        let outer = outer.expect("a map");
        let map = MapId { index: u32::try_from(outer).expect("a few maps"), inner: true };
        for (flags, expected) in [(0, true), (OF_ANY_LENGTH, false)] {
            let inner = linked.maps[outer].inner.as_mut().expect("a map of maps");
            // An array.
            inner.map_type = 2;
            inner.flags |= flags;
            let program = Program::new(&linked, &linked.programs[0], types(), options());
            assert_eq!(always_has_value(&Cx::new(&program), map), expected);
        }
    }
}
