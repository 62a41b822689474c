//! Laws of the interval domain.

use domains::Interval;
use proptest::prelude::*;

use super::{COMPARISONS, OPERATIONS, apply, integer, wrapped};

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        8 => (integer(), integer())
            .prop_map(|(a, b)| Interval::new(a.min(b), a.max(b)).expect("ordered ends")),
        1 => integer().prop_map(Interval::constant),
        1 => Just(Interval::TOP),
    ]
}

/// An interval and one of its members.
fn interval_with_member() -> impl Strategy<Value = (Interval, i128)> {
    (integer(), interval(), any::<bool>()).prop_map(|(value, around, constant)| {
        let point = Interval::constant(value);
        (if constant { point } else { point.join(around) }, value)
    })
}

/// A second interval that holds the first.
fn nested() -> impl Strategy<Value = (Interval, Interval)> {
    (interval(), interval()).prop_map(|(a, b)| (a, a.join(b)))
}

proptest! {
    #[test]
    fn join_is_a_least_upper_bound(a in interval(), b in interval(), c in interval()) {
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        prop_assert_eq!(a.join(a), a);
        prop_assert!(a.leq(a.join(b)) && a.leq(Interval::TOP));
        prop_assert_eq!(a.leq(b), a.join(b) == b);
        prop_assert_eq!(a.leq(c) && b.leq(c), a.join(b).leq(c));
        prop_assert_eq!(a.leq(b) && b.leq(a), a == b);
    }

    #[test]
    fn meet_is_the_intersection(a in interval(), b in interval(), value in integer()) {
        let both = a.contains(value) && b.contains(value);
        prop_assert_eq!(a.meet(b).is_some_and(|meet| meet.contains(value)), both);
        prop_assert_eq!(a.leq(b), a.meet(b) == Some(a));
    }

    #[test]
    fn widening_is_an_upper_bound_and_stabilises(start in interval(), steps in prop::collection::vec(interval(), 1..60)) {
        let (mut current, mut changes) = (start, 0);
        for step in steps {
            let next = current.widen(step, &Interval::TYPE_LIMITS);
            prop_assert!(current.leq(next) && step.leq(next));
            changes += u32::from(next != current);
            current = next;
        }
        // Each end moves at most once past each threshold and once to infinity.
        prop_assert!(changes <= 2 * 16, "{changes} changes");
    }

    #[test]
    fn operations_are_sound((a, x) in interval_with_member(), (b, y) in interval_with_member()) {
        for (name, concrete) in OPERATIONS {
            let result = apply!(name, a, b);
            if let Some(value) = concrete(x, y) {
                prop_assert!(result.contains(value), "{a} {name} {b} = {result} misses {x} {name} {y} = {value}");
            }
        }
        prop_assert!(x.checked_neg().is_none_or(|value| (-a).contains(value)));
        prop_assert!((!a).contains(!x));
    }

    #[test]
    fn operations_are_monotone((a, a_more) in nested(), (b, b_more) in nested()) {
        for (name, _) in OPERATIONS {
            let (less, more) = (apply!(name, a, b), apply!(name, a_more, b_more));
            prop_assert!(less.leq(more), "{a} {name} {b} = {less}, {a_more} {name} {b_more} = {more}");
        }
        prop_assert!((-a).leq(-a_more) && (!a).leq(!a_more));
    }

    #[test]
    fn operations_on_constants_are_exact(x in -1_000_000_i128..1_000_000, y in -1000_i128..1000) {
        for (name, concrete) in OPERATIONS {
            if let Some(value) = concrete(x, y) {
                let result = apply!(name, Interval::constant(x), Interval::constant(y));
                prop_assert_eq!(result, Interval::constant(value), "{} {} {}", x, name, y);
            }
        }
    }

    #[test]
    fn casts_wrap_soundly_and_monotonely((a, x) in interval_with_member(), b in interval(), bits in 1_u32..=64, signed: bool) {
        let cast = a.cast(bits, signed);
        prop_assert!(cast.contains(wrapped(x, bits, signed)), "{a} as {bits} bits = {cast}");
        prop_assert!(cast.leq(Interval::top_of(bits, signed)));
        prop_assert!(cast.leq(a.join(b).cast(bits, signed)));
        if Interval::constant(x).is_bounded() {
            let exact = Interval::constant(x).cast(bits, signed).as_constant();
            prop_assert_eq!(exact, Some(wrapped(x, bits, signed)));
        }
    }

    #[test]
    fn refinement_keeps_exactly_the_pairs_that_compare((a, x) in interval_with_member(), (b, y) in interval_with_member()) {
        for op in COMPARISONS {
            let (left, right) = a.refine(op, b);
            prop_assert_eq!(left.is_some(), right.is_some());
            prop_assert!(left.is_none_or(|left| left.leq(a)) && right.is_none_or(|right| right.leq(b)));
            if op.holds(x, y) {
                prop_assert!(left.is_some_and(|left| left.contains(x)), "{a} {op:?} {b} loses {x}");
                prop_assert!(right.is_some_and(|right| right.contains(y)), "{a} {op:?} {b} loses {y}");
            }
            if let Some(known) = a.decide(op, b) {
                prop_assert_eq!(known, op.holds(x, y));
            }
            prop_assert_eq!(op.holds(x, y), op.swap().holds(y, x));
            prop_assert_eq!(op.holds(x, y), !op.negate().holds(x, y));
        }
    }
}

