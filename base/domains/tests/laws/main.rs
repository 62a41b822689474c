//! The laws of the domains: lattice, widening, monotone and sound operations.

mod interval;
mod scalar;
mod tnum;

use proptest::prelude::*;

/// Integers as C programs have them: small ones, those around powers of two, any 64-bit one, and now
/// and then one far outside.
fn integer() -> impl Strategy<Value = i128> {
    prop_oneof![
        4 => -20_i128..=40,
        4 => (0_u32..=66, -2_i128..=2, any::<bool>())
            .prop_map(|(bit, near, minus)| ((1_i128 << bit) + near) * if minus { -1 } else { 1 }),
        2 => any::<i64>().prop_map(i128::from),
        2 => any::<u64>().prop_map(i128::from),
        1 => any::<i128>(),
    ]
}

/// Words with a few or many bits.
fn any_word() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..=64, any::<u64>(), (0_u32..64).prop_map(|bit| 1 << bit)]
}

/// The integer of `bits` bits congruent to `value`, computed the slow way.
fn wrapped(value: i128, bits: u32, signed: bool) -> i128 {
    let size = 1_i128 << bits;
    let unsigned = value.rem_euclid(size);
    if signed && unsigned >= size / 2 { unsigned - size } else { unsigned }
}

/// An operation on integers, `None` where it is not defined.
type Concrete = fn(i128, i128) -> Option<i128>;

/// The binary operations on integers, `None` where the result does not fit an `i128`.
const OPERATIONS: [(&str, Concrete); 10] = [
    ("+", i128::checked_add),
    ("-", i128::checked_sub),
    ("*", i128::checked_mul),
    ("/", |a, b| if b == 0 { Some(0) } else { a.checked_div(b) }),
    ("%", |a, b| if b == 0 { Some(a) } else { a.checked_rem(b) }),
    ("&", |a, b| Some(a & b)),
    ("|", |a, b| Some(a | b)),
    ("^", |a, b| Some(a ^ b)),
    ("<<", |a, b| {
        (0..=126).contains(&b).then(|| 1_i128 << b).and_then(|power| a.checked_mul(power))
    }),
    (">>", |a, b| (0..=126).contains(&b).then(|| a.div_euclid(1 << b))),
];

/// Applies the operation named in [`OPERATIONS`] to abstract values.
macro_rules! apply {
    ($name:expr, $a:expr, $b:expr) => {
        match $name {
            "+" => $a + $b,
            "-" => $a - $b,
            "*" => $a * $b,
            "/" => $a / $b,
            "%" => $a % $b,
            "&" => $a & $b,
            "|" => $a | $b,
            "^" => $a ^ $b,
            "<<" => $a << $b,
            ">>" => $a >> $b,
            other => panic!("no operation {other}"),
        }
    };
}
pub(crate) use apply;

const COMPARISONS: [domains::Comparison; 6] = {
    use domains::Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    [Eq, Ne, Lt, Le, Gt, Ge]
};
