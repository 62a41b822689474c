//! Special fields of structures: how the kernel finds them in the types of a program (`btf_parse_fields`,
//! `btf_parse_struct_metas`, `btf_check_and_fixup_fields` of kernel/bpf/btf.c, `map_check_btf` of kernel/bpf/syscall.c).

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::{MapField, Version};

use super::field_search::{Found, Info, KPTRS, Mark, Search, kept_pointer, known};
use super::{FieldKind, FieldRecord, GraphRoot, Pointee, SpecialField, StructRecords, own_types};
use crate::cx::Errno;

/// `BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG`
const RESTRICTED: u32 = 1 << 7 | 1 << 8;
/// A page of user memory.
const PAGE: u32 = 4096;

/// Structures of the kernel with a function that gives a kept reference back (`register_btf_id_dtor_kfuncs`).
const KEPT: [&str; 6] = [
    "task_struct",
    "cgroup",
    "bpf_cpumask",
    "bpf_crypto_ctx",
    "prog_test_ref_kfunc",
    "prog_test_member",
];

/// Structures with special fields are looked for since objects can be allocated (commit 8ffa5cc14213).
const OBJECTS_SINCE: Version = Version::new(6, 2);

/// What values of maps may have.
const IN_MAPS: u32 = Mark::SpinLock as u32
    | Mark::ResSpinLock as u32
    | Mark::Timer as u32
    | Mark::Workqueue as u32
    | Mark::TaskWork as u32
    | KPTRS
    | Mark::Uptr as u32
    | Mark::ListHead as u32
    | Mark::RbRoot as u32
    | Mark::Refcount as u32;
/// What objects of the program may have.
const IN_OBJECTS: u32 = Mark::SpinLock as u32
    | Mark::ResSpinLock as u32
    | Mark::ListHead as u32
    | Mark::ListNode as u32
    | Mark::RbRoot as u32
    | Mark::RbNode as u32
    | Mark::Refcount as u32
    | KPTRS;

impl StructRecords {
    /// Finds the special fields of all structures of a program (`btf_parse_struct_metas`).
    pub fn parse(program: &Btf<'_>, kernel: &Btf<'_>, version: Version) -> Self {
        let mut all =
            Self { error: own_types::check(program).err().map(|errno| errno.0), ..Self::default() };
        if version < OBJECTS_SINCE {
            return all;
        }
        let mut mask = IN_OBJECTS & known(version);
        if !version.has("kptrs_in_allocated_objects") {
            mask &= !KPTRS;
        }
        let types = program.own_types().filter(|ty| is_special(program, ty, mask));
        let special: Vec<TypeId> = types.map(|ty| ty.id()).collect();
        if special.is_empty() {
            return all;
        }
        for ty in program.own_types().filter(|ty| ty.kind() == Kind::Struct) {
            if !ty.members().iter().any(|member| special.binary_search(&member.ty).is_ok()) {
                continue;
            }
            let size = ty.size().unwrap_or(0);
            match record(program, kernel, &ty, mask, size) {
                Ok(record) if !record.fields.is_empty() => all.records.push((ty.id(), record)),
                Ok(_) => all.error = all.error.or(Some(Errno::EFAULT.0)),
                Err(errno) => all.error = all.error.or(Some(errno.0)),
            }
        }
        for (_, record) in &all.records {
            if let Err(errno) = check_ownership(program, &all, record) {
                all.error = all.error.or(Some(errno.0));
                break;
            }
        }
        all
    }
}

/// A member of this type makes a structure one with special fields.
fn is_special(btf: &Btf<'_>, ty: &Type<'_>, mask: u32) -> bool {
    const NAMES: [&str; 6] = [
        "bpf_spin_lock",
        "bpf_list_head",
        "bpf_list_node",
        "bpf_rb_root",
        "bpf_rb_node",
        "bpf_refcount",
    ];
    match ty.kind() {
        Kind::Struct => NAMES.contains(&ty.name()),
        Kind::Ptr | Kind::Volatile => {
            matches!(kept_pointer(btf, ty, KPTRS & mask), Ok(Some(_)))
        }
        _ => false,
    }
}

