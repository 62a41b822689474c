//! Constants by name and constant expressions.

use crate::{Locals, expr, int, sema, ty, with_headers};
use sema::FileScope;

/// Text, name, value.
const NAMES: &[(&str, &str, Option<i128>)] = &[
    ("#define A 5", "A", Some(5)),
    ("#define A 0x1fU", "A", Some(31)),
    ("#define A 010", "A", Some(8)),
    ("#define A (0b101)", "A", Some(5)),
    ("#define A 0xffffffffffffffffULL", "A", Some(0xffff_ffff_ffff_ffff)),
    ("#define A -1", "A", Some(-1)),
    ("#define A B\n#define B (C + 1)\n#define C 3", "A", Some(4)),
    ("#define A A", "A", None),
    ("#define A B\n#define B A", "A", None),
    ("#define A", "A", None),
    ("#define A \"text\"", "A", None),
    ("#define A(x) 5", "A", None),
    ("#define A 1\n#define A 1", "A", Some(1)),
    ("#define A 1\n#define A (2 - 1)", "A", Some(1)),
    ("#define A 1\n#undef A\n#define A 2", "A", None),
    ("#ifdef X\n#define A 1\n#else\n#define A 2\n#endif", "A", None),
    ("#define A 1\n#define A missing", "A", None),
    ("#define A sizeof(struct s)\nstruct s { int x; char y; };", "A", Some(8)),
    ("#define A (1 << 31)", "A", Some(-0x8000_0000)),
    ("#define A (1U << 31)", "A", Some(0x8000_0000)),
    ("enum { A, B, C };", "C", Some(2)),
    ("enum { A = 5, B, C = B + 10, D };", "D", Some(17)),
    ("enum { A = -2, B, C };", "C", Some(0)),
    ("enum { A = missing, B };", "B", None),
    ("enum { A = 1 << 3, B = A | 1 };", "B", Some(9)),
    ("enum e { A, __E_MAX, E_MAX = __E_MAX - 1 };", "E_MAX", Some(0)),
    ("struct s { enum { A = 3 } kind; };", "A", Some(3)),
    ("int f(void) { enum { A = 3 }; return A; }", "A", Some(3)),
    ("typedef enum { A = 7 } t;", "A", Some(7)),
    ("enum { A,\n#define A A\n B };", "B", Some(1)),
    ("enum { A = 2,\n#define A A\n};", "A", Some(2)),
    ("static const int A = 4;", "A", Some(4)),
    ("static const u8 A = 257;", "A", Some(1)),
    ("const volatile int A = 4;", "A", None),
    ("static const volatile int A = 4;", "A", None),
    ("static int A = 4;", "A", None),
    ("static const int *A = 0;", "A", None),
    ("static const int A = 4, B = 5;", "B", Some(5)),
    ("extern const int A;", "A", None),
    ("", "XDP_PASS", Some(2)),
    ("", "ETH_P_IP", Some(0x0800)),
    ("", "IPPROTO_TCP", Some(6)),
    ("", "BPF_F_CURRENT_CPU", Some(0xffff_ffff)),
    ("#define XDP_PASS 9", "XDP_PASS", Some(9)),
    ("", "NO_SUCH_NAME", None),
];

#[test]
fn by_name() {
    for (text, name, value) in NAMES {
        assert_eq!(sema(text).constant(name), *value, "{name} in {text}");
    }
}

const FILE: &str = "
#define TEN 10
#define SQUARE(x) ((x) * (x))
#define SWAP(x) bpf_htons(x)
#define STATEMENT(x) do { x; } while (0)
struct s { u8 a; u32 b; u16 c[4]; struct { u8 x[3]; u8 y; } in; };
typedef struct s s_t;
typedef u8 byte_t;
static const char text[] = \"abc\\n\\x41\\101\";
int list[] = { 1, 2, 3 };
int sparse[] = { [7] = 1 };
static int max(int a, int b) { return a; }
";

