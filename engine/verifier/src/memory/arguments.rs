//! The context of programs for functions, tracepoints and operations of the kernel: a word for each argument
//! (`btf_ctx_access` of kernel/bpf/btf.c).

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::{
    AttachType, IteratorValue, TracepointArg, TypeFlags, kernel_iterator, lsm_hook, tracepoint_arg,
};

use super::Access;
use super::context::{Loaded, Refusal};
use super::walk::{kind_name, skip_modifiers, tags};
use crate::cx::{Check, Cx};
use crate::program::Program;
use crate::state::{Detail, RegKind, RegType};

/// Bytes of the arguments of a function of the kernel (`MAX_BPF_FUNC_ARGS` words).
const ARGUMENTS: i32 = 12 * 8;
/// What the names of tracepoints' types begin with.
const TRACEPOINT: &str = "btf_trace_";
/// The end of what the kernel says of a pointer that may be an error.
const MAY_BE_ERROR: &str = "scalar as it may encode error";
/// The greatest errno (`MAX_ERRNO`).
const MAX_ERRNO: i32 = 4095;

/// What a program is for: its name in messages, and what it gets.
struct Target<'k> {
    name: String,
    proto: Type<'k>,
    /// A tracepoint: the first parameter is hidden.
    is_tracepoint: bool,
    /// Of `struct_ops`: the structure.
    operations: Option<&'k str>,
}

/// A load of an argument; a refusal comes with what the kernel says.
pub(super) fn load(
    cx: &mut Cx<'_>,
    offset: i32,
    size: u32,
    access: Access,
) -> Check<Result<Loaded, Refusal>> {
    let program = cx.program;
    let inside = (0..ARGUMENTS).contains(&offset);
    let is_refused = !inside || access == Access::Write || offset % size.cast_signed() != 0;
    if is_refused && program.type_name() != "lsm" {
        return Ok(Err(Refusal::new()));
    }
    // Of programs for security hooks, the kernel does not ask what kind of access it is (`lsm_verifier_ops`).
    let Some(target) = target(program) else {
        return cx.unsupported("the arguments of an unknown function");
    };
    let mut said = String::new();
    let result = argument(program, &target, offset, size, &mut said);
    if result.is_ok() && cx.log.is_on() && !said.is_empty() {
        cx.log.text.push_str(&said);
        // The kernel does not end the line that says so.
        if !said.ends_with(MAY_BE_ERROR) {
            cx.log.text.push('\n');
        }
    }
    Ok(result.map_err(|()| said))
}

/// The function, tracepoint or operation.
fn target<'k>(program: &'k Program<'_>) -> Option<Target<'k>> {
    let (id, name) = program.target?;
    let btf: &'k Btf<'k> = program.kernel;
    let ty = btf.get(id)?;
    if ty.kind().is_composite() {
        let member = ty.members().get(program.attach_number as usize)?;
        let pointer = skip_modifiers(btf, member.ty)?;
        let proto = skip_modifiers(btf, pointer.target()?)?;
        let proto = Some(proto).filter(|proto| proto.kind() == Kind::FuncProto)?;
        let name = member.name().to_owned();
        return Some(Target { name, proto, is_tracepoint: false, operations: Some(ty.name()) });
    }
    if program.attach == Some(AttachType::TraceRawTp) {
        let short = name.strip_prefix(TRACEPOINT).unwrap_or(name);
        // Parameters have names in the function behind the tracepoint alone.
        let function = btf.find(&format!("__bpf_trace_{short}"), Kind::Func);
        let proto = match function {
            Some(function) => btf.get(function.target()?)?,
            None => {
                let pointer = skip_modifiers(btf, ty.id())?;
                btf.get(pointer.target()?)?
            }
        };
        let name = short.to_owned();
        return Some(Target { name, proto, is_tracepoint: true, operations: None });
    }
    let proto = btf.get(ty.target()?)?;
    let proto = Some(proto).filter(|proto| proto.kind() == Kind::FuncProto)?;
    Some(Target { name: name.to_owned(), proto, is_tracepoint: false, operations: None })
}

