//! Section names, as libbpf reads them.

use kernel_model::{SectionForm, SectionInfo, section, sections};

/// The program type, the marks `s` sleepable, `f` frags, `n` not loaded, `l` legacy, and the target.
fn shape(text: &str) -> Option<(&'static str, String, Option<String>)> {
    let SectionInfo { program_type, sleepable, frags, autoload, target, legacy, attach: _ } =
        section(text)?;
    let marks = [(sleepable, 's'), (frags, 'f'), (!autoload, 'n'), (legacy, 'l')];
    let marks = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    Some((program_type.name, marks, target))
}

#[track_caller]
fn check(text: &str, program_type: &str, marks: &str, target: Option<&str>) {
    let (name, found_marks, found_target) =
        shape(text).unwrap_or_else(|| panic!("{text} is a program section"));
    assert_eq!((name, found_marks.as_str()), (program_type, marks), "{text}");
    assert_eq!(found_target.as_deref(), target, "{text}");
}

#[test]
fn every_row_is_found_by_its_own_name() {
    for row in sections() {
        let info = section(row.name).unwrap_or_else(|| panic!("{} is known", row.name));
        assert_eq!(info.program_type.name, row.program_type.name, "{}", row.name);
        assert_eq!((info.sleepable, info.frags), (row.sleepable, row.frags), "{}", row.name);
        assert!(info.autoload && !info.legacy && info.target.is_none(), "{}", row.name);
        let lazy = section(&format!("?{}", row.name)).expect("a question mark changes no name");
        assert!(!lazy.autoload, "{}", row.name);
        if row.form == SectionForm::OptionalTarget {
            check(
                &format!("{}/a/b:c", row.name),
                row.program_type.name,
                if row.sleepable { "s" } else { "" },
                Some("a/b:c"),
            );
        }
    }
}

#[test]
fn packet_programs() {
    check("tc", "sched_cls", "", None);
    check("tcx/ingress", "sched_cls", "", None);
    check("tcx/egress", "sched_cls", "", None);
    check("netkit/primary", "sched_cls", "", None);
    check("classifier", "sched_cls", "", None);
    check("action", "sched_act", "", None);
    check("xdp", "xdp", "", None);
    check("xdp.frags", "xdp", "f", None);
    check("xdp/devmap", "xdp", "", None);
    check("xdp.frags/cpumap", "xdp", "f", None);
    check("?xdp.frags", "xdp", "fn", None);
    check("cgroup_skb/egress", "cgroup_skb", "", None);
    check("cgroup/skb", "cgroup_skb", "", None);
    check("sk_skb/stream_verdict", "sk_skb", "", None);
    check("sk_msg", "sk_msg", "", None);
    check("lwt_xmit", "lwt_xmit", "", None);
    check("lwt_seg6local", "lwt_seg6local", "", None);
    check("socket", "socket_filter", "", None);
    check("netfilter", "netfilter", "", None);
    check("flow_dissector", "flow_dissector", "", None);
    check("sk_reuseport/migrate", "sk_reuseport", "", None);
}

#[test]
fn tracing_programs() {
    check("kprobe/tcp_connect", "kprobe", "", Some("tcp_connect"));
    check("kprobe.multi/tcp_*", "kprobe", "", Some("tcp_*"));
    check("kprobe.session/vfs_read", "kprobe", "", Some("vfs_read"));
    check("uprobe.s//proc/self/exe:f", "kprobe", "s", Some("/proc/self/exe:f"));
    check("ksyscall/openat", "kprobe", "", Some("openat"));
    check("usdt", "kprobe", "", None);
    check("tp/sched/sched_switch", "tracepoint", "", Some("sched/sched_switch"));
    check("raw_tp/sys_enter", "raw_tracepoint", "", Some("sys_enter"));
    check("raw_tp.w/bpf_test", "raw_tracepoint_writable", "", Some("bpf_test"));
    check("tp_btf/kfree_skb", "tracing", "", Some("kfree_skb"));
    check("?fentry.s/bpf_map_freeze", "tracing", "sn", Some("bpf_map_freeze"));
    check("fexit/do_unlinkat", "tracing", "", Some("do_unlinkat"));
    check("fmod_ret/update_socket_protocol", "tracing", "", Some("update_socket_protocol"));
    check("iter.s/task", "tracing", "s", Some("task"));
    check("lsm.s/file_open", "lsm", "s", Some("file_open"));
    check("lsm_cgroup/socket_bind", "lsm", "", Some("socket_bind"));
    check("freplace/main_prog", "ext", "", Some("main_prog"));
    check("perf_event", "perf_event", "", None);
    check("syscall", "syscall", "s", None);
    check("struct_ops.s/init", "struct_ops", "s", Some("init"));
    check("fentry/", "tracing", "", None);
}

#[test]
fn names_that_only_older_loaders_take() {
    check("xdp_prog", "xdp", "l", Some("_prog"));
    check("xdp/entry", "xdp", "l", Some("entry"));
    check("xdp.frags/entry", "xdp", "fl", Some("entry"));
    check("tc/entry", "sched_cls", "l", Some("entry"));
    check("classifier/ingress", "sched_cls", "l", Some("ingress"));
    check("socket1", "socket_filter", "l", Some("1"));
    check("cgroup_skb/ingress/counter", "cgroup_skb", "l", Some("counter"));
}

#[test]
fn what_is_no_program_section() {
    for text in [
        "",
        "?",
        "??tc",
        ".maps",
        "maps",
        "license",
        "version",
        ".data",
        ".rodata.config",
        ".bss",
        ".text",
        ".ksyms",
        ".kconfig",
        ".struct_ops",
        ".struct_ops.link",
        "tcp_congestion",
        "xdpx",
        "fentry.x/f",
        "kprobes/f",
        "cgroup",
        "cgroup/",
        "cgroup/bind5",
        "netkit/peers",
        "/",
        "ünïcode/é",
    ] {
        assert_eq!(shape(text), None, "{text:?}");
    }
}
