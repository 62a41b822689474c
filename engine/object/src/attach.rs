//! What sections say about where programs are attached: the attach types of libbpf's `section_defs` (v1.6).

use btf::{Kind, TypeId};
use kernel_model::{ProgramType, program_types, section};

use crate::kernel::Kernel;

/// `BPF_F_SLEEPABLE`.
const SLEEPABLE: u32 = 1 << 4;
/// `BPF_F_XDP_HAS_FRAGS`.
const XDP_FRAGS: u32 = 1 << 5;

/// How a program is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// The type of the program; `None` if the section's name is not one that loaders know.
    pub program_type: Option<&'static ProgramType>,
    /// The value of `enum bpf_prog_type`; 0 if the type is not known.
    pub type_number: u32,
    /// The value of `enum bpf_attach_type`, or the index of the member for `struct_ops`.
    pub expected_attach_type: u32,
    /// `BPF_F_SLEEPABLE`, `BPF_F_XDP_HAS_FRAGS`.
    pub flags: u32,
    /// What the program is attached to, as far as loading it needs to know.
    pub target: Attach,
}

/// What a program is attached to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attach {
    /// Loading it needs no target.
    Nothing,
    /// It needs one, and the section names none; the user of libbpf sets it.
    Unspecified,
    /// A function, tracepoint or structure of the kernel, with its number in the kernel's type information.
    Kernel {
        /// The name in the kernel: `bpf_lsm_file_open`.
        name: String,
        /// Its type, which is `attach_btf_id`.
        id: TypeId,
    },
    /// One that the kernel does not have.
    Missing {
        /// The name looked for.
        name: String,
    },
    /// A function of another program, which is loaded first (`freplace`).
    Program {
        /// The function's name.
        name: String,
    },
}

impl Load {
    /// What the name of a section without `?` says.
    pub(crate) fn of(name: &str, kernel: &Kernel<'_>) -> Self {
        let info = section(name).filter(|info| !info.legacy);
        let Some(info) = info else {
            return Load {
                program_type: None,
                type_number: 0,
                expected_attach_type: 0,
                flags: 0,
                target: Attach::Nothing,
            };
        };
        let program_type = info.program_type;
        let number = program_types().iter().position(|row| row.name == program_type.name);
        let type_number = number.and_then(|index| u32::try_from(index + 1).ok()).unwrap_or(0);
        let base = match &info.target {
            Some(target) => name.strip_suffix(target.as_str()).unwrap_or(name),
            None => name,
        };
        let base = base.strip_suffix('/').unwrap_or(base);
        Load {
            program_type: Some(program_type),
            type_number,
            expected_attach_type: attach_type(base),
            flags: if info.sleepable { SLEEPABLE } else { 0 }
                | if info.frags { XDP_FRAGS } else { 0 },
            target: target(base, info.target, kernel),
        }
    }
}

fn target(base: &str, name: Option<String>, kernel: &Kernel<'_>) -> Attach {
    let (prefix, kind) = match base.strip_suffix(".s").unwrap_or(base) {
        "tp_btf" => ("btf_trace_", Kind::Typedef),
        "lsm" | "lsm_cgroup" => ("bpf_lsm_", Kind::Func),
        "iter" => ("bpf_iter_", Kind::Func),
        "fentry" | "fexit" | "fmod_ret" | "fsession" | "freplace" => ("", Kind::Func),
        _ => return Attach::Nothing,
    };
    let Some(name) = name else { return Attach::Unspecified };
    if base == "freplace" {
        return Attach::Program { name };
    }
    // `module:function`; only the kernel itself is known here.
    let name = name.strip_prefix("vmlinux:").unwrap_or(&name);
    let name = format!("{prefix}{name}");
    match kernel.btf.find(&name, kind) {
        Some(ty) => Attach::Kernel { id: ty.id(), name },
        None => Attach::Missing { name },
    }
}

/// The value of `enum bpf_attach_type` for a section; sections that are not here have 0.
#[allow(clippy::too_many_lines, reason = "a table")]
fn attach_type(base: &str) -> u32 {
    match base {
        "sk_reuseport/migrate" => 40,
        "sk_reuseport" => 39,
        "kprobe.multi" | "kretprobe.multi" => 42,
        "kprobe.session" => 56,
        "uprobe.multi" | "uretprobe.multi" | "uprobe.multi.s" | "uretprobe.multi.s" => 48,
        "uprobe.session" | "uprobe.session.s" => 57,
        // libbpf asks the kernel whether it has links for many uprobes, and 6.6 and later do.
        "usdt" | "usdt.s" => 48,
        "tc/ingress" | "tcx/ingress" => 46,
        "tc/egress" | "tcx/egress" => 47,
        "netkit/primary" => 54,
        "netkit/peer" => 55,
        "tp_btf" => 23,
        "fentry" | "fentry.s" => 24,
        "fmod_ret" | "fmod_ret.s" => 26,
        "fexit" | "fexit.s" => 25,
        "lsm" | "lsm.s" => 27,
        "lsm_cgroup" => 43,
        "iter" | "iter.s" => 28,
        "xdp.frags/devmap" | "xdp/devmap" => 33,
        "xdp.frags/cpumap" | "xdp/cpumap" => 35,
        "xdp.frags" | "xdp" => 37,
        "sockops" => 3,
        "sk_skb/stream_parser" => 4,
        "sk_skb/stream_verdict" => 5,
        "sk_skb/verdict" => 38,
        "sk_msg" => 7,
        "lirc_mode2" => 16,
        "flow_dissector" => 17,
        "cgroup_skb/ingress" => 0,
        "cgroup_skb/egress" => 1,
        "cgroup/sock_create" | "cgroup/sock" => 2,
        "cgroup/sock_release" => 34,
        "cgroup/post_bind4" => 12,
        "cgroup/post_bind6" => 13,
        "cgroup/bind4" => 8,
        "cgroup/bind6" => 9,
        "cgroup/connect4" => 10,
        "cgroup/connect6" => 11,
        "cgroup/connect_unix" => 49,
        "cgroup/sendmsg4" => 14,
        "cgroup/sendmsg6" => 15,
        "cgroup/sendmsg_unix" => 50,
        "cgroup/recvmsg4" => 19,
        "cgroup/recvmsg6" => 20,
        "cgroup/recvmsg_unix" => 51,
        "cgroup/getpeername4" => 29,
        "cgroup/getpeername6" => 30,
        "cgroup/getpeername_unix" => 52,
        "cgroup/getsockname4" => 31,
        "cgroup/getsockname6" => 32,
        "cgroup/getsockname_unix" => 53,
        "cgroup/sysctl" => 18,
        "cgroup/getsockopt" => 21,
        "cgroup/setsockopt" => 22,
        "cgroup/dev" => 6,
        "sk_lookup" => 36,
        "netfilter" => 45,
        _ => 0,
    }
}
