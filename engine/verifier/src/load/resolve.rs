//! A look at every instruction before any is followed, and the maps they load.

use btf::{Kind, TypeId};
use isa::{DecodeError, Imm64, Insn, LoadImm, Pc, Stage};
use kernel_model::DirectValue;

use crate::cx::{Check, Cx, reject};
use crate::memory::{FieldKind, FieldRecord};
use crate::program::{MapFacts, MapId, Program};

/// How many maps a program may use (`MAX_USED_MAPS`).
const MOST_MAPS: usize = 64;

/// `BPF_LD | BPF_IMM | BPF_DW`.
const LOAD_IMM64: u8 = 0x18;

/// The value of `enum bpf_map_type` for `struct_ops`.
const STRUCT_OPS: u32 = 26;

/// Programs that observe the kernel anywhere (`is_tracing_prog_type`).
const TRACING: [&str; 5] =
    ["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable"];

/// Opcodes and reserved fields that every slot must have right, and what loads of addresses name
/// (`resolve_pseudo_ldimm64`).
pub(super) fn check(cx: &mut Cx<'_>) -> Check {
    let program = cx.program;
    let mut errors = program
        .undecoded
        .iter()
        .filter(|error| error.stage() == Stage::Load && !is_second_slot(program, error.pc));
    let mut next_error: Option<&DecodeError> = errors.next();
    let mut used = Vec::new();
    for (pc, insn) in program.code.iter() {
        if let Some(error) = next_error.filter(|error| error.pc < pc) {
            cx.pc = error.pc;
            reject!(EINVAL, "{}", error.kernel_message());
        }
        if next_error.is_some_and(|error| error.pc == pc) {
            next_error = errors.next();
        }
        super::gates::insn(cx, insn, Stage::Load)?;
        if let Insn::LoadImm(load) = insn {
            cx.pc = pc;
            check_load(cx, pc, load, &mut used)?;
        }
    }
    match next_error {
        Some(error) => {
            cx.pc = error.pc;
            reject!(EINVAL, "{}", error.kernel_message())
        }
        None => Ok(()),
    }
}

/// The slot belongs to the load of 64 bits in front of it, in which something else is wrong that is looked at later.
fn is_second_slot(program: &Program<'_>, pc: Pc) -> bool {
    let Some(first) = pc.0.checked_sub(1).map(Pc) else { return false };
    let is_load = program.raw.get(first.index()).is_some_and(|slot| slot.opcode == LOAD_IMM64);
    let fails = |error: &&DecodeError| error.pc == first && error.stage() == Stage::Step;
    is_load && program.undecoded.iter().any(|error| fails(&error))
}

fn check_load(cx: &Cx<'_>, pc: Pc, load: &LoadImm, used: &mut Vec<MapId>) -> Check {
    let program = cx.program;
    match load.value {
        Imm64::Value(_) | Imm64::Func(_) => Ok(()),
        Imm64::BtfId { id, module } => {
            if module.0 != 0 {
                reject!(EINVAL, "invalid module BTF object FD specified.");
            }
            check_variable(cx, TypeId(id.0.cast_unsigned()))
        }
        Imm64::MapFd(fd) => {
            use_map(cx, pc, fd.0, used)?;
            Ok(())
        }
        Imm64::MapValue { map, offset } => {
            let id = use_map(cx, pc, map.0, used)?;
            program.map(id).map_or(Ok(()), |facts| check_direct(facts, offset))
        }
        Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => {
            reject!(EPROTO, "fd_idx without fd_array is invalid")
        }
    }
}

/// The map that the instruction loads is one that the program may use (`add_used_map`).
fn use_map(cx: &Cx<'_>, pc: Pc, fd: i32, used: &mut Vec<MapId>) -> Check<MapId> {
    let program = cx.program;
    let references = &program.linked_program.map_references;
    let reference = references.iter().find(|reference| reference.insn == pc.index());
    let index = reference.and_then(|reference| u32::try_from(reference.map.0).ok());
    let Some(id) = index.map(|index| MapId { index, inner: false }) else {
        reject!(EBADF, "fd {fd} is not pointing to valid bpf_map");
    };
    if used.contains(&id) {
        return Ok(id);
    }
    if used.len() >= MOST_MAPS {
        reject!(E2BIG, "The total number of maps per program has reached the limit of {MOST_MAPS}");
    }
    if let Some(facts) = program.map(id) {
        check_compatibility(program, facts, used)?;
    }
    used.push(id);
    Ok(id)
}

fn has(record: &FieldRecord, is: impl Fn(&FieldKind) -> bool) -> bool {
    record.fields.iter().any(|field| is(&field.kind))
}

