//! Which identities of two states correspond.

use crate::state::ADD_CONST;

/// Pairs of identities, found while two states are compared (`struct bpf_idmap`).
#[derive(Debug, Default)]
pub(crate) struct IdMap {
    pairs: Vec<(u32, u32)>,
    /// The greatest identity so far, made-up ones included.
    last: u32,
}

impl IdMap {
    /// Two other states are compared; identities up to `last` are in use.
    pub(super) fn reset(&mut self, last: u32) {
        self.pairs.clear();
        self.last = last;
    }

    /// They may stand for each other: both are none, or each always for the other (`check_ids`).
    pub(super) fn matches(&mut self, old: u32, new: u32) -> bool {
        if old == 0 || new == 0 {
            return old == new;
        }
        for &(known_old, known_new) in &self.pairs {
            if known_old == old {
                return known_new == new;
            }
            if known_new == new {
                return false;
            }
        }
        self.pairs.push((old, new));
        true
    }

    /// As [`IdMap::matches`], of numbers: an old one that is linked with none may stand for any, and a new one has then an
    /// identity of its own. Of numbers at a distance, those that they are distant from must match, too
    /// (`check_scalar_ids`).
    pub(super) fn matches_scalars(&mut self, old: u32, new: u32) -> bool {
        if old == 0 {
            return true;
        }
        let new = self.or_new(new);
        self.matches(old, new)
            && (old & ADD_CONST == 0 || self.matches(old & !ADD_CONST, new & !ADD_CONST))
    }

    fn or_new(&mut self, id: u32) -> u32 {
        if id == 0 {
            self.last += 1;
            return self.last;
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_one_to_one() {
        let mut ids = IdMap::default();
        ids.reset(10);
        assert!(ids.matches(0, 0));
        assert!(!ids.matches(1, 0));
        assert!(ids.matches(1, 5) && ids.matches(1, 5));
        assert!(!ids.matches(1, 6) && !ids.matches(2, 5));
        // Two independent numbers do not stand for two linked ones.
        assert!(ids.matches_scalars(3, 0));
        assert!(!ids.matches_scalars(3, 0));
        // One that is linked with none stands for any.
        assert!(ids.matches_scalars(0, 5) && ids.matches_scalars(0, 5));
    }

    #[test]
    fn numbers_at_a_distance_are_distant_from_the_same() {
        let mut ids = IdMap::default();
        ids.reset(10);
        assert!(ids.matches_scalars(1, 5));
        assert!(!ids.matches_scalars(1 | ADD_CONST, 6 | ADD_CONST));
        assert!(ids.matches_scalars(2 | ADD_CONST, 7 | ADD_CONST));
        assert!(!ids.matches_scalars(2, 8));
    }
}
