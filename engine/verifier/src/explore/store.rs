//! Explored states, by the instruction they are at, and the counts that decide when another is stored.

use isa::Pc;

use super::idmap::IdMap;
use super::scc::Visits;
use super::{Pending, Stats};
use crate::state::{State, StateId};

/// What was explored and what is yet to be explored.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// Paths left for later, the next one last.
    pub pending: Vec<Pending>,
    /// What was counted.
    pub stats: Stats,
    /// Numbers are compared exactly, because how they are masked may depend on them (`explore_alu_limits`).
    pub strict_numbers: bool,
    /// Calls, exits and jumps that were processed.
    pub(super) jumps: u32,
    /// `jumps`, when a state was stored last.
    pub(super) jumps_at_state: u32,
    /// Instructions processed, when a state was stored last.
    pub(super) insns_at_state: u32,
    /// The last entry of the history of the path is about the instruction that is processed (`cur_hist_ent`).
    pub(super) is_noted: bool,
    /// Visits of strongly connected components.
    pub(super) visits: Visits,
    /// Which identities correspond, while states are compared.
    pub(super) ids: IdMap,
    nodes: Vec<Node>,
    /// Places in `nodes` to be used again.
    vacant: Vec<StateId>,
    /// The states that others are compared with, by hash of instruction and call; those stored last come last.
    buckets: Vec<Vec<StateId>>,
    /// How many states are in `buckets`.
    listed: u32,
    /// How many states are kept for their children alone (`free_list_size`).
    unlisted: u32,
    /// States whose memory can be used again.
    spare: Vec<State>,
}

/// A state that was stored (`struct bpf_verifier_state_list`).
#[derive(Debug)]
struct Node {
    state: State,
    /// How often a path ended because of it.
    hits: u32,
    /// How often none did.
    misses: u32,
    /// No longer in a bucket (`in_free_list`).
    is_unlisted: bool,
}

/// So many states are kept for their memory.
const SPARE_LIMIT: usize = 64;

impl Explored {
    /// Forgets all states, before a function is verified alone. Counts go on.
    pub(super) fn begin(&mut self, insns: usize, scc_count: u32) {
        self.pending.clear();
        self.nodes.clear();
        self.vacant.clear();
        self.buckets.iter_mut().for_each(Vec::clear);
        self.buckets.resize_with(insns, Vec::new);
        self.visits.reset(scc_count);
    }

    /// The states that were stored; those forgotten may be among them.
    pub(crate) fn kept(&self) -> impl Iterator<Item = StateId> + use<> {
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        (0..count).map(StateId)
    }

    pub(crate) fn state(&self, id: StateId) -> &State {
        &self.nodes[id.0 as usize].state
    }

    pub(crate) fn state_mut(&mut self, id: StateId) -> &mut State {
        &mut self.nodes[id.0 as usize].state
    }

    /// A copy, in memory that is no longer needed.
    pub(super) fn copy(&mut self, state: &State) -> State {
        match self.spare.pop() {
            Some(mut copy) => {
                copy.clone_from(state);
                copy
            }
            None => state.clone(),
        }
    }

    /// The state is no longer needed.
    pub(super) fn recycle(&mut self, state: State) {
        if self.spare.len() < SPARE_LIMIT {
            self.spare.push(state);
        }
    }

    /// The bucket of states at this instruction (`explored_state`).
    pub(super) fn bucket(&self, pc: Pc, state: &State) -> usize {
        // The first frame's call site is -1.
        let callsite = state.frame().callsite.map_or(u32::MAX, |callsite| callsite.0);
        ((pc.0 ^ callsite) as usize) % self.buckets.len().max(1)
    }

    /// The states in a bucket, those stored last last.
    pub(super) fn listed(&self, bucket: usize) -> &[StateId] {
        self.buckets.get(bucket).map_or(&[], Vec::as_slice)
    }

    /// Stores a copy of the state, the place of which is returned.
    pub(super) fn store(&mut self, bucket: usize, state: &State) -> StateId {
        let id = if let Some(id) = self.vacant.pop() {
            let node = &mut self.nodes[id.0 as usize];
            node.state.clone_from(state);
            (node.hits, node.misses, node.is_unlisted) = (0, 0, false);
            id
        } else {
            let id = StateId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
            let state = self.copy(state);
            self.nodes.push(Node { state, hits: 0, misses: 0, is_unlisted: false });
            id
        };
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.push(id);
        }
        id
    }

    /// Counts a state that is about to be stored.
    pub(super) fn count_stored(&mut self) {
        self.stats.total_states += 1;
        self.listed += 1;
        self.update_peak();
        self.jumps_at_state = self.jumps;
        self.insns_at_state = self.stats.insns_processed;
    }

    /// `update_peak_states`
    pub(super) fn update_peak(&mut self) {
        let count = self.listed + self.unlisted + self.visits.backedge_count;
        self.stats.peak_states = self.stats.peak_states.max(count);
    }

    pub(super) fn count_hit(&mut self, id: StateId) {
        self.nodes[id.0 as usize].hits += 1;
    }

    pub(super) fn count_miss(&mut self, id: StateId) {
        self.nodes[id.0 as usize].misses += 1;
    }

    /// It missed so often that it is not worth comparing; with `patience` for each hit.
    pub(super) fn is_useless(&self, id: StateId, patience: u32) -> bool {
        let node = &self.nodes[id.0 as usize];
        node.misses > node.hits * patience + patience
    }

    /// Nothing is compared any more with the state at this place of a bucket.
    pub(super) fn unlist(&mut self, bucket: usize, place: usize) {
        let id = self.buckets[bucket].remove(place);
        self.nodes[id.0 as usize].is_unlisted = true;
        self.listed -= 1;
        self.unlisted += 1;
    }

    /// Gives the place of a state free, if nothing is compared with it and nothing goes on from it
    /// (`maybe_free_verifier_state` but for marks that are yet to come).
    pub(super) fn is_done(&self, id: StateId) -> bool {
        let node = &self.nodes[id.0 as usize];
        node.is_unlisted && node.state.path.branches == 0
    }

    /// The state is forgotten.
    pub(super) fn free(&mut self, id: StateId) {
        self.vacant.push(id);
        self.unlisted -= 1;
    }
}
