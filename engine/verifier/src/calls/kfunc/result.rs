//! What a kfunc returns (the second half of `check_kfunc_call`).

use btf::{Kind, Type, TypeId};
use isa::{Pc, Reg};
use kernel_model::{KfuncFlags, TypeFlags};

use super::meta::Meta;
use super::table::Kfunc;
use super::{Special, types};
use crate::calls::{graph, refs};
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, FieldKind};
use crate::scalar::Bounds;
use crate::state::{Detail, RefKind, Reg as RegState, RegKind, RegType, State};

/// The largest object per processor that can be allocated (`BPF_GLOBAL_PERCPU_MA_MAX_SIZE`).
const MAX_PERCPU_SIZE: u32 = 512;
/// The largest errno (`MAX_ERRNO`).
const MAX_ERRNO: i32 = 4095;

/// Puts the result into R0; the other registers of the caller are gone already.
pub(super) fn put(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    kfunc: &Kfunc<'_>,
    meta: &Meta,
) -> Check {
    let ret = kfunc.ret;
    if kfunc.has(KfuncFlags::ACQUIRE) && !is_structure_pointer(cx, ret) {
        use Special::{ObjNew, PercpuObjNew, RefcountAcquire};
        if !matches!(kfunc.special, Some(ObjNew | PercpuObjNew | RefcountAcquire)) {
            reject!(EINVAL, "acquire kernel function does not return PTR_TO_BTF_ID");
        }
    }
    match ret.kind() {
        Kind::Void => Ok(()),
        Kind::Ptr => pointer(cx, state, pc, kfunc, meta),
        _ if types::is_scalar(ret) => {
            let locks =
                matches!(kfunc.special, Some(Special::ResSpinLock | Special::ResSpinLockIrqsave));
            let result = if locks { RegState::known(0) } else { cx.unknown() };
            let subreg_def = if ret.size() == Some(8) { 0 } else { pc.0 + 1 };
            *state.reg_mut(Reg::R0) = RegState { subreg_def, ..result };
            Ok(())
        }
        _ => cx.unsupported(format!("the result of {}", kfunc.name)),
    }
}

/// What R0 is where a resilient lock could not be taken.
pub(super) fn failed_lock(cx: &Cx<'_>, pc: Pc) -> RegState {
    let mut num = Bounds::UNKNOWN;
    (num.s32_min, num.s32_max) = (-MAX_ERRNO, -1);
    (num.smin, num.smax) = ((-MAX_ERRNO).into(), -1);
    num.sync();
    RegState { num, subreg_def: pc.0 + 1, ..cx.unknown() }
}

fn is_structure_pointer(cx: &Cx<'_>, ty: Type<'_>) -> bool {
    let target = (ty.kind() == Kind::Ptr).then(|| ty.target()).flatten();
    let target = target.and_then(|target| cx.program.kernel.resolve(target));
    target.is_some_and(|target| target.kind().is_composite())
}

fn pointer(cx: &mut Cx<'_>, state: &mut State, pc: Pc, kfunc: &Kfunc<'_>, meta: &Meta) -> Check {
    let program = cx.program;
    let target = kfunc.ret.target().and_then(|target| program.kernel.resolve(target));
    let Some(target) = target else {
        return cx.unsupported(format!("the result of {}", kfunc.name));
    };
    let mut result = match special(cx, kfunc, meta, target)? {
        Some(result) => result,
        // The address of nothing known is as good as a number.
        None if target.kind() == Kind::Void => cx.unknown(),
        None if target.kind() != Kind::Struct => memory_of(cx, kfunc, meta, target)?,
        None => structure(state, kfunc, meta, target.id()),
    };
    let may_be_null =
        kfunc.has(KfuncFlags::RET_NULL) && !(kfunc.is(Special::RefcountAcquire) && meta.owning);
    if may_be_null {
        result.ty = result.ty.plus(TypeFlags::PTR_MAYBE_NULL);
        result.id = cx.new_id();
    }
    result.subreg_def = 0;
    if kfunc.has(KfuncFlags::ACQUIRE) {
        let reference = refs::acquire(cx, state, RefKind::Ptr, pc);
        if may_be_null {
            result.id = reference;
        }
        result.ref_obj_id = reference;
    } else if matches!(target.name(), "bpf_rb_node" | "bpf_list_node") {
        graph::set_non_owning(program, state.active_locks > 0, &mut result);
    }
    let record = memory::record_of(program, &result);
    let may_be_locked = record.is_some_and(|record| {
        let kinds = [FieldKind::SpinLock, FieldKind::ResSpinLock];
        record.fields.iter().any(|field| kinds.contains(&field.kind))
    });
    if may_be_locked && result.id == 0 {
        result.id = cx.new_id();
    }
    *state.reg_mut(Reg::R0) = result;
    Ok(())
}

