//! Values and keys of maps, with their special fields and what is known of their content.

use isa::{Insn, Reg as Name};
use kernel_model::TypeFlags;

use super::region::{self, Span};
use super::{Access, FieldKind, FieldRecord, Pointee, Request, SpecialField, set_unknown};
use crate::cx::{Check, Cx, Stop, reject};
use crate::program::{MapFacts, MapId, Program};
use crate::scalar::Bounds;
use crate::state::{Detail, Reg, RegKind, RegType, State};

/// `BPF_F_RDONLY_PROG`
const READ_ONLY: u32 = 1 << 7;
/// `BPF_F_WRONLY_PROG`
const WRITE_ONLY: u32 = 1 << 8;

/// An access to the key of a map in a callback.
pub(super) fn key(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    if request.access == Access::Write {
        reject!(EACCES, "write to change key R{} not allowed", request.reg.number());
    }
    let limit = definition(cx.program, &request.pointer).map_or(0, |(map, _)| map.key_size);
    region::check(request.reg, &request.pointer, request.span(limit))?;
    if let Some(value) = request.value {
        set_unknown(cx, state, value);
    }
    Ok(())
}

/// An access to the value of a map by an instruction.
pub(super) fn value(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    region::check_leak(cx, request, request.stored(state), "map")?;
    let pointer = &request.pointer;
    check_direction(cx.program, pointer, request.offset, request.length(), request.access)?;
    let Some((map, id)) = definition(cx.program, pointer) else {
        return cx.unsupported("the value of an unknown map");
    };
    region::check(request.reg, pointer, request.span(map.value_size))?;
    let known = pointer.num.bits.as_constant();
    if let Some(record) = cx.program.record(id).filter(|record| !record.fields.is_empty()) {
        check_fields(record, pointer, request.offset, request.length(), true)?;
        let at = known.map(|known| known.wrapping_add(i64::from(request.offset).cast_unsigned()));
        let field = record.fields.iter().find(|field| Some(u64::from(field.offset)) == at);
        if let Some(field) = field
            && let Some(pointee) = pointee(field.kind)
        {
            return kept_pointer(cx, state, request, field, pointee);
        }
    }
    let (Access::Read, Some(value)) = (request.access, request.value) else { return Ok(()) };
    match known.and_then(|known| constant(cx.program, id, known, request)) {
        Some(content) => {
            *state.reg_mut(value) = Reg { num: Bounds::constant(content), ..cx.unknown() };
            // The number itself does not depend on anything that would have to be exact.
            state.reg_mut(value).precise = false;
        }
        None => set_unknown(cx, state, value),
    }
    Ok(())
}

/// The numbers of the map that a pointer is about.
pub(super) fn definition<'a>(
    program: &'a Program<'_>,
    pointer: &Reg,
) -> Option<(&'a bpf_object::Definition, MapId)> {
    let id = pointer.map()?;
    Some((program.map(id)?.definition(id.inner), id))
}

/// The flags of the map allow programs to do this (`check_map_access_type`).
pub(super) fn check_direction(
    program: &Program<'_>,
    pointer: &Reg,
    offset: i32,
    size: i32,
    access: Access,
) -> Check {
    let Some((map, id)) = definition(program, pointer) else { return Ok(()) };
    let (flag, what) = match access {
        Access::Write => (READ_ONLY, "write into"),
        Access::Read => (WRITE_ONLY, "read from"),
    };
    // With both, only the first counts (`bpf_map_flags_to_cap`).
    let is_restricted = access == Access::Write && is_read_only(program, id);
    let flags = map.flags | if is_restricted { READ_ONLY } else { 0 };
    let forbidden = match flags & (READ_ONLY | WRITE_ONLY) {
        0 => false,
        flags if flags & READ_ONLY != 0 => flag == READ_ONLY,
        flags => flags & flag != 0,
    };
    if forbidden {
        let limit = map.value_size;
        reject!(EACCES, "{what} map forbidden, value_size={limit} off={offset} size={size}");
    }
    Ok(())
}

/// Programs may not write values of maps of this type, whatever the flags say.
fn is_read_only(program: &Program<'_>, id: MapId) -> bool {
    let ty = program.map(id).and_then(|facts| match id.inner {
        true => kernel_model::map_type_by_id(facts.definition(true).map_type),
        false => facts.ty,
    });
    ty.is_some_and(|ty| ty.read_only)
}

/// A call accesses the value of a map (`check_map_access` of a helper).
pub(super) fn check_by_call(
    program: &Program<'_>,
    reg: Name,
    pointer: &Reg,
    size: i32,
    zero_allowed: bool,
) -> Check {
    let Some((map, id)) = definition(program, pointer) else { return Ok(()) };
    let span = Span { offset: pointer.off, size, limit: map.value_size, zero_allowed };
    region::check(reg, pointer, span)?;
    match program.record(id) {
        Some(record) => check_fields(record, pointer, pointer.off, size, false),
        None => Ok(()),
    }
}

