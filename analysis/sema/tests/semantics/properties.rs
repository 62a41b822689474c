//! Laws that hold for all inputs.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{expr, sema, with_headers};
use sema::{FileScope, Header, Sema};
use syntax::Parsed;
use syntax::ast::{Item, Type};

/// An expression over 64-bit signed integers: its text and its value, if it has one.
#[derive(Clone, Debug)]
struct Sample {
    text: String,
    value: Option<i128>,
}

/// The value if `long long` holds it.
fn in_range(value: i128) -> Option<i128> {
    i64::try_from(value).is_ok().then_some(value)
}

fn unary(op: &'static str, operand: &Sample) -> Sample {
    let value = operand.value.and_then(|value| match op {
        "-" => in_range(-value),
        "~" => Some(!value),
        "+" => Some(value),
        _ => Some(i128::from(value == 0)),
    });
    // The result of `!` is an `int`; the sum makes it as wide as everything else here.
    Sample { text: format!("({op}({}) + 0LL)", operand.text), value }
}

fn arithmetic(op: &str, a: i128, b: i128) -> Option<i128> {
    match op {
        "+" => in_range(a + b),
        "-" => in_range(a - b),
        "*" => in_range(a * b),
        "/" => a.checked_div(b).and_then(in_range),
        "%" => a.checked_rem(b),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "<" => Some(i128::from(a < b)),
        "<=" => Some(i128::from(a <= b)),
        ">" => Some(i128::from(a > b)),
        ">=" => Some(i128::from(a >= b)),
        "==" => Some(i128::from(a == b)),
        "!=" => Some(i128::from(a != b)),
        _ => None,
    }
}

fn binary(op: &'static str, a: &Sample, b: &Sample) -> Sample {
    let value = a.value.zip(b.value).and_then(|(a, b)| arithmetic(op, a, b));
    Sample { text: format!("(({}) {op} ({}) + 0LL)", a.text, b.text), value }
}

fn conditional(cond: &Sample, then: &Sample, els: &Sample) -> Sample {
    let value = cond.value.and_then(|cond| if cond != 0 { then.value } else { els.value });
    Sample { text: format!("({} ? {} : {})", cond.text, then.text, els.text), value }
}

