//! The arguments of a helper.

use isa::Reg;
use kernel_model::{Arg, ArgBase, TypeFlags};

use super::argument::{self, check_mem_size, check_offset};
use super::types::{self, Wanted, check_type};
use super::{HelperCall, maps};
use crate::calls::dynptr::{self, DynptrArg};
use crate::calls::graph;
use crate::calls::kfunc::field;
use crate::calls::kfunc::types::OneOf;
use crate::calls::lock::{self, LockCall};
use crate::cx::{Check, Cx, reject};
use crate::explore;
use crate::memory::{self, Access, FieldKind};
use crate::state::{Detail, DynptrKind, RegKind, State};

type F = TypeFlags;

/// The argument at `index` (`check_func_arg`).
pub(super) fn check(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    index: usize,
) -> Check {
    let Some(mut arg) = call.proto.args.get(index).copied() else { return Ok(()) };
    let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
    let Some(reg) = Reg::from_number(number) else { return cx.unsupported("a sixth argument") };
    cx.read_reg(state, reg)?;
    if arg.base == ArgBase::Anything {
        if cx.leaks(state.reg(reg)) {
            reject!(EACCES, "R{number} leaks addr into helper function");
        }
        return Ok(());
    }
    let packet = matches!(state.reg(reg).kind(), RegKind::Packet | RegKind::PacketMeta);
    if packet && !may_pass_packet(cx, call) {
        reject!(EACCES, "helper access to the packet is not allowed");
    }
    if arg.base == ArgBase::PtrToMapValue {
        arg = maps::resolve_value(cx, call, arg)?;
    }
    if !(state.reg(reg).is_null() && arg.flags.contains(F::PTR_MAYBE_NULL)) {
        let btf = match arg.btf {
            Some(name) => Some(types::kernel_struct(cx, name)?),
            None => None,
        };
        let kptr = call.kptr.clone();
        let helper = call.name();
        let (base, flags) = (arg.base, arg.flags);
        let wanted = Wanted { base, flags, btf, helper, kptr: kptr.as_ref() };
        check_type(cx, state, reg, wanted)?;
        check_offset(cx, state, reg, arg.base, arg.flags)?;
    }
    if arg.flags.contains(F::OBJ_RELEASE) {
        check_released(state, call, reg, arg)?;
    }
    let held = state.reg(reg).ref_obj_id;
    if held != 0 && arg.base != ArgBase::KptrXchgDest {
        if call.ref_obj_id != 0 {
            let other = call.ref_obj_id;
            reject!(EACCES, "more than one arg with ref_obj_id R{number} {held} {other}");
        }
        call.ref_obj_id = held;
    }
    check_kind(cx, state, call, index, reg, arg)
}

/// Packet memory may be passed (`may_access_direct_pkt_data`).
fn may_pass_packet(cx: &Cx<'_>, call: &HelperCall) -> bool {
    match cx.program.ty {
        Some(ty) if ty.name == "cgroup_sockopt" => true,
        Some(ty) => ty.packet_read && call.proto.pkt_access,
        None => false,
    }
}

/// The reference of the argument is taken.
fn check_released(state: &State, call: &mut HelperCall, reg: Reg, arg: Arg) -> Check {
    let number = reg.number();
    if arg.base == ArgBase::PtrToDynptr {
        dynptr::check_release(state, reg)?;
    } else if state.reg(reg).ref_obj_id == 0 && !state.reg(reg).is_null() {
        reject!(EINVAL, "R{number} must be referenced when passed to release function");
    }
    call.release = Some(reg);
    Ok(())
}

const fn access(flags: TypeFlags) -> Access {
    if flags.contains(F::MEM_WRITE) { Access::Write } else { Access::Read }
}

