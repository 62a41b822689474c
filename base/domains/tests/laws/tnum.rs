//! Laws of the known-bits domain.

use domains::Tnum;
use proptest::prelude::*;

use super::any_word;

fn tnum() -> impl Strategy<Value = Tnum> {
    (any_word(), prop_oneof![Just(0), any_word(), any::<u64>()])
        .prop_map(|(value, mask)| Tnum::new(value, mask))
}

/// A set of words and one of them.
fn tnum_with_member() -> impl Strategy<Value = (Tnum, u64)> {
    (tnum(), any::<u64>()).prop_map(|(set, pick)| (set, set.value() | (pick & set.mask())))
}

fn nested() -> impl Strategy<Value = (Tnum, Tnum)> {
    (tnum(), tnum()).prop_map(|(a, b)| (a, a.join(b)))
}

type Binary<T> = fn(T, T) -> T;
type Unary<T> = fn(T, u32) -> T;

const BINARY: [(&str, Binary<Tnum>, Binary<u64>); 6] = [
    ("+", |a, b| a + b, u64::wrapping_add),
    ("-", |a, b| a - b, u64::wrapping_sub),
    ("*", |a, b| a * b, u64::wrapping_mul),
    ("&", |a, b| a & b, |a, b| a & b),
    ("|", |a, b| a | b, |a, b| a | b),
    ("^", |a, b| a ^ b, |a, b| a ^ b),
];

const SHIFTS: [(&str, Unary<Tnum>, Unary<u64>); 4] = [
    ("<<", |a, n| a << n, |a, n| a.checked_shl(n).unwrap_or(0)),
    (">>", |a, n| a >> n, |a, n| a.checked_shr(n).unwrap_or(0)),
    ("arsh", Tnum::arsh, |a, n| (a.cast_signed() >> n.min(63)).cast_unsigned()),
    (
        "neg, not",
        |a, n| if n % 2 == 0 { -a } else { !a },
        |a, n| if n % 2 == 0 { a.wrapping_neg() } else { !a },
    ),
];

proptest! {
    #[test]
    fn join_is_a_least_upper_bound(a in tnum(), b in tnum(), c in tnum()) {
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        prop_assert_eq!(a.join(a), a);
        prop_assert!(a.leq(a.join(b)) && a.leq(Tnum::TOP));
        prop_assert_eq!(a.leq(b), a.join(b) == b);
        prop_assert_eq!(a.leq(c) && b.leq(c), a.join(b).leq(c));
        prop_assert_eq!(a.leq(b) && b.leq(a), a == b);
    }

    #[test]
    fn meet_is_the_intersection(a in tnum(), (b, x) in tnum_with_member()) {
        prop_assert_eq!(a.meet(b).is_some_and(|meet| meet.contains(x)), a.contains(x));
        prop_assert_eq!(a.leq(b), a.meet(b) == Some(a));
    }

    #[test]
    fn operations_are_sound((a, x) in tnum_with_member(), (b, y) in tnum_with_member(), count in 0_u32..80) {
        for (name, on_sets, on_words) in BINARY {
            prop_assert!(on_sets(a, b).contains(on_words(x, y)), "{a:?} {name} {b:?} misses {x:#x}, {y:#x}");
        }
        for (name, on_sets, on_words) in SHIFTS {
            prop_assert!(on_sets(a, count).contains(on_words(x, count)), "{a:?} {name} {count} misses {x:#x}");
        }
    }

    #[test]
    fn operations_are_monotone_and_exact_on_constants((a, a_more) in nested(), (b, b_more) in nested(), count in 0_u32..80) {
        for (name, on_sets, on_words) in BINARY {
            prop_assert!(on_sets(a, b).leq(on_sets(a_more, b_more)), "{name}");
            let constants = on_sets(Tnum::constant(a.max()), Tnum::constant(b.min()));
            prop_assert_eq!(constants.as_constant(), Some(on_words(a.max(), b.min())), "{}", name);
        }
        for (name, on_sets, _) in SHIFTS {
            prop_assert!(on_sets(a, count).leq(on_sets(a_more, count)), "{name}");
        }
    }

    #[test]
    fn sums_and_differences_are_optimal(bits in (0_u64..16, 0_u64..16, 0_u64..16, 0_u64..16)) {
        let (a, b) = (Tnum::new(bits.0, bits.1), Tnum::new(bits.2, bits.3));
        let members = |set: Tnum| (0_u64..16).filter(move |&word| set.contains(word));
        for (_, on_sets, on_words) in &BINARY[..2] {
            let exact = members(a)
                .flat_map(|x| members(b).map(move |y| Tnum::constant(on_words(x, y))))
                .reduce(Tnum::join)
                .expect("not empty");
            prop_assert_eq!(on_sets(a, b), exact);
        }
    }

    #[test]
    fn casts_keep_the_low_bits((a, x) in tnum_with_member(), bits in 1_u32..=64) {
        let dropped = 64 - bits;
        prop_assert!(a.cast(bits, false).contains(x << dropped >> dropped));
        prop_assert!(a.cast(bits, true).contains(((x << dropped).cast_signed() >> dropped).cast_unsigned()));
    }

    #[test]
    fn ends_are_the_extreme_members((a, x) in tnum_with_member(), low in any_word(), high in any_word()) {
        prop_assert!(a.min() <= x && x <= a.max());
        prop_assert!(a.signed_min() <= x.cast_signed() && x.cast_signed() <= a.signed_max());
        for end in [a.min(), a.max(), a.signed_min().cast_unsigned(), a.signed_max().cast_unsigned()] {
            prop_assert!(a.contains(end));
        }
        let range = Tnum::from_range(low.min(high), low.max(high));
        prop_assert!(range.contains(low) && range.contains(high) && range.contains(low.midpoint(high)));
    }
}
