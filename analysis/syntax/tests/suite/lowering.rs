//! From text to the syntax tree, in the short form of `render`.

use syntax::ast::{DirectiveKind, Item, Type};

use crate::{functions, parse, render};

/// The items of a text, one a line.
fn items(text: &str) -> Vec<String> {
    let parsed = parse(text);
    assert!(parsed.unit().errors.is_empty(), "{text}: {:?}", parsed.unit().errors);
    parsed.unit().items.iter().map(render::item).collect()
}

/// The body of a function with these statements; `n`, `i` are integers and `p` is a pointer.
fn body(stmts: &str) -> String {
    let text = format!("typedef int my_int;\nint f(int n, int i, int *p)\n{{\n{stmts}\n}}\n");
    let parsed = parse(&text);
    let functions = functions(&parsed);
    assert!(!functions[0].has_error, "{stmts}: {:?}", parsed.unit().errors);
    render::block(&functions[0].body)
}

fn assert_bodies(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(body(text), *expected, "{text}");
    }
}

fn assert_items(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(items(text), *expected, "{text}");
    }
}

#[test]
fn expressions() {
    assert_bodies(&[
        ("n = 1 + 2 * 3;", "(= n (Add 1 (Mul 2 3)))"),
        ("n <<= i & ~1;", "(=Shl n (BitAnd i (~ 1)))"),
        ("n = i ? 1 : p ? 2 : 3;", "(= n (? i 1 (? p 2 3)))"),
        ("n = i ?: 3;", "(= n (? i - 3))"),
        ("*p++ = --n;", "(= (* (p ++)) (-- n))"),
        ("p->a.b[2].c = &n;", "(= (. ([] (. (-> p a) b) 2) c) (& n))"),
        ("n = ({ int q = 2; q; });", "(= n (block q: int = 2; q))"),
        ("n = f(1, i), 2;", "(, (= n (call f 1 i)) 2)"),
        ("p = (struct x){ .a = 1, [2] = 3, 4 };", "(= p (lit struct x {.a 1, 3, 4}))"),
        ("n = -1; n = n - 1; n = n -1;", "(= n (- 1)); (= n (Sub n 1)); (= n (Sub n 1))"),
        ("n = p == NULL && true || !i;", "(= n (LogOr (LogAnd (Eq p NULL) true) (! i)))"),
        ("n = \"a\" \"b\\n\" PRIu64;", "(= n \"ab\\n\")"),
        ("(void)n;", "(cast void n)"),
        ("n = (((n)));", "(= n n)"),
        ("n = _Generic(n, int: 1);", "(= n <error>)"),
    ]);
}

#[test]
fn integers() {
    let cases = [
        ("0x1F", "31"),
        ("017", "15"),
        ("0b101", "5"),
        ("10u", "10u"),
        ("10UL", "10ul"),
        ("10LL", "10l"),
        ("0", "0"),
        ("2147483648", "2147483648l"),
        ("0x80000000", "2147483648u"),
        ("0xffffffffffffffff", "18446744073709551615ul"),
        ("'a'", "97"),
        ("'\\n'", "10"),
        ("'\\0'", "0"),
        ("'\\x41'", "65"),
        ("'\\''", "39"),
        ("'\\\\'", "92"),
        ("1.5", "<error>"),
    ];
    for (text, expected) in cases {
        assert_eq!(body(&format!("n = {text};")), format!("(= n {expected})"), "{text}");
    }
}

#[test]
fn casts_and_what_looks_like_one() {
    assert_bodies(&[
        ("n = (u32)(i);", "(= n (cast u32 i))"),
        ("n = (my_int)(i);", "(= n (cast my_int i))"),
        ("n = (other_t)(i);", "(= n (cast other_t i))"),
        ("n = (n)(i);", "(= n (call n i))"),
        ("n = (u32)-1 + 2;", "(= n (Add (cast u32 (- 1)) 2))"),
        ("n = (__u64)&i + 3;", "(= n (Add (cast __u64 (& i)) 3))"),
        ("n = (u8)*p * 2;", "(= n (Mul (cast u8 (* p)) 2))"),
        ("n = (u64)(p)->a + 1;", "(= n (Add (cast u64 (-> p a)) 1))"),
        ("n = (u8)(u32)-1;", "(= n (cast u8 (cast u32 (- 1))))"),
        ("n = (u32)(n & 1) << 2;", "(= n (Shl (cast u32 (BitAnd n 1)) 2))"),
        ("n = f((u16)(i), (u16)(n));", "(= n (call f (cast u16 i) (cast u16 n)))"),
        (
            "n = (n) & i; n = (n) - i; n = (n) * i;",
            "(= n (BitAnd n i)); (= n (Sub n i)); (= n (Mul n i))",
        ),
        ("n = (void *)(long)p;", "(= n (cast *void (cast long p)))"),
        ("n * i;", "(Mul n i)"),
        ("my_int * q;", "q: *my_int"),
        ("n = sizeof(my_int) * 2;", "(= n (Mul (sizeof: my_int) 2))"),
        ("n = sizeof(n) - 1;", "(= n (Sub (sizeof n) 1))"),
        ("n = sizeof(other_t);", "(= n (sizeof other_t))"),
        ("n = sizeof(struct x[3]);", "(= n (sizeof: [3]struct x))"),
        ("n = sizeof *p;", "(= n (sizeof (* p)))"),
        ("foo(*p); foo (n);", "(call foo (* p)); (call foo n)"),
    ]);
}

