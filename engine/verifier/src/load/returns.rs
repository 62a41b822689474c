//! What must be in R0 when a program, a function that is verified alone or a callback that runs later ends.

use btf::Kind;
use isa::Reg as RegName;
use kernel_model::{AttachType, LsmReturn, ReturnCheck, lsm_hook, return_check};

use crate::cx::{Check, Cx, reject};
use crate::explore::mark_precise;
use crate::memory;
use crate::program::Program;
use crate::state::{Detail, Reg, State};

/// What is asked of the result.
enum Asked {
    /// Nothing.
    Any,
    /// A number in this range, as 32 bits or as 64.
    Range { min: i32, max: i32, is_32bit: bool },
}

/// R0 at the end of the main program, of a subprogram that is verified alone, or of an asynchronous callback
/// (`check_return_code`).
pub(crate) fn check_return(cx: &mut Cx<'_>, state: &mut State) -> Check {
    check_return_reg(cx, state, RegName::R0)
}

/// The same of another register: what `bpf_throw` is given becomes the result.
pub(crate) fn check_return_reg(cx: &mut Cx<'_>, state: &mut State, reg: RegName) -> Check {
    let program = cx.program;
    let Some(frame) = state.frames.first() else { return Ok(()) };
    let (is_subprog, in_exception) = (frame.subprog != 0, frame.in_exception_callback);
    let (in_async, callback_returns) = (frame.in_async_callback, frame.callback_returns);
    let is_main = !is_subprog || in_exception;
    if is_main && gives_nothing(program) {
        return Ok(());
    }
    if is_main && !in_exception && gives_operation_result(program, state.reg(reg)) {
        return memory::ptr_off_reg(cx, state, reg, false);
    }
    cx.read_reg(state, reg)?;
    let value = *state.reg(reg);
    if cx.leaks(&value) {
        reject!(EACCES, "R{} leaks addr as return value", reg.number());
    }
    let (exit, asked) = if in_async {
        let (min, max) = callback_returns.unwrap_or((0, 1));
        ("At async callback return", Asked::Range { min, max, is_32bit: false })
    } else if is_subprog && !in_exception {
        if !value.is_scalar() {
            reject!(
                EINVAL,
                "At subprogram exit the register R{} is not a scalar value ({})",
                reg.number(),
                value.ty
            );
        }
        return Ok(());
    } else {
        ("At program exit", asked(cx)?)
    };
    let Asked::Range { min, max, is_32bit } = asked else { return Ok(()) };
    if !value.is_scalar() {
        reject!(
            EINVAL,
            "{exit} the register R{} is not a known value ({})",
            reg.number(),
            value.ty
        );
    }
    mark_precise(cx, state, reg)?;
    let value = state.reg(reg);
    let fits = if is_32bit {
        value.num.s32_min >= min && value.num.s32_max <= max
    } else {
        value.num.smin >= min.into() && value.num.smax <= max.into()
    };
    if fits {
        return Ok(());
    }
    let message = out_of_range(value, reg, exit, (min, max));
    if !is_subprog && program.attach == Some(AttachType::LsmCgroup) && lsm_gives_nothing(program) {
        reject!(
            EINVAL,
            "{message}\nNote, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!"
        );
    }
    reject!(EINVAL, "{message}")
}

/// A number outside of the range it should be in (`verbose_invalid_scalar`).
pub(crate) fn out_of_range(reg: &Reg, name: RegName, exit: &str, (min, max): (i32, i32)) -> String {
    let (smin, smax) = (reg.num.smin, reg.num.smax);
    let found = match (smin > i64::MIN, smax < i64::MAX) {
        (true, true) => format!("smin={smin} smax={smax}"),
        (true, false) => format!("smin={smin}"),
        (false, true) => format!("smax={smax}"),
        (false, false) => "unknown scalar value".to_owned(),
    };
    format!("{exit} the register R{} has {found} should have been in [{min}, {max}]", name.number())
}

/// The hook or operation that the program is for returns nothing, so that nobody looks at R0.
fn gives_nothing(program: &Program<'_>) -> bool {
    match program.type_name() {
        "lsm" => program.attach != Some(AttachType::LsmCgroup) && lsm_gives_nothing(program),
        "struct_ops" => result_kind(program).is_none(),
        _ => false,
    }
}

/// The operation returns the pointer with a reference that is in the register.
fn gives_operation_result(program: &Program<'_>, reg: &Reg) -> bool {
    let Detail::Btf { id, own: false } = reg.detail else { return false };
    program.type_name() == "struct_ops"
        && reg.ref_obj_id != 0
        && operation_pointee(program).is_some_and(|pointee| pointee == id)
}

/// What the pointer points to that the operation returns, if it returns one.
fn operation_pointee(program: &Program<'_>) -> Option<btf::TypeId> {
    let result = program.kernel.resolve(program.attach_proto()?.target()?)?;
    let pointee = (result.kind() == Kind::Ptr).then(|| result.target())??;
    Some(program.kernel.resolve(pointee)?.id())
}

/// What the operation returns; nothing for `void`.
fn result_kind(program: &Program<'_>) -> Option<Kind> {
    let result = program.attach_proto()?.target().filter(|id| id.0 != 0)?;
    program.kernel.resolve(result).map(|ty| ty.kind())
}

fn lsm_gives_nothing(program: &Program<'_>) -> bool {
    let hook = program.target.and_then(|(_, name)| lsm_hook(name));
    hook.is_some_and(|hook| hook.returns == LsmReturn::Void)
}

/// What the type of the program, and what it is for, ask of R0.
fn asked(cx: &Cx<'_>) -> Check<Asked> {
    let program = cx.program;
    let Some(ty) = program.ty else { return Ok(Asked::Any) };
    let range = |min, max| Ok(Asked::Range { min, max, is_32bit: false });
    match return_check(ty, program.attach) {
        ReturnCheck::Any => Ok(Asked::Any),
        ReturnCheck::Range { min, max } => range(min, max),
        ReturnCheck::LsmHook if program.lacks("lsm_return_range") => Ok(Asked::Any),
        ReturnCheck::LsmHook => {
            let hook = program.target.and_then(|(_, name)| lsm_hook(name));
            let check = hook.map(|hook| hook.return_check(AttachType::LsmMac));
            Ok(match check {
                Some(ReturnCheck::Range { min, max }) => Asked::Range { min, max, is_32bit: true },
                _ => Asked::Any,
            })
        }
        ReturnCheck::LsmCgroup => {
            if lsm_gives_nothing(program) {
                range(1, 1)
            } else {
                range(0, 1)
            }
        }
        ReturnCheck::StructOps => match operation_pointee(program) {
            Some(_) => range(0, 0),
            None => Ok(Asked::Any),
        },
        ReturnCheck::Target => Ok(Asked::Any),
    }
}