/// The argument at an offset, counted from 0; the number of parameters stands for the result, more for nothing
/// (`btf_ctx_arg_idx`).
fn index(btf: &Btf<'_>, proto: &Type<'_>, offset: i32) -> usize {
    let width = |id: TypeId| {
        let ty = skip_modifiers(btf, id);
        ty.map_or(0, |ty| match ty.kind() {
            Kind::Ptr => 8,
            _ => u64::from(ty.size().unwrap_or(0)).next_multiple_of(8),
        })
    };
    let offset = u64::from(offset.cast_unsigned());
    let (mut end, mut count) = (0, 0);
    for param in proto.params().iter() {
        end += width(param.ty);
        if offset < end {
            return count;
        }
        count += 1;
    }
    end += proto.target().map_or(0, width);
    if offset < end { count } else { count + 1 }
}

fn argument(
    program: &Program<'_>,
    target: &Target<'_>,
    offset: i32,
    size: u32,
    said: &mut String,
) -> Result<Loaded, ()> {
    let btf = program.kernel;
    let Target { name, proto, .. } = target;
    if offset % 8 != 0 {
        *said = format!("func '{name}' offset {offset} is not multiple of 8");
        return Err(());
    }
    let arg = index(btf, proto, offset);
    let hidden = usize::from(target.is_tracepoint);
    let count = proto.params().len().saturating_sub(hidden);
    if arg > count {
        *said = format!("func '{name}' doesn't have {}-th argument", arg + 1);
        return Err(());
    }
    let param = proto.params().get(arg + hidden).filter(|_| arg < count);
    let ty = match param {
        Some(param) => skip_modifiers(btf, param.ty),
        None => return result(program, target, arg, said),
    };
    let Some(ty) = ty else { return Err(()) };
    match ty.kind() {
        Kind::Int if ty.size().is_some_and(|size| size <= 8) => return Ok(Loaded::Scalar),
        Kind::Enum | Kind::Enum64 | Kind::Struct | Kind::Union => return Ok(Loaded::Scalar),
        Kind::Ptr => {}
        _ => {
            let (own, kind) = (shown(ty.name()), kind_name(&ty));
            *said = format!(
                "func '{name}' arg{arg} '{own}' has type {kind}. Only pointer access is allowed"
            );
            return Err(());
        }
    }
    if size != 8 {
        *said = format!("func '{name}' size {size} must be 8");
        return Err(());
    }
    pointer(program, target, arg, &ty, param.map_or("", |param| param.name()), said)
}

/// The result of the function, for programs that run when it is known.
fn result(
    program: &Program<'_>,
    target: &Target<'_>,
    arg: usize,
    said: &mut String,
) -> Result<Loaded, ()> {
    let btf = program.kernel;
    let ty = target.proto.target().and_then(|id| skip_modifiers(btf, id));
    let small = ty.filter(|ty| ty.kind() == Kind::Int && ty.size().is_some_and(|size| size <= 8));
    match program.attach {
        Some(AttachType::LsmMac) => {
            let hook = lsm_hook(&target.name);
            let is_bool = hook.is_some_and(|hook| hook.returns == kernel_model::LsmReturn::Bool);
            let (low, high) = if is_bool { (0, 1) } else { (-MAX_ERRNO, 0) };
            small.map(|_| Loaded::Range(low, high)).ok_or(())
        }
        Some(AttachType::LsmCgroup | AttachType::TraceFexit) => match ty {
            Some(ty) if ty.kind() == Kind::Ptr => pointer(program, target, arg, &ty, "", said),
            Some(ty) if small.is_some() || ty.kind().is_enum() || ty.kind().is_composite() => {
                Ok(Loaded::Scalar)
            }
            Some(ty) => {
                let (name, own, kind) = (&target.name, shown(ty.name()), kind_name(&ty));
                *said = format!(
                    "func '{name}' arg{arg} '{own}' has type {kind}. Only pointer access is allowed"
                );
                Err(())
            }
            None => Err(()),
        },
        Some(AttachType::ModifyReturn) => match (small, ty) {
            (Some(_), _) => Ok(Loaded::Scalar),
            (None, ty) => {
                let kind = ty.map_or_else(|| "UNKNOWN".to_owned(), |ty| kind_name(&ty));
                *said = format!("ret type {kind} not allowed for fmod_ret");
                Err(())
            }
        },
        _ => {
            *said = format!("func '{}' doesn't have {}-th argument", target.name, arg + 1);
            Err(())
        }
    }
}

