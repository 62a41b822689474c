//! Intervals of mathematical integers.
//!
//! γ([lo, hi]) = { x ∈ ℤ : lo ≤ x ≤ hi }, where `lo == i128::MIN` reads as −∞ and
//! `hi == i128::MAX` as +∞. Order is inclusion, join the hull, top (−∞, +∞), bottom is absent.
//! The operators compute on ℤ and never wrap; [`Interval::cast`] brings a result back into a C type.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use crate::Comparison;

/// −∞ as a lower end.
const MINUS_INFINITY: i128 = i128::MIN;
/// +∞ as an upper end.
const PLUS_INFINITY: i128 = i128::MAX;
/// Widths from here on are treated as unbounded: their ends do not fit the representation.
const UNBOUNDED_BITS: u32 = 127;

/// A non-empty set of consecutive integers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    lo: i128,
    hi: i128,
}

impl Interval {
    /// All integers.
    pub const TOP: Self = Self { lo: MINUS_INFINITY, hi: PLUS_INFINITY };

    /// Ends to stop at when widening C integers: the limits of the C types and the values around
    /// zero, ascending.
    pub const TYPE_LIMITS: [i128; 15] = [
        i64::MIN as i128,
        i32::MIN as i128,
        i16::MIN as i128,
        i8::MIN as i128,
        -1,
        0,
        1,
        i8::MAX as i128,
        u8::MAX as i128,
        i16::MAX as i128,
        u16::MAX as i128,
        i32::MAX as i128,
        u32::MAX as i128,
        i64::MAX as i128,
        u64::MAX as i128,
    ];

    /// The integers from `lo` to `hi`, both included; `None` if there are none. `i128::MIN` as `lo`
    /// and `i128::MAX` as `hi` stand for no bound.
    pub fn new(lo: i128, hi: i128) -> Option<Self> {
        (lo <= hi).then(|| Self::of(lo, hi))
    }

    /// The set {`value`}. The two extreme `i128` values lie in an unbounded interval.
    pub fn constant(value: i128) -> Self {
        Self::of(value, value)
    }

    /// The values of an integer type `bits` wide; more than 126 bits are unbounded, 0 bits hold 0.
    pub fn top_of(bits: u32, signed: bool) -> Self {
        match (bits, signed) {
            (0, _) => Self { lo: 0, hi: 0 },
            (UNBOUNDED_BITS.., true) => Self::TOP,
            (UNBOUNDED_BITS.., false) => Self { lo: 0, hi: PLUS_INFINITY },
            (_, true) => Self { lo: -(1 << (bits - 1)), hi: (1 << (bits - 1)) - 1 },
            (_, false) => Self { lo: 0, hi: (1 << bits) - 1 },
        }
    }

    /// Keeps a lower end from reading as +∞ and an upper end from reading as −∞; both only grow the
    /// set. Callers guarantee `lo <= hi`.
    fn of(lo: i128, hi: i128) -> Self {
        Self { lo: lo.min(PLUS_INFINITY - 1), hi: hi.max(MINUS_INFINITY + 1) }
    }

    /// The smallest member; `i128::MIN` if there is none.
    pub fn lo(self) -> i128 {
        self.lo
    }

    /// The largest member; `i128::MAX` if there is none.
    pub fn hi(self) -> i128 {
        self.hi
    }

    /// Whether both ends are finite.
    pub fn is_bounded(self) -> bool {
        self.lo != MINUS_INFINITY && self.hi != PLUS_INFINITY
    }

    /// The only member, if there is only one.
    pub fn as_constant(self) -> Option<i128> {
        (self.lo == self.hi).then_some(self.lo)
    }

