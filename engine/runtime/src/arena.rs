//! Pointers into the arena: the upper half says whether they are user space's or the kernel's, the lower one where.

use crate::memory::Address;

/// The upper half of addresses of the arena as user space and programs without a cast see them.
const USER: u64 = 0x7f00 << 32;
const LOWER: u64 = 0xffff_ffff;

/// The address of user space for a byte of the arena; NULL stays NULL.
pub(crate) fn user(address: Address) -> Address {
    match address & LOWER {
        0 => 0,
        low => USER | low,
    }
}

/// The address that can be accessed, in the allocation that `value` points to.
pub(crate) fn kernel(address: Address, value: Address) -> Address {
    value & !LOWER | address & LOWER
}
