//! Functions of the program that helpers and kfuncs call.

use isa::{Pc, Reg};

use crate::calls::{dynptr, subprog};
use crate::cx::{Check, Cx, Errno, Stop, reject};
use crate::explore;
use crate::state::{Detail, DynptrKind, Frame, Reg as RegState, RegKind, RegType, State};

/// Fills the frame of a callback from the caller's registers (`set_callee_state_fn`).
pub(crate) type SetCallee = fn(&mut Cx<'_>, caller: &Frame, callee: &mut Frame, pc: Pc) -> Check;

/// A function that a helper or kfunc calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallbackCall {
    /// The subprogram.
    pub subprog: u32,
    /// What is in its registers.
    pub set: SetCallee,
    /// It runs after the call (`is_async_callback_calling_insn`).
    pub later: bool,
    /// It may sleep when it runs later.
    pub may_sleep: bool,
}

/// The helper or kfunc at `pc` calls a function, now or later (`push_callback_call`).
pub(crate) fn push(cx: &mut Cx<'_>, state: &mut State, pc: Pc, call: CallbackCall) -> Check {
    match subprog::check_call(cx, state, call.subprog) {
        Err(Stop::Reject(reject)) if reject.errno != Errno::EFAULT => {
            subprog::say_refusal(cx, &reject);
        }
        checked => checked?,
    }
    let Some(info) = cx.subprogs.get_mut(call.subprog as usize) else {
        return cx.unsupported(format!("the callback {}, which is not there", call.subprog));
    };
    info.is_cb = true;
    let start = info.start;
    if call.later {
        info.is_async_cb = true;
        let mut frame = Frame::new(None, 0, call.subprog);
        cx.log.touch_all();
        frame.async_entries = state.frame().async_entries + 1;
        (call.set)(cx, state.frame(), &mut frame, pc)?;
        return explore::push_async(cx, frame, start, pc, call.may_sleep);
    }
    let mut inside = state.clone();
    subprog::enter(cx, &mut inside, call.subprog, pc, call.set)?;
    inside.path.callback_unroll_depth += 1;
    let outer = inside.frames.len() - 2;
    inside.frames[outer].callback_depth += 1;
    explore::push(cx, inside, start, pc, Errno::ENOMEM)?;
    state.frame_mut().callback_depth = 0;
    Ok(())
}

/// What a synchronous callback returns may only be 0 or 1.
fn called_now(callee: &mut Frame) -> Check {
    callee.in_callback = true;
    callee.callback_returns = Some((0, 1));
    Ok(())
}

/// The key and the value of a map, in R2 and R3.
fn set_key_and_value(callee: &mut Frame, map: Detail) {
    let detail = match map {
        Detail::Map { map, .. } => Detail::Map { map, uid: 0 },
        other => other,
    };
    let pointer = |kind| RegState::pointer(RegType::of(kind)).with(detail);
    *callee.reg_mut(Reg::R2) = pointer(RegKind::MapKey);
    *callee.reg_mut(Reg::R3) = pointer(RegKind::MapValue);
}

/// Of `bpf_for_each_map_elem`: map, key, value and context (`set_map_elem_callback_state`).
pub(crate) fn set_map_element(
    cx: &mut Cx<'_>,
    caller: &Frame,
    callee: &mut Frame,
    _pc: Pc,
) -> Check {
    let map = caller.reg(Reg::R1);
    let Some((id, facts)) = map.map().and_then(|id| Some((id, cx.program.map(id)?))) else {
        return cx.unsupported("the elements of no map");
    };
    let inner = || kernel_model::map_type_by_id(facts.definition(true).map_type);
    let ty = if id.inner { inner() } else { facts.ty };
    if !ty.is_some_and(|ty| ty.for_each) {
        reject!(ENOTSUPP, "callback function not allowed for map");
    }
    *callee.reg_mut(Reg::R1) = *map;
    set_key_and_value(callee, map.detail);
    *callee.reg_mut(Reg::R4) = *caller.reg(Reg::R3);
    called_now(callee)
}

