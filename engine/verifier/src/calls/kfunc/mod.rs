//! Kfuncs: arguments, effects and results by their types, the names of their parameters and their flags.

mod args;
mod classify;
pub(crate) mod field;
mod meta;
mod pointee;
mod result;
mod sections;
mod special;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod types;

use std::rc::Rc;

use isa::{BtfId, KfuncModule, Pc, Reg};
use kernel_model::KfuncFlags;

pub(in crate::calls) use args::Arg;
pub(in crate::calls) use meta::Meta;
pub(crate) use special::Special;
pub(super) use table::Kfunc;
pub(crate) use table::{Table, may_call};

use crate::calls::callback::{self, CallbackCall};
use crate::calls::{check_leaks, clobber, dynptr, graph, iter, refs};
use crate::cx::{Check, Cx, Errno, Next, reject};
use crate::state::State;
use crate::{explore, load};
use table::Allowed;

/// The kfunc exists and may be called by the program (`add_kfunc_call`); asked before anything is followed.
pub(crate) fn add(cx: &mut Cx<'_>, _pc: Pc, id: BtfId, module: KfuncModule) -> Check {
    table::add(cx, id, module)?;
    let name = cx.kfuncs.get(id).map(|kfunc| kfunc.name);
    let since = name.and_then(kernel_model::kfunc).map(|(function, _)| function.since);
    if let (Some(name), Some(since)) = (name, since)
        && since > cx.program.options.kernel
    {
        reject!(EINVAL, "calling kernel function {name} is not allowed: introduced in {since}");
    }
    Ok(())
}

/// A call of a kfunc (`check_kfunc_call`).
pub(crate) fn call(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    id: BtfId,
    module: KfuncModule,
) -> Check<Next> {
    if id.0 == 0 {
        // A weak kfunc that does not exist; refused at the end, if the call is reached.
        return Ok(Next::Fall);
    }
    if module.0 != 0 {
        return cx.unsupported("a kfunc of a module");
    }
    let Some(kfunc) = cx.kfuncs.get(id).map(Rc::clone) else {
        return cx.unsupported(format!("the kfunc at {pc}"));
    };
    let name = kfunc.name;
    match kfunc.allowed {
        Allowed::Yes => {}
        Allowed::No => reject!(EACCES, "calling kernel function {name} is not allowed"),
        Allowed::Unknown => return cx.unsupported(format!("whether {name} may be called")),
    }
    if matches!(kfunc.special, Some(Special::ResSpinLock | Special::ResSpinLockIrqsave)) {
        push_failed_lock(cx, state, pc)?;
    }
    if kfunc.is(Special::Trap) {
        reject!(EFAULT, "unexpected __bpf_trap() due to uninitialized variable?");
    }
    let may_sleep = kfunc.has(KfuncFlags::SLEEPABLE);
    if may_sleep && !cx.in_sleepable(state) {
        reject!(EACCES, "program must be sleepable to call sleepable kfunc {name}");
    }
    let mut meta = args::check(cx, state, pc, &kfunc)?;
    push_callback(cx, state, pc, &kfunc, &meta)?;
    if kfunc.is(Special::SessionCookie) {
        (meta.ret_size, meta.ret_rdonly) = (8, false);
    }
    sections::check(cx, state, &kfunc)?;
    give_back(cx, state, &kfunc, &meta)?;
    if kfunc.is(Special::Throw) {
        throw(cx, state)?;
    }
    clobber(state);
    result::put(cx, state, pc, &kfunc, &meta)?;
    if kfunc.has(KfuncFlags::ITER_NEXT) {
        let Some(place) = meta.iter else { return cx.unsupported("a step of no iterator") };
        iter::next_call(cx, state, pc, place)?;
    }
    if kfunc.changes_packet {
        dynptr::clear_packet_pointers(cx, state);
    }
    if kfunc.is(Special::Throw) {
        check_leaks(cx, state, true, true, "bpf_throw")?;
        return Ok(Next::End);
    }
    Ok(Next::Fall)
}

/// The path on which the lock could not be taken is left for later.
fn push_failed_lock(cx: &mut Cx<'_>, state: &State, pc: Pc) -> Check {
    let mut failed = state.clone();
    clobber(&mut failed);
    *failed.reg_mut(Reg::R0) = result::failed_lock(cx, pc);
    explore::push(cx, failed, Pc(pc.0 + 1), pc, Errno::ENOMEM)
        .map_err(|stop| stop.and_says("failed to push state for failed lock acquisition"))
}

/// Functions of the program that the kfunc calls, now or later.
fn push_callback(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    kfunc: &Kfunc<'_>,
    meta: &Meta,
) -> Check {
    let set: callback::SetCallee = match kfunc.special {
        Some(Special::RbtreeAdd) => graph::set_comparison,
        Some(Special::WqSetCallback) => callback::set_timer,
        Some(Special::TaskWorkSchedule) => callback::set_task_work,
        _ => return Ok(()),
    };
    let Some(subprog) = meta.subprog else { return cx.unsupported("a callback that is none") };
    let later = kfunc.special.is_some_and(Special::calls_back_later);
    let call = CallbackCall { subprog, set, later, may_sleep: later };
    callback::push(cx, state, pc, call).map_err(|stop| {
        stop.and_says(&format!("kfunc {}#{} failed callback verification", kfunc.name, kfunc.id.0))
    })
}

/// What the call gives back to the kernel, or to a list or tree.
fn give_back(cx: &mut Cx<'_>, state: &mut State, kfunc: &Kfunc<'_>, meta: &Meta) -> Check {
    if let Some(reg) = meta.release {
        let reference = state.reg(reg).ref_obj_id;
        if !refs::release(cx, state, reference) {
            reject!(
                EINVAL,
                "kfunc {}#{} reference has not been acquired before",
                kfunc.name,
                kfunc.id.0
            );
        }
    }
    use Special::{ListPushBack, ListPushFront, RbtreeAdd};
    if matches!(kfunc.special, Some(ListPushFront | ListPushBack | RbtreeAdd)) {
        graph::give_to_collection(cx, state)?;
    }
    Ok(())
}

/// An exception is thrown; if nothing handles it, the program returns what it was thrown with.
fn throw(cx: &mut Cx<'_>, state: &mut State) -> Check {
    cx.seen_exception = true;
    if cx.exception_callback == 0 {
        load::check_return_reg(cx, state, Reg::R1)?;
    }
    Ok(())
}
