//! Finding types by their names.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::{Btf, Kind, Type, TypeId};

/// `name` without the flavour behind its last `___`: `task_struct` for `task_struct___old`. Loaders match kernel types
/// by this part (`bpf_core_essential_name_len` of libbpf).
pub fn essential_name(name: &str) -> &str {
    &name[..essential_length(name.as_bytes())]
}

fn essential_length(name: &[u8]) -> usize {
    // Of three underscores in a row one is at every third place, beside another. Nearly all names stop here.
    let is = |at: usize| name.get(at) == Some(&b'_');
    if !(2..name.len()).step_by(3).any(|at| is(at) && (is(at - 1) || is(at + 1))) {
        return name.len();
    }
    // A separator is `___` between two characters that are no underscores.
    name.windows(5)
        .rposition(|at| matches!(at, [before, b'_', b'_', b'_', after] if *before != b'_' && *after != b'_'))
        .map_or(name.len(), |at| at + 1)
}

/// Chains of types whose essential names share a hash, in ascending order of numbers.
#[derive(Clone, Debug)]
pub(crate) struct NameIndex {
    /// The first type of each chain as its position plus one; 0 is the end.
    heads: Vec<u32>,
    /// The next type of the chain, per type.
    next: Vec<u32>,
}

impl NameIndex {
    #[expect(clippy::cast_possible_truncation, reason = "numbers of types fit in 32 bits")]
    fn of(btf: &Btf<'_>) -> Self {
        let (bytes, offsets) = (btf.own_type_bytes(), btf.own_offsets());
        let mut heads = vec![0; offsets.len().next_power_of_two().max(16)];
        let mut next = vec![0; offsets.len()];
        for (position, &offset) in offsets.iter().enumerate().rev() {
            let name = btf.string_bytes(btf.endian().u32_at(bytes, offset as usize));
            if !name.is_empty() {
                let bucket = bucket(&name[..essential_length(name)], heads.len());
                let head = &mut heads[bucket];
                next[position] = *head;
                *head = position as u32 + 1;
            }
        }
        NameIndex { heads, next }
    }

    fn chain(&self, essential: &str) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.heads[bucket(essential.as_bytes(), self.heads.len())];
        std::iter::from_fn(move || {
            let position = at.checked_sub(1)?;
            at = self.next[position as usize];
            Some(position)
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits matter")]
fn bucket(name: &[u8], buckets: usize) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(name);
    hasher.finish() as usize & (buckets - 1)
}

impl Btf<'_> {
    /// Types whose name without its flavour is `essential`, those of the base first, in ascending order.
    pub fn find_essential<'b, 'n>(
        &'b self,
        essential: &'n str,
    ) -> impl Iterator<Item = Type<'b>> + use<'b, 'n> {
        let this: &'b Btf<'b> = self;
        let mut parts = vec![this];
        while let Some(base) = parts.last().and_then(|part| part.base()) {
            parts.push(base);
        }
        parts.into_iter().rev().flat_map(move |part| {
            let index = part.index.get_or_init(|| NameIndex::of(part));
            index
                .chain(essential)
                .filter_map(move |position| this.get(TypeId(part.first_own().0 + position)))
                .filter(move |ty| essential_name(ty.name()) == essential)
        })
    }

    /// Types of this name, those of the base first, in ascending order.
    pub fn find_all<'b, 'n>(
        &'b self,
        name: &'n str,
    ) -> impl Iterator<Item = Type<'b>> + use<'b, 'n> {
        self.find_essential(essential_name(name)).filter(move |ty| ty.name() == name)
    }

    /// The first type of this name and kind.
    pub fn find(&self, name: &str, kind: Kind) -> Option<Type<'_>> {
        self.find_all(name).find(|ty| ty.kind() == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn flavours_are_cut_off() {
        for (name, expected) in [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("___b", "___b"),
            ("a___", "a___"),
            ("a__b", "a__b"),
            ("", ""),
            ("bpf_map___x", "bpf_map"),
        ] {
            assert_eq!(essential_name(name), expected, "{name}");
        }
    }
}
