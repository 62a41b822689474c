//! Attach types. Written by `cargo xtask codegen` from `data/attach.toml`; do not edit.

use crate::Version;

/// How a program is attached, as in `enum bpf_attach_type` (v6.18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AttachType {
    /// Packets that a cgroup's sockets receive.
    CgroupInetIngress,
    /// Packets that a cgroup's sockets send.
    CgroupInetEgress,
    /// A socket is created.
    CgroupInetSockCreate,
    /// Events of a cgroup's TCP sockets.
    CgroupSockOps,
    /// Finds the messages in a stream of a sockmap.
    SkSkbStreamParser,
    /// Decides on the messages of a stream parser.
    SkSkbStreamVerdict,
    /// Access to device files.
    CgroupDevice,
    /// Decides on messages sent on a socket of a sockmap.
    SkMsgVerdict,
    /// `bind` to an IPv4 address.
    CgroupInet4Bind,
    /// `bind` to an IPv6 address.
    CgroupInet6Bind,
    /// `connect` to an IPv4 address.
    CgroupInet4Connect,
    /// `connect` to an IPv6 address.
    CgroupInet6Connect,
    /// After `bind` to an IPv4 address.
    CgroupInet4PostBind,
    /// After `bind` to an IPv6 address.
    CgroupInet6PostBind,
    /// A UDP message is sent to an IPv4 address.
    CgroupUdp4Sendmsg,
    /// A UDP message is sent to an IPv6 address.
    CgroupUdp6Sendmsg,
    /// Events of an infrared receiver.
    LircMode2,
    /// Takes the place of the flow dissector of a network namespace.
    FlowDissector,
    /// A sysctl is read or written.
    CgroupSysctl,
    /// The source of a received UDP message over IPv4.
    CgroupUdp4Recvmsg,
    /// The source of a received UDP message over IPv6.
    CgroupUdp6Recvmsg,
    /// After `getsockopt`.
    CgroupGetsockopt,
    /// Before `setsockopt`.
    CgroupSetsockopt,
    /// A tracepoint with typed arguments (`tp_btf`).
    TraceRawTp,
    /// The entry of a kernel function.
    TraceFentry,
    /// The exit of a kernel function.
    TraceFexit,
    /// Decides what a kernel function returns.
    ModifyReturn,
    /// A hook of the security modules.
    LsmMac,
    /// An iterator over kernel objects.
    TraceIter,
    /// `getpeername` of an IPv4 socket.
    CgroupInet4Getpeername,
    /// `getpeername` of an IPv6 socket.
    CgroupInet6Getpeername,
    /// `getsockname` of an IPv4 socket.
    CgroupInet4Getsockname,
    /// `getsockname` of an IPv6 socket.
    CgroupInet6Getsockname,
    /// A frame that a device map sends.
    XdpDevmap,
    /// A socket is closed.
    CgroupInetSockRelease,
    /// A frame that a CPU map hands over.
    XdpCpumap,
    /// The listening socket for a packet is looked up.
    SkLookup,
    /// A network device, through a link.
    Xdp,
    /// Decides on data received on a socket of a sockmap, without a parser.
    SkSkbVerdict,
    /// Chooses a socket of a reuseport group.
    SkReuseportSelect,
    /// The same, also when a socket is closed.
    SkReuseportSelectOrMigrate,
    /// A perf event, kprobe, uprobe or tracepoint, through a link.
    PerfEvent,
    /// The entry or the exit of many kernel functions.
    TraceKprobeMulti,
    /// A hook of the security modules, for the tasks of a cgroup.
    LsmCgroup,
    /// A table of kernel operations, through a link.
    StructOps,
    /// A netfilter hook.
    Netfilter,
    /// Traffic control where packets come in, through a link.
    TcxIngress,
    /// Traffic control where packets go out, through a link.
    TcxEgress,
    /// Many places in a user program.
    TraceUprobeMulti,
    /// `connect` to a Unix address.
    CgroupUnixConnect,
    /// A message is sent to a Unix address.
    CgroupUnixSendmsg,
    /// The source of a message received on a Unix socket.
    CgroupUnixRecvmsg,
    /// `getpeername` of a Unix socket.
    CgroupUnixGetpeername,
    /// `getsockname` of a Unix socket.
    CgroupUnixGetsockname,
    /// The primary device of a netkit pair.
    NetkitPrimary,
    /// The peer device of a netkit pair.
    NetkitPeer,
    /// The entry and the exit of many kernel functions.
    TraceKprobeSession,
    /// The entry and the exit of many functions of a user program.
    TraceUprobeSession,
}

