//! The arguments of functions of the program, by their types and tags.

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::{AttachType, TypeFlags};

use crate::calls::SubprogArg;
use crate::cx::{Check, Cx, reject};
use crate::state::{RegKind, RegType};

type F = TypeFlags;

/// So many registers carry arguments (`MAX_BPF_FUNC_REG_ARGS`).
const MAX_ARGS: usize = 5;

/// What `arg:` tags say of an argument (`enum btf_arg_tag` of kernel/bpf/btf.c).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Tags {
    context: bool,
    trusted: bool,
    untrusted: bool,
    non_null: bool,
    nullable: bool,
    arena: bool,
}

/// A function whose arguments are read.
struct Function<'c> {
    /// The types of the program.
    btf: &'c Btf<'c>,
    /// The function.
    id: TypeId,
    /// Its name.
    name: &'c str,
    /// It is global.
    global: bool,
}

/// Reads the arguments of the subprogram from BTF (`btf_prepare_func_args` of kernel/bpf/btf.c), once.
pub(crate) fn prepare_args(cx: &mut Cx<'_>, subprog: u32) -> Check {
    let Some(info) = cx.subprogs.get(subprog as usize) else {
        return cx.unsupported(format!("subprogram {subprog}, which is not there"));
    };
    if info.args.is_some() {
        return Ok(());
    }
    let (global, unreliable) = (info.is_global, info.unreliable);
    let types = cx.program.btf.zip(cx.program.functions.get(subprog as usize));
    let Some((btf, function)) = types else {
        reject!(EFAULT, "verifier bug: func_info undefined");
    };
    let func = btf.get(function.ty).filter(|ty| ty.kind() == Kind::Func);
    let Some(func) = func else {
        reject!(EFAULT, "BTF of func#{subprog} doesn't point to KIND_FUNC");
    };
    let name = func.name();
    if unreliable {
        reject!(EFAULT, "verifier bug: unreliable BTF for function {name}()");
    }
    let function = Function { btf, id: function.ty, name, global };
    let args = read(cx, &function, &func)?;
    cx.subprogs[subprog as usize].args = Some(args);
    Ok(())
}

fn read(cx: &Cx<'_>, function: &Function<'_>, func: &Type<'_>) -> Check<Vec<SubprogArg>> {
    let (btf, name, global) = (function.btf, function.name, function.global);
    let proto = func.target().and_then(|id| btf.get(id));
    let Some(proto) = proto.filter(|ty| ty.kind() == Kind::FuncProto) else {
        reject!(EFAULT, "Invalid type of function {name}()");
    };
    let params = proto.params();
    let count = params.len();
    if count > MAX_ARGS {
        if !global {
            reject!(EINVAL, "");
        }
        reject!(EINVAL, "Global function {name}() with {count} > {MAX_ARGS} args. Buggy compiler.");
    }
    let result = proto.target().and_then(|id| btf.resolve(id));
    if !result.is_some_and(|ty| ty.kind() == Kind::Int || ty.kind().is_enum()) {
        if !global {
            reject!(EINVAL, "");
        }
        reject!(
            EINVAL,
            "Global function {name}() doesn't return scalar. Only those are supported."
        );
    }
    params
        .iter()
        .enumerate()
        .map(|(index, param)| argument(cx, function, index, param.ty))
        .collect()
}

/// One argument.
fn argument(cx: &Cx<'_>, function: &Function<'_>, index: usize, ty: TypeId) -> Check<SubprogArg> {
    // Of the tags, older kernels are told the one for contexts by loaders, and do not know the others.
    let knows_tags = !cx.program.lacks("global_function_tags");
    let tags = tags(function, index)?;
    let tags = if knows_tags { tags } else { Tags { context: tags.context, ..Tags::default() } };
    let Some(ty) = function.btf.resolve(ty) else {
        return cx.unsupported("an argument of a type that is not there");
    };
    if ty.kind() == Kind::Ptr
        && let Some(arg) = pointer(cx, function, index, &ty, tags)?
    {
        return Ok(arg);
    }
    if tags != Tags::default() {
        reject!(EINVAL, "arg#{index} has pointer tag, but is not a pointer type");
    }
    if ty.kind() == Kind::Int || ty.kind().is_enum() {
        return Ok(plain(RegType::of(RegKind::Scalar)));
    }
    if !function.global {
        reject!(EINVAL, "");
    }
    let kind = kernel_kind(ty.kind());
    reject!(EINVAL, "Arg#{index} type {kind} in {}() is not supported yet.", function.name);
}

