//! Functions of the program: calls and returns, and how they begin if they are verified alone.

use isa::{Pc, Reg};
use kernel_model::{ArgBase, TypeFlags};

use crate::calls::dynptr::{self, DynptrArg};
use crate::calls::helper::argument::{check_mem, check_offset};
use crate::calls::helper::types::{Wanted, check_type};
use crate::calls::{SubprogArg, callback, clobber, refs};
use crate::cfg::{self, liveness};
use crate::cx::{Check, Cx, Errno, Next, Reject, Stop, reject};
use crate::explore;
use crate::log;
use crate::memory;
use crate::state::{Detail, DynptrKind, Frame, RefKind, Reg as RegState, RegKind, RegType, State};

pub(crate) use crate::calls::prototype::prepare_args;

/// The registers that carry arguments.
const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

/// There are at most so many frames (`MAX_CALL_FRAMES`).
const MAX_FRAMES: usize = 8;

/// A call of a function of the program (`check_func_call`).
pub(crate) fn call(cx: &mut Cx<'_>, state: &mut State, pc: Pc, target: Pc) -> Check<Next> {
    let Some(subprog) = cfg::subprog_at(cx, target) else {
        reject!(EFAULT, "verifier bug: target of func call at insn {} is not a program", target.0);
    };
    let checked = check_call(cx, state, subprog);
    if cx.subprogs.get(subprog as usize).is_some_and(|info| info.is_global) {
        return call_global(cx, state, subprog, checked);
    }
    match checked {
        Err(Stop::Reject(reject)) if reject.errno != Errno::EFAULT => say_refusal(cx, &reject),
        checked => checked?,
    }
    enter(cx, state, subprog, pc, copy_arguments)?;
    let caller = state.frames.len() - 2;
    for reg in &mut state.frames[caller].regs[..6] {
        *reg = RegState::NOT_INIT;
    }
    liveness::frames_changed(cx);
    if cx.log.is_on() {
        let inner = state.frame().number;
        print_frames(cx, state, ["caller:", "callee:"], [inner - 1, inner]);
    }
    Ok(Next::Jump(target))
}

/// Prints two frames, each under a heading.
fn print_frames(cx: &mut Cx<'_>, state: &State, headings: [&str; 2], frames: [u32; 2]) {
    for (heading, frame) in headings.into_iter().zip(frames) {
        cx.say(format_args!("{heading}"));
        let text = log::print_state(cx, state, frame, true);
        cx.say(format_args!("{text}"));
    }
}

/// What the kernel says about a call that it takes all the same.
pub(crate) fn say_refusal(cx: &mut Cx<'_>, reject: &Reject) {
    if !reject.message.is_empty() {
        cx.say(format_args!("{}", reject.message));
    }
}

/// A call of a global function, which is verified alone.
fn call_global(cx: &mut Cx<'_>, state: &mut State, subprog: u32, checked: Check) -> Check<Next> {
    let info = &cx.subprogs[subprog as usize];
    let (name, might_sleep, changes_packet) =
        (info.name.clone(), info.might_sleep, info.changes_packet);
    let before = match &checked {
        Err(Stop::Reject(reject)) if reject.errno != Errno::EFAULT => {
            Some(reject.message.clone()).filter(|message| !message.is_empty())
        }
        Err(_) => return checked.map(|()| Next::Fall),
        Ok(()) => None,
    };
    let before = before.map_or(String::new(), |message| message + "\n");
    if state.active_locks > 0 {
        reject!(
            EINVAL,
            "{before}global function calls are not allowed while holding a lock,\nuse static function instead"
        );
    }
    let atomic = state.active_rcu_locks > 0
        || state.active_preempt_locks > 0
        || state.active_irq_id != 0
        || !cx.in_sleepable(state);
    if might_sleep && atomic {
        reject!(
            EINVAL,
            "{before}global functions that may sleep are not allowed in non-sleepable context,\n\
             i.e., in a RCU/IRQ/preempt-disabled section, or in\n\
             a non-sleepable BPF program context"
        );
    }
    checked.map_err(|stop| {
        stop.and_says(&format!("Caller passes invalid args into func#{subprog} ('{name}')"))
    })?;
    cx.say(format_args!("Func#{subprog} ('{name}') is global and assumed valid."));
    if changes_packet {
        dynptr::clear_packet_pointers(cx, state);
    }
    cx.subprogs[subprog as usize].called = true;
    clobber(state);
    *state.reg_mut(Reg::R0) = cx.unknown();
    Ok(Next::Fall)
}

/// A new frame in which the subprogram begins (`setup_func_entry`).
pub(crate) fn enter(
    cx: &mut Cx<'_>,
    state: &mut State,
    subprog: u32,
    callsite: Pc,
    set: callback::SetCallee,
) -> Check {
    let depth = state.frames.len();
    if depth >= MAX_FRAMES {
        reject!(E2BIG, "the call stack of {} frames is too deep", depth + 1);
    }
    let number = u32::try_from(depth).unwrap_or(u32::MAX);
    let mut callee = Frame::new(Some(callsite), number, subprog);
    cx.log.touch_all();
    set(cx, state.frame(), &mut callee, callsite)?;
    state.frames.push(callee);
    Ok(())
}

