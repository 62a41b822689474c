//! The arguments of a kfunc (`check_kfunc_args`).

use btf::Kind;
use isa::{Pc, Reg};
use kernel_model::{ArgBase, KfuncFlags, KfuncSuffix, TypeFlags};

use super::meta::Meta;
use super::table::{Kfunc, Param, Takes};
use super::{Special, classify, field, pointee, types};
use crate::calls::dynptr::{self, DynptrArg};
use crate::calls::helper::argument;
use crate::calls::{graph, iter, lock};
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, Access, FieldKind};
use crate::state::{self, Detail, DynptrKind, RegKind, RegType, State};
use crate::{explore, scalar};

/// As many arguments as there are registers for them (`MAX_BPF_FUNC_REG_ARGS`).
const MAX_ARGS: usize = 5;

/// A pointer to an object that the program allocated and owns.
const ALLOCATED: RegType = RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC);

/// An argument that is being checked.
#[derive(Clone, Copy)]
pub(in crate::calls) struct Arg<'k, 'a> {
    /// The kfunc.
    pub kfunc: &'k Kfunc<'a>,
    /// The parameter.
    pub param: &'k Param<'a>,
    /// Its place, from 0.
    pub index: usize,
    /// The register.
    pub reg: Reg,
}

/// Checks all arguments of a call.
pub(super) fn check(cx: &mut Cx<'_>, state: &mut State, pc: Pc, kfunc: &Kfunc<'_>) -> Check<Meta> {
    let count = kfunc.params.len();
    if count > MAX_ARGS {
        reject!(EINVAL, "Function {} has {count} > {MAX_ARGS} args", kfunc.name);
    }
    let mut meta = Meta::default();
    let mut index = 0;
    while let Some(param) = kfunc.params.get(index) {
        let Some(reg) = register(index) else { return cx.unsupported("an argument on the stack") };
        let arg = Arg { kfunc, param, index, reg };
        index += 1;
        if matches!(param.suffix, Some(KfuncSuffix::Ignore | KfuncSuffix::Prog)) {
            continue;
        }
        if param.is_scalar() {
            number(cx, state, arg, &mut meta)?;
        } else if param.ty.kind() != Kind::Ptr {
            let kind = types::kind_name(param.ty.kind());
            reject!(EINVAL, "Unrecognized arg#{} type {kind}", arg.index);
        } else if pointer(cx, state, pc, arg, &mut meta)? == Takes::MemSize {
            // The size is checked with the memory.
            index += 1;
        }
    }
    if kfunc.has(KfuncFlags::RELEASE) && meta.release.is_none() {
        reject!(EINVAL, "release kernel function {} expects refcounted PTR_TO_BTF_ID", kfunc.name);
    }
    Ok(meta)
}

fn register(index: usize) -> Option<Reg> {
    Reg::from_number(u8::try_from(index + 1).ok()?).filter(|reg| reg.index() <= MAX_ARGS)
}

fn number(cx: &mut Cx<'_>, state: &mut State, arg: Arg<'_, '_>, meta: &mut Meta) -> Check {
    let number = arg.reg.number();
    let reg = *state.reg(arg.reg);
    if !reg.is_scalar() {
        reject!(EINVAL, "R{number} is not a scalar");
    }
    if arg.param.has(KfuncSuffix::Constant) {
        if meta.constant.is_some() {
            reject!(EFAULT, "verifier bug: only one constant argument permitted");
        }
        let Some(value) = reg.as_constant() else {
            reject!(EINVAL, "R{number} must be a known constant");
        };
        explore::mark_precise(cx, state, arg.reg)?;
        meta.constant = Some(value);
        return Ok(());
    }
    meta.ret_rdonly |= arg.param.name == "rdonly_buf_size";
    if !matches!(arg.param.name, "rdonly_buf_size" | "rdwr_buf_size") {
        return Ok(());
    }
    if meta.ret_size != 0 {
        reject!(EINVAL, "2 or more rdonly/rdwr_buf_size parameters for kfunc");
    }
    let Some(value) = reg.as_constant() else {
        reject!(EINVAL, "R{number} is not a const");
    };
    meta.ret_size = value;
    explore::mark_precise(cx, state, arg.reg)
}

