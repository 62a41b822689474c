//! What must hold for every input: parsing is total, masking keeps length and lines, an edit is a fresh parse, and
//! masking loses no function.

use proptest::prelude::*;
use syntax::{Parsed, TokenKind, fuzz_edit, fuzz_parse, lex, parse_fragment};

use crate::{functions, parse};

/// How many of [`PARTS`] are whole declarations, and where among these the functions start.
const WHOLE_PARTS: usize = 12;
const FIRST_FUNCTION: usize = 7;

/// Parts of BPF programs. Strung together they give programs that are right, wrong, and half finished.
const PARTS: &[&str] = &[
    "#include \"vmlinux.h\"\n",
    "#define MAX(a, b) ((a) > (b) ? \\\n\t(a) : (b))\n",
    "char LICENSE[] SEC(\"license\") = \"GPL\";\n",
    "struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__type(key, u32);\n\t__type(value, struct v *);\n} m SEC(\".maps\");\n",
    "struct s { u8 a:3, :5; int (*f)(int); MACRO(x); } __attribute__((packed));\n",
    "extern int kfunc(struct sk_buff *skb, u64 flags) __ksym __weak;\n",
    "PRIVATE(A) struct bpf_spin_lock lock;\n",
    "static __always_inline int f(struct s *p)\n{\n\treturn p->a + (u32)-1;\n}\n",
    "static statfunc u32 g(UNUSED u64 z)\n{\n\tint i;\n\tbpf_for(i, 0, 10) {\n\t\tg(i);\n\t}\n\treturn 0;\n}\n",
    "SEC(\"tc\")\nint prog(struct __sk_buff *skb)\n{\n\ttypeof(skb->len) n = 0;\n\tLOG(\"a\")\n\tn = ({ int q = 2; q; });\n\tasm volatile (\"r1 = %0\" :: \"r\"(n) : \"memory\");\n\treturn n;\n}\n",
    "SEC(\"fentry/x\")\nint BPF_PROG(name, struct sk_buff *skb) { return container_of(skb, struct s, a)->a; }\n",
    "SEC(\"k\") KPROG(kp) (struct pt_regs *ctx) { return 0; }\n",
    "#ifdef A\n",
    "#else\n",
    "#endif\n",
    "#if 0\n",
    "{",
    "}",
    "(",
    ")",
    ";",
    "/* comment é */",
    "/* open",
    "// line\n",
    "\"open\n",
    "'",
    "switch (x) { case 1 ... 5: break; default: }\n",
    "if (x) {\n",
    "} else {\n",
    "a * b;\n",
    "int x = ",
    "[3] = { .a = 1 },",
    "é",
    "\0",
    "\r\n",
    "\u{feff}",
];

