//! Programs that replace a function of another program (`freplace`): that function must exist, be global, and have the
//! same prototype.

use bpf_object::Attach;
use btf::{Btf, Kind, Linkage, Type};

use super::target::{check_prototype_of, kind_name};
use crate::cfg::Subprog;
use crate::cx::{Check, Cx, Stop, reject};
use crate::program::{Extension, Options, Program};

/// What is to be known of the function that is replaced.
struct Replaced {
    unreliable: bool,
    changes_packet: bool,
    might_sleep: bool,
    is_exception_cb: bool,
}

/// `bpf_check_attach_target` with another program, for extensions.
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let Some(extension) = &program.extends else {
        let function = match &program.linked_program.load.target {
            Attach::Program { name } => format!("`{name}`"),
            _ => "a function".to_owned(),
        };
        return cx.unsupported(format!(
            "it replaces {function} of a program that is not known; --target names its object"
        ));
    };
    let Some((types, function)) = types_of(extension) else {
        reject!(
            EINVAL,
            "FENTRY/FEXIT program can only be attached to another program annotated with BTF"
        );
    };
    let replaced = replaced(cx, extension)?;
    if replaced.is_exception_cb {
        reject!(EINVAL, "Extension programs cannot attach to exception callback");
    }
    if replaced.unreliable {
        reject!(EINVAL, "Cannot replace static functions");
    }
    let Some(main) = cx.subprogs.first() else {
        return cx.unsupported("a program without functions");
    };
    if main.changes_packet && !replaced.changes_packet {
        reject!(EINVAL, "Extension program changes packet data, while original does not");
    }
    if main.might_sleep && !replaced.might_sleep {
        reject!(EINVAL, "Extension program may sleep, while original does not");
    }
    match extension.program.load.program_type.map_or("", |ty| ty.name) {
        "ext" => reject!(EINVAL, "Cannot recursively attach"),
        "tracing" | "lsm" | "struct_ops" => {
            return cx.unsupported("extensions of programs for functions of the kernel");
        }
        _ => {}
    }
    check_types(program, types, function)?;
    let Some(proto) = proto_of(types, function) else { reject!(EINVAL, "") };
    check_prototype_of(types, proto, function.name())
}

/// The types of the program that is extended, and its function.
fn types_of<'a>(extension: &Extension<'a>) -> Option<(&'a Btf<'a>, Type<'a>)> {
    let linked = extension.linked;
    let btf = linked.object.btf.as_ref()?;
    let mut functions = extension.program.functions.iter().filter_map(|info| btf.get(info.ty));
    let found = functions.find(|ty| ty.name() == extension.function)?;
    Some((btf, found))
}

/// The program that is extended is loaded first; what was found out about the function then.
fn replaced(cx: &Cx<'_>, extension: &Extension<'_>) -> Check<Replaced> {
    let name = &extension.program.name;
    if extension.program.load.program_type.is_some_and(|ty| ty.name == "ext") {
        reject!(EINVAL, "Cannot recursively attach");
    }
    let options = Options { log_level: 0, explain: false, ..cx.program.options.clone() };
    let target = Program::new(extension.linked, extension.program, cx.program.kernel, options);
    let mut verified = Cx::new(&target);
    match super::check(&mut verified, &mut false) {
        Ok(()) => {}
        Err(Stop::Reject(_)) => {
            reject!(EINVAL, "the program `{name}`, which it extends, is rejected");
        }
        Err(Stop::Unsupported(what)) => {
            return cx.unsupported(format!("the program `{name}`, which it extends: {what}"));
        }
    }
    let is_it = |subprog: &&Subprog| subprog.name == extension.function;
    let Some(subprog) = verified.subprogs.iter().find(is_it) else {
        reject!(EINVAL, "Subprog {} doesn't exist", extension.function);
    };
    Ok(Replaced {
        unreliable: subprog.unreliable,
        changes_packet: subprog.changes_packet,
        might_sleep: subprog.might_sleep,
        is_exception_cb: subprog.is_exception_cb,
    })
}

fn proto_of<'b>(btf: &'b Btf<'_>, function: Type<'b>) -> Option<Type<'b>> {
    btf.get(function.target()?).filter(|ty| ty.kind() == Kind::FuncProto)
}

