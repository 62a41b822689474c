//! Known bits of 64-bit words.
//!
//! An element fixes some bits and leaves the others open: γ(value, mask) =
//! { x ∈ ℤ/2⁶⁴ : x & ~mask = value }, with value & mask = 0. A bit set in `mask` is unknown, any
//! other bit is known and stands in `value`. Order is inclusion (more unknown bits is more), top has
//! every bit unknown, bottom is absent. The height is 64, so join already serves as widening.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Shl, Shr, Sub};

/// A set of 64-bit words given bit by bit ("tristate number").
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tnum {
    value: u64,
    mask: u64,
}

impl Tnum {
    /// Every word.
    pub const TOP: Self = Self { value: 0, mask: u64::MAX };

    /// The words that agree with `value` outside `mask`; bits of `value` inside `mask` are ignored.
    pub fn new(value: u64, mask: u64) -> Self {
        Self { value: value & !mask, mask }
    }

    /// The set {`value`}.
    pub fn constant(value: u64) -> Self {
        Self { value, mask: 0 }
    }

    /// The smallest element that holds every word from `min` to `max`: the common leading bits are
    /// known. Top if `min > max`.
    pub fn from_range(min: u64, max: u64) -> Self {
        if min > max {
            return Self::TOP;
        }
        let mask = u64::MAX.checked_shr((min ^ max).leading_zeros()).unwrap_or(0);
        Self::new(min, mask)
    }

    /// The known bits that are one.
    pub fn value(self) -> u64 {
        self.value
    }

    /// The unknown bits.
    pub fn mask(self) -> u64 {
        self.mask
    }

    /// The smallest member as an unsigned word.
    pub fn min(self) -> u64 {
        self.value
    }

    /// The largest member as an unsigned word.
    pub fn max(self) -> u64 {
        self.value | self.mask
    }

    /// The smallest member as a signed word: the sign bit is one if it may be.
    pub fn signed_min(self) -> i64 {
        (self.value | (self.mask & SIGN)).cast_signed()
    }

    /// The largest member as a signed word: the sign bit is zero if it may be.
    pub fn signed_max(self) -> i64 {
        (self.max() & !(self.mask & SIGN)).cast_signed()
    }

    /// The only member, if there is only one.
    pub fn as_constant(self) -> Option<u64> {
        (self.mask == 0).then_some(self.value)
    }

    /// x ∈ γ(self).
    pub fn contains(self, word: u64) -> bool {
        word & !self.mask == self.value
    }

    /// γ(self) ⊆ γ(other).
    pub fn leq(self, other: Self) -> bool {
        self.mask & !other.mask == 0 && other.contains(self.value)
    }

    /// The least upper bound: the bits known and equal in both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self::new(self.value, self.mask | other.mask | (self.value ^ other.value))
    }

    /// The intersection, the greatest lower bound: the bits known in either; `None` if they disagree.
    pub fn meet(self, other: Self) -> Option<Self> {
        let agreed = (self.value ^ other.value) & !self.mask & !other.mask == 0;
        agreed.then(|| Self::new(self.value | other.value, self.mask & other.mask))
    }

    /// The arithmetic shift: the sign bit, known or not, fills from the left; counts from 63 on leave
    /// only copies of it.
    #[must_use]
    pub fn arsh(self, count: u32) -> Self {
        let count = count.min(63);
        Self {
            value: (self.value.cast_signed() >> count).cast_unsigned(),
            mask: (self.mask.cast_signed() >> count).cast_unsigned(),
        }
    }

    /// Keeps the low `bits` bits and fills up with zeros, or with copies of the topmost kept bit if
    /// `signed`. 64 bits and more change nothing, 0 bits leave 0.
    #[must_use]
    pub fn cast(self, bits: u32, signed: bool) -> Self {
        let dropped = 64_u32.saturating_sub(bits);
        let raised = self << dropped;
        if signed && bits > 0 { raised.arsh(dropped) } else { raised >> dropped }
    }

    /// { x + y + carry mod 2⁶⁴ }, optimal: a bit of the sum is known if both summands' bits and the
    /// carry into it are, and each carry grows with the summands, so it is known where the smallest
    /// and the largest sum have the same one.
    fn add_with_carry(self, other: Self, carry: bool) -> Self {
        let carry = u64::from(carry);
        let smallest = self.min().wrapping_add(other.min()).wrapping_add(carry);
        let largest = self.max().wrapping_add(other.max()).wrapping_add(carry);
        let smallest_carries = smallest ^ self.min() ^ other.min();
        let largest_carries = largest ^ self.max() ^ other.max();
        Self::new(smallest, self.mask | other.mask | (smallest_carries ^ largest_carries))
    }
}

/// The sign bit of a word.
const SIGN: u64 = 1 << 63;

/// { x + y mod 2⁶⁴ }.
impl Add for Tnum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.add_with_carry(other, false)
    }
}

/// { x − y mod 2⁶⁴ }: x + ~y + 1.
impl Sub for Tnum {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.add_with_carry(!other, true)
    }
}

/// { x · y mod 2⁶⁴ } as the schoolbook sum over the bits of x: a one adds y · 2^i, an unknown bit
/// joins the sums with and without it.
impl Mul for Tnum {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let mut sum = Self::constant(0);
        let (mut rest, mut term) = (self, other);
        while rest.max() != 0 {
            if rest.value & 1 == 1 {
                sum = sum + term;
            } else if rest.mask & 1 == 1 {
                sum = sum.join(sum + term);
            }
            rest = rest >> 1;
            term = term << 1;
        }
        sum
    }
}

/// A bit is one where both are, unknown where both may be one and not both are.
impl BitAnd for Tnum {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::new(self.value & other.value, self.max() & other.max() & !(self.value & other.value))
    }
}

/// ~(~x & ~y).
impl BitOr for Tnum {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        !(!self & !other)
    }
}

/// A bit is known where both are.
impl BitXor for Tnum {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self::new(self.value ^ other.value, self.mask | other.mask)
    }
}

/// { x · 2^count mod 2⁶⁴ }; zero from 64 on.
impl Shl<u32> for Tnum {
    type Output = Self;

    fn shl(self, count: u32) -> Self {
        Self {
            value: self.value.checked_shl(count).unwrap_or(0),
            mask: self.mask.checked_shl(count).unwrap_or(0),
        }
    }
}

/// The logical shift { ⌊x / 2^count⌋ }; zero from 64 on.
impl Shr<u32> for Tnum {
    type Output = Self;

    fn shr(self, count: u32) -> Self {
        Self {
            value: self.value.checked_shr(count).unwrap_or(0),
            mask: self.mask.checked_shr(count).unwrap_or(0),
        }
    }
}

/// 0 − x.
impl Neg for Tnum {
    type Output = Self;

    fn neg(self) -> Self {
        Self::constant(0) - self
    }
}

/// Flips the known bits.
impl Not for Tnum {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(!self.value, self.mask)
    }
}

/// `0x10` if constant, otherwise `value/mask` in hex.
impl std::fmt::Debug for Tnum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_constant() {
            Some(value) => write!(f, "{value:#x}"),
            None => write!(f, "{:#x}/{:#x}", self.value, self.mask),
        }
    }
}
