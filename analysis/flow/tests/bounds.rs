//! The analysis of any function ends soon: what grows with the text, and what could grow faster than it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flow::analyse;
use sema::{Headers, Sema};
use syntax::Parsed;

/// Each text is analysed within this time, in the test profile and on a busy machine.
const LIMIT: Duration = Duration::from_secs(5);

/// Analyses a program with the given statements behind the given declarations.
fn check(name: &str, declarations: &str, statements: &str) {
    let text = format!(
        "{declarations}\nSEC(\"tc\") int prog(struct __sk_buff *skb)\n{{\nstruct bpf_dynptr d;\nchar buf[64], *p;\n\
         int n = skb->len, m = skb->mark;\nif (bpf_dynptr_from_skb(skb, 0, &d)) return 0;\n{statements}\nreturn m;\n}}\n"
    );
    let started = Instant::now();
    let parsed = Parsed::parse(Arc::from(text));
    let analysis = analyse(&Sema::new(&parsed, &Headers::default()), parsed.text());
    assert!(started.elapsed() < LIMIT, "{name} took {:?}", started.elapsed());
    assert!(analysis.functions.len() <= 400, "{name}: {} functions", analysis.functions.len());
}

/// `write` for each number below `count`, after one another.
fn each(count: usize, write: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
    let mut text = String::new();
    for number in 0..count {
        write(&mut text, number).expect("strings take everything");
    }
    text
}

const SLICE: &str = "p = bpf_dynptr_slice(&d, 0, buf, 4);";

#[test]
fn branches_one_after_the_other() {
    let reads = each(60, |out, i| {
        writeln!(
            out,
            "if (n & {}) {{ p = bpf_dynptr_slice(&d, {i}, buf, 4); if (!p) return 2; m += p[0]; }}",
            1_u64 << (i % 31)
        )
    });
    check("reads", "", &reads);
    let writes = each(40, |out, i| {
        writeln!(
            out,
            "if (n & {}) {{ p = bpf_dynptr_slice_rdwr(&d, {i}, buf, 4); if (!p) return 2; p[0] = 1; \
             if (p == buf) bpf_dynptr_write(&d, {i}, buf, 4, 0); }}",
            1_u64 << (i % 31)
        )
    });
    check("writes", "", &writes);
}

#[test]
fn slices_alive_at_once() {
    let make = each(16, |out, i| {
        writeln!(
            out,
            "char b{i}[8]; char *p{i} = bpf_dynptr_slice_rdwr(&d, {i} * 8, b{i}, 8); if (!p{i}) return 2; p{i}[0] = 1;"
        )
    });
    let give_back = each(16, |out, i| {
        writeln!(out, "if (p{i} == b{i}) bpf_dynptr_write(&d, {i} * 8, b{i}, 8, 0);")
    });
    check("slices", "", &(make + &give_back));
}

const LEAF: &str = "static int f0(struct bpf_dynptr *d, int n) { char b[8]; char *p = bpf_dynptr_slice(d, n, b, 8); \
                    if (!p) return 0; return p[0]; }\n";

#[test]
fn calls() {
    let by = |count: usize, body: &dyn Fn(usize) -> String| {
        LEAF.to_owned()
            + &each(count, |out, i| {
                writeln!(
                    out,
                    "static int f{}(struct bpf_dynptr *d, int n) {{ {} }}",
                    i + 1,
                    body(i)
                )
            })
    };
    let chain = by(199, &|i| format!("if (n > {i}) return f{i}(d, n - 1); return f{i}(d, n + 1);"));
    check("chain", &chain, "m = f199(&d, n);");
    let tree = by(6, &|i| format!("return f{i}(d, n - 1) + f{i}(d, n + 1);"));
    check("tree", &tree, "m = f6(&d, n);");
    let itself = "static int f(struct bpf_dynptr *d, int n) { char b[8]; char *p = bpf_dynptr_slice(d, n, b, 8); \
                  if (!p) return 0; return f(d, n - 1) + p[0]; }\n";
    check("recursion", itself, "m = f(&d, n);");
    let each_other = "static int g(struct bpf_dynptr *d, int n);\n\
        static int f(struct bpf_dynptr *d, int n) { if (!bpf_dynptr_slice(d, n, 0, 8)) return 0; return g(d, n - 1) + g(d, n - 2); }\n\
        static int g(struct bpf_dynptr *d, int n) { if (n > 3) return f(d, n) + f(d, n + 1); return 1; }\n";
    check("mutual recursion", each_other, "m = f(&d, n);");
}

