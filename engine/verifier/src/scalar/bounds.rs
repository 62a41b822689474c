//! Numbers by their ranges and bits.
//!
//! The five views of a number tell each other what they know, in the order the kernel does it, because the order
//! decides what is found out. Fields may contradict each other on paths that cannot be; [`Bounds::is_consistent`] says so.

use domains::Tnum;

/// What is known of a number: its bits, and its ranges read as 64 and as 32 bits, unsigned and signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Bounds {
    /// Known bits (`var_off`).
    pub bits: Tnum,
    /// The least value as signed 64 bits.
    pub smin: i64,
    /// The greatest.
    pub smax: i64,
    /// The least value as unsigned 64 bits.
    pub umin: u64,
    /// The greatest.
    pub umax: u64,
    /// The least value of the lower half as signed 32 bits.
    pub s32_min: i32,
    /// The greatest.
    pub s32_max: i32,
    /// The least value of the lower half as unsigned 32 bits.
    pub u32_min: u32,
    /// The greatest.
    pub u32_max: u32,
}

/// The upper half of a register.
const UPPER: u64 = 0xffff_ffff_0000_0000;
/// The lower half of a register.
const LOWER: u64 = 0xffff_ffff;

/// The lower half.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
pub(super) const fn low(value: u64) -> u32 {
    value as u32
}

/// The lower half, signed.
pub(super) const fn low_signed(value: u64) -> i32 {
    low(value).cast_signed()
}

/// The words within a range; bits are kept by the kernel's rule even if the range is empty (`tnum_range`).
pub(super) const fn bits_of_range(min: u64, max: u64) -> (u64, u64) {
    let mask = match (min ^ max).leading_zeros() {
        64 => 0,
        zeros => u64::MAX >> zeros,
    };
    (min & !mask, mask)
}

/// What is known from both; where they disagree, one (`tnum_intersect`).
pub(super) fn both(a: Tnum, b: Tnum) -> Tnum {
    Tnum::new(a.value() | b.value(), a.mask() & b.mask())
}

/// The bits of the lower half (`tnum_subreg`).
pub(super) fn low_bits(bits: Tnum) -> Tnum {
    Tnum::new(bits.value() & LOWER, bits.mask() & LOWER)
}

/// The same with another lower half (`tnum_with_subreg`).
pub(super) fn with_low_bits(bits: Tnum, half: Tnum) -> Tnum {
    Tnum::new(
        bits.value() & UPPER | half.value() & LOWER,
        bits.mask() & UPPER | half.mask() & LOWER,
    )
}

/// The least word greater than `word` that the bits allow, or the greatest they allow (`tnum_step`).
fn next_word(bits: Tnum, word: u64) -> u64 {
    let (value, mask) = (bits.value(), bits.mask());
    if word >= bits.max() {
        return bits.max();
    }
    if word < value {
        return value;
    }
    // Counts up within the unknown bits: the others are filled with ones, so that the carry passes through them.
    let distance = word - value;
    let stuck = distance & !mask;
    let below = if stuck == 0 { 0 } else { u64::MAX >> stuck.leading_zeros() };
    let filled = distance | below | !mask;
    value | filled.wrapping_add(1) & mask
}

fn range(min: u64, max: u64) -> Tnum {
    let (value, mask) = bits_of_range(min, max);
    Tnum::new(value, mask)
}

impl Bounds {
    /// Any number.
    pub const UNKNOWN: Self = Self {
        bits: Tnum::TOP,
        smin: i64::MIN,
        smax: i64::MAX,
        umin: 0,
        umax: u64::MAX,
        s32_min: i32::MIN,
        s32_max: i32::MAX,
        u32_min: 0,
        u32_max: u32::MAX,
    };

    /// One number.
    pub fn constant(value: u64) -> Self {
        Self {
            bits: Tnum::constant(value),
            smin: value.cast_signed(),
            smax: value.cast_signed(),
            umin: value,
            umax: value,
            s32_min: low_signed(value),
            s32_max: low_signed(value),
            u32_min: low(value),
            u32_max: low(value),
        }
    }

    /// The number, if all views agree on one.
    pub fn as_constant(&self) -> Option<u64> {
        self.bits.as_constant()
    }

    /// The lower half, if its bits are known.
    pub fn low_constant(&self) -> Option<u32> {
        low_bits(self.bits).as_constant().map(low)
    }

    /// Every range of `other` lies in that of `self` (`range_within`); bits are not looked at.
    pub fn covers_ranges(&self, other: &Self) -> bool {
        self.umin <= other.umin
            && self.umax >= other.umax
            && self.smin <= other.smin
            && self.smax >= other.smax
            && self.u32_min <= other.u32_min
            && self.u32_max >= other.u32_max
            && self.s32_min <= other.s32_min
            && self.s32_max >= other.s32_max
    }

