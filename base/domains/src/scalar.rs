//! Integers known by their range and by their bits: the reduced product of [`Interval`] and [`Tnum`].
//!
//! γ(range, bits) = { x ∈ γ(range) : x mod 2⁶⁴ ∈ γ(bits) }. The product holds because +, −, ·, &, |,
//! ^, ~ and << on ℤ commute with reduction modulo 2⁶⁴. Order, join and widening work by component;
//! an operation's result is *reduced*, each component tightened by the other.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use crate::{Comparison, Interval, Tnum};

/// A non-empty set of integers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    range: Interval,
    bits: Tnum,
}

impl Scalar {
    /// All integers: an unknown value of unknown type.
    pub const TOP: Self = Self { range: Interval::TOP, bits: Tnum::TOP };

    /// The set {`value`}.
    pub fn constant(value: i128) -> Self {
        Self { range: Interval::constant(value), bits: Tnum::constant(word(value)) }
    }

    /// The values of an integer type `bits` wide.
    pub fn from_type(bits: u32, signed: bool) -> Self {
        Self::from(Interval::top_of(bits, signed))
    }

    /// The integers from `lo` to `hi`, both included; `None` if there are none.
    pub fn range(lo: i128, hi: i128) -> Option<Self> {
        Interval::new(lo, hi).map(Self::from)
    }

    /// The members of `range` whose low 64 bits lie in `bits`; `None` if none is left.
    pub fn new(range: Interval, bits: Tnum) -> Option<Self> {
        Self { range, bits }.reduce()
    }

    /// The range.
    pub fn interval(self) -> Interval {
        self.range
    }

    /// What is known of the low 64 bits.
    pub fn bits(self) -> Tnum {
        self.bits
    }

    /// A lower bound; `i128::MIN` if there is none.
    pub fn min(self) -> i128 {
        self.range.lo()
    }

    /// An upper bound; `i128::MAX` if there is none.
    pub fn max(self) -> i128 {
        self.range.hi()
    }

    /// The only member, if it is known to be the only one.
    pub fn as_constant(self) -> Option<i128> {
        self.range.as_constant()
    }

    /// Whether nothing is known.
    pub fn is_top(self) -> bool {
        self == Self::TOP
    }

    /// x ∈ γ(self).
    pub fn contains(self, value: i128) -> bool {
        self.range.contains(value) && self.bits.contains(word(value))
    }

    /// Inclusion by component; implies γ(self) ⊆ γ(other).
    pub fn leq(self, other: Self) -> bool {
        self.range.leq(other.range) && self.bits.leq(other.bits)
    }

    /// The least upper bound, by component.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { range: self.range.join(other.range), bits: self.bits.join(other.bits) }
    }

    /// The intersection; `None` if it is seen to be empty.
    pub fn meet(self, other: Self) -> Option<Self> {
        Self::new(self.range.meet(other.range)?, self.bits.meet(other.bits)?)
    }

    /// An upper bound of both that is reached after finitely many steps; see [`Interval::widen`]. Not
    /// reduced: tightening a widened range again could go on for ever.
    #[must_use]
    pub fn widen(self, newer: Self, thresholds: &[i128]) -> Self {
        Self { range: self.range.widen(newer.range, thresholds), bits: self.bits.join(newer.bits) }
    }

    /// Conversion to an integer type: the value of the type congruent to x modulo 2^bits.
    #[must_use]
    pub fn cast(self, bits: u32, signed: bool) -> Self {
        Self::of(self.range.cast(bits, signed), self.bits.cast(bits, signed))
    }

    /// What is left of both sets where `self op other` holds; both are `None` where it never does.
    pub fn refine(self, op: Comparison, other: Self) -> (Option<Self>, Option<Self>) {
        if op == Comparison::Eq {
            let both = self.meet(other);
            return (both, both);
        }
        let (left, right) = self.range.refine(op, other.range);
        let left = left.and_then(|range| Self::new(range, self.bits));
        let right = right.and_then(|range| Self::new(range, other.bits));
        if left.is_some() && right.is_some() { (left, right) } else { (None, None) }
    }

    /// Whether `self op other` holds for every choice, for none, or (`None`) for some.
    pub fn decide(self, op: Comparison, other: Self) -> Option<bool> {
        if self.refine(op, other).0.is_none() {
            Some(false)
        } else if self.refine(op.negate(), other).0.is_none() {
            Some(true)
        } else {
            None
        }
    }

    /// What is left where `x & mask` is zero (`set` false) or not zero (`set` true).
    pub fn refine_bits(self, mask: u64, set: bool) -> Option<Self> {
        let known = match (set, mask.is_power_of_two()) {
            (false, _) => Tnum::new(0, !mask),
            (true, true) => Tnum::new(mask, !mask),
            (true, false) if self.bits.max() & mask == 0 => return None,
            (true, false) => Tnum::TOP,
        };
        Self::new(self.range, self.bits.meet(known)?)
    }

    /// The reduced element; where the components contradict each other, which no sound operation
    /// gives, the unreduced one.
    fn of(range: Interval, bits: Tnum) -> Self {
        let whole = Self { range, bits };
        whole.reduce().unwrap_or(whole)
    }

    /// Tightens each component by the other until nothing changes; `None` if nothing is left. The
    /// rounds are bounded because an end may creep towards the bits a stride at a time.
    fn reduce(self) -> Option<Self> {
        let mut current = self;
        for _ in 0..4 {
            let range = current.range.meet(range_of_bits(current.range, current.bits))?;
            let range = align(range, current.bits)?;
            let bits = current.bits.meet(bits_of_range(range))?;
            let next = Self { range, bits };
            if next == current {
                break;
            }
            current = next;
        }
        Some(current)
    }

    /// Joins `shift(bits, n)` over the counts n < 64 that `count` allows.
    fn shift_bits(self, count: Self, shift: impl Fn(Tnum, u32) -> Tnum) -> Tnum {
        if count.min() < 0 || count.max() > 63 {
            return Tnum::TOP;
        }
        (0..64)
            .filter(|&n| count.contains(i128::from(n)))
            .map(|n| shift(self.bits, n))
            .reduce(Tnum::join)
            .unwrap_or(Tnum::TOP)
    }
}

