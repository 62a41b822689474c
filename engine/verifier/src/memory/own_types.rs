//! What the kernel demands of the types of a program before it takes them, as far as compilers fail to give it
//! (`btf_check_all_metas` and `btf_resolve` of kernel/bpf/btf.c, v6.18).

use btf::{Btf, Kind, Type};

use super::field_search::Found;
use crate::cx::Errno;

/// The types are taken; a program whose types are not is loaded without.
pub(super) fn check(program: &Btf<'_>) -> Found {
    if program.own_types().all(|ty| has_valid_name(&ty) && has_named_arguments(program, &ty)) {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Names are those of C: what generics and closures of other languages are called is none.
fn has_valid_name(ty: &Type<'_>) -> bool {
    let name = ty.name();
    let must_be_named = matches!(ty.kind(), Kind::Typedef | Kind::Var | Kind::Func | Kind::Fwd);
    let is_tag = matches!(ty.kind(), Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64);
    if !must_be_named && !is_tag {
        return true;
    }
    if name.is_empty() { is_tag } else { is_identifier(name) }
}

/// `btf_name_valid_identifier`.
fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let fits = |byte: u8| matches!(byte, b'_' | b'.');
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || fits(first))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || fits(byte))
}

/// Compilers give no names to arguments of naked functions (`btf_func_check`).
fn has_named_arguments(program: &Btf<'_>, ty: &Type<'_>) -> bool {
    if ty.kind() != Kind::Func {
        return true;
    }
    let proto = ty.target().and_then(|target| program.get(target));
    let Some(proto) = proto.filter(|proto| proto.kind() == Kind::FuncProto) else { return false };
    proto.params().iter().all(|param| !param.name().is_empty() || param.ty.0 == 0)
}

#[cfg(test)]
mod tests {
    use super::is_identifier;

    #[test]
    fn names_are_those_of_c() {
        for (name, fits) in
            [("task", true), (".rodata", true), ("_1", true), ("1", false), ("Option<u32>", false)]
        {
            assert_eq!(is_identifier(name), fits, "{name}");
        }
    }
}
