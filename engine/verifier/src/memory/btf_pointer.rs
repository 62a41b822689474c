//! Pointers to structures that BTF describes: of the kernel, of the program, and maps.

use btf::{Btf, Kind, TypeId};
use kernel_model::TypeFlags;

use super::region::bits;
use super::walk::{self, Found, Nothing, skip_modifiers};
use super::{Access, FieldRecord, Request, set_unknown, writes};
use crate::calls::kfunc::types::{TRUSTED_FLAGS, is_rcu};
use crate::cx::{Check, Cx, Reject, Stop, reject};
use crate::scalar::is_trusted;
use crate::state::{Detail, Reg, RegKind, RegType, State};

impl From<Nothing> for Stop {
    fn from(nothing: Nothing) -> Self {
        Self::Reject(Box::new(Reject { errno: nothing.errno, message: nothing.said }))
    }
}

/// An access to a structure (`check_ptr_to_btf_access`).
pub(super) fn access(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let Detail::Btf { id, own } = request.pointer.detail else {
        return cx.unsupported("a pointer to a structure that is not known");
    };
    let Some(btf) = cx.program.btf_of(own) else {
        return cx.unsupported("a structure of the program without its types");
    };
    let name = btf.get(id).map_or("", |ty| ty.name());
    check_pointer(cx, request, name, own)?;
    let pointer = &request.pointer;
    let offset = request.offset.cast_unsigned();
    let allocated = pointer.ty.has(TypeFlags::MEM_ALLOC);
    if request.access == Access::Write && !allocated && writes::has_rules(cx.program) {
        return writes::check(cx, id, request.offset, request.size);
    }
    if request.access == Access::Write && !allocated {
        reject!(EACCES, "only read is supported");
    }
    let held = pointer.ref_obj_id != 0 || pointer.ty.flags.0 & (NON_OWNING.0) != 0;
    if allocated && !held {
        reject!(EFAULT, "verifier bug: ref_obj_id for allocated object must be non-zero");
    }
    if allocated && let Some(record) = cx.program.records.of(id).filter(|_| own) {
        check_fields(record, offset, request.size)?;
    }
    let found = walk::access(btf, id, offset, request.size)?;
    let (Access::Read, Some(value)) = (request.access, request.value) else { return Ok(()) };
    match found {
        Found::Pointer { id: target, flags, field } if !allocated => {
            let flags = trust(cx, state, pointer, (btf, id), (field, target), flags);
            let loaded = pointer_to(cx, target, own, flags);
            *state.reg_mut(value) = loaded;
        }
        Found::Other if knows_memory(cx) => *state.reg_mut(value) = memory(),
        Found::Other | Found::Pointer { .. } | Found::Scalar | Found::Struct(_) => {
            set_unknown(cx, state, value);
        }
    }
    Ok(())
}

/// Pointers that are allocated by the program but not owned.
const NON_OWNING: TypeFlags = TypeFlags::NON_OWN_REF.union(TypeFlags::MEM_RCU);

fn check_pointer(cx: &Cx<'_>, request: &Request, name: &str, own: bool) -> Check {
    let Request { reg, pointer, offset, .. } = request;
    let number = reg.number();
    if !cx.program.allows_ptr_leaks() {
        reject!(EPERM, "'struct {name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN");
    }
    if !cx.program.gpl && !own {
        reject!(EINVAL, "Cannot access kernel 'struct {name}' from non-GPL compatible program");
    }
    if *offset < 0 {
        reject!(EACCES, "R{number} is ptr_{name} invalid negative access: off={offset}");
    }
    if pointer.num.bits.as_constant() != Some(0) {
        reject!(
            EACCES,
            "R{number} is ptr_{name} invalid variable offset: off={offset}, var_off={}",
            bits(pointer)
        );
    }
    if pointer.ty.has(TypeFlags::MEM_USER) {
        reject!(EACCES, "R{number} is ptr_{name} access user memory: off={offset}");
    }
    if pointer.ty.has(TypeFlags::MEM_PERCPU) {
        reject!(EACCES, "R{number} is ptr_{name} access percpu memory: off={offset}");
    }
    Ok(())
}

/// Special fields of objects of the program are for calls only (part of `btf_struct_access` of kernel/bpf/btf.c).
fn check_fields(record: &FieldRecord, offset: u32, size: u32) -> Check {
    for field in &record.fields {
        if offset < field.offset + field.size && field.offset < offset.saturating_add(size) {
            reject!(EACCES, "direct access to {} is disallowed", field.kind.name());
        }
    }
    Ok(())
}

