//! Helpers: one function each, named like the row of the kernel model.
//!
//! A helper takes the machine and the five argument registers and returns R0. To add one, write it in the module of its
//! family and put its name into the table of the family; [`find`] does the rest. What is in no table ends a run that
//! gets there with "not modelled"; so a helper that cannot be modelled faithfully is left out.

mod beside;
mod control;
mod cookie;
mod encap;
mod format;
mod header;
mod hooks;
mod maps;
mod message;
mod misc;
mod network;
pub(crate) mod option;
mod outside;
mod perf;
mod ring;
mod room;
mod sequence;
pub(crate) mod skb;
mod socket;
mod storage;
pub(crate) mod stream;
mod timer;
pub(crate) mod traced;
pub(crate) mod user;
mod xdp;

use crate::fault::Stop;
use crate::kfuncs;
use crate::machine::Machine;

/// What a helper or kfunc does.
pub(crate) type Helper = fn(&mut Machine<'_>, [u64; 5]) -> Result<u64, Stop>;

/// Functions by name.
pub(crate) type Table = [(&'static str, Helper)];

/// The tables of all families.
const FAMILIES: &[&Table] = &[
    beside::TABLE,
    control::TABLE,
    cookie::TABLE,
    encap::TABLE,
    crate::dynptr::BULK,
    crate::dynptr::SLICES,
    crate::dynptr::TABLE,
    header::TABLE,
    hooks::TABLE,
    message::TABLE,
    misc::TABLE,
    network::TABLE,
    option::TABLE,
    outside::TABLE,
    perf::TABLE,
    ring::TABLE,
    room::TABLE,
    sequence::TABLE,
    skb::TABLE,
    socket::TABLE,
    storage::TABLE,
    stream::TABLE,
    timer::TABLE,
    traced::TABLE,
    user::TABLE,
    xdp::TABLE,
    maps::TABLE,
    kfuncs::arena::TABLE,
    kfuncs::cast::TABLE,
    kfuncs::conntrack::TABLE,
    kfuncs::control::TABLE,
    kfuncs::cpumask::TABLE,
    kfuncs::group::TABLE,
    kfuncs::list::TABLE,
    kfuncs::locks::TABLE,
    kfuncs::objects::TABLE,
    kfuncs::rbtree::TABLE,
    kfuncs::task::TABLE,
    kfuncs::text::TABLE,
];

/// What a helper or kfunc does, if it is modelled.
pub(crate) fn find(name: &str) -> Option<Helper> {
    FAMILIES
        .iter()
        .find_map(|table| table.iter().find(|(known, _)| *known == name).map(|(_, helper)| *helper))
}

/// The names of all helpers and kfuncs that are modelled.
pub fn modelled() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|table| table.iter().map(|(name, _)| *name))
}

/// A negative error number in R0.
pub(crate) const fn error(number: i32) -> u64 {
    (-(number as i64)).cast_unsigned()
}

/// Error numbers that helpers return.
pub(crate) mod errno {
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const ENOENT: i32 = 2;
    pub(crate) const E2BIG: i32 = 7;
    pub(crate) const EBADF: i32 = 9;
    pub(crate) const EAGAIN: i32 = 11;
    pub(crate) const ENOMEM: i32 = 12;
    pub(crate) const EFAULT: i32 = 14;
    pub(crate) const EACCES: i32 = 13;
    pub(crate) const EBUSY: i32 = 16;
    pub(crate) const EDEADLK: i32 = 35;
    pub(crate) const EEXIST: i32 = 17;
    pub(crate) const ENOSPC: i32 = 28;
    pub(crate) const ENODEV: i32 = 19;
    pub(crate) const EAFNOSUPPORT: i32 = 97;
    pub(crate) const EINVAL: i32 = 22;
    pub(crate) const ERANGE: i32 = 34;
    pub(crate) const EPROTO: i32 = 71;
    pub(crate) const EOPNOTSUPP: i32 = 95;
    pub(crate) const EALREADY: i32 = 114;
    pub(crate) const ESOCKTNOSUPPORT: i32 = 94;
    pub(crate) const EPROTONOSUPPORT: i32 = 93;
    pub(crate) const EPROTOTYPE: i32 = 91;
    pub(crate) const EBADFD: i32 = 77;
    pub(crate) const EOVERFLOW: i32 = 75;
    pub(crate) const ENAMETOOLONG: i32 = 36;
    pub(crate) const ENOMSG: i32 = 42;
    pub(crate) const ENONET: i32 = 64;
    pub(crate) const ENOTSUPP: i32 = 524;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn names_are_rows_of_the_model_and_unique() {
        let mut seen = BTreeSet::new();
        for name in super::modelled() {
            assert!(kernel_model::function(name).is_some(), "{name} is no row");
            assert!(seen.insert(name), "{name} is there twice");
        }
    }
}
