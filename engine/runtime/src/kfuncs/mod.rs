//! Kfuncs: one function each, named like the row of the kernel model. They are found as helpers are
//! (`crate::helpers`).

pub(crate) mod arena;
pub(crate) mod cast;
pub(crate) mod conntrack;
pub(crate) mod control;
pub(crate) mod cpumask;
pub(crate) mod group;
pub(crate) mod list;
pub(crate) mod locks;
pub(crate) mod objects;
pub(crate) mod rbtree;
pub(crate) mod task;
pub(crate) mod text;
