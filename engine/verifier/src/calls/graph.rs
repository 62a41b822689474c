//! Objects the program allocates, and the lists and trees they are in.

use crate::state::State;

/// References that the program does not own end with the lock that protects them (`invalidate_non_owning_refs`).
pub(crate) fn invalidate_non_owning(_state: &mut State) {}
