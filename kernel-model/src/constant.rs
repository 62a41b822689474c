//! Named numbers of the kernel's user-space interface that BPF C uses without defining them.

use crate::generated::constants::CONSTANTS;

/// A named number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Constant {
    /// The name in C.
    pub name: &'static str,
    /// The value; an unsigned 64-bit value beyond the signed range is its two's complement.
    pub value: i64,
}

/// The value of the constant called `name`.
pub fn constant(name: &str) -> Option<i64> {
    let index = CONSTANTS.binary_search_by(|row| row.name.cmp(name)).ok()?;
    Some(CONSTANTS[index].value)
}

/// All constants, by name.
pub fn constants() -> &'static [Constant] {
    &CONSTANTS
}
