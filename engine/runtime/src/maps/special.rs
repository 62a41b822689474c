//! Parts of values that belong to the kernel: locks, timers, lists, pointers to objects. Updates leave them alone, and user
//! space sees zeros in their place.

use std::ops::Range;

use bpf_object::Definition;
use btf::{Btf, Kind, TypeId};

/// How deep structures are looked into.
const DEPTH: u32 = 8;
/// How many types are looked at for a map, so that structures which hold others many times over take no time.
const LOOKS: u32 = 4096;
/// The most parts of a value (`BTF_FIELDS_MAX`).
const MOST: usize = 11;
/// Structures whose bytes belong to the kernel.
const STRUCTURES: [&str; 10] = [
    "bpf_list_head",
    "bpf_list_node",
    "bpf_rb_node",
    "bpf_rb_root",
    "bpf_refcount",
    "bpf_res_spin_lock",
    SPIN_LOCK,
    "bpf_task_work",
    "bpf_timer",
    "bpf_wq",
];
const SPIN_LOCK: &str = "bpf_spin_lock";
/// Attributes of pointers that the kernel keeps.
const POINTERS: [&str; 4] = ["kptr", "kptr_untrusted", "percpu_kptr", "uptr"];

/// The parts of the values of a map.
#[derive(Clone, Debug, Default)]
pub(super) struct Special {
    ranges: Vec<Range<usize>>,
    /// There is a `struct bpf_spin_lock`, so that `BPF_F_LOCK` means something.
    pub(super) has_lock: bool,
}

impl Special {
    pub(super) fn new(types: Option<&Btf<'_>>, definition: &Definition) -> Self {
        let mut special = Self::default();
        if let Some(types) = types {
            special.find(types, definition.value_type, 0, DEPTH, &mut { LOOKS });
        }
        special.ranges.sort_by_key(|range| range.start);
        special
    }

    fn find(&mut self, types: &Btf<'_>, id: TypeId, at: u64, depth: u32, looks: &mut u32) {
        let Some(ty) = types.resolve(id) else { return };
        if depth == 0 || *looks == 0 || self.ranges.len() >= MOST {
            return;
        }
        *looks -= 1;
        match ty.kind() {
            Kind::Struct if STRUCTURES.contains(&ty.name()) => {
                self.has_lock |= ty.name() == SPIN_LOCK;
                self.add(at, ty.size().unwrap_or(0).into());
            }
            Kind::Struct => {
                for member in ty.members().iter().filter(|member| member.bitfield == 0) {
                    self.find(
                        types,
                        member.ty,
                        at + u64::from(member.bit_offset / 8),
                        depth - 1,
                        looks,
                    );
                }
            }
            Kind::Array => {
                let Some(array) = ty.array() else { return };
                let size = types.size_of(array.element).unwrap_or(0);
                // What is not found in the first element is in no other.
                let before = self.ranges.len();
                for index in 0..u64::from(array.length) {
                    self.find(types, array.element, at + index * size, depth - 1, looks);
                    if self.ranges.len() == before || self.ranges.len() >= MOST {
                        break;
                    }
                }
            }
            Kind::Ptr => {
                let tag = ty.target().and_then(|target| types.get(target));
                let tag = tag.filter(|tag| tag.kind() == Kind::TypeTag);
                if tag.is_some_and(|tag| POINTERS.contains(&tag.name())) {
                    self.add(at, 8);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, at: u64, len: u64) {
        let place = usize::try_from(at).ok().zip(usize::try_from(len).ok());
        if let Some((start, len)) = place {
            self.ranges.push(start..start.saturating_add(len));
        }
    }

    /// Copies a value, except for these parts.
    pub(super) fn copy(&self, to: &mut [u8], from: &[u8]) {
        let mut at = 0;
        let len = to.len().min(from.len());
        let end = std::iter::once(len..len);
        for range in self.ranges.iter().cloned().chain(end) {
            let part = at..range.start.min(len);
            if let (Some(to), Some(from)) = (to.get_mut(part.clone()), from.get(part)) {
                to.copy_from_slice(from);
            }
            at = at.max(range.end);
        }
    }

    /// The value with zeros in these parts.
    pub(super) fn hide(&self, mut value: Vec<u8>) -> Vec<u8> {
        for range in &self.ranges {
            if let Some(part) = value.get_mut(range.clone()) {
                part.fill(0);
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_kernel_stay() {
        let special = Special { ranges: vec![2..4, 6..7], has_lock: false };
        let mut value = [9; 8];
        special.copy(&mut value, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(value, [1, 2, 9, 9, 5, 6, 9, 8]);
        assert_eq!(special.hide(value.to_vec()), [1, 2, 0, 0, 5, 6, 0, 8]);
        Special::default().copy(&mut value, &[0; 8]);
        assert_eq!(value, [0; 8]);
    }
}
