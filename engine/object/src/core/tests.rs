//! Relocations of the types in `tests/data/core.bpf.c` against those in `tests/data/kernel.c`.

use btf::Btf;

use super::{CoreKind, Resolver};
use crate::btf_ext::CoreRelocation;
use crate::{CoreProblem, Object};

const OBJECT: &[u8] = include_bytes!("../../tests/data/core.bpf.o");
const KERNEL: &[u8] = include_bytes!("../../tests/data/kernel.btf");

/// What a relocation comes to.
#[derive(PartialEq, Debug)]
enum Answer {
    Is(u64),
    /// The same, but a load or store of the member's old size is replaced.
    NotAtItsSize(u64),
    Poison,
    Error(CoreProblem),
}

use Answer::{Error, Is, NotAtItsSize, Poison};
use CoreKind::{
    EnumeratorExists, EnumeratorValue, FieldExists, FieldLeftShift, FieldOffset, FieldRightShift,
    FieldSigned, FieldSize, TypeExists, TypeIdLocal, TypeIdTarget, TypeMatches, TypeSize,
};

fn answer(resolver: &mut Resolver<'_>, local: &Btf<'_>, row: (&str, CoreKind, &str)) -> Answer {
    let (name, kind, access) = row;
    let root = local.find_all(name).next().unwrap_or_else(|| panic!("no type {name}")).id();
    let mut budget = super::Budget::new();
    match resolver.outcome(kind, root, access, &mut budget) {
        Err(problem) => Error(problem),
        Ok(outcome) if outcome.poison => Poison,
        Ok(outcome) if outcome.resize_fails => NotAtItsSize(outcome.new),
        Ok(outcome) => Is(outcome.new),
    }
}

