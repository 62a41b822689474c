//! What is noted of a path for walking it backwards: jumps, stack accesses, linked registers (`push_jmp_history`).

use crate::cx::Cx;
use crate::state::{Linked, State, Step};

/// An instruction accesses a stack slot through a register (`push_jmp_history` with `insn_stack_access_flags`).
pub(crate) fn note_stack_access(cx: &mut Cx<'_>, state: &mut State, frame: u32, slot: u32) {
    if let (Ok(frame), Ok(slot), Some(step)) =
        (u8::try_from(frame), u8::try_from(slot), current(cx, state))
    {
        step.stack = Some((frame, slot));
    }
}

/// Operands of a comparison are stack pointers (`push_jmp_history` with `INSN_F_DST_REG_STACK` and
/// `INSN_F_SRC_REG_STACK`).
pub(crate) fn note_stack_operands(cx: &mut Cx<'_>, state: &mut State, lhs: bool, rhs: bool) {
    if let Some(step) = current(cx, state) {
        step.lhs_is_stack |= lhs;
        step.rhs_is_stack |= rhs;
    }
}

/// A jump at which registers are linked (`push_jmp_history` with linked registers).
pub(crate) fn note_linked(cx: &mut Cx<'_>, state: &mut State, linked: Linked) {
    if let Some(step) = current(cx, state) {
        step.linked = linked;
    }
}

/// The way leads here by a jump.
pub(super) fn note_jump(cx: &mut Cx<'_>, state: &mut State) {
    current(cx, state);
}

/// The note on the instruction that is processed.
fn current<'s>(cx: &mut Cx<'_>, state: &'s mut State) -> Option<&'s mut Step> {
    let history = &mut state.path.history;
    if !cx.explored.is_noted {
        cx.explored.is_noted = true;
        history.push(Step {
            pc: cx.pc,
            prev: cx.prev_pc,
            stack: None,
            lhs_is_stack: false,
            rhs_is_stack: false,
            linked: Linked::default(),
        });
    }
    history.last_mut()
}
