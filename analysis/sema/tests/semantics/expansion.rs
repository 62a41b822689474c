//! Macros expanded where they are used.

use crate::{AT, expr, sema, with_headers};
use sema::{Expansion, FileScope, Sema};
use syntax::ast::{Expr, ExprKind, Stmt, StmtKind};
use syntax::{Fragment, FragmentKind};
use text::Span;

/// The expansion of the call written as `call`.
fn expand(sema: &Sema, call: &str) -> Option<Expansion> {
    match expr(call).kind {
        ExprKind::Call { callee, args } => {
            sema.expand_call(callee.as_ident().expect("calls in tests name a macro"), &args, AT)
        }
        _ => panic!("not a call: {call}"),
    }
}

fn stmts(text: &str) -> Vec<Stmt> {
    match syntax::parse_fragment(text, FragmentKind::Stmts, None) {
        Some(Fragment::Stmts(stmts)) => stmts,
        _ => panic!("not statements: {text}"),
    }
}

/// Without spans, so that trees from different places compare.
fn shape(debug: &dyn std::fmt::Debug) -> String {
    let text = format!("{debug:?}");
    let mut out = String::new();
    for part in text.split("span: ") {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    }
    out
}

/// Macro, call, the expression it becomes.
const EXPRESSIONS: &[(&str, &str, &str)] = &[
    ("#define M(x) ((x) + 1)", "M(a->b)", "a->b + 1"),
    ("#define M(x, y) (x * y)", "M(a, 2)", "a * 2"),
    ("#define M() f()", "M()", "f()"),
    ("#define M(x) x", "M(1)", "1"),
    ("#define M(x) other(x, (x))", "M(a)", "other(a, a)"),
    ("#define M(T) sizeof(T)", "M(struct s)", "sizeof(struct s)"),
    ("#define M(T, p) ((T *)(p))", "M(struct s, q)", "(struct s *)q"),
    ("#define M(T, p) ((T)(p))", "M(u32, q)", "(u32)q"),
    ("#define M(T) ((T)-1)", "M(unsigned long)", "(unsigned long)-1"),
    ("#define M(p, f) ((p)->f)", "M(q, x)", "q->x"),
    ("#define M(T, f) offsetof(T, f)", "M(struct s, a.b)", "offsetof(struct s, a.b)"),
    ("#define M(fmt, ...) log(fmt, __VA_ARGS__)", "M(a, b, c)", "log(a, b, c)"),
    ("#define M(fmt, ...) log(fmt, ##__VA_ARGS__)", "M(a)", "log(a)"),
    ("#define M(fmt, ...) log(fmt, ##__VA_ARGS__)", "M(a, b, c)", "log(a, b, c)"),
    ("#define M(fmt, args...) log(fmt, ##args)", "M(a, b)", "log(a, b)"),
    ("#define M(args...) one(args)", "M()", "one()"),
    ("#define M(a, b) a##_##b", "M(x, y)", "x_y"),
    ("#define M(n) var##n", "M(3)", "var3"),
    ("#define M(f, x) call_##f(x)", "M(read, p->q)", "call_read(p->q)"),
    ("#define M(x) name(#x)", "M(abc)", "name(\"abc\")"),
    ("#define M(x) ({ int y = (x); y; })", "M(5)", "({ int y = 5; y; })"),
    ("#define M(x, T) ({ T y = x; &y; })", "M(5, u8)", "({ u8 y = 5; &y; })"),
    (
        "#define M(x) __builtin_memset(&(x), 0, sizeof(x))",
        "M(b)",
        "__builtin_memset(&b, 0, sizeof(b))",
    ),
    ("#define M(x) ((x) ? : \\\n  1)", "M(b)", "b ?: 1"),
    ("#define M(v) (struct s){ .a = v }", "M(3)", "(struct s){ .a = 3 }"),
    ("#define M(a) N(a)\n#define N(a) a", "M(1)", "N(1)"),
];

