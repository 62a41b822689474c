//! Numbers in states: small ones in decimal, others in hexadecimal.

use std::fmt::Write as _;

use domains::Tnum;

use crate::scalar::Bounds;

/// As `verbose_unum` of kernel/bpf/log.c.
pub(crate) fn write_unsigned(out: &mut String, number: u64) {
    // Writing to a string does not fail, here and below.
    let _ = match u16::try_from(number) {
        Ok(number) => write!(out, "{number}"),
        Err(_) => write!(out, "{number:#x}"),
    };
}

/// As `verbose_snum` of kernel/bpf/log.c.
pub(crate) fn write_signed(out: &mut String, number: i64) {
    let _ = match i16::try_from(number) {
        Ok(number) => write!(out, "{number}"),
        Err(_) => write!(out, "{number:#x}"),
    };
}

/// As `tnum_strn` of kernel/bpf/log.c.
pub(crate) fn write_tnum(out: &mut String, bits: Tnum) {
    match bits.as_constant() {
        Some(number) => write_unsigned(out, number),
        None => {
            let _ = write!(out, "({:#x}; {:#x})", bits.value(), bits.mask());
        }
    }
}

/// A bound by its name, as printed.
#[derive(Clone, Copy)]
struct Bound {
    name: &'static str,
    /// The value, with the sign extended only if it is printed in decimal.
    value: u64,
    /// It is not printed: it says nothing, or it was printed with an equal one.
    omitted: bool,
}

impl Bound {
    fn is_signed(&self) -> bool {
        self.name.starts_with('s')
    }

    fn is_negative(&self) -> bool {
        self.is_signed() && self.value.cast_signed() < 0
    }
}

/// The bounds that say something, equal ones of both signs or widths together (`print_scalar_ranges` of
/// kernel/bpf/log.c). `sep` is what goes before the first; whether something was written is returned.
pub(super) fn write_ranges(out: &mut String, num: &Bounds, mut sep: &'static str) -> &'static str {
    let mut bounds = bounds(num);
    for index in 0..bounds.len() {
        let bound = bounds[index];
        if bound.omitted {
            continue;
        }
        let _ = write!(out, "{sep}{}=", bound.name);
        sep = ",";
        for other in bounds.iter_mut().skip(index + 2).step_by(2) {
            let equal = !other.omitted && other.value == bound.value;
            if equal && other.is_negative() == bound.is_negative() {
                other.omitted = true;
                let _ = write!(out, "{}=", other.name);
            }
        }
        if bound.is_signed() {
            write_signed(out, bound.value.cast_signed());
        } else {
            write_unsigned(out, bound.value);
        }
    }
    sep
}

fn bounds(num: &Bounds) -> [Bound; 8] {
    let bound = |name, value, omitted| Bound { name, value, omitted };
    let half = |number: i32| match i16::try_from(number) {
        Ok(number) => i64::from(number).cast_unsigned(),
        Err(_) => u64::from(number.cast_unsigned()),
    };
    [
        bound("smin", num.smin.cast_unsigned(), num.smin == i64::MIN),
        bound("smax", num.smax.cast_unsigned(), num.smax == i64::MAX),
        bound("umin", num.umin, num.umin == 0),
        bound("umax", num.umax, num.umax == u64::MAX),
        bound("smin32", half(num.s32_min), num.s32_min == i32::MIN),
        bound("smax32", half(num.s32_max), num.s32_max == i32::MAX),
        bound("umin32", num.u32_min.into(), num.u32_min == 0),
        bound("umax32", num.u32_max.into(), num.u32_max == u32::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(num: &Bounds) -> String {
        let mut out = String::new();
        write_ranges(&mut out, num, "");
        out
    }

    #[test]
    fn equal_bounds_are_told_once() {
        let mut num = Bounds::UNKNOWN;
        assert_eq!(ranges(&num), "");
        (num.smin, num.smax, num.umax) = (0, 0xffff_ffff, 0xffff_ffff);
        assert_eq!(ranges(&num), "smin=0,smax=umax=0xffffffff");
        num = Bounds { smin: -5, s32_min: -5, ..Bounds::UNKNOWN };
        assert_eq!(ranges(&num), "smin=smin32=-5");
        num = Bounds { smin: -0x1_0000, s32_min: -0x1_0000, ..Bounds::UNKNOWN };
        assert_eq!(ranges(&num), "smin=0xffffffffffff0000,smin32=0xffff0000");
        // Decimal up to 15 and 16 bits.
        num = Bounds { smax: 0x8000, umin: 0x8000, ..Bounds::UNKNOWN };
        assert_eq!(ranges(&num), "smax=0x8000,umin=32768");
    }

    #[test]
    fn bits() {
        let mut out = String::new();
        write_tnum(&mut out, Tnum::new(0, 0xff));
        write_tnum(&mut out, Tnum::constant(70_000));
        assert_eq!(out, "(0x0; 0xff)0x11170");
    }
}