impl AttachType {
    /// All of them, by number.
    pub const ALL: [Self; 58] = [
        Self::CgroupInetIngress,
        Self::CgroupInetEgress,
        Self::CgroupInetSockCreate,
        Self::CgroupSockOps,
        Self::SkSkbStreamParser,
        Self::SkSkbStreamVerdict,
        Self::CgroupDevice,
        Self::SkMsgVerdict,
        Self::CgroupInet4Bind,
        Self::CgroupInet6Bind,
        Self::CgroupInet4Connect,
        Self::CgroupInet6Connect,
        Self::CgroupInet4PostBind,
        Self::CgroupInet6PostBind,
        Self::CgroupUdp4Sendmsg,
        Self::CgroupUdp6Sendmsg,
        Self::LircMode2,
        Self::FlowDissector,
        Self::CgroupSysctl,
        Self::CgroupUdp4Recvmsg,
        Self::CgroupUdp6Recvmsg,
        Self::CgroupGetsockopt,
        Self::CgroupSetsockopt,
        Self::TraceRawTp,
        Self::TraceFentry,
        Self::TraceFexit,
        Self::ModifyReturn,
        Self::LsmMac,
        Self::TraceIter,
        Self::CgroupInet4Getpeername,
        Self::CgroupInet6Getpeername,
        Self::CgroupInet4Getsockname,
        Self::CgroupInet6Getsockname,
        Self::XdpDevmap,
        Self::CgroupInetSockRelease,
        Self::XdpCpumap,
        Self::SkLookup,
        Self::Xdp,
        Self::SkSkbVerdict,
        Self::SkReuseportSelect,
        Self::SkReuseportSelectOrMigrate,
        Self::PerfEvent,
        Self::TraceKprobeMulti,
        Self::LsmCgroup,
        Self::StructOps,
        Self::Netfilter,
        Self::TcxIngress,
        Self::TcxEgress,
        Self::TraceUprobeMulti,
        Self::CgroupUnixConnect,
        Self::CgroupUnixSendmsg,
        Self::CgroupUnixRecvmsg,
        Self::CgroupUnixGetpeername,
        Self::CgroupUnixGetsockname,
        Self::NetkitPrimary,
        Self::NetkitPeer,
        Self::TraceKprobeSession,
        Self::TraceUprobeSession,
    ];
}

pub(crate) struct AttachRow {
    pub(crate) name: &'static str,
    pub(crate) since: Version,
    pub(crate) what: &'static str,
    pub(crate) source: &'static str,
}

