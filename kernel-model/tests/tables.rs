//! Walks every table and checks that its rows hold together.

use std::collections::HashSet;

use kernel_model::{
    DataStarts, Function, FunctionKind, KfuncHook, Packet, Param, RECORDS, Returns, Role,
    SkbDynptr, Version, constant, constants, function, functions, program_type, program_types,
    sections,
};

#[test]
fn functions_are_sorted_unique_and_found_by_name() {
    let names: Vec<_> = functions().map(|row| row.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "names are in order and none appears twice");
    assert!(functions().all(|row| function(row.name) == Some(row)));
    assert_eq!(function("bpf_no_such_function"), None);
    assert_eq!(function(""), None);
}

#[test]
fn helpers_are_numbered_from_1_to_211() {
    let mut ids: Vec<_> = functions().filter_map(Function::helper_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=211).collect::<Vec<_>>());
    for (name, id) in [("bpf_map_lookup_elem", 1), ("bpf_skb_store_bytes", 9), ("bpf_loop", 181)] {
        assert_eq!(named(name).kind, FunctionKind::Helper { id }, "{name}");
    }
    assert_eq!(named("bpf_dynptr_slice").kind, FunctionKind::Kfunc);
}

/// The newest kernel of which anything is known; it may be newer than the one that is the default.
fn newest_known() -> Version {
    Version::MODELLED.iter().copied().max().expect("some kernels are modelled")
}

#[test]
fn every_function_row_is_complete() {
    for row in functions() {
        let name = row.name;
        assert!(!row.source.is_empty(), "{name} has no source");
        assert!(row.summary.ends_with('.'), "{name}: a summary is a sentence");
        assert!(
            row.errors.is_empty() || row.errors.ends_with('.'),
            "{name}: errors end a sentence"
        );
        assert!(row.ret_type != "void" || row.returns == Returns::Void, "{name}");
        let pointer = matches!(row.returns, Returns::Pointer | Returns::NullablePointer);
        assert_eq!(row.ret_type.ends_with('*'), pointer, "{name} returns {}", row.ret_type);
        assert!(row.since >= Version::new(3, 18) && row.since <= newest_known(), "{name}");
        let attached_only =
            row.kfunc.as_ref().is_some_and(|kfunc| kfunc.set.hooks == [KfuncHook::FmodRet]);
        assert!(row.params.len() <= 5 || attached_only, "{name}: five registers carry arguments");
        assert!(!row.changes_geometry || row.changes_packet, "{name}");
    }
}

#[test]
fn parameters_fit_their_roles() {
    for row in functions() {
        let mut names = HashSet::new();
        for param in row.params {
            let what = format!("{}({})", row.name, param.name);
            assert!(names.insert(param.name), "{what}: two parameters of one name");
            let pointer = param.c_type.ends_with('*') || param.c_type.ends_with("callback_t");
            match param.role {
                Role::Flags | Role::Offset | Role::Size | Role::ConstSize => {
                    assert!(!pointer, "{what}: a number is no pointer");
                }
                // Addresses that the kernel checks itself are plain numbers to the verifier.
                Role::Scalar | Role::Unknown => {}
                _ => assert!(pointer, "{what}: {} is no pointer", param.c_type),
            }
            check_length(&what, row, param);
        }
    }
}

fn check_length(what: &str, row: &Function, param: &Param) {
    let Some(index) = param.size_param else { return };
    let size = row.params.get(usize::from(index)).map(|size| size.role);
    assert!(matches!(size, Some(Role::Size | Role::ConstSize)), "{what}: the length is {size:?}");
    let memory =
        [Role::MemIn, Role::MemOut, Role::MemInOut, Role::SliceBuffer, Role::Str, Role::StrOut];
    assert!(memory.contains(&param.role), "{what}: only memory has a length");
}

#[test]
fn dynptr_functions_say_what_they_do_with_the_dynptr() {
    use Role::{DynptrConst, DynptrMut, DynptrNew, DynptrRelease};
    let rows = [
        ("bpf_dynptr_from_mem", 3, DynptrNew, "5.19"),
        ("bpf_dynptr_from_skb", 2, DynptrNew, "6.4"),
        ("bpf_dynptr_from_xdp", 2, DynptrNew, "6.4"),
        ("bpf_dynptr_from_skb_meta", 2, DynptrNew, "6.18"),
        ("bpf_ringbuf_reserve_dynptr", 3, DynptrNew, "5.19"),
        ("bpf_ringbuf_submit_dynptr", 0, DynptrRelease, "5.19"),
        ("bpf_ringbuf_discard_dynptr", 0, DynptrRelease, "5.19"),
        ("bpf_dynptr_clone", 1, DynptrNew, "6.5"),
        ("bpf_dynptr_read", 2, DynptrConst, "5.19"),
        ("bpf_dynptr_write", 0, DynptrMut, "5.19"),
        ("bpf_dynptr_data", 0, DynptrConst, "5.19"),
        ("bpf_dynptr_slice", 0, DynptrConst, "6.4"),
        ("bpf_dynptr_slice_rdwr", 0, DynptrConst, "6.4"),
        ("bpf_dynptr_adjust", 0, DynptrMut, "6.5"),
        ("bpf_dynptr_size", 0, DynptrConst, "6.5"),
        ("bpf_dynptr_copy", 0, DynptrMut, "6.15"),
        ("bpf_dynptr_memset", 0, DynptrMut, "6.17"),
        ("bpf_probe_read_user_dynptr", 0, DynptrMut, "6.16"),
    ];
    for (name, index, role, since) in rows {
        let row = named(name);
        assert_eq!(row.params[index].role, role, "{name}");
        assert_eq!(row.since.to_string(), since, "{name}");
    }
}