    /// x ∈ γ(self).
    pub fn contains(self, value: i128) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// γ(self) ⊆ γ(other).
    pub fn leq(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// The hull: [min(lo), max(hi)], the least upper bound.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The intersection, the greatest lower bound; `None` if it is empty.
    pub fn meet(self, other: Self) -> Option<Self> {
        Self::new(self.lo.max(other.lo), self.hi.min(other.hi))
    }

    /// An upper bound of both that is reached after finitely many steps: an end of `newer` outside
    /// `self` jumps to the next of `thresholds` (ascending), or to infinity behind the last.
    #[must_use]
    pub fn widen(self, newer: Self, thresholds: &[i128]) -> Self {
        let lo = if newer.lo < self.lo {
            let below = thresholds.partition_point(|&limit| limit <= newer.lo);
            below.checked_sub(1).and_then(|i| thresholds.get(i)).copied().unwrap_or(MINUS_INFINITY)
        } else {
            self.lo
        };
        let hi = if newer.hi > self.hi {
            let above = thresholds.partition_point(|&limit| limit < newer.hi);
            thresholds.get(above).copied().unwrap_or(PLUS_INFINITY)
        } else {
            self.hi
        };
        Self::of(lo, hi)
    }

    /// Conversion to an integer type: { the value of the type congruent to x modulo 2^bits }. Exact
    /// where the image is an interval, the whole type elsewhere.
    #[must_use]
    pub fn cast(self, bits: u32, signed: bool) -> Self {
        let range = Self::top_of(bits, signed);
        if self.leq(range) {
            return self;
        }
        if bits >= UNBOUNDED_BITS || !self.is_bounded() {
            return range;
        }
        let size = 1_i128 << bits;
        if self.hi.checked_sub(self.lo).is_none_or(|length| length >= size) {
            return range;
        }
        let wrap = |value: i128| {
            let unsigned = value.rem_euclid(size);
            if unsigned > range.hi { unsigned - size } else { unsigned }
        };
        Self::new(wrap(self.lo), wrap(self.hi)).unwrap_or(range)
    }

    /// What is left of both sets where `self op other` holds; both are `None` where it never does.
    pub fn refine(self, op: Comparison, other: Self) -> (Option<Self>, Option<Self>) {
        match op {
            Comparison::Eq => (self.meet(other), self.meet(other)),
            Comparison::Ne => match (self.without(other), other.without(self)) {
                (Some(left), Some(right)) => (Some(left), Some(right)),
                _ => (None, None),
            },
            Comparison::Lt => {
                let below = if other.hi == PLUS_INFINITY { other.hi } else { other.hi - 1 };
                let above = if self.lo == MINUS_INFINITY { self.lo } else { self.lo + 1 };
                (Self::new(self.lo, self.hi.min(below)), Self::new(other.lo.max(above), other.hi))
            }
            Comparison::Le => (
                Self::new(self.lo, self.hi.min(other.hi)),
                Self::new(other.lo.max(self.lo), other.hi),
            ),
            Comparison::Gt | Comparison::Ge => {
                let (right, left) = other.refine(op.swap(), self);
                (left, right)
            }
        }
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

    /// The hull of γ(self) without the one member of `other`; all of it if `other` has more.
    fn without(self, other: Self) -> Option<Self> {
        match other.as_constant() {
            Some(value) if value == self.lo && value == self.hi => None,
            Some(value) if value == self.lo => Self::new(self.lo + 1, self.hi),
            Some(value) if value == self.hi => Self::new(self.lo, self.hi - 1),
            _ => Some(self),
        }
    }

    /// The members below zero and the others.
    fn by_sign(self) -> (Option<Self>, Option<Self>) {
        (Self::new(self.lo, self.hi.min(-1)), Self::new(self.lo.max(0), self.hi))
    }

    /// The hull of the values a monotone-per-argument `op` takes at the four pairs of ends.
    fn corners(self, other: Self, op: impl Fn(i128, i128) -> i128) -> Self {
        let ends = [
            op(self.lo, other.lo),
            op(self.lo, other.hi),
            op(self.hi, other.lo),
            op(self.hi, other.hi),
        ];
        let [first, rest @ ..] = ends;
        let (lo, hi) =
            rest.iter().fold((first, first), |(lo, hi), &end| (lo.min(end), hi.max(end)));
        Self::of(lo, hi)
    }

    /// Applies `op` to each pair of sign classes and joins the results.
    fn per_sign(self, other: Self, op: impl Fn(Self, Self) -> Self) -> Self {
        let (left, right) = (self.by_sign(), other.by_sign());
        let mut result: Option<Self> = None;
        for a in [left.0, left.1].into_iter().flatten() {
            for b in [right.0, right.1].into_iter().flatten() {
                let part = op(a, b);
                result = Some(result.map_or(part, |sum| sum.join(part)));
            }
        }
        result.unwrap_or(Self::TOP)
    }
}

/// Whether an end stands for an infinity.
fn infinite(end: i128) -> bool {
    end == MINUS_INFINITY || end == PLUS_INFINITY
}

/// The infinity on the side of `sign`, or 0 for 0.
fn infinity_of(sign: i128) -> i128 {
    match sign.signum() {
        1 => PLUS_INFINITY,
        -1 => MINUS_INFINITY,
        _ => 0,
    }
}

/// −x, exchanging the infinities.
fn negate_end(end: i128) -> i128 {
    match end {
        MINUS_INFINITY => PLUS_INFINITY,
        PLUS_INFINITY => MINUS_INFINITY,
        finite => -finite,
    }
}

/// x · y, where 0 · ∞ = 0: every member is a finite number.
fn multiply_ends(x: i128, y: i128) -> i128 {
    if infinite(x) || infinite(y) {
        infinity_of(x.signum() * y.signum())
    } else {
        x.saturating_mul(y)
    }
}

/// x / y rounded towards zero, y ≠ 0. ∞ / ∞ is given as 0: the hull of the other corners covers it.
fn divide_ends(x: i128, y: i128) -> i128 {
    match (infinite(x), infinite(y)) {
        (_, true) => 0,
        (true, false) => infinity_of(x.signum() * y.signum()),
        (false, false) => x / y,
    }
}

/// The smallest 2^k − 1 that is not below `value` ≥ 0; +∞ stays.
fn all_ones_above(value: i128) -> i128 {
    match value.leading_zeros() {
        128 => 0,
        zeros => PLUS_INFINITY >> (zeros - 1),
    }
}

/// [lo + lo', hi + hi'].
impl Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let lo = if self.lo == MINUS_INFINITY || other.lo == MINUS_INFINITY {
            MINUS_INFINITY
        } else {
            self.lo.saturating_add(other.lo)
        };
        let hi = if self.hi == PLUS_INFINITY || other.hi == PLUS_INFINITY {
            PLUS_INFINITY
        } else {
            self.hi.saturating_add(other.hi)
        };
        Self::of(lo, hi)
    }
}