pub(crate) static ATTACH_ROWS: [AttachRow; 58] = [
    AttachRow {
        name: "cgroup_inet_ingress",
        since: Version::new(4, 10),
        what: "Packets that a cgroup's sockets receive.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 0e33661de493",
    },
    AttachRow {
        name: "cgroup_inet_egress",
        since: Version::new(4, 10),
        what: "Packets that a cgroup's sockets send.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 0e33661de493",
    },
    AttachRow {
        name: "cgroup_inet_sock_create",
        since: Version::new(4, 10),
        what: "A socket is created.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 610236587600",
    },
    AttachRow {
        name: "cgroup_sock_ops",
        since: Version::new(4, 13),
        what: "Events of a cgroup's TCP sockets.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 40304b2a1567",
    },
    AttachRow {
        name: "sk_skb_stream_parser",
        since: Version::new(4, 14),
        what: "Finds the messages in a stream of a sockmap.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 464bc0fd6273",
    },
    AttachRow {
        name: "sk_skb_stream_verdict",
        since: Version::new(4, 14),
        what: "Decides on the messages of a stream parser.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 464bc0fd6273",
    },
    AttachRow {
        name: "cgroup_device",
        since: Version::new(4, 15),
        what: "Access to device files.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit ebc614f68736",
    },
    AttachRow {
        name: "sk_msg_verdict",
        since: Version::new(4, 17),
        what: "Decides on messages sent on a socket of a sockmap.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 4f738adba30a",
    },
    AttachRow {
        name: "cgroup_inet4_bind",
        since: Version::new(4, 17),
        what: "`bind` to an IPv4 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 4fbac77d2d09",
    },
    AttachRow {
        name: "cgroup_inet6_bind",
        since: Version::new(4, 17),
        what: "`bind` to an IPv6 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 4fbac77d2d09",
    },
    AttachRow {
        name: "cgroup_inet4_connect",
        since: Version::new(4, 17),
        what: "`connect` to an IPv4 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d74bad4e74ee",
    },
    AttachRow {
        name: "cgroup_inet6_connect",
        since: Version::new(4, 17),
        what: "`connect` to an IPv6 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d74bad4e74ee",
    },
    AttachRow {
        name: "cgroup_inet4_post_bind",
        since: Version::new(4, 17),
        what: "After `bind` to an IPv4 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit aac3fc320d94",
    },
    AttachRow {
        name: "cgroup_inet6_post_bind",
        since: Version::new(4, 17),
        what: "After `bind` to an IPv6 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit aac3fc320d94",
    },
    AttachRow {
        name: "cgroup_udp4_sendmsg",
        since: Version::new(4, 18),
        what: "A UDP message is sent to an IPv4 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1cedee13d25a",
    },
    AttachRow {
        name: "cgroup_udp6_sendmsg",
        since: Version::new(4, 18),
        what: "A UDP message is sent to an IPv6 address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1cedee13d25a",
    },
    AttachRow {
        name: "lirc_mode2",
        since: Version::new(4, 18),
        what: "Events of an infrared receiver.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit f4364dcfc86d",
    },
    AttachRow {
        name: "flow_dissector",
        since: Version::new(4, 20),
        what: "Takes the place of the flow dissector of a network namespace.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d58e468b1112",
    },
    AttachRow {
        name: "cgroup_sysctl",
        since: Version::new(5, 2),
        what: "A sysctl is read or written.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 7b146cebe30c",
    },
    AttachRow {
        name: "cgroup_udp4_recvmsg",
        since: Version::new(5, 2),
        what: "The source of a received UDP message over IPv4.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 983695fa6765",
    },
    AttachRow {
        name: "cgroup_udp6_recvmsg",
        since: Version::new(5, 2),
        what: "The source of a received UDP message over IPv6.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 983695fa6765",
    },
    AttachRow {
        name: "cgroup_getsockopt",
        since: Version::new(5, 3),
        what: "After `getsockopt`.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 0d01da6afc54",
    },
    AttachRow {
        name: "cgroup_setsockopt",
        since: Version::new(5, 3),
        what: "Before `setsockopt`.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 0d01da6afc54",
    },
    AttachRow {
        name: "trace_raw_tp",
        since: Version::new(5, 5),
        what: "A tracepoint with typed arguments (`tp_btf`).",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit f1b9509c2fb0",
    },
    AttachRow {
        name: "trace_fentry",
        since: Version::new(5, 5),
        what: "The entry of a kernel function.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit fec56f5890d9",
    },
    AttachRow {
        name: "trace_fexit",
        since: Version::new(5, 5),
        what: "The exit of a kernel function.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit fec56f5890d9",
    },
    AttachRow {
        name: "modify_return",
        since: Version::new(5, 7),
        what: "Decides what a kernel function returns.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit ae24082331d9",
    },
    AttachRow {
        name: "lsm_mac",
        since: Version::new(5, 7),
        what: "A hook of the security modules.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit fc611f47f218",
    },
    AttachRow {
        name: "trace_iter",
        since: Version::new(5, 8),
        what: "An iterator over kernel objects.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 15d83c4d7cef",
    },
    AttachRow {
        name: "cgroup_inet4_getpeername",
        since: Version::new(5, 8),
        what: "`getpeername` of an IPv4 socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1b66d253610c",
    },
    AttachRow {
        name: "cgroup_inet6_getpeername",
        since: Version::new(5, 8),
        what: "`getpeername` of an IPv6 socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1b66d253610c",
    },
    AttachRow {
        name: "cgroup_inet4_getsockname",
        since: Version::new(5, 8),
        what: "`getsockname` of an IPv4 socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1b66d253610c",
    },
    AttachRow {
        name: "cgroup_inet6_getsockname",
        since: Version::new(5, 8),
        what: "`getsockname` of an IPv6 socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 1b66d253610c",
    },
    AttachRow {
        name: "xdp_devmap",
        since: Version::new(5, 8),
        what: "A frame that a device map sends.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit fbee97feed9b",
    },
    AttachRow {
        name: "cgroup_inet_sock_release",
        since: Version::new(5, 9),
        what: "A socket is closed.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit f5836749c9c0",
    },
    AttachRow {
        name: "xdp_cpumap",
        since: Version::new(5, 9),
        what: "A frame that a CPU map hands over.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 9216477449f3",
    },
    AttachRow {
        name: "sk_lookup",
        since: Version::new(5, 9),
        what: "The listening socket for a packet is looked up.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit e9ddbb7707ff",
    },
    AttachRow {
        name: "xdp",
        since: Version::new(5, 9),
        what: "A network device, through a link.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit aa8d3a716b59",
    },
    AttachRow {
        name: "sk_skb_verdict",
        since: Version::new(5, 13),
        what: "Decides on data received on a socket of a sockmap, without a parser.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit a7ba4558e69a",
    },
    AttachRow {
        name: "sk_reuseport_select",
        since: Version::new(5, 14),
        what: "Chooses a socket of a reuseport group.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d5e4ddaeb6ab",
    },
    AttachRow {
        name: "sk_reuseport_select_or_migrate",
        since: Version::new(5, 14),
        what: "The same, also when a socket is closed.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d5e4ddaeb6ab",
    },
    AttachRow {
        name: "perf_event",
        since: Version::new(5, 15),
        what: "A perf event, kprobe, uprobe or tracepoint, through a link.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit b89fbfbb854c",
    },
    AttachRow {
        name: "trace_kprobe_multi",
        since: Version::new(5, 18),
        what: "The entry or the exit of many kernel functions.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 0dcac2725406",
    },
    AttachRow {
        name: "lsm_cgroup",
        since: Version::new(6, 0),
        what: "A hook of the security modules, for the tasks of a cgroup.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 69fd337a975c",
    },
    AttachRow {
        name: "struct_ops",
        since: Version::new(6, 4),
        what: "A table of kernel operations, through a link.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 68b04864ca42 (unverified)",
    },
    AttachRow {
        name: "netfilter",
        since: Version::new(6, 4),
        what: "A netfilter hook.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 84601d6ee68a",
    },
    AttachRow {
        name: "tcx_ingress",
        since: Version::new(6, 6),
        what: "Traffic control where packets come in, through a link.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit e420bed02507 (unverified)",
    },
    AttachRow {
        name: "tcx_egress",
        since: Version::new(6, 6),
        what: "Traffic control where packets go out, through a link.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit e420bed02507 (unverified)",
    },
    AttachRow {
        name: "trace_uprobe_multi",
        since: Version::new(6, 6),
        what: "Many places in a user program.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 89ae89f53d20 (unverified)",
    },
    AttachRow {
        name: "cgroup_unix_connect",
        since: Version::new(6, 7),
        what: "`connect` to a Unix address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 859051dd165e (unverified)",
    },
    AttachRow {
        name: "cgroup_unix_sendmsg",
        since: Version::new(6, 7),
        what: "A message is sent to a Unix address.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 859051dd165e (unverified)",
    },
    AttachRow {
        name: "cgroup_unix_recvmsg",
        since: Version::new(6, 7),
        what: "The source of a message received on a Unix socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 859051dd165e (unverified)",
    },
    AttachRow {
        name: "cgroup_unix_getpeername",
        since: Version::new(6, 7),
        what: "`getpeername` of a Unix socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 859051dd165e (unverified)",
    },
    AttachRow {
        name: "cgroup_unix_getsockname",
        since: Version::new(6, 7),
        what: "`getsockname` of a Unix socket.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 859051dd165e (unverified)",
    },
    AttachRow {
        name: "netkit_primary",
        since: Version::new(6, 7),
        what: "The primary device of a netkit pair.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 35dfaad7188c (unverified)",
    },
    AttachRow {
        name: "netkit_peer",
        since: Version::new(6, 7),
        what: "The peer device of a netkit pair.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 35dfaad7188c (unverified)",
    },
    AttachRow {
        name: "trace_kprobe_session",
        since: Version::new(6, 10),
        what: "The entry and the exit of many kernel functions.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit 535a3692ba72 (unverified)",
    },
    AttachRow {
        name: "trace_uprobe_session",
        since: Version::new(6, 13),
        what: "The entry and the exit of many functions of a user program.",
        source: "include/uapi/linux/bpf.h enum bpf_attach_type (v6.18); since: docs.ebpf.io; commit d920179b3d48 (unverified)",
    },
];
