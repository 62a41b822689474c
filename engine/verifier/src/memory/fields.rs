//! Special fields of structures: how the kernel finds them in the types of a program (`btf_parse_fields`,
//! `btf_parse_struct_metas`, `btf_check_and_fixup_fields` of kernel/bpf/btf.c, `map_check_btf` of kernel/bpf/syscall.c).

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::MapField;

use super::{FieldKind, FieldRecord, GraphRoot, Pointee, SpecialField, StructRecords};
use crate::cx::Errno;

/// As many special fields as a structure may have (`BTF_FIELDS_MAX`).
const MOST: usize = 11;
/// Arrays of arrays, and structures in structures, that are followed (`MAX_RESOLVE_DEPTH`).
const DEPTH: u32 = 32;
/// `BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG`
const RESTRICTED: u32 = 1 << 7 | 1 << 8;
/// A page of user memory.
const PAGE: u32 = 4096;

/// Kinds that are told by the name of their structure: name, size, alignment, whether there may be only one.
const NAMED: [(Mark, &str, u32, u32, bool); 10] = [
    (Mark::SpinLock, "bpf_spin_lock", 4, 4, true),
    (Mark::ResSpinLock, "bpf_res_spin_lock", 4, 4, true),
    (Mark::Timer, "bpf_timer", 16, 8, true),
    (Mark::Workqueue, "bpf_wq", 16, 8, true),
    (Mark::TaskWork, "bpf_task_work", 8, 8, true),
    (Mark::ListHead, "bpf_list_head", 16, 8, false),
    (Mark::ListNode, "bpf_list_node", 24, 8, false),
    (Mark::RbRoot, "bpf_rb_root", 16, 8, false),
    (Mark::RbNode, "bpf_rb_node", 32, 8, false),
    (Mark::Refcount, "bpf_refcount", 4, 4, false),
];

/// Attributes that make a pointer special.
const TAGS: [(Mark, &str); 4] = [
    (Mark::KptrUntrusted, "kptr_untrusted"),
    (Mark::KptrRef, "kptr"),
    (Mark::KptrPercpu, "percpu_kptr"),
    (Mark::Uptr, "uptr"),
];

/// Structures of the kernel with a function that gives a kept reference back (`register_btf_id_dtor_kfuncs`).
const KEPT: [&str; 6] = [
    "task_struct",
    "cgroup",
    "bpf_cpumask",
    "bpf_crypto_ctx",
    "prog_test_ref_kfunc",
    "prog_test_member",
];

/// What a field is, before what it points to or holds is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
enum Mark {
    SpinLock = 1,
    ResSpinLock = 1 << 1,
    Timer = 1 << 2,
    Workqueue = 1 << 3,
    TaskWork = 1 << 4,
    KptrUntrusted = 1 << 5,
    KptrRef = 1 << 6,
    KptrPercpu = 1 << 7,
    Uptr = 1 << 8,
    ListHead = 1 << 9,
    ListNode = 1 << 10,
    RbRoot = 1 << 11,
    RbNode = 1 << 12,
    Refcount = 1 << 13,
}

const KPTRS: u32 = Mark::KptrUntrusted as u32 | Mark::KptrRef as u32 | Mark::KptrPercpu as u32;
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

/// A field that was found (`struct btf_field_info`).
#[derive(Clone, Copy, Debug)]
struct Info<'b> {
    mark: Mark,
    offset: u32,
    size: u32,
    /// Of pointers: what they point to. Of lists and trees: what they hold.
    ty: TypeId,
    /// Of lists and trees: the name of the node.
    node: &'b str,
}

struct Search<'b> {
    btf: &'b Btf<'b>,
    mask: u32,
    found: Vec<Info<'b>>,
}

type Found<T = ()> = Result<T, Errno>;

