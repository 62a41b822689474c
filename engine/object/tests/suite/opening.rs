//! What is in an object.

use bpf_object::{DataKind, Definition, ExternKind, MapKind, Slot};
use btf::{Kind, TypeId};

use crate::{object, objects};

#[test]
fn functions_are_found() {
    let object = object("calls.bpf.o");
    let programs: Vec<&str> = object.programs().map(|(_, one)| one.name.as_str()).collect();
    assert_eq!(
        programs,
        ["no_calls", "one_call", "all_calls", "callbacks", "throws", "not_loaded"]
    );
    let subprograms = object.functions.iter().filter(|one| !object.is_program(one));
    let subprograms: Vec<_> =
        subprograms.map(|one| (one.name.as_str(), one.global, one.hidden)).collect();
    assert_eq!(
        subprograms,
        [
            ("global_leaf", true, false),
            ("hidden_leaf", true, true),
            ("global_middle", true, false),
            ("middle", false, false),
            ("global_callback", true, false),
            ("on_exception", true, false),
            ("not_the_callback", true, false),
            ("leaf", false, false),
            ("never_called_alone", false, false),
            ("callback", false, false),
        ]
    );
    // The verifier is to follow calls of hidden functions.
    let btf = object.btf.as_ref().expect("compiled with -g");
    let linkage = |name| btf.find(name, Kind::Func).expect("a function").linkage();
    assert_eq!(linkage("hidden_leaf"), Some(btf::Linkage::Static));
    assert_eq!(linkage("global_leaf"), Some(btf::Linkage::Global));
}

#[test]
fn licence_and_version_are_found() {
    let data = object("data.bpf.o");
    assert_eq!(data.license.as_deref(), Some("GPL"));
    assert_eq!(data.version, Some(0x0006_1200));
    assert_eq!(object("calls.bpf.o").version, None);
}

#[test]
fn every_object_is_the_same_in_both_byte_orders_and_for_every_compiler() {
    for name in objects() {
        let (stem, _) = name.split_once(".bpf").expect("a name of that form");
        let reference = match stem {
            "arena" => "arena.bpf.v4.o".to_owned(),
            _ => format!("{stem}.bpf.o"),
        };
        let (this, reference) = (object(&name), object(&reference));
        let names = |object: &bpf_object::Object| -> Vec<String> {
            object.programs().map(|(_, program)| program.name.clone()).collect()
        };
        assert_eq!(names(&this), names(&reference), "{name}");
        let maps = |object: &bpf_object::Object| -> Vec<_> {
            let maps = object.maps.iter().filter(|map| map.kind == MapKind::Defined);
            maps.map(|map| {
                let bare = Definition {
                    key_type: TypeId::VOID,
                    value_type: TypeId::VOID,
                    ..map.definition.clone()
                };
                (map.name.clone(), bare, map.slots.clone())
            })
            .collect()
        };
        assert_eq!(maps(&this), maps(&reference), "{name}");
        let externs = |object: &bpf_object::Object| -> Vec<_> {
            object.externs.iter().map(|one| (one.name.clone(), one.weak)).collect()
        };
        assert_eq!(externs(&this), externs(&reference), "{name}");
    }
}

#[test]
fn map_definitions_are_read() {
    let object = object("maps.bpf.o");
    let numbers = |definition: &Definition| {
        let d = definition;
        (d.map_type, d.key_size, d.value_size, d.max_entries, d.flags, d.extra, d.numa_node)
    };
    for (name, expected) in [
        ("plain", (1, 4, 16, 128, 1, 0, 3)),
        ("sizes", (2, 4, 24, 2, 0, 0, 0)),
        ("bloom", (30, 0, 8, 100, 0, 5, 0)),
        ("ring", (27, 0, 0, 8192, 0, 0, 0)),
        ("special", (2, 4, 48, 1, 0, 0, 0)),
        ("outer_array", (12, 4, 4, 5, 0, 0, 0)),
        ("outer_hash", (13, 4, 4, 8, 0, 0, 0)),
        ("tails", (3, 4, 4, 4, 0, 0, 0)),
    ] {
        let (_, map) = object.map(name).expect(name);
        assert_eq!(numbers(&map.definition), expected, "{name}");
        assert_eq!(map.pinned, name == "plain", "{name}");
    }
    let inner = |name| object.map(name).and_then(|(_, map)| map.inner.as_ref()).map(numbers);
    assert_eq!(inner("outer_array"), Some((2, 4, 8, 4, 0, 0, 0)));
    assert_eq!(inner("outer_hash"), Some((9, 8, 16, 16, 0, 0, 0)));
    assert_eq!(inner("tails"), None);
}

#[test]
fn initial_elements_are_found() {
    let object = object("maps.bpf.o");
    let slots = |name: &str| object.map(name).expect(name).1.slots.clone();
    let map = |name| Slot::Map(object.map(name).expect(name).0);
    assert_eq!(slots("outer_array"), [(1, map("inner_a")), (3, map("inner_b"))]);
    let programs = slots("tails").into_iter().map(|(place, slot)| match slot {
        Slot::Program(index) => (place, object.functions[index.0].name.as_str()),
        Slot::Map(_) => panic!("a map in a program array"),
    });
    assert_eq!(programs.collect::<Vec<_>>(), [(0, "tail_a"), (2, "tail_b")]);
    assert_eq!(slots("plain"), []);
}