/// Memory of a known size.
fn memory_of(cx: &Cx<'_>, kfunc: &Kfunc<'_>, meta: &Meta, target: Type<'_>) -> Check<RegState> {
    let (size, rdonly) = match meta.ret_size {
        0 => (cx.program.kernel.size_of(target.id()).unwrap_or(0), true),
        size => (size, meta.ret_rdonly),
    };
    if size == 0 {
        reject!(
            EINVAL,
            "kernel function {} returns pointer type {} {} is not supported",
            kfunc.name,
            types::kind_name(target.kind()),
            target.name()
        );
    }
    let mut ty = RegType::of(RegKind::Mem);
    if rdonly {
        ty = ty.plus(TypeFlags::MEM_RDONLY);
    }
    if kfunc.has(KfuncFlags::RCU_PROTECTED) {
        ty = ty.plus(TypeFlags::MEM_RCU);
    }
    let pointer = RegState::pointer(ty).with(Detail::Mem { size: truncated(size), dynptr: 0 });
    Ok(RegState { ref_obj_id: meta.ref_obj_id, ..pointer })
}

/// A structure of the kernel.
fn structure(state: &State, kfunc: &Kfunc<'_>, meta: &Meta, id: TypeId) -> RegState {
    let mut ty = RegType::of(RegKind::BtfId);
    if kfunc.is(Special::GetKmemCache) {
        ty = ty.plus(TypeFlags::PTR_UNTRUSTED);
    } else if kfunc.has(KfuncFlags::RCU_PROTECTED) {
        ty = ty.plus(TypeFlags::MEM_RCU);
    }
    if kfunc.has(KfuncFlags::ITER_NEXT) {
        let iterator = meta.iter.and_then(|(frame, slot)| {
            state.frames.get(frame as usize)?.stack.get(slot).map(|slot| slot.spilled.ty)
        });
        let protected = iterator.is_some_and(|iterator| iterator.has(TypeFlags::MEM_RCU));
        ty = ty.plus(if protected { TypeFlags::MEM_RCU } else { TypeFlags::PTR_TRUSTED });
    }
    RegState::pointer(ty).with(Detail::Btf { id, own: false })
}

/// The result of kfuncs that the verifier knows by name (`check_special_kfunc`).
fn special(
    cx: &mut Cx<'_>,
    kfunc: &Kfunc<'_>,
    meta: &Meta,
    target: Type<'_>,
) -> Check<Option<RegState>> {
    let allocated = RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC);
    let graph_node = |root: Option<memory::GraphRoot>| root.map(graph::node_register);
    match kfunc.special {
        Some(Special::ObjNew | Special::PercpuObjNew) => new_object(cx, kfunc, meta).map(Some),
        Some(Special::RefcountAcquire) => {
            let object = meta.object.map(|object| Detail::Btf { id: object.id, own: object.own });
            Ok(object.map(|object| RegState::pointer(allocated).with(object)))
        }
        _ if target.name() == "bpf_list_node" => Ok(graph_node(meta.list)),
        _ if target.name() == "bpf_rb_node" => Ok(graph_node(meta.tree)),
        Some(Special::CastToKernCtx) => {
            let ty = RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED);
            let detail = meta.ret_id.map(|id| Detail::Btf { id, own: false });
            Ok(detail.map(|detail| RegState::pointer(ty).with(detail)))
        }
        Some(Special::RdonlyCast) => read_only_cast(cx, meta).map(Some),
        Some(Special::DynptrSlice | Special::DynptrSliceRdwr) => slice(cx, kfunc, meta).map(Some),
        _ => Ok(None),
    }
}

