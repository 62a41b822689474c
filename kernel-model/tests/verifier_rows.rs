//! Walks the tables that the verifier asks and checks that their rows hold together.

use std::collections::{BTreeSet, HashSet};

use kernel_model::{
    ArgBase, AttachType, Capability, FieldValue, Function, FunctionKind, KfuncFlags, KfuncHook,
    KfuncSuffix, MapType, PointerKind, RetBase, ReturnCheck, SNAPSHOT, Sleepable, Step, TypeFlags,
    Version, Width, constant, context_layout, context_layouts, feature, features, function,
    functions, kfunc, kfunc_sets, kfuncs, map_type, map_type_by_id, map_types, pointer_layout,
    program_type, program_types, return_check, section, sections, vmlinux_btf,
};

#[test]
fn every_helper_has_prototypes() {
    for row in functions() {
        let helper = matches!(row.kind, FunctionKind::Helper { .. });
        assert_eq!(!row.protos.is_empty(), helper, "{}", row.name);
        for proto in row.protos {
            check_proto(row, proto);
        }
    }
    assert!(functions().map(|row| row.protos.len()).sum::<usize>() > 211);
}

fn check_proto(row: &Function, proto: &kernel_model::HelperProto) {
    let name = row.name;
    assert!(!proto.source.is_empty(), "{name}");
    assert!(!proto.programs.is_empty() || !proto.attached.is_empty(), "{name}: nobody gets it");
    for (program, attach) in proto.attached {
        let program = program_type(program).expect("a program type");
        assert!(program.attach_types.contains(attach), "{name}: {} {attach}", program.name);
        assert!(!proto.programs.contains(program), "{name}: {} twice", program.name);
    }
    assert!(proto.args.len() <= 5, "{name}: five registers carry arguments");
    // These take no context in some programs, and flags that the kernel never looked at.
    let shorter = ["bpf_get_cgroup_classid", "bpf_get_branch_snapshot"].contains(&name);
    let (args, params) = (proto.args.len(), row.params.len());
    assert!(args == params || (shorter && args + 1 == params), "{name}: {params} parameters");
    for (index, arg) in proto.args.iter().enumerate() {
        let place = format!("{name}, argument {}", index + 1);
        let fixed = arg.flags.contains(TypeFlags::MEM_FIXED_SIZE);
        assert_eq!(arg.size.is_some(), fixed, "{place}: fixed memory has a size");
        assert!(arg.btf.is_none() || arg.base == ArgBase::PtrToBtfId, "{place}");
        let sized = index > 0
            && matches!(proto.args[index - 1].base, ArgBase::PtrToMem)
            && !proto.args[index - 1].flags.contains(TypeFlags::MEM_FIXED_SIZE);
        let size = matches!(arg.base, ArgBase::ConstSize | ArgBase::ConstSizeOrZero);
        assert_eq!(size, sized, "{place}: a length follows its memory, and only there");
        let known =
            TypeFlags::NAMES.iter().fold(TypeFlags::NONE, |all, (_, flag)| all.union(*flag));
        assert!(known.contains(arg.flags), "{place}: unknown flags");
    }
    assert!(proto.ret.btf.is_none() || proto.ret.base == RetBase::PtrToBtfId, "{name}");
    let void = proto.ret.base == RetBase::Void;
    // Declared with a result in C, but R0 holds nothing after them.
    let declared = ["bpf_tail_call", "bpf_spin_lock", "bpf_spin_unlock"].contains(&name);
    assert!(!void || declared || row.ret_type == "void", "{name} gives {}", row.ret_type);
    assert!(!proto.might_sleep || row.sleepable, "{name}: the linter's row must know");
}

