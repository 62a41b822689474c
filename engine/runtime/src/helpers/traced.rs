//! Helpers of programs that trace: the arguments and result of the function that they are attached to, and what they do to
//! the task. The context of such a program is a list of arguments, with the result of the function behind them where it has
//! one already.

use super::{Table, errno, error};
use crate::event::{Access, Target};
use crate::fault::{FaultKind, Stop};
use crate::helpers::skb::{low, note};
use crate::machine::Machine;
use crate::memory::Address;

pub(super) const TABLE: &Table = &[
    ("bpf_get_func_arg", bpf_get_func_arg),
    ("bpf_get_func_arg_cnt", bpf_get_func_arg_cnt),
    ("bpf_get_func_ret", bpf_get_func_ret),
    ("bpf_override_return", bpf_override_return),
    ("bpf_send_signal", bpf_send_signal),
    ("bpf_send_signal_thread", bpf_send_signal),
];

/// `BPF_TRACE_FEXIT`, `BPF_MODIFY_RETURN`
const WITH_RESULT: [u32; 2] = [25, 26];

/// How many arguments the function has, and whether its result is behind them.
fn arguments(m: &Machine<'_>, context: Address) -> Result<(u64, bool), Stop> {
    let id = m.memory.origin_at(context).map(|(_, id, _)| id);
    let words = id.map_or(0, |id| u64::from(m.memory.len(id)) / 8);
    let program = m.image.program_at(m.pc);
    let has_result = program.is_some_and(|program| WITH_RESULT.contains(&program.attach_type));
    match words.checked_sub(u64::from(has_result)) {
        Some(count) if words > 0 => Ok((count, has_result)),
        _ => {
            let what = "a function whose arguments the context does not give".to_owned();
            Err(FaultKind::NotModelled(what).into())
        }
    }
}

/// `long bpf_get_func_arg(void *ctx, u32 n, u64 *value)`
fn bpf_get_func_arg(m: &mut Machine<'_>, [context, n, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let n = u64::from(low(n));
    if n >= arguments(m, context)?.0 {
        return Ok(error(errno::EINVAL));
    }
    let value = m.memory.read_u64(context.wrapping_add(8 * n))?;
    m.memory.put(to, &value.to_le_bytes())?;
    Ok(0)
}

/// `long bpf_get_func_arg_cnt(void *ctx)`
fn bpf_get_func_arg_cnt(m: &mut Machine<'_>, [context, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(arguments(m, context)?.0)
}

/// `long bpf_get_func_ret(void *ctx, u64 *value)`
fn bpf_get_func_ret(m: &mut Machine<'_>, [context, to, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (count, has_result) = arguments(m, context)?;
    if !has_result {
        return Ok(error(errno::EOPNOTSUPP));
    }
    let value = m.memory.read_u64(context.wrapping_add(8 * count))?;
    m.memory.put(to, &value.to_le_bytes())?;
    Ok(0)
}

/// `long bpf_override_return(struct pt_regs *regs, u64 rc)`: the register that results are in is set; where the function
/// goes on is not in the model.
fn bpf_override_return(m: &mut Machine<'_>, [registers, value, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// Where `ax` is in `struct pt_regs` of x86-64.
    const AX: u64 = 80;
    m.memory.put(registers.wrapping_add(AX), &value.to_le_bytes())?;
    Ok(0)
}

/// `long bpf_send_signal(u32 sig)`, in the order of `bpf_send_signal_common`.
pub(crate) fn bpf_send_signal(m: &mut Machine<'_>, [signal, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `_NSIG`
    const MOST: u32 = 64;
    let signal = low(signal);
    let result = match signal {
        _ if m.current.tgid == 1 => error(errno::EPERM),
        signal if signal > MOST => error(errno::EINVAL),
        signal => {
            note(m, Target::Task, 0, 0, Access::Sent(signal));
            0
        }
    };
    Ok(result)
}
