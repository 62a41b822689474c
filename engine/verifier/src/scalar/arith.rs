//! What operators do to numbers (`adjust_scalar_min_max_vals`).

use isa::{AluOp, SwapKind, Width};

use super::bounds::{Bounds, low_bits};

impl Bounds {
    /// `self op= rhs`; `false` if the kernel does not compute it, and then nothing is known.
    ///
    /// Of shifts only those by a known count less than the width are computed; of divisions none are.
    pub fn apply(&mut self, op: AluOp, width: Width, rhs: &Self) -> bool {
        match op {
            AluOp::Add => self.add_to_ranges(rhs),
            AluOp::Sub => self.subtract(rhs),
            AluOp::Mul => {
                self.bits = self.bits * rhs.bits;
                self.multiply_32(rhs);
                self.multiply_64(rhs);
            }
            AluOp::And | AluOp::Or | AluOp::Xor => self.bitwise(op, rhs),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                let Some(count) = shift_count(width, rhs) else { return false };
                self.shift(op, width, count);
            }
            AluOp::Div | AluOp::SignedDiv | AluOp::Mod | AluOp::SignedMod => return false,
        }
        self.finish(width);
        true
    }

    /// `self = -self`
    pub fn negate(&mut self, width: Width) {
        let value = *self;
        *self = Self::constant(0);
        self.subtract(&value);
        self.finish(width);
    }

    /// Changes the byte order and keeps the low `bits` bits, 16, 32 or 64 (`scalar_byte_swap`).
    pub fn swap(&mut self, kind: SwapKind, bits: u32) {
        // Programs are verified for a little-endian machine.
        if kind != SwapKind::ToLe {
            self.swap_bytes(bits);
        }
        if bits < 64 {
            self.truncate(bits / 8);
        }
        self.sync();
    }

    fn finish(&mut self, width: Width) {
        if width == Width::Bits32 {
            self.zero_extend();
        }
        self.sync();
    }

    /// `scalar32_min_max_add`, `scalar_min_max_add`; [`Bounds::sync`] is for the caller.
    pub(super) fn add_to_ranges(&mut self, rhs: &Self) {
        let signed =
            self.s32_min.checked_add(rhs.s32_min).zip(self.s32_max.checked_add(rhs.s32_max));
        (self.s32_min, self.s32_max) = signed.unwrap_or((i32::MIN, i32::MAX));
        let (min, min_wraps) = self.u32_min.overflowing_add(rhs.u32_min);
        let (max, max_wraps) = self.u32_max.overflowing_add(rhs.u32_max);
        (self.u32_min, self.u32_max) =
            if max_wraps && !min_wraps { (0, u32::MAX) } else { (min, max) };

        let signed = self.smin.checked_add(rhs.smin).zip(self.smax.checked_add(rhs.smax));
        (self.smin, self.smax) = signed.unwrap_or((i64::MIN, i64::MAX));
        let (min, min_wraps) = self.umin.overflowing_add(rhs.umin);
        let (max, max_wraps) = self.umax.overflowing_add(rhs.umax);
        (self.umin, self.umax) = if max_wraps && !min_wraps { (0, u64::MAX) } else { (min, max) };
        self.bits = self.bits + rhs.bits;
    }

    /// `scalar32_min_max_sub`, `scalar_min_max_sub`
    fn subtract(&mut self, rhs: &Self) {
        let signed =
            self.s32_min.checked_sub(rhs.s32_max).zip(self.s32_max.checked_sub(rhs.s32_min));
        (self.s32_min, self.s32_max) = signed.unwrap_or((i32::MIN, i32::MAX));
        let (min, min_wraps) = self.u32_min.overflowing_sub(rhs.u32_max);
        let (max, max_wraps) = self.u32_max.overflowing_sub(rhs.u32_min);
        (self.u32_min, self.u32_max) =
            if min_wraps && !max_wraps { (0, u32::MAX) } else { (min, max) };

        let signed = self.smin.checked_sub(rhs.smax).zip(self.smax.checked_sub(rhs.smin));
        (self.smin, self.smax) = signed.unwrap_or((i64::MIN, i64::MAX));
        let (min, min_wraps) = self.umin.overflowing_sub(rhs.umax);
        let (max, max_wraps) = self.umax.overflowing_sub(rhs.umin);
        (self.umin, self.umax) = if min_wraps && !max_wraps { (0, u64::MAX) } else { (min, max) };
        self.bits = self.bits - rhs.bits;
    }

    /// `scalar32_min_max_mul`
    fn multiply_32(&mut self, rhs: &Self) {
        let unsigned =
            self.u32_min.checked_mul(rhs.u32_min).zip(self.u32_max.checked_mul(rhs.u32_max));
        (self.u32_min, self.u32_max) = unsigned.unwrap_or((0, u32::MAX));
        let products = || {
            let (a, b) = (self.s32_min, self.s32_max);
            let (c, d) = (rhs.s32_min, rhs.s32_max);
            Some([a.checked_mul(c)?, a.checked_mul(d)?, b.checked_mul(c)?, b.checked_mul(d)?])
        };
        (self.s32_min, self.s32_max) = products().map_or((i32::MIN, i32::MAX), |all| {
            let [a, b, c, d] = all;
            (a.min(b).min(c).min(d), a.max(b).max(c).max(d))
        });
    }

    /// `scalar_min_max_mul`
    fn multiply_64(&mut self, rhs: &Self) {
        let unsigned = self.umin.checked_mul(rhs.umin).zip(self.umax.checked_mul(rhs.umax));
        (self.umin, self.umax) = unsigned.unwrap_or((0, u64::MAX));
        let products = || {
            let (a, b) = (self.smin, self.smax);
            let (c, d) = (rhs.smin, rhs.smax);
            Some([a.checked_mul(c)?, a.checked_mul(d)?, b.checked_mul(c)?, b.checked_mul(d)?])
        };
        (self.smin, self.smax) = products().map_or((i64::MIN, i64::MAX), |all| {
            let [a, b, c, d] = all;
            (a.min(b).min(c).min(d), a.max(b).max(c).max(d))
        });
    }

    /// `scalar32_min_max_and`, `scalar_min_max_and` and the same of `or` and `xor`
    fn bitwise(&mut self, op: AluOp, rhs: &Self) {
        self.bits = match op {
            AluOp::And => self.bits & rhs.bits,
            AluOp::Or => self.bits | rhs.bits,
            _ => self.bits ^ rhs.bits,
        };
        let half = low_bits(self.bits);
        match (rhs.low_constant(), half.as_constant()) {
            (Some(_), Some(value)) => self.set_low(super::bounds::low(value)),
            _ => self.bitwise_32(op, rhs),
        }
        match (rhs.as_constant(), self.as_constant()) {
            (Some(_), Some(value)) => *self = Self::constant(value),
            _ => self.bitwise_64(op, rhs),
        }
    }

    fn bitwise_32(&mut self, op: AluOp, rhs: &Self) {
        let half = low_bits(self.bits);
        let (least, greatest) = (super::bounds::low(half.min()), super::bounds::low(half.max()));
        (self.u32_min, self.u32_max) = match op {
            AluOp::And => (least, self.u32_max.min(rhs.u32_max)),
            AluOp::Or => (self.u32_min.max(rhs.u32_min), greatest),
            _ => (least, greatest),
        };
        let (min, max) = (self.u32_min.cast_signed(), self.u32_max.cast_signed());
        (self.s32_min, self.s32_max) = if min <= max { (min, max) } else { (i32::MIN, i32::MAX) };
    }

    fn bitwise_64(&mut self, op: AluOp, rhs: &Self) {
        let (least, greatest) = (self.bits.min(), self.bits.max());
        (self.umin, self.umax) = match op {
            AluOp::And => (least, self.umax.min(rhs.umax)),
            AluOp::Or => (self.umin.max(rhs.umin), greatest),
            _ => (least, greatest),
        };
        let (min, max) = (self.umin.cast_signed(), self.umax.cast_signed());
        (self.smin, self.smax) = if min <= max { (min, max) } else { (i64::MIN, i64::MAX) };
        self.learn_from_bits();
    }

    /// `scalar_min_max_lsh`, `scalar_min_max_rsh`, `scalar_min_max_arsh` and the same of 32 bits
    fn shift(&mut self, op: AluOp, width: Width, count: u32) {
        match (op, width) {
            (AluOp::Lsh, Width::Bits32) => {
                let half = low_bits(self.bits);
                self.shift_left_32(count);
                self.bits = low_bits(half << count);
            }
            (AluOp::Lsh, Width::Bits64) => {
                self.shift_left_64(count);
                self.shift_left_32(count);
                self.bits = self.bits << count;
            }
            (AluOp::Rsh, Width::Bits32) => {
                (self.s32_min, self.s32_max) = (i32::MIN, i32::MAX);
                self.bits = low_bits(self.bits) >> count;
                self.u32_min >>= count;
                self.u32_max >>= count;
            }
            (AluOp::Rsh, Width::Bits64) => {
                (self.smin, self.smax) = (i64::MIN, i64::MAX);
                self.bits = self.bits >> count;
                self.umin >>= count;
                self.umax >>= count;
                self.forget_32();
            }
            (_, Width::Bits32) => {
                self.s32_min >>= count;
                self.s32_max >>= count;
                self.bits = low_bits(low_bits(self.bits).cast(32, true).arsh(count));
                (self.u32_min, self.u32_max) = (0, u32::MAX);
            }
            (_, Width::Bits64) => {
                self.smin >>= count;
                self.smax >>= count;
                self.bits = self.bits.arsh(count);
                (self.umin, self.umax) = (0, u64::MAX);
                self.forget_32();
            }
        }
        match width {
            Width::Bits32 => {
                self.forget_64();
                self.learn_from_low_bits();
            }
            Width::Bits64 => self.learn_from_bits(),
        }
    }

    /// `__scalar32_min_max_lsh`
    fn shift_left_32(&mut self, count: u32) {
        (self.s32_min, self.s32_max) = (i32::MIN, i32::MAX);
        let fits = count <= 31 && u64::from(self.u32_max) <= 1 << (31 - count);
        (self.u32_min, self.u32_max) =
            if fits { (self.u32_min << count, self.u32_max << count) } else { (0, u32::MAX) };
    }

    /// `__scalar64_min_max_lsh`; compilers sign-extend a half by shifting it up and down again, so that shift is
    /// followed more closely.
    fn shift_left_64(&mut self, count: u32) {
        let keep = |half: i32| (count == 32).then(|| i64::from(half) << 32);
        self.smax = keep(self.s32_max).unwrap_or(i64::MAX);
        self.smin = keep(self.s32_min).unwrap_or(i64::MIN);
        let fits = self.umax <= 1 << (63 - count);
        (self.umin, self.umax) =
            if fits { (self.umin << count, self.umax << count) } else { (0, u64::MAX) };
    }
}

/// The count of a shift, if it is known and less than the width (part of `is_safe_to_compute_dst_reg_range`).
fn shift_count(width: Width, rhs: &Bounds) -> Option<u32> {
    let known = match width {
        Width::Bits32 => {
            rhs.low_constant().is_some() && rhs.s32_min == rhs.s32_max && rhs.u32_min == rhs.u32_max
        }
        Width::Bits64 => {
            rhs.as_constant().is_some() && rhs.smin == rhs.smax && rhs.umin == rhs.umax
        }
    };
    let count = match width {
        Width::Bits32 => rhs.u32_min.into(),
        Width::Bits64 => rhs.umin,
    };
    // The kernel looks at all 64 bits of the count, whatever the width.
    (known && rhs.umax < width.bits().into()).then(|| u32::try_from(count).ok()).flatten()
}