#[test]
fn prototypes_say_what_the_kernel_says() {
    let tc = program_type("sched_cls").expect("tc");
    let proto = |name: &str, program: &str, attach| {
        let program = program_type(program).expect("a program type");
        function(name).expect("a helper").proto(program, attach)
    };
    let lookup = proto("bpf_map_lookup_elem", "xdp", None).expect("every program may look up");
    assert_eq!(
        lookup.args.iter().map(|arg| arg.base).collect::<Vec<_>>(),
        [ArgBase::ConstMapPtr, ArgBase::PtrToMapKey]
    );
    assert!(lookup.ret.flags.contains(TypeFlags::PTR_MAYBE_NULL) && lookup.pkt_access);
    let write = proto("bpf_dynptr_from_mem", "syscall", None).expect("a base helper");
    let wanted =
        TypeFlags::MEM_UNINIT.union(TypeFlags::DYNPTR_TYPE_LOCAL).union(TypeFlags::MEM_WRITE);
    assert_eq!((write.args[3].base, write.args[3].flags), (ArgBase::PtrToDynptr, wanted));
    assert_eq!(write.capability, Capability::Bpf);
    let cookie = |program, attach| proto("bpf_get_socket_cookie", program, attach);
    let base = |proto: Option<&kernel_model::HelperProto>| proto.map(|proto| proto.args[0].base);
    assert_eq!(base(cookie("sched_cls", None)), Some(ArgBase::PtrToCtx));
    let tracing = cookie("tracing", Some(AttachType::TraceFentry));
    assert_eq!(base(tracing), Some(ArgBase::PtrToBtfIdSockCommon));
    assert_eq!(cookie("xdp", None), None);
    let bind = |attach| proto("bpf_bind", "cgroup_sock_addr", Some(attach)).is_some();
    assert!(bind(AttachType::CgroupInet4Connect) && !bind(AttachType::CgroupInet4Bind));
    let probe = function("bpf_probe_read_kernel").expect("a helper");
    assert_eq!(probe.proto(tc, None).map(|proto| proto.capability), Some(Capability::Perfmon));
}

#[test]
fn every_kfunc_has_a_row_for_the_verifier() {
    for row in functions() {
        assert_eq!(row.kfunc.is_some(), row.kind == FunctionKind::Kfunc, "{}", row.name);
    }
    for (row, kfunc) in kfuncs() {
        let name = row.name;
        assert!(!kfunc.source.is_empty() && kfunc.args.len() >= row.params.len(), "{name}");
        for arg in kfunc.args {
            let by_name = KfuncSuffix::SPELLINGS.iter().find(|(text, _)| arg.name.ends_with(text));
            assert_eq!(arg.suffix, by_name.map(|(_, suffix)| *suffix), "{name}({})", arg.name);
            assert!(
                arg.suffix.is_some() || !arg.name.contains("__"),
                "{name}: unknown suffix in {}",
                arg.name
            );
        }
        let flags = kfunc.flags;
        let sleepable = flags.contains(KfuncFlags::SLEEPABLE);
        assert_eq!(sleepable, row.sleepable, "{name}: the linter's row and the flags");
        if flags.contains(KfuncFlags::RET_NULL) {
            let pointer = kfunc.ret.ends_with('*') || name.starts_with("bpf_res_spin_lock");
            assert!(pointer, "{name} returns {}", kfunc.ret);
        }
        let acquired = flags.contains(KfuncFlags::ACQUIRE);
        assert!(!acquired || kfunc.ret.ends_with('*'), "{name} acquires {}", kfunc.ret);
    }
    let names: HashSet<_> = kfunc_sets().iter().map(|set| set.name).collect();
    assert!(names.len() + 2 >= kfunc_sets().len(), "only sets that are split appear twice");
    assert!(kfunc_sets().iter().all(|set| !set.hooks.is_empty() && !set.source.is_empty()));
}

