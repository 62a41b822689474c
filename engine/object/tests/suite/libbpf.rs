//! Linked programs are what libbpf makes of them: see `tests/libbpf` at the root of the repository for the recordings.

use std::fs;
use std::path::Path;

use bpf_object::{
    Kernel, KernelConfig, Linked, Map, MapKind, Object, Program, kernel_version, link, vmlinux,
};
use btf::{Kind, TypeId};
use serde_json::{Value, json};

use crate::{VFS_READ, data, made_up, types};

/// A recording, and the object it is of.
struct Recording {
    /// The name of the file without its `.o`.
    name: String,
    object: Vec<u8>,
    said: Value,
}

/// The recordings in a folder, whose objects are in another one. Those of objects that have changed since are left out,
/// and counted.
fn recordings(folder: &Path, objects: &Path) -> (Vec<Recording>, usize) {
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = files
        .map(|file| file.expect("readable").file_name().into_string().expect("a plain name"))
        .filter_map(|name| name.strip_suffix(".libbpf.json").map(str::to_owned))
        .collect();
    names.sort();
    let (mut fresh, mut stale) = (Vec::new(), 0);
    for name in names {
        let text = fs::read_to_string(folder.join(format!("{name}.libbpf.json")));
        let said: Value = serde_json::from_str(&text.expect("readable")).expect("JSON");
        match fs::read(objects.join(format!("{name}.o"))) {
            Ok(object) if said["object"] == hash(&object) => {
                fresh.push(Recording { name, object, said });
            }
            _ => stale += 1,
        }
    }
    (fresh, stale)
}

/// The numbers and bytes of a recording: their length and FNV-1a hash.
fn hash(bytes: &[u8]) -> Value {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{}:{hash:016x}", bytes.len()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A map as the recorder writes it down.
fn map(map: &Map, file: &str) -> Value {
    let definition = &map.definition;
    let internal = matches!(map.kind, MapKind::Data(_) | MapKind::Config);
    let name = if internal { libbpf_name(map, file) } else { map.name.clone() };
    let mut data = map.data.clone();
    data.resize(definition.value_size as usize, 0);
    json!({
        "name": name,
        "type": definition.map_type,
        "key_size": definition.key_size,
        "value_size": definition.value_size,
        "max_entries": definition.max_entries,
        "flags": definition.flags,
        "extra": definition.extra,
        "numa_node": definition.numa_node,
        "key_type": definition.key_type.0,
        "value_type": definition.value_type.0,
        "autocreate": map.autocreate,
        "data": match map.kind {
            MapKind::Data(_) | MapKind::Config => hash(&data),
            MapKind::Defined if !map.data.is_empty() => hash(&map.data),
            _ => Value::Null,
        },
    })
}

/// libbpf calls maps of sections with names of their own by those, in full.
fn libbpf_name(map: &Map, file: &str) -> String {
    if map.name[1..].contains('.') { map.name.clone() } else { map.kernel_name(file) }
}

/// A program as the recorder writes it down, apart from its records of lines and functions.
fn program(linked: &Linked<'_>, program: &Program, kernel: &Kernel<'_>) -> (Value, Value) {
    let endian = linked.object.endian;
    let mut bytes = program.to_bytes(endian, |map| i32::try_from(map.0).expect("few"));
    let mut names = serde_json::Map::new();
    let mut at = 0;
    while at < program.insns.len() {
        let insn = program.insns[at];
        let of_kernel = matches!((insn.opcode, insn.src), (0x18, 3) | (0x85, 2));
        // A program in assembler may name what is not there.
        let name = kernel.btf.get(TypeId(insn.imm.cast_unsigned())).map_or("", |ty| ty.name());
        let address = insn.opcode == 0x18 && insn.src == 0 && {
            let wide = u64::from(insn.imm.cast_unsigned())
                | u64::from(program.insns[at + 1].imm.cast_unsigned()) << 32;
            wide == VFS_READ
        };
        if of_kernel {
            names.insert(at.to_string(), name.into());
        } else if address {
            names.insert(at.to_string(), "vfs_read".into());
            bytes[8 * at + 12..8 * at + 16].fill(0);
        }
        if of_kernel || address {
            bytes[8 * at + 4..8 * at + 8].fill(0);
        }
        at += if insn.opcode == 0x18 { 2 } else { 1 };
    }
    (hex(&bytes).into(), names.into())
}

/// Links an object and compares it with its recording; the result is how many programs were compared.
fn compare(recording: &Recording, kernel: &Kernel<'_>) -> usize {
    let Recording { name, object, said } = recording;
    if said.get("error").is_some() {
        return 0;
    }
    let object = Object::parse(object).unwrap_or_else(|error| panic!("{name}: {error}"));
    let linked = link(&object, kernel);
    let created = said["created"].as_bool().expect("true or false");
    let maps = if created { &linked.maps } else { &object.maps };
    let mut maps: Vec<Value> = maps.iter().map(|one| map(one, name)).collect();
    let theirs = said["maps"].as_array().expect("a list");
    for (index, (ours, theirs)) in maps.iter_mut().zip(theirs).enumerate() {
        // libbpf forgets the bytes of maps that cannot be shared with user space.
        if theirs["data"].is_null() {
            ours["data"] = Value::Null;
        }
        // Where the kernel refuses a map with its types, libbpf creates it without. Kernels refuse special fields.
        let is_untyped = theirs["key_type"] == 0 && theirs["value_type"] == 0;
        if is_untyped && has_special_fields(&object, &object.maps[index]) {
            (ours["key_type"], ours["value_type"]) = (0.into(), 0.into());
        }
        // It still knows the type of a structure of functions that it does not tell the kernel.
        if object.maps[index].kind == MapKind::StructOps {
            ours["value_type"] = object.maps[index].definition.value_type.0.into();
        }
    }
    assert_eq!(*theirs, maps, "{name}: maps");
    let types = object.btf.as_ref().map_or(Value::Null, |btf| hash(btf.bytes()));
    assert_eq!(said["btf"], types, "{name}: types");
    let mut compared = 0;
    for theirs in said["programs"].as_array().expect("a list") {
        let what = format!("{name}: {}", theirs["name"]);
        let failure = linked.failures.iter().find(|one| theirs["name"] == one.name);
        if let Some(error) = theirs.get("error") {
            assert!(failure.is_some(), "{what}: libbpf says {error}");
            continue;
        }
        let ours = linked.programs.iter().find(|one| theirs["name"] == one.name);
        let ours = ours.unwrap_or_else(|| panic!("{what}: {failure:?}"));
        let (insns, names) = program(&linked, ours, kernel);
        assert_eq!(theirs["insns"], insns, "{what}");
        assert_eq!(theirs["kernel"], names, "{what}");
        assert_eq!(theirs["section"], ours.section, "{what}");
        assert_eq!(theirs["type"], ours.load.type_number, "{what}");
        assert_eq!(theirs["attach_type"], ours.load.expected_attach_type, "{what}");
        if theirs.get("func_info").is_some() && is_prepared(&object, ours) {
            assert_eq!(theirs["func_info"], hash(&ours.func_info(object.endian)), "{what}");
            assert_eq!(theirs["line_info"], hash(&ours.line_info(object.endian)), "{what}");
        }
        compared += 1;
    }
    compared
}

/// The values of the map have a member that is not just bytes to the kernel, such as a lock or a list.
fn has_special_fields(object: &Object, map: &Map) -> bool {
    let Some(types) = &object.btf else { return false };
    let special = |ty: TypeId| {
        let ty = types.resolve(ty);
        ty.is_some_and(|ty| ty.kind() == Kind::Struct && ty.name().starts_with("bpf_"))
    };
    let value = types.resolve(map.definition.value_type);
    value.is_some_and(|value| value.members().iter().any(|member| special(member.ty)))
}

/// libbpf prepares no program whose structures are all not created.
fn is_prepared(object: &Object, program: &Program) -> bool {
    let of_program = |map: &&Map| {
        let programs = map.struct_ops.iter().flat_map(|ops| &ops.programs);
        programs.into_iter().any(|&(_, index)| object.functions[index.0].name == program.name)
    };
    let mut maps = object.maps.iter().filter(of_program).peekable();
    maps.peek().is_none() || maps.any(|map| map.autocreate)
}

/// The kernel that recordings of real kernels were made with. Of its configuration, one option is asked for.
fn real() -> Kernel<'static> {
    let version = kernel_version(6, 18, 44);
    let config = Some(KernelConfig::parse("CONFIG_HZ=250\n"));
    Kernel { version, config, ..Kernel::new(vmlinux().expect("can be read")) }
}