fn plain(ty: RegType) -> SubprogArg {
    SubprogArg { ty, mem_size: 0, btf: None }
}

/// As in the kernel's messages (`btf_type_str`).
fn kernel_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Void => "UNKNOWN",
        Kind::Int => "INT",
        Kind::Ptr => "PTR",
        Kind::Array => "ARRAY",
        Kind::Struct => "STRUCT",
        Kind::Union => "UNION",
        Kind::Enum => "ENUM",
        Kind::Fwd => "FWD",
        Kind::Typedef => "TYPEDEF",
        Kind::Volatile => "VOLATILE",
        Kind::Const => "CONST",
        Kind::Restrict => "RESTRICT",
        Kind::Func => "FUNC",
        Kind::FuncProto => "FUNC_PROTO",
        Kind::Var => "VAR",
        Kind::DataSec => "DATASEC",
        Kind::Float => "FLOAT",
        Kind::DeclTag => "DECL_TAG",
        Kind::TypeTag => "TYPE_TAG",
        Kind::Enum64 => "ENUM64",
    }
}

/// The tags of an argument.
fn tags(function: &Function<'_>, index: usize) -> Check<Tags> {
    let mut tags = Tags::default();
    let component = u32::try_from(index).ok();
    let of_argument = |ty: &Type<'_>| {
        ty.kind() == Kind::DeclTag
            && ty.target() == Some(function.id)
            && ty.component() == component
    };
    for tag in function.btf.own_types().filter(of_argument) {
        let Some(tag) = tag.name().strip_prefix("arg:") else { continue };
        if !function.global {
            reject!(EOPNOTSUPP, "arg#{index} type tag is not supported in static functions");
        }
        let known = match tag {
            "ctx" => &mut tags.context,
            "trusted" => &mut tags.trusted,
            "untrusted" => &mut tags.untrusted,
            "nonnull" => &mut tags.non_null,
            "nullable" => &mut tags.nullable,
            "arena" => &mut tags.arena,
            _ => reject!(EOPNOTSUPP, "arg#{index} has unsupported set of tags"),
        };
        *known = true;
    }
    Ok(tags)
}

/// A pointer; `None` if it is treated like what is no pointer.
fn pointer(
    cx: &Cx<'_>,
    function: &Function<'_>,
    index: usize,
    ty: &Type<'_>,
    tags: Tags,
) -> Check<Option<SubprogArg>> {
    let Some(target) = ty.target() else { return Ok(None) };
    let btf = function.btf;
    if tags.context || is_context(cx, btf, target) {
        if tags != (Tags { context: tags.context, ..Tags::default() }) {
            reject!(EINVAL, "arg#{index} has invalid combination of tags");
        }
        if tags.context {
            check_context(cx, btf, index, target)?;
        }
        return Ok(Some(plain(RegType::of(RegKind::Ctx))));
    }
    let knows_dynptrs = !cx.program.lacks("dynptr_in_global_functions");
    if knows_dynptrs && btf.resolve(target).is_some_and(|ty| is_dynptr(&ty)) {
        if tags != Tags::default() {
            reject!(EINVAL, "arg#{index} has invalid combination of tags");
        }
        return Ok(Some(plain(RegType::of(RegKind::Dynptr))));
    }
    if tags.trusted {
        return trusted(cx, btf, index, target, tags).map(Some);
    }
    if tags.untrusted {
        return untrusted(cx, btf, index, target, tags).map(Some);
    }
    if tags.arena {
        if tags != (Tags { arena: true, ..Tags::default() }) {
            reject!(EINVAL, "arg#{index} arena cannot be combined with any other tags");
        }
        return Ok(Some(plain(RegType::of(RegKind::Arena))));
    }
    if !function.global {
        return Ok(None);
    }
    memory(btf, index, target, tags).map(Some)
}