#[test]
fn kfuncs_keep_their_suffixes_and_flags() {
    let (_, slice) = kfunc("bpf_dynptr_slice").expect("a kfunc");
    let suffixes: Vec<_> = slice.args.iter().map(|arg| arg.suffix).collect();
    assert_eq!(suffixes, [None, None, Some(KfuncSuffix::Optional), Some(KfuncSuffix::ConstSize)]);
    assert_eq!(slice.flags, KfuncFlags::RET_NULL);
    let (_, from_skb) = kfunc("bpf_dynptr_from_skb").expect("a kfunc");
    assert_eq!(from_skb.flags, KfuncFlags::TRUSTED_ARGS);
    assert!(from_skb.is_for(program_type("lwt_in").expect("lwt"), None));
    assert!(!from_skb.is_for(program_type("xdp").expect("xdp"), None));
    let (_, destroy) = kfunc("bpf_sock_destroy").expect("a kfunc");
    let tracing = program_type("tracing").expect("tracing");
    assert!(destroy.is_for(tracing, Some(AttachType::TraceIter)));
    assert!(!destroy.is_for(tracing, Some(AttachType::TraceFentry)));
    let (_, test) = kfunc("bpf_modify_return_test").expect("a kfunc");
    assert_eq!(test.set.hooks, [KfuncHook::FmodRet]);
    assert!(program_types().iter().all(|program| !test.is_for(program, None)));
}

#[test]
fn every_layout_holds_together() {
    let pointers = [
        PointerKind::SockCommon,
        PointerKind::Sock,
        PointerKind::TcpSock,
        PointerKind::XdpSock,
        PointerKind::FlowKeys,
    ];
    for layout in context_layouts().chain(pointers.map(pointer_layout)) {
        let record = layout.record.map_or("", |record| record.name);
        assert!(!layout.source.is_empty(), "{record}");
        assert_eq!(layout.regions.is_empty(), layout.btf_args, "{record}");
        for region in layout.regions {
            let place = format!("{record}.{}", region.name);
            assert!(region.size > 0 && region.size.is_multiple_of(region.element), "{place}");
            assert!(region.read.is_some() || region.write.is_some(), "{place}");
            if region.value != FieldValue::Scalar {
                assert_eq!((region.read, region.write), (Some(Width::Exact), None), "{place}");
            }
            if let Some(record) = layout.record.filter(|record| record.size > 0) {
                assert!(region.offset + region.size <= record.size, "{place}");
            }
        }
        for field in layout.record.map_or(&[][..], |record| record.fields) {
            let record = layout.record.expect("a field is in a record");
            assert!(field.offset + field.size <= record.size, "{}.{}", record.name, field.name);
            assert!(field.size == 0 || field.size.is_multiple_of(field.element_size()));
        }
    }
    for program in program_types() {
        let layout = context_layout(program, None);
        assert_eq!(layout.is_some(), program.name != "ext", "{}", program.name);
        let record = layout.and_then(|layout| layout.record).map_or("", |record| record.name);
        assert!(record == program.context || record.is_empty(), "{}", program.name);
        for attach in program.attach_types {
            let layout = context_layout(program, Some(*attach));
            assert_eq!(layout.is_some(), program.name != "ext", "{} {attach}", program.name);
        }
    }
    assert_eq!(pointer_layout(PointerKind::Sock).record.map(|row| row.name), Some("bpf_sock"));
}

#[test]
fn attach_types_are_those_of_the_kernel() {
    let mut used: BTreeSet<AttachType> = BTreeSet::new();
    for (index, attach) in AttachType::ALL.into_iter().enumerate() {
        assert_eq!(usize::try_from(attach.id()), Ok(index), "{attach}");
        assert_eq!(AttachType::from_name(attach.name()), Some(attach));
        assert_eq!(AttachType::from_id(attach.id()), Some(attach));
        let name = format!("BPF_{}", attach.name().to_ascii_uppercase());
        assert_eq!(constant(&name), Some(i64::from(attach.id())), "{name}");
        assert!(attach.what().ends_with('.') && !attach.source().is_empty(), "{attach}");
        assert!(attach.since() <= Version::NEWEST_MODELLED, "{attach}");
    }
    for program in program_types() {
        used.extend(program.attach_types);
        assert!(!program.attach_required || !program.attach_types.is_empty(), "{}", program.name);
        for attach in program.attach_types {
            let older = program.since <= attach.since();
            assert!(older || matches!(attach, AttachType::FlowDissector), "{attach}");
        }
        for rule in program.returns {
            assert!(rule.attach.iter().all(|attach| program.attach_types.contains(attach)));
        }
    }
    assert_eq!(used.len(), AttachType::ALL.len(), "every attach type is of a program type");
    assert_eq!(AttachType::from_id(58), None);
}

