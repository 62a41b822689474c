//! Numbers as Linux 6.18 printed them before and after instructions of the corpus.

use isa::{AluOp, Cond, Width};

use domains::Tnum;

use super::bounds::{low, low_signed};
use super::{Bounds, compare};

/// A number of the log: decimal, or hexadecimal with the wrapped value of a negative one.
fn word(text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse::<i64>().ok().map(i64::cast_unsigned),
    };
    parsed.unwrap_or_else(|| panic!("{text}"))
}

/// What is known, from the words of the log (`print_scalar_ranges`): `7`, or `smin=umin=1,var_off=(0x0; 0xff)`.
fn known(text: &str) -> Bounds {
    let mut known = Bounds::UNKNOWN;
    let (ranges, bits) = text.split_once("var_off=(").unwrap_or((text, ""));
    if let Some((value, mask)) = bits.trim_end_matches(')').split_once("; ") {
        known.bits = Tnum::new(word(value), word(mask));
    } else if !text.is_empty() && !text.contains('=') {
        return Bounds::constant(word(text));
    }
    for names in ranges.split(',').filter(|names| !names.is_empty()) {
        let (names, value) = names.rsplit_once('=').expect("a value");
        let value = word(value);
        for name in names.split('=') {
            match name {
                "smin" => known.smin = value.cast_signed(),
                "smax" => known.smax = value.cast_signed(),
                "umin" => known.umin = value,
                "umax" => known.umax = value,
                "smin32" => known.s32_min = low_signed(value),
                "smax32" => known.s32_max = low_signed(value),
                "umin32" => known.u32_min = low(value),
                "umax32" => known.u32_max = low(value),
                _ => panic!("{name}"),
            }
        }
    }
    known
}

const W: Width = Width::Bits32;
const R: Width = Width::Bits64;
const WORD: &str = "smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)";
const BYTE: &str = "smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)";

#[test]
fn arithmetic() {
    let seven = "smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7)";
    let to_31 = "smin=smin32=0,smax=umax=smax32=umax32=31,var_off=(0x0; 0x1f)";
    let high = "smax=0x7fffffff00000000,umax=0xffffffff00000000,smin32=0,smax32=umax32=0,\
                var_off=(0x0; 0xffffffff00000000)";
    let hash = "smin=0xcbf29ce484222300,smax=0xcbf29ce4842223ff,umin=0xcbf29ce484222300,\
                umax=0xcbf29ce4842223ff,smin32=umin32=0x84222300,smax32=umax32=0x842223ff,\
                var_off=(0xcbf29ce484222300; 0xff)";
    for (op, width, lhs, rhs, after) in [
        (AluOp::And, R, "", "63", "smin=smin32=0,smax=umax=smax32=umax32=63,var_off=(0x0; 0x3f)"),
        (AluOp::Mul, R, seven, "9", "smin=smin32=0,smax=umax=smax32=umax32=63,var_off=(0x0; 0x3f)"),
        (
            AluOp::Mul,
            R,
            seven,
            "10",
            "smin=smin32=0,smax=umax=smax32=umax32=70,var_off=(0x0; 0x7e)",
        ),
        (AluOp::Mul, R, WORD, WORD, "umax=0xfffffffe00000001"),
        (
            AluOp::Mul,
            W,
            WORD,
            "100",
            "smin=0,smax=umax=umax32=0xfffffffc,smax32=0x7ffffffc,var_off=(0x0; 0xfffffffc)",
        ),
        (AluOp::Add, R, WORD, "5", "smin=umin=5,smax=umax=0x100000004,var_off=(0x0; 0x1ffffffff)"),
        (
            AluOp::Add,
            W,
            "smin=umin=umin32=1,smax=umax=umax32=0xfffffffe,smin32=-201,smax32=28,\
             var_off=(0x0; 0xffffffff)",
            "-1",
            "smin=0,smax=umax=umax32=0xfffffffd,smin32=-202,smax32=27,var_off=(0x0; 0xffffffff)",
        ),
        (AluOp::Sub, R, to_31, "16", "smin=smin32=-16,smax=smax32=15"),
        (AluOp::Sub, R, "31", to_31, to_31),
        (
            AluOp::Sub,
            W,
            to_31,
            "64",
            "smin=umin=umin32=0xffffffc0,smax=umax=umax32=0xffffffdf,smin32=-64,smax32=-33,\
             var_off=(0xffffffc0; 0x1f)",
        ),
        (AluOp::Lsh, R, WORD, "32", high),
        (AluOp::Arsh, R, high, "32", "smin=0xffffffff80000000,smax=0x7fffffff"),
        (
            AluOp::Lsh,
            W,
            BYTE,
            "24",
            "smin=0,smax=umax=umax32=0xff000000,smax32=0x7f000000,var_off=(0x0; 0xff000000)",
        ),
        (
            AluOp::Arsh,
            W,
            "smin=0,smax=umax=umax32=0xff000000,smax32=0x7f000000,var_off=(0x0; 0xff000000)",
            "24",
            "smin=0,smax=umax=0xffffffff,smin32=-128,smax32=127,var_off=(0x0; 0xffffffff)",
        ),
        (AluOp::Rsh, R, "", "58", "smin=smin32=0,smax=umax=smax32=umax32=63,var_off=(0x0; 0x3f)"),
        (AluOp::Xor, R, "0xcbf29ce484222325", BYTE, hash),
        (
            AluOp::Or,
            R,
            "1792",
            "",
            "smin=0x8000000000000700,umin=umin32=1792,smin32=0x80000700,\
             var_off=(0x700; 0xfffffffffffff8ff)",
        ),
        (
            AluOp::Or,
            R,
            high,
            "2",
            "smin=0x8000000000000002,smax=0x7fffffff00000002,umin=smin32=umin32=2,\
             umax=0xffffffff00000002,smax32=umax32=2,var_off=(0x2; 0xffffffff00000000)",
        ),
    ] {
        let mut number = known(lhs);
        assert!(number.apply(op, width, &known(rhs)), "{op:?}");
        assert_eq!(number, known(after), "{lhs} {op:?} {rhs}");
    }
}

