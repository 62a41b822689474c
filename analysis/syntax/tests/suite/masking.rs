//! What the masking rules write and record.

use syntax::MaskKind;

use crate::parse;

/// Original and masked text; trailing blanks of lines do not matter.
fn assert_masked(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let parsed = parse(text);
        let trim =
            |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trim(&parsed.masked()), trim(expected), "{text}");
        assert_eq!(parsed.masked().len(), text.len());
    }
}

#[test]
fn names_in_the_tables() {
    assert_masked(&[
        ("SEC(\"tc\") int f(void) { }", "          int f(void) { }"),
        ("char l[] SEC(\"license\") = \"GPL\";", "char l[]                = \"GPL\";"),
        ("static __always_inline int f(void) { }", "static                 int f(void) { }"),
        ("struct { __uint(max_entries, 10); } m;", "struct { int    max_entries[ 10]; } m;"),
        ("struct { __type(key, struct k *); } m;", "struct { __type(     struct k *); } m;"),
        ("struct { __array(values, struct in); } m;", "struct { __array(        struct in); } m;"),
        ("int a __attribute__((aligned(8)));", "int a                            ;"),
        ("int f(int a __arg_ctx);", "int f(int a          );"),
        (
            "int f(void) { asm volatile (\"x\" : \"=r\"(a)); }",
            "int f(void) { asm          (\"\"           ); }",
        ),
        (
            "int f(void) { register int a asm(\"r1\"); }",
            "int f(void) { register int a          ; }",
        ),
        ("extern int k(void) __ksym __weak;", "extern int k(void)              ;"),
        ("char __unused[4]; u32 __hidden = 1;", "char __unused[4]; u32 __hidden = 1;"),
        (
            "struct s { __volatile__ u8 a; __signed__ char b; };",
            "struct s {              u8 a; signed     char b; };",
        ),
        ("int f(void) { x.__weak = p->__hidden; }", "int f(void) { x.__weak = p->__hidden; }"),
    ]);
}

#[test]
fn loops_and_macro_blocks() {
    assert_masked(&[
        ("int f(void) { bpf_for(i, 0, 3) { } }", "int f(void) { while  (i, 0, 3) { } }"),
        ("int f(void) { bpf_repeat(3) x(); }", "int f(void) { while     (3) x(); }"),
        ("int f(void) { each(a) { } }", "int f(void) { if  (a) { } }"),
        ("int f(void) { scoped_lock() { } }", "int f(void) { while(1)      { } }"),
        ("int f(void) { UNROLL for (;;) ; }", "int f(void) {        for (;;) ; }"),
        ("int f(void) {\n\tLOG(a, b)\n\tx();\n}", "int f(void) {\n\t    a, b;\n\tx();\n}"),
        ("int f(void) {\n\tforeach(a)\n\t\tx();\n}", "int f(void) {\n\twhile  (a)\n\t\tx();\n}"),
        ("int f(void) {\n\tLOG(a);\n\tx();\n}", "int f(void) {\n\tLOG(a);\n\tx();\n}"),
    ]);
}

#[test]
fn arguments_that_are_no_expressions() {
    assert_masked(&[
        ("int f(void) { return g(struct x *, a); }", "int f(void) { return g(0         , a); }"),
        ("int f(void) { return g(x *, a); }", "int f(void) { return g(0  , a); }"),
        ("int f(void) { return g(u32, a); }", "int f(void) { return g(u32, a); }"),
        ("int f(void) { OPTS(t, o, .a = 1, ); }", "int f(void) { OPTS(t, o, 0       ); }"),
        ("int f(void) { return g(a, <, b); }", "int f(void) { return g(a, 0, b); }"),
        ("int f(void) { return g(a, [i].x); }", "int f(void) { return g(a, 0    ); }"),
        ("int f(void) { g(a, return 1); }", "int f(void) { g(a, 0       ); }"),
        ("int f(void) { return g(h(int), long); }", "int f(void) { return g(h(0  ), 0   ); }"),
        ("int f(void) { typeof(a->b) x; }", "int f(void) { int          x; }"),
        (
            "int f(void) { return offsetof(struct x, a.b[1]); }",
            "int f(void) { return offsetof(struct x, a_____); }",
        ),
        (
            "int f(void) { switch (a) { case 1 ... 2: ; } }",
            "int f(void) { switch (a) { case 1 ||  2: ; } }",
        ),
        ("int f(void) { return (u32)-a; }", "int f(void) { return      -a; }"),
        (
            "typedef int t; int f(void) { return (t)(a); }",
            "typedef int t; int f(void) { return    (a); }",
        ),
        ("int f(void) { return (t)(a); }", "int f(void) { return (t)(a); }"),
        (
            "int f(struct x *a, int b) { return sizeof(struct x); }",
            "int f(struct x *a, int b) { return sizeof(struct x); }",
        ),
    ]);
}

