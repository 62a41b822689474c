//! Types of a BTF, spelt as in C.

use btf::{Btf, Kind, TypeId};

/// How deep types may nest in one another.
const DEPTH: u32 = 32;

/// The type `id` in C, around the declarator `inner`; `?` stands for what is broken or too deep.
pub(super) fn spell(btf: &Btf<'_>, id: TypeId, inner: &str) -> String {
    within(btf, id, inner, DEPTH)
}

fn within(btf: &Btf<'_>, id: TypeId, inner: &str, depth: u32) -> String {
    let Some(ty) = btf.get(id).filter(|_| depth > 0) else { return "?".to_owned() };
    let target = ty.target().unwrap_or_default();
    let pointer = |id: TypeId| btf.get(id).is_some_and(|ty| ty.kind() == Kind::Ptr);
    let qualified = |word: &str| {
        // A qualifier of a pointer stands behind its star.
        if pointer(target) {
            within(btf, target, &format!("{word} {inner}"), depth - 1)
        } else {
            format!("{word} {}", within(btf, target, inner, depth - 1))
        }
    };
    match ty.kind() {
        Kind::Void => named("void", inner),
        Kind::Int | Kind::Float | Kind::Typedef => named(ty.name(), inner),
        Kind::Struct => named(&format!("struct {}", ty.name()), inner),
        Kind::Union => named(&format!("union {}", ty.name()), inner),
        Kind::Fwd if ty.flag() => named(&format!("union {}", ty.name()), inner),
        Kind::Fwd => named(&format!("struct {}", ty.name()), inner),
        Kind::Enum | Kind::Enum64 => named(&format!("enum {}", ty.name()), inner),
        Kind::Const => qualified("const"),
        Kind::Volatile => qualified("volatile"),
        Kind::Restrict => qualified("restrict"),
        Kind::TypeTag => within(btf, target, inner, depth - 1),
        Kind::Ptr => match btf.get(target) {
            Some(proto) if proto.kind() == Kind::FuncProto => {
                let params = proto.params();
                let params: Vec<_> =
                    params.iter().map(|param| within(btf, param.ty, "", depth - 1)).collect();
                let declarator = format!("(*{inner})({})", params.join(", "));
                within(btf, proto.target().unwrap_or_default(), &declarator, depth - 1)
            }
            _ => within(btf, target, &format!("*{inner}"), depth - 1),
        },
        Kind::Array => match ty.array() {
            Some(array) => {
                let declarator = format!("{inner}[{}]", array.length);
                within(btf, array.element, &declarator, depth - 1)
            }
            None => "?".to_owned(),
        },
        Kind::Func | Kind::FuncProto | Kind::Var | Kind::DataSec | Kind::DeclTag => "?".to_owned(),
    }
}

fn named(name: &str, inner: &str) -> String {
    if inner.is_empty() { name.to_owned() } else { format!("{name} {inner}") }
}
