//! Checks of arguments that helpers, kfuncs and global functions share.

use isa::Reg;
use kernel_model::{ArgBase, TypeFlags};

use crate::cx::{Check, Cx};
use crate::memory::{Access, RawStack};
use crate::state::State;

/// The offset of a pointer that is an argument (`check_func_arg_reg_off`): `base` as far as it matters
/// (`PtrToDynptr`, else anything, such as `Anything`), `flags` for `OBJ_RELEASE`.
pub(crate) fn check_offset(
    cx: &mut Cx<'_>,
    _state: &State,
    reg: Reg,
    _base: ArgBase,
    _flags: TypeFlags,
) -> Check {
    cx.unsupported(format!("the offset of {reg:?}"))
}

/// A string in a read-only map (`check_reg_const_str`).
pub(crate) fn check_const_str(cx: &mut Cx<'_>, _state: &mut State, reg: Reg) -> Check {
    cx.unsupported(format!("the string in {reg:?}"))
}

/// Memory in the register before `size`, of the length in `size` (`check_mem_size_reg`).
///
/// `raw` as in [`crate::memory::helper_access`]; the result has the greatest possible length as well.
pub(crate) fn check_mem_size(
    cx: &mut Cx<'_>,
    _state: &mut State,
    size: Reg,
    _access: Access,
    _zero_allowed: bool,
    _raw: bool,
) -> Check<MemSize> {
    cx.unsupported(format!("memory of the length in {size:?}"))
}

/// What [`check_mem_size`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemSize {
    /// Uninitialised stack that the caller has to mark as written.
    pub raw: Option<RawStack>,
    /// The greatest possible length (`msize_max_value`).
    pub max: u64,
}

/// Memory of a fixed size, which may be NULL if its type says so, that is read and written (`check_mem_reg`).
pub(crate) fn check_mem(cx: &mut Cx<'_>, _state: &mut State, reg: Reg, _size: u32) -> Check {
    cx.unsupported(format!("memory in {reg:?}"))
}