#[test]
fn declarations() {
    assert_masked(&[
        ("UEI_DEFINE(uei);", "               ;"),
        ("PRIVATE(A) struct s x;", "           struct s x;"),
        ("KPROG(a) (struct x *c) { }", "KPROG(a) (struct x *c) { }"),
        ("BPF_PROG(a) { }", "BPF_PROG(a) { }"),
        ("static MARK u32 f(int a) { }", "static      u32 f(int a) { }"),
        ("static MARK struct s *f(int a) { }", "static      struct s *f(int a) { }"),
        ("struct s *MARK f(int a) { }", "struct s *     f(int a) { }"),
        ("int f(UNUSED u64 a) { }", "int f(       u64 a) { }"),
        ("u32 f(u32 a, my_t b) { }", "u32 f(u32 a, my_t b) { }"),
        (
            "unsigned long x; const struct s *y; static volatile my_t z;",
            "unsigned long x; const struct s *y; static volatile my_t z;",
        ),
        ("struct MARK s { int a; };", "struct      s { int a; };"),
        ("struct s { MAC(a, 3); u32 :4; };", "struct s { int      ; u32   ; };"),
        ("struct s { u8 :1, :2, a:3, :4, b:5; };", "struct s { u8         a:3    , b:5; };"),
        ("struct s { int a[2] MARK;; int b; };", "struct s { int a[2]     ;  int b; };"),
        ("enum e { MAC(a) B, MAC(c), D };", "enum e {        B,         D };"),
        (
            "int f(void) __MARK; void *p = (void *)__x;",
            "int f(void)       ; void *p = (void *)__x;",
        ),
        ("BEGIN_DECLS struct s { int a; };", "            struct s { int a; };"),
        ("enum e : u8 { A };", "enum e      { A };"),
        ("int x = F(struct s, 2);", "int x = F(0       , 2);"),
        ("SEC(\"x\") FUN(a, int b) { }", "     int FUN(a, int b) { }"),
    ]);
}

#[test]
fn conditionals() {
    assert_masked(&[
        ("#if 0\nint a;\n#else\nint b;\n#endif\n", "\n\n\nint b;\n\n"),
        ("#if 1\nint a;\n#else\nint b;\n#endif\n", "\nint a;\n\n\n\n"),
        ("#ifdef A\nint a;\n#else\nint b;\n#endif\n", "\nint a;\n\nint b;\n\n"),
        ("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint a;\n", "\n\n\nint a;\n"),
        ("int f(void) {\n#ifdef A\na();\n#else\nb();\n#endif\n}", "int f(void) {\n\na();\n\n\n\n}"),
        ("int f(void) {\n#ifdef A\n#else\nb();\n#endif\n}", "int f(void) {\n\n\nb();\n\n}"),
        (
            "int f(void) {\n#ifdef A\nif (x) {\n#else\n{\n#endif\n} }",
            "int f(void) {\n\nif (x) {\n\n\n\n} }",
        ),
        ("#ifdef A\nint f(int a) {\n#else\nint f(int b) {\n#endif\n}", "\nint f(int a) {\n\n\n\n}"),
        ("int f(void) {\n#ifdef A\na();\n#endif\n}", "int f(void) {\n\na();\n\n}"),
        ("#if A\n#if B\nint b;\n#endif\n#elif C\nint c;\n#endif\n", "\n\nint b;\n\n\nint c;\n\n"),
        ("#else\nint a;\n#endif\n", "\nint a;\n\n"),
        ("#if A\nint a;\n", "\nint a;\n"),
    ]);
}

#[test]
fn records_of_masks() {
    let text = "SEC(\"tc\") static X __noinline u32 f(void) { return 1; }\nint g(void) { return h(struct s); }\n";
    let parsed = parse(text);
    let found: Vec<_> =
        parsed.masks().iter().map(|mask| (mask.span.text(text), mask.kind.clone())).collect();
    let MaskKind::Section(Some(string)) = found[0].1 else { panic!("{found:?}") };
    assert_eq!(string.text(text), "\"tc\"");
    let rest: Vec<_> = found.iter().skip(1).cloned().collect();
    let expected = [
        ("X", MaskKind::SurplusWord),
        ("__noinline", MaskKind::Attribute),
        ("struct s", MaskKind::TypeArgument),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn comments_are_blanked_and_listed() {
    let text = "int a; // one\n/* two\n */ int b; char *s = \"// no\";";
    let parsed = parse(text);
    let found: Vec<_> = parsed.comments().iter().map(|span| span.text(text)).collect();
    assert_eq!(found, ["// one", "/* two\n */"]);
    assert!(parsed.masked().contains("\"// no\""));
}
