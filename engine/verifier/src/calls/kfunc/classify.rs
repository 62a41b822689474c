//! What an argument must be: by the declaration, and where that leaves it open, by what is given.

use btf::Kind;
use kernel_model::KfuncSuffix;

use super::table::{Kfunc, Param, Takes};
use super::types;
use crate::cx::{Check, Cx, reject};
use crate::state::{Reg, RegKind};

/// What the argument at `index` must be (`get_kfunc_ptr_arg_type`); `reg` holds it, and `next` the one behind it.
pub(super) fn pointer(
    cx: &Cx<'_>,
    kfunc: &Kfunc<'_>,
    index: usize,
    reg: &Reg,
    next: Option<&Reg>,
) -> Check<Takes> {
    let Some(param) = kfunc.params.get(index) else { return cx.unsupported("a missing parameter") };
    if param.takes == Some(Takes::Ctx) {
        return Ok(Takes::Ctx);
    }
    if param.has(KfuncSuffix::Nullable) && reg.is_null() {
        return Ok(Takes::Null);
    }
    if let Some(takes) = param.takes {
        return Ok(takes);
    }
    let Some(pointee) = param.pointee else { return cx.unsupported("a pointer to nothing known") };
    let kind = types::kind_name(pointee.kind());
    if reg.kind() == RegKind::BtfId || types::structure_of_kind(reg.kind()).is_some() {
        if !pointee.kind().is_composite() {
            reject!(
                EINVAL,
                "kernel function {} args#{index} pointer type {kind} {} is not supported",
                kfunc.name,
                pointee.name()
            );
        }
        return Ok(Takes::Structure);
    }
    if pointee.kind() == Kind::FuncProto {
        return Ok(Takes::Callback);
    }
    let sized = kfunc.params.get(index + 1).zip(next).is_some_and(|(next, reg)| is_size(next, reg));
    let scalars = if types::is_scalar(pointee) {
        Ok(())
    } else {
        types::scalar_struct(cx.program.kernel, pointee, 0)
    };
    match scalars {
        Err(said) if !(sized && pointee.kind() == Kind::Void) => {
            let said = if said.is_empty() { said } else { said + "\n" };
            let void = if sized { "void, " } else { "" };
            reject!(
                EINVAL,
                "{said}arg#{index} pointer type {kind} {} must point to {void}scalar, or struct with scalar",
                pointee.name()
            );
        }
        _ if sized => Ok(Takes::MemSize),
        _ => Ok(Takes::Mem),
    }
}

/// The parameter is the size of the memory in front of it (`is_kfunc_arg_mem_size`, `is_kfunc_arg_const_mem_size`).
fn is_size(param: &Param<'_>, reg: &Reg) -> bool {
    let size = matches!(param.suffix, Some(KfuncSuffix::Size | KfuncSuffix::ConstSize));
    size && param.is_scalar() && reg.is_scalar()
}
