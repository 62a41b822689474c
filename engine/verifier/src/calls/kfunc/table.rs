//! The kfuncs of a program: what their declarations say, read once.

use std::rc::Rc;

use btf::{Btf, Kind, Type, TypeId};
use isa::{BtfId, KfuncModule};
use kernel_model::{KfuncFilter, KfuncFlags, KfuncSuffix};

use super::Special;
use super::types;
use crate::cx::{Check, Cx, reject};
use crate::program::Program;

/// As many kfuncs as a program may call (`MAX_KFUNC_DESCS`).
const MAX_KFUNCS: usize = 256;
/// As many parameters as a function may have that is described for the JIT (`MAX_BPF_FUNC_ARGS`).
const MAX_DESCRIBED_ARGS: usize = 12;

/// The kfuncs that a program calls (`struct bpf_kfunc_desc_tab`), by type.
#[derive(Debug, Default)]
pub(crate) struct Table<'a> {
    rows: Vec<Rc<Kfunc<'a>>>,
    context: Option<types::Contexts<'a>>,
}

/// A kfunc.
#[derive(Debug)]
pub(crate) struct Kfunc<'a> {
    /// The function, in the BTF of the kernel.
    pub id: TypeId,
    /// Its name.
    pub name: &'a str,
    /// It is one that the verifier knows by name.
    pub special: Option<Special>,
    /// The flags it is registered with; `None` if it is not registered.
    pub flags: Option<KfuncFlags>,
    /// The program may call it.
    pub allowed: Allowed,
    /// Packet pointers are gone after a call (`is_kfunc_pkt_changing`).
    pub changes_packet: bool,
    /// Its parameters.
    pub params: Vec<Param<'a>>,
    /// What it returns, behind qualifiers.
    pub ret: Type<'a>,
}

/// Whether a program may call a kfunc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Allowed {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// It depends on what is not modelled.
    Unknown,
}

/// A parameter of a kfunc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param<'a> {
    /// Its name, with its suffix.
    pub name: &'a str,
    /// What the suffix says.
    pub suffix: Option<KfuncSuffix>,
    /// Its type, behind qualifiers.
    pub ty: Type<'a>,
    /// Of pointers: what they point to, behind qualifiers.
    pub pointee: Option<Type<'a>>,
    /// What it must be given, as far as the declaration alone tells.
    pub takes: Option<Takes>,
}

/// What an argument must be (`enum kfunc_ptr_arg_type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    /// The context of the program.
    Ctx,
    /// NULL.
    Null,
    /// An object that the program allocated.
    Allocated,
    /// One with a reference count.
    Refcounted,
    /// A dynptr.
    Dynptr,
    /// An iterator.
    Iter,
    /// The head of a list.
    ListHead,
    /// A node of a list.
    ListNode,
    /// The root of a tree.
    TreeRoot,
    /// A node of a tree.
    TreeNode,
    /// A constant string.
    ConstStr,
    /// A map.
    Map,
    /// A work queue.
    Workqueue,
    /// A task work.
    TaskWork,
    /// A saved interrupt state.
    IrqFlag,
    /// A resilient lock.
    ResSpinLock,
    /// A structure of the kernel.
    Structure,
    /// A function of the program.
    Callback,
    /// Memory of the size of the pointee.
    Mem,
    /// Memory of the size in the next argument.
    MemSize,
}

impl<'a> Table<'a> {
    /// The kfunc, if it was added.
    pub(crate) fn get(&self, id: BtfId) -> Option<&Rc<Kfunc<'a>>> {
        let id = TypeId(id.0.cast_unsigned());
        let index = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        self.rows.get(index)
    }

    /// The structures that contexts of programs of this type are, for the program and in the kernel.
    pub(crate) fn contexts(&self) -> Option<&types::Contexts<'a>> {
        self.context.as_ref()
    }
}

/// Adds a kfunc to those of the program (`add_kfunc_call`).
pub(super) fn add(cx: &mut Cx<'_>, id: BtfId, module: KfuncModule) -> Check {
    if !cx.program.gpl {
        reject!(EINVAL, "cannot call kernel function from non-GPL compatible program");
    }
    if id.0 == 0 && module.0 == 0 {
        // Refused only if it is reached, so that programs can do without weak kfuncs.
        return Ok(());
    }
    if module.0 < 0 {
        reject!(
            EINVAL,
            "negative offset disallowed for kernel module function call\n\
             failed to find BTF for kernel function"
        );
    }
    if module.0 > 0 {
        // Loaders give the types of modules beside the program, which none that is verified here has.
        reject!(
            EPROTO,
            "kfunc offset > 0 without fd_array is invalid\n\
             failed to find BTF for kernel function"
        );
    }
    let number = id.0.cast_unsigned();
    let Err(place) = cx.kfuncs.rows.binary_search_by_key(&TypeId(number), |row| row.id) else {
        return Ok(());
    };
    if cx.kfuncs.rows.len() == MAX_KFUNCS {
        reject!(E2BIG, "too many different kernel function calls");
    }
    let program = cx.program;
    let Some(function) =
        program.kernel.get(TypeId(number)).filter(|function| function.kind() == Kind::Func)
    else {
        reject!(EINVAL, "kernel btf_id {number} is not a function");
    };
    let proto = function.target().and_then(|target| program.kernel.get(target));
    let Some(proto) = proto.filter(|proto| proto.kind() == Kind::FuncProto) else {
        reject!(EINVAL, "kernel function btf_id {number} does not have a valid func_proto");
    };
    if is_metadata_kfunc(function.name()) {
        reject!(EINVAL, "metadata kfuncs require device-bound program");
    }
    check_described(program.kernel, function.name(), proto)?;
    if cx.kfuncs.context.is_none() {
        cx.kfuncs.context = Some(types::Contexts::of(program));
    }
    let Some(row) = read(program, cx.kfuncs.context.as_ref(), function, proto) else {
        return cx.unsupported(format!("the declaration of {}", function.name()));
    };
    cx.kfuncs.rows.insert(place, Rc::new(row));
    Ok(())
}