fn new_object(cx: &Cx<'_>, kfunc: &Kfunc<'_>, meta: &Meta) -> Check<RegState> {
    let percpu = kfunc.is(Special::PercpuObjNew);
    let number = meta.constant.unwrap_or_default();
    let Ok(id) = u32::try_from(number) else {
        reject!(EINVAL, "local type ID argument must be in range [0, U32_MAX]");
    };
    let Some(btf) = cx.program.btf else {
        reject!(EINVAL, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
    };
    let ty = btf.get(TypeId(id)).filter(|ty| ty.kind() == Kind::Struct);
    let Some(ty) = ty else {
        reject!(EINVAL, "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
    };
    let mut result = RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC);
    if percpu {
        let size = ty.size().unwrap_or_default();
        if size > MAX_PERCPU_SIZE {
            reject!(
                EINVAL,
                "bpf_percpu_obj_new type size ({size}) is greater than {MAX_PERCPU_SIZE}"
            );
        }
        // No cache has chunks of that size (`bpf_mem_alloc_percpu_unit_init`).
        if size == 0 {
            reject!(EINVAL, "");
        }
        if let Err(said) = types::scalar_struct(btf, ty, 0) {
            let said = if said.is_empty() { said } else { said + "\n" };
            reject!(
                EINVAL,
                "{said}bpf_percpu_obj_new type ID argument must be of a struct of scalars"
            );
        }
        if cx.program.records.of(ty.id()).is_some() {
            reject!(EINVAL, "bpf_percpu_obj_new type ID argument must not contain special fields");
        }
        result = result.plus(TypeFlags::MEM_PERCPU);
    }
    Ok(RegState::pointer(result).with(Detail::Btf { id: ty.id(), own: true }))
}

fn read_only_cast(cx: &Cx<'_>, meta: &Meta) -> Check<RegState> {
    let number = meta.constant.unwrap_or_default();
    let Some(ty) = cx.program.kernel.get(TypeId(truncated(number))) else {
        let number = number.cast_signed();
        reject!(EINVAL, "Unknown type ID {number} passed to kfunc bpf_rdonly_cast");
    };
    match ty.kind() {
        Kind::Struct | Kind::Union => {
            let pointer = RegType::with(RegKind::BtfId, TypeFlags::PTR_UNTRUSTED);
            Ok(RegState::pointer(pointer).with(Detail::Btf { id: ty.id(), own: false }))
        }
        _ if cx.program.lacks("rdonly_cast_to_memory") => {
            reject!(EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct")
        }
        Kind::Void => {
            let flags = TypeFlags::MEM_RDONLY.union(TypeFlags::PTR_UNTRUSTED);
            let memory = RegType::with(RegKind::Mem, flags);
            Ok(RegState::pointer(memory).with(Detail::Mem { size: 0, dynptr: 0 }))
        }
        _ => reject!(EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct or void"),
    }
}

fn slice(cx: &mut Cx<'_>, kfunc: &Kfunc<'_>, meta: &Meta) -> Check<RegState> {
    let Some(size) = meta.constant else {
        reject!(EFAULT, "verifier bug: bpf_dynptr_slice(_rdwr) no constant size");
    };
    let Some((kind, dynptr, _)) = meta.dynptr else {
        reject!(EFAULT, "verifier bug: no dynptr id");
    };
    let mut ty = RegType::with(RegKind::Mem, kind.flag());
    if kfunc.is(Special::DynptrSlice) {
        ty = ty.plus(TypeFlags::MEM_RDONLY);
    } else {
        if !cx.program.ty.is_some_and(|ty| ty.packet_write) {
            reject!(EINVAL, "the prog does not allow writes to packet data");
        }
        cx.seen_direct_write = true;
    }
    Ok(RegState::pointer(ty).with(Detail::Mem { size: truncated(size), dynptr }))
}

/// The kernel keeps sizes and numbers of types in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
fn truncated(number: u64) -> u32 {
    number as u32
}
