//! What linking makes of objects, beyond the instructions that are compared with libbpf's.

use std::fs;

use bpf_object::{Attach, Linker, MapKind, Resolution, link, vmlinux};
use btf::{Endian, Kind};

use crate::{data, linked, made_up, object, objects, program, types};

#[test]
fn subprograms_follow_in_the_order_of_their_first_calls() {
    linked("calls.bpf.o", |linked| {
        let parts = |name| -> Vec<&str> {
            let parts = program(linked, name).parts.iter();
            parts.map(|part| linked.object.functions[part.function.0].name.as_str()).collect()
        };
        assert_eq!(parts("no_calls"), ["no_calls"]);
        assert_eq!(parts("one_call"), ["one_call", "leaf"]);
        assert_eq!(
            parts("all_calls"),
            [
                "all_calls",
                "global_middle",
                "middle",
                "leaf",
                "global_leaf",
                "hidden_leaf",
                "never_called_alone"
            ]
        );
        assert_eq!(parts("callbacks"), ["callbacks", "callback", "leaf", "global_callback"]);
        // Nothing calls it, but the kernel does.
        assert_eq!(parts("throws"), ["throws", "leaf", "on_exception"]);
        assert_eq!(
            parts("not_loaded"),
            ["not_loaded", "never_called_alone", "leaf", "hidden_leaf"]
        );
        assert!(!program(linked, "not_loaded").autoload);
        for program in &linked.programs {
            let ends = program.parts.iter().map(|part| part.start + part.len);
            let starts = program.parts.iter().skip(1).map(|part| part.start);
            assert!(ends.eq(starts.chain([program.insns.len()])), "{}", program.name);
        }
    });
}

#[test]
fn all_linked_programs_decode() {
    for name in objects() {
        linked(&name, |linked| {
            for program in &linked.programs {
                let decoded = isa::Program::decode(&program.insns);
                assert!(decoded.is_ok(), "{name}: {}: {decoded:?}", program.name);
            }
        });
    }
}

/// Every instruction leads to a line, and the text of the line is what stands in the source.
#[test]
fn every_instruction_has_its_source_line() {
    let mut seen = 0;
    let without = ["bare", "legacy", "linked"];
    for name in objects().iter().filter(|name| !without.iter().any(|part| name.contains(part))) {
        let stem = name.split('.').next().expect("a name");
        let source = fs::read_to_string(data().join(format!("{stem}.bpf.c"))).expect("readable");
        let lines: Vec<&str> = source.lines().collect();
        linked(name, |linked| {
            for program in &linked.programs {
                for insn in 0..program.insns.len() {
                    let found = linked.source_line(program, insn);
                    let found = found.unwrap_or_else(|| panic!("{name}: {}: {insn}", program.name));
                    assert!(found.file.ends_with(&format!("{stem}.bpf.c")), "{}", found.file);
                    let line = lines.get((found.line as usize).saturating_sub(1));
                    if found.line > 0 {
                        assert_eq!(line.map(|line| line.trim_end()), Some(found.text), "{name}");
                        seen += 1;
                    }
                }
            }
        });
    }
    assert!(seen > 2000, "{seen}");
}

