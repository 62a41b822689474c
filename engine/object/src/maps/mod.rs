//! Maps of an object: those it defines, and those that loaders make of its variables.

mod data;
mod definition;
mod initial;
mod legacy;
mod struct_ops;

use btf::TypeId;

use crate::Error;
use crate::elf::Elf;
use crate::object::{FunctionIndex, MapIndex, Object};

pub use struct_ops::StructOps;

/// Where variables of the arena are.
pub(crate) const ARENA_SECTION: &str = ".addr_space.1";

/// Values of `enum bpf_map_type` that loaders treat in a way of their own.
pub(crate) mod map_type {
    pub(crate) const ARRAY: u32 = 2;
    pub(crate) const PROG_ARRAY: u32 = 3;
    pub(crate) const ARRAY_OF_MAPS: u32 = 12;
    pub(crate) const HASH_OF_MAPS: u32 = 13;
    pub(crate) const STRUCT_OPS: u32 = 26;
    pub(crate) const RINGBUF: u32 = 27;
    pub(crate) const USER_RINGBUF: u32 = 31;
    pub(crate) const ARENA: u32 = 33;

    /// Types of maps that the kernel takes no types of keys and values for (`bpf_object__create_map` of libbpf): perf
    /// event, cgroup, stack trace, map, device, processor, socket and XDP socket arrays and hashes, queues and stacks.
    const UNTYPED: [u32; 15] =
        [4, 7, 8, ARRAY_OF_MAPS, HASH_OF_MAPS, 14, 15, 16, 17, 18, 22, 23, 25, STRUCT_OPS, ARENA];

    pub(crate) fn is_untyped(ty: u32) -> bool {
        UNTYPED.contains(&ty)
    }

    pub(crate) fn holds_maps(ty: u32) -> bool {
        matches!(ty, ARRAY_OF_MAPS | HASH_OF_MAPS)
    }
}

/// `BPF_F_RDONLY_PROG`.
const READ_ONLY: u32 = 1 << 7;
/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;
/// `BPF_F_LINK`.
const LINK: u32 = 1 << 13;

/// A map as it is created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// Its name in the object: a variable, or the section of variables.
    pub name: String,
    /// Where it comes from.
    pub kind: MapKind,
    /// What it is made with.
    pub definition: Definition,
    /// The maps it holds, for a map of maps.
    pub inner: Option<Definition>,
    /// Elements it holds from the beginning, in ascending order.
    pub slots: Vec<(u32, Slot)>,
    /// The bytes of its value for sections of variables; shorter than the value if the rest is zero. For an arena, the
    /// bytes of the variables in it, which belong at its beginning: kernels to 6.18 allow no reference to its end.
    pub data: Vec<u8>,
    /// Whether it is pinned by its name.
    pub pinned: bool,
    /// Whether it is created by default; `?` before the section says no.
    pub autocreate: bool,
    /// More about a `struct_ops` map.
    pub struct_ops: Option<StructOps>,
    /// Its section in the file.
    pub(crate) section: usize,
    /// Its place there.
    pub(crate) offset: u64,
}

/// Where a [`Map`] comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MapKind {
    /// A variable in `.maps`.
    Defined,
    /// A variable in `maps`, as before libbpf 1.0.
    Legacy,
    /// A section of variables.
    Data(DataKind),
    /// The values of configuration.
    Config,
    /// A variable in `.struct_ops` or `.struct_ops.link`.
    StructOps,
}

/// What may be done with the variables of a section.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DataKind {
    /// `.data` and `.data.*`.
    Data,
    /// `.rodata` and `.rodata.*`: read-only, and frozen before programs are loaded.
    ReadOnly,
    /// `.bss` and `.bss.*`: zero at the beginning.
    Zero,
}

/// The numbers that a map is created with.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Definition {
    /// The value of `enum bpf_map_type`.
    pub map_type: u32,
    /// The size of a key in bytes.
    pub key_size: u32,
    /// The size of a value in bytes.
    pub value_size: u32,
    /// How many elements it can hold. 0 in a perf event array means one per processor.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// `map_extra`.
    pub extra: u64,
    /// The memory node.
    pub numa_node: u32,
    /// The type of a key in the type information of the object. In a linked object, maps of types that the kernel takes
    /// no types for have none.
    pub key_type: TypeId,
    /// The type of a value: of a data section, the section.
    pub value_type: TypeId,
}

/// An initial element of a map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Slot {
    /// A map, in a map of maps.
    Map(MapIndex),
    /// A program, in a program array.
    Program(FunctionIndex),
}

impl Map {
    fn new(name: &str, kind: MapKind, definition: Definition, section: usize) -> Self {
        Map {
            name: name.to_owned(),
            kind,
            definition,
            inner: None,
            slots: Vec::new(),
            data: Vec::new(),
            pinned: false,
            autocreate: true,
            struct_ops: None,
            section,
            offset: 0,
        }
    }

    /// The name that the kernel shows, at most 15 characters, if the file is called `file`. For sections of variables it
    /// begins with a part of that, unless they have a name of their own, such as `.data.mine`.
    pub fn kernel_name(&self, file: &str) -> String {
        const LONGEST: usize = 15;
        let internal = matches!(self.kind, MapKind::Data(_) | MapKind::Config);
        let name = if internal {
            let own = self.name.get(1..).is_some_and(|rest| rest.contains('.'));
            let suffix = self.name.len().clamp(7, LONGEST);
            let prefix = if own { 0 } else { LONGEST - suffix };
            let object = file.split('.').next().unwrap_or_default();
            object.chars().take(prefix).chain(self.name.chars().take(suffix)).collect()
        } else {
            self.name.clone()
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        name.chars().take(LONGEST).map(|c| if allowed(c) { c } else { '_' }).collect()
    }
}

/// Finds all maps.
pub(crate) fn collect(elf: &Elf<'_>, object: &mut Object) -> Result<(), Error> {
    let mut maps = Vec::new();
    legacy::collect(elf, &mut maps)?;
    if let Some(btf) = &object.btf {
        definition::collect(elf, btf, &mut maps)?;
    } else if elf.find(".maps").is_some() {
        return Err(crate::Problem::NoBtf.in_section(".maps"));
    }
    object.arena = data::arena(elf, &mut maps)?;
    data::collect(elf, object.btf.as_ref(), &mut maps);
    data::config(elf, object.btf.as_ref(), &object.externs, &mut maps);
    if let Some(btf) = &object.btf {
        struct_ops::collect(elf, btf, &mut maps)?;
    }
    object.maps = maps;
    Ok(())
}

/// Fills in what the relocations in the section `entries` say about the section `target`.
pub(crate) fn relocate(
    elf: &Elf<'_>,
    object: &mut Object,
    target: usize,
    entries: usize,
) -> Result<(), Error> {
    match elf.sections.get(target).map(|section| section.name) {
        Some(".maps") => initial::relocate(elf, object, target, entries),
        Some(name) if struct_ops::is_section(name) => {
            struct_ops::relocate(elf, object, target, entries)
        }
        _ => Ok(()),
    }
}