/// The interval with what its ends tell of the bits.
impl From<Interval> for Scalar {
    fn from(range: Interval) -> Self {
        Self::of(range, Tnum::TOP)
    }
}

/// x mod 2⁶⁴.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the low 64 bits are what is asked for"
)]
fn word(value: i128) -> u64 {
    value as u64
}

/// What the bits say about the range: the value itself if it is an unsigned or a signed 64-bit one.
fn range_of_bits(range: Interval, bits: Tnum) -> Interval {
    let ends = if range.leq(Interval::top_of(64, false)) {
        Interval::new(bits.min().into(), bits.max().into())
    } else if range.leq(Interval::top_of(64, true)) {
        Interval::new(bits.signed_min().into(), bits.signed_max().into())
    } else {
        None
    };
    ends.unwrap_or(range)
}

/// What the range says about the bits: the leading ones common to both ends, if no 64-bit boundary
/// lies between them.
fn bits_of_range(range: Interval) -> Tnum {
    if range.is_bounded() && range.lo() >> 64 == range.hi() >> 64 {
        Tnum::from_range(word(range.lo()), word(range.hi()))
    } else {
        Tnum::TOP
    }
}

/// Moves the ends of the range inwards to the residue class the known trailing bits fix.
fn align(range: Interval, bits: Tnum) -> Option<Interval> {
    let stride = 1_i128 << bits.mask().trailing_zeros().min(64);
    let residue = i128::from(bits.value()) & (stride - 1);
    let up = |end: i128| end.checked_add((residue - end.rem_euclid(stride)).rem_euclid(stride));
    let down = |end: i128| end.checked_sub((end.rem_euclid(stride) - residue).rem_euclid(stride));
    let lo = if range.lo() == i128::MIN { Some(range.lo()) } else { up(range.lo()) };
    let hi = if range.hi() == i128::MAX { Some(range.hi()) } else { down(range.hi()) };
    match (lo, hi) {
        (Some(lo), Some(hi)) => Interval::new(lo, hi),
        _ => Some(range),
    }
}

/// Implements operators that act on both components alike.
macro_rules! by_component {
    ($($trait:ident :: $method:ident),*) => {$(
        impl $trait for Scalar {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                Self::of(self.range.$method(other.range), self.bits.$method(other.bits))
            }
        }
    )*};
}

by_component!(Add::add, Sub::sub, Mul::mul, BitAnd::bitand, BitOr::bitor, BitXor::bitxor);

/// As [`Interval`]'s division.
impl Div for Scalar {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        Self::from(self.range / other.range)
    }
}

/// As [`Interval`]'s remainder; by 2^k of a non-negative value it is `x & (2^k − 1)`.
impl Rem for Scalar {
    type Output = Self;

    fn rem(self, other: Self) -> Self {
        let range = self.range % other.range;
        match other.as_constant() {
            Some(divisor) if self.min() >= 0 && divisor > 0 && divisor & (divisor - 1) == 0 => {
                Self::of(range, self.bits & Tnum::constant(word(divisor - 1)))
            }
            _ => Self::from(range),
        }
    }
}

/// As [`Interval`]'s left shift.
impl Shl for Scalar {
    type Output = Self;

    fn shl(self, count: Self) -> Self {
        Self::of(self.range << count.range, self.shift_bits(count, |bits, n| bits << n))
    }
}

/// As [`Interval`]'s right shift: logical on values known to be non-negative, arithmetic otherwise.
impl Shr for Scalar {
    type Output = Self;

    fn shr(self, count: Self) -> Self {
        let bits = if self.range.leq(Interval::top_of(64, false)) {
            self.shift_bits(count, |bits, n| bits >> n)
        } else if self.range.leq(Interval::top_of(64, true)) {
            self.shift_bits(count, Tnum::arsh)
        } else {
            Tnum::TOP
        };
        Self::of(self.range >> count.range, bits)
    }
}

/// −x.
impl Neg for Scalar {
    type Output = Self;

    fn neg(self) -> Self {
        Self::of(-self.range, -self.bits)
    }
}

/// ~x.
impl Not for Scalar {
    type Output = Self;

    fn not(self) -> Self {
        Self::of(!self.range, !self.bits)
    }
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?})", self.range, self.bits)
    }
}