/// Both functions are global and have the same prototype (`btf_check_type_match`, `btf_check_func_type_match` of
/// kernel/bpf/btf.c).
fn check_types(program: &Program<'_>, types: &Btf<'_>, replaced: Type<'_>) -> Check {
    let own = program.btf.zip(program.functions.first());
    let Some((btf, info)) = own else { reject!(EINVAL, "Program extension requires BTF") };
    let Some(function) = btf.get(info.ty).filter(|ty| ty.kind() == Kind::Func) else {
        reject!(EINVAL, "");
    };
    let (name, other) = (function.name(), replaced.name());
    for function in [&function, &replaced] {
        if function.linkage() != Some(Linkage::Global) {
            reject!(EINVAL, "{}() is not a global function", function.name());
        }
    }
    let protos = proto_of(btf, function).zip(proto_of(types, replaced));
    let Some((proto, wanted)) = protos else { reject!(EINVAL, "") };
    let (count, expected) = (proto.params().len(), wanted.params().len());
    if count != expected {
        reject!(EINVAL, "{name}() has {count} args while {other}() has {expected}");
    }
    let result = |btf, proto: &Type<'_>| {
        let id = proto.target().unwrap_or_default();
        (shape(btf, id), kind_name(btf, id))
    };
    let ((shape, kind), (other_shape, other_kind)) = (result(btf, &proto), result(types, &wanted));
    if shape != other_shape {
        reject!(
            EINVAL,
            "Return type {kind} of {name}() doesn't match type {other_kind} of {other}()"
        );
    }
    for (index, (own, wanted)) in proto.params().iter().zip(wanted.params().iter()).enumerate() {
        check_param((btf, own.ty, name), (types, wanted.ty, other), index)?;
    }
    Ok(())
}

/// What two types have in common if they are equal to the kernel: kind, flag and number of members (`info` of
/// `struct btf_type`).
fn shape(btf: &Btf<'_>, id: btf::TypeId) -> (Kind, usize, bool) {
    let Some(ty) = btf.resolve(id) else { return (Kind::Void, 0, false) };
    let entries = if ty.kind() == Kind::Int { 0 } else { ty.entries() };
    (ty.kind(), entries.into(), ty.flag())
}

type Side<'s> = (&'s Btf<'s>, btf::TypeId, &'s str);

/// A parameter of the extension, and that of the function it replaces.
fn check_param(own: Side<'_>, wanted: Side<'_>, index: usize) -> Check {
    let ((btf, id, name), (types, other_id, other)) = (own, wanted);
    if shape(btf, id) != shape(types, other_id) {
        let (kind, other_kind) = (kind_name(btf, id), kind_name(types, other_id));
        reject!(EINVAL, "arg{index} in {name}() is {kind} while {other}() has {other_kind}");
    }
    let (ty, other_ty) = (btf.resolve(id), types.resolve(other_id));
    let Some((ty, other_ty)) = ty.zip(other_ty) else { reject!(EINVAL, "") };
    if let Some((size, expected)) = ty.size().zip(other_ty.size())
        && size != expected
    {
        reject!(EINVAL, "arg{index} in {name}() has size {size} while {other}() has {expected}");
    }
    if ty.kind() == Kind::Int || ty.kind().is_enum() {
        return Ok(());
    }
    if ty.kind() != Kind::Ptr {
        reject!(EINVAL, "arg{index} in {name}() has unrecognized type");
    }
    let pointees = [(btf, ty, name), (types, other_ty, other)].map(|(btf, ty, name)| {
        let pointee = ty.target().and_then(|id| btf.resolve(id));
        (pointee.filter(|ty| ty.kind().is_composite()).map(|ty| ty.name().to_owned()), name)
    });
    for (pointee, name) in &pointees {
        if pointee.is_none() {
            reject!(EINVAL, "arg{index} in {name}() is not a pointer to context");
        }
    }
    let [(own, _), (wanted, _)] = pointees;
    if own != wanted {
        let (own, wanted) = (own.unwrap_or_default(), wanted.unwrap_or_default());
        reject!(
            EINVAL,
            "arg{index} {name}(struct {own} *) doesn't match {other}(struct {wanted} *)"
        );
    }
    Ok(())
}
