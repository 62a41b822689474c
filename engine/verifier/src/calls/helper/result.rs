//! What a helper gives.

use kernel_model::{RetBase, TypeFlags};

use isa::Reg;

use super::{HelperCall, maps, types};
use crate::calls::kfunc::types::OneOf;
use crate::calls::refs;
use crate::cx::{Check, Cx, reject};
use crate::memory::FieldKind;
use crate::program::MapId;
use crate::state::{Detail, RefKind, Reg as RegState, RegKind, RegType, State};

type F = TypeFlags;

/// Numbers below 0 from this one on are errors (`MAX_ERRNO`).
const MAX_ERRNO: i32 = 4095;

/// How many processors the modelled machine has (`nr_cpu_ids`); recordings were made with two.
const PROCESSORS: u32 = 2;

/// Puts the result into R0.
pub(super) fn set(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    let ret = call.proto.ret;
    let mut value = match ret.base {
        RetBase::Integer => cx.unknown(),
        RetBase::Void => RegState::NOT_INIT,
        RetBase::PtrToMapValue => map_value(cx, call, ret.flags)?,
        RetBase::PtrToSocket => pointer(RegKind::Socket, ret.flags),
        RetBase::PtrToTcpSock => pointer(RegKind::TcpSock, ret.flags),
        RetBase::PtrToSockCommon => pointer(RegKind::SockCommon, ret.flags),
        RetBase::PtrToMem => memory(call.mem_size, ret.flags),
        RetBase::PtrToMemOrBtfId => percpu(cx, call, ret.flags)?,
        RetBase::PtrToBtfId => object(cx, call)?,
    };
    if value.ty.may_be_null() {
        value.id = cx.new_id();
    }
    let name = call.name();
    if name == "bpf_dynptr_data" {
        value.detail = Detail::Mem { size: call.mem_size, dynptr: call.dynptr_id };
    }
    if is_cast(name) || name == "bpf_dynptr_data" {
        value.ref_obj_id = call.ref_obj_id;
    } else if acquires(cx, call) {
        let id = refs::acquire(cx, state, RefKind::Ptr, call.pc);
        (value.id, value.ref_obj_id) = (id, id);
    }
    if ret.base == RetBase::Integer {
        refine(&mut value, call);
    }
    *state.reg_mut(Reg::R0) = value;
    Ok(())
}

fn pointer(kind: RegKind, flags: TypeFlags) -> RegState {
    RegState::pointer(RegType::with(kind, flags))
}

fn memory(size: u32, flags: TypeFlags) -> RegState {
    pointer(RegKind::Mem, flags).with(Detail::Mem { size, dynptr: 0 })
}

/// A value of the map; not NULL if an array has it for sure.
fn map_value(cx: &mut Cx<'_>, call: &HelperCall, flags: TypeFlags) -> Check<RegState> {
    let Some((map, uid)) = call.map else { return cx.unsupported("a value of no map") };
    let mut ty = RegType::with(RegKind::MapValue, flags);
    if call.name() == "bpf_map_lookup_elem" && is_certain(cx, map, call.const_key) {
        ty = ty.without(F::PTR_MAYBE_NULL);
    }
    let mut value = RegState::pointer(ty).with(Detail::Map { map, uid });
    if !ty.may_be_null() && has_lock(cx, map) {
        value.id = cx.new_id();
    }
    Ok(value)
}

fn is_certain(cx: &Cx<'_>, map: MapId, key: Option<i64>) -> bool {
    let entries = cx.program.map(map).map_or(0, |facts| facts.definition(map.inner).max_entries);
    maps::always_has_value(cx, map) && key.is_some_and(|key| (0..i64::from(entries)).contains(&key))
}

fn has_lock(cx: &Cx<'_>, map: MapId) -> bool {
    let lock = |kind: &FieldKind| matches!(kind, FieldKind::SpinLock | FieldKind::ResSpinLock);
    let record = cx.program.record(map);
    record.is_some_and(|record| record.fields.iter().any(|field| lock(&field.kind)))
}