fn range(lo: i128, hi: i128) -> Interval {
    Interval::new(lo, hi).expect("ordered ends")
}

#[test]
fn results_are_as_tight_as_expected() {
    let cases = [
        ("u8 + u8", Interval::top_of(8, false) + Interval::top_of(8, false), range(0, 510)),
        ("mixed product", range(-2, 3) * range(-5, 7), range(-15, 21)),
        ("quotient by either sign", range(10, 20) / range(-2, 5), range(-20, 20)),
        ("remainder", range(0, 1000) % Interval::constant(16), range(0, 15)),
        ("remainder within one quotient", range(33, 40) % Interval::constant(16), range(1, 8)),
        ("remainder of the small", range(0, 5) % range(6, 9), range(0, 5)),
        ("negative remainder", range(-7, 100) % range(10, 20), range(-7, 19)),
        ("masked unknown", Interval::TOP & Interval::constant(0xff), range(0, 255)),
        ("or of bytes", range(0, 200) | range(3, 9), range(3, 255)),
        ("xor of bytes", range(0, 200) ^ range(0, 3), range(0, 255)),
        ("header length", range(5, 15) << Interval::constant(2), range(20, 60)),
        ("shift right", range(-7, 7) >> Interval::constant(1), range(-4, 3)),
        ("count unknown", range(1, 2) << range(0, 200), Interval::TOP),
        ("wrap to u8", range(250, 260).cast(8, false), Interval::top_of(8, false)),
        ("wrap past the end", range(256, 260).cast(8, false), range(0, 4)),
        (
            "minus one as u32",
            Interval::constant(-1).cast(32, false),
            Interval::constant(0xffff_ffff),
        ),
        (
            "high half as int",
            range(0x8000_0000, 0x8000_0001).cast(32, true),
            range(-0x8000_0000, -0x7fff_ffff),
        ),
        ("unbounded to int", Interval::TOP.cast(32, true), Interval::top_of(32, true)),
        ("widen to a limit", range(0, 3).widen(range(0, 4), &Interval::TYPE_LIMITS), range(0, 127)),
    ];
    for (what, actual, expected) in cases {
        assert_eq!(actual, expected, "{what}");
    }
}

#[test]
fn ends_out_of_the_representation_are_unbounded() {
    let huge = Interval::constant(i128::MAX) * Interval::constant(2);
    assert_eq!(huge.hi(), i128::MAX);
    assert_eq!(huge.as_constant(), None);
    assert_eq!((huge - Interval::constant(1)).hi(), i128::MAX);
    assert_eq!((-huge).lo(), i128::MIN);
    assert_eq!(Interval::new(3, 2), None);
    assert_eq!(
        format!("{} {} {}", Interval::TOP, range(0, 7), range(i128::MIN, -1)),
        "any 0..=7 ..=-1"
    );
}