#[test]
fn comparisons() {
    let to_255 = "smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)";
    for (lhs, cond, width, rhs, after) in [
        (
            WORD,
            Cond::Ne,
            R,
            "0",
            "smin=umin=umin32=1,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)",
        ),
        ("", Cond::Ne, R, "0", "umin=1"),
        ("", Cond::Ne, W, "0", "smin=0x8000000000000001,umin=umin32=1"),
        (to_255, Cond::Eq, W, "17", "17"),
        (
            "smin=0,smax=umax=0x1fffffffffffffff,var_off=(0x0; 0x1fffffffffffffff)",
            Cond::Set,
            R,
            "1",
            "smin=umin=umin32=1,smax=umax=0x1fffffffffffffff,smin32=0x80000001,\
             var_off=(0x1; 0x1ffffffffffffffe)",
        ),
        ("", Cond::Lt, R, "64", "smin=smin32=0,smax=umax=smax32=umax32=63,var_off=(0x0; 0x3f)"),
        (
            WORD,
            Cond::Gt,
            R,
            "100",
            "smin=umin=umin32=101,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)",
        ),
        (
            "smax=63",
            Cond::SignedLt,
            R,
            "0",
            "smax=-1,umin=0x8000000000000000,var_off=(0x8000000000000000; 0x7fffffffffffffff)",
        ),
        (
            "smin=0,smax=umax=0xffffffff,smax32=63,var_off=(0x0; 0xffffffff)",
            Cond::SignedLt,
            W,
            "0",
            "smin=umin=umin32=0x80000000,smax=umax=0xffffffff,smax32=-1,\
             var_off=(0x80000000; 0x7fffffff)",
        ),
    ] {
        let (mut a, mut b) = (known(lhs), known(rhs));
        assert_eq!(compare::outcome(&a, &b, cond, width), None, "{lhs} {cond:?} {rhs}");
        compare::refine(&mut a, &mut b, cond, width, true);
        assert_eq!(a, known(after), "{lhs} {cond:?} {rhs}");
    }
}