fn samples() -> impl Strategy<Value = Sample> {
    let small = -100i64..100;
    let literal = prop_oneof![
        small,
        any::<i64>().prop_filter("its negation has a literal", |value| *value != i64::MIN)
    ];
    let leaf = literal.prop_map(|value| {
        let text =
            if value < 0 { format!("(-{}LL)", value.unsigned_abs()) } else { format!("{value}LL") };
        Sample { text, value: Some(i128::from(value)) }
    });
    let ops = prop::sample::select(vec![
        "+", "-", "*", "/", "%", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=",
    ]);
    leaf.prop_recursive(5, 40, 3, move |inner| {
        prop_oneof![
            (prop::sample::select(vec!["-", "~", "+", "!"]), inner.clone())
                .prop_map(|(op, a)| unary(op, &a)),
            (ops.clone(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| binary(op, &a, &b)),
            (inner.clone(), inner.clone(), inner).prop_map(|(c, a, b)| conditional(&c, &a, &b)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_agrees_with_an_independent_evaluator(sample in samples()) {
        let sema = sema("");
        prop_assert_eq!(sema.fold(&expr(&sample.text), &FileScope), sample.value, "{}", sample.text);
    }

    #[test]
    fn a_macro_for_an_expression_changes_nothing(sample in samples()) {
        let sema = sema(&format!("#define VALUE {}\n#define SAME(x) (x)\n", sample.text));
        prop_assert_eq!(sema.constant("VALUE"), sample.value);
        prop_assert_eq!(sema.fold(&expr(&format!("SAME({})", sample.text)), &FileScope), sample.value);
    }

    #[test]
    fn layouts_are_consistent(members in prop::collection::vec((0usize..6, 1u64..5), 1..12), packed: bool) {
        let types = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8), ("void *", 8), ("struct inner", 6)];
        let mut text = String::from("struct inner { u16 a; u32 b; } __attribute__((packed)); struct s {");
        for (i, (kind, count)) in members.iter().enumerate() {
            text += &format!(" {} m{i}[{count}];", types[*kind].0);
        }
        text += if packed { "} __attribute__((packed));" } else { "};" };
        let sema = sema(&text);
        let record = sema.record_named(false, "s").expect("the record is complete");
        let size = sema.size_of(&record).expect("all members are known");
        let align = sema.align_of(&record).expect("all members are known");
        let mut end = 0;
        for (i, (kind, count)) in members.iter().enumerate() {
            let field = sema.field(&record, &format!("m{i}")).expect("the member exists");
            prop_assert_eq!(sema.size_of(&field.ty), Some(types[*kind].1 * count));
            prop_assert!(field.offset >= end && field.offset - end < 8);
            prop_assert!(!packed || field.offset == end);
            prop_assert_eq!(field.offset % if packed { 1 } else { sema.align_of(&field.ty).expect("known") }, 0);
            end = field.offset + types[*kind].1 * count;
        }
        prop_assert_eq!(size, end.next_multiple_of(align));
    }

    #[test]
    fn any_text_has_a_view(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        exercise(&pieces.concat());
    }
}

/// Fragments that combine into half-right C.
const PIECES: &[&str] = &[
    "struct ",
    "union ",
    "enum ",
    "typedef ",
    "a ",
    "b ",
    "f",
    "{ ",
    "} ",
    "( ",
    ") ",
    "[ ",
    "] ",
    "; ",
    ", ",
    "= ",
    ": ",
    "* ",
    "int ",
    "u8 ",
    "1 ",
    "sizeof",
    "\n#define a ",
    "\n#define f(a) ",
    "\n#if 1\n",
    "\n#else\n",
    "\n#endif\n",
    "\n#pragma pack(1)\n",
    "## ",
    "# ",
    "do ",
    "while (0) ",
    "return ",
    "SEC(\"tc\") ",
    "SEC(\".maps\") ",
    "__uint(type, a) ",
    "static const ",
    "extern ",
    "\"s\" ",
    "'c' ",
    "-> ",
    ". ",
    "\\\n",
    "é",
    "\0",
    "/* ",
    "bpf_loop(1, f, a, 0)",
    "__attribute__((packed)) ",
    "typeof(",
    "__VA_ARGS__ ",
    "... ",
];

/// Asks about everything in `text`, both as a file and as a header.
fn exercise(text: &str) {
    let parsed = Parsed::parse(Arc::from(text));
    let headers = std::iter::once(Arc::new(Header::scan(Arc::from(text)))).collect();
    ask(&Sema::new(&parsed, &headers), &parsed);
    ask(&with_headers("", &[text]), &parsed);
}

fn ask(sema: &Sema, parsed: &Parsed) {
    for name in ["a", "b", "f", "__VA_ARGS__"] {
        sema.constant(name);
        sema.global(name);
        sema.prototype(name);
        sema.function(name);
        sema.is_callback(name);
        sema.expand_object(name, text::Span::default());
        sema.expand_call(name, &[expr("b")], text::Span::default());
        sema.fold(&expr(&format!("{name}(1) + sizeof({name})")), &FileScope);
        for record in
            [false, true].into_iter().filter_map(|is_union| sema.record_named(is_union, name))
        {
            sema.fields(&record);
        }
        sema.typedef(name).and_then(|ty| sema.size_of(&ty));
    }
    sema.maps();
    sema.programs();
    for item in &parsed.unit().items {
        let ty: &Type = match item {
            Item::Function(function) => &function.ret,
            Item::Declaration(declaration) => &declaration.base,
        };
        sema.align_of(&sema.resolve(ty));
    }
}