fn program() -> impl Strategy<Value = String> {
    proptest::collection::vec(0..PARTS.len(), 0..24)
        .prop_map(|parts| parts.into_iter().map(|part| PARTS[part]).collect())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn any_bytes_parse(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_parse(&data);
    }

    #[test]
    fn any_program_parses(text in program()) {
        fuzz_parse(text.as_bytes());
    }

    #[test]
    fn any_token_soup_parses(text in "[a-c (){};=,*&\\[\\]\"'#\n.:<>-]{0,200}") {
        fuzz_parse(text.as_bytes());
    }

    #[test]
    fn an_edit_is_a_fresh_parse(
        text in program(),
        at in 0.0..1.0f64,
        removed in 0usize..40,
        part in 0..PARTS.len(),
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let at = (at * text.len() as f64) as usize;
        fuzz_edit(text.as_bytes(), at, removed, PARTS[part]);
    }

    #[test]
    fn tokens_are_in_order_and_cover_all_but_blanks(text in program()) {
        let mut end = 0;
        for token in lex(&text) {
            prop_assert!(token.span.start >= end && !token.span.is_empty());
            prop_assert!(text.is_char_boundary(token.span.end as usize));
            end = token.span.end;
        }
        prop_assert!(end as usize <= text.len());
    }

    #[test]
    fn fragments_never_panic(text in program()) {
        for kind in [syntax::FragmentKind::Expr, syntax::FragmentKind::Stmts, syntax::FragmentKind::Item] {
            let _ = parse_fragment(&text, kind, None);
        }
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn many_edits_in_a_row(text in program(), edits in proptest::collection::vec((0.0..1.0f64, 0usize..9, 0..PARTS.len()), 1..8)) {
        let mut parsed = parse(&text);
        let mut text = text;
        for (at, removed, part) in edits {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
            let wanted = (at * text.len() as f64) as usize;
            let start = (0..=wanted).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (start..=(start + removed).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
            text.replace_range(start..end, PARTS[part]);
            parsed = parsed.edit(text.as_str().into());
            let fresh = parse(&text);
            prop_assert_eq!(parsed.masked(), fresh.masked());
            prop_assert_eq!(format!("{:?}", parsed.unit()), format!("{:?}", fresh.unit()));
        }
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn every_function_is_found(parts in proptest::collection::vec(0..WHOLE_PARTS, 0..16)) {
        let text: String = parts.iter().map(|part| PARTS[*part]).collect();
        let parsed = parse(&text);
        let expected = parts.iter().filter(|part| **part >= FIRST_FUNCTION).count();
        prop_assert_eq!(parsed.function_count(), expected, "{}", text);
        prop_assert_eq!(functions(&parsed).len(), expected, "{}", text);
        prop_assert!(functions(&parsed).iter().all(|function| !function.has_error), "{}", text);
    }
}

#[test]
fn mutated_programs_parse() {
    let seed: String = PARTS.concat();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    for _ in 0..400 {
        let mut bytes = seed.clone().into_bytes();
        for _ in 0..=next(12) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = *b"(){};\"'#\n/*\\".get(next(12)).unwrap_or(&0),
                1 => bytes.truncate(at),
                2 => {
                    let end = (at + next(60)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {
                    let from = next(bytes.len());
                    let copy = bytes[from..(from + next(60)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        fuzz_parse(&bytes);
    }
}

/// Inputs that make a program of some parts, each a number of times.
fn repeated(head: &str, part: &str, times: usize, tail: &str) -> String {
    format!("{head}{}{tail}", part.repeat(times))
}

#[test]
fn deep_nesting_is_bounded() {
    const DEEP: usize = 10_000;
    let cases = [
        repeated("int f(void) { return ", "(", DEEP, "1"),
        repeated("int f(void) { return ", "(", DEEP, &format!("1{}; }}", ")".repeat(DEEP))),
        repeated("int f(void) ", "{", DEEP, &"}".repeat(DEEP)),
        repeated("int a", "[", DEEP, ""),
        repeated("int a = ", "{", DEEP, &"}".repeat(DEEP)),
        repeated("int f(void) { return ", "!", DEEP, "1; }"),
        repeated("int f(void) { return ", "- ", DEEP, "1; }"),
        repeated("int f(void) { return ", "1 + ", DEEP, "1; }"),
        repeated("int f(void) { return ", "a ? b : ", DEEP, "1; }"),
        repeated("int f(void) { return ", "a, ", DEEP, "1; }"),
        repeated("int f(void) { return a", ".b", DEEP, "; }"),
        repeated("int f(void) { return ", "a = ", DEEP, "1; }"),
        repeated("int f(void) { return ", "(u32)", DEEP, "-1; }"),
        repeated("int f(void) { return ", "(u32)(", DEEP, "1"),
        repeated("int f(void) { ", "if (a) ", DEEP, "b(); }"),
        repeated("int f(void) { ", "if (a) b(); else ", DEEP, "b(); }"),
        repeated("int f(void) { ", "l: ", DEEP, "b(); }"),
        repeated("int f(void) { ", "for (;;) ", DEEP, "b(); }"),
        repeated("int f(void) { int ", "*", DEEP, "p; }"),
        repeated("int f(void) { x = ", "typeof(", DEEP, &format!("1{}; }}", ")".repeat(DEEP))),
        repeated("", "struct { ", DEEP, &"int a; } x;".repeat(DEEP)),
        repeated("", "#if A\n", DEEP, "int x;\n"),
        repeated("", "#if A\n#else\n", DEEP, &"#endif\n".repeat(DEEP)),
        repeated("", "asm volatile ", DEEP, ""),
        repeated("", "f(struct a, ", DEEP, ""),
        repeated("int f(void) { ", "f(struct a, ", DEEP, ""),
        repeated("", "*/ /* ", DEEP, ""),
        repeated("", "a ", DEEP, ""),
        repeated("", "enum : ", DEEP, ""),
        repeated("", "case ", DEEP, ""),
        repeated("", "}", DEEP, ""),
        repeated("", "{(", DEEP, &"}".repeat(DEEP)),
    ];
    for text in &cases {
        fuzz_parse(text.as_bytes());
    }
}

/// The stack of a worker thread may be small; the walk over a tree and the drop of its result must fit.
#[test]
fn deepest_allowed_nesting_fits_a_small_stack() {
    let open = "if (a) { b = ({ (1 + -f(";
    let close = ")); }); }";
    let text = format!("int f(void) {{ {}1{} }}", open.repeat(60), close.repeat(60));
    let deep = move || {
        let parsed = parse(&text);
        functions(&parsed).len()
    };
    let thread =
        std::thread::Builder::new().stack_size(1 << 20).spawn(deep).expect("a thread starts");
    assert_eq!(thread.join().expect("the walk does not overflow"), 1);
}

#[test]
fn large_input_is_bounded() {
    let text = "int x;\n".repeat(3_000_000);
    let parsed = Parsed::parse(text.into());
    assert!(parsed.unit().items.is_empty());
    assert_eq!(parsed.unit().errors.len(), 1);
}

#[test]
fn odd_bytes_survive() {
    let text = "\u{feff}int a;\r\n/* é */ int b\0;\r\nchar *s = \"\0é\";\r\n// é\r\nint f(void) { return 1; }\r\n";
    let parsed = parse(text);
    assert_eq!(functions(&parsed).len(), 1);
    assert!(parsed.unit().errors.is_empty(), "{:?}", parsed.unit().errors);
    assert_eq!(parsed.masked().matches("\r\n").count(), 5);
}

#[test]
fn what_is_not_closed_ends() {
    for text in [
        "/* open",
        "\"open",
        "'o",
        "int x = \"open\nint f(void) { return 1; }",
        "// \\\n still",
        "#define A \\",
        "#",
        "\\",
    ] {
        fuzz_parse(text.as_bytes());
    }
    assert_eq!(functions(&parse("char *s = \"open\nint f(void) { return 1; }")).len(), 1);
    assert!(lex("/* int x").is_empty());
}

#[test]
fn an_unfinished_function_does_not_swallow_the_next() {
    let text = "int a(void)\n{\n\tif (x) {\n\t\tfoo(;\n}\n\nint b(void)\n{\n\treturn 1;\n}\n\nint c(int x)\n{\n\treturn x;\n}\n";
    let parsed = parse(text);
    let names: Vec<_> =
        functions(&parsed).into_iter().map(|function| function.name.as_str()).collect();
    assert!(names.ends_with(&["b", "c"]), "{names:?}");
    let clean = functions(&parsed).into_iter().filter(|function| !function.has_error).count();
    assert!(clean >= 2);
}

#[test]
fn an_open_parenthesis_does_not_swallow_functions() {
    let text = "SEC(\"tc\"\nint a(void)\n{\n\treturn 1;\n}\n\nint b(void)\n{\n\treturn 1;\n}\n\nint c(int x)\n{\n\treturn x);\n}\n";
    let parsed = parse(text);
    let names: Vec<_> =
        functions(&parsed).into_iter().map(|function| function.name.as_str()).collect();
    assert!(names.ends_with(&["b", "c"]), "{names:?}");
    assert!(parsed.pieces().len() >= 3, "{:?}", parsed.pieces().len());
}

#[test]
fn lexer_reads_every_kind() {
    let text = "#define A 1 \\\n 2\nint x1 = 0x1fUL + 1e+5 .5 L\"s\\\"t\" 'c' u8\"x\"; a->b";
    let kinds: Vec<_> =
        lex(text).into_iter().map(|token| (token.kind, token.span.text(text))).collect();
    let expected = [
        (TokenKind::Directive, "#define A 1 \\\n 2"),
        (TokenKind::Ident, "int"),
        (TokenKind::Ident, "x1"),
        (TokenKind::Punct(b'='), "="),
        (TokenKind::Number, "0x1fUL"),
        (TokenKind::Punct(b'+'), "+"),
        (TokenKind::Number, "1e+5"),
        (TokenKind::Number, ".5"),
        (TokenKind::Str, "L\"s\\\"t\""),
        (TokenKind::Char, "'c'"),
        (TokenKind::Str, "u8\"x\""),
        (TokenKind::Punct(b';'), ";"),
        (TokenKind::Ident, "a"),
        (TokenKind::Punct(b'-'), "-"),
        (TokenKind::Punct(b'>'), ">"),
        (TokenKind::Ident, "b"),
    ];
    assert_eq!(kinds, expected);
}
