//! Definitions found in headers, without parsing more than is asked for.

use std::sync::Arc;

use crate::{expr, int, sema, ty, with_headers};
use sema::{FileScope, Header, Sema, Ty};
use syntax::Parsed;

/// A header with most of what occurs in practice.
const HEADER: &str = r#"
#ifndef H
#define H
#include <linux/types.h>
#include "other.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LIMIT 0x10 /* comment */
#define TWICE(x) ((x) * 2)

typedef unsigned int id_t;
typedef struct { u8 a; u64 b; } pair_t;
typedef int (*callback_t)(void *ctx, int n);
typedef u8 addr_t[6];
typedef long __base_t;
typedef __base_t __derived_t;
typedef struct __tagged __attribute__((packed)) tagged_t;
typedef enum { RED, GREEN = 5, BLUE } color_t;

enum kind { KIND_A = 1, KIND_B, KIND_C = LIMIT + 1, KIND_D };

struct outer {
	id_t id;
	struct inner { u16 x; addr_t y; } in;
	union { u32 whole; struct { u16 lo, hi; }; };
} __attribute__((preserve_access_index));

union both { u8 a; u32 b; };

struct packed { u8 a; u32 b; } __attribute__((packed));

struct forward;
extern struct forward *lookup(int id, struct outer *o) __ksym;
extern const int config;
static const u32 answer = 42;

static inline __attribute__((always_inline)) int helper(struct outer *o)
{
	struct local { int z; } l = { 1 };
	if (o->id == LIMIT) { return l.z; }
	return 0;
}

static long (*bpf_old_call)(void *map, u64 flags) = (void *)1;

#ifdef __cplusplus
}
#endif
#endif
"#;

#[test]
fn includes() {
    let header = Header::scan(Arc::from(HEADER));
    let includes: Vec<_> = header.includes().collect();
    assert_eq!(includes, [("linux/types.h", true), ("other.h", false)]);
    let parsed = Parsed::parse(Arc::from("#include <a.h>\n#include \"b/c.h\"\nint x;\n"));
    let own: Vec<_> = Sema::includes(&parsed).collect();
    assert_eq!(own, [("a.h", true), ("b/c.h", false)]);
}

#[test]
fn names() {
    let sema = with_headers("", &[HEADER]);
    let size = |text| sema.size_of(&ty(&sema, text));
    let sizes = [
        ("id_t", Some(4)),
        ("pair_t", Some(16)),
        ("callback_t", Some(8)),
        ("addr_t", Some(6)),
        ("color_t", Some(4)),
        ("__derived_t", Some(8)),
        ("struct outer", Some(16)),
        ("struct inner", Some(8)),
        ("struct packed", Some(5)),
        ("union both", Some(4)),
        ("struct local", Some(4)),
        ("struct forward", None),
        ("enum kind", Some(4)),
    ];
    for (text, expected) in sizes {
        assert_eq!(size(text), expected, "{text}");
    }
    assert!(sema.is_type_name("__base_t") && sema.is_type_name("tagged_t"));
    assert!(!sema.is_type_name("__tagged"));
    let constants = [
        ("LIMIT", Some(16)),
        ("RED", Some(0)),
        ("GREEN", Some(5)),
        ("BLUE", Some(6)),
        ("KIND_B", Some(2)),
        ("KIND_C", Some(17)),
        ("KIND_D", Some(18)),
        ("answer", Some(42)),
        ("config", None),
        ("H", None),
    ];
    for (name, expected) in constants {
        assert_eq!(sema.constant(name), expected, "{name}");
    }
    assert_eq!(sema.fold(&expr("TWICE(LIMIT)"), &FileScope), Some(32));
    let field =
        sema.field(&ty(&sema, "struct outer"), "hi").expect("a member of an anonymous member");
    assert_eq!((field.offset, field.ty), (14, int(16, false)));
}

#[test]
fn functions() {
    let sema = with_headers("int own(void) { return helper(0); }", &[HEADER]);
    assert_eq!(sema.functions().len(), 1);
    let helper = sema.function("helper").expect("defined in the header");
    assert!(helper.foreign && helper.ast.params.len() == 1 && helper.ast.body.stmts.len() == 3);
    assert!(!sema.function("own").expect("defined in the file").foreign);
    assert!(sema.function("lookup").is_none());
    let lookup = sema.prototype("lookup").expect("declared in the header");
    assert_eq!(lookup.ret, ty(&sema, "struct forward *"));
    assert_eq!(lookup.params.len(), 2);
    assert!(
        sema.global("bpf_old_call").is_some_and(|global| matches!(global.ty, Ty::Pointer { .. }))
    );
}

