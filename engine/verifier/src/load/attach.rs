//! What a program is for must exist, and be something such programs can be for.

use bpf_object::Attach;
use btf::Kind;
use kernel_model::{AttachType, kernel_iterator, lsm_hook, never_returns};

use super::target;
use crate::cx::{Check, Cx, reject};
use crate::program::Program;

/// Whether the program may sleep, and what it is for (`check_attach_btf_id`).
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    if program.is_extension {
        return super::extension::check(cx);
    }
    let type_name = program.type_name();
    if type_name == "syscall" {
        if !program.sleepable {
            reject!(EINVAL, "Syscall programs can only be sleepable");
        }
        return Ok(());
    }
    if program.sleepable && !can_be_sleepable(program) {
        reject!(
            EINVAL,
            "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable"
        );
    }
    match type_name {
        "struct_ops" => super::struct_ops::check(cx),
        "tracing" | "lsm" => check_kernel_target(cx),
        _ => Ok(()),
    }
}

/// `can_be_sleepable`.
fn can_be_sleepable(program: &Program<'_>) -> bool {
    match program.type_name() {
        "tracing" => matches!(
            program.attach,
            Some(
                AttachType::TraceFentry
                    | AttachType::TraceFexit
                    | AttachType::ModifyReturn
                    | AttachType::TraceIter
            )
        ),
        // Of these, only those for user space.
        "kprobe" => true,
        "lsm" | "struct_ops" => true,
        _ => false,
    }
}

/// A function or tracepoint of the kernel (`bpf_check_attach_target` without another program).
fn check_kernel_target(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let Some((id, name)) = program.target else {
        if let Attach::Missing { name } = &program.linked_program.load.target
            && name.contains(':')
        {
            return cx.unsupported(format!("what modules of the kernel have: {name}"));
        }
        reject!(EINVAL, "Tracing programs must provide btf_id");
    };
    let number = id.0;
    let Some(ty) = program.kernel.get(id) else {
        reject!(EINVAL, "attach_btf_id {number} is invalid");
    };
    match program.attach {
        Some(AttachType::TraceRawTp) => {
            if ty.kind() != Kind::Typedef {
                reject!(EINVAL, "attach_btf_id {number} is not a typedef");
            }
            if !name.starts_with("btf_trace_") {
                reject!(EINVAL, "attach_btf_id {number} points to wrong type name {name}");
            }
            return Ok(());
        }
        Some(
            AttachType::TraceIter
            | AttachType::TraceFentry
            | AttachType::TraceFexit
            | AttachType::ModifyReturn
            | AttachType::LsmMac
            | AttachType::LsmCgroup,
        ) => {}
        _ => reject!(EINVAL, ""),
    }
    if ty.kind() != Kind::Func {
        reject!(EINVAL, "attach_btf_id {number} is not a function");
    }
    target::check_prototype(program, name)?;
    match program.attach {
        Some(AttachType::TraceIter) => {
            if kernel_iterator(name.strip_prefix("bpf_iter_").unwrap_or(name)).is_none() {
                reject!(EINVAL, "");
            }
            Ok(())
        }
        Some(AttachType::LsmMac | AttachType::LsmCgroup) => check_lsm(program, number, name),
        _ => check_function(program, name),
    }
}

/// A hook of the security modules (`bpf_lsm_verify_prog` of kernel/bpf/bpf_lsm.c).
fn check_lsm(program: &Program<'_>, number: u32, name: &str) -> Check {
    let hook = lsm_hook(name);
    if program.sleepable && hook.is_none_or(|hook| !hook.sleepable) {
        reject!(EINVAL, "{name} is not sleepable");
    }
    if !program.gpl {
        reject!(EINVAL, "LSM programs must have a GPL compatible license");
    }
    match hook {
        Some(hook) if hook.disabled => {
            reject!(EINVAL, "attach_btf_id {number} points to disabled hook {name}")
        }
        None => reject!(EINVAL, "attach_btf_id {number} points to wrong type name {name}"),
        Some(_) => Ok(()),
    }
}

/// A function that is observed, or whose result is decided on.
fn check_function(program: &Program<'_>, name: &str) -> Check {
    if program.sleepable {
        if !target::may_sleep(name) {
            reject!(EINVAL, "{name} is not sleepable");
        }
    } else if program.attach == Some(AttachType::ModifyReturn) && !target::is_modifiable(name) {
        reject!(EINVAL, "{name}() is not modifiable");
    }
    if target::is_denied(name) {
        reject!(EINVAL, "Attaching tracing programs to function '{name}' is rejected.");
    }
    let at_exit = matches!(program.attach, Some(AttachType::TraceFexit | AttachType::ModifyReturn));
    if at_exit && never_returns(name) {
        reject!(EINVAL, "Attaching fexit/fmod_ret to __noreturn function '{name}' is rejected.");
    }
    Ok(())
}
