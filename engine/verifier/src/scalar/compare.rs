//! What comparisons of numbers tell, before and after they are made.

use isa::{Cond, Width};

use domains::Tnum;

use super::bounds::{Bounds, both, low, low_bits, low_signed, with_low_bits};

/// The condition with its operands swapped (`flip_opcode`).
pub(super) fn flipped(cond: Cond) -> Cond {
    match cond {
        Cond::Eq | Cond::Ne | Cond::Set => cond,
        Cond::Gt => Cond::Lt,
        Cond::Ge => Cond::Le,
        Cond::Lt => Cond::Gt,
        Cond::Le => Cond::Ge,
        Cond::SignedGt => Cond::SignedLt,
        Cond::SignedGe => Cond::SignedLe,
        Cond::SignedLt => Cond::SignedGt,
        Cond::SignedLe => Cond::SignedGe,
    }
}

/// The condition that holds if this one does not (`rev_opcode`); `None` for [`Cond::Set`].
fn negated(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::Set => return None,
        Cond::Gt => Cond::Le,
        Cond::Ge => Cond::Lt,
        Cond::Lt => Cond::Ge,
        Cond::Le => Cond::Gt,
        Cond::SignedGt => Cond::SignedLe,
        Cond::SignedGe => Cond::SignedLt,
        Cond::SignedLt => Cond::SignedGe,
        Cond::SignedLe => Cond::SignedGt,
    })
}

/// A number as a comparison of some width sees it.
struct View {
    bits: Tnum,
    umin: u64,
    umax: u64,
    smin: i64,
    smax: i64,
}

impl View {
    fn new(bounds: &Bounds, width: Width) -> Self {
        match width {
            Width::Bits32 => Self {
                bits: low_bits(bounds.bits),
                umin: bounds.u32_min.into(),
                umax: bounds.u32_max.into(),
                smin: bounds.s32_min.into(),
                smax: bounds.s32_max.into(),
            },
            Width::Bits64 => Self {
                bits: bounds.bits,
                umin: bounds.umin,
                umax: bounds.umax,
                smin: bounds.smin,
                smax: bounds.smax,
            },
        }
    }
}

/// Whether `a cond b` holds, if that is known (`is_scalar_branch_taken`).
pub(super) fn outcome(a: &Bounds, b: &Bounds, cond: Cond, width: Width) -> Option<bool> {
    let (x, y) = (View::new(a, width), View::new(b, width));
    let decide = |always: bool, never: bool| match (always, never) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    match cond {
        Cond::Eq => equality(a, b, &x, &y, width),
        Cond::Ne => equality(a, b, &x, &y, width).map(|equal| !equal),
        Cond::Set => {
            let (bits, mask) = match (x.bits.as_constant(), y.bits.as_constant()) {
                (_, Some(mask)) => (x.bits, mask),
                (Some(mask), None) => (y.bits, mask),
                (None, None) => return None,
            };
            decide(bits.min() & mask != 0, bits.max() & mask == 0)
        }
        Cond::Gt => decide(x.umin > y.umax, x.umax <= y.umin),
        Cond::Ge => decide(x.umin >= y.umax, x.umax < y.umin),
        Cond::Lt => decide(x.umax < y.umin, x.umin >= y.umax),
        Cond::Le => decide(x.umax <= y.umin, x.umin > y.umax),
        Cond::SignedGt => decide(x.smin > y.smax, x.smax <= y.smin),
        Cond::SignedGe => decide(x.smin >= y.smax, x.smax < y.smin),
        Cond::SignedLt => decide(x.smax < y.smin, x.smin >= y.smax),
        Cond::SignedLe => decide(x.smax <= y.smin, x.smin > y.smax),
    }
}

fn equality(a: &Bounds, b: &Bounds, x: &View, y: &View, width: Width) -> Option<bool> {
    if let (Some(value), Some(other)) = (x.bits.as_constant(), y.bits.as_constant()) {
        return Some(value == other);
    }
    let halves_differ = || {
        a.u32_min > b.u32_max
            || a.u32_max < b.u32_min
            || a.s32_min > b.s32_max
            || a.s32_max < b.s32_min
    };
    let differ = x.bits.meet(y.bits).is_none()
        || x.umin > y.umax
        || x.umax < y.umin
        || x.smin > y.smax
        || x.smax < y.smin
        || width == Width::Bits64 && halves_differ();
    differ.then_some(false)
}

/// Narrows two numbers by whether `a cond b` holds (`regs_refine_cond_op` and `reg_bounds_sync`).
pub(super) fn refine(a: &mut Bounds, b: &mut Bounds, cond: Cond, width: Width, holds: bool) {
    let cond = if holds { Some(cond) } else { negated(cond) };
    match cond {
        Some(cond @ (Cond::Ge | Cond::Gt | Cond::SignedGe | Cond::SignedGt)) => {
            order(b, a, flipped(cond), width);
        }
        Some(Cond::Eq) => equal(a, b, width),
        Some(Cond::Ne) => different(a, b, width),
        Some(Cond::Set) => some_bit(a, b, width),
        Some(cond) => order(a, b, cond, width),
        None => no_bit(a, b, width),
    }
    a.sync();
    b.sync();
}

