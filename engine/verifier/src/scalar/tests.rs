//! Laws of numbers: whatever a program can compute is what is known of it.

use isa::{AluOp, Cond, Width};
use proptest::prelude::*;

use super::Bounds;
use super::compare;

/// A number that contains at least the given words, made of what a program can learn.
fn holding(words: &[u64], mask: u64) -> Bounds {
    let mut bounds = Bounds::UNKNOWN;
    let fold = |min: fn(u64, u64) -> u64| words.iter().copied().reduce(min).unwrap_or(0);
    bounds.umin = fold(u64::min);
    bounds.umax = fold(u64::max);
    let differ = words.iter().fold(0, |all, word| all | (word ^ words[0]));
    bounds.bits = domains::Tnum::new(words[0], differ | mask);
    bounds.smin = words.iter().map(|word| word.cast_signed()).min().unwrap_or(0);
    bounds.smax = words.iter().map(|word| word.cast_signed()).max().unwrap_or(0);
    bounds
}

fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0_u64..64,
        any::<i8>().prop_map(|value| i64::from(value).cast_unsigned()),
        any::<i32>().prop_map(|value| i64::from(value).cast_unsigned()),
        any::<u32>().prop_map(u64::from),
        (0_u32..64).prop_map(|bit| 1 << bit),
        (0_u32..64).prop_map(|bit| (1 << bit) - 1),
    ]
}

/// Words, and what is known of a number that is one of them.
fn number() -> impl Strategy<Value = (Vec<u64>, Bounds)> {
    (proptest::collection::vec(word(), 1..4), prop_oneof![Just(0), any::<u64>(), word()]).prop_map(
        |(words, mask)| {
            let mut bounds = holding(&words, mask);
            bounds.sync();
            (words, bounds)
        },
    )
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::Bits32), Just(Width::Bits64)]
}

fn compute(op: AluOp, width: Width, a: u64, b: u64) -> u64 {
    let wide = |a: u64, b: u64, bits: u32| {
        let count = u32::try_from(b).unwrap_or(0) & (bits - 1);
        match op {
            AluOp::Add => a.wrapping_add(b),
            AluOp::Sub => a.wrapping_sub(b),
            AluOp::Mul => a.wrapping_mul(b),
            AluOp::And => a & b,
            AluOp::Or => a | b,
            AluOp::Xor => a ^ b,
            AluOp::Lsh => a << count,
            AluOp::Rsh => a >> count,
            AluOp::Arsh if bits == 32 => {
                let half = super::bounds::low_signed(a) >> count;
                u64::from(half.cast_unsigned())
            }
            AluOp::Arsh => (a.cast_signed() >> count).cast_unsigned(),
            _ => 0,
        }
    };
    match width {
        Width::Bits64 => wide(a, b, 64),
        Width::Bits32 => wide(a & 0xffff_ffff, b & 0xffff_ffff, 32) & 0xffff_ffff,
    }
}

fn holds(cond: Cond, width: Width, a: u64, b: u64) -> bool {
    let (a, b, x, y) = match width {
        Width::Bits64 => (a, b, a.cast_signed(), b.cast_signed()),
        Width::Bits32 => {
            let half = |word| i64::from(super::bounds::low_signed(word));
            (a & 0xffff_ffff, b & 0xffff_ffff, half(a), half(b))
        }
    };
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Set => a & b != 0,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::SignedGt => x > y,
        Cond::SignedGe => x >= y,
        Cond::SignedLt => x < y,
        Cond::SignedLe => x <= y,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nothing_is_lost_in_exchange((words, bounds) in number()) {
        prop_assert!(words.iter().all(|word| bounds.contains(*word)), "{bounds:?}");
        prop_assert!(bounds.is_consistent(), "{bounds:?}");
    }

    #[test]
    fn operators_give_what_programs_compute(
        op in proptest::sample::select(AluOp::ALL.to_vec()),
        width in width(),
        (words, a) in number(),
        (others, b) in number(),
    ) {
        let mut result = a;
        // What the kernel does not compute is unknown, which nothing contradicts.
        let computed = result.apply(op, width, &b);
        for word in &words {
            for other in &others {
                let value = compute(op, width, *word, *other);
                prop_assert!(
                    !computed || result.contains(value),
                    "{word:#x} {other:#x} {value:#x} {result:?}"
                );
            }
        }
    }

    #[test]
    fn negation_and_extension_give_what_programs_compute(
        width in width(),
        bytes in proptest::sample::select(vec![1_u32, 2, 4]),
        (words, a) in number(),
    ) {
        let mut negated = a;
        negated.negate(width);
        let (mut truncated, mut extended) = (a, a);
        truncated.truncate(bytes);
        extended.sign_extend(bytes);
        let unused = 64 - bytes * 8;
        for word in &words {
            let value = compute(AluOp::Sub, width, 0, *word);
            prop_assert!(negated.contains(value), "{value:#x} {negated:?}");
            prop_assert!(truncated.contains(word << unused >> unused), "{truncated:?}");
            let mut swapped = a;
            swapped.swap(isa::SwapKind::ToBe, bytes.max(2) * 8);
            let value = (word << (64 - bytes.max(2) * 8)).swap_bytes();
            prop_assert!(swapped.contains(value), "{value:#x} {swapped:?}");
            let value = ((word << unused).cast_signed() >> unused).cast_unsigned();
            prop_assert!(extended.contains(value), "{value:#x} {extended:?}");
        }
    }

    #[test]
    fn comparisons_are_decided_as_programs_decide(
        cond in proptest::sample::select(Cond::ALL.to_vec()),
        width in width(),
        (words, a) in number(),
        (others, b) in number(),
    ) {
        let outcome = compare::outcome(&a, &b, cond, width);
        for word in &words {
            for other in &others {
                let taken = holds(cond, width, *word, *other);
                prop_assert!(outcome.is_none_or(|outcome| outcome == taken), "{word:#x} {other:#x}");
                let (mut x, mut y) = (a, b);
                if outcome.is_none() {
                    compare::refine(&mut x, &mut y, cond, width, taken);
                    prop_assert!(x.contains(*word), "{word:#x} {other:#x} {x:?}");
                    prop_assert!(y.contains(*other), "{word:#x} {other:#x} {y:?}");
                }
            }
        }
    }
}
