//! Objects the program allocates, and the lists and trees they are in.

use kernel_model::TypeFlags;

use crate::cx::Cx;
use crate::state::{Reg, RegKind, State};

/// The register points to an object that the program does not own (`type_is_non_owning_ref`).
pub(crate) fn is_non_owning(reg: &Reg) -> bool {
    is_allocated(reg) && reg.ty.has(TypeFlags::NON_OWN_REF)
}

/// The register points to an object that the program allocated (`type_is_ptr_alloc_obj`).
pub(crate) fn is_allocated(reg: &Reg) -> bool {
    reg.kind() == RegKind::BtfId && reg.ty.has(TypeFlags::MEM_ALLOC)
}

/// References that the program does not own end with the lock that protects them (`invalidate_non_owning_refs`).
pub(crate) fn invalidate_non_owning(cx: &Cx<'_>, state: &mut State) {
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        if is_non_owning(reg) {
            *reg = invalid;
        }
    });
}

/// The comparison of a tree runs, with the lock of the tree held (`in_rbtree_lock_required_cb`).
pub(crate) fn in_tree_callback(_cx: &Cx<'_>, _state: &State) -> bool {
    false
}
