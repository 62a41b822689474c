//! Which registers an argument takes.

use btf::Kind;
use isa::Reg;
use kernel_model::{ArgBase, TypeFlags};

use crate::calls::kfunc::types::{self, OneOf};
use crate::cx::{Check, Cx, Stop, reject};
use crate::memory::{self, SpecialField};
use crate::state::{Detail, Reg as RegState, RegKind, RegType, State};

type F = TypeFlags;

/// What is asked of an argument beside its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The kind.
    pub base: ArgBase,
    /// Its flags.
    pub flags: TypeFlags,
    /// The structure of the kernel a BTF pointer must be to.
    pub btf: Option<btf::TypeId>,
    /// The name of the helper; `bpf_unspec` if it is none.
    pub helper: &'a str,
    /// The field that `bpf_kptr_xchg` changes.
    pub kptr: Option<&'a SpecialField>,
}

const fn plain(kind: RegKind) -> RegType {
    RegType::of(kind)
}

const fn with(kind: RegKind, flags: TypeFlags) -> RegType {
    RegType::with(kind, flags)
}

const SOCKETS: [RegType; 4] = [
    plain(RegKind::SockCommon),
    plain(RegKind::Socket),
    plain(RegKind::TcpSock),
    plain(RegKind::XdpSock),
];
const SOCKETS_BY_BTF: [RegType; 6] = [
    plain(RegKind::SockCommon),
    plain(RegKind::Socket),
    plain(RegKind::TcpSock),
    plain(RegKind::XdpSock),
    plain(RegKind::BtfId),
    with(RegKind::BtfId, F::PTR_TRUSTED),
];
const MEMORY: [RegType; 9] = [
    plain(RegKind::Stack),
    plain(RegKind::Packet),
    plain(RegKind::PacketMeta),
    plain(RegKind::MapKey),
    plain(RegKind::MapValue),
    plain(RegKind::Mem),
    with(RegKind::Mem, F::MEM_RINGBUF),
    plain(RegKind::Buf),
    with(RegKind::BtfId, F::PTR_TRUSTED),
];
const LOCKS: [RegType; 2] = [plain(RegKind::MapValue), with(RegKind::BtfId, F::MEM_ALLOC)];
const OBJECTS: [RegType; 3] =
    [plain(RegKind::BtfId), with(RegKind::BtfId, F::PTR_TRUSTED), with(RegKind::BtfId, F::MEM_RCU)];
const PERCPU_OBJECTS: [RegType; 3] = [
    with(RegKind::BtfId, F::MEM_PERCPU),
    with(RegKind::BtfId, F::MEM_PERCPU.union(F::MEM_RCU)),
    with(RegKind::BtfId, F::MEM_PERCPU.union(F::PTR_TRUSTED)),
];
const SCALAR: [RegType; 1] = [plain(RegKind::Scalar)];
const MAP: [RegType; 1] = [plain(RegKind::ConstMapPtr)];
const CONTEXT: [RegType; 1] = [plain(RegKind::Ctx)];
const FULL_SOCKET: [RegType; 1] = [plain(RegKind::Socket)];
const RECORD: [RegType; 1] = [with(RegKind::Mem, F::MEM_RINGBUF)];
const FUNCTION: [RegType; 1] = [plain(RegKind::Func)];
const STACK: [RegType; 1] = [plain(RegKind::Stack)];
const VALUE: [RegType; 1] = [plain(RegKind::MapValue)];
const DYNPTRS: [RegType; 2] = [plain(RegKind::Stack), plain(RegKind::Dynptr)];