/// Of `bpf_loop`: a number and the context (`set_loop_callback_state`).
pub(crate) fn set_loop(cx: &mut Cx<'_>, caller: &Frame, callee: &mut Frame, _pc: Pc) -> Check {
    *callee.reg_mut(Reg::R1) = cx.unknown();
    *callee.reg_mut(Reg::R2) = *caller.reg(Reg::R3);
    called_now(callee)
}

/// Of `bpf_find_vma`: task, memory area and context (`set_find_vma_callback_state`).
pub(crate) fn set_memory_area(
    cx: &mut Cx<'_>,
    caller: &Frame,
    callee: &mut Frame,
    _pc: Pc,
) -> Check {
    let Some(area) = cx.program.kernel.find("vm_area_struct", btf::Kind::Struct) else {
        return cx.unsupported("struct vm_area_struct, which the kernel has not");
    };
    *callee.reg_mut(Reg::R1) = *caller.reg(Reg::R1);
    *callee.reg_mut(Reg::R2) = RegState::pointer(RegType::of(RegKind::BtfId))
        .with(Detail::Btf { id: area.id(), own: false });
    *callee.reg_mut(Reg::R3) = *caller.reg(Reg::R4);
    called_now(callee)
}

/// Of `bpf_user_ringbuf_drain`: a dynptr and the context (`set_user_ringbuf_callback_state`).
pub(crate) fn set_sample(cx: &mut Cx<'_>, caller: &Frame, callee: &mut Frame, _pc: Pc) -> Check {
    *callee.reg_mut(Reg::R1) = dynptr::register(DynptrKind::Local, true, cx.new_id());
    *callee.reg_mut(Reg::R2) = *caller.reg(Reg::R3);
    called_now(callee)
}

/// Map, key and value of an object in a register; it runs later.
fn set_later(cx: &Cx<'_>, object: &RegState, callee: &mut Frame, returns: (i32, i32)) -> Check {
    let Detail::Map { map, .. } = object.detail else {
        return cx.unsupported("a callback of an object that is in no map");
    };
    let detail = Detail::Map { map, uid: 0 };
    *callee.reg_mut(Reg::R1) = RegState::pointer(RegType::of(RegKind::ConstMapPtr)).with(detail);
    set_key_and_value(callee, detail);
    callee.in_async_callback = true;
    callee.callback_returns = Some(returns);
    Ok(())
}

/// Of timers and work queues: the map, key and value of the object in R1 (`set_timer_callback_state`).
pub(crate) fn set_timer(cx: &mut Cx<'_>, caller: &Frame, callee: &mut Frame, _pc: Pc) -> Check {
    set_later(cx, caller.reg(Reg::R1), callee, (0, 0))
}

/// Of task work: the map, key and value of the object in R3 (`set_task_work_schedule_callback_state`).
pub(crate) fn set_task_work(cx: &mut Cx<'_>, caller: &Frame, callee: &mut Frame, _pc: Pc) -> Check {
    set_later(cx, caller.reg(Reg::R3), callee, (i32::MIN, i32::MAX))
}

/// What the callback that ends returns is a number in its range (part of `prepare_func_exit`).
pub(crate) fn check_result(cx: &mut Cx<'_>, state: &mut State) -> Check {
    if !state.reg(Reg::R0).is_scalar() {
        reject!(EACCES, "R0 not a scalar value");
    }
    explore::mark_precise(cx, state, Reg::R0)?;
    let (least, greatest) = state.frame().callback_returns.unwrap_or((0, 1));
    let result = state.reg(Reg::R0).num;
    if i64::from(least) <= result.smin && result.smax <= i64::from(greatest) {
        return Ok(());
    }
    let mut known = String::new();
    if result.smin > i64::MIN {
        known += &format!(" smin={}", result.smin);
    }
    if result.smax < i64::MAX {
        known += &format!(" smax={}", result.smax);
    }
    if known.is_empty() {
        known += " unknown scalar value";
    }
    reject!(
        EINVAL,
        "At callback return the register R0 has{known} should have been in [{least}, {greatest}]"
    );
}