#[test]
fn arguments() {
    assert_bodies(&[
        (
            "n = container_of(p, struct x, a)->b;",
            "(= n (-> (call container_of p (type struct x) a) b))",
        ),
        (
            "n = bpf_core_type_exists(struct x *);",
            "(= n (call bpf_core_type_exists (type *struct x)))",
        ),
        ("n = exists(u32, const char *);", "(= n (call exists (type u32) (type *const char)))"),
        ("n = exists(int (*)(int));", "(= n (call exists (type *fn(int) int)))"),
        ("n = vptr(p, [i].x);", "(= n (call vptr p <error>))"),
        ("n = offsetof(struct x, a[2].c);", "(= n (offsetof struct x a[2].c))"),
        ("n = __builtin_offsetof(struct x, a.b);", "(= n (offsetof struct x a.b))"),
        ("f(n, { i = 1; });", "(call f n (block (= i 1)))"),
    ]);
}

#[test]
fn statements() {
    assert_bodies(&[
        ("if (n) return 1; else if (i) ; else { }", "if n return 1 else if i nop else {  }"),
        ("while (n) { continue; }", "while n { continue }"),
        ("do { break; } while (n);", "do { break } while n"),
        (
            "for (int j = 0; j < n && can_loop; j++) ;",
            "for (j: int = 0; (LogAnd (Lt j n) can_loop); (j ++)) nop",
        ),
        ("for (i = 0, n = 1; ; ) { }", "for ((, (= i 0) (= n 1)); ; ) {  }"),
        ("bpf_for(i, 0, 10) n += i;", "bpf_for!(i, 0, 10) (=Add n i)"),
        ("bpf_for_each(task, p, NULL, 1) { break; }", "bpf_for_each!(task, p, NULL, 1) { break }"),
        ("bpf_repeat(5) { }", "bpf_repeat!(5) {  }"),
        ("scoped_guard() { n = 1; }", "scoped_guard!() { (= n 1) }"),
        ("each(struct x, i) { }", "each!((type struct x), i) {  }"),
        (
            "switch (n) { case 1: case 2: i = 1; break; case 'a' ... 'z': { } default: ; }",
            "switch n { case 1: []; case 2: [(= i 1); break]; case 97..122: [{  }]; default: [nop] }",
        ),
        ("goto out; out: n = 1;", "goto out; out: (= n 1)"),
        ("return; out:", "return; out: nop"),
        ("int a = 1, *b, c[3];", "a: int = 1, b: *int, c: [3]int"),
        ("static const u32 x = 1;", "static x: u32 = 1"),
        ("u8 b[sizeof(struct s)] = {};", "b: [(sizeof: struct s)]u8 = {}"),
        ("typeof(p) q; typeof(int *) r; __auto_type s = n;", "q: typeof(p); r: *int; s: auto = n"),
        ("struct x y __attribute__((cleanup(g)));", "@__attribute__((cleanup(g))) y: struct x"),
        ("LOG(\"x\")\nn = 1;\nLOG2()\n", "(call LOG \"x\"); (= n 1); (call LOG2)"),
        ("\n#ifdef A\nn = 1;\n#else\nn = 2;\n#endif\n", "(= n 1)"),
        ("#pragma unroll\nfor (;;) ;", "for (; ; ) nop"),
    ]);
}

#[test]
fn assembly() {
    assert_bodies(&[
        ("asm volatile (\"\" ::: \"memory\");", "asm out() in() memory=true"),
        (
            "asm volatile(\"%0\" : \"+r\"(n), [x] \"=m\"(p->a) : \"r\"(i));",
            "asm out(n p) in(i) memory=false",
        ),
        (
            "asm (\"x\" :: __imm(bpf_f), __imm_ptr(m) : __clobber_all);",
            "asm out() in(bpf_f m) memory=true",
        ),
    ]);
    let parsed = parse("int f(void) { asm goto(\"x\" :::: out); out: return 1; }");
    assert!(functions(&parsed)[0].has_error, "control may go anywhere");
}

