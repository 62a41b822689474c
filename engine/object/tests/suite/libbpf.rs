//! Linked programs are what libbpf makes of them: see `tests/libbpf` at the root of the repository for the recordings.

use std::fs;

use bpf_object::{
    Kernel, KernelConfig, Linked, Map, MapKind, Program, kernel_version, link, vmlinux,
};
use btf::TypeId;
use serde_json::{Value, json};

use crate::{VFS_READ, data, made_up, object, types};

fn recordings() -> Vec<(String, Value)> {
    let files = fs::read_dir(data()).expect("the folder is there");
    let mut names: Vec<String> = files
        .map(|file| file.expect("readable").file_name().into_string().expect("a plain name"))
        .filter_map(|name| name.strip_suffix(".libbpf.json").map(str::to_owned))
        .collect();
    names.sort();
    let read = |name: &String| fs::read_to_string(data().join(format!("{name}.libbpf.json")));
    let parse = |name: String| {
        let text = read(&name).expect("readable");
        (name, serde_json::from_str(&text).expect("the recorder writes JSON"))
    };
    names.into_iter().map(parse).collect()
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
        let address = insn.opcode == 0x18 && insn.src == 0 && {
            let wide = u64::from(insn.imm.cast_unsigned())
                | u64::from(program.insns[at + 1].imm.cast_unsigned()) << 32;
            wide == VFS_READ
        };
        if of_kernel {
            let ty = kernel.btf.get(TypeId(insn.imm.cast_unsigned())).expect("was found there");
            names.insert(at.to_string(), ty.name().into());
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

#[test]
fn instructions_maps_and_types_are_those_of_libbpf() {
    let kernel_types = types("");
    let made_up = made_up(&kernel_types);
    // Of the configuration of the kernel recorded from, one option is asked for.
    let version = kernel_version(6, 18, 44);
    let config = Some(KernelConfig::parse("CONFIG_HZ=250\n"));
    let real = Kernel { version, config, ..Kernel::new(vmlinux().expect("can be read")) };
    let mut compared = 0;
    for (name, recorded) in recordings() {
        if recorded.get("error").is_some() {
            continue;
        }
        let object = object(&format!("{name}.o"));
        let kernel = if name.starts_with("many.") { &real } else { &made_up };
        let linked = link(&object, kernel);
        let created = recorded["created"].as_bool().expect("true or false");
        let maps = if created { &linked.maps } else { &object.maps };
        let mut maps: Vec<Value> = maps.iter().map(|one| map(one, &name)).collect();
        // libbpf forgets the bytes of maps that cannot be shared with user space.
        let theirs = recorded["maps"].as_array().expect("a list");
        for (ours, _) in maps.iter_mut().zip(theirs).filter(|(_, theirs)| theirs["data"].is_null())
        {
            ours["data"] = Value::Null;
        }
        assert_eq!(*theirs, maps, "{name}: maps");
        let types = object.btf.as_ref().map_or(Value::Null, |btf| hash(btf.bytes()));
        assert_eq!(recorded["btf"], types, "{name}: types");
        for theirs in recorded["programs"].as_array().expect("a list") {
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
            if theirs.get("func_info").is_some() {
                assert_eq!(theirs["func_info"], hash(&ours.func_info(object.endian)), "{what}");
                assert_eq!(theirs["line_info"], hash(&ours.line_info(object.endian)), "{what}");
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} programs are compared");
}
