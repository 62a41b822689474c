//! Conditional jumps (`check_cond_jmp_op`).

use isa::{Cond, Imm, Jump, Pc, Source, Width};

use super::operand::{immediate, register, settle};
use super::{compare, linked, null, packet, sanitize};
use crate::cx::{Check, Cx, Errno, Next, reject};
use crate::state::{Linked, Reg, RegKind, RegType, State};

/// A conditional jump: if both ways are possible, the way of the jump is left for later.
pub(crate) fn jump(cx: &mut Cx<'_>, state: &mut State, pc: Pc, jump: &Jump) -> Check<Next> {
    check_operands(cx, state, jump)?;
    let (lhs, rhs) = operands(state, jump);
    let on_stack = (lhs.ty == stack(), register(jump.rhs).is_some() && rhs.ty == stack());
    if on_stack != (false, false) {
        crate::explore::note_stack_operands(cx, state, on_stack.0, on_stack.1);
    }
    let target = jump.offset.target(pc);
    if let Some(taken) = outcome(&lhs, &rhs, jump.cond, jump.width) {
        if lhs.is_scalar() {
            crate::explore::mark_precise(cx, state, jump.lhs)?;
        }
        if let Some(reg) = register(jump.rhs)
            && rhs.is_scalar()
        {
            crate::explore::mark_precise(cx, state, reg)?;
        }
        if !cx.program.bypasses_spec_v1() {
            let behind = Pc(pc.0 + 1);
            let to = if taken { Some(behind) } else { target };
            let Some(to) = to else { return cx.unsupported("a jump in front of the program") };
            sanitize::other_way(cx, state, jump, to)?;
        }
        return match target {
            Some(target) if taken => Ok(Next::Jump(target)),
            _ => Ok(Next::Fall),
        };
    }
    let mut links = Linked::default();
    if register(jump.rhs).is_some() && rhs.is_scalar() && rhs.id != 0 {
        linked::collect(cx, state, rhs.id, &mut links);
    }
    if lhs.is_scalar() && lhs.id != 0 {
        linked::collect(cx, state, lhs.id, &mut links);
    }
    if links.entries[1].is_some() {
        crate::explore::note_linked(cx, state, links);
    }
    let mut other = crate::explore::fork(cx, state);
    if jump.rhs != Source::Reg(jump.lhs) {
        narrow(cx, state, &mut other, jump);
    }
    if register(jump.rhs).is_some() {
        linked::sync(state, &mut other, jump.rhs, &links);
    }
    linked::sync(state, &mut other, Source::Reg(jump.lhs), &links);
    propagate_nullness(cx, state, &mut other, jump);
    let checked = check_pointers(cx, state, &mut other, jump);
    let Some(target) = target else { return cx.unsupported("a jump in front of the program") };
    // What is refused on a speculative path may still go this way.
    crate::explore::push(cx, other, target, pc, Errno::EFAULT)?;
    checked.map(|()| Next::Fall)
}

fn stack() -> RegType {
    RegType::of(RegKind::Stack)
}

/// The operands may be read and compared.
fn check_operands(cx: &mut Cx<'_>, state: &State, jump: &Jump) -> Check {
    cx.read_reg(state, jump.lhs)?;
    let Some(rhs) = register(jump.rhs) else { return Ok(()) };
    cx.read_reg(state, rhs)?;
    let packets = packet::is_any(state.reg(jump.lhs)) && packet::is_any(state.reg(rhs));
    if !packets && cx.leaks(state.reg(rhs)) {
        reject!(EACCES, "R{} pointer comparison prohibited", rhs.number());
    }
    Ok(())
}

/// What is compared; a constant as a number.
fn operands(state: &State, jump: &Jump) -> (Reg, Reg) {
    let rhs = match jump.rhs {
        Source::Reg(reg) => *state.reg(reg),
        Source::Imm(imm) => Reg { num: immediate(imm), ..Reg::unknown() },
    };
    (*state.reg(jump.lhs), rhs)
}

