//! The kfuncs of a program, read once.

use std::marker::PhantomData;

/// The kfuncs that a program calls.
#[derive(Debug, Default)]
pub(crate) struct Table<'a> {
    of: PhantomData<&'a ()>,
}
