//! Sizes, alignments and offsets. The expected numbers are what gcc and clang print for the same text.

use crate::{int, sema, ty, with_headers};
use sema::Ty;

/// Text, type, size, alignment.
const SIZES: &[(&str, &str, Option<u64>, Option<u64>)] = &[
    ("", "u8", Some(1), Some(1)),
    ("", "__be16", Some(2), Some(2)),
    ("", "uint32_t", Some(4), Some(4)),
    ("", "size_t", Some(8), Some(8)),
    ("", "bool", Some(1), Some(1)),
    ("", "long unsigned int", Some(8), Some(8)),
    ("", "void *", Some(8), Some(8)),
    ("enum e { A, B };", "enum e", Some(4), Some(4)),
    ("struct s;", "struct s", None, None),
    ("struct s;", "struct s *", Some(8), Some(8)),
    ("struct s {};", "struct s", Some(0), Some(1)),
    ("struct s { char c; int i; };", "struct s", Some(8), Some(4)),
    ("struct s { int i; char c; };", "struct s", Some(8), Some(4)),
    ("struct s { char c; long l; short h; };", "struct s", Some(24), Some(8)),
    ("struct s { char c; int i; } __attribute__((packed));", "struct s", Some(5), Some(1)),
    ("struct s { char c; int i; } __packed;", "struct s", Some(5), Some(1)),
    ("struct __attribute__((packed)) s { char c; long i; };", "struct s", Some(9), Some(1)),
    ("struct s { int i; } __attribute__((aligned(16)));", "struct s", Some(16), Some(16)),
    ("union u { char c[5]; int i; };", "union u", Some(8), Some(4)),
    ("struct s { u8 a[3]; u16 b[2]; };", "struct s", Some(8), Some(2)),
    ("#define N 4\nstruct s { u8 a[N][N + 1]; };", "struct s", Some(20), Some(1)),
    (
        "struct i { u16 a; u8 b; }; struct s { u8 c; struct i i[2]; };",
        "struct s",
        Some(10),
        Some(2),
    ),
    ("struct s { int n; char data[]; };", "struct s", Some(4), Some(4)),
    ("struct s { int n; u64 data[]; };", "struct s", Some(8), Some(8)),
    ("struct s { int n; char data[0]; };", "struct s", Some(4), Some(4)),
    ("struct s { int n; struct missing m; };", "struct s", None, None),
    ("struct s { u8 a[UNKNOWN_COUNT]; };", "struct s", None, Some(1)),
    ("struct s { struct s s; };", "struct s", None, None),
    ("struct s { struct s *next; int x; };", "struct s", Some(16), Some(8)),
    ("struct s { int (*f)(int); char c; };", "struct s", Some(16), Some(8)),
    ("typedef struct { u8 a; u32 b; } t;", "t", Some(8), Some(4)),
    ("typedef u8 mac[6]; struct s { mac a, b; };", "struct s", Some(12), Some(1)),
    (
        "struct s { u8 a; struct { u32 b; }; union { u64 c; u8 d; }; };",
        "struct s",
        Some(16),
        Some(8),
    ),
    // Bit-fields.
    ("struct s { u8 a : 4, b : 4; };", "struct s", Some(1), Some(1)),
    ("struct s { u32 a : 3; u32 b : 30; };", "struct s", Some(8), Some(4)),
    ("struct s { u32 a : 3; u8 b; };", "struct s", Some(4), Some(4)),
    ("struct s { u8 a; u32 b : 4; };", "struct s", Some(4), Some(4)),
    ("struct s { u8 a; u32 b : 25; };", "struct s", Some(8), Some(4)),
    ("struct s { u8 a : 4; u16 b : 9; };", "struct s", Some(2), Some(2)),
    ("struct s { u8 a : 4; u16 b : 13; };", "struct s", Some(4), Some(2)),
    ("struct s { u64 a : 40; u32 b : 24; };", "struct s", Some(8), Some(8)),
    ("struct s { u64 a : 41; u32 b : 24; };", "struct s", Some(16), Some(8)),
    ("struct s { u32 a : 3; u32 b : 30; } __attribute__((packed));", "struct s", Some(5), Some(1)),
    ("struct s { u8 a : 3; u8 : 0; u8 b : 3; };", "struct s", Some(2), Some(1)),
    ("struct s { u8 a; u32 : 4; u8 b; };", "struct s", Some(3), Some(1)),
    ("union u { u32 a : 3; u8 b; };", "union u", Some(4), Some(4)),
    // `#pragma pack`.
    (
        "#pragma pack(push, 1)\nstruct s { u8 a; u32 b; };\n#pragma pack(pop)",
        "struct s",
        Some(5),
        Some(1),
    ),
    ("#pragma pack(1)\n#pragma pack()\nstruct s { u8 a; u32 b; };", "struct s", Some(8), Some(4)),
    (
        "#pragma pack(push, 2)\nstruct s { u8 a; u64 b; };\n#pragma pack(pop)",
        "struct s",
        Some(10),
        Some(2),
    ),
    // Attributes of members.
    ("struct s { u8 a; u8 b __attribute__((aligned(8))); };", "struct s", Some(16), Some(8)),
    ("struct s { u8 a; u64 b __attribute__((packed)); u8 c; };", "struct s", Some(10), Some(1)),
    ("struct s { u8 a; __aligned(4) u8 b; };", "struct s", Some(8), Some(4)),
    ("struct s { u8 a; u8 b ____cacheline_aligned; };", "struct s", None, None),
    ("struct s { u8 a; u8 b __aligned(sizeof(long)); };", "struct s", None, None),
    (
        "struct s { u8 a; struct { u8 c; u32 b; } __attribute__((packed)) in; };",
        "struct s",
        Some(6),
        Some(1),
    ),
    (
        "struct s { u8 a; struct { u8 b; } __attribute__((aligned(4))) in; };",
        "struct s",
        Some(8),
        Some(4),
    ),
    (
        "struct s { u8 a; struct { u8 b __attribute__((aligned(4))); }; };",
        "struct s",
        Some(8),
        Some(4),
    ),
    (
        "struct s { u16 a; u16 b; } __attribute__((packed, aligned(4)));",
        "struct s",
        Some(4),
        Some(4),
    ),
    (
        "#define __aligned_u64 __u64 __attribute__((aligned(8)))\nstruct s { u32 a; __aligned_u64 b; };",
        "struct s",
        Some(16),
        Some(8),
    ),
    // Members that depend on a condition.
    ("struct s {\n u8 a;\n#ifdef X\n u8 b;\n#endif\n u8 c;\n};", "struct s", None, None),
    (
        "struct s {\n#if defined(__LITTLE_ENDIAN_BITFIELD)\n u8 a : 4, b : 4;\n#else\n u8 b : 4, a : 4;\n#endif\n u8 c;\n};",
        "struct s",
        Some(2),
        Some(1),
    ),
    ("struct s { u8 a; ??? ; u8 b; };", "struct s", None, None),
    ("struct s { u8 a; DECLARE_BITMAP(bits, 64); u8 b; };", "struct s", None, None),
    // Two definitions.
    (
        "#ifdef A\nstruct s { int a; };\n#else\nstruct s { long a; };\n#endif",
        "struct s",
        None,
        None,
    ),
    ("struct s { int a; };\nstruct s { int   a; };", "struct s", Some(4), Some(4)),
    ("struct s { int a; };\nstruct s { long a; };", "struct s", None, None),
    // Defined inside a function.
    ("int f(void) { struct s { int a; char b; }; return 0; }", "struct s", Some(8), Some(4)),
    // From the kernel model.
    ("", "struct ethhdr", Some(14), Some(1)),
    ("", "struct iphdr", Some(20), Some(4)),
    ("", "struct ipv6hdr", Some(40), Some(4)),
    ("", "struct tcphdr", Some(20), Some(4)),
    ("", "struct udphdr", Some(8), Some(2)),
    ("", "struct bpf_dynptr", Some(16), Some(8)),
    ("", "struct xdp_md", Some(24), Some(4)),
    ("struct ethhdr { char own; };", "struct ethhdr", Some(1), Some(1)),
];

