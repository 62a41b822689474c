//! Forgetting what is dead in stored states, so that more states equal them (`clean_live_states`).

use isa::{Pc, Reg as RegName};

use super::{scc, visit};
use crate::cfg::liveness::Query;
use crate::cx::Cx;
use crate::state::{Reg, SlotKind, State};

/// Cleans the states at an instruction that `state` is about to be compared with.
pub(super) fn clean_states(cx: &mut Cx<'_>, bucket: usize, pc: Pc, state: &State) {
    for place in (0..cx.explored.listed(bucket).len()).rev() {
        let id = cx.explored.listed(bucket)[place];
        let stored = cx.explored.state(id);
        if stored.path.branches > 0
            || stored.path.cleaned
            || stored.path.pc != pc
            || !visit::same_callsites(stored, state)
            || scc::is_incomplete(cx, stored)
        {
            continue;
        }
        // Taken out while liveness, which is kept beside it, is asked.
        let mut stored = std::mem::replace(cx.explored.state_mut(id), State::hollow());
        clean(cx, &mut stored);
        *cx.explored.state_mut(id) = stored;
    }
}

/// `clean_verifier_state`
fn clean(cx: &mut Cx<'_>, state: &mut State) {
    let query = Query::new(cx, state, state.path.pc);
    state.path.cleaned = true;
    for frame in 0..state.frames.len() {
        let pc = visit::frame_pc(state, frame);
        let live = cx.aux.get(pc.index()).map_or(u16::MAX, |aux| aux.live_regs);
        let found = &mut state.frames[frame];
        for (number, reg) in found.regs[..RegName::R10.index()].iter_mut().enumerate() {
            if live >> number & 1 == 0 {
                *reg = Reg::NOT_INIT;
            }
        }
        let (frame, slots) = (u32::try_from(frame).unwrap_or(u32::MAX), found.stack.iter_mut());
        for (slot, stack) in (0..).zip(slots) {
            if !query.is_live(cx, frame, slot) {
                stack.spilled = Reg::NOT_INIT;
                stack.kinds = [SlotKind::Invalid; 8];
            }
        }
    }
}