/// How far a pointer is to be trusted that was loaded through another one.
fn trust(
    cx: &Cx<'_>,
    state: &State,
    parent: &Reg,
    (btf, id): (&Btf<'_>, TypeId),
    (field, target): (&str, TypeId),
    flags: TypeFlags,
) -> TypeFlags {
    let has = |flag| flags.contains(flag);
    if parent.ty.has(TypeFlags::PTR_UNTRUSTED) {
        return TypeFlags::PTR_UNTRUSTED;
    }
    let untrusting = TypeFlags(flags.0 & !(TRUSTED_FLAGS.0 | TypeFlags::MEM_RCU.0));
    if !is_trusted(parent) && !is_rcu(parent) {
        return untrusting;
    }
    let listed = |suffix| is_listed(btf, id, field, target, suffix);
    if listed("__safe_trusted") {
        return flags.union(TypeFlags::PTR_TRUSTED);
    }
    if listed("__safe_trusted_or_null") {
        return flags.union(TypeFlags::PTR_TRUSTED).union(TypeFlags::PTR_MAYBE_NULL);
    }
    if !super::in_rcu_section(cx, state) || parent.ty.may_be_null() {
        return TypeFlags::PTR_UNTRUSTED;
    }
    if listed("__safe_rcu") {
        return flags.union(TypeFlags::MEM_RCU);
    }
    let or_null = listed("__safe_rcu_or_null");
    if has(TypeFlags::MEM_RCU) || or_null {
        let flags = flags.union(TypeFlags::MEM_RCU).union(TypeFlags::PTR_MAYBE_NULL);
        return if or_null { TypeFlags(flags.0 & !TypeFlags::PTR_UNTRUSTED.0) } else { flags };
    }
    if flags.0 & (TypeFlags::MEM_PERCPU.0 | TypeFlags::MEM_USER.0) != 0 {
        return flags;
    }
    untrusting
}

/// The field is in a list of the kernel, which is a structure named after the one it is in
/// (`btf_nested_type_is_trusted` of kernel/bpf/btf.c).
fn is_listed(btf: &Btf<'_>, id: TypeId, field: &str, target: TypeId, suffix: &str) -> bool {
    let Some(parent) = btf.get(id) else { return false };
    let name = format!("{}{suffix}", parent.name());
    if name.len() >= 64 {
        return false;
    }
    let Some(list) = btf.find(&name, parent.kind()) else { return false };
    list.members().iter().any(|member| {
        let ty = btf.get(member.ty).filter(|ty| ty.kind() == Kind::Ptr);
        let pointee = ty.and_then(|ty| skip_modifiers(btf, ty.target()?));
        pointee.is_some_and(|ty| ty.id() == target) && member.is_named(field)
    })
}

/// A pointer to a structure that was loaded (`mark_btf_ld_reg`).
fn pointer_to(cx: &mut Cx<'_>, id: TypeId, own: bool, flags: TypeFlags) -> Reg {
    let identity = if flags.contains(TypeFlags::PTR_MAYBE_NULL) { cx.new_id() } else { 0 };
    let ty = RegType::with(RegKind::BtfId, flags);
    Reg { id: identity, ..Reg::pointer(ty).with(Detail::Btf { id, own }) }
}

/// The kernel lets programs read what pointers to anything but structures point to; to older ones they are numbers.
fn knows_memory(cx: &Cx<'_>) -> bool {
    !cx.program.lacks("rdonly_cast_to_memory")
}

/// Memory behind a pointer to something that is no structure: it can be read at the cost of faults that are caught.
fn memory() -> Reg {
    let flags = TypeFlags::MEM_RDONLY.union(TypeFlags::PTR_UNTRUSTED);
    let ty = RegType::with(RegKind::Mem, flags);
    Reg::pointer(ty).with(Detail::Mem { size: 0, dynptr: 0 })
}

/// A load from the kernel's structure for a map (`check_ptr_to_map_access`).
pub(super) fn map(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let ty = request.pointer.map().and_then(|map| {
        let facts = cx.program.map(map)?;
        kernel_model::map_type_by_id(facts.definition(map.inner).map_type)
    });
    let btf = cx.program.kernel;
    let structure = ty.and_then(|ty| btf.find(map_structure(ty.name)?, Kind::Struct));
    let Some(structure) = structure else {
        return cx.unsupported("the kernel's structure for a map");
    };
    let (name, number) = (structure.name(), request.reg.number());
    if !cx.program.allows_ptr_leaks() {
        reject!(EPERM, "'struct {name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN");
    }
    if request.offset < 0 {
        reject!(EACCES, "R{number} is {name} invalid negative access: off={}", request.offset);
    }
    if request.access == Access::Write {
        reject!(EACCES, "only read from {name} is supported");
    }
    let offset = request.offset.cast_unsigned();
    let found = walk::access(btf, structure.id(), offset, request.size)?;
    let Some(value) = request.value else { return Ok(()) };
    match found {
        Found::Pointer { id, flags, .. } => {
            *state.reg_mut(value) = pointer_to(cx, id, false, flags);
        }
        Found::Other if knows_memory(cx) => *state.reg_mut(value) = memory(),
        Found::Other | Found::Scalar | Found::Struct(_) => set_unknown(cx, state, value),
    }
    Ok(())
}

/// The kernel's structure for maps of a type (`map_btf_id` of its operations).
fn map_structure(ty: &str) -> Option<&'static str> {
    Some(match ty {
        "array" | "percpu_array" | "prog_array" | "perf_event_array" | "cgroup_array"
        | "array_of_maps" => "bpf_array",
        "hash" | "percpu_hash" | "lru_hash" | "lru_percpu_hash" | "hash_of_maps" => "bpf_htab",
        "lpm_trie" => "lpm_trie",
        "stack_trace" => "bpf_stack_map",
        "devmap" | "devmap_hash" => "bpf_dtab",
        "sockmap" => "bpf_stab",
        "sockhash" => "bpf_shtab",
        "cpumap" => "bpf_cpu_map",
        "xskmap" => "xsk_map",
        "cgroup_storage" | "percpu_cgroup_storage" => "bpf_cgroup_storage_map",
        "reuseport_sockarray" => "reuseport_array",
        "queue" | "stack" => "bpf_queue_stack",
        "sk_storage" | "inode_storage" | "task_storage" | "cgrp_storage" => "bpf_local_storage_map",
        "struct_ops" => "bpf_struct_ops_map",
        "ringbuf" | "user_ringbuf" => "bpf_ringbuf_map",
        "bloom_filter" => "bpf_bloom_filter",
        "arena" => "bpf_arena",
        _ => return None,
    })
}