#[test]
fn sections_say_how_programs_are_loaded() {
    linked("sections.bpf.o", |linked| {
        let rows = [
            ("p_socket", "socket_filter", 0, 0, "-"),
            ("p_xdp", "xdp", 37, 0, "-"),
            ("p_xdp_frags", "xdp", 37, 1 << 5, "-"),
            ("p_xdp_devmap", "xdp", 33, 1 << 5, "-"),
            ("p_tc", "sched_cls", 0, 0, "-"),
            ("p_tcx", "sched_cls", 47, 0, "-"),
            ("p_off", "sched_cls", 46, 0, "-"),
            ("p_kprobe", "kprobe", 0, 0, "-"),
            ("p_multi", "kprobe", 42, 0, "-"),
            ("p_uprobe", "kprobe", 0, 1 << 4, "-"),
            ("p_tp", "tracepoint", 0, 0, "-"),
            ("p_tp_btf", "tracing", 23, 0, "typedef btf_trace_made_up"),
            ("p_fentry", "tracing", 24, 0, "func attach_here"),
            ("p_fexit", "tracing", 25, 1 << 4, "func attach_here"),
            ("p_fmod", "tracing", 26, 0, "func attach_here"),
            ("p_fentry_open", "tracing", 24, 0, "unspecified"),
            ("p_fentry_missing", "tracing", 24, 0, "no no_such_function"),
            ("p_lsm", "lsm", 27, 1 << 4, "func bpf_lsm_made_up"),
            ("p_iter", "tracing", 28, 0, "func bpf_iter_made_up"),
            ("p_freplace", "ext", 0, 0, "program other_program"),
            ("p_syscall", "syscall", 0, 1 << 4, "-"),
            ("p_sk_lookup", "sk_lookup", 36, 0, "-"),
            ("p_netfilter", "netfilter", 45, 0, "-"),
            ("p_cgroup", "cgroup_sock_addr", 11, 0, "-"),
            ("p_skb", "cgroup_skb", 1, 0, "-"),
            ("p_flow", "flow_dissector", 17, 0, "-"),
            ("p_sk_msg", "sk_msg", 7, 0, "-"),
            ("p_unknown", "", 0, 0, "-"),
            ("p_struct_ops", "struct_ops", 0, 0, "unspecified"),
        ];
        let types = types("");
        for (name, ty, attach, flags, target) in rows {
            let load = &program(linked, name).load;
            let found = match &load.target {
                Attach::Nothing => "-".to_owned(),
                Attach::Unspecified => "unspecified".to_owned(),
                Attach::Missing { name } => format!("no {name}"),
                Attach::Program { name } => format!("program {name}"),
                Attach::Kernel { id, name } => {
                    let ty = types.get(*id).expect("was found there");
                    assert_eq!(ty.name(), name);
                    format!("{} {name}", ty.kind())
                }
            };
            let program_type = load.program_type.map_or("", |ty| ty.name);
            let found = (program_type, load.expected_attach_type, load.flags, found.as_str());
            assert_eq!(found, (ty, attach, flags, target), "{name}");
        }
        assert_eq!(linked.programs.len(), rows.len());
    });
}

#[test]
fn configuration_is_stored_in_its_map() {
    for (name, endian) in [("externs.bpf.o", Endian::Little), ("externs.bpf.be.o", Endian::Big)] {
        linked(name, |linked| {
            let map = linked.maps.iter().find(|map| map.kind == MapKind::Config).expect("is there");
            let mut bytes = map.data.clone();
            bytes.resize(map.definition.value_size as usize, 0);
            assert_eq!(endian.u64_at(&bytes, 0), 0x12_3456_789a);
            assert_eq!(endian.u32_at(&bytes, 8), 0);
            assert_eq!(endian.u32_at(&bytes, 12).cast_signed(), -5);
            assert_eq!(endian.u32_at(&bytes, 16), 2);
            assert_eq!(endian.u32_at(&bytes, 20), 6 << 16 | 18 << 8 | 44);
            assert_eq!(endian.u32_at(&bytes, 24), 0);
            assert_eq!(endian.u16_at(&bytes, 28), 65535);
            assert_eq!((bytes[30], bytes[31], bytes[32]), (1, b'n', 1));
            assert_eq!(&bytes[33..45], b"a long text\0");
            assert!(linked.assumed.is_empty());
        });
    }
}

#[test]
fn without_a_configuration_values_are_assumed_and_named() {
    let (object, types) = (object("externs.bpf.o"), types(""));
    let mut kernel = made_up(&types);
    (kernel.config, kernel.symbols) = (None, None);
    let linked = link(&object, &kernel);
    assert_eq!(linked.failures, []);
    for name in ["CONFIG_MADE_LONG", "CONFIG_MADE_TEXT", "vfs_read", "symbol_absent"] {
        assert!(linked.assumed.iter().any(|assumed| assumed == name), "{name}");
    }
    let known = ["LINUX_KERNEL_VERSION", "LINUX_UNHEARD_OF"];
    assert!(known.iter().all(|name| !linked.assumed.iter().any(|assumed| assumed == name)));
    let absent = object.externs.iter().position(|one| one.name == "kfunc_absent");
    assert_eq!(linked.externs[absent.expect("declared")], Resolution::Absent);
}