/// [lo − hi', hi − lo'].
impl Sub for Interval {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

/// The hull of the products of the ends.
impl Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.corners(other, multiply_ends)
    }
}

/// Division rounding towards zero as in C; x / 0 = 0 as the BPF instruction set defines it.
impl Div for Interval {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let negative = Self::new(other.lo, other.hi.min(-1));
        let positive = Self::new(other.lo.max(1), other.hi);
        let zero = other.contains(0).then_some(Self::constant(0));
        let by_negative = negative.map(|divisor| self.corners(divisor, divide_ends));
        let by_positive = positive.map(|divisor| self.corners(divisor, divide_ends));
        [by_negative, by_positive, zero]
            .into_iter()
            .flatten()
            .reduce(Self::join)
            .unwrap_or(Self::TOP)
    }
}

/// The remainder with the dividend's sign as in C; x % 0 = x as the BPF instruction set defines it.
/// |x % y| ≤ min(|x|, |y| − 1).
impl Rem for Interval {
    type Output = Self;

    fn rem(self, other: Self) -> Self {
        if other.as_constant() == Some(0) {
            return self;
        }
        if let (Some(divisor), true) = (other.as_constant(), self.is_bounded())
            && self.lo.signum() * self.hi.signum() >= 0
            && self.lo / divisor == self.hi / divisor
        {
            return Self::of(self.lo % divisor, self.hi % divisor);
        }
        if other.contains(0) {
            return self.join(Self::constant(0));
        }
        let largest = multiply_ends(other.lo, other.lo.signum())
            .max(multiply_ends(other.hi, other.hi.signum()));
        let smallest = if other.lo > 0 { other.lo } else { negate_end(other.hi) };
        if negate_end(smallest) < self.lo && self.hi < smallest {
            return self;
        }
        let limit = if largest == PLUS_INFINITY { largest } else { largest - 1 };
        Self::of(self.lo.max(negate_end(limit)).min(0), self.hi.min(limit).max(0))
    }
}

