//! Visits of strongly connected components: when all their states are known (`struct bpf_scc_visit`).
//!
//! A state inside of a loop that equals an earlier one ends its path, but what matters to the earlier one may not be known
//! yet. Such states are kept with the visit of the loop, until all paths have left it.

use std::fmt::Write as _;

use super::precision;
use crate::cx::{Check, Cx};
use crate::state::{State, StateId};

/// So often marks are carried around a loop at most (`MAX_BACKEDGE_ITERS`).
const ROUNDS: u32 = 64;

/// Which component, entered by which calls (`struct bpf_scc_callchain`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Chain {
    /// The calls, then the component; 0 behind.
    numbers: [u32; 9],
    len: usize,
}

/// A component that paths are in or have been in.
#[derive(Debug)]
struct Visit {
    chain: Chain,
    /// The first state in it, while paths from there are explored.
    entry: Option<StateId>,
    /// States that equal others in it.
    backedges: Vec<State>,
}

/// All visits, by component.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    by_component: Vec<Vec<Visit>>,
    /// States kept until a loop is complete (`num_backedges`).
    pub(super) backedge_count: u32,
}

impl Visits {
    /// Forgets all visits.
    pub(super) fn reset(&mut self, scc_count: u32) {
        self.by_component.iter_mut().for_each(Vec::clear);
        self.by_component.resize_with(scc_count as usize + 1, Vec::new);
        self.backedge_count = 0;
    }

    fn find(&self, chain: &Chain) -> Option<&Visit> {
        self.by_component.get(chain.component())?.iter().find(|visit| visit.chain == *chain)
    }

    fn find_mut(&mut self, chain: &Chain) -> Option<&mut Visit> {
        self.by_component.get_mut(chain.component())?.iter_mut().find(|visit| visit.chain == *chain)
    }
}

impl Chain {
    /// The outermost component that the state is in, and the calls that led there (`compute_scc_callchain`).
    fn of(cx: &Cx<'_>, state: &State) -> Option<Self> {
        let mut numbers = [0; 9];
        for frame in 0..state.frames.len() {
            let pc = state.frame_pc(frame);
            let scc = cx.aux.get(pc.index()).map_or(0, |aux| aux.scc);
            if scc > 0 {
                *numbers.get_mut(frame)? = scc;
                return Some(Self { numbers, len: frame + 1 });
            }
            *numbers.get_mut(frame)? = pc.0;
        }
        None
    }

    fn component(&self) -> usize {
        self.numbers[self.len - 1] as usize
    }

    /// `(12,1)` (`format_callchain`).
    fn text(&self) -> String {
        let mut text = String::from("(");
        for (index, number) in self.numbers[..self.len].iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(text, "{}{number}", if index > 0 { "," } else { "" });
        }
        text.push(')');
        text
    }
}

fn say(cx: &mut Cx<'_>, what: &str, chain: &Chain) {
    if cx.log.is_verbose() {
        cx.say(format_args!("SCC {what} {}", chain.text()));
    }
}

/// What matters to the state may not be known yet (`incomplete_read_marks`).
pub(super) fn is_incomplete(cx: &Cx<'_>, state: &State) -> bool {
    if cx.explored.visits.backedge_count == 0 {
        return false;
    }
    let chain = Chain::of(cx, state);
    let visit = chain.and_then(|chain| cx.explored.visits.find(&chain));
    visit.is_some_and(|visit| !visit.backedges.is_empty())
}

/// A state was stored, which may be the first one in a component (`maybe_enter_scc`).
pub(super) fn enter(cx: &mut Cx<'_>, id: StateId) {
    let Some(chain) = Chain::of(cx, cx.explored.state(id)) else { return };
    let visits = &mut cx.explored.visits;
    if visits.find(&chain).is_none()
        && let Some(list) = visits.by_component.get_mut(chain.component())
    {
        list.push(Visit { chain, entry: None, backedges: Vec::new() });
    }
    if let Some(visit) = visits.find_mut(&chain)
        && visit.entry.is_none()
    {
        visit.entry = Some(id);
        say(cx, "enter", &chain);
    }
}

/// All paths from a state have been followed; if it was the first in its component, what matters in it is known
/// (`maybe_exit_scc`).
pub(super) fn exit(cx: &mut Cx<'_>, id: StateId) -> Check {
    let Some(chain) = Chain::of(cx, cx.explored.state(id)) else { return Ok(()) };
    let visits = &mut cx.explored.visits;
    let Some(visit) = visits.find_mut(&chain).filter(|visit| visit.entry == Some(id)) else {
        return Ok(());
    };
    visit.entry = None;
    let mut backedges = std::mem::take(&mut visit.backedges);
    visits.backedge_count =
        visits.backedge_count.saturating_sub(u32::try_from(backedges.len()).unwrap_or(0));
    say(cx, "exit", &chain);
    cx.explored.update_peak();
    propagate(cx, &mut backedges)
}

/// Carries marks around the loop until none is new (`propagate_backedges`).
fn propagate(cx: &mut Cx<'_>, backedges: &mut [State]) -> Check {
    if backedges.is_empty() {
        return Ok(());
    }
    for round in 0.. {
        if round > ROUNDS {
            for state in backedges.iter_mut() {
                precision::mark_all_precise(cx, state);
            }
            break;
        }
        let mut changed = false;
        for state in backedges.iter_mut() {
            if let Some(equal) = state.path.equal {
                changed |= precision::propagate(cx, equal, state)?;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(())
}

/// A path ends because the state equals a stored one in a component (`add_scc_backedge`).
pub(super) fn add_backedge(cx: &mut Cx<'_>, equal: StateId, state: &State) -> Check {
    let Some(chain) = Chain::of(cx, cx.explored.state(equal)) else {
        return cx.unsupported("a loop that is in no component");
    };
    let mut copy = cx.explored.copy(state);
    copy.path.equal = Some(equal);
    say(cx, "backedge", &chain);
    let visits = &mut cx.explored.visits;
    let Some(visit) = visits.find_mut(&chain) else {
        return cx.unsupported("a loop that was not entered");
    };
    visit.backedges.insert(0, copy);
    visits.backedge_count += 1;
    cx.explored.update_peak();
    Ok(())
}