#[test]
fn a_slice_buffer_is_optional_and_its_length_constant() {
    for name in ["bpf_dynptr_slice", "bpf_dynptr_slice_rdwr"] {
        let row = named(name);
        let buffer = row.param_with_role(Role::SliceBuffer).expect("a slice takes a buffer");
        assert!(row.params[buffer].nullable, "{name}");
        assert_eq!(row.params[buffer].size_param, Some(3), "{name}");
        assert_eq!(row.params[3].role, Role::ConstSize, "{name}");
        assert_eq!(row.returns, Returns::NullablePointer, "{name}");
    }
}

/// The helpers of the kernel's `bpf_helper_changes_pkt_data` (v6.18), except `bpf_tail_call`, and the
/// one kfunc treated alike; those that also move or resize the packet are marked.
#[test]
fn packet_changes_are_marked() {
    const CHANGES: [(&str, bool); 23] = [
        ("bpf_clone_redirect", false),
        ("bpf_l3_csum_replace", false),
        ("bpf_l4_csum_replace", false),
        ("bpf_lwt_push_encap", true),
        ("bpf_lwt_seg6_action", true),
        ("bpf_lwt_seg6_adjust_srh", true),
        ("bpf_lwt_seg6_store_bytes", false),
        ("bpf_msg_pop_data", true),
        ("bpf_msg_pull_data", false),
        ("bpf_msg_push_data", true),
        ("bpf_skb_adjust_room", true),
        ("bpf_skb_change_head", true),
        ("bpf_skb_change_proto", true),
        ("bpf_skb_change_tail", true),
        ("bpf_skb_pull_data", false),
        ("bpf_skb_store_bytes", false),
        ("bpf_skb_vlan_pop", true),
        ("bpf_skb_vlan_push", true),
        ("bpf_store_hdr_opt", false),
        ("bpf_xdp_adjust_head", true),
        ("bpf_xdp_adjust_meta", false),
        ("bpf_xdp_adjust_tail", true),
        ("bpf_xdp_pull_data", false),
    ];
    let marked: Vec<_> = functions()
        .filter(|row| row.changes_packet)
        .map(|row| (row.name, row.changes_geometry))
        .collect();
    assert_eq!(marked, CHANGES);
}

#[test]
fn program_types_agree_with_the_kernel_enumeration() {
    let rows = program_types();
    assert_eq!(rows.len(), 32);
    for (index, row) in rows.iter().enumerate() {
        let name = format!("BPF_PROG_TYPE_{}", row.name.to_ascii_uppercase());
        let id = i64::try_from(index + 1).expect("there are few program types");
        assert_eq!(constant(&name), Some(id), "{name}");
        assert_eq!(program_type(row.name), Some(row));
    }
    assert_eq!(program_type("tc"), None, "a title is not a name");
}

#[test]
fn every_program_type_row_holds_together() {
    for row in program_types() {
        let name = row.name;
        assert!(!row.source.is_empty() && !row.title.is_empty(), "{name}");
        assert!(row.packet == Packet::None || row.data_starts != DataStarts::None, "{name}");
        if row.uncloned_by_prologue {
            assert!(row.packet == Packet::Skb && row.packet_write, "{name}");
            assert_eq!(row.skb_dynptr, SkbDynptr::ReadWrite, "{name}");
        }
        for (text, value) in row.drop_codes.iter().chain(row.pass_codes) {
            let number = text.parse().ok().or_else(|| constant(text));
            assert_eq!(number, Some(*value), "{name}: {text}");
        }
        let drops = row.drop_codes.first().map_or("0", |(text, _)| text);
        assert_eq!(row.error_return, drops, "{name}");
        let fields: HashSet<_> = row.context_fields.iter().map(|field| field.name).collect();
        assert_eq!(fields.len(), row.context_fields.len(), "{name}: a field appears twice");
    }
}

