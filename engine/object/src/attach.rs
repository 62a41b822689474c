//! What sections say about how programs are loaded and what they are attached to.

use btf::{Kind, TypeId};
use kernel_model::{AttachType, ProgramType, section};

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
    /// It needs one, and the section names none: the user of libbpf sets it, or no `struct_ops` map has the program.
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
        let base = match &info.target {
            Some(target) => name.strip_suffix(target.as_str()).unwrap_or(name),
            None => name,
        };
        let base = base.strip_suffix('/').unwrap_or(base);
        Load {
            program_type: Some(info.program_type),
            type_number: info.program_type.id,
            expected_attach_type: match base {
                // libbpf asks the kernel whether it has links of many uprobes; 6.6 and later do.
                "usdt" | "usdt.s" => AttachType::TraceUprobeMulti.id(),
                _ => info.attach.map_or(0, AttachType::id),
            },
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