impl StructRecords {
    /// Finds the special fields of all structures of a program (`btf_parse_struct_metas`).
    pub fn parse(program: &Btf<'_>, kernel: &Btf<'_>) -> Self {
        let mut all = Self::default();
        let special: Vec<TypeId> =
            program.own_types().filter(|ty| is_special(program, ty)).map(|ty| ty.id()).collect();
        if special.is_empty() {
            return all;
        }
        for ty in program.own_types().filter(|ty| ty.kind().is_composite()) {
            if !ty.members().iter().any(|member| special.binary_search(&member.ty).is_ok()) {
                continue;
            }
            let size = ty.size().unwrap_or(0);
            match record(program, kernel, &ty, IN_OBJECTS, size) {
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
fn is_special(btf: &Btf<'_>, ty: &Type<'_>) -> bool {
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
            matches!(kept_pointer(btf, ty, KPTRS), Ok(Some(_)))
        }
        _ => false,
    }
}

impl FieldRecord {
    /// The special fields of the values of a map, and whether the kernel takes them there.
    pub fn of_map(
        program: &Btf<'_>,
        kernel: &Btf<'_>,
        records: &StructRecords,
        definition: &bpf_object::Definition,
    ) -> Self {
        let Some(ty) = program.get(definition.value_type).filter(|ty| ty.kind() != Kind::Void)
        else {
            return Self::default();
        };
        // Values of simple types have none; what is malformed counts as none.
        let ty = program.resolve(ty.id()).unwrap_or(ty);
        let Ok(mut record) = record(program, kernel, &ty, IN_MAPS, definition.value_size) else {
            return Self::default();
        };
        record.error = check_map(&record, definition)
            .and_then(|()| check_ownership(program, records, &record))
            .err()
            .map(|errno| errno.0);
        record
    }
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
    let mut search = Search { btf: program, mask, found: Vec::new() };
    match ty.kind() {
        Kind::Struct | Kind::Union => search.structure(ty, 0)?,
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
        let fits = member.bit_offset % 8 == 0 && offset % 8 == 0;
        if found.is_some() || !ty.kind().is_composite() || ty.name() != node || !fits {
            return Err(Errno::EINVAL);
        }
        found = Some(GraphRoot { object: info.ty, node_offset: offset });
    }
    found.ok_or(Errno::ENOENT)
}

/// A pointer with an attribute that makes it special, and what it points to (`btf_find_kptr`).
fn kept_pointer(btf: &Btf<'_>, ty: &Type<'_>, mask: u32) -> Found<Option<(Mark, TypeId)>> {
    let ty = match ty.kind() {
        Kind::Volatile => ty.target().and_then(|id| btf.get(id)).ok_or(Errno::EINVAL)?,
        _ => *ty,
    };
    if ty.kind() != Kind::Ptr {
        return Ok(None);
    }
    let mut marks = 0;
    let mut mark = None;
    let mut id = ty.target().ok_or(Errno::EINVAL)?;
    for _ in 0..DEPTH {
        let ty = btf.get(id).ok_or(Errno::EINVAL)?;
        if !ty.kind().is_modifier() && ty.kind() != Kind::Typedef {
            break;
        }
        if ty.kind() == Kind::TypeTag
            && !ty.flag()
            && let Some((found, _)) = TAGS.iter().find(|(_, name)| *name == ty.name())
        {
            marks |= *found as u32;
            mark = Some(*found);
        }
        id = ty.target().ok_or(Errno::EINVAL)?;
    }
    if marks.count_ones() > 1 {
        return Err(Errno::EINVAL);
    }
    let Some(mark) = mark.filter(|mark| mask & *mark as u32 != 0) else { return Ok(None) };
    if !btf.get(id).is_some_and(|ty| ty.kind().is_composite()) {
        return Err(Errno::EINVAL);
    }
    Ok(Some((mark, id)))
}

impl<'b> Search<'b> {
    /// `btf_find_struct_field`
    fn structure(&mut self, ty: &Type<'b>, level: u32) -> Found {
        let mut seen = 0;
        for (index, member) in ty.members().iter().enumerate() {
            if member.bit_offset % 8 != 0 {
                return Err(Errno::EINVAL);
            }
            let component = u32::try_from(index).ok();
            let place =
                Place { offset: member.bit_offset / 8, expected: 0, owner: ty.id(), component };
            self.field(member.ty, place, &mut seen, level)?;
        }
        Ok(())
    }

    /// `btf_find_datasec_var`
    fn section(&mut self, ty: &Type<'b>) -> Found {
        let mut seen = 0;
        for variable in ty.variables().iter() {
            let target = self.btf.get(variable.ty).and_then(|ty| ty.target());
            let place = Place {
                offset: variable.offset,
                expected: variable.size,
                owner: variable.ty,
                component: None,
            };
            self.field(target.ok_or(Errno::EINVAL)?, place, &mut seen, 0)?;
        }
        Ok(())
    }

    /// `btf_find_field_one`
    fn field(&mut self, id: TypeId, place: Place, seen: &mut u32, level: u32) -> Found {
        let mut ty = self.btf.get(id).ok_or(Errno::EINVAL)?;
        let (mut count, mut depth) = (1_u32, 0);
        while let Some(array) = ty.array() {
            depth += 1;
            if depth > DEPTH {
                return Err(Errno::E2BIG);
            }
            count = count.wrapping_mul(array.length);
            ty = self.btf.get(array.element).ok_or(Errno::EINVAL)?;
        }
        if count == 0 {
            return Ok(());
        }
        let whole = |size: u32| place.expected == 0 || place.expected == size.wrapping_mul(count);
        let named = NAMED
            .iter()
            .find(|(mark, name, ..)| self.mask & *mark as u32 != 0 && *name == ty.name());
        let begin = self.found.len();
        if let Some(&(mark, _, size, align, unique)) = named {
            if unique && *seen & mark as u32 != 0 {
                return Err(Errno::E2BIG);
            }
            if unique {
                *seen |= mark as u32;
            }
            if !whole(size) || place.offset % align != 0 {
                return Ok(());
            }
            if !ty.kind().is_composite() || ty.size() != Some(size) {
                return Ok(());
            }
            let info = Info { mark, offset: place.offset, size, ty: TypeId::VOID, node: "" };
            let info = match mark {
                Mark::ListHead | Mark::RbRoot => self.graph_root(place, info)?,
                _ => info,
            };
            self.add(info)?;
            return self.repeat(begin, count, size);
        }
        if ty.kind().is_composite() {
            let size = ty.size().unwrap_or(0);
            if !whole(size) {
                return Ok(());
            }
            if level + 1 >= DEPTH {
                return Err(Errno::E2BIG);
            }
            self.structure(&ty, level + 1)?;
            for info in &mut self.found[begin..] {
                info.offset = info.offset.wrapping_add(place.offset);
            }
            return self.repeat(begin, count, size);
        }
        if self.mask & (KPTRS | Mark::Uptr as u32) == 0 || !whole(8) || place.offset % 8 != 0 {
            return Ok(());
        }
        let Some((mark, target)) = kept_pointer(self.btf, &ty, self.mask)? else { return Ok(()) };
        self.add(Info { mark, offset: place.offset, size: 8, ty: target, node: "" })?;
        self.repeat(begin, count, 8)
    }

    fn add(&mut self, info: Info<'b>) -> Found {
        if self.found.len() >= MOST {
            return Err(Errno::E2BIG);
        }
        self.found.push(info);
        Ok(())
    }

    /// The fields from `begin` on are those of the first of `count` elements (`btf_repeat_fields`).
    fn repeat(&mut self, begin: usize, count: u32, size: u32) -> Found {
        if count <= 1 || self.found.len() == begin {
            return Ok(());
        }
        let first = self.found[begin..].to_vec();
        let may_repeat = |info: &Info<'_>| {
            let marks = KPTRS | Mark::Uptr as u32 | Mark::ListHead as u32 | Mark::RbRoot as u32;
            marks & info.mark as u32 != 0
        };
        if !first.iter().all(may_repeat) {
            return Err(Errno::EINVAL);
        }
        if (count as usize).saturating_mul(first.len()) > MOST - begin {
            return Err(Errno::E2BIG);
        }
        for index in 1..count {
            for info in &first {
                let offset = info.offset.wrapping_add(size.wrapping_mul(index));
                self.found.push(Info { offset, ..*info });
            }
        }
        Ok(())
    }

    /// What a list or tree holds, from its attribute `contains:object:node` (`btf_find_graph_root`).
    fn graph_root(&self, place: Place, info: Info<'b>) -> Found<Info<'b>> {
        let mut values = self.btf.own_types().filter_map(|ty| {
            let about = ty.kind() == Kind::DeclTag
                && ty.target() == Some(place.owner)
                && ty.component() == place.component;
            ty.name().strip_prefix("contains:").filter(|_| about)
        });
        let value = values.next().ok_or(Errno::EINVAL)?;
        if values.next().is_some() {
            return Err(Errno::EINVAL);
        }
        let (object, node) = value.split_once(':').ok_or(Errno::EINVAL)?;
        let object = self.btf.find(object, Kind::Struct).ok_or(Errno::ENOENT)?;
        if node.is_empty() {
            return Err(Errno::EINVAL);
        }
        Ok(Info { ty: object.id(), node, ..info })
    }
}

/// Where a field is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// In bytes from the beginning of the structure around it.
    offset: u32,
    /// The size it must have; 0 if any.
    expected: u32,
    /// The structure or variable that attributes are about.
    owner: TypeId,
    /// The member of it.
    component: Option<u32>,
}