    /// Whether the word may be the number, in all views.
    pub fn contains(&self, word: u64) -> bool {
        self.bits.contains(word)
            && (self.umin..=self.umax).contains(&word)
            && (self.smin..=self.smax).contains(&word.cast_signed())
            && (self.u32_min..=self.u32_max).contains(&low(word))
            && (self.s32_min..=self.s32_max).contains(&low_signed(word))
    }

    /// Nothing is known of the ranges (`__mark_reg_unbounded`).
    pub fn forget_ranges(&mut self) {
        *self = Self { bits: self.bits, ..Self::UNKNOWN };
    }

    /// Nothing is known of the ranges as 64 bits (`__mark_reg64_unbounded`).
    pub(super) fn forget_64(&mut self) {
        (self.smin, self.smax) = (i64::MIN, i64::MAX);
        (self.umin, self.umax) = (0, u64::MAX);
    }

    /// Nothing is known of the ranges of the lower half (`__mark_reg32_unbounded`).
    pub(super) fn forget_32(&mut self) {
        (self.s32_min, self.s32_max) = (i32::MIN, i32::MAX);
        (self.u32_min, self.u32_max) = (0, u32::MAX);
    }

    /// The lower half is known (`__mark_reg32_known`).
    pub(super) fn set_low(&mut self, half: u32) {
        self.bits = with_low_bits(self.bits, Tnum::constant(half.into()));
        (self.s32_min, self.s32_max) = (half.cast_signed(), half.cast_signed());
        (self.u32_min, self.u32_max) = (half, half);
    }

    /// Lets every view learn from the others (`reg_bounds_sync`).
    pub fn sync(&mut self) {
        if *self == Self::UNKNOWN || self.is_settled_constant() {
            return;
        }
        self.learn_from_bits();
        for _ in 0..3 {
            let before = *self;
            self.deduce_32();
            self.deduce_64();
            self.deduce_mixed();
            if before == *self {
                break;
            }
        }
        self.learn_bits();
        self.learn_from_bits();
    }

    /// All views say the same one number, so that there is nothing to learn.
    fn is_settled_constant(&self) -> bool {
        self.umin == self.umax && *self == Self::constant(self.umin)
    }

    /// Ranges from bits (`__update_reg_bounds`).
    pub(super) fn learn_from_bits(&mut self) {
        self.learn_from_low_bits();
        self.smin = self.smin.max(self.bits.signed_min());
        self.smax = self.smax.min(self.bits.signed_max());
        self.umin = self.umin.max(self.bits.min());
        self.umax = self.umax.min(self.bits.max());
        if let Some(value) = self.only_common_word() {
            *self = Self::constant(value);
        }
    }

    /// The word that is both in the unsigned range and among those the bits allow, if it is the only one
    /// (part of `__update_reg64_bounds`).
    fn only_common_word(&self) -> Option<u64> {
        let next = next_word(self.bits, self.umin);
        if self.bits.contains(self.umin) {
            return (next > self.umax).then_some(self.umin);
        }
        let last = next == self.bits.max();
        let alone = next <= self.umax && next_word(self.bits, next) > self.umax;
        (last || alone).then_some(next)
    }

    /// Swaps the low `bits` bits, 16, 32 or 64, and drops the others (part of `scalar_byte_swap`).
    pub(super) fn swap_bytes(&mut self, bits: u32) {
        let unused = 64 - bits;
        let swap = |word: u64| (word << unused).swap_bytes();
        *self = Self {
            bits: Tnum::new(swap(self.bits.value()), swap(self.bits.mask())),
            ..Self::UNKNOWN
        };
    }

    /// Ranges of the lower half from bits (`__update_reg32_bounds`).
    pub(super) fn learn_from_low_bits(&mut self) {
        const SIGN: u32 = 1 << 31;
        let (value, mask) = (low(self.bits.value()), low(self.bits.mask()));
        self.s32_min = self.s32_min.max((value | mask & SIGN).cast_signed());
        self.s32_max = self.s32_max.min((value | mask & !SIGN).cast_signed());
        self.u32_min = self.u32_min.max(value);
        self.u32_max = self.u32_max.min(value | mask);
    }

    fn meet_u32(&mut self, min: u32, max: u32) {
        self.u32_min = self.u32_min.max(min);
        self.u32_max = self.u32_max.min(max);
    }

    fn meet_s32(&mut self, min: i32, max: i32) {
        self.s32_min = self.s32_min.max(min);
        self.s32_max = self.s32_max.min(max);
    }