/// It is `struct bpf_dynptr`, with or without its definition (`btf_is_dynptr_ptr` of kernel/bpf/btf.c).
fn is_dynptr(ty: &Type<'_>) -> bool {
    let composite = ty.kind().is_composite() || (ty.kind() == Kind::Fwd && !ty.flag());
    composite && ty.name() == "bpf_dynptr"
}

/// Memory of the size of what is pointed to.
fn memory(btf: &Btf<'_>, index: usize, target: TypeId, tags: Tags) -> Check<SubprogArg> {
    if tags.nullable {
        reject!(EINVAL, "arg#{index} has invalid combination of tags");
    }
    let Some(ty) = btf.resolve(target) else { reject!(EINVAL, "") };
    let size = match ty.kind() {
        // Of structures whose definition is not there, too, no size is known.
        Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto => None,
        _ => btf.size_of(ty.id()).ok().and_then(|size| u32::try_from(size).ok()),
    };
    let Some(mem_size) = size else {
        let (kind, name) = (kernel_kind(ty.kind()), ty.name());
        reject!(
            EINVAL,
            "arg#{index} reference type('{kind} {name}') size cannot be determined: -22"
        );
    };
    let flags = if tags.non_null { F::NONE } else { F::PTR_MAYBE_NULL };
    Ok(SubprogArg { ty: RegType::with(RegKind::Mem, flags), mem_size, btf: None })
}

/// A trusted pointer to a structure of the kernel.
fn trusted(
    cx: &Cx<'_>,
    btf: &Btf<'_>,
    index: usize,
    target: TypeId,
    tags: Tags,
) -> Check<SubprogArg> {
    if tags.non_null {
        reject!(EINVAL, "arg#{index} has invalid combination of tags");
    }
    let id = kernel_type(cx, btf, index, target)?;
    let flags =
        if tags.nullable { F::PTR_TRUSTED.union(F::PTR_MAYBE_NULL) } else { F::PTR_TRUSTED };
    Ok(SubprogArg { ty: RegType::with(RegKind::BtfId, flags), mem_size: 0, btf: Some(id) })
}

/// A pointer that is read with care.
fn untrusted(
    cx: &Cx<'_>,
    btf: &Btf<'_>,
    index: usize,
    target: TypeId,
    tags: Tags,
) -> Check<SubprogArg> {
    if tags != (Tags { untrusted: true, ..Tags::default() }) {
        reject!(EINVAL, "arg#{index} untrusted cannot be combined with any other tags");
    }
    let Some(ty) = btf.resolve(target) else { reject!(EINVAL, "") };
    if ty.kind() == Kind::Void || ty.kind() == Kind::Int || ty.kind().is_enum() {
        let flags = F::MEM_RDONLY.union(F::PTR_UNTRUSTED);
        return Ok(plain(RegType::with(RegKind::Mem, flags)));
    }
    let id = kernel_type(cx, btf, index, target)?;
    let found = cx.program.kernel.get(id).map_or(Kind::Void, |ty| ty.kind());
    if !found.is_composite() {
        let kind = kernel_kind(found);
        reject!(
            EINVAL,
            "arg#{index} has type {kind} '{}', but only struct or primitive types are allowed",
            ty.name()
        );
    }
    let ty = RegType::with(RegKind::BtfId, F::PTR_UNTRUSTED);
    Ok(SubprogArg { ty, mem_size: 0, btf: Some(id) })
}