/// The arguments are those of the caller (`set_callee_state`).
fn copy_arguments(_cx: &mut Cx<'_>, caller: &Frame, callee: &mut Frame, _pc: Pc) -> Check {
    for reg in ARGUMENTS {
        *callee.reg_mut(reg) = *caller.reg(reg);
    }
    Ok(())
}

/// The registers agree with the types of the function (`btf_check_subprog_call`). That they do not is fatal for global
/// functions only, and then for good.
pub(crate) fn check_call(cx: &mut Cx<'_>, state: &mut State, subprog: u32) -> Check {
    if cx.program.btf.is_none() || cx.program.functions.is_empty() {
        reject!(EINVAL, "");
    }
    if cx.subprogs.get(subprog as usize).is_none_or(|info| info.unreliable) {
        reject!(EINVAL, "");
    }
    let checked = check_arguments(cx, state, subprog);
    if matches!(checked, Err(Stop::Reject(_))) {
        cx.subprogs[subprog as usize].unreliable = true;
    }
    checked
}

/// `btf_check_func_arg_match`.
fn check_arguments(cx: &mut Cx<'_>, state: &mut State, subprog: u32) -> Check {
    prepare_args(cx, subprog)?;
    let count = args_of(cx, subprog).map_or(0, <[_]>::len);
    for (index, reg) in ARGUMENTS.into_iter().enumerate().take(count) {
        let Some(arg) = args_of(cx, subprog).and_then(|args| args.get(index)).cloned() else {
            break;
        };
        check_argument(cx, state, reg, &arg)?;
    }
    Ok(())
}

fn args_of<'c>(cx: &'c Cx<'_>, subprog: u32) -> Option<&'c [SubprogArg]> {
    cx.subprogs.get(subprog as usize)?.args.as_deref()
}

fn check_argument(cx: &mut Cx<'_>, state: &mut State, reg: Reg, arg: &SubprogArg) -> Check {
    const NONE: TypeFlags = TypeFlags::NONE;
    let (number, index) = (reg.number(), reg.number() - 1);
    match arg.ty.kind {
        RegKind::Scalar if !state.reg(reg).is_scalar() => {
            reject!(EINVAL, "R{number} is not a scalar")
        }
        RegKind::Scalar => Ok(()),
        _ if arg.ty.has(TypeFlags::PTR_UNTRUSTED) => Ok(()),
        RegKind::Ctx => {
            check_offset(cx, state, reg, ArgBase::Anything, NONE)?;
            if state.reg(reg).ty != RegType::of(RegKind::Ctx) {
                reject!(EINVAL, "arg#{index} expects pointer to ctx");
            }
            Ok(())
        }
        RegKind::Mem => check_memory(cx, state, reg, arg),
        RegKind::Arena => {
            let ty = state.reg(reg).ty;
            if ty != RegType::of(RegKind::Arena) && ty != RegType::of(RegKind::Scalar) {
                reject!(EINVAL, "R{number} is not a pointer to arena or scalar.");
            }
            Ok(())
        }
        RegKind::Dynptr => {
            check_offset(cx, state, reg, ArgBase::PtrToDynptr, NONE)?;
            let taken = DynptrArg { read_only: true, ..DynptrArg::default() };
            dynptr::argument(cx, state, reg, cx.pc, taken)
        }
        RegKind::BtfId => {
            if state.reg(reg).is_null() && arg.ty.may_be_null() {
                return Ok(());
            }
            let (base, flags) = (ArgBase::PtrToBtfId, arg.ty.flags);
            let wanted = Wanted { base, flags, btf: arg.btf, helper: "bpf_unspec", kptr: None };
            check_type(cx, state, reg, wanted)?;
            check_offset(cx, state, reg, ArgBase::PtrToBtfId, flags)
        }
        _ => reject!(EFAULT, "verifier bug: unrecognized arg#{index}"),
    }
}

/// Memory that the function reads and writes. All refusals of it have one errno.
fn check_memory(cx: &mut Cx<'_>, state: &mut State, reg: Reg, arg: &SubprogArg) -> Check {
    check_offset(cx, state, reg, ArgBase::Anything, TypeFlags::NONE)?;
    check_mem(cx, state, reg, arg.mem_size).map_err(|stop| match stop {
        Stop::Reject(mut reject) => {
            reject.errno = Errno::EINVAL;
            Stop::Reject(reject)
        }
        unsupported => unsupported,
    })?;
    if !arg.ty.may_be_null() && state.reg(reg).ty.may_be_null() {
        reject!(EINVAL, "arg#{} is expected to be non-NULL", reg.number() - 1);
    }
    Ok(())
}

