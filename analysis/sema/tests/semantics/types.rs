//! Types of names and expressions.

use crate::{Locals, expr, int, sema, ty, with_headers};
use sema::{FileScope, Scope, Ty};
use syntax::ast::{Item, StmtKind};

const FILE: &str = "
#define FIRST(p) ((p)->a)
#define LEN 4
#define CURRENT (global.in)
struct in { u16 x; struct in *next; };
struct s { u8 a; u32 b : 5; struct in in; struct in *to; u8 list[LEN]; u64 (*call)(int); };
typedef struct s s_t;
struct s global;
extern int ext;
static const u8 key = 3;
char words[][8] = { \"a\", \"b\" };
static struct s *find(int id) { return 0; }
extern int bpf_kfunc(struct s *p) __ksym;
";

/// Expression and the type it has, as it would be declared.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("1", "int"),
    ("1U", "unsigned int"),
    ("1L", "long"),
    ("0xffffffffffffffff", "unsigned long"),
    ("global", "struct s"),
    ("&global", "struct s *"),
    ("global.a", "u8"),
    ("global.in.x", "u16"),
    ("global.to->next->x", "u16"),
    ("*global.to", "struct in"),
    ("global.list[1]", "u8"),
    ("&global.list[1]", "u8 *"),
    ("global.list + 1", "u8 *"),
    ("p", "struct s *"),
    ("p + 1", "struct s *"),
    ("1 + p", "struct s *"),
    ("p - p", "long"),
    ("*p", "struct s"),
    ("p[2]", "struct s"),
    ("p[2].in", "struct in"),
    ("(p + 1)->to", "struct in *"),
    ("p->a + p->a", "int"),
    ("p->in.x << 3", "int"),
    ("1U + 1", "unsigned int"),
    ("1UL + 1", "unsigned long"),
    ("p == 0", "int"),
    ("!p", "int"),
    ("-p->a", "int"),
    ("(u8)1", "u8"),
    ("(struct in *)p", "struct in *"),
    ("(s_t *)0", "struct s *"),
    ("sizeof(p)", "unsigned long"),
    ("key", "u8"),
    ("LEN", "int"),
    ("FIRST(p)", "u8"),
    ("CURRENT.x", "u16"),
    ("find(1)", "struct s *"),
    ("find(1)->in", "struct in"),
    ("bpf_kfunc(p)", "int"),
    ("p->a = 3", "u8"),
    ("p++", "struct s *"),
    ("1, p", "struct s *"),
    ("p ? p : 0", "struct s *"),
    ("p ?: (void *)0", "struct s *"),
    ("p ? 1 : 2UL", "unsigned long"),
    ("({ struct in *q = p->to; q->next; })", "struct in *"),
    ("({ int p = 1; p; })", "int"),
    ("({ typeof(p->in) q; &q; })", "struct in *"),
    ("(struct in){ 1 }", "struct in"),
    ("bpf_ntohs(p->in.x)", "u16"),
    ("READ_ONCE(p->in.x)", "u16"),
    ("BPF_CORE_READ(p, to, next, x)", "u16"),
    ("BPF_CORE_READ(p, in.next)", "struct in *"),
    ("BPF_CORE_READ(p, list[2])", "u8"),
    ("container_of(p, struct in, next)", "struct in *"),
    ("bpf_ktime_get_ns()", "u64"),
    ("NULL", "void *"),
];

#[test]
fn expressions() {
    let sema = sema(FILE);
    let locals = Locals(vec![("p", ty(&sema, "struct s *"))]);
    for (text, expected) in EXPRESSIONS {
        assert_eq!(sema.type_of(&expr(text), &locals), ty(&sema, expected), "{text}");
    }
}

#[test]
fn what_is_not_known_is_said_so() {
    let sema = sema(FILE);
    for text in [
        "unknown",
        "unknown->x",
        "global.nothing",
        "unknown_call(1)",
        "*1",
        "global.call(1)",
        "&unknown",
    ] {
        assert_eq!(sema.type_of(&expr(text), &FileScope), Ty::Unknown, "{text}");
    }
}

#[test]
fn strings_and_arrays_keep_their_length() {
    let sema = sema(FILE);
    let array = |elem: Ty, len| Ty::Array { elem: elem.into(), len: Some(len) };
    assert_eq!(sema.type_of(&expr("\"abc\""), &FileScope), array(Ty::CHAR, 4));
    assert_eq!(sema.type_of(&expr("global.list"), &FileScope), array(int(8, false), 4));
    assert_eq!(sema.type_of(&expr("words"), &FileScope), array(array(Ty::CHAR, 8), 2));
}

#[test]
fn typedefs() {
    let text = "typedef u32 a; typedef a b, *c; typedef int d[3]; typedef int e; typedef long e;
        typedef f f; typedef struct { int x; } *g; int h(void) { typedef u8 i; return 0; }";
    let sema = sema(text);
    assert_eq!(sema.typedef("b"), Some(int(32, false)));
    assert_eq!(sema.typedef("c"), Some(Ty::pointer_to(int(32, false))));
    assert_eq!(sema.typedef("d"), Some(Ty::Array { elem: Ty::INT.into(), len: Some(3) }));
    assert_eq!(sema.typedef("e"), None);
    assert_eq!(sema.typedef("f"), None);
    assert!(
        matches!(sema.typedef("g"), Some(Ty::Pointer { to, .. }) if matches!(*to, Ty::Record(_)))
    );
    assert_eq!(sema.typedef("i"), Some(int(8, false)));
    assert_eq!(sema.typedef("h"), None);
    for name in ["a", "e", "i", "u8", "__be32", "bool", "int", "unsigned long"] {
        assert!(sema.is_type_name(name), "{name}");
    }
    assert!(!sema.is_type_name("h") && !sema.is_type_name("nothing"));
}