/// Checks a pointer, and says what it had to be.
fn pointer(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    arg: Arg<'_, '_>,
    meta: &mut Meta,
) -> Check<Takes> {
    let reg = *state.reg(arg.reg);
    let kfunc = arg.kfunc;
    let protected = kfunc.wants_trusted() || kfunc.has(KfuncFlags::RCU);
    if protected && (reg.is_null() || reg.ty.may_be_null()) && !arg.param.has(KfuncSuffix::Nullable)
    {
        reject!(EACCES, "Possibly NULL pointer passed to trusted arg{}", arg.index);
    }
    let releases = kfunc.has(KfuncFlags::RELEASE) && reg.ref_obj_id != 0;
    if reg.ref_obj_id != 0 {
        if releases && meta.ref_obj_id != 0 {
            reject!(
                EFAULT,
                "verifier bug: more than one arg with ref_obj_id R{} {} {}",
                arg.reg.number(),
                reg.ref_obj_id,
                meta.ref_obj_id
            );
        }
        meta.ref_obj_id = reg.ref_obj_id;
        if releases {
            meta.release = Some(arg.reg);
        }
    }
    let next = register(arg.index + 1).map(|next| *state.reg(next));
    let takes = classify::pointer(cx, kfunc, arg.index, &reg, next.as_ref())?;
    if takes == Takes::Null {
        return Ok(takes);
    }
    if takes == Takes::Map {
        field::map(cx, arg.reg, &reg, meta)?;
    }
    let is_object = matches!(takes, Takes::Map | Takes::Allocated | Takes::Structure);
    if is_object && protected && !scalar::is_trusted(&reg) {
        let number = arg.reg.number();
        if !kfunc.has(KfuncFlags::RCU) {
            reject!(EINVAL, "R{number} must be referenced or trusted");
        }
        if !types::is_rcu(&reg) {
            reject!(EINVAL, "R{number} must be a rcu pointer");
        }
    }
    let flags = if releases { TypeFlags::OBJ_RELEASE } else { TypeFlags::NONE };
    argument::check_offset(cx, state, arg.reg, ArgBase::Anything, flags)?;
    by_kind(cx, state, pc, arg, takes, meta)?;
    Ok(takes)
}

#[allow(clippy::too_many_lines, reason = "a flat dispatch over what arguments are")]
fn by_kind(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    arg: Arg<'_, '_>,
    takes: Takes,
    meta: &mut Meta,
) -> Check {
    let Arg { kfunc, index, .. } = arg;
    let reg = *state.reg(arg.reg);
    let is_lockable = reg.ty == RegType::of(RegKind::MapValue) || reg.ty == ALLOCATED;
    match takes {
        Takes::Null => Ok(()),
        Takes::Ctx => context(cx, kfunc, index, &reg, meta),
        Takes::Allocated => allocated(kfunc, index, &reg, meta),
        Takes::Refcounted => refcounted(cx, index, &reg, meta),
        Takes::Dynptr => dynptr(cx, state, pc, arg, meta),
        Takes::Iter => {
            if kfunc.is(Special::IterCssTaskNew) && !may_iterate_css_tasks(cx, state) {
                reject!(
                    EINVAL,
                    "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs"
                );
            }
            meta_of_iter(cx, state, pc, arg, meta)
        }
        Takes::ListHead | Takes::TreeRoot => {
            if !is_lockable {
                reject!(EINVAL, "arg#{index} expected pointer to map value or allocated object");
            }
            owned(&reg, reg.ty == ALLOCATED)?;
            graph::root(cx, state, arg.reg, takes == Takes::ListHead, kfunc, meta)
        }
        Takes::ListNode => {
            node_owned(index, &reg)?;
            graph::node(cx, arg.reg, &reg, true, kfunc, meta)
        }
        Takes::TreeNode => {
            if kfunc.is(Special::RbtreeAdd) {
                node_owned(index, &reg)?;
            } else {
                node_in_tree(cx, state, kfunc, &reg)?;
            }
            graph::node(cx, arg.reg, &reg, false, kfunc, meta)
        }
        Takes::Map | Takes::Structure => pointee::check(cx, state, arg, takes),
        Takes::Mem => memory_of_pointee(cx, state, arg),
        Takes::MemSize => sized_memory(cx, state, arg, meta),
        Takes::Callback => match reg.detail {
            Detail::Subprog(subprog) if reg.ty == RegType::of(RegKind::Func) => {
                meta.subprog = Some(subprog);
                Ok(())
            }
            _ => reject!(EINVAL, "arg{index} expected pointer to func"),
        },
        Takes::ConstStr => {
            if reg.ty != RegType::of(RegKind::MapValue) {
                reject!(EINVAL, "arg#{index} doesn't point to a const string");
            }
            argument::check_const_str(cx, state, arg.reg)
        }
        Takes::Workqueue | Takes::TaskWork => {
            if reg.ty != RegType::of(RegKind::MapValue) {
                reject!(EINVAL, "arg#{index} doesn't point to a map value");
            }
            let map = if takes == Takes::Workqueue {
                field::workqueue(cx, arg.reg, &reg, meta)?
            } else {
                field::task_work(cx, arg.reg, &reg, meta)?
            };
            meta.map = Some(map);
            Ok(())
        }
        Takes::IrqFlag => {
            if reg.ty != RegType::of(RegKind::Stack) {
                reject!(EINVAL, "arg#{index} doesn't point to an irq flag on stack");
            }
            lock::irq_flag(cx, state, pc, arg.reg, kfunc.special)
        }
        Takes::ResSpinLock => {
            if !is_lockable {
                reject!(EINVAL, "arg#{index} doesn't point to map value or allocated object");
            }
            let Some(call) = kfunc.special.and_then(lock::LockCall::of_kfunc) else {
                reject!(EFAULT, "");
            };
            lock::argument(cx, state, arg.reg, pc, call)
        }
    }
}

