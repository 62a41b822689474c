//! Laws of the reduced product.

use domains::{Comparison, Interval, Scalar, Tnum};
use proptest::prelude::*;

use super::{COMPARISONS, OPERATIONS, any_word, apply, integer, wrapped};

/// A set built from the integers it must hold, with one of them; the mask leaves bits unknown beyond
/// what the range explains.
fn scalar_with_member() -> impl Strategy<Value = (Scalar, i128)> {
    (integer(), integer(), integer(), any_word(), any::<bool>()).prop_map(
        |(x, a, b, mask, constant)| {
            if constant {
                return (Scalar::constant(x), x);
            }
            let range =
                Interval::constant(x).join(Interval::constant(a)).join(Interval::constant(b));
            let bits = Scalar::constant(x).bits();
            let set = Scalar::new(range, Tnum::new(bits.value(), mask)).expect("holds x");
            (set, x)
        },
    )
}

fn scalar() -> impl Strategy<Value = Scalar> {
    scalar_with_member().prop_map(|(set, _)| set)
}

proptest! {
    #[test]
    fn join_is_a_least_upper_bound(a in scalar(), b in scalar(), c in scalar()) {
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        prop_assert_eq!(a.join(a), a);
        prop_assert!(a.leq(a.join(b)) && a.leq(Scalar::TOP));
        prop_assert_eq!(a.leq(b), a.join(b) == b);
        prop_assert_eq!(a.leq(c) && b.leq(c), a.join(b).leq(c));
        prop_assert_eq!(a.leq(b) && b.leq(a), a == b);
    }

    #[test]
    fn meet_is_sound((a, x) in scalar_with_member(), (b, y) in scalar_with_member()) {
        for value in [x, y] {
            let both = a.contains(value) && b.contains(value);
            prop_assert_eq!(a.meet(b).is_some_and(|meet| meet.contains(value)), both);
        }
        prop_assert!(a.meet(b).is_none_or(|meet| meet.leq(a) && meet.leq(b)));
    }

    #[test]
    fn widening_is_an_upper_bound_and_stabilises(start in scalar(), steps in prop::collection::vec(scalar(), 1..150)) {
        let (mut current, mut changes) = (start, 0);
        for step in steps {
            let next = current.widen(step, &Interval::TYPE_LIMITS);
            prop_assert!(current.leq(next) && step.leq(next));
            changes += u32::from(next != current);
            current = next;
        }
        prop_assert!(changes <= 2 * 16 + 64, "{changes} changes");
    }

    #[test]
    fn operations_are_sound((a, x) in scalar_with_member(), (b, y) in scalar_with_member()) {
        for (name, concrete) in OPERATIONS {
            let result = apply!(name, a, b);
            if let Some(value) = concrete(x, y) {
                prop_assert!(result.contains(value), "{a:?} {name} {b:?} = {result:?} misses {x} {name} {y} = {value}");
            }
        }
        prop_assert!(x.checked_neg().is_none_or(|value| (-a).contains(value)));
        prop_assert!((!a).contains(!x));
    }

    #[test]
    fn operations_are_monotone(a in scalar(), b in scalar(), c in scalar(), d in scalar()) {
        let (a_more, c_more) = (a.join(b), c.join(d));
        for (name, _) in OPERATIONS {
            let (less, more) = (apply!(name, a, c), apply!(name, a_more, c_more));
            prop_assert!(less.leq(more), "{a:?} {name} {c:?} = {less:?}, {a_more:?} {name} {c_more:?} = {more:?}");
        }
    }

    #[test]
    fn casts_wrap_soundly((a, x) in scalar_with_member(), bits in 1_u32..=64, signed: bool) {
        let cast = a.cast(bits, signed);
        prop_assert!(cast.contains(wrapped(x, bits, signed)), "{a:?} as {bits} bits = {cast:?}");
        prop_assert!(cast.interval().leq(Interval::top_of(bits, signed)));
    }

    #[test]
    fn refinement_loses_no_pair_that_compares((a, x) in scalar_with_member(), (b, y) in scalar_with_member(), mask in any_word()) {
        for op in COMPARISONS {
            let (left, right) = a.refine(op, b);
            prop_assert_eq!(left.is_some(), right.is_some());
            if op.holds(x, y) {
                prop_assert!(left.is_some_and(|left| left.contains(x)), "{a:?} {op:?} {b:?} loses {x}");
                prop_assert!(right.is_some_and(|right| right.contains(y)), "{a:?} {op:?} {b:?} loses {y}");
            }
            if let Some(known) = a.decide(op, b) {
                prop_assert_eq!(known, op.holds(x, y));
            }
        }
        let set = x & i128::from(mask) != 0;
        prop_assert!(a.refine_bits(mask, set).is_some_and(|left| left.contains(x)), "{a:?} & {mask:#x}");
    }
}

#[test]
fn components_tighten_each_other() {
    let byte = Scalar::from_type(8, false);
    assert_eq!(byte.bits(), Tnum::new(0, 0xff));
    let aligned = Scalar::TOP.cast(32, false) & Scalar::constant(!3);
    assert_eq!((aligned.min(), aligned.max()), (0, 0xffff_fffc));
    let header = (byte & Scalar::constant(0xf)) << Scalar::constant(2);
    assert_eq!((header.min(), header.max()), (0, 60));
    let (header, _) = header.refine(Comparison::Ge, Scalar::constant(17));
    assert_eq!(header.expect("some lengths remain").min(), 20, "rounded up to a multiple of four");
    let odd = byte.refine_bits(1, true).expect("odd bytes exist");
    assert_eq!(odd.decide(Comparison::Eq, Scalar::constant(4)), Some(false));
    assert_eq!(byte.refine_bits(0x100, true), None);
    assert_eq!((byte % Scalar::constant(8)).max(), 7);
    assert_eq!(Scalar::constant(-1).cast(32, false).as_constant(), Some(0xffff_ffff));
    assert_eq!((Scalar::constant(0xffff_ffff) >> Scalar::constant(16)).as_constant(), Some(0xffff));
    assert!(Scalar::TOP.is_top() && (Scalar::TOP + byte).as_constant().is_none());
}