/// The access touches no special field in a way that is not allowed (part of `check_map_access`).
fn check_fields(
    record: &FieldRecord,
    pointer: &Reg,
    offset: i32,
    size: i32,
    direct: bool,
) -> Check {
    let low = pointer.num.smin.wrapping_add(offset.into());
    let high = pointer.num.umax.wrapping_add(i64::from(offset).cast_unsigned());
    let high = high.wrapping_add(i64::from(size).cast_unsigned());
    for field in &record.fields {
        let begin = field.offset;
        if low >= i64::from(begin) + i64::from(field.size) || u64::from(begin) >= high {
            continue;
        }
        let name = field.kind.name();
        if pointee(field.kind).is_none() {
            reject!(EACCES, "{name} cannot be accessed directly by load/store");
        }
        if !direct {
            reject!(EACCES, "{name} cannot be accessed indirectly by helper");
        }
        let Some(known) = pointer.num.bits.as_constant() else {
            reject!(EACCES, "{name} access cannot have variable offset");
        };
        let at = known.wrapping_add(i64::from(offset).cast_unsigned());
        if at != u64::from(begin) {
            reject!(EACCES, "{name} access misaligned expected={begin} off={at}");
        }
        if size != 8 {
            reject!(EACCES, "{name} access size must be BPF_DW");
        }
    }
    Ok(())
}

/// What a field of pointers points to.
pub(super) fn pointee(kind: FieldKind) -> Option<Pointee> {
    match kind {
        FieldKind::KptrUntrusted(pointee)
        | FieldKind::KptrRef(pointee)
        | FieldKind::KptrPercpu(pointee)
        | FieldKind::Uptr(pointee) => Some(pointee),
        _ => None,
    }
}

/// A load or store of a pointer that is kept in a map (`check_map_kptr_access`).
fn kept_pointer(
    cx: &mut Cx<'_>,
    state: &mut State,
    request: &Request,
    field: &SpecialField,
    pointee: Pointee,
) -> Check {
    let insn = cx.program.insn(request.pc);
    let is_load = matches!(insn, Some(Insn::Load(_)));
    if !matches!(insn, Some(Insn::Load(_) | Insn::Store(_))) {
        reject!(EACCES, "kptr in map can only be accessed using BPF_MEM instruction mode");
    }
    if !is_load && matches!(field.kind, FieldKind::KptrRef(_) | FieldKind::KptrPercpu(_)) {
        reject!(EACCES, "store to referenced kptr disallowed");
    }
    if !is_load && matches!(field.kind, FieldKind::Uptr(_)) {
        reject!(EACCES, "store to uptr disallowed");
    }
    match (insn, request.value) {
        (Some(Insn::Load(_)), Some(value)) => {
            let loaded = loaded_pointer(cx, state, field, pointee);
            *state.reg_mut(value) = loaded;
        }
        (_, Some(value)) => {
            let stored = *state.reg(value);
            if !stored.is_null() {
                check_stored(cx, field, pointee, value, &stored)?;
            }
        }
        (_, None) if request.constant.is_some_and(|constant| constant != 0) => {
            let offset = field.offset;
            reject!(EACCES, "BPF_ST imm must be 0 when storing to kptr at off={offset}");
        }
        _ => {}
    }
    Ok(())
}

/// What a load of the field gives (`btf_ld_kptr_type`, `mark_uptr_ld_reg`).
fn loaded_pointer(cx: &mut Cx<'_>, state: &State, field: &SpecialField, pointee: Pointee) -> Reg {
    let id = cx.new_id();
    let program = cx.program;
    if let FieldKind::Uptr(_) = field.kind {
        let size = program.btf_of(pointee.own).and_then(|btf| btf.get(pointee.id)?.size());
        let ty = RegType::with(RegKind::Mem, TypeFlags::PTR_MAYBE_NULL);
        let detail = Detail::Mem { size: size.unwrap_or(0), dynptr: 0 };
        return Reg { id, ..Reg::pointer(ty).with(detail) };
    }
    let mut flags = TypeFlags::PTR_MAYBE_NULL;
    if is_rcu_safe(program, field.kind, pointee) && super::in_rcu_section(cx, state) {
        flags = flags.union(TypeFlags::MEM_RCU);
        if matches!(field.kind, FieldKind::KptrPercpu(_)) {
            flags = flags.union(TypeFlags::MEM_PERCPU);
        } else if pointee.own {
            flags = flags.union(TypeFlags::MEM_ALLOC);
        }
        let record = if pointee.own { program.records.of(pointee.id) } else { None };
        let is_node =
            |field: &SpecialField| matches!(field.kind, FieldKind::ListNode | FieldKind::RbNode);
        if record.is_some_and(|record| record.fields.iter().any(is_node)) {
            flags = flags.union(TypeFlags::NON_OWN_REF);
        }
    } else {
        flags = flags.union(TypeFlags::PTR_UNTRUSTED);
    }
    let detail = Detail::Btf { id: pointee.id, own: pointee.own };
    Reg { id, ..Reg::pointer(RegType::with(RegKind::BtfId, flags)).with(detail) }
}

