//! Numbers by their ranges and bits.

use domains::Tnum;

/// What is known of a number: its bits, and its ranges read as 64 and as 32 bits, unsigned and signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
    pub fn constant(value: u64) -> Self {
        let half = value as u32;
        Self {
            bits: Tnum::constant(value),
            smin: value.cast_signed(),
            smax: value.cast_signed(),
            umin: value,
            umax: value,
            s32_min: half.cast_signed(),
            s32_max: half.cast_signed(),
            u32_min: half,
            u32_max: half,
        }
    }
}