/// Only programs made for one network device may call it (`bpf_dev_bound_kfunc_id` of kernel/bpf/offload.c); none of
/// those that are verified here is.
fn is_metadata_kfunc(name: &str) -> bool {
    ["bpf_xdp_metadata_rx_timestamp", "bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_vlan_tag"]
        .contains(&name)
}

/// The JIT can call such a function (`btf_distill_func_proto` of kernel/bpf/btf.c).
fn check_described(kernel: &Btf<'_>, name: &str, proto: Type<'_>) -> Check {
    let count = proto.params().len();
    if count > MAX_DESCRIBED_ARGS {
        reject!(EINVAL, "The function {name} has {count} arguments. Too many.");
    }
    let ret = proto.target().and_then(|target| kernel.resolve(target));
    if let Some(ret) = ret
        && (ret.kind().is_composite() || size_in_registers(ret).is_none())
    {
        let kind = types::kind_name(ret.kind());
        reject!(EINVAL, "The function {name} return type {kind} is unsupported.");
    }
    for (index, param) in proto.params().iter().enumerate() {
        if index + 1 == count && param.ty == TypeId::VOID {
            reject!(EINVAL, "The function {name} with variable args is unsupported.");
        }
        let Some(ty) = kernel.resolve(param.ty) else { continue };
        match size_in_registers(ty) {
            Some(0) => reject!(EINVAL, "The function {name} has malformed void argument."),
            Some(1..=16) => {}
            _ => {
                let kind = types::kind_name(ty.kind());
                reject!(EINVAL, "The function {name} arg{index} type {kind} is unsupported.");
            }
        }
    }
    Ok(())
}

/// The size of a parameter or result; `None` if its kind cannot be one (`__get_type_size`).
fn size_in_registers(ty: Type<'_>) -> Option<u32> {
    match ty.kind() {
        Kind::Void => Some(0),
        Kind::Ptr => Some(8),
        Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Struct | Kind::Union => ty.size(),
        _ => None,
    }
}

fn read<'a>(
    program: &'a Program<'a>,
    contexts: Option<&types::Contexts<'a>>,
    function: Type<'a>,
    proto: Type<'a>,
) -> Option<Kfunc<'a>> {
    let name = function.name();
    let row = kernel_model::kfunc(name);
    let special = Special::named(name);
    let flags = row.map(|(_, kfunc)| kfunc.flags);
    let params = proto.params().iter().enumerate().map(|(index, param)| {
        let ty = program.kernel.resolve(param.ty)?;
        let pointee = (ty.kind() == Kind::Ptr)
            .then(|| ty.target().and_then(|target| program.kernel.resolve(target)))
            .flatten();
        let mut read =
            Param { name: param.name(), suffix: suffix(param.name()), ty, pointee, takes: None };
        if ty.kind() == Kind::Ptr {
            let is_ctx = special == Some(Special::CastToKernCtx)
                || contexts.is_some_and(|contexts| contexts.is_context(program.kernel, ty));
            read.takes = if is_ctx { Some(Takes::Ctx) } else { read.declared(flags, index) };
        }
        Some(read)
    });
    Some(Kfunc {
        id: function.id(),
        name,
        special,
        flags,
        allowed: row.map_or(Allowed::No, |(_, kfunc)| allowed(program, name, kfunc)),
        changes_packet: row.is_some_and(|(function, _)| function.changes_packet),
        params: params.collect::<Option<_>>()?,
        ret: program.kernel.resolve(proto.target()?)?,
    })
}

fn suffix(name: &str) -> Option<KfuncSuffix> {
    let spellings = KfuncSuffix::SPELLINGS.iter();
    let longest =
        spellings.filter(|(spelling, _)| name.len() > spelling.len() && name.ends_with(spelling));
    longest.max_by_key(|(spelling, _)| spelling.len()).map(|(_, suffix)| *suffix)
}