    /// Ranges of the lower half from the ranges of the whole and from each other (`__reg32_deduce_bounds`).
    fn deduce_32(&mut self) {
        let (umin, umax) = (self.umin, self.umax);
        let (smin, smax) = (self.smin.cast_unsigned(), self.smax.cast_unsigned());
        // One upper half throughout: the lower ends are the ends of the lower half.
        if umin >> 32 == umax >> 32 {
            self.meet_u32(low(umin), low(umax));
            if low_signed(umin) <= low_signed(umax) {
                self.meet_s32(low_signed(umin), low_signed(umax));
            }
        }
        if smin >> 32 == smax >> 32 {
            if low(smin) <= low(smax) {
                self.meet_u32(low(smin), low(smax));
            }
            if low_signed(smin) <= low_signed(smax) {
                self.meet_s32(low_signed(smin), low_signed(smax));
            }
        }
        // Two upper halves in a row, from the negative end of the first to the positive beginning of the second.
        for (min, max) in [(umin, umax), (smin, smax)] {
            if low(min >> 32).wrapping_add(1) == low(max >> 32)
                && low_signed(min) < 0
                && low_signed(max) >= 0
            {
                self.meet_s32(low_signed(min), low_signed(max));
            }
        }
        if self.u32_min.cast_signed() <= self.u32_max.cast_signed() {
            self.meet_s32(self.u32_min.cast_signed(), self.u32_max.cast_signed());
        }
        let (smin, smax) = (self.s32_min.cast_unsigned(), self.s32_max.cast_unsigned());
        if smin <= smax {
            self.meet_u32(smin, smax);
        } else if self.u32_max < smin {
            // As in `deduce_64`.
            self.s32_min = self.u32_min.cast_signed();
            self.u32_max = self.u32_max.min(smax);
        } else if smax < self.u32_min {
            self.s32_max = self.u32_max.cast_signed();
            self.u32_min = self.u32_min.max(smin);
        }
    }

    /// The signed and the unsigned range of the whole from each other (`__reg64_deduce_bounds`).
    fn deduce_64(&mut self) {
        if self.umin.cast_signed() <= self.umax.cast_signed() {
            self.smin = self.smin.max(self.umin.cast_signed());
            self.smax = self.smax.min(self.umax.cast_signed());
        }
        let (smin, smax) = (self.smin.cast_unsigned(), self.smax.cast_unsigned());
        if smin <= smax {
            self.umin = self.umin.max(smin);
            self.umax = self.umax.min(smax);
        } else if self.umax < smin {
            // The signed range is split in two as unsigned, and only the part that begins at 0 is possible.
            self.smin = self.umin.cast_signed();
            self.umax = self.umax.min(smax);
        } else if smax < self.umin {
            self.smax = self.umax.cast_signed();
            self.umin = self.umin.max(smin);
        }
    }

    /// Ranges of the whole from those of the lower half (`__reg_deduce_mixed_bounds`).
    fn deduce_mixed(&mut self) {
        let (min, max) = (u64::from(self.u32_min), u64::from(self.u32_max));
        self.umin = self.umin.max(self.umin & UPPER | min);
        self.umax = self.umax.min(self.umax & UPPER | max);
        let (smin, smax) = (self.smin.cast_unsigned(), self.smax.cast_unsigned());
        self.smin = self.smin.max((smin & UPPER | min).cast_signed());
        self.smax = self.smax.min((smax & UPPER | max).cast_signed());
        // A sign-extended half that is not negative is the whole.
        if self.s32_min >= 0 && self.smin >= i32::MIN.into() && self.smax <= i32::MAX.into() {
            (self.smin, self.smax) = (self.s32_min.into(), self.s32_max.into());
            (self.umin, self.umax) = (self.smin.cast_unsigned(), self.smax.cast_unsigned());
            self.bits = both(self.bits, range(self.umin, self.umax));
        }
    }

    /// Bits from ranges (`__reg_bound_offset`).
    fn learn_bits(&mut self) {
        let whole = both(self.bits, range(self.umin, self.umax));
        let half = both(low_bits(whole), range(self.u32_min.into(), self.u32_max.into()));
        self.bits = with_low_bits(whole, half);
    }

    /// No view contradicts another (`reg_bounds_sanity_check`).
    pub fn is_consistent(&self) -> bool {
        if self.umin > self.umax
            || self.smin > self.smax
            || self.u32_min > self.u32_max
            || self.s32_min > self.s32_max
        {
            return false;
        }
        let known = |value| {
            let one = Self::constant(value);
            (self.umin, self.umax, self.smin, self.smax) == (one.umin, one.umax, one.smin, one.smax)
        };
        let known_low = |half: u32| {
            (self.u32_min, self.u32_max) == (half, half)
                && (self.s32_min, self.s32_max) == (half.cast_signed(), half.cast_signed())
        };
        self.as_constant().is_none_or(known) && self.low_constant().is_none_or(known_low)
    }