/// A return from a function or callback, with the innermost frame not the first (`prepare_func_exit`).
pub(crate) fn exit_frame(cx: &mut Cx<'_>, state: &mut State, pc: Pc) -> Check<Next> {
    liveness::update(cx, state);
    if state.reg(Reg::R0).ty == RegType::of(RegKind::Stack) {
        reject!(EINVAL, "cannot return stack pointer to the caller");
    }
    let callback = state.frame().in_callback;
    let result = *state.reg(Reg::R0);
    let Some(callsite) = state.frame().callsite.filter(|_| state.frames.len() > 1) else {
        return cx.unsupported(format!("a return at {} from no call", pc.0));
    };
    let next = if callback { callsite } else { Pc(callsite.0 + 1) };
    if callback {
        callback::check_result(cx, state)?;
    } else {
        let caller = state.frames.len() - 2;
        *state.frames[caller].reg_mut(Reg::R0) = result;
    }
    if cx.log.is_on() {
        let inner = state.frame().number;
        let to = format!("to caller at {}:", next.0);
        print_frames(cx, state, ["returning from callee:", &to], [inner, inner - 1]);
    }
    state.frames.pop();
    liveness::frames_changed(cx);
    if callback {
        explore::widen_since_last_visit(cx, state, next)?;
    }
    Ok(Next::Jump(next))
}

/// The state in which the subprogram begins if it is verified alone (part of `do_check_common`).
pub(crate) fn entry_state(cx: &mut Cx<'_>, subprog: u32) -> Check<State> {
    let Some(start) = cx.subprogs.get(subprog as usize).map(|info| info.start) else {
        return cx.unsupported(format!("subprogram {subprog}, which is not there"));
    };
    let mut state = State::new(subprog, start);
    state.in_sleepable = cx.program.sleepable;
    // What replaces a function gets what the function gets.
    if subprog == 0 && !cx.program.is_extension {
        begin_main(cx, &mut state)?;
    } else {
        begin_global(cx, &mut state, subprog)?;
    }
    Ok(state)
}

/// The main program gets its context, whatever its types say.
fn begin_main(cx: &mut Cx<'_>, state: &mut State) -> Check {
    if cx.program.btf.is_some() && !cx.program.functions.is_empty() {
        let prepared = prepare_args(cx, 0);
        let context = RegType::of(RegKind::Ctx);
        let takes_context = matches!(args_of(cx, 0), Some([arg]) if arg.ty == context);
        match prepared {
            Err(Stop::Reject(reject)) => say_refusal(cx, &reject),
            other => other?,
        }
        cx.subprogs[0].unreliable |= !takes_context;
    }
    *state.reg_mut(Reg::R1) = RegState::pointer(RegType::of(RegKind::Ctx));
    if cx.program.type_name() == "struct_ops" {
        for arg in memory::references(cx.program) {
            let id = refs::acquire(cx, state, RefKind::Ptr, Pc(0));
            cx.argument_refs.push((arg, id));
        }
    }
    Ok(())
}

/// A global function gets whatever fits its types.
fn begin_global(cx: &mut Cx<'_>, state: &mut State, subprog: u32) -> Check {
    let info = &cx.subprogs[subprog as usize];
    let (name, handles_exceptions) = (info.name.clone(), info.is_exception_cb);
    cx.say(format_args!("Validating {name}() func#{subprog}..."));
    prepare_args(cx, subprog)?;
    let args = args_of(cx, subprog).unwrap_or_default().to_vec();
    if handles_exceptions {
        state.frame_mut().in_exception_callback = true;
        if !matches!(&args[..], [arg] if arg.ty == RegType::of(RegKind::Scalar)) {
            reject!(EINVAL, "exception cb only supports single integer argument");
        }
    }
    for (reg, arg) in ARGUMENTS.into_iter().zip(&args) {
        *state.reg_mut(reg) = begin_argument(cx, arg);
    }
    Ok(())
}

fn begin_argument(cx: &mut Cx<'_>, arg: &SubprogArg) -> RegState {
    match arg.ty.kind {
        RegKind::Ctx => RegState::pointer(RegType::of(RegKind::Ctx)),
        RegKind::Dynptr => dynptr::register(DynptrKind::Local, true, cx.new_id()),
        RegKind::Mem => {
            let detail = Detail::Mem { size: arg.mem_size, dynptr: 0 };
            let id = if arg.ty.may_be_null() { cx.new_id() } else { 0 };
            RegState { id, ..RegState::pointer(arg.ty).with(detail) }
        }
        RegKind::BtfId => {
            let id = arg.btf.unwrap_or(btf::TypeId::VOID);
            let pointer = RegState::pointer(arg.ty).with(Detail::Btf { id, own: false });
            RegState { id: cx.new_id(), ..pointer }
        }
        // A pointer into an arena may be a number as well.
        _ => cx.unknown(),
    }
}
