//! Visits of strongly connected components: when all their states are known (`struct bpf_scc_visit`).

/// All visits.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// States kept until a loop is complete (`num_backedges`).
    pub(super) backedge_count: u32,
}

impl Visits {
    /// Forgets all visits.
    pub(super) fn reset(&mut self, _scc_count: u32) {
        self.backedge_count = 0;
    }
}
