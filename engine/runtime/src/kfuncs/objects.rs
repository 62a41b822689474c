//! Objects of the program's own types: made, shared, dropped, and kept in maps. What is per processor is there once, as
//! there is one processor.

use btf::{Kind, TypeId};

use crate::fault::{FaultKind, Origin, Stop};
use crate::helpers::Table;
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Lifetime, split};

pub(crate) const TABLE: &Table = &[
    ("bpf_kptr_xchg", bpf_kptr_xchg),
    ("bpf_obj_drop_impl", bpf_obj_drop_impl),
    ("bpf_obj_new_impl", bpf_obj_new_impl),
    ("bpf_per_cpu_ptr", bpf_per_cpu_ptr),
    ("bpf_percpu_obj_drop_impl", bpf_obj_drop_impl),
    ("bpf_percpu_obj_new_impl", bpf_obj_new_impl),
    ("bpf_refcount_acquire_impl", bpf_refcount_acquire_impl),
    ("bpf_this_cpu_ptr", bpf_this_cpu_ptr),
];

/// An object that lives until it is dropped; if it counts its references, there is one at first.
pub(super) fn make(
    m: &mut Machine<'_>,
    name: &str,
    len: usize,
    refcount: Option<u32>,
) -> Result<Address, Stop> {
    let origin = Origin::Allocated { name: name.into(), refcount };
    let id = m.memory.allocate(len, origin, true, Lifetime::Maps)?;
    if let Some(at) = refcount {
        m.memory.put(id.at(at.into()), &1_u32.to_le_bytes())?;
    }
    Ok(id.at(0))
}

/// The object that an argument points to the beginning of, or into, and where it counts its references.
fn object(m: &Machine<'_>, address: Address) -> Result<(AllocId, Option<Address>), Stop> {
    match m.memory.origin_at(address) {
        Some((Origin::Allocated { refcount, .. }, id, _)) => {
            Ok((id, refcount.map(|at| id.at(at.into()))))
        }
        _ => Err(m.wrong_argument(0, "an object of the program")),
    }
}

/// One more reference.
pub(super) fn acquire(m: &mut Machine<'_>, address: Address) -> Result<u64, Stop> {
    let (_, Some(place)) = object(m, address)? else {
        return Err(m.wrong_argument(0, "an object that counts its references"));
    };
    match m.memory.read_u32(place)? {
        0 => Ok(0),
        count => {
            m.memory.put(place, &count.saturating_add(1).to_le_bytes())?;
            Ok(address)
        }
    }
}

/// One reference less. The object ends with the last one: at once, or, as who only looks at what counts its references
/// may do so to the end of an RCU section, when the run ends.
pub(super) fn release(m: &mut Machine<'_>, address: Address) -> Result<(), Stop> {
    let (id, place) = object(m, address)?;
    let death = m.death();
    let Some(place) = place else {
        m.memory.release(id, death);
        return Ok(());
    };
    let count = m.memory.read_u32(place)?.saturating_sub(1);
    m.memory.put(place, &count.to_le_bytes())?;
    if count == 0 {
        m.memory.release_later(id, death);
    }
    Ok(())
}

/// `void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign)`
fn bpf_obj_new_impl(m: &mut Machine<'_>, [ty, ..]: [u64; 5]) -> Result<u64, Stop> {
    let unknown = || FaultKind::NotModelled("an object of an unknown type".to_owned());
    let types = m.image.types.as_ref().ok_or_else(unknown)?;
    let ty = u32::try_from(ty).ok().and_then(|id| types.resolve(TypeId(id))).ok_or_else(unknown)?;
    let len = ty.size().ok_or_else(unknown)? as usize;
    let refcount = ty.members().iter().find_map(|member| {
        let is_count = types
            .resolve(member.ty)
            .is_some_and(|ty| ty.kind() == Kind::Struct && ty.name() == "bpf_refcount");
        is_count.then_some(member.bit_offset / 8)
    });
    let name = format!("struct {}", ty.name());
    make(m, &name, len, refcount)
}

/// `void bpf_obj_drop_impl(void *p__alloc, void *meta__ign)`
fn bpf_obj_drop_impl(m: &mut Machine<'_>, [object, ..]: [u64; 5]) -> Result<u64, Stop> {
    release(m, object)?;
    Ok(0)
}

/// `void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign)`
fn bpf_refcount_acquire_impl(m: &mut Machine<'_>, [object, ..]: [u64; 5]) -> Result<u64, Stop> {
    acquire(m, object)
}

/// `void *bpf_kptr_xchg(void *dst, void *ptr)`
fn bpf_kptr_xchg(m: &mut Machine<'_>, [place, new, ..]: [u64; 5]) -> Result<u64, Stop> {
    let old = m.memory.read_u64(place)?;
    m.memory.put(place, &new.to_le_bytes())?;
    Ok(old)
}

/// `void *bpf_per_cpu_ptr(const void *percpu_ptr, u32 cpu)`
fn bpf_per_cpu_ptr(_: &mut Machine<'_>, [object, cpu, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(if cpu & 0xffff_ffff == 0 { object } else { 0 })
}

/// `void *bpf_this_cpu_ptr(const void *percpu_ptr)`
fn bpf_this_cpu_ptr(_: &mut Machine<'_>, [object, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(object)
}

/// Ends the object around a node that cannot be put into a list or tree.
pub(super) fn refuse(m: &mut Machine<'_>, node: Address) -> Result<(), Stop> {
    release(m, split(node).0.at(0))
}
