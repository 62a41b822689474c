//! Maps that the kernel refuses to create, which loaders notice before they load programs (`map_create` of
//! kernel/bpf/syscall.c and what it calls in each type of map).
//!
//! The kernel says nothing but an errno, so that the words are our own: ``map `counts` cannot be created: …``.

use bpf_object::{Definition, Map, MapIndex, MapKind, Slot};
use btf::TypeId;
use kernel_model::{Capability, MapType, SizeRule, Step, map_type_by_id};

use crate::cx::{Check, Cx, Errno, Reject, Stop};
use crate::program::{MapFacts, MapId, Program};

/// Why a map cannot be created.
type Refused<T = ()> = Result<T, (Errno, String)>;

/// Flags of `BPF_MAP_CREATE` by the names they have in the kernel model (include/uapi/linux/bpf.h).
const FLAGS: [(u32, &str); 16] = [
    (1 << 0, "no_prealloc"),
    (1 << 1, "no_common_lru"),
    (1 << 2, "numa_node"),
    (RDONLY, "rdonly"),
    (WRONLY, "wronly"),
    (1 << 5, "stack_build_id"),
    (ZERO_SEED, "zero_seed"),
    (RDONLY_PROG, "rdonly_prog"),
    (WRONLY_PROG, "wronly_prog"),
    (1 << 9, "clone"),
    (1 << 10, "mmapable"),
    (1 << 11, "preserve_elems"),
    (INNER_MAP, "inner_map"),
    (1 << 13, "link"),
    (1 << 17, "segv_on_fault"),
    (1 << 18, "no_user_conv"),
];
const RDONLY: u32 = 1 << 3;
const WRONLY: u32 = 1 << 4;
const STACK_BUILD_ID: u32 = 1 << 5;
const ZERO_SEED: u32 = 1 << 6;
const RDONLY_PROG: u32 = 1 << 7;
const WRONLY_PROG: u32 = 1 << 8;
const INNER_MAP: u32 = 1 << 12;

/// The longest piece of memory that is allocated as one (`KMALLOC_MAX_SIZE` with pages of 4 KiB).
const KMALLOC_MAX: u64 = 1 << 22;
/// What an element of a hash table has beside key and value (`sizeof(struct htab_elem)` of kernel/bpf/hashtab.c).
const HASH_ELEMENT: u64 = 48;
/// Buckets of a hash table (`U32_MAX / sizeof(struct bucket)`, rounded down to a power of two).
const MOST_BUCKETS: u32 = 1 << 27;
/// Local storage of an object (`BPF_LOCAL_STORAGE_MAX_VALUE_SIZE` of include/linux/bpf_local_storage.h).
const LOCAL_STORAGE_MAX: u32 = 65407;
/// Addresses in a stack trace, unless the administrator says more (`PERF_MAX_STACK_DEPTH`).
const STACK_TRACE_MAX: u32 = 127;
/// Processors that a kernel of a distribution is built for (`NR_CPUS`).
const MOST_CPUS: u32 = 8192;
/// Memory that no kernel has for a map: the area for it on x86-64 is 32 TiB.
const MOST_MEMORY: u64 = 1 << 45;
/// The number of the first type of map that the model does not have.
const FIRST_UNKNOWN: u32 = 34;

/// Maps that need `CAP_BPF`, and maps that need `CAP_NET_ADMIN` (`map_create`).
const NEED_BPF: [&str; 15] = [
    "sk_storage",
    "inode_storage",
    "task_storage",
    "cgrp_storage",
    "bloom_filter",
    "lpm_trie",
    "reuseport_sockarray",
    "stack_trace",
    "queue",
    "stack",
    "lru_hash",
    "lru_percpu_hash",
    "struct_ops",
    "cpumap",
    "arena",
];
const NEED_NET_ADMIN: [&str; 5] = ["sockmap", "sockhash", "devmap", "devmap_hash", "xskmap"];

/// Types that cannot be held by maps of maps (they have no `map_meta_equal`).
const NOT_HELD: [&str; 4] = ["prog_array", "cgroup_storage", "percpu_cgroup_storage", "struct_ops"];

/// The maps of the program, with those they hold from the beginning, can be created.
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let mut seen: Vec<MapIndex> = Vec::new();
    let mut next: Vec<MapIndex> =
        program.linked_program.map_references.iter().rev().map(|one| one.map).collect();
    while let Some(index) = next.pop() {
        if seen.contains(&index) {
            continue;
        }
        seen.push(index);
        let Some(facts) = facts(program, index) else { continue };
        if facts.map.kind == MapKind::StructOps {
            continue;
        }
        check_map(cx, facts)?;
        for &(_, slot) in facts.map.slots.iter().rev() {
            if let Slot::Map(held) = slot {
                next.push(held);
            }
        }
    }
    Ok(())
}

