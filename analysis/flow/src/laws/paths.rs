//! Lowering: which values a function can return, and in which order it calls.

use super::{exits, lowered, names};
use crate::interp::callee_name;
use crate::mir::InstKind;

/// Bodies of `int f(int a, int b)` and all constants they can return; `?` stands for what is no constant.
const RETURNS: &[(&str, &str)] = &[
    // Branches and short-circuit operators.
    ("if (a) return 1; return 2;", "1 2"),
    ("if (1) return 1; return 2;", "1"),
    ("if (0) return 1; else if (a > 3) return 2; else return 3;", "2 3"),
    ("if (a > 5 && a < 3) return 1; return 2;", "2"),
    ("if (a > 5 || a < 9) return 1; return 2;", "1"),
    ("if (!(a > 5 && b)) return 1; if (a <= 5) return 2; return 3;", "1 3"),
    ("int x = 0; if (a && (x = 1)) return x; return 10 + x;", "1 10"),
    ("int x = 0; if (0 && (x = 1)) return 5; return x;", "0"),
    ("int x = a || b; if (x) return 1; return 0;", "0 1"),
    ("return a ? 1 : 2;", "1 2"),
    ("return 0 ? 1 : a ? 3 : 4;", "3 4"),
    ("int x = 5; int y = a ? x++ : x--; return x + y * 0;", "4 6"),
    ("int x = (a, 3); return x;", "3"),
    ("int x = ({ int y = 4; if (a) y = 6; y + 1; }); return x;", "5 7"),
    // Jumps.
    ("goto out; return 1; out: return 2;", "2"),
    ("int x = 1; if (a) goto out; x = 2; out: return x;", "1 2"),
    ("int x = 0; again: x++; if (x < 3) goto again; return x;", "3"),
    ("{ goto in; } if (a) { in: return 7; } return 8;", "7"),
    // Switches.
    ("switch (a) { case 1: return 10; case 2: return 20; } return 30;", "10 20 30"),
    ("switch (2) { case 1: return 10; case 2: return 20; default: return 30; }", "20"),
    (
        "int x = 0; switch (a) { case 1: x += 1; case 2: x += 10; break; default: x = 5; } return x;",
        "5 10 11",
    ),
    ("int x = 0; switch (a) { default: x = 5; break; case 3: x = 4; } return x;", "4 5"),
    ("switch (a) { case 1 ... 3: return 1; default: return 2; }", "1 2"),
    (
        "if (a < 0 || a > 1) return 9; switch (a) { case 0: return 0; case 1: return 1; } return 2;",
        "0 1 9",
    ),
    ("switch (a) { case 4: if (a != 4) return 1; return 2; } return 3;", "2 3"),
    // Loops.
    ("int x = 0; while (x < 2) x++; return x;", "2"),
    ("int x = 0; do { x++; } while (0); return x;", "1"),
    ("int x = 0; do { if (a) break; x = 2; } while (0); return x;", "0 2"),
    ("for (int i = 0; i < 8; i++) { if (i == a) return 1; } return 2;", "1 2"),
    ("int x = 3; for (;;) { if (a) continue; break; } return x;", "3"),
    (
        "for (int i = 0; i < 2; i++) { int x = 0; switch (i) { case 0: continue; default: x = 1; } if (!x) return 1; } return 2;",
        "2",
    ),
    ("bpf_for(i, 0, 4) { if (i < 0 || i >= 4) return 1; } return 2;", "2"),
    ("int x = 7; bpf_repeat(10) { if (a) break; x = 8; } return x;", "7 8"),
    ("int x = 7; int *it; bpf_for_each(task, it, a) { x = 8; continue; x = 9; } return x;", "7 8"),
    ("int x = 7; my_for_each_entry(it, a) { if (b) break; x = 8; } return x;", "7 8"),
    // Scopes and stores.
    ("int x = 1; { int x = 2; x++; } return x;", "1"),
    ("int x = 1; int *p = &x; *p = 4; return x;", "4"),
    ("struct { int u, v; } s = { .u = 3 }; s.v = 5; return s.u + s.v;", "8"),
    ("int t[2] = {}; t[1] = 6; return t[1] - t[0];", "6"),
    ("int x = 1; x <<= 3; x |= 1; x ^= 2; x -= 1; return x;", "10"),
    ("return sizeof(int) + sizeof(a);", "8"),
    ("return unknown(a);", "?"),
];

fn returned(body: &str) -> String {
    let text = format!("int f(int a, int b)\n{{\n{body}\n}}\n");
    let exits = exits(&text, &[]).unwrap_or_else(|| panic!("given up: {body}"));
    let mut values: Vec<Option<i128>> = exits.iter().map(|exit| exit.value.as_constant()).collect();
    values.sort_unstable();
    values.dedup();
    let words: Vec<String> = values
        .iter()
        .map(|value| value.map_or_else(|| "?".to_owned(), |value| value.to_string()))
        .collect();
    words.join(" ")
}

#[test]
fn bodies_return_what_their_paths_say() {
    let wrong: Vec<String> = RETURNS
        .iter()
        .filter_map(|(body, expected)| {
            let returned = returned(body);
            (returned != *expected)
                .then(|| format!("{body}\n    returns {returned}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Bodies of `int f(int a)` and the calls in the order in which they are followed; where C leaves the order of operands
/// open, any would do.
const CALLS: &[(&str, &str)] = &[
    ("return h(g(a), k());", "g k h"),
    ("int x = g(); x += h(x); k(x, x++);", "g h k"),
    ("if (g() && h()) k();", "g h k"),
    ("int t[4]; t[g()] = h(); return k(&t[l()]);", "h g l k"),
    ("struct { int (*op)(int); } *s = g(); s->op(h());", "g h"),
    ("for (int i = g(); h(i); k(i)) l(i);", "g h l k"),
];

#[test]
fn calls_come_in_the_order_of_evaluation() {
    for (body, expected) in CALLS {
        let sema = names(&format!("int f(int a)\n{{\n{body}\n}}\n"));
        let body = lowered(&sema);
        let mut calls: Vec<(u32, &str)> = Vec::new();
        for inst in body.blocks.iter().flat_map(|block| &block.insts) {
            if let InstKind::Call { number, callee, .. } = &inst.kind
                && let Some(name) = callee_name(callee)
            {
                calls.push((*number, name));
            }
        }
        calls.sort_unstable();
        let order: Vec<&str> = calls.into_iter().map(|(_, name)| name).collect();
        assert_eq!(order.join(" "), *expected);
    }
}