fn equal(a: &mut Bounds, b: &mut Bounds, width: Width) {
    match width {
        Width::Bits32 => {
            a.u32_min = a.u32_min.max(b.u32_min);
            a.u32_max = a.u32_max.min(b.u32_max);
            a.s32_min = a.s32_min.max(b.s32_min);
            a.s32_max = a.s32_max.min(b.s32_max);
            (b.u32_min, b.u32_max) = (a.u32_min, a.u32_max);
            (b.s32_min, b.s32_max) = (a.s32_min, a.s32_max);
            let half = both(low_bits(a.bits), low_bits(b.bits));
            a.bits = with_low_bits(a.bits, half);
            b.bits = with_low_bits(b.bits, half);
        }
        Width::Bits64 => {
            a.umin = a.umin.max(b.umin);
            a.umax = a.umax.min(b.umax);
            a.smin = a.smin.max(b.smin);
            a.smax = a.smax.min(b.smax);
            (b.umin, b.umax) = (a.umin, a.umax);
            (b.smin, b.smax) = (a.smin, a.smax);
            a.bits = both(a.bits, b.bits);
            b.bits = a.bits;
        }
    }
}

/// The one that is not constant, and the constant, if one is.
fn against_constant<'a>(
    a: &'a mut Bounds,
    b: &'a mut Bounds,
    width: Width,
) -> Option<(&'a mut Bounds, u64)> {
    let constant = |bounds: &Bounds| match width {
        Width::Bits32 => bounds.low_constant().map(u64::from),
        Width::Bits64 => bounds.as_constant(),
    };
    match (constant(b), constant(a)) {
        (Some(value), _) => Some((a, value)),
        (None, Some(value)) => Some((b, value)),
        (None, None) => None,
    }
}

/// A number that is not one of the ends of its ranges.
fn different(a: &mut Bounds, b: &mut Bounds, width: Width) {
    let Some((number, value)) = against_constant(a, b, width) else { return };
    match width {
        Width::Bits32 => {
            if number.u32_min == low(value) {
                number.u32_min = number.u32_min.wrapping_add(1);
            }
            if number.u32_max == low(value) {
                number.u32_max = number.u32_max.wrapping_sub(1);
            }
            if number.s32_min == low_signed(value) {
                number.s32_min = number.s32_min.wrapping_add(1);
            }
            if number.s32_max == low_signed(value) {
                number.s32_max = number.s32_max.wrapping_sub(1);
            }
        }
        Width::Bits64 => {
            if number.umin == value {
                number.umin = number.umin.wrapping_add(1);
            }
            if number.umax == value {
                number.umax = number.umax.wrapping_sub(1);
            }
            if number.smin == value.cast_signed() {
                number.smin = number.smin.wrapping_add(1);
            }
            if number.smax == value.cast_signed() {
                number.smax = number.smax.wrapping_sub(1);
            }
        }
    }
}

/// `a & b` is not zero: which bit is set is only known if there is one.
fn some_bit(a: &mut Bounds, b: &mut Bounds, width: Width) {
    let Some((number, value)) = against_constant(a, b, width) else { return };
    if value.is_power_of_two() {
        let with_bit = number.bits | Tnum::constant(value);
        number.bits = match width {
            Width::Bits32 => with_low_bits(number.bits, low_bits(with_bit)),
            Width::Bits64 => with_bit,
        };
    }
}

/// `a & b` is zero.
fn no_bit(a: &mut Bounds, b: &mut Bounds, width: Width) {
    let Some((number, value)) = against_constant(a, b, width) else { return };
    number.forget_ranges();
    let without = number.bits & Tnum::constant(!value);
    number.bits = match width {
        Width::Bits32 => with_low_bits(number.bits, low_bits(without)),
        Width::Bits64 => without,
    };
}

/// `a < b` or `a <= b`, unsigned or signed.
fn order(a: &mut Bounds, b: &mut Bounds, cond: Cond, width: Width) {
    let strict = matches!(cond, Cond::Lt | Cond::SignedLt);
    let signed = matches!(cond, Cond::SignedLt | Cond::SignedLe);
    macro_rules! narrow {
        ($min:ident, $max:ident) => {{
            let gap = strict.into();
            a.$max = a.$max.min(b.$max.wrapping_sub(gap));
            b.$min = b.$min.max(a.$min.wrapping_add(gap));
        }};
    }
    match (width, signed) {
        (Width::Bits32, false) => narrow!(u32_min, u32_max),
        (Width::Bits32, true) => narrow!(s32_min, s32_max),
        (Width::Bits64, false) => narrow!(umin, umax),
        (Width::Bits64, true) => narrow!(smin, smax),
    }
}
