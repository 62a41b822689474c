//! What single helpers ask for beside their prototypes.

use isa::Reg;
use kernel_model::{ArgBase, AttachType};

use super::argument::{frozen_bytes, known_offset};
use super::{HelperCall, format};
use crate::calls::callback::{self, CallbackCall, SetCallee};
use crate::calls::{dynptr, refs};
use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::state::{Detail, DynptrKind, RegKind, RegType, State};

/// What the helper asks for and does before registers are lost; whether it changes a packet because of what it was
/// given.
pub(super) fn check(cx: &mut Cx<'_>, state: &mut State, call: &mut HelperCall) -> Check<bool> {
    match call.name() {
        "bpf_tail_call" => refs::check_leaks(cx, state, false, true, "tail_call")?,
        "bpf_get_local_storage" if !state.reg(Reg::R2).is_null() => {
            reject!(EINVAL, "get_local_storage() doesn't support non-zero flags")
        }
        "bpf_for_each_map_elem" => push(cx, state, call, callback::set_map_element)?,
        "bpf_timer_set_callback" => push(cx, state, call, callback::set_timer)?,
        "bpf_find_vma" => push(cx, state, call, callback::set_memory_area)?,
        "bpf_user_ringbuf_drain" => push(cx, state, call, callback::set_sample)?,
        "bpf_loop" => check_loop(cx, state, call)?,
        "bpf_snprintf" => check_snprintf(cx, state)?,
        "bpf_dynptr_from_mem" => {
            let ty = state.reg(Reg::R1).ty;
            if ty != RegType::of(RegKind::MapValue) {
                reject!(EACCES, "Unsupported reg type {ty} for bpf_dynptr_from_mem data");
            }
        }
        "bpf_set_retval" => check_set_retval(cx)?,
        "bpf_dynptr_data" => {
            let Some((_, id, ref_obj_id)) = dynptr_of(state, call) else {
                return cx.unsupported("bpf_dynptr_data without a dynptr");
            };
            (call.dynptr_id, call.ref_obj_id) = (id, ref_obj_id);
        }
        "bpf_dynptr_write" => {
            let Some((kind, ..)) = dynptr_of(state, call) else {
                return cx.unsupported("bpf_dynptr_write without a dynptr");
            };
            return Ok(matches!(kind, DynptrKind::Skb | DynptrKind::SkbMeta));
        }
        "bpf_per_cpu_ptr" | "bpf_this_cpu_ptr" => check_percpu(cx, state, call)?,
        _ => {}
    }
    Ok(false)
}

/// Calls the function that the helper was given.
fn push(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall, set: SetCallee) -> Check {
    let later = kernel_model::callback(call.name()).is_some_and(|row| row.later);
    let subprog = call.subprog;
    callback::push(cx, state, call.pc, CallbackCall { subprog, set, later, may_sleep: false })
}

/// The dynptr among the arguments (`get_dynptr_arg_reg`).
fn dynptr_of(state: &State, call: &HelperCall) -> Option<(DynptrKind, u32, u32)> {
    let index = call.proto.args.iter().position(|arg| arg.base == ArgBase::PtrToDynptr)?;
    dynptr::of(state, Reg::from_number(u8::try_from(index + 1).ok()?)?)
}

/// `bpf_loop`: the function is called as often as may matter.
fn check_loop(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    note_inlining(cx, state, call)?;
    explore::mark_precise(cx, state, Reg::R1)?;
    if u64::from(state.frame().callback_depth) < state.reg(Reg::R1).num.umax {
        return push(cx, state, call, callback::set_loop);
    }
    state.frame_mut().callback_depth = 0;
    if cx.log.is_verbose() {
        cx.say(format_args!("frame{} bpf_loop iteration limit reached", state.frames.len() - 1));
    }
    Ok(())
}

/// Whether the loop can be made part of the program (`update_loop_inline_state`).
fn note_inlining(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    let note = cx.aux.get(call.pc.index()).and_then(|aux| aux.call.inline_loop);
    let (fits, known) = note.unwrap_or((true, call.subprog));
    if !fits {
        return Ok(());
    }
    let without_flags = state.reg(Reg::R4).is_null();
    if without_flags {
        explore::mark_precise(cx, state, Reg::R4)?;
    }
    if let Some(aux) = cx.aux.get_mut(call.pc.index()) {
        aux.call.inline_loop = Some((without_flags && known == call.subprog, known));
    }
    Ok(())
}

/// `bpf_snprintf`: the format fits the arguments (`check_bpf_snprintf_call`).
fn check_snprintf(cx: &Cx<'_>, state: &State) -> Check {
    let length = state.reg(Reg::R5).num.bits.value();
    if !length.is_multiple_of(8) {
        reject!(EINVAL, "");
    }
    let format = state.reg(Reg::R3);
    let bytes = format.map().and_then(|map| frozen_bytes(cx, map, known_offset(format)));
    match bytes {
        None => reject!(EFAULT, "failed to retrieve map value address"),
        Some(bytes) if format::is_valid(&bytes, length / 8) => Ok(()),
        Some(_) => reject!(EINVAL, "Invalid format string"),
    }
}

/// `bpf_set_retval`: there must be a result to set.
fn check_set_retval(cx: &Cx<'_>) -> Check {
    if cx.program.type_name() != "lsm" || cx.program.attach != Some(AttachType::LsmCgroup) {
        return Ok(());
    }
    let Some((_, target)) = cx.program.target else {
        return cx.unsupported("bpf_set_retval for an unknown hook");
    };
    let hook = kernel_model::lsm_hook(target.strip_prefix("bpf_lsm_").unwrap_or(target));
    match hook.map(|hook| hook.returns) {
        Some(kernel_model::LsmReturn::Void) => reject!(
            EINVAL,
            "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!"
        ),
        Some(_) => Ok(()),
        None => cx.unsupported(format!("the LSM hook {target}")),
    }
}

/// `bpf_per_cpu_ptr` and `bpf_this_cpu_ptr` of memory that the program allocated.
fn check_percpu(cx: &Cx<'_>, state: &State, call: &mut HelperCall) -> Check {
    let pointer = state.reg(Reg::R1);
    if !pointer.ty.has(kernel_model::TypeFlags::MEM_RCU) {
        return Ok(());
    }
    let Detail::Btf { id, own } = pointer.detail else {
        reject!(EFAULT, "Helper has invalid btf/btf_id in R1");
    };
    let btf = if own { cx.program.btf } else { Some(cx.program.kernel) };
    if !btf.and_then(|btf| btf.get(id)).is_some_and(|ty| ty.kind().is_composite()) {
        reject!(EFAULT, "Helper has invalid btf/btf_id in R1");
    }
    call.percpu_alloc = true;
    Ok(())
}

/// What the helper asks for in the end.
pub(super) fn check_afterwards(cx: &Cx<'_>, call: &HelperCall) -> Check {
    use AttachType::{ModifyReturn, TraceFentry, TraceFexit};
    if call.name() != "bpf_get_func_ip" {
        return Ok(());
    }
    let title = call.title();
    match cx.program.ty.map_or(("", 0), |ty| (ty.name, ty.id)) {
        ("kprobe", _) => Ok(()),
        ("tracing", _) => match cx.program.attach {
            Some(ModifyReturn | TraceFentry | TraceFexit) => Ok(()),
            _ => {
                reject!(ENOTSUPP, "func {title} supported only for fentry/fexit/fmod_ret programs")
            }
        },
        (_, id) => reject!(ENOTSUPP, "func {title} not supported for program type {id}"),
    }
}