/// What a pointer argument is to the program.
fn pointer(
    program: &Program<'_>,
    target: &Target<'_>,
    arg: usize,
    ty: &Type<'_>,
    param: &str,
    said: &mut String,
) -> Result<Loaded, ()> {
    let special = iterator_value(program, target, arg);
    let buffer = |flags: TypeFlags| {
        let flags = flags.union(TypeFlags::PTR_MAYBE_NULL);
        Ok(Loaded::Pointer(RegType::with(RegKind::Buf, flags), Detail::None))
    };
    match special {
        Some(IteratorValue::BufferOrNull) => return buffer(TypeFlags::NONE),
        Some(IteratorValue::RdonlyBufferOrNull) => return buffer(TypeFlags::MEM_RDONLY),
        _ => {}
    }
    if let Some(list) = to_free(program, target, arg) {
        return Ok(btf_pointer(list, TypeFlags::PTR_TRUSTED));
    }
    // Pointers to nothing known and to integers are numbers to the program; other ones must be to structures.
    let pointee = ty.target().and_then(|id| skip_modifiers(program.kernel, id));
    let Some(pointee) = pointee.filter(|ty| !matches!(ty.kind(), Kind::Void | Kind::Int)) else {
        return Ok(Loaded::Scalar);
    };
    let or_null = TypeFlags::PTR_MAYBE_NULL;
    let special = match special {
        Some(IteratorValue::TrustedOrNull(name)) => {
            Some((name, TypeFlags::PTR_TRUSTED.union(or_null)))
        }
        Some(IteratorValue::OrNull(name)) => Some((name, or_null)),
        _ => None,
    };
    if let Some((name, flags)) = special
        && let Some(ty) = program.kernel.find(name, Kind::Struct)
    {
        return Ok(btf_pointer(ty.id(), flags));
    }
    if let Some(flags) = operation_flags(program, target, arg) {
        return Ok(btf_pointer(pointee.id(), flags));
    }
    if gets_reference(program.kernel, target, arg) {
        return Ok(Loaded::Owned(pointee.id(), arg));
    }
    structure(program, target, arg, ty, param, said)
}

/// What a pointer to a structure is to the program, if nothing else is known of it.
fn structure(
    program: &Program<'_>,
    target: &Target<'_>,
    arg: usize,
    ty: &Type<'_>,
    param: &str,
    said: &mut String,
) -> Result<Loaded, ()> {
    const TAGS: [(&str, TypeFlags); 2] =
        [("user", TypeFlags::MEM_USER), ("percpu", TypeFlags::MEM_PERCPU)];
    let btf = program.kernel;
    let mut flags =
        if is_trusted(program, target) { TypeFlags::PTR_TRUSTED } else { TypeFlags::NONE };
    let known = if target.is_tracepoint && !program.lacks("tracepoint_args_may_be_null") {
        tracepoint_arg(&target.name, u32::try_from(arg).unwrap_or(u32::MAX))
    } else {
        TracepointArg::Trusted
    };
    if known == TracepointArg::OrNull || param.ends_with("__nullable") {
        flags = flags.union(TypeFlags::PTR_MAYBE_NULL);
    }
    let name = &target.name;
    let Ok((id, tag)) = tags(btf, ty, &TAGS) else {
        *said = format!("func '{name}' arg{arg} type {} has multiple type tags", kind_name(ty));
        return Err(());
    };
    let flags = flags.union(tag);
    let Some(structure) = btf.get(id).filter(|ty| ty.kind().is_composite()) else {
        let kind = btf.get(id).map_or_else(String::new, |ty| kind_name(&ty));
        *said = format!("func '{name}' arg{arg} type {kind} is not a struct");
        return Err(());
    };
    let (kind, own) = (kind_name(&structure), shown(structure.name()));
    *said = format!("func '{name}' arg{arg} has btf_id {id} type {kind} '{own}'");
    if known == TracepointArg::Scalar {
        said.push_str(&format!("\nmarking pointer arg{arg} as {MAY_BE_ERROR}"));
        return Ok(Loaded::Scalar);
    }
    Ok(btf_pointer(promoted(program, target, id, flags), flags))
}