#[test]
fn special_fields_of_values_are_seen_through_types() {
    let object = object("maps.bpf.o");
    let btf = object.btf.as_ref().expect("compiled with -g");
    let value = object.map("special").expect("is there").1.definition.value_type;
    let name_of = |path: &str| {
        let field = btf.field(value, path).expect(path);
        (btf.resolve(field.ty).expect("a type").name(), field.bit_offset / 8)
    };
    assert_eq!(name_of("lock"), ("bpf_spin_lock", 0));
    assert_eq!(name_of("timer"), ("bpf_timer", 8));
    assert_eq!(name_of("data[2]"), ("unsigned int", 40));
    let pointer = btf.resolve(btf.field(value, "task").expect("is there").ty).expect("a pointer");
    let tag = btf.get(pointer.target().expect("a pointer has one")).expect("a type");
    assert_eq!((tag.kind(), tag.name()), (Kind::TypeTag, "kptr"));
}

#[test]
fn sections_of_variables_become_maps() {
    let object = object("data.bpf.o");
    let shared = 1 << 10;
    for (name, kind, flags) in [
        (".data", DataKind::Data, shared),
        (".data.own", DataKind::Data, shared),
        (".bss", DataKind::Zero, shared),
        (".rodata", DataKind::ReadOnly, 1 << 7 | shared),
        (".rodata.own", DataKind::ReadOnly, 1 << 7 | shared),
        (".rodata.str1.1", DataKind::ReadOnly, 1 << 7),
    ] {
        let (_, map) = object.map(name).expect(name);
        assert_eq!(map.kind, MapKind::Data(kind), "{name}");
        assert_eq!(map.definition.flags, flags, "{name}");
        assert_eq!((map.definition.map_type, map.definition.max_entries), (2, 1), "{name}");
        let bytes = if kind == DataKind::Zero { 0 } else { map.definition.value_size as usize };
        assert_eq!(map.data.len(), bytes, "{name}");
    }
    let btf = object.btf.as_ref().expect("compiled with -g");
    let section = btf.find(".data", Kind::DataSec).expect("described");
    let place = |name: &str| {
        let all = section.variables();
        let named = |id| btf.get(id).is_some_and(|ty| ty.name() == name);
        all.iter().find(|one| named(one.ty)).expect(name).offset as usize
    };
    let (_, map) = object.map(".data").expect("is there");
    assert_eq!(map.data[place("initialised")], 42);
    assert_eq!(map.data[place("more") + 16], 3);
    assert_eq!(map.data[place("hidden")], 9);
    // Nobody else sees it, so user space does not either.
    let linkage = |name| btf.find(name, Kind::Var).expect("a variable").linkage();
    assert_eq!(linkage("hidden"), Some(btf::Linkage::Static));
}

#[test]
fn kernel_names_of_maps_are_those_of_libbpf() {
    let object = object("data.bpf.o");
    let name = |map: &str, file| object.map(map).expect(map).1.kernel_name(file);
    assert_eq!(name(".rodata", "my_object_name.bpf.o"), "my_objec.rodata");
    assert_eq!(name(".bss", "my_object_name.bpf.o"), "my_objec.bss");
    assert_eq!(name(".bss", "a-b.o"), "a_b.bss");
    assert_eq!(name(".rodata.str1.1", "my_object_name.bpf.o"), ".rodata.str1.1");
}

#[test]
fn maps_from_before_btf_are_read() {
    let object = object("legacy.bpf.o");
    let maps: Vec<_> = object
        .maps
        .iter()
        .map(|map| {
            (map.name.as_str(), map.kind, map.definition.map_type, map.definition.max_entries)
        })
        .collect();
    assert_eq!(maps, [("old_hash", MapKind::Legacy, 1, 16), ("old_array", MapKind::Legacy, 2, 2)]);
}

#[test]
fn externs_are_sorted_by_what_they_are() {
    let object = object("externs.bpf.o");
    let kinds: Vec<_> = object
        .externs
        .iter()
        .map(|one| match one.kind {
            ExternKind::Config(config) => format!("{} @{}", one.name, config.offset),
            ExternKind::Function { .. } => format!("{}()", one.name),
            ExternKind::Variable { .. } => format!("{}:", one.name),
            ExternKind::Address => format!("&{}", one.name),
            ExternKind::Undeclared | ExternKind::Unsupported(_) => format!("? {}", one.name),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "CONFIG_MADE_LONG @0",
            "CONFIG_MADE_ABSENT @8",
            "CONFIG_MADE_NUMBER @12",
            "CONFIG_MADE_TRISTATE @16",
            "LINUX_KERNEL_VERSION @20",
            "LINUX_UNHEARD_OF @24",
            "CONFIG_MADE_SHORT @28",
            "CONFIG_MADE_BOOL @30",
            "CONFIG_MADE_CHAR @31",
            "LINUX_HAS_BPF_COOKIE @32",
            "CONFIG_MADE_TEXT @33",
            "kfunc_absent()",
            "kfunc_changed()",
            "kfunc_other___flavour()",
            "kfunc_plain()",
            "some_variable:",
            "&symbol_absent",
            "variable_absent:",
            "&vfs_read",
        ]
    );
}