/// The type of the kernel of the same kind and essential name (`btf_get_ptr_to_btf_id` of kernel/bpf/btf.c).
fn kernel_type(cx: &Cx<'_>, btf: &Btf<'_>, index: usize, target: TypeId) -> Check<TypeId> {
    let Some(ty) = btf.resolve(target) else { reject!(EINVAL, "") };
    let (kind, name) = (ty.kind(), ty.name());
    if name.is_empty() {
        let kind = kernel_kind(kind);
        reject!(
            EINVAL,
            "arg#{index} reference type('{kind} (anon)') candidate matching error: -22"
        );
    }
    let essential = btf::essential_name(name);
    let mut found = cx.program.kernel.find_essential(essential).filter(|ty| ty.kind() == kind);
    let Some(first) = found.next() else {
        let kind = kernel_kind(kind);
        reject!(ENOENT, "arg#{index} reference type('{kind} {name}') has no matches");
    };
    if found.next().is_some() {
        let kind = kernel_kind(kind);
        reject!(ESRCH, "arg#{index} reference type('{kind} {name}') is ambiguous");
    }
    Ok(first.id())
}

/// What is behind modifiers, but not behind typedefs.
fn behind_qualifiers<'b>(btf: &'b Btf<'_>, mut id: TypeId) -> Option<Type<'b>> {
    for _ in 0..32 {
        let ty = btf.get(id)?;
        if !ty.kind().is_modifier() || ty.kind() == Kind::Typedef {
            return Some(ty);
        }
        id = ty.target()?;
    }
    None
}

/// The typedef that stands for the registers of a user process.
fn is_user_registers(btf: &Btf<'_>, target: TypeId) -> bool {
    behind_qualifiers(btf, target).is_some_and(|ty| ty.name() == "bpf_user_pt_regs_t")
}

/// A pointer to this type is to the context of the program (`btf_is_prog_ctx_type` of kernel/bpf/btf.c).
pub(crate) fn is_context(cx: &Cx<'_>, btf: &Btf<'_>, target: TypeId) -> bool {
    let Some(program) = cx.program.ty else { return false };
    if program.name == "kprobe" && is_user_registers(btf, target) {
        return true;
    }
    let Some(ty) = btf.resolve(target).filter(|ty| ty.kind().is_composite()) else { return false };
    let (context, name) = (program.context, ty.name());
    !context.is_empty()
        && (name == context
            || matches!((context, name), ("__sk_buff", "sk_buff") | ("xdp_md", "xdp_buff")))
}

/// What a `ctx` tag may stand at (`btf_validate_prog_ctx_type` of kernel/bpf/btf.c).
fn check_context(cx: &Cx<'_>, btf: &Btf<'_>, index: usize, target: TypeId) -> Check {
    let Some(program) = cx.program.ty else { return cx.unsupported("an unknown context") };
    if ["kprobe", "perf_event"].contains(&program.name) && is_user_registers(btf, target) {
        return Ok(());
    }
    let Some(ty) = btf.resolve(target) else { reject!(EINVAL, "") };
    if ty.kind() == Kind::Void {
        return Ok(());
    }
    if ty.name().is_empty() {
        reject!(EINVAL, "arg#{index} type doesn't have a name");
    }
    if is_also_context(cx, &ty) {
        return Ok(());
    }
    if program.context.is_empty() {
        reject!(EINVAL, "arg#{index} should be void pointer");
    }
    if !ty.kind().is_composite() || ty.name() != program.context {
        reject!(EINVAL, "arg#{index} should be `struct {} *`", program.context);
    }
    Ok(())
}

/// Types that some kinds of programs may use for their contexts.
fn is_also_context(cx: &Cx<'_>, ty: &Type<'_>) -> bool {
    let composite = ty.kind().is_composite();
    let word = ty.kind() == Kind::Int && ty.size() == Some(8);
    match cx.program.type_name() {
        "kprobe" | "perf_event" => composite && ty.name() == "pt_regs",
        "raw_tracepoint" | "raw_tracepoint_writable" | "lsm" | "struct_ops" => word,
        "tracing" => match cx.program.attach {
            Some(AttachType::TraceRawTp) => {
                word || (composite && ty.name() == "bpf_raw_tracepoint_args")
            }
            Some(AttachType::TraceIter) => composite && ty.name().starts_with("bpf_iter__"),
            Some(AttachType::TraceFentry | AttachType::TraceFexit | AttachType::ModifyReturn) => {
                word
            }
            _ => false,
        },
        "tracepoint" | "syscall" | "ext" => true,
        _ => false,
    }
}
