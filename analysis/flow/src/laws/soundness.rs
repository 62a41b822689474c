//! What the interpreter says of a function holds in every run of it: generated functions are interpreted abstractly
//! and run with concrete arguments.

use std::fmt::Write as _;

use domains::Scalar;
use proptest::prelude::*;

use super::exits;
use crate::value::{Num, Value};

/// An expression over the parameters `a` and `b` and the variable `x`, all `unsigned int`.
#[derive(Clone, Debug)]
enum Expr {
    Var(usize),
    Const(u32),
    Op(&'static str, Box<Expr>, Box<Expr>),
}

/// A statement.
#[derive(Clone, Debug)]
enum Stmt {
    Set(usize, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// The body of a loop that ends after that many rounds, or when the condition holds.
    Loop(u32, Expr, Vec<Stmt>),
    /// Cases from 0 on; one without `break` falls through.
    Switch(Expr, Vec<(Vec<Stmt>, bool)>),
    Return(Expr),
}

const VARS: [&str; 3] = ["a", "b", "x"];
const ARITHMETIC: [&str; 7] = ["+", "-", "*", "&", "|", "^", "%"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

fn constant() -> impl Strategy<Value = Expr> {
    prop_oneof![4 => 0_u32..20, 1 => Just(255), 1 => Just(65_535), 1 => any::<u32>()]
        .prop_map(Expr::Const)
}

fn operand() -> impl Strategy<Value = Expr> {
    prop_oneof![3 => (0..VARS.len()).prop_map(Expr::Var), 1 => constant()]
}

fn expr() -> impl Strategy<Value = Expr> {
    let join = |(op, left, right)| Expr::Op(op, Box::new(left), Box::new(right));
    let compound = operand().prop_recursive(3, 8, 2, move |inner| {
        (prop::sample::select(&ARITHMETIC[..]), inner, operand()).prop_map(join)
    });
    let shifted =
        (prop::sample::select(&["<<", ">>"][..]), operand(), (0_u32..32).prop_map(Expr::Const))
            .prop_map(join);
    prop_oneof![3 => compound, 1 => shifted]
}

fn condition() -> impl Strategy<Value = Expr> {
    let join = |(op, left, right)| Expr::Op(op, Box::new(left), Box::new(right));
    let plain = (prop::sample::select(&COMPARISONS[..]), operand(), expr()).prop_map(join);
    plain.prop_recursive(2, 4, 2, move |inner| {
        (prop::sample::select(&["&&", "||"][..]), inner.clone(), inner).prop_map(join)
    })
}

fn stmts(depth: u32) -> BoxedStrategy<Vec<Stmt>> {
    let set = ((0..VARS.len()), expr()).prop_map(|(var, value)| Stmt::Set(var, value));
    if depth == 0 {
        return prop::collection::vec(set, 0..3).boxed();
    }
    let inner = stmts(depth - 1);
    let branch = (condition(), inner.clone(), inner.clone())
        .prop_map(|(cond, then, els)| Stmt::If(cond, then, els));
    let repeat = (0_u32..4, condition(), inner.clone())
        .prop_map(|(count, cond, body)| Stmt::Loop(count, cond, body));
    let cases = prop::collection::vec((inner, any::<bool>()), 1..4);
    let switch = (expr(), cases).prop_map(|(value, cases)| Stmt::Switch(value, cases));
    let leave = expr().prop_map(Stmt::Return);
    prop::collection::vec(
        prop_oneof![4 => set, 3 => branch, 1 => repeat, 1 => switch, 1 => leave],
        1..4,
    )
    .boxed()
}

impl Expr {
    fn c(&self) -> String {
        match self {
            Expr::Var(var) => VARS[*var].to_owned(),
            Expr::Const(value) => format!("{value}u"),
            // The remainder by zero is not defined.
            Expr::Op("%", left, right) => format!("({} % ({} | 1u))", left.c(), right.c()),
            Expr::Op(op, left, right) => format!("({} {op} {})", left.c(), right.c()),
        }
    }

    fn run(&self, vars: &[u32; 3]) -> u32 {
        let (op, left, right) = match self {
            Expr::Var(var) => return vars[*var],
            Expr::Const(value) => return *value,
            Expr::Op(op, left, right) => (*op, left.run(vars), right.run(vars)),
        };
        match op {
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "&" => left & right,
            "|" => left | right,
            "^" => left ^ right,
            "%" => left % (right | 1),
            "<<" => left.wrapping_shl(right),
            ">>" => left.wrapping_shr(right),
            "==" => u32::from(left == right),
            "!=" => u32::from(left != right),
            "<" => u32::from(left < right),
            "<=" => u32::from(left <= right),
            ">" => u32::from(left > right),
            ">=" => u32::from(left >= right),
            "&&" => u32::from(left != 0 && right != 0),
            _ => u32::from(left != 0 || right != 0),
        }
    }
}

fn c(stmts: &[Stmt], depth: usize, out: &mut String) {
    for stmt in stmts {
        let _ = match stmt {
            Stmt::Set(var, value) => writeln!(out, "{} = {};", VARS[*var], value.c()),
            Stmt::Return(value) => writeln!(out, "return {};", value.c()),
            Stmt::If(cond, then, els) => {
                let _ = writeln!(out, "if ({}) {{", cond.c());
                c(then, depth + 1, out);
                out.push_str("} else {\n");
                c(els, depth + 1, out);
                writeln!(out, "}}")
            }
            Stmt::Loop(count, cond, body) => {
                let _ = writeln!(
                    out,
                    "for (unsigned int i{depth} = 0; i{depth} < {count}u; i{depth}++) {{"
                );
                let _ = writeln!(out, "if ({}) break;", cond.c());
                c(body, depth + 1, out);
                writeln!(out, "}}")
            }
            Stmt::Switch(value, cases) => {
                let _ = writeln!(out, "switch ({}) {{", value.c());
                for (number, (body, leaves)) in cases.iter().enumerate() {
                    let _ = writeln!(out, "case {number}:;");
                    c(body, depth + 1, out);
                    out.push_str(if *leaves { "break;\n" } else { "" });
                }
                writeln!(out, "}}")
            }
        };
    }
}

/// The result, if a `return` is reached.
fn run(stmts: &[Stmt], vars: &mut [u32; 3]) -> Option<u32> {
    for stmt in stmts {
        let result = match stmt {
            Stmt::Set(var, value) => {
                vars[*var] = value.run(vars);
                None
            }
            Stmt::Return(value) => Some(value.run(vars)),
            Stmt::If(cond, then, els) => run(if cond.run(vars) != 0 { then } else { els }, vars),
            Stmt::Loop(count, cond, body) => repeat(*count, cond, body, vars),
            Stmt::Switch(value, cases) => switch(value.run(vars), cases, vars),
        };
        if result.is_some() {
            return result;
        }
    }
    None
}

fn repeat(count: u32, cond: &Expr, body: &[Stmt], vars: &mut [u32; 3]) -> Option<u32> {
    for _ in 0..count {
        if cond.run(vars) != 0 {
            return None;
        }
        if let Some(result) = run(body, vars) {
            return Some(result);
        }
    }
    None
}

fn switch(value: u32, cases: &[(Vec<Stmt>, bool)], vars: &mut [u32; 3]) -> Option<u32> {
    let first = usize::try_from(value).unwrap_or(usize::MAX);
    for (body, leaves) in cases.iter().skip(first) {
        if let Some(result) = run(body, vars) {
            return Some(result);
        }
        if *leaves {
            return None;
        }
    }
    None
}

/// The function, with `x` as the result where no `return` is reached.
fn function(body: &[Stmt]) -> String {
    let mut text =
        "unsigned int f(unsigned int a, unsigned int b)\n{\nunsigned int x = 1;\n".to_owned();
    c(body, 0, &mut text);
    text.push_str("return x;\n}\n");
    text
}

fn result(body: &[Stmt], a: u32, b: u32) -> u32 {
    let mut vars = [a, b, 1];
    run(body, &mut vars).unwrap_or(vars[2])
}

fn some_value() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0_u32..24, 1 => Just(u32::MAX), 1 => any::<u32>()]
}

/// Whether an exit can have that result.
fn possible(exits: &[crate::interp::Exit], result: u32) -> bool {
    exits.iter().any(|exit| match &exit.value {
        Value::Num(num) => num.scalar.contains(i128::from(result)),
        _ => true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_result_is_foreseen(body in stmts(3), args in prop::collection::vec((some_value(), some_value()), 12)) {
        let text = function(&body);
        let Some(exits) = exits(&text, &[]) else { return Ok(()) };
        for (a, b) in args {
            let result = result(&body, a, b);
            prop_assert!(possible(&exits, result), "f({a}, {b}) is {result}, of {:?}\n{text}", values(&exits));
        }
    }

    /// Following a merged state foresees what following either of its parts would.
    #[test]
    fn a_merged_entry_covers_both_parts(
        body in stmts(2),
        ends in [(some_value(), some_value()), (some_value(), some_value())],
        other in some_value(),
    ) {
        let text = function(&body);
        let part = |(from, to): (u32, u32)| {
            Num::of(Scalar::range(i128::from(from.min(to)), i128::from(from.max(to))).expect("the ends are ordered"))
        };
        let merged = part(ends[0]).join(&part(ends[1]));
        let Some(exits) = exits(&text, &[Some(merged), None]) else { return Ok(()) };
        for (from, to) in ends {
            for a in [from, to, from.midpoint(to)] {
                let result = result(&body, a, other);
                prop_assert!(possible(&exits, result), "f({a}, {other}) is {result}, of {:?}\n{text}", values(&exits));
            }
        }
    }

    /// A constant argument makes the result a constant where no merge forgets it.
    #[test]
    fn straight_lines_are_exact(body in stmts(0), a in some_value(), b in some_value()) {
        let text = function(&body);
        let exact = [a, b].map(|value| Some(Num::constant(i128::from(value))));
        let exits = exits(&text, &exact).expect("a few assignments are no work");
        let values: Vec<Option<i128>> = exits.iter().map(|exit| exit.value.as_constant()).collect();
        prop_assert_eq!(values, [Some(i128::from(result(&body, a, b)))], "{}", text);
    }
}

fn values(exits: &[crate::interp::Exit]) -> Vec<String> {
    exits.iter().map(|exit| format!("{:?}", exit.value)).collect()
}