fn facts<'p, 'a>(program: &'p Program<'a>, index: MapIndex) -> Option<&'p MapFacts<'a>> {
    program.map(MapId { index: u32::try_from(index.0).ok()?, inner: false })
}

fn check_map(cx: &Cx<'_>, facts: &MapFacts<'_>) -> Check {
    let program = cx.program;
    let map = facts.map;
    for number in [Some(map.definition.map_type), map.inner.as_ref().map(|inner| inner.map_type)] {
        if number.is_some_and(|number| number >= FIRST_UNKNOWN) && is_newest(program) {
            return cx.unsupported(format!("the type of the map `{}`", map.name));
        }
    }
    let result = check_inner(program, map)
        .and_then(|()| check_definition(program, &map.definition, facts.record.error.is_none()))
        .and_then(|()| check_slots(program, facts));
    result.map_err(|(errno, why)| {
        let message = format!("map `{}` cannot be created: {why}", map.name);
        Stop::Reject(Box::new(Reject { errno, message }))
    })
}

/// The kernel is newer than what is modelled in full.
fn is_newest(program: &Program<'_>) -> bool {
    program.options.kernel > kernel_model::Version::NEWEST_MODELLED
}

/// The pattern for what a map of maps holds, which is created first and must be of a type that can be held
/// (`bpf_map_meta_alloc` of kernel/bpf/map_in_map.c).
fn check_inner(program: &Program<'_>, map: &Map) -> Refused {
    let holds_maps = map_type_by_id(map.definition.map_type).is_some_and(|ty| ty.inner_map);
    if !holds_maps {
        return Ok(());
    }
    let Some(inner) = &map.inner else {
        return Err((Errno::EINVAL, "it is not said what the maps are like that it holds".into()));
    };
    check_definition(program, inner, true)
        .map_err(|(errno, why)| (errno, format!("nor can the maps it holds: {why}")))?;
    match map_type_by_id(inner.map_type) {
        Some(ty) if ty.inner_map => Err((Errno::EINVAL, "it holds maps that hold maps".into())),
        Some(ty) if NOT_HELD.contains(&ty.name) => {
            Err((Errno::ENOTSUPP, format!("maps of the type {} cannot be held", ty.name)))
        }
        _ => Ok(()),
    }
}

/// `map_create`, with the checks of the type.
fn check_definition(program: &Program<'_>, definition: &Definition, has_types: bool) -> Refused {
    let Some(ty) = map_type_by_id(definition.map_type) else {
        return invalid(format!(
            "there is no type of maps with the number {}",
            definition.map_type
        ));
    };
    if ty.since > program.options.kernel {
        return invalid(format!("maps of the type {} were introduced in {}", ty.name, ty.since));
    }
    if definition.extra != 0 && !matches!(ty.name, "bloom_filter" | "arena") {
        return invalid(format!("the type {} takes no map_extra", ty.name));
    }
    check_flags(program, ty, definition)?;
    let entries = match ty.name {
        // Loaders make it one for each processor.
        "perf_event_array" => definition.max_entries.max(1),
        _ => definition.max_entries,
    };
    check_size(ty, "a key", ty.key_size, definition.key_size)?;
    check_size(ty, "a value", ty.value_size, definition.value_size)?;
    check_entries(ty, entries)?;
    check_limits(ty, definition, entries)?;
    let typed = program.btf.is_some() && has_types;
    let typed = typed && definition.key_type != TypeId::VOID;
    if ty.needs_btf && !(typed && definition.value_type != TypeId::VOID) {
        return invalid(format!(
            "the type {} needs the types of key and value, and the key must be an int",
            ty.name
        ));
    }
    check_privileges(program, ty)
}

fn invalid<T>(why: String) -> Refused<T> {
    Err((Errno::EINVAL, why))
}

