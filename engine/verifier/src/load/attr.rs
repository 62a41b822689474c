//! What the kernel looks at before the verifier begins: privileges, length, attach type.

use kernel_model::ProgramType;

use crate::cx::{Check, Cx, reject};
use crate::program::Program;

/// How long programs may be (`BPF_COMPLEXITY_LIMIT_INSNS`).
const MOST_INSNS: usize = 1_000_000;

/// How long they may be without privileges (`BPF_MAXINSNS`).
const MOST_INSNS_UNPRIVILEGED: usize = 4096;

/// Types of programs that may be loaded without privileges, if the system allows any.
const UNPRIVILEGED: [&str; 2] = ["socket_filter", "cgroup_skb"];

/// Types of programs whose attach type is compared with those they can have.
pub(super) const WITH_ATTACH_TYPE: [&str; 7] = [
    "cgroup_sock",
    "cgroup_sock_addr",
    "cgroup_skb",
    "cgroup_sockopt",
    "sk_lookup",
    "sk_reuseport",
    "netfilter",
];

/// Types of programs that are for something the kernel's types describe.
const WITH_TARGET: [&str; 3] = ["tracing", "lsm", "struct_ops"];

/// The beginning of `bpf_prog_load` of kernel/bpf/syscall.c, which says nothing in the log.
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let Some(ty) = program.ty else {
        // libbpf gives up here; the kernel is not asked.
        let section = &program.linked_program.section;
        reject!(EINVAL, "missing BPF prog type, check ELF section name '{section}'");
    };
    let most = if program.is_bpf_capable() { MOST_INSNS } else { MOST_INSNS_UNPRIVILEGED };
    if program.is_empty() || program.len() > most {
        reject!(E2BIG, "");
    }
    if program.is_extension {
        return check_extension(program);
    }
    check_capabilities(program, ty)?;
    check_attach_type(program)
}

/// The program is of a type that needs no capability.
pub(crate) fn is_for_anybody(program: &Program<'_>) -> bool {
    !program.is_extension && UNPRIVILEGED.contains(&program.type_name())
}

/// Extensions are for something that no attach type tells.
fn check_extension(program: &Program<'_>) -> Check {
    if let Some(ty) = kernel_model::program_type("ext") {
        check_capabilities(program, ty)?;
    }
    if program.linked_program.load.expected_attach_type != 0 {
        reject!(EINVAL, "");
    }
    Ok(())
}

/// The loader may load programs of the type (`is_net_admin_prog_type`, `is_perfmon_prog_type`).
fn check_capabilities(program: &Program<'_>, ty: &ProgramType) -> Check {
    if !program.is_bpf_capable() && !UNPRIVILEGED.contains(&ty.name)
        || !ty.capabilities.iter().all(|&one| program.may(one))
    {
        reject!(EPERM, "");
    }
    Ok(())
}

/// `bpf_prog_load_check_attach` of kernel/bpf/syscall.c.
fn check_attach_type(program: &Program<'_>) -> Check {
    let name = program.type_name();
    if program.target.is_some() && !WITH_TARGET.contains(&name) {
        reject!(EINVAL, "");
    }
    let fits = match name {
        "syscall" => program.attach_number == 0,
        name if WITH_ATTACH_TYPE.contains(&name) => program.attach.is_some(),
        _ => true,
    };
    if !fits {
        reject!(EINVAL, "");
    }
    Ok(())
}
