//! Types of the kernel and of the program side by side: which stand for which.

use btf::TypeId;
use kernel_model::TypeFlags;

use crate::cx::Cx;
use crate::state::{Reg, RegKind};

/// What may be in the type of a pointer that is trusted (`BPF_REG_TRUSTED_MODIFIERS`).
pub(crate) const TRUSTED_FLAGS: TypeFlags =
    TypeFlags::MEM_ALLOC.union(TypeFlags::PTR_TRUSTED).union(TypeFlags::NON_OWN_REF);

/// The kernel may be given this pointer without harm (`is_trusted_reg`).
pub(crate) fn is_trusted(reg: &Reg) -> bool {
    let safe = !has_unsafe_flags(reg);
    reg.ref_obj_id != 0
        || (structure_of_kind(reg.kind()).is_some() && safe)
        || (reg.ty.flags.0 & TRUSTED_FLAGS.0 != 0 && safe)
}

/// The pointer is protected by an RCU read section (`is_rcu_reg`).
pub(crate) fn is_rcu(reg: &Reg) -> bool {
    reg.ty.has(TypeFlags::MEM_RCU)
}

/// There is more to the pointer than a trusted one may have (`bpf_type_has_unsafe_modifiers`).
pub(crate) fn has_unsafe_flags(reg: &Reg) -> bool {
    reg.ty.flags.0 & !TRUSTED_FLAGS.0 != 0
}

/// The structure of the kernel that pointers of this kind stand for (`reg2btf_ids`).
pub(crate) fn structure_of_kind(kind: RegKind) -> Option<&'static str> {
    match kind {
        RegKind::Socket => Some("sock"),
        RegKind::SockCommon => Some("sock_common"),
        RegKind::TcpSock => Some("tcp_sock"),
        RegKind::ConstMapPtr => Some("bpf_map"),
        _ => None,
    }
}

/// A type, of the program if `own`, else of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OneOf {
    /// The type.
    pub id: TypeId,
    /// It is one of the program.
    pub own: bool,
}

/// Whether a pointer to `has` at `offset` is one to `needs` (`btf_struct_ids_match` of kernel/bpf/btf.c). If not: what
/// the kernel says while it looks; mostly nothing.
pub(crate) fn matches(
    _cx: &Cx<'_>,
    has: OneOf,
    offset: i32,
    needs: OneOf,
    _strict: bool,
) -> Result<(), String> {
    if has == needs && offset == 0 { Ok(()) } else { Err(String::new()) }
}