#[test]
fn results_are_checked_by_program_and_attach_type() {
    let check = |program: &str, attach| {
        return_check(program_type(program).expect("a program type"), attach)
    };
    let range = |min, max| ReturnCheck::Range { min, max };
    assert_eq!(check("xdp", None), ReturnCheck::Any);
    assert_eq!(check("sched_cls", Some(AttachType::TcxIngress)), ReturnCheck::Any);
    assert_eq!(check("cgroup_skb", Some(AttachType::CgroupInetEgress)), range(0, 3));
    assert_eq!(check("cgroup_skb", None), range(0, 1));
    assert_eq!(check("cgroup_sock_addr", Some(AttachType::CgroupUdp4Recvmsg)), range(1, 1));
    assert_eq!(check("cgroup_sock_addr", Some(AttachType::CgroupInet6Bind)), range(0, 3));
    assert_eq!(check("cgroup_sock_addr", Some(AttachType::CgroupInet6Connect)), range(0, 1));
    assert_eq!(check("tracing", Some(AttachType::TraceFexit)), range(0, 0));
    assert_eq!(check("tracing", Some(AttachType::TraceRawTp)), ReturnCheck::Any);
    assert_eq!(check("tracing", Some(AttachType::TraceIter)), range(0, 1));
    assert_eq!(check("kprobe", None), ReturnCheck::Any);
    assert_eq!(check("kprobe", Some(AttachType::TraceKprobeSession)), range(0, 1));
    assert_eq!(check("lsm", Some(AttachType::LsmMac)), ReturnCheck::LsmHook);
    assert_eq!(check("lsm", Some(AttachType::LsmCgroup)), ReturnCheck::LsmCgroup);
    assert_eq!(check("netfilter", None), range(0, 1));
    assert_eq!(check("ext", None), ReturnCheck::Target);
}

#[test]
fn program_types_agree_with_what_they_may_do() {
    for program in program_types() {
        let name = program.name;
        assert!(!program.packet_write || program.packet_read, "{name} writes what it cannot read");
        assert!(program.since >= Version::new(3, 19), "{name}");
    }
    let sleepable: Vec<_> = program_types()
        .iter()
        .filter(|program| program.sleepable != Sleepable::Never)
        .map(|program| program.name)
        .collect();
    assert_eq!(sleepable, ["kprobe", "tracing", "struct_ops", "lsm", "syscall"]);
    for row in sections() {
        let program = row.program_type;
        assert!(!row.sleepable || program.sleepable != Sleepable::Never, "{}", row.name);
        assert!(
            row.attach.is_none_or(|attach| program.attach_types.contains(&attach)),
            "{}",
            row.name
        );
        assert!(row.attach.is_some() || !program.attach_required, "{}", row.name);
    }
    let bind = section("cgroup/bind4").expect("a section");
    assert_eq!(bind.attach, Some(AttachType::CgroupInet4Bind));
    assert_eq!(section("kprobe/f").expect("a section").attach, None);
}

