//! What the arguments of a kfunc tell about its effects.

use btf::TypeId;
use isa::Reg;

use super::field::MapOfCall;
use crate::memory::{GraphRoot, Pointee};
use crate::state::DynptrKind;

/// What was found out while the arguments of a call were checked (`struct bpf_kfunc_call_arg_meta`).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::calls) struct Meta {
    /// The reference that an argument has.
    pub ref_obj_id: u32,
    /// The argument that is given back.
    pub release: Option<Reg>,
    /// The result may only be read.
    pub ret_rdonly: bool,
    /// The size of the memory that is returned; 0 if it is not known from the arguments.
    pub ret_size: u64,
    /// The context in the kernel, if that is returned.
    pub ret_id: Option<TypeId>,
    /// The function that is called back.
    pub subprog: Option<u32>,
    /// The constant among the arguments.
    pub constant: Option<u64>,
    /// The allocated object among the arguments.
    pub object: Option<Pointee>,
    /// The program owns it.
    pub owning: bool,
    /// The list.
    pub list: Option<GraphRoot>,
    /// The tree.
    pub tree: Option<GraphRoot>,
    /// The dynptr that was initialised before: what it is over, its identity and its reference.
    pub dynptr: Option<(DynptrKind, u32, u32)>,
    /// The frame and the first slot of the iterator.
    pub iter: Option<(u32, usize)>,
    /// The map.
    pub map: Option<MapOfCall>,
}
