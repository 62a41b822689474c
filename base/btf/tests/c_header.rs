//! Types as a C header.

use btf::{
    Array, Btf, CHeader, CHeaderError, Endian, Int, Kind, Linkage, NewEnumerator, NewMember,
    NewParam, NewType, TypeId, Writer,
};

struct Types(Writer);

impl Types {
    fn add(&mut self, ty: &NewType<'_>) -> TypeId {
        self.0.add(ty).expect("valid")
    }

    fn reference(&mut self, kind: Kind, name: &str, target: TypeId) -> TypeId {
        self.add(&NewType::Reference { kind, name, target })
    }

    fn structure(&mut self, name: &str, size: u32, members: &[NewMember<'_>]) -> TypeId {
        self.add(&NewType::Struct { name, size, members })
    }

    fn array(&mut self, element: TypeId, index: TypeId, length: u32) -> TypeId {
        self.add(&NewType::Array(Array { element, index, length }))
    }

    fn function(&mut self, returns: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        let params: Vec<_> = params.iter().map(|&(name, ty)| NewParam { name, ty }).collect();
        self.add(&NewType::FuncProto { returns, params: &params })
    }

    fn header(&self) -> Result<CHeader, CHeaderError> {
        CHeader::of(&Btf::parse(self.0.finish()).expect("well-formed"))
    }
}

fn types() -> Types {
    Types(Writer::new(Endian::Little))
}

fn field(name: &'static str, ty: TypeId, bit_offset: u32, bitfield: u8) -> NewMember<'static> {
    NewMember { name, ty, bit_offset, bitfield }
}

/// One of everything that needs care.
#[allow(clippy::too_many_lines, reason = "a list of types")]
fn everything() -> Types {
    let mut t = types();
    let at = NewMember::at;
    let int = t.add(&NewType::int("int", 4, true));
    let long = t.add(&NewType::int("long unsigned int", 8, false));
    let byte = t.add(&NewType::int("unsigned char", 1, false));
    let short = t.add(&NewType::int("short int", 2, true));
    let encoding = Int { bits: 8, bit_offset: 0, signed: false, char: false, bool: true };
    let truth = t.add(&NewType::Int { name: "_Bool", size: 1, encoding });
    t.reference(Kind::Typedef, "bool", truth);
    let foreign = t.add(&NewType::int("__Poly8_t", 2, false));
    // A list that points to itself, and a structure that needs a later one whole.
    let list = TypeId(t.0.next_id().0 + 1);
    let to_list = t.add(&NewType::ptr(list));
    assert_eq!(t.structure("list", 16, &[at("next", to_list, 0), at("prev", to_list, 64)]), list);
    let inner = TypeId(t.0.next_id().0 + 1);
    t.structure("outer", 24, &[at("list", list, 0), at("inner", inner, 128)]);
    t.structure("inner", 8, &[at("a", foreign, 0), at("b", int, 32)]);
    // Pointers to each other, through a function.
    let second = TypeId(t.0.next_id().0 + 4);
    let to_second = t.add(&NewType::ptr(second));
    let call = t.function(int, &[("it", to_second), ("", TypeId::VOID)]);
    let to_call = t.add(&NewType::ptr(call));
    let first = t.structure("first", 8, &[at("call", to_call, 0)]);
    t.structure("second", 8, &[at("first", first, 0)]);
    // Bitfields: in a row, after a gap, across a boundary, behind unnamed ones.
    t.structure(
        "bits",
        16,
        &[
            field("a", int, 0, 3),
            field("b", int, 3, 29),
            field("c", byte, 40, 2),
            at("d", long, 64),
        ],
    );
    t.structure("crossing", 6, &[field("a", int, 0, 20), field("b", int, 20, 28)]);
    // Packed, over-aligned, unused, empty.
    t.structure("packed", 5, &[at("a", byte, 0), at("b", int, 8)]);
    t.structure("aligned", 128, &[at("a", int, 0), at("b", int, 512)]);
    t.structure("page", 4096, &[at("a", int, 0)]);
    t.structure("empty", 0, &[]);
    t.structure("overlapping", 4, &[at("a", int, 0), at("b", int, 16)]);
    let bytes = t.array(byte, int, 5);
    t.add(&NewType::Union { name: "large", size: 64, members: &[at("a", int, 0)] });
    t.add(&NewType::Union { name: "odd", size: 5, members: &[at("a", int, 0), at("b", bytes, 0)] });
    // Anonymous members, flexible arrays, two dimensions.
    let choice = t.add(&NewType::Union {
        name: "",
        size: 4,
        members: &[at("u", int, 0), at("s", short, 0)],
    });
    let part = t.structure("", 8, &[at("", choice, 0), at("x", int, 32)]);
    let flexible = t.array(int, int, 0);
    let row = t.array(short, int, 3);
    let table = t.array(row, int, 2);
    let to_table = t.add(&NewType::ptr(table));
    t.structure(
        "nested",
        32,
        &[
            at("", part, 0),
            at("named", choice, 64),
            at("table", table, 96),
            at("to_table", to_table, 192),
            at("rest", flexible, 256),
        ],
    );
    // Qualifiers and attributes at every level.
    let constant = t.reference(Kind::Const, "", int);
    let to_constant = t.add(&NewType::ptr(constant));
    let volatile = t.reference(Kind::Volatile, "", to_constant);
    let user = t.reference(Kind::TypeTag, "user", list);
    let to_user = t.add(&NewType::ptr(user));
    let restrict = t.reference(Kind::Restrict, "", to_user);
    let evil = t.reference(Kind::TypeTag, "\") evil (\"", int);
    let to_evil = t.add(&NewType::ptr(evil));
    t.structure(
        "qualified",
        24,
        &[at("a", volatile, 0), at("b", restrict, 64), at("while", to_evil, 128)],
    );
    // Names: of functions, of what has no tag, taken ones, repeated ones.
    t.reference(Kind::Typedef, "call_t", to_call);
    let returns_call = t.function(to_call, &[]);
    let to_returns_call = t.add(&NewType::ptr(returns_call));
    t.reference(Kind::Typedef, "returns_call_t", to_returns_call);
    let unnamed = t.structure("", 4, &[at("counter", int, 0)]);
    t.reference(Kind::Typedef, "atomic_t", unnamed);
    t.reference(Kind::Typedef, "__builtin_va_list", to_list);
    t.structure("list", 4, &[at("other", int, 0)]);
    t.add(&NewType::Union { name: "list", size: 4, members: &[at("u", int, 0)] });
    t.add(&NewType::Fwd { name: "list", union: false });
    let hidden = t.add(&NewType::Fwd { name: "hidden", union: true });
    let to_hidden = t.add(&NewType::ptr(hidden));
    t.reference(Kind::Typedef, "hidden_t", to_hidden);
    // Enumerations: signed, wide, narrow, of one byte, without a name, with a taken enumerator, only declared.
    let value = |name, value| NewEnumerator { name, value };
    let mut enumeration = |name, size, signed, enumerators: &[_]| {
        t.add(&NewType::Enum { name, size, signed, enumerators })
    };
    enumeration("colour", 4, true, &[value("RED", -1), value("GREEN", 7)]);
    enumeration("unsigned", 4, false, &[value("MOST", 0xffff_ffff)]);
    enumeration("wide", 8, false, &[value("HUGE", 0xffff_ffff_0000_0001), value("RED", 1)]);
    enumeration(
        "lowest",
        8,
        true,
        &[value("LEAST", i64::MIN.into()), value("LOW", -5_000_000_000)],
    );
    enumeration("narrow", 8, false, &[value("SMALL", 1)]);
    enumeration("tiny", 1, false, &[value("TINY", 1)]);
    enumeration("", 4, false, &[value("ALONE", 2)]);
    let used = enumeration("", 4, false, &[value("USED", 3)]);
    let declared = enumeration("declared", 4, false, &[]);
    t.structure("enums", 12, &[at("a", used, 0), at("b", used, 32), at("c", declared, 64)]);
    // Functions that programs can call.
    let prototype = t.function(to_hidden, &[("p", to_list), ("", int)]);
    for (name, tags) in
        [("kf_b", &["bpf_kfunc"][..]), ("kf_a", &["bpf_kfunc", "bpf_fastcall"]), ("no", &[])]
    {
        let target = t.add(&NewType::Func { name, prototype, linkage: Linkage::Static });
        for text in tags {
            t.add(&NewType::DeclTag { text, target, component: None });
        }
    }
    t
}

#[test]
fn everything_is_written_as_c() {
    let text = everything().header().expect("can be written").text;
    let golden = include_str!("c_header.h");
    for (line, (now, before)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(now, before, "line {} of tests/c_header.h; all of it:\n{text}", line + 1);
    }
    assert_eq!(text.len(), golden.len());
}

#[test]
fn names_are_those_in_the_text() {
    let types = everything();
    let bytes = types.0.finish();
    let btf = Btf::parse(&bytes[..]).expect("well-formed");
    let header = CHeader::of(&btf).expect("can be written");
    let names: Vec<_> = btf.find_all("list").filter_map(|ty| header.name(ty.id())).collect();
    assert_eq!(names, ["struct list", "struct list___2", "union list___3"]);
    for name in names {
        assert!(header.text.contains(&format!("{name} {{\n")), "{name}");
    }
}

#[test]
fn types_that_contain_themselves_are_refused() {
    let mut t = types();
    t.structure("own", 8, &[NewMember::at("own", TypeId(1), 0)]);
    assert_eq!(t.header().expect_err("is endless"), CHeaderError::Cycle(TypeId(1)));

    let mut t = types();
    t.reference(Kind::Typedef, "a", TypeId(2));
    t.reference(Kind::Typedef, "b", TypeId(1));
    assert_eq!(t.header().expect_err("is endless"), CHeaderError::Cycle(TypeId(1)));

    let mut t = types();
    t.reference(Kind::Typedef, "a", TypeId(7));
    assert_eq!(t.header().expect_err("is nowhere"), CHeaderError::NoType(TypeId(7)));
}

#[test]
fn few_types_do_not_become_endless_text() {
    let mut t = types();
    let mut inner = t.add(&NewType::int("int", 4, true));
    let mut size = 4;
    for _ in 0..26 {
        size *= 2;
        let members = [NewMember::at("a", inner, 0), NewMember::at("b", inner, 4 * size)];
        inner = t.structure("", size, &members);
    }
    t.structure("outer", size, &[NewMember::at("it", inner, 0)]);
    assert_eq!(t.header().expect_err("is too large"), CHeaderError::TooLarge);
}
