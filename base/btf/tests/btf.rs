//! Reading and writing of type information.

use std::sync::Arc;
use std::time::{Duration, Instant};

use btf::{
    Array, Btf, Endian, Int, Kind, LayoutError, Linkage, NewEnumerator, NewMember, NewParam,
    NewType, ParseProblem, TypeId, Variable, Writer, fuzz_btf,
};
use proptest::prelude::*;

/// One type of every kind, each with the number in its name.
fn every_kind(endian: Endian) -> Vec<u8> {
    let mut writer = Writer::new(endian);
    let mut add = |ty: NewType<'_>| writer.add(&ty).expect("valid");
    let int = add(NewType::int("int", 4, true));
    let pointer = add(NewType::ptr(int));
    let array = add(NewType::Array(Array { element: pointer, index: int, length: 10 }));
    let inner = add(NewType::Union {
        name: "",
        size: 4,
        members: &[NewMember::at("u", int, 0), NewMember::at("v", int, 0)],
    });
    let structure = add(NewType::Struct {
        name: "s___flavour",
        size: 96,
        members: &[
            NewMember { name: "low", ty: int, bit_offset: 0, bitfield: 3 },
            NewMember { name: "high", ty: int, bit_offset: 3, bitfield: 29 },
            NewMember::at("", inner, 32),
            NewMember::at("pointers", array, 64),
        ],
    });
    add(NewType::Enum {
        name: "colour",
        size: 4,
        signed: true,
        enumerators: &[
            NewEnumerator { name: "RED", value: -1 },
            NewEnumerator { name: "GREEN", value: 7 },
        ],
    });
    add(NewType::Enum {
        name: "wide",
        size: 8,
        signed: false,
        enumerators: &[NewEnumerator { name: "HUGE", value: 0xffff_ffff_0000_0001 }],
    });
    add(NewType::Fwd { name: "later", union: true });
    let named = add(NewType::Reference { kind: Kind::Typedef, name: "s_t", target: structure });
    let mut of = named;
    for kind in [Kind::Volatile, Kind::Const, Kind::Restrict] {
        of = add(NewType::Reference { kind, name: "", target: of });
    }
    let tagged = add(NewType::Reference { kind: Kind::TypeTag, name: "user", target: of });
    let prototype = add(NewType::FuncProto {
        returns: int,
        params: &[NewParam { name: "a", ty: pointer }, NewParam { name: "", ty: TypeId::VOID }],
    });
    let function = add(NewType::Func { name: "f", prototype, linkage: Linkage::Global });
    let variable = add(NewType::Var { name: "x", ty: tagged, linkage: Linkage::Static });
    let place = Variable { ty: variable, offset: 8, size: 96 };
    add(NewType::DataSec { name: ".data", size: 104, variables: &[place] });
    add(NewType::Float { name: "double", size: 8 });
    add(NewType::DeclTag { text: "note", target: function, component: Some(1) });
    add(NewType::DeclTag { text: "note", target: function, component: None });
    writer.finish()
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    for endian in [Endian::Little, Endian::Big] {
        let bytes = every_kind(endian);
        let btf = Btf::parse(&bytes).expect("well-formed");
        assert_eq!(btf.endian(), endian);
        let shown: Vec<String> = btf.types().map(|ty| format!("{ty:?}")).collect();
        assert_eq!(
            shown,
            [
                "[1] int 'int'",
                "[2] ptr ''",
                "[3] array ''",
                "[4] union ''",
                "[5] struct 's___flavour'",
                "[6] enum 'colour'",
                "[7] enum64 'wide'",
                "[8] fwd 'later'",
                "[9] typedef 's_t'",
                "[10] volatile ''",
                "[11] const ''",
                "[12] restrict ''",
                "[13] type_tag 'user'",
                "[14] func_proto ''",
                "[15] func 'f'",
                "[16] var 'x'",
                "[17] datasec '.data'",
                "[18] float 'double'",
                "[19] decl_tag 'note'",
                "[20] decl_tag 'note'",
            ]
        );
        let get = |id| btf.get(TypeId(id)).expect("is there");
        let int = Int { bits: 32, bit_offset: 0, signed: true, char: false, bool: false };
        assert_eq!(get(1).int(), Some(int));
        assert_eq!(get(3).array().map(|array| array.length), Some(10));
        let members = get(5).members();
        let shape: Vec<_> =
            members.iter().map(|one| (one.name(), one.bit_offset, one.bitfield)).collect();
        let expected = [("low", 0, 3), ("high", 3, 29), ("", 32, 0), ("pointers", 64, 0)];
        assert_eq!(shape, expected);
        let values =
            |id| -> Vec<i128> { get(id).enumerators().iter().map(|v| v.value()).collect() };
        assert_eq!(values(6), [-1, 7]);
        assert_eq!(values(7), [0xffff_ffff_0000_0001]);
        assert!(get(8).flag());
        assert_eq!(get(14).params().iter().map(|param| param.ty.0).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(get(15).linkage(), Some(Linkage::Global));
        assert_eq!(get(16).linkage(), Some(Linkage::Static));
        let place = Variable { ty: TypeId(16), offset: 8, size: 96 };
        assert_eq!(get(17).variables().iter().collect::<Vec<_>>(), [place]);
        assert_eq!((get(19).component(), get(20).component()), (Some(1), None));
        assert_eq!(get(0).kind(), Kind::Void);
        assert!(btf.get(TypeId(21)).is_none());
        // Writing what was read gives the same bytes.
        assert_eq!(Writer::of(&btf).finish(), bytes);
    }
}

#[test]
fn types_are_found_by_name_and_kind() {
    let btf = Btf::parse(every_kind(Endian::Little)).expect("well-formed");
    let find = |name: &str, kind| btf.find(name, kind).map(|ty| ty.id().0);
    assert_eq!(find("s___flavour", Kind::Struct), Some(5));
    assert_eq!(find("s", Kind::Struct), None);
    assert_eq!(find("s___flavour", Kind::Union), None);
    let essential: Vec<u32> = btf.find_essential("s").map(|ty| ty.id().0).collect();
    assert_eq!(essential, [5]);
    let notes: Vec<u32> = btf.find_all("note").map(|ty| ty.id().0).collect();
    assert_eq!(notes, [19, 20]);
    assert_eq!(btf.find_all("").count(), 0, "what has no name is not found by it");
}

#[test]
fn layout_follows_names_and_qualifiers() {
    let btf = Btf::parse(every_kind(Endian::Little)).expect("well-formed");
    assert_eq!(btf.resolve(TypeId(13)).map(|ty| ty.id().0), Some(5));
    for (id, size, align) in [(1, 4, 4), (2, 8, 8), (3, 80, 8), (4, 4, 4), (7, 8, 8), (13, 96, 8)] {
        assert_eq!(btf.size_of(TypeId(id)), Ok(size), "[{id}]");
        assert_eq!(btf.align_of(TypeId(id)), Ok(align), "[{id}]");
    }
    assert_eq!(btf.size_of(TypeId(16)), Ok(96), "a variable has the size of its type");
    for id in [0, 8, 14, 15] {
        assert!(matches!(btf.size_of(TypeId(id)), Err(LayoutError::NoSize(_))), "[{id}]");
    }
    let structure = TypeId(13);
    for (path, expected) in [
        ("", (13, 0, 0)),
        ("low", (1, 0, 3)),
        ("high", (1, 3, 29)),
        ("v", (1, 32, 0)),
        ("pointers", (3, 64, 0)),
        ("pointers[2]", (2, 192, 0)),
    ] {
        let field = btf.field(structure, path).expect(path);
        assert_eq!((field.ty.0, field.bit_offset, field.bitfield), expected, "{path}");
    }
    let error = |path| btf.field(structure, path).expect_err(path).to_string();
    assert_eq!(error("nothing"), "type [13] has no member `nothing`");
    assert_eq!(error("low.more"), "type [1] is no structure or union");
    assert_eq!(error("low[1]"), "type [1] is no array");
    for (path, at) in
        [(".low", 0), ("pointers[", 8), ("pointers[x]", 8), ("low..", 3), ("pointers[1]x", 11)]
    {
        assert_eq!(error(path), format!("malformed path at byte {at}"), "{path}");
    }
}

#[test]
fn packed_structures_have_no_alignment() {
    let mut writer = Writer::new(Endian::Little);
    let int = writer.add(&NewType::int("int", 4, true)).expect("valid");
    let shapes = [(8, 32, 4), (8, 8, 1), (5, 0, 1)];
    let ids = shapes.map(|(size, bit_offset, _)| {
        let members = [NewMember::at("x", int, bit_offset)];
        writer.add(&NewType::Struct { name: "s", size, members: &members }).expect("valid")
    });
    let btf = Btf::parse(writer.finish()).expect("well-formed");
    for (id, (_, _, align)) in ids.into_iter().zip(shapes) {
        assert_eq!(btf.align_of(id), Ok(align));
    }
}

#[test]
fn a_split_part_continues_its_base() {
    let base = Arc::new(Btf::parse(every_kind(Endian::Little)).expect("well-formed"));
    // Offsets of strings continue those of the base too, so they are put in by hand.
    let mut writer = Writer::of(&base);
    let module = NewType::Struct {
        name: "of_module",
        size: 96,
        members: &[NewMember::at("s", TypeId(5), 0)],
    };
    writer.add(&module).expect("valid");
    let both = writer.finish();
    let word = |at: usize| u32::from_le_bytes(both[at..at + 4].try_into().expect("four")) as usize;
    let (types, strings) = (&both[24..24 + word(12)], &both[24 + word(16)..]);
    let whole = Btf::parse(&both).expect("well-formed");
    let own_types = &types[types.len() - 24..];
    let base_strings = strings.len() - "s\0of_module\0".len();
    let mut split = both[..24].to_vec();
    for (at, value) in [(12, 24), (16, 24), (20, strings.len() - base_strings)] {
        split[at..at + 4].copy_from_slice(&u32::try_from(value).expect("small").to_le_bytes());
    }
    split.extend(own_types);
    split.extend(&strings[base_strings..]);
    let part = Btf::parse_split(split, Arc::clone(&base)).expect("well-formed");
    assert_eq!(part.first_own(), TypeId(21));
    assert_eq!(part.len(), whole.len());
    let own = part.own_types().next().expect("one type");
    assert_eq!((own.id().0, own.name()), (21, "of_module"));
    assert_eq!(part.size_of(TypeId(21)), Ok(96));
    assert_eq!(part.field(TypeId(21), "s.v").map(|field| field.bit_offset), Ok(32));
    assert_eq!(part.find("int", Kind::Int).map(|ty| ty.id().0), Some(1));
    assert_eq!(part.find("of_module", Kind::Struct).map(|ty| ty.id().0), Some(21));
    assert!(part.into_owned().find("s_t", Kind::Typedef).is_some());
}

#[test]
fn parts_can_be_changed() {
    let btf = Btf::parse(every_kind(Endian::Big)).expect("well-formed");
    let mut writer = Writer::of(&btf);
    writer.set_size(TypeId(17), 200).expect("a section has a size");
    writer.set_linkage(TypeId(15), Linkage::Static).expect("a function");
    writer.set_linkage(TypeId(16), Linkage::Extern).expect("a variable");
    writer.set_target(TypeId(2), TypeId(5)).expect("a pointer");
    let name = writer.string("named").expect("short");
    writer.set_param_name(TypeId(14), 1, name).expect("there are two");
    let place = Variable { ty: TypeId(16), offset: 4, size: 9 };
    writer.set_variables(TypeId(17), &[place]).expect("one as before");
    assert!(writer.set_size(TypeId(2), 1).is_err(), "a pointer says no size");
    assert!(writer.set_param_name(TypeId(14), 2, name).is_err());
    assert!(writer.set_variables(TypeId(17), &[]).is_err());
    assert!(writer.set_linkage(TypeId(99), Linkage::Static).is_err());
    assert!(writer.add(&NewType::int("a\0b", 4, false)).is_err());
    let changed = Btf::parse(writer.finish()).expect("well-formed");
    let get = |id| changed.get(TypeId(id)).expect("is there");
    assert_eq!(get(17).size(), Some(200));
    assert_eq!(get(17).variables().get(0), Some(place));
    assert_eq!(
        (get(15).linkage(), get(16).linkage()),
        (Some(Linkage::Static), Some(Linkage::Extern))
    );
    assert_eq!(get(2).target(), Some(TypeId(5)));
    assert_eq!(get(14).params().get(1).map(|param| param.name()), Some("named"));
}

#[test]
fn endless_types_end() {
    let mut writer = Writer::new(Endian::Little);
    let mut add = |ty: NewType<'_>| writer.add(&ty).expect("valid");
    add(NewType::Reference { kind: Kind::Typedef, name: "a", target: TypeId(2) });
    add(NewType::Reference { kind: Kind::Typedef, name: "b", target: TypeId(1) });
    add(NewType::Array(Array { element: TypeId(3), index: TypeId(1), length: 1 }));
    add(NewType::Struct { name: "s", size: 8, members: &[NewMember::at("", TypeId(4), 0)] });
    // Each has the next one twice, without names: a search that forgets would never end.
    for id in 5..60 {
        let next = TypeId(id + 1);
        let members = [NewMember::at("", next, 0), NewMember::at("", next, 0)];
        add(NewType::Struct { name: "deep", size: 8, members: &members });
    }
    add(NewType::Array(Array { element: TypeId(60), index: TypeId(1), length: u32::MAX }));
    let btf = Btf::parse(writer.finish()).expect("well-formed");
    let start = Instant::now();
    assert!(btf.resolve(TypeId(1)).is_none());
    for id in [1, 2, 3] {
        assert_eq!(btf.size_of(TypeId(id)), Err(LayoutError::TooDeep(TypeId(id))));
    }
    assert!(matches!(btf.align_of(TypeId(4)), Err(LayoutError::TooDeep(_))));
    for id in [4, 5] {
        assert!(btf.field(TypeId(id), "x").is_err(), "[{id}]");
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn malformed_bytes_are_refused_with_their_place() {
    let good = every_kind(Endian::Little);
    let strings = 24 + u32::from_le_bytes(good[16..20].try_into().expect("four")) as usize;
    let change = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let id = TypeId(1);
    let cases = [
        (good[..10].to_vec(), 10, ParseProblem::ShortHeader),
        (change(4, &[12]), 4, ParseProblem::ShortHeader),
        (change(0, &[0]), 0, ParseProblem::Magic),
        (change(2, &[2]), 2, ParseProblem::Version(2)),
        (change(12, &[0xff; 4]), 8, ParseProblem::SectionBounds("type")),
        (change(20, &[0xff; 4]), 16, ParseProblem::SectionBounds("string")),
        (change(12, &[13, 0, 0, 0]), 24, ParseProblem::ShortType { id }),
        (change(31, &[31]), 24, ParseProblem::Kind { id, kind: 31 }),
        (change(31, &[0]), 24, ParseProblem::Kind { id, kind: 0 }),
        (change(strings, b"x"), strings, ParseProblem::Strings),
        (change(good.len() - 1, b"x"), strings, ParseProblem::Strings),
        (change(strings + 2, &[0xff]), strings + 2, ParseProblem::Utf8),
    ];
    for (bytes, offset, problem) in cases {
        let error = Btf::parse(&bytes).expect_err("malformed");
        assert_eq!((error.offset, error.problem), (offset, problem));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        big in any::<bool>(),
    ) {
        let mut bytes = every_kind(if big { Endian::Big } else { Endian::Little });
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz_btf(&bytes);
    }

    #[test]
    fn any_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_btf(&bytes);
        if bytes.len() >= 24 {
            bytes[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
            bytes[9..12].fill(0);
            bytes[13..16].fill(0);
            bytes[17..20].fill(0);
            bytes[21..24].fill(0);
            fuzz_btf(&bytes);
        }
    }
}