/// x · 2^y; any value for a count outside 0..=126.
impl Shl for Interval {
    type Output = Self;

    fn shl(self, count: Self) -> Self {
        if !count.leq(Self { lo: 0, hi: 126 }) {
            return Self::TOP;
        }
        self.corners(count, |value, count| multiply_ends(value, 1 << count))
    }
}

/// ⌊x / 2^y⌋, the arithmetic shift (for non-negative values the logical one as well); any value for a
/// count outside 0..=126.
impl Shr for Interval {
    type Output = Self;

    fn shr(self, count: Self) -> Self {
        if !count.leq(Self { lo: 0, hi: 126 }) {
            return Self::TOP;
        }
        self.corners(count, |value, count| if infinite(value) { value } else { value >> count })
    }
}

/// Conjunction of two's complements. With x ≥ 0: 0 ≤ x & y ≤ x. With both negative, −2^k ≤ x, y:
/// −2^k ≤ x & y ≤ min(x, y).
impl BitAnd for Interval {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        if let (Some(a), Some(b)) = (self.as_constant(), other.as_constant()) {
            return Self::constant(a & b);
        }
        self.per_sign(other, |a, b| match (a.lo >= 0, b.lo >= 0) {
            (true, true) => Self { lo: 0, hi: a.hi.min(b.hi) },
            (true, false) => Self { lo: 0, hi: a.hi },
            (false, true) => Self { lo: 0, hi: b.hi },
            (false, false) => Self::of(!all_ones_above(!a.lo.min(b.lo)), a.hi.min(b.hi)),
        })
    }
}

/// Disjunction: x | y = ~(~x & ~y).
impl BitOr for Interval {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        !(!self & !other)
    }
}

/// Exclusive or. With 0 ≤ x, y < 2^k: 0 ≤ x ^ y < 2^k; the other signs by ~x ^ y = ~(x ^ y).
impl BitXor for Interval {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        if let (Some(a), Some(b)) = (self.as_constant(), other.as_constant()) {
            return Self::constant(a ^ b);
        }
        self.per_sign(other, |a, b| {
            let of_sign = |x: Self| if x.lo < 0 { !x } else { x };
            let magnitude = Self { lo: 0, hi: all_ones_above(of_sign(a).hi.max(of_sign(b).hi)) };
            if (a.lo < 0) == (b.lo < 0) { magnitude } else { !magnitude }
        })
    }
}

/// [−hi, −lo].
impl Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        Self::of(negate_end(self.hi), negate_end(self.lo))
    }
}

/// ~x = −x − 1.
impl Not for Interval {
    type Output = Self;

    fn not(self) -> Self {
        -self - Self::constant(1)
    }
}

impl std::fmt::Debug for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// `5`, `0..=7`, `..=-1`, `3..` or `any`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.lo, self.hi) {
            (MINUS_INFINITY, PLUS_INFINITY) => f.write_str("any"),
            (MINUS_INFINITY, hi) => write!(f, "..={hi}"),
            (lo, PLUS_INFINITY) => write!(f, "{lo}.."),
            (lo, hi) if lo == hi => write!(f, "{lo}"),
            (lo, hi) => write!(f, "{lo}..={hi}"),
        }
    }
}