#[test]
fn own_objects_are_linked_as_libbpf_does() {
    let (types, real) = (types(""), real());
    let made_up = made_up(&types);
    let (recordings, stale) = recordings(&data(), &data());
    let kernel = |name: &str| if name.starts_with("many.") { &real } else { &made_up };
    let compared: usize = recordings.iter().map(|one| compare(one, kernel(&one.name))).sum();
    assert_eq!(stale, 0, "record again: see tests/libbpf");
    assert!(compared > 150, "only {compared} programs are compared");
}

#[test]
fn the_corpus_is_linked_as_libbpf_does() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let families = fs::read_dir(tests.join("corpus")).expect("the folder is there");
    let (real, mut compared) = (real(), 0);
    for family in families {
        let objects = family.expect("readable").path();
        let count = if objects.is_dir() { count_objects(&objects) } else { 0 };
        if count == 0 {
            continue;
        }
        let folder = tests.join("libbpf/recordings").join(objects.file_name().expect("a name"));
        let (recordings, stale) = recordings(&folder, &objects);
        let why = format!("{}: record again, see tests/libbpf", folder.display());
        assert_eq!((recordings.len(), stale), (count, 0), "{why}");
        for recording in &recordings {
            let programs = compare(recording, &real);
            assert!(programs > 0, "{}: libbpf has prepared nothing", recording.name);
            compared += programs;
        }
    }
    assert!(compared > 1000, "only {compared} programs are compared");
}

fn count_objects(folder: &Path) -> usize {
    let files = fs::read_dir(folder).expect("the folder is there");
    let names = files.map(|file| file.expect("readable").file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".bpf.o")).count()
}