#[test]
fn sizes_and_alignments() {
    let mut wrong = Vec::new();
    for (text, name, size, align) in SIZES {
        let sema = sema(text);
        let ty = ty(&sema, name);
        let found = (sema.size_of(&ty), sema.align_of(&ty));
        if found != (*size, *align) {
            wrong.push((text, name, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Offset, size, whether it is a bit-field.
type Place = (u64, u64, bool);

/// Text, record, member, place.
const FIELDS: &[(&str, &str, &str, Option<Place>)] = &[
    ("struct s { char c; int i; };", "struct s", "i", Some((4, 4, false))),
    ("struct s { char c; int i; };", "struct s", "x", None),
    ("struct s { u8 a; struct { u32 b; u16 c; }; };", "struct s", "c", Some((8, 2, false))),
    (
        "struct s { u8 a; union { u64 b; struct { u8 c, d; }; }; };",
        "struct s",
        "d",
        Some((9, 1, false)),
    ),
    ("struct s { u8 a; union { u64 b; } n; };", "struct s", "b", None),
    ("struct s { u8 a; u8 b : 4, c : 4; };", "struct s", "c", Some((1, 1, true))),
    ("struct s { u32 a : 3; u32 b : 30; };", "struct s", "b", Some((4, 4, true))),
    ("struct s { u32 a; struct missing m; u32 b; };", "struct s", "a", Some((0, 4, false))),
    ("struct s { u32 a; struct missing m; u32 b; };", "struct s", "b", None),
    ("struct s { int n; char data[]; };", "struct s", "n", Some((0, 4, false))),
    (
        "struct s {\n u8 a;\n#ifdef X\n u8 b;\n#endif\n u8 c;\n};",
        "struct s",
        "a",
        Some((0, 1, false)),
    ),
    ("struct s {\n u8 a;\n#ifdef X\n u8 b;\n#endif\n u8 c;\n};", "struct s", "c", None),
    ("", "struct iphdr", "protocol", Some((9, 1, false))),
    ("", "struct iphdr", "ihl", Some((0, 1, true))),
    ("", "struct iphdr", "saddr", Some((12, 4, false))),
    ("", "struct ethhdr", "h_proto", Some((12, 2, false))),
    ("", "struct ethhdr", "h_dest", Some((0, 6, false))),
    ("", "struct tcphdr", "syn", Some((13, 2, true))),
    ("", "struct __sk_buff", "data_end", Some((80, 4, false))),
];

#[test]
fn members() {
    for (text, name, member, expected) in FIELDS {
        let sema = sema(text);
        let field = sema.field(&ty(&sema, name), member);
        let found = field.map(|field| {
            let size = sema.size_of(&field.ty).expect("a member that is found has a size here");
            (field.offset, size, field.bit_field)
        });
        assert_eq!(found, *expected, "{name}.{member} in {text}");
    }
}

#[test]
fn all_members_in_order() {
    let sema = sema("struct s { u8 a; union { u32 b; u16 c; }; u8 : 4; u8 *d; };");
    let fields = sema.fields(&ty(&sema, "struct s")).expect("all places are known");
    let places: Vec<_> = fields.iter().map(|(name, field)| (name.as_str(), field.offset)).collect();
    assert_eq!(places, [("a", 0), ("b", 4), ("c", 4), ("d", 16)]);
    assert_eq!(sema.fields(&int(8, false)), None);
    assert_eq!(sema.fields(&ty(&sema, "struct missing")), None);
}

#[test]
fn records_by_tag() {
    let sema = sema("struct a { int x; }; union a { long x; }; struct b;");
    let known = |is_union, tag| sema.record_named(is_union, tag).and_then(|ty| sema.size_of(&ty));
    assert_eq!(known(false, "a"), Some(4));
    assert_eq!(known(true, "a"), Some(8));
    assert_eq!(sema.record_named(false, "b"), None);
    assert_eq!(sema.record_named(true, "ethhdr"), None);
    assert_eq!(known(false, "ethhdr"), Some(14));
}

#[test]
fn equal_types_are_equal_wherever_they_are_written() {
    let sema = sema(
        "struct a { int x; }; struct c { struct a *p; struct { int y; } q; }; typedef struct a a_t;",
    );
    assert_eq!(ty(&sema, "a_t"), ty(&sema, "struct a"));
    let field = sema.field(&ty(&sema, "struct c"), "p").expect("c has p");
    assert_eq!(field.ty, Ty::pointer_to(ty(&sema, "struct a")));
    assert_ne!(ty(&sema, "struct a"), ty(&sema, "struct c"));
    let again = || sema.field(&ty(&sema, "struct c"), "q").map(|field| field.ty);
    assert_eq!(again(), again());
}

#[test]
fn long_chains_of_records_end() {
    let mut text = String::from("struct s0 { int x; };\n");
    for i in 1..5000 {
        text +=
            &format!("struct s{i} {{ struct s{} inner; }};\ntypedef struct s{i} t{i};\n", i - 1);
    }
    let sema = with_headers("", &[&text]);
    assert_eq!(sema.size_of(&ty(&sema, "struct s20")), Some(4));
    assert_eq!(sema.size_of(&ty(&sema, "struct s4999")), None);
}