/// The object cannot go away in an RCU read section (`rcu_safe_kptr`, `rcu_protected_object`).
fn is_rcu_safe(program: &Program<'_>, kind: FieldKind, pointee: Pointee) -> bool {
    const PROTECTED: [&str; 5] =
        ["prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"];
    match kind {
        FieldKind::KptrPercpu(_) => true,
        FieldKind::KptrRef(_) if pointee.own => true,
        FieldKind::KptrRef(_) => {
            program.kernel.get(pointee.id).is_some_and(|ty| PROTECTED.contains(&ty.name()))
        }
        _ => false,
    }
}

/// The register may be stored into the field; if not, the kernel says why and gives another errno than it would to a
/// call (`map_kptr_match_type` in `check_map_kptr_access`).
fn check_stored(
    cx: &Cx<'_>,
    field: &SpecialField,
    pointee: Pointee,
    reg: Name,
    value: &Reg,
) -> Check {
    match check_match(cx.program, field.kind, pointee, reg, value) {
        Err(Stop::Reject(mut reject)) => {
            reject.errno = crate::cx::Errno::EACCES;
            Err(Stop::Reject(reject))
        }
        result => result,
    }
}

/// The pointer is one that the field takes (`map_kptr_match_type`).
pub(super) fn check_match(
    program: &Program<'_>,
    kind: FieldKind,
    pointee: Pointee,
    reg: Name,
    value: &Reg,
) -> Check {
    let untrusted = matches!(kind, FieldKind::KptrUntrusted(_));
    let have = match value.detail {
        Detail::Btf { id, own } if value.kind() == RegKind::BtfId => Some(Pointee { id, own }),
        _ => None,
    };
    let mut allowed = TypeFlags::PTR_MAYBE_NULL;
    if have.is_some_and(|have| have.own) {
        allowed = allowed.union(TypeFlags::MEM_ALLOC);
        if matches!(kind, FieldKind::KptrPercpu(_)) {
            allowed = allowed.union(TypeFlags::MEM_PERCPU);
        }
    } else {
        allowed = allowed.union(TypeFlags::PTR_TRUSTED).union(TypeFlags::MEM_RCU);
        if untrusted {
            allowed = allowed.union(TypeFlags::PTR_UNTRUSTED);
        }
    }
    let (mut said, mut name) = (String::new(), "");
    if let Some(have) = have
        && value.ty.flags.0 & !allowed.0 == 0
    {
        name = program.type_name_of(have);
        region::check_unmodified(reg, value, true)?;
        match super::ids_match(program, have, value.off, pointee, !untrusted) {
            Ok(()) => return Ok(()),
            Err(line) if line.is_empty() => {}
            Err(line) => said = line + "\n",
        }
    }
    let plain = RegType::of(RegKind::BtfId);
    let target = program.type_name_of(pointee);
    let other = if untrusted {
        format!(" or {}{target}", plain.plus(TypeFlags::PTR_UNTRUSTED))
    } else {
        String::new()
    };
    reject!(
        EINVAL,
        "{said}invalid kptr access, R{} type={}{name} expected={plain}{target}{other}",
        reg.number(),
        value.ty
    )
}

/// What a load from a map gives that neither the program nor user space can change (`bpf_map_is_rdonly`,
/// `bpf_map_direct_read`).
fn constant(program: &Program<'_>, id: MapId, known: u64, request: &Request) -> Option<u64> {
    let facts = program.map(id).filter(|_| !id.inner)?;
    if !is_frozen(facts) {
        return None;
    }
    let at = usize::try_from(known.wrapping_add(i64::from(request.offset).cast_unsigned())).ok()?;
    let mut bytes = [0; 8];
    let size = request.size as usize;
    for (index, byte) in bytes.iter_mut().take(size).enumerate() {
        *byte = facts.map.data.get(at + index).copied().unwrap_or(0);
    }
    let content = u64::from_le_bytes(bytes);
    let unused = 64 - 8 * request.size;
    let extended = (content << unused).cast_signed() >> unused;
    Some(if request.signed { extended.cast_unsigned() } else { content })
}

/// Nobody can change the values of the map, and there is one that can be read while verifying.
pub(crate) fn is_frozen(facts: &MapFacts<'_>) -> bool {
    use bpf_object::{DataKind, MapKind};
    let definition = &facts.map.definition;
    let frozen = matches!(facts.map.kind, MapKind::Data(DataKind::ReadOnly) | MapKind::Config);
    frozen && definition.flags & READ_ONLY != 0 && definition.max_entries == 1
}
