//! Which helper a call is of, and whether it may be made there.

use isa::{HelperId, Pc};
use kernel_model::{AttachType, Function, HelperProto};

use super::HelperCall;
use crate::cx::{Check, Cx, reject};
use crate::program::Program;
use crate::state::State;

/// The numbers of helpers end before this one (`__BPF_FUNC_MAX_ID`).
const HELPERS: i32 = 212;

/// Begins a call: the helper exists, and the program may call it here (the beginning of `check_helper_call`).
pub(super) fn begin(cx: &mut Cx<'_>, state: &State, pc: Pc, id: HelperId) -> Check<HelperCall> {
    let Some(number) = u32::try_from(id.0).ok().filter(|_| id.0 < HELPERS) else {
        reject!(EINVAL, "invalid func unknown#{}", id.0);
    };
    let function = kernel_model::helper(number);
    if let Some(function) = function.filter(|one| one.since > cx.program.options.kernel) {
        // Such a kernel knows only the number.
        let (name, since) = (function.name, function.since);
        reject!(EINVAL, "invalid func unknown#{number}: {name} was introduced in {since}");
    }
    let name = function.map_or("bpf_unspec", |function| function.name);
    if cx.program.ty.is_none_or(|ty| ty.name == "ext") {
        return cx.unsupported("helpers of a program whose type is not known");
    }
    let Some((function, proto)) = function.and_then(|f| Some((f, proto_of(cx.program, f)?))) else {
        reject!(EINVAL, "program of this type cannot use helper {name}#{number}");
    };
    if !cx.program.gpl && proto.gpl_only {
        reject!(EINVAL, "cannot call GPL-restricted function from non-GPL compatible program");
    }
    if proto.allowed.is_some_and(|test| !is_allowed(cx, test)) {
        reject!(EINVAL, "helper call is not allowed in probe");
    }
    if proto.might_sleep {
        check_sleep(cx, state, name, number)?;
    }
    Ok(HelperCall {
        pc,
        function,
        proto,
        id: number,
        map: None,
        release: None,
        raw: false,
        raw_stack: None,
        mem_size: 0,
        size_max: 0,
        ref_obj_id: 0,
        dynptr_id: 0,
        subprog: 0,
        const_key: None,
        percpu: None,
        percpu_alloc: false,
        kptr: None,
    })
}

/// The prototype that the program gets (`get_func_proto`).
pub(crate) fn proto_of(
    program: &Program<'_>,
    function: &'static Function,
) -> Option<&'static HelperProto> {
    let (ty, target) = (program.ty?, program.target.map(|(_, name)| name));
    // Its operations table has no helpers at all.
    if ty.name == "struct_ops" && target == Some("bpf_dummy_ops") {
        return None;
    }
    if ends_connection(program) && matches!(function.name, "bpf_setsockopt" | "bpf_getsockopt") {
        return None;
    }
    let hooked = |hook: &str| {
        target.is_some_and(|target| {
            let short = |name: &str| {
                name.strip_prefix("bpf_lsm_").or(name.strip_prefix("bpf_iter_")).map(str::to_owned)
            };
            target == hook || short(hook).as_deref() == Some(target)
        })
    };
    function.protos.iter().find(|proto| {
        proto.is_for(ty, program.attach)
            && (proto.hooks.is_empty() || proto.hooks.iter().any(|hook| hooked(hook)))
            && program.may(proto.capability)
    })
}

/// The operation is called when a connection leaves its congestion control, which setting an option could do again
/// (`bpf_tcp_ca_get_func_proto`, v6.18).
fn ends_connection(program: &Program<'_>) -> bool {
    let Some((id, "tcp_congestion_ops")) = program.target else { return false };
    let table = program.kernel.get(id);
    let member = table.and_then(|table| table.members().get(program.attach_number as usize));
    member.is_some_and(|member| member.name() == "release")
}

/// The kernel's further test (`allowed` of `struct bpf_func_proto`).
fn is_allowed(cx: &Cx<'_>, test: &str) -> bool {
    use AttachType::{TraceFentry, TraceFexit, TraceIter, TraceRawTp};
    let (program, ty) = (cx.program, cx.program.type_name());
    let target = program.target.map_or("", |(_, name)| name);
    let hook = target.strip_prefix("bpf_lsm_").unwrap_or(target);
    let hook_sleeps = || kernel_model::lsm_hook(hook).is_some_and(|hook| hook.sleepable);
    match test {
        "bpf_d_path_allowed" => match ty {
            "tracing" if program.attach == Some(TraceIter) => true,
            "lsm" => hook_sleeps(),
            _ => kernel_model::d_path_target(target),
        },
        "bpf_ima_inode_hash_allowed" => hook_sleeps(),
        "bpf_sk_storage_tracing_allowed" => match program.attach {
            Some(TraceIter | TraceRawTp) => true,
            Some(TraceFentry | TraceFexit) => !target.starts_with("bpf_sk_storage"),
            _ => false,
        },
        _ => false,
    }
}

/// The program may sleep here.
fn check_sleep(cx: &Cx<'_>, state: &State, name: &str, id: u32) -> Check {
    if !cx.in_sleepable(state) {
        reject!(EINVAL, "helper call might sleep in a non-sleepable prog");
    }
    let regions = [
        (state.active_rcu_locks > 0, "rcu_read_lock"),
        (state.active_preempt_locks > 0, "non-preemptible"),
        (state.active_irq_id != 0, "IRQ-disabled"),
    ];
    match regions.iter().find(|(open, _)| *open) {
        Some((_, region)) => reject!(EINVAL, "sleepable helper {name}#{id} in {region} region"),
        None => Ok(()),
    }
}
