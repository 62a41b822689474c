//! What an observer sees of a verification: the instructions that were followed, as a graph.
//!
//! The graph is what a run of the program can be laid beside. Each visit of an instruction knows the visit before it on
//! its path; where a path ends because a stored state covers it, the graph goes on with the visit at which that state was
//! stored.

use isa::Pc;

use crate::cx::Cx;
use crate::state::{State, StateId};

/// A visit of an instruction, counted from 1 over the whole verification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Visit(pub u32);

/// Something that happens in a verification.
#[derive(Debug)]
pub enum Seen<'s> {
    /// An instruction is about to be followed.
    Arrival {
        /// This visit.
        visit: Visit,
        /// The one before it on the path; `None` at the beginning of the program, of a global function, and of a
        /// callback that runs later.
        from: Option<Visit>,
        /// The instruction.
        pc: Pc,
        /// What is known before it.
        state: &'s State,
    },
    /// A path ends before an instruction, because what follows was explored.
    Covered {
        /// The last visit of the path.
        from: Option<Visit>,
        /// The instruction.
        pc: Pc,
        /// The visit at which the state was stored that covers this one.
        by: Visit,
    },
    /// A stored state, when nothing of it changes any more. Numbers of which [`crate::Reg::precise`] is not set may be
    /// any others on paths that it covers.
    Stored {
        /// The visit at which it was stored.
        visit: Visit,
        /// The state. What is dead may have been forgotten.
        state: &'s State,
    },
}

/// Sees what happens in a verification.
pub type Observer<'a> = dyn FnMut(Seen<'_>) + 'a;

/// The instruction at `cx.pc` is about to be followed.
pub(crate) fn arrive(cx: &mut Cx<'_>, state: &mut State) {
    let Some(observe) = &mut cx.observer else { return };
    cx.visits += 1;
    let visit = Visit(cx.visits);
    let from = state.path.visit.replace(visit);
    observe(Seen::Arrival { visit, from, pc: cx.pc, state });
}

/// The state was stored before the instruction that is followed next.
pub(crate) fn store(cx: &mut Cx<'_>, id: StateId) {
    if cx.observer.is_some() {
        let next = Visit(cx.visits + 1);
        cx.explored.state_mut(id).path.visit = Some(next);
    }
}

/// The path ends because of a stored state.
pub(crate) fn cover(cx: &mut Cx<'_>, state: &State, id: StateId) {
    let Some(observe) = &mut cx.observer else { return };
    if let Some(by) = cx.explored.state(id).path.visit {
        observe(Seen::Covered { from: state.path.visit, pc: cx.pc, by });
    }
}

/// A stored state is about to be forgotten.
pub(crate) fn forget(cx: &mut Cx<'_>, id: StateId) {
    let Some(observe) = &mut cx.observer else { return };
    let state = cx.explored.state(id);
    if let Some(visit) = state.path.visit {
        observe(Seen::Stored { visit, state });
    }
}

/// All paths of a function were followed.
pub(crate) fn finish(cx: &mut Cx<'_>) {
    if cx.observer.is_some() {
        for id in cx.explored.kept() {
            forget(cx, id);
        }
    }
}