#[test]
fn graphs_without_structure() {
    let gotos = each(40, |out, i| {
        let (left, right) = (i * 17 % 40, i * 23 % 40);
        writeln!(
            out,
            "l{i}: p = bpf_dynptr_slice(&d, n, buf, 4); if (!p) goto l{left}; n += p[0]; if (n == {i}) goto l{right};"
        )
    });
    check("gotos", "", &gotos);
    let cases = each(500, |out, i| {
        let leave = if i % 3 == 0 { "" } else { "break;" };
        writeln!(out, "case {i}: p = bpf_dynptr_slice(&d, {i}, buf, 4); if (p) m += p[0]; {leave}")
    });
    check("switch", "", &format!("switch (n) {{\n{cases}}}"));
    let head = each(8, |out, i| {
        writeln!(out, "for (int i{i} = 0; i{i} < n; i{i}++) {{ {SLICE} if (!p) break; m += p[0];")
    });
    check("loops", "", &format!("{head}{}", "}".repeat(8)));
}

#[test]
fn macros_that_double() {
    let by = |count: usize, first: &str, params: &str, body: &dyn Fn(usize) -> String| {
        format!("#define a0{params} {first}\n")
            + &each(count, |out, i| writeln!(out, "#define a{}{params} {}", i + 1, body(i)))
    };
    let sums = by(30, "x + x", "(x)", &|i| format!("a{i}(x) + a{i}(x)"));
    check("sums", &sums, "m = a30(n);");
    let calls =
        by(30, "bpf_dynptr_slice(d, 0, buf, 4)", "(d)", &|i| format!("({{ a{i}(d); a{i}(d); }})"));
    check("calls", &calls, "p = a30(&d);");
    let few =
        by(8, "bpf_dynptr_slice(d, 0, buf, 4)", "(d)", &|i| format!("({{ a{i}(d); a{i}(d); }})"));
    check("calls that are expanded", &few, "p = a8(&d);");
    let names = by(14, "(n + n)", "", &|i| format!("(a{i} + a{i})"));
    check("names", &names, "m = a14; char z[a14];");
}

#[test]
fn deep_nesting() {
    let nest = |open: &str, inner: &str, close: &str, depth: usize| {
        open.repeat(depth) + inner + &close.repeat(depth)
    };
    check("blocks", "", &nest("{", SLICE, "}", 10_000));
    check("ifs", "", &nest("if (n) ", SLICE, "", 10_000));
    check("parentheses", "", &format!("m = {};", nest("(", "n", ")", 10_000)));
    check("unary operators", "", &format!("m = {};", nest("-~!", "n", "", 3_400)));
    check("casts", "", &format!("m = {};", nest("(int)", "n", "", 5_000)));
    check("conditions", "", &format!("m = {};", nest("n == 1 ? 2 : ", "n", "", 3_000)));
    check("calls", "", &format!("m = {};", nest("g(", "n", ")", 3_000)));
    check("indices", "", &format!("m = {};", nest("buf[", "n", "]", 3_000)));
    check("initialisers", "", &format!("int z[] = {};", nest("{", "1", "}", 5_000)));
    check("declarators", "", &format!("int {};", nest("*", "q", "[2]", 5_000)));
}

#[test]
fn long_chains() {
    let otherwise = each(5_000, |out, i| writeln!(out, "else if (n == {i}) m = {i};"));
    check("else if", "", &format!("if (n < 0) m = 1; {otherwise}"));
    check("sum", "", &format!("m = n{};", " + n".repeat(10_000)));
    check("members", "", &format!("m = skb{};", "->a".repeat(5_000)));
    check("conjunction", "", &format!("if (n{}) m = 1;", " && n".repeat(5_000)));
    check("commas", "", &format!("m = 0{};", ", m = 1".repeat(5_000)));
    check("statements", "", &"m += n;\n".repeat(10_000));
}
