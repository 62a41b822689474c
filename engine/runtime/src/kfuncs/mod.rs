//! Kfuncs: one function each, named like the row of the kernel model. They are found as helpers are
//! (`crate::helpers`).

pub(crate) mod cast;
pub(crate) mod control;
pub(crate) mod text;