impl FieldRecord {
    /// The special fields of the values of a map, and whether the kernel takes them there.
    pub fn of_map(
        program: &Btf<'_>,
        (kernel, version): (&Btf<'_>, Version),
        records: &StructRecords,
        definition: &bpf_object::Definition,
    ) -> Self {
        let Some(ty) = program.get(definition.value_type).filter(|ty| ty.kind() != Kind::Void)
        else {
            return Self::default();
        };
        let sizes = check_sizes(program, definition).map_err(|errno| errno.0);
        if let Some(error) = records.error.or(sizes.err()) {
            return Self { fields: Vec::new(), error: Some(error) };
        }
        // Values of simple types have none; what is malformed counts as none.
        let ty = program.resolve(ty.id()).unwrap_or(ty);
        let mask = IN_MAPS & known(version);
        let Ok(record) = record(program, kernel, &ty, mask, definition.value_size) else {
            return Self::default();
        };
        match check_map(&record, definition)
            .and_then(|()| check_ownership(program, records, &record))
        {
            Ok(()) => record,
            Err(errno) => Self { fields: Vec::new(), error: Some(errno.0) },
        }
    }
}

/// The types of keys and values have the sizes of the map, and keys are what the type of the map asks for
/// (`map_check_btf` of kernel/bpf/syscall.c and of the types of maps).
fn check_sizes(program: &Btf<'_>, definition: &bpf_object::Definition) -> Found {
    let fits = |id, size: u32| program.size_of(id).is_ok_and(|found| found == u64::from(size));
    if !fits(definition.value_type, definition.value_size) {
        return Err(Errno::EINVAL);
    }
    let name = kernel_model::map_type_by_id(definition.map_type).map_or("", |ty| ty.name);
    let key = program.resolve(definition.key_type);
    if definition.key_type == TypeId::VOID {
        // Values of arrays that are sections of variables, and of filters, have no keys.
        let value = program.resolve(definition.value_type).map(|ty| ty.kind());
        let is_section =
            name == "array" && definition.max_entries == 1 && value == Some(Kind::DataSec);
        let may_be_keyless = is_section || name == "bloom_filter";
        return if may_be_keyless { Ok(()) } else { Err(Errno::EINVAL) };
    }
    let is_number = key.and_then(|key| key.int()).is_some_and(|int| int.bits == 32);
    let key_fits = match name {
        "array" | "percpu_array" | "sk_storage" | "inode_storage" | "task_storage"
        | "cgrp_storage" => is_number,
        "lpm_trie" => key.is_some_and(|key| key.kind() == Kind::Struct),
        "bloom_filter" => false,
        _ => true,
    };
    if !fits(definition.key_type, definition.key_size) || !key_fits {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// A map of this type may have such fields.
fn check_map(record: &FieldRecord, definition: &bpf_object::Definition) -> Found {
    if record.fields.is_empty() {
        return Ok(());
    }
    if definition.flags & RESTRICTED != 0 {
        return Err(Errno::EACCES);
    }
    let Some(ty) = kernel_model::map_type_by_id(definition.map_type) else { return Ok(()) };
    let takes = |field: &SpecialField| {
        ty.fields.contains(&match field.kind {
            FieldKind::SpinLock => MapField::SpinLock,
            FieldKind::ResSpinLock => MapField::ResSpinLock,
            FieldKind::Timer => MapField::Timer,
            FieldKind::Workqueue => MapField::Workqueue,
            FieldKind::TaskWork => MapField::TaskWork,
            FieldKind::KptrUntrusted(_) | FieldKind::KptrRef(_) | FieldKind::KptrPercpu(_) => {
                MapField::Kptr
            }
            FieldKind::Uptr(_) => MapField::Uptr,
            FieldKind::ListHead(_) => MapField::ListHead,
            FieldKind::RbRoot(_) => MapField::RbRoot,
            FieldKind::Refcount => MapField::Refcount,
            FieldKind::ListNode | FieldKind::RbNode => return false,
        })
    };
    if record.fields.iter().all(takes) { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}

/// Lists and trees hold objects that are known, and no object can come to hold itself; user memory is a page at most
/// (`btf_check_and_fixup_fields`).
fn check_ownership(program: &Btf<'_>, records: &StructRecords, record: &FieldRecord) -> Found {
    let is_node = record.has(|kind| matches!(kind, FieldKind::ListNode | FieldKind::RbNode));
    for field in &record.fields {
        match field.kind {
            FieldKind::Uptr(pointee) => {
                let size = program.get(pointee.id).and_then(|ty| ty.size()).unwrap_or(0);
                if !pointee.own || size == 0 {
                    return Err(Errno::EINVAL);
                }
                if size > PAGE {
                    return Err(Errno::E2BIG);
                }
            }
            FieldKind::ListHead(root) | FieldKind::RbRoot(root) => {
                let held = records.of(root.object).ok_or(Errno::EFAULT)?;
                let is_root = |kind| matches!(kind, FieldKind::ListHead(_) | FieldKind::RbRoot(_));
                if is_node && held.has(is_root) {
                    return Err(Errno::ELOOP);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The special fields of a structure or section of variables (`btf_parse_fields`).
fn record(
    program: &Btf<'_>,
    kernel: &Btf<'_>,
    ty: &Type<'_>,
    mask: u32,
    value_size: u32,
) -> Found<FieldRecord> {
    let mut search = Search::new(program, mask);
    match ty.kind() {
        Kind::Struct => search.structure(ty, 0)?,
        Kind::DataSec => search.section(ty)?,
        _ => return Err(Errno::EINVAL),
    }
    let mut record = FieldRecord::default();
    let mut next = 0;
    for info in &search.found {
        if info.offset.saturating_add(info.size) > value_size {
            return Err(Errno::EFAULT);
        }
        if info.offset < next {
            return Err(Errno::EEXIST);
        }
        next = info.offset + info.size;
        let kind = kind(program, kernel, info)?;
        record.fields.push(SpecialField { kind, offset: info.offset, size: info.size });
    }
    let has = |mark: Mark| search.found.iter().any(|info| info.mark == mark);
    let locks = [has(Mark::SpinLock), has(Mark::ResSpinLock)];
    let needs_lock = has(Mark::ListHead) || has(Mark::RbRoot);
    let in_both = has(Mark::ListNode) && has(Mark::RbNode) && !has(Mark::Refcount);
    if locks == [true, true] || needs_lock && locks == [false, false] || in_both {
        return Err(Errno::EINVAL);
    }
    record.fields.sort_by_key(|field| field.offset);
    Ok(record)
}

/// What a field is, with what it points to or holds.
fn kind(program: &Btf<'_>, kernel: &Btf<'_>, info: &Info<'_>) -> Found<FieldKind> {
    Ok(match info.mark {
        Mark::SpinLock => FieldKind::SpinLock,
        Mark::ResSpinLock => FieldKind::ResSpinLock,
        Mark::Timer => FieldKind::Timer,
        Mark::Workqueue => FieldKind::Workqueue,
        Mark::TaskWork => FieldKind::TaskWork,
        Mark::ListNode => FieldKind::ListNode,
        Mark::RbNode => FieldKind::RbNode,
        Mark::Refcount => FieldKind::Refcount,
        Mark::KptrUntrusted => FieldKind::KptrUntrusted(pointee(program, kernel, info)?),
        Mark::KptrRef => FieldKind::KptrRef(pointee(program, kernel, info)?),
        Mark::KptrPercpu => FieldKind::KptrPercpu(pointee(program, kernel, info)?),
        Mark::Uptr => FieldKind::Uptr(pointee(program, kernel, info)?),
        Mark::ListHead => FieldKind::ListHead(root(program, info, "bpf_list_node")?),
        Mark::RbRoot => FieldKind::RbRoot(root(program, info, "bpf_rb_node")?),
    })
}

/// What a pointer points to: the kernel's structure of that name if there is one (`btf_parse_kptr`).
fn pointee(program: &Btf<'_>, kernel: &Btf<'_>, info: &Info<'_>) -> Found<Pointee> {
    let ty = program.get(info.ty).ok_or(Errno::EINVAL)?;
    match kernel.find(ty.name(), ty.kind()) {
        Some(of_kernel) if info.mark != Mark::KptrRef || KEPT.contains(&ty.name()) => {
            Ok(Pointee { id: of_kernel.id(), own: false })
        }
        Some(_) => Err(Errno::ENOENT),
        None => Ok(Pointee { id: info.ty, own: true }),
    }
}

/// What a list or tree holds (`btf_parse_graph_root`).
fn root(program: &Btf<'_>, info: &Info<'_>, node: &str) -> Found<GraphRoot> {
    let object = program.get(info.ty).ok_or(Errno::EINVAL)?;
    let mut found = None;
    for member in object.members().iter().filter(|member| member.is_named(info.node)) {
        let ty = program.get(member.ty).ok_or(Errno::EINVAL)?;
        let offset = member.bit_offset / 8;
        let fits = member.bit_offset.is_multiple_of(8) && offset.is_multiple_of(8);
        if found.is_some() || ty.kind() != Kind::Struct || ty.name() != node || !fits {
            return Err(Errno::EINVAL);
        }
        found = Some(GraphRoot { object: info.ty, node_offset: offset });
    }
    found.ok_or(Errno::ENOENT)
}
