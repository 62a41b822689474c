//! Types of the kernel and of the program side by side: which stand for which, and which may be passed.

use btf::{Btf, Kind, Type};
use kernel_model::TypeFlags;

use crate::cx::Cx;
pub(crate) use crate::memory::Pointee as OneOf;
use crate::memory::{self, Pointee};
use crate::program::Program;
use crate::state::{Reg, RegKind};

/// What may be in the type of a pointer that is trusted (`BPF_REG_TRUSTED_MODIFIERS`).
pub(crate) const TRUSTED_FLAGS: TypeFlags =
    TypeFlags::MEM_ALLOC.union(TypeFlags::PTR_TRUSTED).union(TypeFlags::NON_OWN_REF);

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

/// Whether a pointer to `has` at `offset` is one to `needs` (`btf_struct_ids_match` of kernel/bpf/btf.c). If not: what
/// the kernel says while it looks; mostly nothing.
pub(crate) fn matches(
    cx: &Cx<'_>,
    has: Pointee,
    offset: i32,
    needs: Pointee,
    strict: bool,
) -> Result<(), String> {
    memory::ids_match(cx.program, has, offset, needs, strict)
}

/// One of two types has the other's name with `___init` behind it, and must not stand for it
/// (`btf_type_ids_nocast_alias` of kernel/bpf/btf.c).
pub(crate) fn are_nocast_aliases(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let rest = long.strip_prefix(short);
    rest.is_some_and(|rest| !rest.is_empty()) && long.ends_with("___init")
}

/// A structure of the interface stands for one of the kernel (`btf_is_projection_of` of kernel/bpf/btf.c).
pub(crate) fn is_projection(interface: &str, kernel: &str) -> bool {
    matches!((interface, kernel), ("__sk_buff", "sk_buff") | ("xdp_md", "xdp_buff"))
}

/// A number (`btf_type_is_scalar`).
pub(crate) fn is_scalar(ty: Type<'_>) -> bool {
    matches!(ty.kind(), Kind::Int | Kind::Enum)
}

/// A structure of numbers, arrays of numbers and structures of such (`__btf_type_is_scalar_struct`), at most four deep.
/// If not: what the kernel says about it, mostly nothing.
pub(crate) fn scalar_struct(btf: &Btf<'_>, ty: Type<'_>, depth: u32) -> Result<(), String> {
    if !ty.kind().is_composite() {
        return Err(String::new());
    }
    for member in ty.members().iter() {
        let member = btf.resolve(member.ty).ok_or_else(String::new)?;
        match member.kind() {
            Kind::Struct | Kind::Union if depth >= 3 => {
                return Err("max struct nesting depth exceeded".to_owned());
            }
            Kind::Struct | Kind::Union => scalar_struct(btf, member, depth + 1)?,
            Kind::Array => {
                let array = member.array().filter(|array| array.length > 0);
                let element = array.and_then(|array| btf.resolve(array.element));
                if !element.is_some_and(is_scalar) {
                    return Err(String::new());
                }
            }
            _ if is_scalar(member) => {}
            _ => return Err(String::new()),
        }
    }
    Ok(())
}

/// The name of a kind as in messages (`btf_type_str` of kernel/bpf/btf.c).
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Void => "UNKNOWN",
        Kind::Int => "INT",
        Kind::Ptr => "PTR",
        Kind::Array => "ARRAY",
        Kind::Struct => "STRUCT",
        Kind::Union => "UNION",
        Kind::Enum => "ENUM",
        Kind::Fwd => "FWD",
        Kind::Typedef => "TYPEDEF",
        Kind::Volatile => "VOLATILE",
        Kind::Const => "CONST",
        Kind::Restrict => "RESTRICT",
        Kind::Func => "FUNC",
        Kind::FuncProto => "FUNC_PROTO",
        Kind::Var => "VAR",
        Kind::DataSec => "DATASEC",
        Kind::Float => "FLOAT",
        Kind::DeclTag => "DECL_TAG",
        Kind::TypeTag => "TYPE_TAG",
        Kind::Enum64 => "ENUM64",
    }
}

/// The type in the BTF of the program or of the kernel, behind qualifiers.
pub(crate) fn of_pointee<'a>(program: &'a Program<'a>, pointee: Pointee) -> Option<Type<'a>> {
    if pointee.own { program.btf?.resolve(pointee.id) } else { program.kernel.resolve(pointee.id) }
}

/// What the contexts of programs of one type are (`bpf_ctx_convert` of kernel/bpf/btf.c).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contexts<'a> {
    /// For the program.
    pub interface: Option<Type<'a>>,
    /// In the kernel.
    pub kernel: Option<Type<'a>>,
    is_kprobe: bool,
}

impl<'a> Contexts<'a> {
    /// Those of the type of the program.
    pub(crate) fn of(program: &'a Program<'a>) -> Self {
        let name = program.type_name();
        let prefix = format!("BPF_PROG_TYPE_{}", name.to_ascii_uppercase());
        let mut contexts = Self { is_kprobe: name == "kprobe", ..Self::default() };
        let Some(all) = program.kernel.find("bpf_ctx_convert", Kind::Struct) else {
            return contexts;
        };
        for member in all.members().iter() {
            match member.name().strip_prefix(&prefix) {
                Some("_prog") => contexts.interface = program.kernel.get(member.ty),
                Some("_kern") => contexts.kernel = program.kernel.get(member.ty),
                _ => {}
            }
        }
        contexts
    }

    /// A pointer of this type is one to the context (`btf_is_prog_ctx_type`).
    pub(crate) fn is_context(&self, btf: &'a Btf<'a>, pointer: Type<'_>) -> bool {
        let mut ty = pointer.target().and_then(|target| btf.get(target));
        if self.is_kprobe {
            while let Some(qualifier) = ty.filter(|ty| ty.kind().is_modifier()) {
                ty = qualifier.target().and_then(|target| btf.get(target));
            }
            if ty.is_some_and(|ty| ty.kind() == Kind::Typedef && ty.name() == "bpf_user_pt_regs_t")
            {
                return true;
            }
        }
        let Some(ty) = ty.and_then(|ty| btf.resolve(ty.id())) else { return false };
        if !ty.kind().is_composite() || ty.name().is_empty() {
            return false;
        }
        // A typedef and its structure are both taken.
        let structure = self.interface.and_then(|interface| btf.resolve(interface.id()));
        let names = [self.interface, structure].map(|known| known.map_or("", |known| known.name()));
        if names[0].is_empty() {
            return false;
        }
        names.iter().any(|known| *known == ty.name() || is_projection(known, ty.name()))
    }
}