#[test]
fn types_behind_macros() {
    let text = "#define __aligned_u64 __u64 __attribute__((aligned(8)))\n#define buff __sk_buff\n#define NAME value\n\
        #define again again\n#define first second\n#define second first\nint value;";
    let sema = sema(text);
    assert_eq!(sema.typedef("__aligned_u64"), Some(int(64, false)));
    assert_eq!(ty(&sema, "struct buff"), ty(&sema, "struct __sk_buff"));
    assert_eq!(sema.record_named(false, "buff"), sema.record_named(false, "__sk_buff"));
    for name in ["NAME", "again", "first", "value"] {
        assert!(!sema.is_type_name(name), "{name}");
        assert_eq!(sema.record_named(false, name), None, "{name}");
    }
}

#[test]
fn locals_as_the_caller_declares_them() {
    let text = "int f(struct s *p) { u8 a[] = { 1, 2, 3 }; char t[] = \"ab\"; __auto_type q = p; \
        typeof(*p) r; u8 b[sizeof(r)]; } struct s { long x[2]; };";
    let sema = sema(text);
    let function = &sema.functions()[0];
    let scope = Locals(vec![("p", ty(&sema, "struct s *")), ("r", ty(&sema, "struct s"))]);
    let mut types = Vec::new();
    for stmt in &function.body.stmts {
        let StmtKind::Decl(local) = &stmt.kind else { panic!("a declaration is expected") };
        for declarator in &local.0.declarators {
            types.push(sema.variable_type(&declarator.ty, declarator.init.as_ref(), &scope));
        }
    }
    let array = |elem: Ty, len| Ty::Array { elem: elem.into(), len: Some(len) };
    let expected = [
        array(int(8, false), 3),
        array(Ty::CHAR, 3),
        ty(&sema, "struct s *"),
        ty(&sema, "struct s"),
        array(int(8, false), 16),
    ];
    assert_eq!(types, expected);
}

#[test]
fn pointers_know_whether_their_target_is_const() {
    let sema = sema("");
    let is_const = |text| match ty(&sema, text) {
        Ty::Pointer { to_const, .. } => to_const,
        _ => panic!("a pointer is expected: {text}"),
    };
    assert!(is_const("const u8 *"));
    assert!(!is_const("u8 *const"));
    assert!(!is_const("u8 *"));
}

#[test]
fn globals() {
    let text = "static int a = 1; const volatile u32 b = 2; const char *c; char *const d = 0; extern int e;
        char f[] SEC(\"license\") = \"GPL\"; struct { __uint(type, BPF_MAP_TYPE_ARRAY); } m SEC(\".maps\");
        extern int g; int g = 5; int h(void);";
    let sema = with_headers(text, &["extern u64 k;\nextern int (*fp)(int);\n"]);
    let flags = |name| {
        let it = sema.global(name).unwrap_or_else(|| panic!("{name} is a variable"));
        (it.is_static, it.is_const, it.is_volatile, it.is_extern, it.is_map)
    };
    let rows = [
        ("a", (true, false, false, false, false)),
        ("b", (false, true, true, false, false)),
        ("c", (false, false, false, false, false)),
        ("d", (false, true, false, false, false)),
        ("e", (false, false, false, true, false)),
        ("f", (false, false, false, false, false)),
        ("m", (false, false, false, false, true)),
        ("g", (false, false, false, false, false)),
        ("k", (false, false, false, true, false)),
    ];
    for (name, expected) in rows {
        assert_eq!(flags(name), expected, "{name}");
    }
    let global = |name| sema.global(name);
    assert_eq!(global("f").and_then(|f| f.section.as_deref()), Some("license"));
    assert_eq!(
        global("f").map(|f| f.ty.clone()),
        Some(Ty::Array { elem: Ty::CHAR.into(), len: Some(4) })
    );
    assert_eq!(global("k").map(|k| (k.ty.clone(), k.name_span)), Some((int(64, false), None)));
    assert_eq!(global("a").and_then(|a| a.name_span).map(|span| span.text(text)), Some("a"));
    assert!(global("h").is_none() && global("nothing").is_none());
}

#[test]
fn prototypes() {
    let text = "extern int k(struct s *p, u32) __ksym __weak; static long f(u8 *q) { return 0; } struct s { int x; };";
    let sema = with_headers(text, &["u64 later(int a);\n"]);
    let k = sema.prototype("k").expect("declared");
    assert!(k.is_extern);
    assert_eq!(k.ret, Ty::INT);
    let params: Vec<_> = k.params.iter().map(|(name, ty)| (name.as_str(), ty.clone())).collect();
    assert_eq!(params, [("p", ty(&sema, "struct s *")), ("", int(32, false))]);
    let words: Vec<_> = k.attrs.words.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["__ksym", "__weak"]);
    let f = sema.prototype("f").expect("defined");
    assert_eq!((f.is_extern, f.ret, f.params.len()), (false, Ty::LONG, 1));
    assert_eq!(sema.prototype("later").map(|later| later.ret), Some(int(64, false)));
    assert!(sema.prototype("s").is_none() && sema.prototype("nothing").is_none());
}

#[test]
fn file_scope_has_no_locals() {
    assert_eq!(FileScope.type_of("x"), None);
    let parsed = syntax::Parsed::parse("int f(void) { return 0; }\nint x;".into());
    let kinds: Vec<_> =
        parsed.unit().items.iter().map(|item| matches!(item, Item::Function(_))).collect();
    assert_eq!(kinds, [true, false]);
}