fn btf_pointer(id: TypeId, flags: TypeFlags) -> Loaded {
    Loaded::Pointer(RegType::with(RegKind::BtfId, flags), Detail::Btf { id, own: false })
}

/// Of congestion control, each socket is a TCP socket (`bpf_tcp_ca_is_valid_access`).
fn promoted(program: &Program<'_>, target: &Target<'_>, id: TypeId, flags: TypeFlags) -> TypeId {
    let btf = program.kernel;
    let is_sock = || btf.get(id).is_some_and(|ty| ty.name() == "sock");
    if target.operations == Some("tcp_congestion_ops")
        && flags.0 & !crate::calls::kfunc::types::TRUSTED_FLAGS.0 == 0
        && is_sock()
    {
        return btf.find("tcp_sock", Kind::Struct).map_or(id, |ty| ty.id());
    }
    id
}

/// What the iterator says of a word of its context (`ctx_arg_info`).
fn iterator_value(program: &Program<'_>, target: &Target<'_>, arg: usize) -> Option<IteratorValue> {
    if program.attach != Some(AttachType::TraceIter) {
        return None;
    }
    Some(kernel_iterator(&target.name)?.args.get(arg)?.value)
}

/// The function that stands for an operation, whose parameters' names say more (`find_stub_func_proto`).
fn stub<'k>(btf: &'k Btf<'k>, target: &Target<'_>) -> Option<Type<'k>> {
    let name = format!("{}__{}", target.operations?, target.name);
    btf.get(btf.find(&name, Kind::Func)?.target()?)
}

/// What is known of an argument of an operation from its stub.
fn operation_flags(program: &Program<'_>, target: &Target<'_>, arg: usize) -> Option<TypeFlags> {
    let param = stub(program.kernel, target)?.params().get(arg)?;
    let nullable = TypeFlags::PTR_TRUSTED.union(TypeFlags::PTR_MAYBE_NULL);
    param.name().ends_with("__nullable").then_some(nullable)
}

/// The operation gets the argument with a reference that it must give back.
fn gets_reference(btf: &Btf<'_>, target: &Target<'_>, arg: usize) -> bool {
    let param = stub(btf, target).and_then(|stub| stub.params().get(arg));
    param.is_some_and(|param| param.name().ends_with("__ref"))
}

/// The arguments of the operation that come with a reference.
pub(crate) fn references(program: &Program<'_>) -> Vec<usize> {
    let Some(target) = target(program).filter(|target| target.operations.is_some()) else {
        return Vec::new();
    };
    let count = target.proto.params().len();
    (0..count).filter(|arg| gets_reference(program.kernel, &target, *arg)).collect()
}

/// The list of packets to be freed that a queueing discipline is given, which is a structure of its own
/// (`bpf_qdisc_is_valid_access` of net/sched/bpf_qdisc.c).
fn to_free(program: &Program<'_>, target: &Target<'_>, arg: usize) -> Option<TypeId> {
    let is_it = target.operations == Some("Qdisc_ops") && target.name == "enqueue" && arg == 2;
    let ty = program.kernel.find("bpf_sk_buff_ptr", Kind::Struct).filter(|_| is_it)?;
    Some(ty.id())
}

/// Pointers that the program gets are valid (`prog_args_trusted`).
fn is_trusted(program: &Program<'_>, target: &Target<'_>) -> bool {
    match program.type_name() {
        "tracing" => {
            matches!(program.attach, Some(AttachType::TraceRawTp | AttachType::TraceIter))
        }
        "lsm" => lsm_hook(&target.name).is_none_or(|hook| !hook.untrusted),
        _ => target.operations.is_some(),
    }
}

/// A name in the kernel's messages.
fn shown(name: &str) -> &str {
    if name.is_empty() { "(anon)" } else { name }
}