#[test]
fn structures_of_functions_take_the_form_of_the_kernel() {
    linked("struct_ops.bpf.o", |linked| {
        let types = types("");
        let value_type = types.find("bpf_struct_ops_made_up_ops", Kind::Struct).expect("made up");
        let index = linked.maps.iter().position(|map| map.name == "both").expect("is there");
        let map = &linked.maps[index];
        let value = linked.struct_ops.iter().find(|value| value.map.0 == index).expect("resolved");
        assert_eq!(value.value_type, value_type.id());
        assert_eq!(map.definition.value_size, value_type.size().expect("a structure"));
        let place = |path| {
            let field = types.field(value_type.id(), path).expect(path);
            usize::try_from(field.bit_offset / 8).expect("small")
        };
        let programs: Vec<_> = value
            .programs
            .iter()
            .map(|&(place, index)| (place as usize, linked.object.functions[index.0].name.as_str()))
            .collect();
        assert_eq!(
            programs,
            [(place("data.second"), "op_second"), (place("data.first"), "op_first")]
        );
        assert_eq!(&map.data[place("data.name")..][..5], b"both\0");
        assert_eq!(map.data[place("data.flags")], 3);
        let load = &program(linked, "op_second").load;
        assert_eq!((load.expected_attach_type, load.flags), (2, 1 << 4));
        let ops = types.find("made_up_ops", Kind::Struct).expect("made up").id();
        assert_eq!(load.target, Attach::Kernel { name: "made_up_ops".to_owned(), id: ops });
        // Maps that are not created do not make their programs be loaded, and what is wrong with them does no harm.
        let autoload = |name| program(linked, name).autoload;
        assert!(autoload("op_first") && autoload("op_second") && !autoload("op_only_there"));
        assert_eq!(program(linked, "op_only_there").load.expected_attach_type, 0);
        assert_eq!(program(linked, "op_gone").load.target, Attach::Unspecified);
        assert_eq!(linked.failures, []);
        let other = linked.maps.iter().find(|map| map.name == "other").expect("is there");
        assert!(!other.autocreate);
    });
}

#[test]
fn the_byte_order_only_matters_where_it_is_asked_for() {
    let insns = |name: &str| -> Vec<(String, Vec<isa::RawInsn>)> {
        linked(name, |linked| {
            let programs = linked.programs.iter();
            programs.map(|program| (program.name.clone(), program.insns.clone())).collect()
        })
    };
    for (little, big) in insns("core.bpf.o").into_iter().zip(insns("core.bpf.be.o")) {
        if little.0 == "bitfields" {
            assert_ne!(little, big, "bits are counted from the other end");
        } else {
            assert_eq!(little, big);
        }
    }
}

#[test]
fn one_program_can_be_linked_alone() {
    let (object, types) = (object("calls.bpf.o"), types(""));
    let kernel = made_up(&types);
    let (linker, linked) = (Linker::new(&object, &kernel), link(&object, &kernel));
    for (index, function) in object.programs() {
        let alone = linker.program(index).expect("can be linked");
        assert_eq!(alone, *program(&linked, &function.name));
    }
}

#[test]
fn the_types_that_come_with_the_program_can_be_linked_against() {
    let types = vmlinux().expect("can be read");
    assert!(types.find("task_struct", Kind::Struct).is_some());
    assert!(types.find("bpf_dynptr_from_skb", Kind::Func).is_some());
    let object = object("sections.bpf.o");
    let linked = link(&object, &bpf_object::Kernel::new(types));
    assert_eq!(linked.failures, []);
}