fn check_flags(program: &Program<'_>, ty: &MapType, definition: &Definition) -> Refused {
    let flags = definition.flags;
    if flags & RDONLY != 0 && flags & WRONLY != 0 {
        return invalid("it has both BPF_F_RDONLY and BPF_F_WRONLY".into());
    }
    let is_hash = matches!(ty.name, "hash" | "hash_of_maps" | "lru_hash") || is_percpu_hash(ty);
    if is_hash && flags & ZERO_SEED != 0 && !program.may(Capability::SysAdmin) {
        return Err((Errno::EPERM, "BPF_F_ZERO_SEED needs CAP_SYS_ADMIN".into()));
    }
    for bit in (0..u32::BITS).map(|bit| 1 << bit).filter(|bit| flags & bit != 0) {
        let name = FLAGS.iter().find(|(flag, _)| *flag == bit).map(|(_, name)| *name);
        if name.is_some_and(|name| ty.flags.contains(&name)) {
            continue;
        }
        let shown =
            name.map_or(format!("{bit:#x}"), |name| format!("BPF_F_{}", name.to_uppercase()));
        // Caches need all their elements from the beginning.
        let is_lru =
            matches!(ty.name, "lru_hash" | "lru_percpu_hash") && name == Some("no_prealloc");
        let errno = if is_lru { Errno::ENOTSUPP } else { Errno::EINVAL };
        return Err((errno, format!("the type {} does not take the flag {shown}", ty.name)));
    }
    if flags & RDONLY_PROG != 0 && flags & WRONLY_PROG != 0 {
        return invalid("it has both BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG".into());
    }
    for name in ty.required_flags {
        if !FLAGS.iter().any(|(flag, one)| one == name && flags & flag != 0) {
            let name = name.to_uppercase();
            return invalid(format!("the type {} needs the flag BPF_F_{name}", ty.name));
        }
    }
    Ok(())
}

fn is_percpu_hash(ty: &MapType) -> bool {
    matches!(ty.name, "percpu_hash" | "lru_percpu_hash")
}

/// The size of a key or value.
fn check_size(ty: &MapType, what: &str, rule: SizeRule, size: u32) -> Refused {
    // What does not fit a processor's memory is rounded up before it is compared.
    if rule.allows(size) {
        return Ok(());
    }
    let too_big = size > rule.max
        && matches!(
            ty.name,
            "percpu_hash"
                | "percpu_array"
                | "lru_percpu_hash"
                | "cgroup_storage"
                | "percpu_cgroup_storage"
                | "sockhash"
        );
    let errno = if too_big { Errno::E2BIG } else { Errno::EINVAL };
    Err((errno, format!("{what} has {size} bytes, and the type {} takes {}", ty.name, words(rule))))
}

fn check_entries(ty: &MapType, entries: u32) -> Refused {
    let rule = ty.max_entries;
    if rule.allows(entries) {
        return Ok(());
    }
    let wanted = words(rule);
    invalid(format!("max_entries is {entries}, and the type {} takes {wanted}", ty.name))
}

/// The sizes that a rule takes.
fn words(rule: SizeRule) -> String {
    let SizeRule { min, max, step } = rule;
    let step = match step {
        Step::MultipleOf(0 | 1) => String::new(),
        Step::MultipleOf(number) => format!(", in steps of {number}"),
        Step::PowerOfTwo => ", powers of two".to_owned(),
    };
    match (min, max) {
        (min, max) if min == max => format!("{min}"),
        (min, u32::MAX) => format!("{min} or more{step}"),
        (min, max) => format!("{min} to {max}{step}"),
    }
}

/// What types ask beyond the rows of the kernel model.
fn check_limits(ty: &MapType, definition: &Definition, entries: u32) -> Refused {
    let Definition { key_size, value_size, flags, extra, .. } = *definition;
    let (key, value) = (u64::from(key_size), u64::from(value_size));
    let too_big = |what: &str, limit: u64| {
        Err((Errno::E2BIG, format!("{what}, and the type {} takes at most {limit}", ty.name)))
    };
    let bytes = format!("a value has {value} bytes");
    let many = format!("max_entries is {entries}");
    match ty.name {
        "array" | "reuseport_sockarray" if value > u64::from(i32::MAX.unsigned_abs()) => {
            return too_big(&bytes, u64::from(i32::MAX.unsigned_abs()));
        }
        "hash" | "percpu_hash" | "lru_hash" | "lru_percpu_hash" | "hash_of_maps" => {
            if key + value >= KMALLOC_MAX - HASH_ELEMENT {
                let both = format!("key and value have {} bytes", key + value);
                return too_big(&both, KMALLOC_MAX - HASH_ELEMENT - 1);
            }
            if entries > MOST_BUCKETS {
                return too_big(&many, MOST_BUCKETS.into());
            }
        }
        "stack_trace" => {
            let entry = if flags & STACK_BUILD_ID != 0 { 32 } else { 8 };
            if value_size % entry != 0 || value_size / entry > STACK_TRACE_MAX {
                return invalid(format!(
                    "{bytes}, and it takes up to {STACK_TRACE_MAX} entries of {entry} bytes"
                ));
            }
            if entries > 1 << 31 {
                return too_big(&many, 1 << 31);
            }
        }
        "lpm_trie" if value > KMALLOC_MAX - 300 => {
            return invalid(format!("{bytes}, and they must fit into {KMALLOC_MAX} with the key"));
        }
        "sk_storage" | "inode_storage" | "task_storage" | "cgrp_storage"
            if value_size > LOCAL_STORAGE_MAX =>
        {
            return too_big(&bytes, LOCAL_STORAGE_MAX.into());
        }
        "queue" | "stack" | "bloom_filter" if value > KMALLOC_MAX => {
            return too_big(&bytes, KMALLOC_MAX);
        }
        "bloom_filter" if extra > 15 => {
            return invalid(format!(
                "map_extra is {extra}, and there are at most 15 hash functions"
            ));
        }
        "cpumap" if entries > MOST_CPUS => return too_big(&many, MOST_CPUS.into()),
        "devmap_hash" if entries > 1 << 31 => {
            return invalid(format!("{many}, and there are at most {} buckets", 1_u32 << 31));
        }
        "sockhash" if entries > MOST_BUCKETS => {
            return invalid(format!("{many}, and there are at most {MOST_BUCKETS} buckets"));
        }
        "arena" => check_arena(extra, entries)?,
        _ => {}
    }
    let element = match ty.name {
        "array" => value.next_multiple_of(8),
        "hash" | "lru_hash" if flags & 1 == 0 => {
            HASH_ELEMENT + key.next_multiple_of(8) + value.next_multiple_of(8)
        }
        _ => 0,
    };
    if element.saturating_mul(entries.into()) > MOST_MEMORY {
        let why = format!("there is no memory for {entries} elements of {element} bytes");
        return Err((Errno::ENOMEM, why));
    }
    Ok(())
}