/// The number that the register is known to be in a comparison of this width (`is_reg_const`).
fn constant(reg: &Reg, width: Width) -> Option<u64> {
    match width {
        _ if !reg.is_scalar() => None,
        Width::Bits32 => reg.num.low_constant().map(u64::from),
        Width::Bits64 => reg.num.as_constant(),
    }
}

/// Whether the condition holds, if that is known (`is_branch_taken`).
pub(super) fn outcome(lhs: &Reg, rhs: &Reg, cond: Cond, width: Width) -> Option<bool> {
    if packet::is_any(lhs) && packet::is_any(rhs) && width == Width::Bits64 {
        return packet::outcome(lhs, rhs, cond);
    }
    if lhs.is_scalar() && rhs.is_scalar() {
        return compare::outcome(&lhs.num, &rhs.num, cond, width);
    }
    // A pointer that cannot be NULL, against 0.
    let (pointer, number) = if constant(rhs, width).is_some() { (lhs, rhs) } else { (rhs, lhs) };
    let value = constant(number, width)?;
    if !null::is_not_null(pointer) || value != 0 {
        return None;
    }
    match cond {
        Cond::Eq => Some(false),
        Cond::Ne => Some(true),
        _ => None,
    }
}

/// Narrows the numbers on both ways (`reg_set_min_max`).
fn narrow(cx: &mut Cx<'_>, state: &mut State, other: &mut State, jump: &Jump) {
    let (lhs, rhs) = operands(state, jump);
    if !lhs.is_scalar() || !rhs.is_scalar() {
        return;
    }
    let mut ways = [(false, lhs.num, rhs.num), (true, lhs.num, rhs.num)];
    for (holds, a, b) in &mut ways {
        compare::refine(a, b, jump.cond, jump.width, *holds);
    }
    let [(_, false_lhs, false_rhs), (_, true_lhs, true_rhs)] = &mut ways;
    settle(cx, true_lhs, "true_reg1");
    settle(cx, true_rhs, "true_reg2");
    settle(cx, false_lhs, "false_reg1");
    settle(cx, false_rhs, "false_reg2");
    state.reg_mut(jump.lhs).num = *false_lhs;
    other.reg_mut(jump.lhs).num = *true_lhs;
    if let Some(rhs) = register(jump.rhs) {
        state.reg_mut(rhs).num = *false_rhs;
        other.reg_mut(rhs).num = *true_rhs;
    }
}

/// Of two pointers that are equal, both are not NULL if one is not.
///
/// Pointers to kernel structures may be NULL without being marked so, and tell nothing.
fn propagate_nullness(cx: &Cx<'_>, state: &mut State, other: &mut State, jump: &Jump) {
    let Some(rhs) = register(jump.rhs) else { return };
    let (a, b) = (state.reg(jump.lhs), state.reg(rhs));
    if jump.width == Width::Bits32
        || a.is_scalar()
        || b.is_scalar()
        || a.ty.may_be_null() == b.ty.may_be_null()
        || a.kind() == RegKind::BtfId
        || b.kind() == RegKind::BtfId
    {
        return;
    }
    let which = if b.ty.may_be_null() { rhs } else { jump.lhs };
    match jump.cond {
        Cond::Eq => null::mark_not_null(cx, other.reg_mut(which)),
        Cond::Ne => null::mark_not_null(cx, state.reg_mut(which)),
        _ => {}
    }
}

/// Tests for NULL and for the ends of packets.
fn check_pointers(cx: &mut Cx<'_>, state: &mut State, other: &mut State, jump: &Jump) -> Check {
    let pointer = *state.reg(jump.lhs);
    let tests_null = jump.width == Width::Bits64
        && jump.rhs == Source::Imm(Imm(0))
        && matches!(jump.cond, Cond::Eq | Cond::Ne);
    if tests_null && pointer.ty.may_be_null() {
        let equal = jump.cond == Cond::Eq;
        null::mark_all(cx, state, &pointer, !equal);
        null::mark_all(cx, other, &pointer, equal);
        return Ok(());
    }
    if !packet::learn(state, other, jump) && cx.leaks(&pointer) {
        reject!(EACCES, "R{} pointer comparison prohibited", jump.lhs.number());
    }
    Ok(())
}