/// Whether the program may call it (`btf_kfunc_id_set_contains` of kernel/bpf/btf.c), for its type, what it is made for
/// and the filter of the set.
fn allowed(program: &Program<'_>, name: &str, kfunc: &kernel_model::Kfunc) -> Allowed {
    let Some(ty) = program.ty else { return Allowed::Unknown };
    if !kfunc.is_for(ty, program.attach) {
        return Allowed::No;
    }
    match kfunc.set.filter {
        KfuncFilter::ProbeSession | KfuncFilter::TraceIter if program.attach.is_none() => {
            Allowed::No
        }
        KfuncFilter::StructOps(structure) => match program.target {
            Some((_, target)) if target != structure => Allowed::No,
            Some((_, "Qdisc_ops")) if !serves_queue(program, name) => Allowed::No,
            Some((_, "Qdisc_ops")) => Allowed::Yes,
            // Which operations may call it is not known.
            _ => Allowed::Unknown,
        },
        _ => Allowed::Yes,
    }
}

/// The operation of a queueing discipline may call it (`bpf_qdisc_kfunc_filter` of net/sched/bpf_qdisc.c).
fn serves_queue(program: &Program<'_>, name: &str) -> bool {
    let operation = program.operation().unwrap_or_default();
    match name {
        "bpf_qdisc_skb_drop" => operation == "enqueue",
        "bpf_qdisc_watchdog_schedule" => matches!(operation, "enqueue" | "dequeue"),
        "bpf_qdisc_bstats_update" => operation == "dequeue",
        _ => true,
    }
}

/// The program may call it, as far as is known.
pub(crate) fn may_call(program: &Program<'_>, name: &str, kfunc: &kernel_model::Kfunc) -> bool {
    allowed(program, name, kfunc) != Allowed::No
}

impl Param<'_> {
    /// What the declaration asks for (part of `get_kfunc_ptr_arg_type`); `None` if that depends on what is given.
    fn declared(&self, flags: Option<KfuncFlags>, index: usize) -> Option<Takes> {
        let has = |suffix| self.suffix == Some(suffix);
        let steps = |flags: KfuncFlags| {
            let iter =
                KfuncFlags::ITER_NEW.0 | KfuncFlags::ITER_NEXT.0 | KfuncFlags::ITER_DESTROY.0;
            flags.0 & iter != 0
        };
        let is_iter =
            if flags.is_some_and(steps) { index == 0 } else { has(KfuncSuffix::Iterator) };
        let pointee = self.pointee.filter(|pointee| pointee.kind() == Kind::Struct);
        let structure = pointee.map_or("", |pointee| pointee.name());
        match structure {
            _ if has(KfuncSuffix::Alloc) => Some(Takes::Allocated),
            _ if has(KfuncSuffix::RefcountedKptr) => Some(Takes::Refcounted),
            "bpf_dynptr" => Some(Takes::Dynptr),
            _ if is_iter => Some(Takes::Iter),
            "bpf_list_head" => Some(Takes::ListHead),
            "bpf_list_node" => Some(Takes::ListNode),
            "bpf_rb_root" => Some(Takes::TreeRoot),
            "bpf_rb_node" => Some(Takes::TreeNode),
            _ if has(KfuncSuffix::ConstStr) => Some(Takes::ConstStr),
            _ if has(KfuncSuffix::Map) => Some(Takes::Map),
            "bpf_wq" => Some(Takes::Workqueue),
            "bpf_task_work" => Some(Takes::TaskWork),
            _ if has(KfuncSuffix::IrqFlag) => Some(Takes::IrqFlag),
            "bpf_res_spin_lock" => Some(Takes::ResSpinLock),
            _ => None,
        }
    }

    /// It is a number (`btf_type_is_scalar`).
    pub(crate) fn is_scalar(&self) -> bool {
        types::is_scalar(self.ty)
    }

    /// It has this suffix.
    pub(crate) fn has(&self, suffix: KfuncSuffix) -> bool {
        self.suffix == Some(suffix)
    }
}

impl Kfunc<'_> {
    /// It is registered with this flag.
    pub(crate) fn has(&self, flag: KfuncFlags) -> bool {
        self.flags.is_some_and(|flags| flags.contains(flag))
    }

    /// It is this one.
    pub(crate) fn is(&self, special: Special) -> bool {
        self.special == Some(special)
    }

    /// It wants trusted pointers (`is_kfunc_trusted_args`).
    pub(crate) fn wants_trusted(&self) -> bool {
        self.has(KfuncFlags::TRUSTED_ARGS) || self.has(KfuncFlags::RELEASE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_suffix_counts() {
        let expected = [
            ("buffer__szk", Some(KfuncSuffix::ConstSize)),
            ("len__sz", Some(KfuncSuffix::Size)),
            ("local_type_id__k", Some(KfuncSuffix::Constant)),
            ("p__refcounted_kptr", Some(KfuncSuffix::RefcountedKptr)),
            ("__k", None),
            ("task", None),
        ];
        for (name, expected) in expected {
            assert_eq!(suffix(name), expected, "{name}");
        }
    }
}
