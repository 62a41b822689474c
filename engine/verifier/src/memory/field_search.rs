//! The search for special fields in the types of a program (`btf_find_field` of kernel/bpf/btf.c).

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::Version;

use crate::cx::Errno;

/// As many special fields as a structure may have (`BTF_FIELDS_MAX`).
const MOST: usize = 11;
/// Arrays of arrays, and structures in structures, that are followed (`MAX_RESOLVE_DEPTH`).
const DEPTH: u32 = 32;
/// Members looked at in one search; the kernel has no such limit.
const MEMBERS: u32 = 1 << 16;
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

/// What a field is, before what it points to or holds is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Mark {
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

pub(super) const KPTRS: u32 =
    Mark::KptrUntrusted as u32 | Mark::KptrRef as u32 | Mark::KptrPercpu as u32;

/// Fields with the feature of the kernel model that brought them.
const SINCE: [(u32, &str); 10] = [
    (Mark::SpinLock as u32, "spin_lock"),
    (Mark::ResSpinLock as u32, "resilient_spin_lock"),
    (Mark::Timer as u32, "timers"),
    (Mark::Workqueue as u32, "workqueues"),
    (Mark::TaskWork as u32, "task_work"),
    (Mark::KptrUntrusted as u32 | Mark::KptrRef as u32, "kptrs"),
    (Mark::KptrPercpu as u32, "percpu_kptrs"),
    (Mark::Uptr as u32, "uptrs"),
    (Mark::ListHead as u32 | Mark::ListNode as u32, "linked_lists"),
    (Mark::RbRoot as u32 | Mark::RbNode as u32, "red_black_trees"),
];

/// The fields that a kernel knows; to older ones they are ordinary members.
pub(super) fn known(kernel: Version) -> u32 {
    let refcount = if kernel.has("shared_ownership") { Mark::Refcount as u32 } else { 0 };
    let known = SINCE.iter().filter(|(_, feature)| kernel.has(feature));
    known.fold(refcount, |mask, (mark, _)| mask | mark)
}

/// A field that was found (`struct btf_field_info`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Info<'b> {
    pub mark: Mark,
    pub offset: u32,
    pub size: u32,
    /// Of pointers: what they point to. Of lists and trees: what they hold.
    pub ty: TypeId,
    /// Of lists and trees: the name of the node.
    pub node: &'b str,
}

pub(super) struct Search<'b> {
    btf: &'b Btf<'b>,
    mask: u32,
    /// Members that may still be looked at.
    budget: u32,
    pub found: Vec<Info<'b>>,
}

pub(super) type Found<T = ()> = Result<T, Errno>;

/// A pointer with an attribute that makes it special, and what it points to (`btf_find_kptr`).
pub(super) fn kept_pointer(
    btf: &Btf<'_>,
    ty: &Type<'_>,
    mask: u32,
) -> Found<Option<(Mark, TypeId)>> {
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
    if btf.get(id).is_none_or(|ty| ty.kind() != Kind::Struct) {
        return Err(Errno::EINVAL);
    }
    Ok(Some((mark, id)))
}

impl<'b> Search<'b> {
    pub(super) fn new(btf: &'b Btf<'b>, mask: u32) -> Self {
        Self { btf, mask, budget: MEMBERS, found: Vec::new() }
    }

    /// `btf_find_struct_field`
    pub(super) fn structure(&mut self, ty: &Type<'b>, level: u32) -> Found {
        let mut seen = 0;
        for (index, member) in ty.members().iter().enumerate() {
            if !member.bit_offset.is_multiple_of(8) {
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
    pub(super) fn section(&mut self, ty: &Type<'b>) -> Found {
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
        self.budget = self.budget.checked_sub(1).ok_or(Errno::E2BIG)?;
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
        let named = NAMED
            .iter()
            .find(|(mark, name, ..)| self.mask & *mark as u32 != 0 && *name == ty.name());
        let begin = self.found.len();
        let size = if let Some(&(mark, _, size, align, is_unique)) = named {
            if is_unique && *seen & mark as u32 != 0 {
                return Err(Errno::E2BIG);
            }
            *seen |= if is_unique { mark as u32 } else { 0 };
            if place.is_whole(size, count)
                && place.offset.is_multiple_of(align)
                && ty.kind() == Kind::Struct
                && ty.size() == Some(size)
            {
                self.named(mark, size, place)?;
            }
            size
        } else if ty.kind() == Kind::Struct {
            let size = ty.size().unwrap_or(0);
            if place.is_whole(size, count) {
                self.nested(&ty, place, level + 1)?;
            }
            size
        } else {
            let may_be_kept = self.mask & (KPTRS | Mark::Uptr as u32) != 0;
            if may_be_kept && place.is_whole(8, count) && place.offset.is_multiple_of(8) {
                let kept = kept_pointer(self.btf, &ty, self.mask)?;
                if let Some((mark, ty)) = kept {
                    self.add(Info { mark, offset: place.offset, size: 8, ty, node: "" })?;
                }
            }
            8
        };
        self.repeat(begin, count, size)
    }

    /// A field that its type's name tells (`btf_find_struct`, `btf_find_graph_root`).
    fn named(&mut self, mark: Mark, size: u32, place: Place) -> Found {
        let info = Info { mark, offset: place.offset, size, ty: TypeId::VOID, node: "" };
        let info = match mark {
            Mark::ListHead | Mark::RbRoot => self.graph_root(place, info)?,
            _ => info,
        };
        self.add(info)
    }

    /// Fields of a structure in another one (`btf_find_nested_struct`).
    fn nested(&mut self, ty: &Type<'b>, place: Place, level: u32) -> Found {
        if level >= DEPTH {
            return Err(Errno::E2BIG);
        }
        let begin = self.found.len();
        self.structure(ty, level)?;
        for info in &mut self.found[begin..] {
            info.offset = info.offset.wrapping_add(place.offset);
        }
        Ok(())
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

impl Place {
    /// So many elements of this size fill the place.
    fn is_whole(self, size: u32, count: u32) -> bool {
        self.expected == 0 || self.expected == size.wrapping_mul(count)
    }
}