#[test]
fn function_heads() {
    let heads: &[(&str, &str)] = &[
        ("static __always_inline int f(void) { }", "@__always_inline static inline f() int"),
        (
            "SEC(\"tc\")\n__success __retval(0)\nint f(struct __sk_buff *skb) { }",
            "SEC tc @__success @__retval(0) f(skb: *struct __sk_buff) int",
        ),
        (
            "int f(struct x *a __arg_ctx, int b __arg_nonnull) { }",
            "f(@__arg_ctx a: *struct x, @__arg_nonnull b: int) int",
        ),
        ("int f(UNUSED int a, ...) { }", "f(@UNUSED a: int) int"),
        (
            "struct s *f(int (*cb)(void *), char b[4]) { }",
            "f(cb: *fn(*void) int, b: [4]char) *struct s",
        ),
        (
            "SEC(\"fentry/x\")\nint BPF_PROG(real, struct s *a, int b) { }",
            "SEC fentry/x BPF_PROG!real(a: *struct s, b: int) int",
        ),
        ("int BPF_KPROBE(real) { }", "BPF_KPROBE!real() int"),
        (
            "void BPF_STRUCT_OPS(real, u64 (*cb)(int)) { }",
            "BPF_STRUCT_OPS!real(cb: *fn(int) u64) void",
        ),
        (
            "s32 BPF_STRUCT_OPS_SLEEPABLE(real, struct s *a) { }",
            "BPF_STRUCT_OPS_SLEEPABLE!real(a: *struct s) s32",
        ),
        ("int BPF_USDT(real, int a) { }", "BPF_USDT!real(a: int) int"),
        ("int BPF_KSYSCALL(real, pid_t a) { }", "BPF_KSYSCALL!real(a: pid_t) int"),
        (
            "SEC(\"k\") KPROG(real) (struct pt_regs *ctx) { }",
            "SEC k KPROG!real(ctx: *struct pt_regs) ?",
        ),
        ("int KPROG(real) (struct pt_regs *ctx) { }", "KPROG!real(ctx: *struct pt_regs) int"),
        ("SEC(\"x\") FUNC(real, struct s *a) { }", "SEC x FUNC!real(a: *struct s) ?"),
        ("int f(int) { }", "f(: int) int"),
        ("int f(my_t) { }", "f(: my_t) int"),
        (
            "__attribute__((section(\"xdp\"), used)) int f(void) { }",
            "SEC xdp @__attribute__((section(\"xdp\"), used)) f() int",
        ),
    ];
    for (text, expected) in heads {
        let parsed = parse(text);
        assert!(parsed.unit().errors.is_empty(), "{text}: {:?}", parsed.unit().errors);
        assert_eq!(render::head(functions(&parsed)[0]), *expected, "{text}");
    }
}

#[test]
fn maps() {
    let text = "struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__uint(max_entries, 1 << 4);\n\t__type(key, u32);\n\t__type(value, struct v *);\n\t__array(values, struct {\n\t\t__uint(type, 2);\n\t});\n\t__ulong(map_extra, 5);\n} m SEC(\".maps\");\n";
    let expected = "SEC .maps m: struct { uint type BPF_MAP_TYPE_HASH, uint max_entries (Shl 1 4), type key u32, type value *struct v, array values struct { uint type 2 }, uint map_extra 5 }";
    assert_eq!(items(text), [expected]);
}

