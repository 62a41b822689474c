//! Fragments: macro bodies and single declarations.

use syntax::ast::{Expr, ExprKind};
use syntax::{Fragment, FragmentKind, parse_fragment};
use text::Span;

use crate::render;

fn shown(text: &str, kind: FragmentKind) -> Option<String> {
    Some(match parse_fragment(text, kind, None)? {
        Fragment::Expr(of) => render::expr(&of),
        Fragment::Stmts(of) => render::stmts(&of),
        Fragment::Items(of) => of.iter().map(render::item).collect::<Vec<_>>().join(" | "),
    })
}

#[test]
fn expressions() {
    let cases = [
        ("1 + 2 * x", Some("(Add 1 (Mul 2 x))")),
        ("((u32)(a) | (B << 2))", Some("(BitOr (cast u32 a) (Shl B 2))")),
        ("({ int x = 1; x; })", Some("(block x: int = 1; x)")),
        ("a, b", Some("(, a b)")),
        ("sizeof(struct x) // why", Some("(sizeof: struct x)")),
        ("offsetof(struct x, a.b)", Some("(offsetof struct x a.b)")),
        ("container_of(p, struct x, a)", Some("(call container_of p (type struct x) a)")),
        ("\"a\" \"b\"", Some("\"ab\"")),
        ("-1", Some("(- 1)")),
        ("", None),
        ("1 +", None),
        ("1); foo(2", None),
        ("struct x", None),
        ("do { } while (0)", None),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text, FragmentKind::Expr).as_deref(), expected, "{text}");
    }
}

#[test]
fn statements() {
    let cases = [
        ("do { x++; } while (0)", Some("do { (x ++) } while 0")),
        ("if (a) return 1", Some("if a return 1")),
        ("a(); b();", Some("(call a); (call b)")),
        ("", Some("")),
        ("int x = 1; x", Some("x: int = 1; x")),
        ("bpf_for(i, 0, n) { x += i; }", Some("bpf_for!(i, 0, n) { (=Add x i) }")),
        ("} int g(void) {", None),
        ("if (", None),
        ("else", None),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text, FragmentKind::Stmts).as_deref(), expected, "{text}");
    }
}

#[test]
fn declarations() {
    let cases = [
        ("struct x { int a; }", Some("struct x { a: int }")),
        ("struct x { int a; };", Some("struct x { a: int }")),
        (
            "struct { __u8 a; } __attribute__((packed))",
            Some("@__attribute__((packed)) struct packed { a: __u8 }"),
        ),
        (
            "static inline int f(int x) { return x; }",
            Some("static inline f(x: int) int { return x }"),
        ),
        ("enum e { A, B = 2 }; typedef u32 t", Some("enum e { A, B=2 } | typedef t: u32")),
        ("struct x {", None),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text, FragmentKind::Item).as_deref(), expected, "{text}");
    }
}

fn spans(of: &Expr, out: &mut Vec<Span>) {
    out.push(of.span);
    match &of.kind {
        ExprKind::Binary(_, a, b) => {
            spans(a, out);
            spans(b, out);
        }
        ExprKind::Call { callee, args } => {
            spans(callee, out);
            args.iter().for_each(|arg| spans(arg, out));
        }
        ExprKind::TypeArg(_) | ExprKind::Ident(_) | ExprKind::Int { .. } => {}
        other => panic!("not in the text: {other:?}"),
    }
}

#[test]
fn spans_are_relative_or_fixed() {
    let text = "1 + f(x, struct y *)";
    for (at, expected) in [
        (None, vec!["1 + f(x, struct y *)", "1", "f(x, struct y *)", "f", "x", "struct y *"]),
        (Some(Span::new(2, 3)), vec!["+"; 6]),
    ] {
        let Some(Fragment::Expr(parsed)) = parse_fragment(text, FragmentKind::Expr, at) else {
            panic!("{text} is an expression");
        };
        let mut found = Vec::new();
        spans(&parsed, &mut found);
        let found: Vec<_> = found.into_iter().map(|span| span.text(text)).collect();
        assert_eq!(found, expected);
    }
}
