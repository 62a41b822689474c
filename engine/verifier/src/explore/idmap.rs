//! Which identities of two states correspond.

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

    /// As [`IdMap::matches`], of numbers: none stands for one of its own (`check_scalar_ids`).
    pub(super) fn matches_scalars(&mut self, old: u32, new: u32) -> bool {
        let old = self.or_new(old);
        let new = self.or_new(new);
        self.matches(old, new)
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
    }
}