#[test]
fn packet_access_follows_the_program_type() {
    let names = |keep: fn(&&kernel_model::ProgramType) -> bool| -> Vec<_> {
        program_types().iter().filter(keep).map(|row| row.name).collect()
    };
    assert_eq!(
        names(|row| row.packet_write),
        ["sched_cls", "sched_act", "xdp", "lwt_xmit", "sk_skb", "sk_msg", "cgroup_sockopt"]
    );
    assert_eq!(
        names(|row| row.skb_dynptr == SkbDynptr::ReadOnly),
        [
            "socket_filter",
            "cgroup_skb",
            "lwt_in",
            "lwt_out",
            "lwt_seg6local",
            "tracing",
            "netfilter"
        ]
    );
    assert_eq!(names(|row| row.packet == Packet::Xdp), ["xdp"]);
    let tc = program_type("sched_cls").expect("tc is a program type");
    assert_eq!((tc.context, tc.error_return), ("__sk_buff", "TC_ACT_SHOT"));
    assert_eq!(tc.context_fields.first().map(|field| field.name), Some("len"));
    assert!(tc.context_fields.iter().any(|field| field.c_type == "__u32[5]" && field.name == "cb"));
}

#[test]
fn every_section_row_holds_together() {
    let mut names = HashSet::new();
    for row in sections() {
        assert!(names.insert(row.name), "{} appears twice", row.name);
        assert!(!row.source.is_empty(), "{}", row.name);
        assert_eq!(
            row.sleepable,
            row.name.ends_with(".s") || row.name == "syscall",
            "{}",
            row.name
        );
        assert_eq!(row.frags, row.name.starts_with("xdp.frags"), "{}", row.name);
    }
}

#[test]
fn constants_are_sorted_and_have_their_values() {
    assert!(constants().is_sorted_by(|a, b| a.name < b.name));
    let known = [
        ("XDP_PASS", 2),
        ("TC_ACT_UNSPEC", -1),
        ("TC_ACT_SHOT", 2),
        ("BPF_F_RECOMPUTE_CSUM", 1),
        ("BPF_F_INVALIDATE_HASH", 2),
        ("BPF_F_CURRENT_CPU", 0xffff_ffff),
        ("BPF_F_CTXLEN_MASK", 0xf_ffff_0000_0000),
        ("BPF_RB_FORCE_WAKEUP", 2),
        ("BPF_NOEXIST", 1),
        ("BPF_MAP_TYPE_RINGBUF", 27),
        ("BPF_MAP_TYPE_ARENA", 33),
        ("ETH_P_IP", 0x0800),
        ("ETH_P_IPV6", 0x86dd),
        ("ETH_P_8021Q", 0x8100),
        ("ETH_ALEN", 6),
        ("ETH_HLEN", 14),
        ("IPPROTO_TCP", 6),
        ("IPPROTO_ICMPV6", 58),
        ("TASK_COMM_LEN", 16),
        ("IFNAMSIZ", 16),
        ("PATH_MAX", 4096),
        ("NAME_MAX", 255),
        ("AF_INET6", 10),
        ("SOL_SOCKET", 1),
        ("NF_ACCEPT", 1),
        ("NF_INET_POST_ROUTING", 4),
        ("SK_PASS", 1),
        ("BPF_DROP", 2),
        ("EINVAL", 22),
        ("E2BIG", 7),
        ("U64_MAX", -1),
        ("LIBBPF_PIN_BY_NAME", 1),
    ];
    for (name, value) in known {
        assert_eq!(constant(name), Some(value), "{name}");
    }
    assert_eq!(constant("NO_SUCH_CONSTANT"), None);
}

#[test]
fn records_declare_headers_and_contexts() {
    let depth = RECORDS.chars().try_fold(0u32, |depth, c| match c {
        '{' => Some(depth + 1),
        '}' => depth.checked_sub(1),
        _ => Some(depth),
    });
    assert_eq!(depth, Some(0), "braces are balanced");
    let header = "ethhdr vlan_hdr arphdr iphdr ipv6hdr ipv6_opt_hdr frag_hdr tcphdr udphdr icmphdr \
                  icmp6hdr sctphdr gre_base_hdr vxlanhdr in_addr in6_addr bpf_dynptr bpf_timer";
    for name in header.split_whitespace() {
        assert!(RECORDS.contains(&format!("struct {name} {{\n")), "{name} is not declared");
    }
    for row in program_types().iter().filter(|row| !row.context_fields.is_empty()) {
        let Some(start) = RECORDS.find(&format!("struct {} {{\n", row.context)) else {
            assert_eq!(row.context, "bpf_perf_event_data", "it needs the registers of a machine");
            continue;
        };
        let body = &RECORDS[start..start + RECORDS[start..].find("\n};").expect("it is closed")];
        for field in row.context_fields {
            assert!(body.contains(field.name), "{}.{} is not declared", row.context, field.name);
        }
    }
}

fn named(name: &str) -> &'static Function {
    function(name).unwrap_or_else(|| panic!("there is a row for {name}"))
}
