//! Pointers to structures of the kernel as arguments (`process_kf_arg_ptr_to_btf_id`).

use btf::Kind;
use kernel_model::{KfuncFlags, TypeFlags};

use super::args::Arg;
use super::table::Takes;
use super::types;
use crate::cx::{Check, Cx, reject};
use crate::memory::Pointee;
use crate::state::{Detail, Reg, RegKind, RegType, State};

/// The argument points to what the kfunc wants.
pub(super) fn check(cx: &mut Cx<'_>, state: &State, arg: Arg<'_, '_>, takes: Takes) -> Check {
    let index = arg.index;
    let reg = state.reg(arg.reg);
    let is_structure =
        reg.kind() == RegKind::BtfId && (!types::has_unsafe_flags(reg) || types::is_rcu(reg));
    if !is_structure && types::structure_of_kind(reg.kind()).is_none() {
        let flags = TypeFlags(reg.ty.flags.0 & types::TRUSTED_FLAGS.0);
        let expected = RegType::with(reg.kind(), flags);
        reject!(EINVAL, "arg#{index} is {} expected {expected} or socket", reg.ty);
    }
    let kernel = cx.program.kernel;
    let wanted = match takes {
        Takes::Map => kernel.find("bpf_map", Kind::Struct),
        _ => arg.param.pointee,
    };
    let (Some(wanted), Some(given)) = (wanted, given(cx, reg)) else {
        return cx.unsupported(format!("the structure in {:?}", arg.reg));
    };
    let Some(given_ty) = types::of_pointee(cx.program, given) else {
        return cx.unsupported(format!("the structure in {:?}", arg.reg));
    };
    let strict = (arg.kfunc.has(KfuncFlags::RELEASE) && reg.ref_obj_id != 0)
        || types::are_nocast_aliases(given_ty.name(), wanted.name());
    let needs = Pointee { id: wanted.id(), own: false };
    let found = Pointee { id: given_ty.id(), own: given.own };
    let Err(mut said) = types::matches(cx, found, reg.off, needs, strict) else { return Ok(()) };
    if types::is_projection(wanted.name(), given_ty.name()) {
        if !said.is_empty() {
            cx.say(format_args!("{said}"));
        }
        return Ok(());
    }
    if !said.is_empty() {
        said.push('\n');
    }
    reject!(
        EINVAL,
        "{said}kernel function {} args#{index} expected pointer to {} {} but R{} has a pointer to {} {}",
        arg.kfunc.name,
        types::kind_name(wanted.kind()),
        wanted.name(),
        arg.reg.number(),
        types::kind_name(given_ty.kind()),
        given_ty.name()
    );
}

/// The structure that a register points to.
fn given(cx: &Cx<'_>, reg: &Reg) -> Option<Pointee> {
    if let Some(name) = types::structure_of_kind(reg.kind()) {
        let ty = cx.program.kernel.find(name, Kind::Struct)?;
        return Some(Pointee { id: ty.id(), own: false });
    }
    match reg.detail {
        Detail::Btf { id, own } => Some(Pointee { id, own }),
        _ => None,
    }
}