/// A per-CPU variable of the kernel, or memory of the program, on one processor.
fn percpu(cx: &Cx<'_>, call: &HelperCall, flags: TypeFlags) -> Check<RegState> {
    let Some(OneOf { id, own }) = call.percpu else {
        return cx.unsupported("a per-CPU variable that is not known");
    };
    let btf = if own { cx.program.btf } else { Some(cx.program.kernel) };
    let Some((btf, ty)) = btf.and_then(|btf| Some((btf, btf.resolve(id)?))) else {
        return cx.unsupported("a per-CPU variable of a type that is not known");
    };
    if !ty.kind().is_composite() {
        return match btf.size_of(ty.id()).map(u32::try_from) {
            Ok(Ok(size)) => Ok(memory(size, flags)),
            _ => reject!(EINVAL, "unable to resolve the size of type '{}': -22", ty.name()),
        };
    }
    let ty = if call.percpu_alloc {
        RegType::with(RegKind::BtfId, F::MEM_ALLOC.union(F::MEM_RCU))
    } else {
        RegType::with(RegKind::BtfId, flags).without(F::MEM_RDONLY)
    };
    Ok(RegState::pointer(ty).with(Detail::Btf { id, own }))
}

/// A structure of the kernel, or what was in a field.
fn object(cx: &Cx<'_>, call: &HelperCall) -> Check<RegState> {
    let mut ty = RegType::with(RegKind::BtfId, call.proto.ret.flags);
    if call.name() == "bpf_kptr_xchg" {
        let kind = call.kptr.as_ref().map(|field| field.kind);
        let (pointee, percpu) = match kind {
            Some(FieldKind::KptrRef(pointee)) => (pointee, false),
            Some(FieldKind::KptrPercpu(pointee)) => (pointee, true),
            _ => return cx.unsupported("a kptr that is not known"),
        };
        if pointee.own {
            ty = ty.plus(F::MEM_ALLOC);
            if percpu {
                ty = ty.plus(F::MEM_PERCPU);
            }
        }
        let detail = Detail::Btf { id: pointee.id, own: pointee.own };
        return Ok(RegState::pointer(ty).with(detail));
    }
    let Some(name) = call.proto.ret.btf else {
        return cx.unsupported(format!("what {} gives", call.name()));
    };
    let id = types::kernel_struct(cx, name)?;
    Ok(RegState::pointer(ty).with(Detail::Btf { id, own: false }))
}

/// The result stands for the socket that was given (`is_ptr_cast_function`).
fn is_cast(name: &str) -> bool {
    const CASTS: [&str; 8] = [
        "bpf_tcp_sock",
        "bpf_sk_fullsock",
        "bpf_skc_to_tcp_sock",
        "bpf_skc_to_tcp6_sock",
        "bpf_skc_to_udp6_sock",
        "bpf_skc_to_mptcp_sock",
        "bpf_skc_to_tcp_timewait_sock",
        "bpf_skc_to_tcp_request_sock",
    ];
    CASTS.contains(&name)
}

/// The result must be given back (`is_acquire_function`).
fn acquires(cx: &Cx<'_>, call: &HelperCall) -> bool {
    const ACQUIRING: [&str; 5] = [
        "bpf_sk_lookup_tcp",
        "bpf_sk_lookup_udp",
        "bpf_skc_lookup_tcp",
        "bpf_ringbuf_reserve",
        "bpf_kptr_xchg",
    ];
    let of_sockets = || {
        let ty = call.map.and_then(|(map, _)| maps::type_of(cx, map));
        ty.is_some_and(|ty| ["sockmap", "sockhash"].contains(&ty.name))
    };
    ACQUIRING.contains(&call.name()) || (call.name() == "bpf_map_lookup_elem" && of_sockets())
}

/// Some results are known to lie in a range (`do_refine_retval_range`).
fn refine(value: &mut RegState, call: &HelperCall) {
    let num = &mut value.num;
    match call.name() {
        "bpf_get_stack"
        | "bpf_get_task_stack"
        | "bpf_probe_read_str"
        | "bpf_probe_read_kernel_str"
        | "bpf_probe_read_user_str" => {
            // Lengths are below 2^29.
            let most = i32::try_from(call.size_max).unwrap_or(i32::MAX);
            (num.smax, num.s32_max) = (i64::from(most), most);
            (num.smin, num.s32_min) = (-i64::from(MAX_ERRNO), -MAX_ERRNO);
            num.sync();
        }
        "bpf_get_smp_processor_id" => {
            let most = PROCESSORS - 1;
            (num.umin, num.umax) = (0, u64::from(most));
            (num.u32_min, num.u32_max) = (0, most);
            (num.smin, num.smax) = (0, i64::from(most));
            (num.s32_min, num.s32_max) = (0, most.cast_signed());
            num.sync();
        }
        _ => {}
    }
}