#[test]
fn declarations() {
    assert_items(&[
        (
            "struct s { u8 a:3, :5; u32 :0; int b; };",
            &["struct s { a: u8 :3, _: u8 :5, _: u32 :0, b: int }"],
        ),
        (
            "struct s { union { int a; long b; }; struct { int c; } d; };",
            &["struct s { _: union { a: int, b: long }, d: struct { c: int } }"],
        ),
        (
            "struct s { int (*cb)(void *, int); int v[2][3]; };",
            &["struct s { cb: *fn(*void, int) int, v: [2][3]int }"],
        ),
        ("struct s { MACRO(a, 3); struct t __kptr *p; };", &["struct s { _: ?, p: *struct t }"]),
        (
            "struct __attribute__((packed)) s { int a; } __attribute__((aligned(16)));",
            &[
                "@__attribute__((packed)) @__attribute__((aligned(16))) struct s packed aligned(16) { a: int }",
            ],
        ),
        (
            "typedef struct { int a; } __packed t, *tp;",
            &["@__packed typedef t: struct packed { a: int }, tp: *struct packed { a: int }"],
        ),
        ("enum e : u8 { A, B = 1 << 2, };", &["enum e { A, B=(Shl 1 2) }"]),
        (
            "extern int k(struct s *a, u64 b) __ksym __weak;",
            &["@__ksym @__weak extern k: fn(*struct s, u64) int"],
        ),
        ("enum e { MAC(a) B, MAC(c), D };", &["enum e { =<error>, B, =<error>, D }"]),
        (
            "struct s { u8 :1, :2, a:3, :4, b:5; };",
            &["struct s { _: u8 :1, _: u8 :2, a: u8 :3, _: u8 :4, b: u8 :5 }"],
        ),
        ("const volatile unsigned long long x = 3;", &["x: unsigned long long = 3"]),
        (
            "int (*fp)(int, ...) = 0, *v, (*fa[3])(void);",
            &["fp: *fn(int, ...) int = 0, v: *int, fa: [3]*fn() int"],
        ),
        ("const char *const s = \"a\";", &["s: *const char = \"a\""]),
        ("int a[] = { [0 ... 1] = 2, { .x = 3 } };", &["a: []int = {2, {.x 3}}"]),
        ("PRIVATE(A) struct bpf_spin_lock l;", &["l: struct bpf_spin_lock"]),
        (
            "struct s { int a; } __attribute__((packed));\nint x;",
            &["@__attribute__((packed)) struct s packed { a: int }", "x: int"],
        ),
        ("extern \"C\" { int a; int f(void) { } }", &["a: int", "f() int {  }"]),
        ("#ifdef A\nint a;\n#else\nint b;\n#endif\n", &["a: int", "b: int"]),
    ]);
}

#[test]
fn directives() {
    let text = "#include <a/b.h>\n# include \"c.h\" // why\n#define A 1 /* x */ + \\\n\t2\n#define F(a, b...) g(a, ##b)\n#define G(...) h(__VA_ARGS__)\n#define E\n#define P (x)\n#undef A\n#if 0\n#define DEAD 1\n#endif\nint f(void) {\n#define IN 3\n}\n";
    let parsed = parse(text);
    let shown: Vec<_> = parsed
        .unit()
        .directives
        .iter()
        .map(|directive| match &directive.kind {
            DirectiveKind::Include { path, system } => format!("include {path} {system}"),
            DirectiveKind::Undef(name) => format!("undef {name}"),
            DirectiveKind::Define(of) => {
                assert_eq!(of.name_span.text(text), of.name);
                format!(
                    "{} {:?} {} [{}]",
                    of.name,
                    of.params.as_deref().unwrap_or_default(),
                    of.variadic,
                    of.body
                )
            }
        })
        .collect();
    let expected = [
        "include a/b.h true",
        "include c.h false",
        "A [] false [1 + 2]",
        "F [\"a\", \"b\"] true [g(a, ##b)]",
        "G [\"__VA_ARGS__\"] true [h(__VA_ARGS__)]",
        "E [] false []",
        "P [] false [(x)]",
        "undef A",
        "IN [] false [3]",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn spans_point_into_the_text() {
    let text = "int x;\nSEC(\"tc\") __noinline\nint BPF_PROG(real, int a)\n{\n\treturn a;\n}\nstruct s { u32 m[2]; } v SEC(\".data\") = {};\n";
    let parsed = parse(text);
    let function = functions(&parsed)[0];
    assert_eq!(function.name_span.text(text), "real");
    assert!(function.span.text(text).starts_with("SEC(\"tc\")"));
    assert!(function.span.text(text).ends_with('}'));
    assert_eq!(function.params[0].span.text(text), "a");
    assert_eq!(function.body.stmts[0].span.text(text), "return a;");
    let (section, place) = function.attrs.section.as_ref().expect("the function has a section");
    assert_eq!((section.as_str(), place.text(text)), ("tc", "\"tc\""));
    let Item::Declaration(declaration) = &parsed.unit().items[2] else {
        panic!("a declaration comes last")
    };
    assert_eq!(declaration.span.text(text), "struct s { u32 m[2]; } v SEC(\".data\") = {};");
    assert_eq!(declaration.declarators[0].name_span.text(text), "v");
    let Type::Record(record) = &declaration.base else { panic!("the type is a record") };
    let members = record.members.as_ref().expect("the record has a body");
    assert_eq!(members[0].span.text(text), "m[2]");
}

#[test]
fn broken_functions_say_so() {
    for text in [
        "int f(void) { return 1 + ; }",
        "int f(void) { if (x { } }",
        "int f(void) { g(a, return 1); }",
    ] {
        let parsed = parse(text);
        assert!(functions(&parsed).iter().all(|function| function.has_error), "{text}");
    }
    let parsed = parse("int f(void) { return 1 + ; }\nint g(void) { return 1; }\n");
    let states: Vec<_> =
        functions(&parsed).into_iter().map(|function| function.has_error).collect();
    assert_eq!(states, [true, false]);
}