#[test]
fn every_map_row_holds_together() {
    assert_eq!(map_types().len(), 33);
    for (index, row) in map_types().iter().enumerate() {
        let name = row.name;
        assert_eq!(usize::try_from(row.id), Ok(index + 1), "{name}");
        assert_eq!(
            constant(&format!("BPF_MAP_TYPE_{}", name.to_ascii_uppercase())),
            Some(i64::from(row.id))
        );
        assert_eq!((map_type(name), map_type_by_id(row.id)), (Some(row), Some(row)));
        assert!(row.what.ends_with('.') && !row.source.is_empty(), "{name}");
        assert!(row.note.is_empty() || row.note.ends_with('.'), "{name}");
        for rule in [row.key_size, row.value_size, row.max_entries] {
            assert!(rule.min <= rule.max && rule.step != Step::MultipleOf(0), "{name}");
            assert!(rule.allows(rule.min), "{name}: the least size is allowed");
        }
        for flag in row.required_flags {
            assert!(row.flags.contains(flag), "{name}: {flag}");
        }
        for flag in row.flags {
            let known = constant(&format!("BPF_F_{}", flag.to_ascii_uppercase()));
            assert!(known.is_some(), "{name}: BPF_F_{flag}");
        }
        for helper in row.helpers.unwrap_or_default() {
            assert!(function(helper).is_some(), "{name}: {helper}");
            assert!(row.accepts(helper), "{name}: {helper} refuses it");
        }
    }
}

#[test]
fn helpers_and_maps_choose_each_other() {
    let map = |name: &str| -> &'static MapType { map_type(name).expect("a map type") };
    let accepted = |helper: &str| -> Vec<_> {
        map_types().iter().filter(|map| map.accepts(helper)).map(|map| map.name).collect()
    };
    assert_eq!(accepted("bpf_redirect_map"), ["devmap", "cpumap", "xskmap", "devmap_hash"]);
    assert_eq!(accepted("bpf_map_peek_elem"), ["queue", "stack", "bloom_filter"]);
    assert_eq!(accepted("bpf_tail_call"), ["prog_array"]);
    assert_eq!(
        accepted("bpf_map_lookup_percpu_elem"),
        ["percpu_hash", "percpu_array", "lru_percpu_hash"]
    );
    assert!(
        map("hash").accepts("bpf_map_update_elem") && map("arena").accepts("bpf_map_lookup_elem")
    );
    assert!(
        !map("ringbuf").accepts("bpf_map_lookup_elem") && !map("hash").accepts("bpf_ringbuf_query")
    );
    assert!(map("ringbuf").max_entries.allows(8192) && !map("ringbuf").max_entries.allows(12288));
    assert!(map("devmap").value_size.allows(8) && !map("devmap").value_size.allows(6));
    for row in functions().filter(|row| !row.protos.is_empty()) {
        let map = row.protos[0].args.iter().any(|arg| arg.base == ArgBase::ConstMapPtr);
        if map {
            assert!(map_types().iter().any(|map| map.accepts(row.name)), "{}: no map", row.name);
        }
    }
}

#[test]
fn every_feature_row_holds_together() {
    let names: BTreeSet<_> = features().iter().map(|row| row.name).collect();
    assert_eq!(names.len(), features().len(), "no name appears twice");
    assert!(features().is_sorted_by_key(|row| row.group), "rows stand in groups");
    for row in features() {
        assert!(row.what.ends_with('.') && !row.source.is_empty(), "{}", row.name);
        let told = row.source.contains("unverified") || !row.commit.is_empty();
        assert!(told, "{}: a commit, or the word that it was not looked up", row.name);
        assert_eq!(feature(row.name), Some(row));
    }
    let (old, new) = (Version::new(5, 10), Version::new(6, 19));
    assert!(old.has("bounded_loops") && !old.has("bpf_loop") && new.has("dynptr_file"));
    assert!(!Version::NEWEST_MODELLED.has("dynptr_file") && !new.has("no_such_feature"));
}

#[test]
fn the_snapshot_is_a_whole_btf() {
    let bytes = vmlinux_btf();
    assert_eq!(bytes.len(), SNAPSHOT.bytes);
    assert_eq!(bytes[..3], [0x9f, 0xeb, 1], "the magic, little end first, and the version");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let end = u64::from(word(4)) + u64::from(word(16)) + u64::from(word(20));
    assert_eq!(usize::try_from(end), Ok(bytes.len()), "the strings end the file");
    assert!(SNAPSHOT.kernel.starts_with("6.18.") && SNAPSHOT.sha256.len() == 64);
}
