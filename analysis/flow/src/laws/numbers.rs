//! Linear expressions form a commutative group, and joins of numbers are upper bounds.

use domains::Scalar;
use proptest::prelude::*;

use crate::value::{Lin, Num, SymId};

/// Expressions small enough that a few sums cannot overflow.
fn lin() -> impl Strategy<Value = Lin> {
    let terms = prop::collection::btree_map(
        0_u32..4,
        (-50_i64..50).prop_filter("no factor 0", |factor| *factor != 0),
        0..4,
    );
    (terms, -1000_i64..1000).prop_map(|(terms, constant)| Lin {
        terms: terms.into_iter().map(|(symbol, factor)| (SymId(symbol), factor)).collect(),
        constant,
    })
}

fn sum(a: &Lin, b: &Lin) -> Lin {
    a.add_scaled(b, 1).expect("small numbers do not overflow")
}

/// Any number: a constant or a range, with or without an expression.
pub(super) fn num() -> impl Strategy<Value = Num> {
    let ends = prop_oneof![
        -20_i128..20,
        0_i128..70_000,
        Just(0xffff_ffff),
        i128::from(i64::MIN)..i128::from(i64::MAX)
    ];
    let range = (ends.clone(), ends)
        .prop_map(|(a, b)| Scalar::range(a.min(b), a.max(b)).expect("the ends are ordered"));
    prop_oneof![
        (-20_i128..300).prop_map(Num::constant),
        range.clone().prop_map(Num::of),
        (range, lin()).prop_map(|(scalar, lin)| Num { scalar, lin: Some(lin) }),
        Just(Num::top()),
    ]
}

/// Whether every value of `part` is one of `whole`.
pub(super) fn covers(whole: &Num, part: &Num) -> bool {
    part.scalar.leq(whole.scalar) && (whole.lin.is_none() || whole.lin == part.lin)
}

proptest! {
    #[test]
    fn sums_commute_and_associate(a in lin(), b in lin(), c in lin()) {
        prop_assert_eq!(sum(&a, &b), sum(&b, &a));
        prop_assert_eq!(sum(&sum(&a, &b), &c), sum(&a, &sum(&b, &c)));
    }

    #[test]
    fn zero_is_neutral_and_everything_has_an_inverse(a in lin(), b in lin()) {
        let zero = Lin::constant(0);
        prop_assert_eq!(&sum(&a, &zero), &a);
        prop_assert_eq!(&a.add_scaled(&b, 0).expect("nothing is added"), &a);
        prop_assert_eq!(a.add_scaled(&a, -1), Some(zero));
        prop_assert_eq!(&sum(&a, &b).add_scaled(&b, -1).expect("small numbers do not overflow"), &a);
    }

    #[test]
    fn scaling_distributes(a in lin(), b in lin(), factor in -20_i64..20) {
        let zero = Lin::constant(0);
        let apart = zero.add_scaled(&a, factor).and_then(|scaled| scaled.add_scaled(&b, factor));
        prop_assert_eq!(zero.add_scaled(&sum(&a, &b), factor), apart);
    }

    #[test]
    fn a_difference_is_what_was_added(a in lin(), shift in -1000_i64..1000) {
        prop_assert_eq!(sum(&a, &Lin::constant(shift)).difference(&a), Some(shift));
        prop_assert_eq!(a.difference(&sum(&a, &Lin::symbol(SymId(9)))), None);
    }

    #[test]
    fn overflow_gives_nothing(factor in prop_oneof![Just(i64::MIN), Just(i64::MAX)]) {
        let large = Lin { terms: smallvec::smallvec![(SymId(0), i64::MAX)], constant: i64::MIN };
        prop_assert_eq!(large.add_scaled(&large, factor), None);
        prop_assert_eq!(large.add_scaled(&large, 1), None);
    }

    #[test]
    fn joins_and_widenings_are_upper_bounds(a in num(), b in num()) {
        let joined = a.join(&b);
        prop_assert!(covers(&joined, &a) && covers(&joined, &b));
        let widened = a.widen(&b);
        prop_assert!(covers(&widened, &a) && covers(&widened, &b), "{widened:?}");
        prop_assert_eq!(&a.join(&a), &a);
        prop_assert_eq!(joined, b.join(&a));
    }
}
