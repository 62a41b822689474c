//! Map types: what they are created with, and what programs may do with them.

use crate::Version;
use crate::generated::maps::{HELPER_MAPS, MAP_TYPES};

/// A map type, as in `enum bpf_map_type`.
#[derive(PartialEq, Eq, Debug)]
pub struct MapType {
    /// The kernel's name in lower case without the prefix: `percpu_hash`.
    pub name: &'static str,
    /// The number in `enum bpf_map_type`.
    pub id: u32,
    /// The first release that has it.
    pub since: Version,
    /// One sentence on what it holds.
    pub what: &'static str,
    /// The sizes of keys it takes, in bytes.
    pub key_size: SizeRule,
    /// The sizes of values it takes, in bytes. The kernel also limits what it can allocate.
    pub value_size: SizeRule,
    /// The numbers of entries it takes.
    pub max_entries: SizeRule,
    /// The flags it may be created with: lower case, without `BPF_F_`.
    pub flags: &'static [&'static str],
    /// The flags it must be created with.
    pub required_flags: &'static [&'static str],
    /// The only helpers that take it, if it is picky ([`MapType::accepts`]).
    pub helpers: Option<&'static [&'static str]>,
    /// The special fields a value may have.
    pub fields: &'static [MapField],
    /// Whether `bpf_for_each_map_elem` works.
    pub for_each: bool,
    /// Whether there is a value for each CPU.
    pub percpu: bool,
    /// Whether it needs an inner map.
    pub inner_map: bool,
    /// Whether it needs BTF types for key and value.
    pub needs_btf: bool,
    /// Whether sleepable programs may use it.
    pub sleepable: bool,
    /// Whether a value that helpers take is a socket instead of memory.
    pub socket_values: bool,
    /// Whether programs may only read its values, whatever the flags say.
    pub read_only: bool,
    /// Whether an instruction may load the address of a value.
    pub direct_value: DirectValue,
    /// What `bpf_map_lookup_elem` gives.
    pub lookup: LookupResult,
    /// What else there is to know; empty if nothing.
    pub note: &'static str,
    /// Where the row is known from.
    pub source: &'static str,
}

/// Which sizes are taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SizeRule {
    /// The least.
    pub min: u32,
    /// The greatest.
    pub max: u32,
    /// Which of those between.
    pub step: Step,
}

/// Which sizes between two limits are taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// Multiples of a number.
    MultipleOf(u32),
    /// Powers of two.
    PowerOfTwo,
}

impl SizeRule {
    /// Whether `size` is taken.
    pub fn allows(self, size: u32) -> bool {
        let step = match self.step {
            Step::MultipleOf(number) => size.is_multiple_of(number),
            Step::PowerOfTwo => size.is_power_of_two(),
        };
        step && (self.min..=self.max).contains(&size)
    }
}

/// A special field of a map value (`enum btf_field_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MapField {
    /// `struct bpf_spin_lock`.
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    ResSpinLock,
    /// `struct bpf_timer`.
    Timer,
    /// `struct bpf_wq`.
    Workqueue,
    /// `struct bpf_task_work`.
    TaskWork,
    /// A pointer to a kernel object: `__kptr`, `__kptr_untrusted`, `__percpu_kptr`.
    Kptr,
    /// `struct bpf_refcount`.
    Refcount,
    /// `struct bpf_list_head`.
    ListHead,
    /// `struct bpf_rb_root`.
    RbRoot,
    /// A pointer to user memory: `__uptr`.
    Uptr,
}

/// Whether an instruction may load the address of a value (`BPF_PSEUDO_MAP_VALUE`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DirectValue {
    /// No.
    Never,
    /// If the map has one element.
    Single,
    /// Yes.
    Always,
}

/// What `bpf_map_lookup_elem` gives when it does not give NULL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LookupResult {
    /// A pointer to the value.
    Value,
    /// A map.
    Map,
    /// A socket with a reference (`PTR_TO_SOCKET`).
    Socket,
    /// An AF_XDP socket (`PTR_TO_XDP_SOCK`).
    XdpSocket,
}

impl MapType {
    /// Whether a helper that takes a map takes one of this type (the kernel's `check_map_func_compatibility`).
    ///
    /// What depends on the program beyond that is in [`MapType::note`].
    pub fn accepts(&self, helper: &str) -> bool {
        let by_map = self.helpers.is_none_or(|helpers| helpers.contains(&helper));
        let row = HELPER_MAPS.iter().find(|(name, _)| *name == helper);
        by_map && row.is_none_or(|(_, maps)| maps.contains(&self.name))
    }
}

/// The map type called `name` in the kernel.
pub fn map_type(name: &str) -> Option<&'static MapType> {
    MAP_TYPES.iter().find(|row| row.name == name)
}

/// The map type with the number `id`.
pub fn map_type_by_id(id: u32) -> Option<&'static MapType> {
    MAP_TYPES.iter().find(|row| row.id == id)
}

/// All map types, in the order of `enum bpf_map_type`.
pub fn map_types() -> &'static [MapType] {
    &MAP_TYPES
}