/// Expression, value.
const EXPRESSIONS: &[(&str, Option<i128>)] = &[
    ("1 + 2 * 3", Some(7)),
    ("(1 + 2) * 3", Some(9)),
    ("7 / 2", Some(3)),
    ("-7 / 2", Some(-3)),
    ("-7 % 4", Some(-3)),
    ("1 / 0", None),
    ("1 % 0", None),
    ("1 << 40", None),
    ("1ULL << 40", Some(1 << 40)),
    ("1 << -1", None),
    ("0x7fffffff + 1", None),
    ("0xffffffffU + 1", Some(0)),
    ("0xffffffff + 1", Some(0)),
    ("4294967295 + 1", Some(4_294_967_296)),
    ("-1 < 1U", Some(0)),
    ("-1 < 1", Some(1)),
    ("-1 < 1UL", Some(0)),
    ("~0", Some(-1)),
    ("~0U", Some(0xffff_ffff)),
    ("~0ULL", Some(0xffff_ffff_ffff_ffff)),
    ("!5", Some(0)),
    ("!0", Some(1)),
    ("-1U", Some(0xffff_ffff)),
    ("(u8)300", Some(44)),
    ("(s8)200", Some(-56)),
    ("(byte_t)-1", Some(255)),
    ("(byte_t)+1", Some(1)),
    ("(bool)7", Some(1)),
    ("(u64)-1", Some(0xffff_ffff_ffff_ffff)),
    ("(void *)0", Some(0)),
    ("1 ? 2 : missing", Some(2)),
    ("missing ? 2 : 3", None),
    ("5 ?: 3", Some(5)),
    ("0 ?: 3", Some(3)),
    ("1 ? -1 : 0U", Some(0xffff_ffff)),
    ("0 && missing", Some(0)),
    ("missing && 0", Some(0)),
    ("1 && missing", None),
    ("1 || missing", Some(1)),
    ("(1, 2)", Some(2)),
    ("TEN * TEN", Some(100)),
    ("SQUARE(3 + 1)", Some(16)),
    ("SQUARE(SQUARE(2))", Some(16)),
    ("STATEMENT(1)", None),
    ("max(1, 2)", None),
    ("MIN(3, 2)", Some(2)),
    ("BIT(5)", Some(32)),
    ("GENMASK(7, 4)", Some(0xf0)),
    ("bpf_htons(0x1234)", Some(0x3412)),
    ("bpf_ntohl(0x12345678)", Some(0x7856_3412)),
    ("bpf_cpu_to_be64(1)", Some(1 << 56)),
    ("SWAP(0x0800)", Some(8)),
    ("__builtin_bswap16(0xff)", Some(0xff00)),
    ("likely(TEN == 10)", Some(1)),
    ("sizeof(u32)", Some(4)),
    ("sizeof(struct s)", Some(20)),
    ("sizeof(s_t)", Some(20)),
    ("sizeof(struct s *)", Some(8)),
    ("sizeof(((struct s *)0)->c)", Some(8)),
    ("sizeof(text)", Some(7)),
    ("sizeof(\"ab\")", Some(3)),
    ("sizeof(list)", Some(12)),
    ("sizeof(sparse)", None),
    ("ARRAY_SIZE(list)", Some(3)),
    ("sizeof(list) / sizeof(list[0])", Some(3)),
    ("sizeof(1ULL)", Some(8)),
    ("sizeof(char)", Some(1)),
    ("sizeof(local)", Some(4)),
    ("sizeof(*pointer)", Some(20)),
    ("sizeof(pointer->c[0])", Some(2)),
    ("sizeof(buffer)", Some(16)),
    ("sizeof(unknown)", None),
    ("local + 1", None),
    ("XDP_DROP + 1", Some(2)),
    ("offsetof(struct s, b)", Some(4)),
    ("offsetof(struct s, c[2])", Some(12)),
    ("offsetof(struct s, in.y)", Some(19)),
    ("offsetof(struct s, nothing)", None),
    ("(u64)&((struct s *)0)->in.x[1]", Some(17)),
    ("__builtin_constant_p(5)", Some(1)),
    ("__builtin_constant_p(local)", None),
    ("'a'", Some(97)),
    ("'\\n'", Some(10)),
    ("true + true", Some(2)),
    ("NULL == 0", Some(1)),
    ("5 == 5.0", None),
    ("list[0]", None),
    ("sizeof(struct ethhdr) + sizeof(struct iphdr)", Some(34)),
];

#[test]
fn expressions() {
    let sema = sema(FILE);
    let locals = Locals(vec![
        ("local", int(32, true)),
        ("pointer", ty(&sema, "struct s *")),
        (
            "buffer",
            sema.typedef("byte_t")
                .map(|elem| sema::Ty::Array { elem: elem.into(), len: Some(16) })
                .expect("a type"),
        ),
    ]);
    let mut wrong = Vec::new();
    for (text, value) in EXPRESSIONS {
        let found = sema.fold(&expr(text), &locals);
        if found != *value {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_local_hides_a_constant() {
    let sema = sema("#define A 5");
    assert_eq!(sema.fold(&expr("A"), &FileScope), Some(5));
    assert_eq!(sema.fold(&expr("A"), &Locals(vec![("A", int(32, true))])), None);
}

#[test]
fn doubling_macros_end() {
    let mut text = String::from("#define F0(x) (x + x)\n#define C0 1\n");
    for i in 1..64 {
        text += &format!("#define F{i}(x) F{0}(F{0}(x))\n#define C{i} (C{0} + C{0})\n", i - 1);
    }
    let sema = sema(&text);
    assert_eq!(sema.fold(&expr("F60(1)"), &FileScope), None);
    assert_eq!(sema.constant("C20"), Some(1 << 20));
    assert_eq!(sema.constant("C63"), None);
}

#[test]
fn long_chains_of_macros_end() {
    let mut text = String::from("#define C0 7\n");
    for i in 1..20_000 {
        text += &format!("#define C{i} C{}\n", i - 1);
    }
    let sema = with_headers(&text, &[]);
    assert_eq!(sema.constant("C50"), Some(7));
    assert_eq!(sema.constant("C19999"), None);
}