fn context(
    cx: &Cx<'_>,
    kfunc: &Kfunc<'_>,
    index: usize,
    reg: &state::Reg,
    meta: &mut Meta,
) -> Check {
    if reg.ty != RegType::of(RegKind::Ctx) {
        reject!(EINVAL, "arg#{index} expected pointer to ctx, but got {}", reg.ty);
    }
    if !kfunc.is(Special::CastToKernCtx) {
        return Ok(());
    }
    let Some(ty) = cx.kfuncs.contexts().and_then(|contexts| contexts.kernel) else {
        return cx.unsupported("the context of this type of program in the kernel");
    };
    if !ty.kind().is_composite() {
        reject!(EINVAL, "kern ctx type id {} is not a struct", ty.id().0);
    }
    meta.ret_id = Some(ty.id());
    Ok(())
}

fn allocated(kfunc: &Kfunc<'_>, index: usize, reg: &state::Reg, meta: &mut Meta) -> Check {
    let (dropped_by, name) = if reg.ty == ALLOCATED {
        (Special::ObjDrop, "bpf_obj_drop_impl")
    } else if reg.ty == ALLOCATED.plus(TypeFlags::MEM_PERCPU) {
        (Special::PercpuObjDrop, "bpf_percpu_obj_drop_impl")
    } else {
        reject!(EINVAL, "arg#{index} expected pointer to allocated object");
    };
    if !kfunc.is(dropped_by) {
        reject!(EINVAL, "arg#{index} expected for {name}()");
    }
    owned(reg, true)?;
    meta.object = graph::object(reg);
    Ok(())
}

fn refcounted(cx: &Cx<'_>, index: usize, reg: &state::Reg, meta: &mut Meta) -> Check {
    if !graph::is_allocated(reg) {
        reject!(EINVAL, "arg#{index} is neither owning or non-owning ref");
    }
    meta.owning = !graph::is_non_owning(reg);
    let Some(record) = memory::record_of(cx.program, reg) else {
        reject!(EFAULT, "verifier bug: Couldn't find btf_record");
    };
    if !record.fields.iter().any(|field| field.kind == FieldKind::Refcount) {
        reject!(EINVAL, "arg#{index} doesn't point to a type with bpf_refcount field");
    }
    meta.object = graph::object(reg);
    Ok(())
}

/// An allocated object is one that the program owns.
fn owned(reg: &state::Reg, allocated: bool) -> Check {
    if allocated && reg.ref_obj_id == 0 {
        reject!(EINVAL, "allocated object must be referenced");
    }
    Ok(())
}

/// A node that is put into a list or tree.
fn node_owned(index: usize, reg: &state::Reg) -> Check {
    if reg.ty != ALLOCATED {
        reject!(EINVAL, "arg#{index} expected pointer to allocated object");
    }
    owned(reg, true)
}

/// A node from which a tree is walked, or that is taken out of it.
fn node_in_tree(cx: &Cx<'_>, state: &State, kfunc: &Kfunc<'_>, reg: &state::Reg) -> Check {
    let name = kfunc.name;
    if !graph::is_non_owning(reg) && reg.ref_obj_id == 0 {
        reject!(EINVAL, "{name} can only take non-owning or refcounted bpf_rb_node pointer");
    }
    if graph::in_tree_callback(cx, state) {
        reject!(EINVAL, "{name} not allowed in rbtree cb");
    }
    Ok(())
}