    /// The upper half becomes zero; [`Bounds::sync`] is for the caller (`zext_32_to_64`).
    pub fn zero_extend(&mut self) {
        self.bits = low_bits(self.bits);
        (self.umin, self.umax) = (self.u32_min.into(), self.u32_max.into());
        (self.smin, self.smax) = if self.s32_min >= 0 && self.s32_max >= 0 {
            (self.s32_min.into(), self.s32_max.into())
        } else {
            (0, u32::MAX.into())
        };
    }

    /// Keeps the low `bytes` bytes, 1, 2 or 4 (`coerce_reg_to_size`).
    pub fn truncate(&mut self, bytes: u32) {
        self.bits = self.bits.cast(bytes * 8, false);
        let mask = u64::MAX >> (64 - bytes * 8);
        if self.umin & !mask == self.umax & !mask {
            self.umin &= mask;
            self.umax &= mask;
        } else {
            (self.umin, self.umax) = (0, mask);
        }
        (self.smin, self.smax) = (self.umin.cast_signed(), self.umax.cast_signed());
        if bytes < 4 {
            self.forget_32();
        }
        self.sync();
    }

    /// Fills the register with the sign of the low `bytes` bytes, 1, 2 or 4 (`coerce_reg_to_size_sx`).
    pub fn sign_extend(&mut self, bytes: u32) {
        let extend = |value: u64| sign_extend(value, bytes);
        if let Some(value) = self.as_constant() {
            *self = Self::constant(extend(value).cast_unsigned());
            return;
        }
        let (smin, smax) = (self.smin.cast_unsigned(), self.smax.cast_unsigned());
        let (first, last) = (extend(smin), extend(smax));
        if smin >> (bytes * 8) == smax >> (bytes * 8) && (first >= 0) == (last >= 0) {
            let (min, max) = (first.min(last), first.max(last));
            let (umin, umax) = (min.cast_unsigned(), max.cast_unsigned());
            (self.smin, self.smax, self.umin, self.umax) = (min, max, umin, umax);
            (self.s32_min, self.s32_max) = (low_signed(umin), low_signed(umax));
            (self.u32_min, self.u32_max) = (low(umin), low(umax));
            self.bits = range(umin, umax);
            return;
        }
        *self = Self::UNKNOWN;
        let limit = i64::MAX >> (64 - bytes * 8);
        (self.smin, self.smax) = (-limit - 1, limit);
        self.s32_min = low_signed(self.smin.cast_unsigned());
        self.s32_max = low_signed(self.smax.cast_unsigned());
    }

    /// Fills the lower half with the sign of the low `bytes` bytes, 1 or 2; the upper half is for the caller
    /// (`coerce_subreg_to_size_sx`).
    pub(super) fn sign_extend_low(&mut self, bytes: u32) {
        let extend = |half: u32| low_signed(sign_extend(half.into(), bytes).cast_unsigned());
        if let Some(value) = self.as_constant() {
            let value = sign_extend(value, bytes).cast_unsigned();
            self.bits = Tnum::constant(value);
            (self.s32_min, self.s32_max) = (low_signed(value), low_signed(value));
            (self.u32_min, self.u32_max) = (low(value), low(value));
            return;
        }
        let (smin, smax) = (self.s32_min.cast_unsigned(), self.s32_max.cast_unsigned());
        let (first, last) = (extend(smin), extend(smax));
        if smin >> (bytes * 8) == smax >> (bytes * 8) && (first >= 0) == (last >= 0) {
            let (min, max) = (first.min(last), first.max(last));
            (self.s32_min, self.s32_max) = (min, max);
            (self.u32_min, self.u32_max) = (min.cast_unsigned(), max.cast_unsigned());
            let wide = |half: i32| i64::from(half).cast_unsigned();
            self.bits = low_bits(range(wide(min), wide(max)));
            return;
        }
        let limit = i32::MAX >> (32 - bytes * 8);
        (self.s32_min, self.s32_max) = (-limit - 1, limit);
        (self.u32_min, self.u32_max) = (0, u32::MAX);
        self.bits = low_bits(Tnum::TOP);
    }
}

/// The low bytes with their sign.
fn sign_extend(value: u64, bytes: u32) -> i64 {
    let unused = 64 - bytes * 8;
    (value << unused).cast_signed() >> unused
}