/// What an argument takes (`compatible_reg_types`); `None` for those that are not checked by it.
const fn compatible(base: ArgBase) -> Option<&'static [RegType]> {
    let types: &'static [RegType] = match base {
        ArgBase::PtrToMapKey | ArgBase::PtrToMapValue | ArgBase::PtrToMem => &MEMORY,
        ArgBase::ConstSize | ArgBase::ConstSizeOrZero | ArgBase::ConstAllocSizeOrZero => &SCALAR,
        ArgBase::ConstMapPtr => &MAP,
        ArgBase::PtrToCtx => &CONTEXT,
        ArgBase::PtrToSockCommon => &SOCKETS,
        ArgBase::PtrToBtfIdSockCommon => &SOCKETS_BY_BTF,
        ArgBase::PtrToSocket => &FULL_SOCKET,
        ArgBase::PtrToBtfId => &OBJECTS,
        ArgBase::PtrToSpinLock => &LOCKS,
        ArgBase::PtrToRingbufMem => &RECORD,
        ArgBase::PtrToPercpuBtfId => &PERCPU_OBJECTS,
        ArgBase::PtrToFunc => &FUNCTION,
        ArgBase::PtrToStack => &STACK,
        ArgBase::PtrToConstStr | ArgBase::PtrToTimer => &VALUE,
        ArgBase::KptrXchgDest => &LOCKS,
        ArgBase::PtrToDynptr => &DYNPTRS,
        ArgBase::PtrToArena | ArgBase::Anything => return None,
    };
    Some(types)
}

/// The flags that tell of which dynptr memory is a slice (`DYNPTR_TYPE_FLAG_MASK`).
const SLICE_FLAGS: TypeFlags = F::DYNPTR_TYPE_LOCAL
    .union(F::DYNPTR_TYPE_RINGBUF)
    .union(F::DYNPTR_TYPE_SKB)
    .union(F::DYNPTR_TYPE_XDP)
    .union(F::DYNPTR_TYPE_SKB_META);

/// The register is of a kind that the argument takes (`check_reg_type`).
pub(crate) fn check_type(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    wanted: Wanted<'_>,
) -> Check {
    let Some(types) = compatible(wanted.base) else {
        return cx.unsupported(format!("{:?} as the type of an argument", wanted.base));
    };
    let pointer = *state.reg(reg);
    let compared = compared(&pointer, reg, wanted);
    if !types.contains(&compared) {
        let expected: Vec<_> = types.iter().map(ToString::to_string).collect();
        let (number, ty) = (reg.number(), pointer.ty);
        reject!(EACCES, "R{number} type={ty} expected={}", expected.join(", "));
    }
    if pointer.kind() != RegKind::BtfId {
        return Ok(());
    }
    if types == MEMORY {
        if !wanted.flags.contains(F::MEM_RDONLY) {
            let (helper, number, ty) = (wanted.helper, reg.number(), pointer.ty);
            reject!(EACCES, "{helper}() may write into memory pointed by R{number} type={ty}");
        }
        return Ok(());
    }
    check_object(cx, state, reg, &pointer, wanted)
}

/// The type without what does not matter to the argument.
fn compared(pointer: &RegState, reg: Reg, wanted: Wanted<'_>) -> RegType {
    let mut ty = pointer.ty;
    if wanted.flags.contains(F::MEM_RDONLY) {
        ty = ty.without(F::MEM_RDONLY);
    }
    if wanted.flags.contains(F::PTR_MAYBE_NULL) {
        ty = ty.without(F::PTR_MAYBE_NULL);
    }
    if wanted.base == ArgBase::PtrToMem {
        ty = ty.without(SLICE_FLAGS);
    }
    if is_exchanged(reg, wanted) && ty.has(F::MEM_ALLOC) {
        ty = ty.without(F::MEM_ALLOC.union(F::MEM_PERCPU));
    }
    ty
}

/// It is what `bpf_kptr_xchg` puts into the field.
fn is_exchanged(reg: Reg, wanted: Wanted<'_>) -> bool {
    wanted.helper == "bpf_kptr_xchg" && reg == Reg::R2
}