/// The addresses of an arena (`arena_map_alloc` of kernel/bpf/arena.c).
fn check_arena(extra: u64, entries: u32) -> Refused {
    if !extra.is_multiple_of(4096) {
        return invalid(format!("map_extra is {extra:#x}, which is no address of a page"));
    }
    let range = u64::from(entries) * 4096;
    if range > 1 << 32 {
        let why = format!("max_entries is {entries}, and an arena has at most {} pages", 1 << 20);
        return Err((Errno::E2BIG, why));
    }
    if extra >> 32 != extra.saturating_add(range - 1) >> 32 {
        let why = "its addresses, which begin at map_extra, cross a multiple of 4 GiB";
        return Err((Errno::ERANGE, why.into()));
    }
    Ok(())
}

fn check_privileges(program: &Program<'_>, ty: &MapType) -> Refused {
    let (needed, capability) = match ty.name {
        name if NEED_BPF.contains(&name) => ("CAP_BPF", Capability::Bpf),
        name if NEED_NET_ADMIN.contains(&name) => ("CAP_NET_ADMIN", Capability::NetAdmin),
        _ => return Ok(()),
    };
    if program.may(capability) {
        return Ok(());
    }
    Err((Errno::EPERM, format!("maps of the type {} need {needed}", ty.name)))
}

/// The maps that a map of maps holds from the beginning are like its pattern (`bpf_map_meta_equal` of
/// kernel/bpf/map_in_map.c), and there is room for them.
fn check_slots(program: &Program<'_>, facts: &MapFacts<'_>) -> Refused {
    let Some(pattern) = &facts.map.inner else { return Ok(()) };
    for &(key, slot) in &facts.map.slots {
        let Slot::Map(index) = slot else { continue };
        if key >= facts.map.definition.max_entries {
            let most = facts.map.definition.max_entries;
            return Err((
                Errno::E2BIG,
                format!("element {key} is filled, and max_entries is {most}"),
            ));
        }
        let Some(held) = self::facts(program, index) else { continue };
        let definition = &held.map.definition;
        let difference = [
            (pattern.map_type != definition.map_type, "type"),
            (pattern.key_size != definition.key_size, "key_size"),
            (pattern.value_size != definition.value_size, "value_size"),
            (pattern.flags != definition.flags, "map_flags"),
            (must_be_as_long(pattern, definition), "max_entries"),
            (facts.inner_record.fields != held.record.fields, "special fields in its values"),
        ];
        if let Some((_, what)) = difference.iter().find(|(differs, _)| *differs) {
            let name = &held.map.name;
            return invalid(format!("element {key} is `{name}`, whose {what} is not as declared"));
        }
    }
    Ok(())
}

/// Arrays must have as many elements as the pattern, unless they say otherwise (`array_map_meta_equal`).
fn must_be_as_long(pattern: &Definition, held: &Definition) -> bool {
    let is_array = map_type_by_id(pattern.map_type).is_some_and(|ty| ty.name == "array");
    is_array && pattern.flags & INNER_MAP == 0 && pattern.max_entries != held.max_entries
}
