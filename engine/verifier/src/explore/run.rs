//! Following all paths.

use crate::cx::{Check, Cx};

/// Follows all paths of the program and of its global functions (`do_check_main`, `do_check_subprogs`).
pub(crate) fn explore(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("exploration")
}