fn dynptr(cx: &mut Cx<'_>, state: &mut State, pc: Pc, arg: Arg<'_, '_>, meta: &mut Meta) -> Check {
    let read_only = state.reg(arg.reg).ty == RegType::of(RegKind::Dynptr);
    let makes = arg.param.has(KfuncSuffix::Uninit);
    let mut clone_of = 0;
    let kind = match arg.kfunc.special {
        Some(Special::DynptrFromSkb) => Some(DynptrKind::Skb),
        Some(Special::DynptrFromXdp) => Some(DynptrKind::Xdp),
        Some(Special::DynptrFromSkbMeta) => Some(DynptrKind::SkbMeta),
        Some(Special::DynptrClone) if makes => {
            let Some((kind, _, reference)) = meta.dynptr else {
                reject!(EFAULT, "verifier bug: no dynptr type for parent of clone");
            };
            if kind.is_refcounted() && reference == 0 {
                reject!(EFAULT, "verifier bug: missing ref obj id for parent of clone");
            }
            clone_of = reference;
            Some(kind)
        }
        _ => None,
    };
    let takes = if makes {
        let makes = Some(kind.unwrap_or(DynptrKind::Invalid));
        DynptrArg { makes, read_only, kind: None, clone_of }
    } else {
        DynptrArg { makes: None, read_only, kind, clone_of }
    };
    dynptr::argument(cx, state, arg.reg, pc, takes)?;
    if !makes {
        meta.dynptr = dynptr::of(state, arg.reg);
    }
    Ok(())
}

/// `bpf_iter_css_task_*` could block where it takes its lock (`check_css_task_iter_allowlist`).
fn may_iterate_css_tasks(cx: &Cx<'_>, state: &State) -> bool {
    let is_iterator = cx.program.attach == Some(kernel_model::AttachType::TraceIter);
    match cx.program.type_name() {
        "lsm" => true,
        "tracing" if is_iterator => true,
        _ => cx.in_sleepable(state),
    }
}

fn meta_of_iter(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    arg: Arg<'_, '_>,
    meta: &mut Meta,
) -> Check {
    let (found, reference) = iter::argument(cx, state, pc, arg)?;
    meta.iter = found;
    if let Some(reference) = reference {
        meta.ref_obj_id = reference;
    }
    Ok(())
}

fn memory_of_pointee(cx: &mut Cx<'_>, state: &mut State, arg: Arg<'_, '_>) -> Check {
    let Some(pointee) = arg.param.pointee else { return cx.unsupported("a pointer to nothing") };
    let size =
        cx.program.kernel.size_of(pointee.id()).ok().and_then(|size| u32::try_from(size).ok());
    let Some(size) = size else {
        let kind = types::kind_name(pointee.kind());
        reject!(
            EINVAL,
            "arg#{} reference type('{kind} {}') size cannot be determined: -22",
            arg.index,
            pointee.name()
        );
    };
    argument::check_mem(cx, state, arg.reg, size)
}

/// Memory with its size in the next argument.
fn sized_memory(cx: &mut Cx<'_>, state: &mut State, arg: Arg<'_, '_>, meta: &mut Meta) -> Check {
    let Arg { index, reg: buffer, .. } = arg;
    let (Some(size), Some(param)) = (register(index + 1), arg.kfunc.params.get(index + 1)) else {
        return cx.unsupported("memory without a size");
    };
    let is_absent = state.reg(buffer).is_null() && arg.param.has(KfuncSuffix::Optional);
    if !is_absent {
        read_and_written(cx, state, buffer, size).map_err(|stop| {
            let next = index + 1;
            stop.and_says(&format!(
                "arg#{index} arg#{next} memory, len pair leads to invalid memory access"
            ))
        })?;
    }
    if param.has(KfuncSuffix::ConstSize) {
        if meta.constant.is_some() {
            reject!(EFAULT, "verifier bug: only one constant argument permitted");
        }
        let Some(value) = state.reg(size).as_constant() else {
            reject!(EINVAL, "R{} must be a known constant", size.number());
        };
        meta.constant = Some(value);
    }
    Ok(())
}

/// Memory of the size in a register is read and written (`check_kfunc_mem_size_reg`).
fn read_and_written(cx: &mut Cx<'_>, state: &mut State, buffer: Reg, size: Reg) -> Check {
    argument::assuming_not_null(cx, state, buffer, |cx, state| {
        argument::check_mem_size(cx, state, size, Access::Read, true, false)?;
        argument::check_mem_size(cx, state, size, Access::Write, true, false).map(|_| ())
    })
}