/// The map is one for such programs (`check_map_prog_compatibility`).
fn check_compatibility(program: &Program<'_>, facts: &MapFacts<'_>, used: &[MapId]) -> Check {
    let record = &facts.record;
    let type_name = program.type_name();
    let is_tracing = TRACING.contains(&type_name);
    if is_tracing
        && has(record, |kind| matches!(kind, FieldKind::ListHead(_) | FieldKind::RbRoot(_)))
    {
        reject!(EINVAL, "tracing progs cannot use bpf_{{list_head,rb_root}} yet");
    }
    if has(record, |kind| matches!(kind, FieldKind::SpinLock | FieldKind::ResSpinLock)) {
        if type_name == "socket_filter" {
            reject!(EINVAL, "socket filter progs cannot use bpf_spin_lock yet");
        }
        if is_tracing {
            reject!(EINVAL, "tracing progs cannot use bpf_spin_lock yet");
        }
    }
    if is_tracing && has(record, |kind| matches!(kind, FieldKind::Timer)) {
        reject!(EINVAL, "tracing progs cannot use bpf_timer yet");
    }
    if is_tracing && has(record, |kind| matches!(kind, FieldKind::Workqueue)) {
        reject!(EINVAL, "tracing progs cannot use bpf_wq yet");
    }
    if facts.map.definition.map_type == STRUCT_OPS {
        reject!(EINVAL, "bpf_struct_ops map cannot be used in prog");
    }
    if program.sleepable && facts.ty.is_some_and(|ty| !ty.sleepable) {
        reject!(
            EINVAL,
            "Sleepable programs can only use array, hash, ringbuf and local storage maps"
        );
    }
    let name = facts.ty.map_or("", |ty| ty.name);
    let is_used = used.iter().filter_map(|&id| program.map(id)?.ty).any(|ty| ty.name == name);
    if is_used && matches!(name, "cgroup_storage" | "percpu_cgroup_storage") {
        reject!(EBUSY, "only one cgroup storage of each type is allowed");
    }
    if name == "arena" {
        if is_used {
            reject!(EBUSY, "Only one arena per program");
        }
        if !program.is_bpf_capable() || !program.allows_ptr_leaks() {
            reject!(EPERM, "CAP_BPF and CAP_PERFMON are required to use arena");
        }
    }
    Ok(())
}

/// An instruction may load the address of this byte of the map's value (`map_direct_value_addr`).
fn check_direct(facts: &MapFacts<'_>, offset: u32) -> Check {
    let definition = &facts.map.definition;
    let direct = facts.ty.map_or(DirectValue::Never, |ty| ty.direct_value);
    let size = definition.value_size;
    let is_arena = facts.ty.is_some_and(|ty| ty.name == "arena");
    if direct == DirectValue::Never {
        reject!(EINVAL, "no direct value access support for this map type");
    }
    if is_arena {
        let bytes = u64::from(definition.max_entries) * 4096;
        if u64::from(offset) > bytes {
            reject!(ERANGE, "invalid access to map value pointer, value_size={size} off={offset}");
        }
        return Ok(());
    }
    if direct == DirectValue::Single && definition.max_entries != 1 {
        reject!(ENOTSUPP, "invalid access to map value pointer, value_size={size} off={offset}");
    }
    if offset >= size {
        reject!(EINVAL, "invalid access to map value pointer, value_size={size} off={offset}");
    }
    Ok(())
}

/// The variable or function of the kernel whose address is loaded exists (`check_pseudo_btf_id`).
fn check_variable(cx: &Cx<'_>, id: TypeId) -> Check {
    let kernel = cx.program.kernel;
    let number = id.0.cast_signed();
    let Some(ty) = kernel.get(id) else {
        reject!(ENOENT, "ldimm64 insn specifies invalid btf_id {number}.");
    };
    if !matches!(ty.kind(), Kind::Var | Kind::Func) {
        reject!(EINVAL, "pseudo btf_id {number} in ldimm64 isn't KIND_VAR or KIND_FUNC");
    }
    if ty.kind() == Kind::Var && !cx.program.options.lists_variables {
        let name = ty.name();
        reject!(ENOENT, "ldimm64 failed to find the address for kernel symbol '{name}'.");
    }
    let resolved = ty.target().and_then(|target| kernel.resolve(target));
    if ty.kind() == Kind::Var
        && let Some(resolved) = resolved
        && !resolved.kind().is_composite()
        && kernel.size_of(resolved.id()).is_err()
    {
        let name = resolved.name();
        reject!(EINVAL, "ldimm64 unable to resolve the size of type '{name}': -22");
    }
    Ok(())
}