#[test]
fn definitions_that_differ_are_unknown() {
    let first =
        "struct s { int a; };\n#define N 1\n#define M (1 + 1)\nenum { E = 1 };\ntypedef int t;\n";
    let same = "struct s\n{\n\tint a; /* note */\n};\n#define N 1\n#define M 2\nenum { E = 1 };\ntypedef int t;\n";
    let other =
        "struct s { long a; };\n#define N 2\n#define M 3\nenum { E = 2 };\ntypedef long t;\n";
    let known = |sema: &Sema| {
        let size = sema.record_named(false, "s").and_then(|s| sema.size_of(&s));
        (size, sema.constant("N"), sema.constant("M"), sema.constant("E"), sema.typedef("t"))
    };
    let agreed = (Some(4), Some(1), Some(2), Some(1), Some(Ty::INT));
    assert_eq!(known(&with_headers("", &[first, same])), agreed);
    assert_eq!(known(&with_headers("", &[first, other])), (None, None, None, None, None));
    // The file's own definitions decide.
    assert_eq!(known(&with_headers(first, &[other])), agreed);
}

#[test]
fn conditional_branches_keep_their_brackets() {
    let header = "#ifdef A\nstatic inline int f(int a) {\n#else\nstatic inline int f(long a) {\n#endif\n return 0; }\n\
        struct after { u16 x; };\n#if X\nenum { E1,\n#else\nenum { E2,\n#endif\n E3 };\n#define LAST 1\n";
    let sema = with_headers("", &[header]);
    assert_eq!(sema.record_named(false, "after").and_then(|after| sema.size_of(&after)), Some(2));
    assert_eq!(sema.constant("LAST"), Some(1));
}

#[test]
fn the_model_helps_where_a_header_is_not_clear() {
    let header = "struct __sk_buff { __u32 len; __bpf_md_ptr(struct bpf_flow_keys *, flow_keys); };\n\
        struct arphdr {\n __be16 ar_hrd, ar_pro;\n __u8 ar_hln, ar_pln;\n __be16 ar_op;\n#if 0\n char ar_sha[6];\n#endif\n};\n\
        struct ethhdr { __u8 own; };\nstruct own { __u8 a; MACRO(b, c); };\n";
    let sema = with_headers("", &[header]);
    let sizes = ["struct __sk_buff", "struct arphdr", "struct ethhdr", "struct own"];
    let sizes = sizes.map(|name| sema.size_of(&ty(&sema, name)));
    assert_eq!(sizes, [Some(192), Some(8), Some(1), None]);
}

#[test]
fn packing_in_headers() {
    let header = "#pragma pack(push, 1)\nstruct a { u8 x; u32 y; };\ntypedef struct { u8 x; u64 y; } b;\n\
        #pragma pack(pop)\nstruct c { u8 x; u32 y; };\n";
    let sema = with_headers("", &[header]);
    let sizes = ["struct a", "b", "struct c"].map(|name| sema.size_of(&ty(&sema, name)));
    assert_eq!(sizes, [Some(5), Some(9), Some(8)]);
}

#[test]
fn a_header_is_shared_between_files_and_threads() {
    let header = Arc::new(Header::scan(Arc::from(HEADER)));
    let size = |text: &'static str| {
        let header = header.clone();
        move || {
            let headers = std::iter::once(header).collect();
            let sema = Sema::new(&Parsed::parse(Arc::from(text)), &headers);
            sema.global("x").and_then(|global| sema.size_of(&global.ty))
        }
    };
    let (one, two) =
        (std::thread::spawn(size("struct outer x;")), std::thread::spawn(size("pair_t x[2];")));
    assert_eq!(one.join().expect("no panic"), Some(16));
    assert_eq!(two.join().expect("no panic"), Some(32));
}

#[test]
fn views_move_between_threads() {
    let sema = with_headers("struct outer x;", &[HEADER]);
    let size =
        std::thread::spawn(move || sema.global("x").and_then(|global| sema.size_of(&global.ty)));
    assert_eq!(size.join().expect("no panic"), Some(16));
}

#[test]
fn broken_headers_do_no_harm() {
    let broken = [
        "struct a {",
        "}}}}\nstruct b { int x; };",
        "typedef",
        "#define",
        "#define (",
        "enum { , = }",
        "((((",
        "\"",
        "/*",
    ];
    for text in broken {
        let sema = with_headers("", &[text, "struct z { u8 x[3]; };"]);
        assert_eq!(sema.record_named(false, "z").and_then(|z| sema.size_of(&z)), Some(3), "{text}");
    }
    let sema = with_headers("", &["}}}}\nstruct b { int x; };"]);
    assert_eq!(sema.record_named(false, "b").and_then(|b| sema.size_of(&b)), Some(4));
}

#[test]
fn nothing_is_known_without_a_source() {
    let sema = sema("");
    assert!(sema.function("helper").is_none() && sema.prototype("helper").is_none());
    assert!(sema.functions().is_empty() && sema.maps().is_empty() && sema.programs().is_empty());
}