#[test]
fn to_expressions() {
    let mut wrong = Vec::new();
    for (text, call, expected) in EXPRESSIONS {
        let expected = Some(Expansion::Expr(expr(expected)));
        let found = expand(&sema(text), call);
        if shape(&found) != shape(&expected) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Macro, call, the statements it becomes.
const STATEMENTS: &[(&str, &str, &str)] = &[
    ("#define M(x) do { x = 1; } while (0)", "M(a)", "{ a = 1; }"),
    (
        "#define M(x) do { if (x) break; f(); } while (0)",
        "M(a)",
        "do { if (a) break; f(); } while (0);",
    ),
    (
        "#define M(x) do { for (;;) { if (x) break; } } while (0)",
        "M(a)",
        "{ for (;;) { if (a) break; } }",
    ),
    ("#define M(x) do { x = 1; } while (1)", "M(a)", "do { a = 1; } while (1);"),
    ("#define M(x) if (x) return 0", "M(p)", "if (p) return 0;"),
    ("#define M(x) if (!(x)) { return 0; }", "M(p)", "if (!p) { return 0; }"),
    ("#define M(x) return x;", "M(1)", "return 1;"),
    ("#define M(x) { x; }", "M(f())", "{ f(); }"),
    ("#define M(T, n) T n = {}", "M(struct s, v)", "struct s v = {};"),
    ("#define M(x, l) if (x) goto l", "M(p, out)", "if (p) goto out;"),
    ("#define M(x) a = x; b = x", "M(1)", "a = 1; b = 1;"),
];

#[test]
fn to_statements() {
    let mut wrong = Vec::new();
    for (text, call, expected) in STATEMENTS {
        let expected = Some(Expansion::Stmts(stmts(expected)));
        let found = expand(&sema(text), call);
        if shape(&found) != shape(&expected) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_cannot_be_expanded() {
    let rows = [
        ("#define M 1", "M(1)"),
        ("#define M(x) x", "M(1, 2)"),
        ("#define M(x, y) x + y", "M(1)"),
        ("#define M(p, f) ((p)->f)", "M(q, a + b)"),
        ("#define M(x) x##_y", "M(a->b)"),
        ("#define M(x) for (int i = 0; i < x; i++)", "M(3)"),
        ("#define M(x) (x", "M(3)"),
        ("#define M(x)", "M(3)"),
        ("#define M(x) x\n#define M(x) (x + 1)", "M(3)"),
        ("", "M(3)"),
        ("int M(int x) { return x; }", "M(3)"),
    ];
    for (text, call) in rows {
        assert_eq!(expand(&sema(text), call), None, "{text}");
    }
}

/// All expressions below `expr` with their spans.
fn spans(expr: &Expr, out: &mut Vec<Span>) {
    out.push(expr.span);
    match &expr.kind {
        ExprKind::Binary(_, a, b) => {
            spans(a, out);
            spans(b, out);
        }
        ExprKind::Member { base, .. } => spans(base, out),
        _ => {}
    }
}

#[test]
fn arguments_keep_their_spans() {
    let sema = sema("#define M(x) ((x) + 1)");
    let Some(Expansion::Expr(found)) = expand(&sema, "M(a->b)") else {
        panic!("an expression is expected")
    };
    let mut all = Vec::new();
    spans(&found, &mut all);
    assert_eq!(all, [AT, Span::new(2, 6), Span::new(2, 3), AT]);
}

#[test]
fn object_like_macros() {
    let text = "#define A 5\n#define B (&global)\n#define C return 1\n#define D D\n#define E B\n#define F(x) x";
    let sema = sema(text);
    let expr_of = |name| sema.expand_object(name, AT).map(|found| shape(&found));
    assert_eq!(expr_of("B"), Some(shape(&expr("&global"))));
    assert_eq!(expr_of("E"), Some(shape(&expr("B"))));
    for name in ["A", "C", "D", "F", "nothing"] {
        assert_eq!(expr_of(name), None, "{name}");
    }
    assert!(matches!(sema.expand_name("A", AT), Some(Expansion::Expr(_))));
    assert!(matches!(sema.expand_name("C", AT), Some(Expansion::Stmts(_))));
}

#[test]
fn heads_of_loops_take_the_block_behind_them() {
    let sema =
        sema("#define each(i, n) for (int i = 0; i < (n); i++)\n#define guard(x) if (!(x)) ; else");
    let block = stmts("{ f(k); }").remove(0);
    let args = [expr("k"), expr("7")];
    let found = sema.expand_block("each", &args, &block, AT).expect("a loop");
    assert_eq!(shape(&found), shape(&stmts("for (int k = 0; k < 7; k++) { f(k); }")));
    let StmtKind::For { body, .. } = &found[0].kind else { panic!("a loop is expected") };
    assert_eq!(body.span, block.span);
    let found = sema.expand_block("guard", &args[..1], &block, AT).expect("a condition");
    assert_eq!(shape(&found), shape(&stmts("if (!k) ; else { f(k); }")));
    assert_eq!(sema.expand_block("missing", &args, &block, AT), None);
}

#[test]
fn headers_define_macros_too() {
    let headers = ["#define M(x) \\\n\t((x) + 1)\n#define N 3\n", "#define N 4\n#define K(x) x\n"];
    let sema = with_headers("#define K(x) (x * 2)", &headers);
    let shape_of = |call| match expand(&sema, call) {
        Some(Expansion::Expr(found)) => shape(&found),
        other => panic!("{call}: {other:?}"),
    };
    assert_eq!(shape_of("M(2)"), shape(&expr("2 + 1")));
    assert_eq!(shape_of("K(2)"), shape(&expr("2 * 2")));
    assert!(sema.macro_def("N").is_none() && sema.is_macro("N") && !sema.is_macro("nothing"));
    assert_eq!(sema.constant("N"), None);
    assert_eq!(sema.fold(&expr("M(K(3))"), &FileScope), Some(7));
}
