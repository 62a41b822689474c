//! Loops: what was found out about states in them is complete only when all ways through have been followed
//! (`struct bpf_scc_visit`).

use std::fmt::Write as _;

use isa::Pc;

use super::masks::MAX_FRAMES;
use super::{precision, visit};
use crate::cx::{Check, Cx, InsnAux};
use crate::state::{State, StateId};

/// The visits of all strongly connected components.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// By number of the component.
    by_scc: Vec<Vec<Visit>>,
    /// How many ways back there are (`num_backedges`).
    pub backedge_count: u32,
}

/// A component, and the calls that led to it (`struct bpf_scc_callchain`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Chain {
    callsites: [Pc; MAX_FRAMES - 1],
    scc: u32,
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(")?;
        // As in the kernel, a call by the first instruction ends the list.
        for callsite in self.callsites.iter().take_while(|callsite| callsite.0 != 0) {
            write!(f, "{callsite},")?;
        }
        write!(f, "{})", self.scc)
    }
}

#[derive(Debug)]
struct Visit {
    chain: Chain,
    /// The state with which paths entered; none while the component is not visited.
    entry: Option<StateId>,
    /// Ways that ended in a state of the component while it was visited, the last one last.
    backedges: Vec<Backedge>,
    /// How many of them are counted.
    count: u32,
}

/// The end of a path, and the state that it equals.
#[derive(Debug)]
struct Backedge {
    state: State,
    equal: StateId,
}

/// What is left to do for ways back is done at most so often (`MAX_BACKEDGE_ITERS`).
const MAX_ROUNDS: u32 = 64;

impl Visits {
    pub(super) fn reset(&mut self, scc_count: u32) {
        self.by_scc.iter_mut().for_each(Vec::clear);
        self.by_scc.resize_with(scc_count as usize + 1, Vec::new);
    }

    fn find(&self, chain: &Chain) -> Option<&Visit> {
        self.by_scc.get(chain.scc as usize)?.iter().find(|visit| visit.chain == *chain)
    }

    fn find_mut(&mut self, chain: &Chain) -> Option<&mut Visit> {
        self.by_scc.get_mut(chain.scc as usize)?.iter_mut().find(|visit| visit.chain == *chain)
    }
}

/// The outermost component that a state is in, with the calls in front of it (`compute_scc_callchain`).
fn chain_of(aux: &[InsnAux], state: &State) -> Option<Chain> {
    let mut chain = Chain::default();
    let last = state.frames.len().checked_sub(1)?;
    for frame in 0..=last {
        let pc = visit::frame_pc(state, frame);
        chain.scc = aux.get(pc.index())?.scc;
        if chain.scc != 0 {
            return Some(chain);
        }
        if frame < last {
            *chain.callsites.get_mut(frame)? = pc;
        }
    }
    None
}

/// A state was stored: if it is in a component that is not visited, the visit begins (`maybe_enter_scc`).
pub(super) fn enter(cx: &mut Cx<'_>, id: StateId) {
    let Cx { explored, aux, log, .. } = cx;
    let Some(chain) = chain_of(aux, explored.state(id)) else { return };
    let Some(visits) = explored.visits.by_scc.get_mut(chain.scc as usize) else { return };
    let index = visits.iter().position(|visit| visit.chain == chain).unwrap_or_else(|| {
        visits.push(Visit { chain, entry: None, backedges: Vec::new(), count: 0 });
        visits.len() - 1
    });
    let visit = &mut visits[index];
    if visit.entry.is_none() {
        visit.entry = Some(id);
        if log.is_verbose() {
            // Writing to a string does not fail, here and below.
            let _ = writeln!(log.text, "SCC enter {chain}");
        }
    }
}

/// All paths from a state have ended: if a visit began with it, what is known of its states is completed
/// (`maybe_exit_scc`).
pub(super) fn exit(cx: &mut Cx<'_>, id: StateId) -> Check {
    let Cx { explored, aux, log, .. } = cx;
    let Some(chain) = chain_of(aux, explored.state(id)) else { return Ok(()) };
    let Some(visit) = explored.visits.find_mut(&chain) else { return Ok(()) };
    if visit.entry != Some(id) {
        return Ok(());
    }
    if log.is_verbose() {
        let _ = writeln!(log.text, "SCC exit {chain}");
    }
    visit.entry = None;
    let backedges = std::mem::take(&mut visit.backedges);
    explored.visits.backedge_count -= std::mem::take(&mut visit.count);
    explored.update_peak();
    propagate(cx, backedges)
}

/// What must be exact in the states that paths equalled must be in those paths, and so on until nothing changes
/// (`propagate_backedges`).
fn propagate(cx: &mut Cx<'_>, backedges: Vec<Backedge>) -> Check {
    let mut round = 0;
    let mut changed = !backedges.is_empty();
    while changed {
        if round == MAX_ROUNDS {
            if cx.log.is_verbose() {
                cx.log.text.push_str("propagate_backedges: too many iterations\n");
            }
            for backedge in backedges.iter().rev() {
                precision::mark_all(cx, &backedge.state);
            }
            break;
        }
        round += 1;
        changed = false;
        for backedge in backedges.iter().rev() {
            visit::propagate_precision(cx, backedge.equal, &backedge.state, &mut changed)?;
        }
    }
    for backedge in backedges {
        cx.explored.recycle(backedge.state);
    }
    Ok(())
}

/// A path ends because its state equals a stored one of a component that is visited (`add_scc_backedge`).
pub(super) fn add_backedge(cx: &mut Cx<'_>, equal: StateId, state: &State) -> Check {
    let state = cx.explored.copy(state);
    let Cx { explored, aux, log, .. } = cx;
    let Some(chain) = chain_of(aux, explored.state(equal)) else {
        return cx.unsupported("a loop outside of loops");
    };
    let Some(visit) = explored.visits.find_mut(&chain) else {
        return cx.unsupported("a loop that is not visited");
    };
    if log.is_verbose() {
        let _ = writeln!(log.text, "SCC backedge {chain}");
    }
    visit.backedges.push(Backedge { state, equal });
    visit.count += 1;
    explored.visits.backedge_count += 1;
    explored.update_peak();
    Ok(())
}

/// What must be exact in the state is not known yet (`incomplete_read_marks`).
pub(super) fn is_incomplete(cx: &Cx<'_>, state: &State) -> bool {
    let visit = chain_of(&cx.aux, state)
        .and_then(|chain| cx.explored.visits.find(&chain).map(|visit| !visit.backedges.is_empty()));
    visit.unwrap_or(false)
}