/// A pointer to a structure is to the one that is asked for.
fn check_object(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    pointer: &RegState,
    wanted: Wanted<'_>,
) -> Check {
    const TRUSTED_OR_NULL: F = F::PTR_TRUSTED.union(F::PTR_MAYBE_NULL);
    const RCU_OR_NULL: F = F::MEM_RCU.union(F::PTR_MAYBE_NULL);
    const PERCPU_ALLOC: F = F::MEM_PERCPU.union(F::MEM_ALLOC);
    match pointer.ty.flags {
        F::NONE
        | F::PTR_TRUSTED
        | TRUSTED_OR_NULL
        | F::MEM_RCU
        | F::PTR_MAYBE_NULL
        | RCU_OR_NULL => check_kernel_object(cx, state, reg, pointer, wanted),
        F::MEM_ALLOC | PERCPU_ALLOC => {
            let known = ["bpf_spin_lock", "bpf_spin_unlock", "bpf_kptr_xchg"];
            if !known.contains(&wanted.helper) {
                reject!(EFAULT, "verifier bug: unimplemented handling of MEM_ALLOC");
            }
            if is_exchanged(reg, wanted) { kept_as(cx, state, reg, wanted) } else { Ok(()) }
        }
        flags if PERCPU_OBJECTS.iter().any(|ty| ty.flags == flags) => Ok(()),
        _ => reject!(EFAULT, "verifier bug: invalid PTR_TO_BTF_ID register for type match"),
    }
}

fn check_kernel_object(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    pointer: &RegState,
    wanted: Wanted<'_>,
) -> Check {
    let number = reg.number();
    let release = wanted.flags.contains(F::OBJ_RELEASE);
    if pointer.ty.may_be_null() && (!wanted.flags.contains(F::PTR_MAYBE_NULL) || release) {
        reject!(EACCES, "Possibly NULL pointer passed to helper arg{number}");
    }
    if wanted.helper == "bpf_kptr_xchg" {
        return kept_as(cx, state, reg, wanted);
    }
    let need = match wanted.btf {
        Some(id) => id,
        None if wanted.base == ArgBase::PtrToBtfIdSockCommon => kernel_struct(cx, "sock_common")?,
        None => return cx.unsupported("an argument of an unknown structure"),
    };
    let Detail::Btf { id, own } = pointer.detail else {
        return cx.unsupported("a pointer to an unknown structure");
    };
    let strict = release && wanted.helper != "bpf_sk_release";
    let (have, need) = (OneOf { id, own }, OneOf { id: need, own: false });
    if let Err(words) = types::matches(cx, have, pointer.off, need, strict) {
        let words = if words.is_empty() || words.ends_with('\n') { words } else { words + "\n" };
        let (have, need) = (type_name(cx, have), type_name(cx, need));
        reject!(EACCES, "{words}R{number} is of type {have} but {need} is expected");
    }
    Ok(())
}

/// What is kept in a kptr is of the kind of the field; the errno of a misfit is that of the argument.
fn kept_as(cx: &mut Cx<'_>, state: &mut State, reg: Reg, wanted: Wanted<'_>) -> Check {
    let Some(field) = wanted.kptr else { return cx.unsupported("a kptr that is not known") };
    memory::kptr_matches(cx, state, field, reg).map_err(|stop| match stop {
        Stop::Reject(mut reject) => {
            reject.errno = crate::cx::Errno::EACCES;
            Stop::Reject(reject)
        }
        unsupported => unsupported,
    })
}

/// The name of a type (`btf_type_name`).
pub(crate) fn type_name(cx: &Cx<'_>, pointee: OneOf) -> String {
    let btf = if pointee.own { cx.program.btf } else { Some(cx.program.kernel) };
    let name = btf.and_then(|btf| Some(btf.get(pointee.id)?.name().to_owned()));
    name.unwrap_or_default()
}

/// A structure of the kernel.
pub(crate) fn kernel_struct(cx: &Cx<'_>, name: &str) -> Check<btf::TypeId> {
    match cx.program.kernel.find(name, Kind::Struct) {
        Some(found) => Ok(found.id()),
        None => cx.unsupported(format!("struct {name}, which the kernel has not")),
    }
}