#[test]
fn every_kind_has_its_answer() {
    let object = Object::parse(OBJECT).expect("well-formed");
    let local = object.btf.as_ref().expect("compiled with -g");
    let kernel = Btf::parse(KERNEL).expect("well-formed");
    let mut resolver = Resolver::new(local, &kernel);
    let id = |btf: &Btf<'_>, name| u64::from(btf.find_all(name).next().expect("is there").id().0);
    let bad = |text: &str| Error(CoreProblem::Access(text.to_owned()));
    for (name, kind, access, expected) in [
        // Members move, also into anonymous structures and unions, and elements with them.
        ("moved", FieldOffset, "0:0", Is(8)),
        ("moved", FieldOffset, "0:1", Is(16)),
        ("moved", FieldOffset, "0:2:3", Is(30)),
        ("moved", FieldOffset, "2:0", Is(2 * 48 + 8)),
        ("moved___flavour", FieldOffset, "0:0", Is(40)),
        ("nested", FieldOffset, "0:0", Is(12)),
        ("nested", FieldOffset, "0:1", Is(8)),
        ("nested", FieldOffset, "0:2:0", Is(16)),
        ("outer", FieldOffset, "0:0:2:0", Is(8 + 2 * 4 + 3)),
        // What does not exist, or is of another kind.
        ("moved___flavour", FieldOffset, "0:1", Poison),
        ("absent", FieldOffset, "0:0", Poison),
        ("other_kind", FieldOffset, "0:0", Poison),
        ("moved", FieldExists, "0:0", Is(1)),
        ("moved___flavour", FieldExists, "0:1", Is(0)),
        ("absent", FieldExists, "0:0", Is(0)),
        ("other_kind", FieldExists, "0:0", Is(0)),
        ("flavoured___old", FieldExists, "0:0", Is(0)),
        ("flavoured___new", FieldExists, "0:0", Is(1)),
        // Sizes and signs. Only what has no sign can be read at another size.
        ("moved", FieldSize, "0:2", Is(16)),
        ("moved", FieldSize, "0:2:1", Is(2)),
        ("resized", FieldSize, "0:0", Is(8)),
        ("resized", FieldOffset, "0:1", Is(8)),
        ("resized", FieldOffset, "0:2", NotAtItsSize(12)),
        ("resized", FieldSigned, "0:2", Is(1)),
        ("resized", FieldSigned, "0:0", Is(0)),
        ("resized", FieldLeftShift, "0:1", Is(48)),
        ("resized", FieldRightShift, "0:1", Is(48)),
        ("moved", FieldSigned, "0:2:1", Error(CoreProblem::ArrayElement)),
        // Bitfields: the load that has all bits, and the shifts that leave only them.
        ("bits", FieldOffset, "0:0", Is(4)),
        ("bits", FieldSize, "0:0", Is(4)),
        ("bits", FieldLeftShift, "0:0", Is(61)),
        ("bits", FieldRightShift, "0:0", Is(61)),
        ("bits", FieldLeftShift, "0:1", Is(50)),
        ("bits", FieldRightShift, "0:1", Is(53)),
        ("bits", FieldSigned, "0:2", Is(1)),
        ("bits", FieldOffset, "0:3", Is(8)),
        ("bits", FieldRightShift, "0:3", Is(31)),
        // Types.
        ("moved", TypeExists, "0", Is(1)),
        ("absent", TypeExists, "0", Is(0)),
        ("moved", TypeSize, "0", Is(48)),
        ("absent", TypeSize, "0", Is(0)),
        ("moved", TypeIdLocal, "0", Is(id(local, "moved"))),
        ("moved", TypeIdTarget, "0", Is(id(&kernel, "moved"))),
        ("absent", TypeIdTarget, "0", Is(0)),
        ("callback_t", TypeExists, "0", Is(1)),
        ("inner", TypeMatches, "0", Is(1)),
        // The kernel's `c` has another length.
        ("moved", TypeMatches, "0", Is(0)),
        ("resized", TypeMatches, "0", Is(0)),
        // The kernel has no `PURPLE`.
        ("colour", TypeMatches, "0", Is(0)),
        ("choice", TypeMatches, "0", Is(1)),
        ("callback_t", TypeMatches, "0", Is(1)),
        // Values of enumerations.
        ("colour", EnumeratorValue, "0", Is(3)),
        ("colour", EnumeratorValue, "1", Is(1000)),
        ("colour", EnumeratorValue, "2", Poison),
        ("colour", EnumeratorExists, "2", Is(0)),
        ("colour___other", EnumeratorValue, "0", Is(4)),
        ("huge", EnumeratorValue, "0", Is(0x12_3456_789a)),
        ("huge", EnumeratorExists, "1", Is(0)),
        // Accesses that make no sense.
        ("moved", FieldOffset, "0:9", bad("0:9")),
        ("moved", FieldOffset, "0:2:4", bad("0:2:4")),
        ("moved", FieldOffset, "0:0:0", bad("0:0:0")),
        ("moved", FieldOffset, "", bad("")),
        ("moved", FieldOffset, "0:", bad("0:")),
        ("moved", FieldOffset, "-1", bad("-1")),
        ("moved", TypeExists, "1", bad("1")),
        ("colour", EnumeratorValue, "3", bad("3")),
        ("colour", EnumeratorValue, "0:0", bad("0:0")),
        ("moved", EnumeratorValue, "0", bad("0")),
    ] {
        let found = answer(&mut resolver, local, (name, kind, access));
        assert_eq!(found, expected, "{kind:?} {name} {access}");
    }
}

#[test]
fn unknown_kinds_are_named() {
    let object = Object::parse(OBJECT).expect("well-formed");
    let local = object.btf.as_ref().expect("compiled with -g");
    let mut resolver = Resolver::new(local, local);
    let ty = local.find("moved", btf::Kind::Struct).expect("is there").id();
    let relocation = CoreRelocation { insn: 0, ty, access: 0, kind: 13 };
    let message = resolver.resolve(4, &relocation).expect_err("no such kind").to_string();
    assert_eq!(message, "CO-RE relocation #4 (unknown) of `moved`: unknown kind");
}