/// What is asked of the kind of argument.
fn check_kind(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    index: usize,
    reg: Reg,
    arg: Arg,
) -> Check {
    match arg.base {
        ArgBase::ConstMapPtr => maps::take(cx, state, call, reg),
        ArgBase::PtrToMapKey => maps::check_key(cx, state, call, reg),
        ArgBase::PtrToMapValue => maps::check_value(cx, state, call, reg, arg),
        ArgBase::PtrToPercpuBtfId => match state.reg(reg).detail {
            Detail::Btf { id, own } if id != btf::TypeId::VOID => {
                call.percpu = Some(OneOf { id, own });
                Ok(())
            }
            _ => reject!(EACCES, "Helper has invalid btf_id in R{}", reg.number()),
        },
        ArgBase::PtrToSpinLock => {
            if graph::in_tree_callback(cx, state) {
                reject!(EACCES, "can't spin_{{lock,unlock}} in rbtree cb");
            }
            let lock = call.name() == "bpf_spin_lock";
            lock::argument(cx, state, reg, call.pc, LockCall { lock, resilient: false, irq: false })
        }
        ArgBase::PtrToTimer => {
            call.map = Some(field::timer(cx, state, reg)?);
            Ok(())
        }
        ArgBase::PtrToFunc => {
            if let Detail::Subprog(subprog) = state.reg(reg).detail {
                call.subprog = subprog;
            }
            Ok(())
        }
        ArgBase::PtrToMem => check_memory(cx, state, call, reg, arg),
        ArgBase::ConstSize | ArgBase::ConstSizeOrZero => {
            check_size(cx, state, call, index, reg, arg)
        }
        ArgBase::PtrToDynptr => {
            let kind = DynptrKind::of_flags(arg.flags);
            let makes = arg.flags.contains(F::MEM_UNINIT);
            let taken = DynptrArg {
                makes: kind.filter(|_| makes),
                read_only: arg.flags.contains(F::MEM_RDONLY),
                kind: kind.filter(|_| !makes),
                clone_of: 0,
            };
            dynptr::argument(cx, state, reg, call.pc, taken)
        }
        ArgBase::ConstAllocSizeOrZero => {
            let Some(size) = state.reg(reg).num.bits.as_constant() else {
                reject!(EACCES, "R{} is not a known constant'", reg.number());
            };
            // The kernel keeps it in 32 bits.
            #[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
            let size = size as u32;
            call.mem_size = size;
            explore::mark_precise(cx, state, reg)
        }
        ArgBase::PtrToConstStr => argument::check_const_str(cx, state, reg),
        ArgBase::KptrXchgDest => check_kptr(cx, state, call, reg),
        ArgBase::PtrToArena
        | ArgBase::PtrToCtx
        | ArgBase::Anything
        | ArgBase::PtrToSockCommon
        | ArgBase::PtrToSocket
        | ArgBase::PtrToBtfId
        | ArgBase::PtrToRingbufMem
        | ArgBase::PtrToBtfIdSockCommon
        | ArgBase::PtrToStack => Ok(()),
    }
}

/// Memory whose length comes with the next argument or is fixed.
fn check_memory(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    reg: Reg,
    arg: Arg,
) -> Check {
    call.raw = arg.flags.contains(F::MEM_UNINIT);
    let Some(size) = arg.size.filter(|_| arg.flags.contains(F::MEM_FIXED_SIZE)) else {
        return Ok(());
    };
    let raw = memory::helper_access(cx, state, reg, size, access(arg.flags), false, call.raw)?;
    call.raw_stack = raw.or(call.raw_stack);
    if arg.flags.contains(F::MEM_ALIGNED) {
        memory::check_alignment(cx, state, reg, 0, size, true)?;
    }
    Ok(())
}

/// The length of the memory of the argument before.
fn check_size(
    cx: &mut Cx<'_>,
    state: &mut State,
    call: &mut HelperCall,
    index: usize,
    reg: Reg,
    arg: Arg,
) -> Check {
    let memory = index.checked_sub(1).and_then(|index| call.proto.args.get(index));
    let access = memory.map_or(Access::Read, |memory| access(memory.flags));
    let zero = arg.base == ArgBase::ConstSizeOrZero;
    let size = check_mem_size(cx, state, reg, access, zero, call.raw)?;
    call.size_max = size.max;
    call.raw_stack = size.raw.or(call.raw_stack);
    Ok(())
}

/// The field that `bpf_kptr_xchg` changes (`process_kptr_func`).
fn check_kptr(cx: &mut Cx<'_>, state: &State, call: &mut HelperCall, reg: Reg) -> Check {
    let (pointer, number) = (*state.reg(reg), reg.number());
    if !graph::is_allocated(&pointer) {
        let Detail::Map { map, uid } = pointer.detail else {
            return cx.unsupported("a kptr outside of maps and objects");
        };
        if !maps::has_types(cx, map) {
            let name = field::kernel_name(cx, map);
            reject!(EINVAL, "map '{name}' has to have BTF in order to use bpf_kptr_xchg");
        }
        call.map = Some((map, call.map.map_or(uid, |(_, uid)| uid)));
    }
    if pointer.num.bits.as_constant().is_none() {
        reject!(
            EINVAL,
            "R{number} doesn't have constant offset. kptr has to be at the constant offset"
        );
    }
    let fields = memory::record_of(cx.program, &pointer).map_or(&[][..], |record| &record.fields);
    let is_kptr = |kind: &FieldKind| {
        matches!(
            kind,
            FieldKind::KptrUntrusted(_) | FieldKind::KptrRef(_) | FieldKind::KptrPercpu(_)
        )
    };
    if !fields.iter().any(|field| is_kptr(&field.kind)) {
        reject!(EINVAL, "R{number} has no valid kptr");
    }
    let offset = argument::known_offset(&pointer);
    let found = fields.iter().find(|f| u64::from(f.offset) == offset && is_kptr(&f.kind));
    match found {
        None => reject!(EACCES, "off={offset} doesn't point to kptr"),
        Some(field) if matches!(field.kind, FieldKind::KptrUntrusted(_)) => {
            reject!(EACCES, "off={offset} kptr isn't referenced kptr")
        }
        Some(field) => call.kptr = Some(field.clone()),
    }
    Ok(())
}
