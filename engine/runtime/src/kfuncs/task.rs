//! The task that programs run in ([`crate::Task`]): a thread of a process that is its own parent.

use btf::Kind;

use super::group;
use crate::attached::{beyond, set_pointer};
use crate::fault::{FaultKind, Origin, Stop};
use crate::helpers::skb::low;
use crate::helpers::stream::bpf_get_stack;
use crate::helpers::traced::bpf_send_signal;
use crate::helpers::user::{bpf_copy_from_user_str, put_or_clear};
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};
use crate::packet::{kernel_object, kernel_offset};

pub(crate) const TABLE: &Table = &[
    ("bpf_get_current_task", |m, _| current(m)),
    ("bpf_get_current_task_btf", |m, _| current(m)),
    ("bpf_copy_from_user_task", bpf_copy_from_user_task),
    ("bpf_copy_from_user_task_str", bpf_copy_from_user_task_str),
    ("bpf_get_task_exe_file", |m, [task, ..]| {
        of_task(m, task, "the file of the program of a task")
    }),
    ("bpf_get_task_stack", bpf_get_task_stack),
    ("bpf_iter_task_destroy", |_, _| Ok(0)),
    ("bpf_iter_task_new", bpf_iter_task_new),
    ("bpf_iter_task_next", bpf_iter_task_next),
    ("bpf_put_file", |_, _| Ok(0)),
    ("bpf_send_signal_task", bpf_send_signal_task),
    ("bpf_task_pt_regs", |m, [task, ..]| of_task(m, task, "the registers of a task")),
    // The task does not end, so that references need not be counted.
    ("bpf_task_acquire", |_, [task, ..]| Ok(task)),
    ("bpf_task_from_pid", bpf_task_from_pid),
    ("bpf_task_from_vpid", bpf_task_from_pid),
    ("bpf_task_release", |_, _| Ok(0)),
];

/// Its `struct task_struct`, where nothing but its numbers, its name, its relatives and its processors are filled in. What
/// other pointers point to is not modelled.
pub(crate) fn current(m: &mut Machine<'_>) -> Result<Address, Stop> {
    if let Some(task) = m.task {
        return Ok(task);
    }
    let missing = || FaultKind::NotModelled("struct task_struct".to_owned());
    let types = bpf_object::vmlinux().ok_or_else(missing)?;
    let ty = types.find("task_struct", Kind::Struct).ok_or_else(missing)?;
    let origin = Origin::Object { name: "struct task_struct".into() };
    let len = ty.size().unwrap_or(0) as usize;
    let id = m.memory.allocate(len, origin, false, Lifetime::Maps)?;
    let beyond = Origin::Beyond { name: "what struct task_struct points to".into() };
    let beyond = m.memory.allocate(0, beyond, false, Lifetime::Maps)?.at(0).to_le_bytes();
    let pointers = ty.members();
    let pointers = pointers
        .iter()
        .filter(|member| types.resolve(member.ty).is_some_and(|ty| ty.kind() == Kind::Ptr));
    for member in pointers {
        let place = m.memory.bytes_mut(id).and_then(|bytes| {
            bytes.get_mut(member.bit_offset as usize / 8..)?.get_mut(..beyond.len())
        });
        place.ok_or_else(missing)?.copy_from_slice(&beyond);
    }
    group_of(m, id.at(0))?;
    let (pid, tgid) = (m.current.pid.to_le_bytes(), m.current.tgid.to_le_bytes());
    let comm = m.current.name();
    let own = id.at(0).to_le_bytes();
    let set = types.field(ty.id(), "cpus_mask").map_err(|_| missing())?.bit_offset / 8;
    let set = id.at(set.cast_signed()).to_le_bytes();
    let one = 1_u32.to_le_bytes();
    let values: [(&str, &[u8]); 9] = [
        ("cpus_mask", &one),
        ("cpus_ptr", &set),
        ("nr_cpus_allowed", &one),
        ("pid", &pid),
        ("tgid", &tgid),
        ("comm", &comm),
        ("group_leader", &own),
        ("parent", &own),
        ("real_parent", &own),
    ];
    for (path, value) in values {
        let field = types.field(ty.id(), path).map_err(|_| missing())?;
        let at = usize::try_from(field.bit_offset / 8).map_err(|_| missing())?;
        let place = m.memory.bytes_mut(id).and_then(|bytes| bytes.get_mut(at..));
        let place = place.and_then(|rest| rest.get_mut(..value.len())).ok_or_else(missing)?;
        place.copy_from_slice(value);
    }
    m.task = Some(id.at(0));
    Ok(id.at(0))
}

/// Fills in the control group of the task.
fn group_of(m: &mut Machine<'_>, task: Address) -> Result<(), Stop> {
    let number = m.current.cgroup;
    let group = group::group(m, number)?;
    let set = kernel_object(m, "css_set", &[("dfl_cgrp", group)])?;
    let at = kernel_offset("task_struct", "cgroups")?;
    set_pointer(m, task, u32::try_from(at).unwrap_or(u32::MAX), set)
}

/// Nothing is known of other tasks.
pub(crate) fn is_current(m: &mut Machine<'_>, task: Address) -> Result<(), Stop> {
    if current(m)? == task {
        return Ok(());
    }
    match m.memory.origin_at(task) {
        Some((Origin::Object { .. } | Origin::Beyond { .. }, ..)) => {
            Err(FaultKind::NotModelled("a task that is not the current one".to_owned()).into())
        }
        _ => Err(m.wrong_argument(0, "a task")),
    }
}

/// Something of a task that there is, although what is in it is not known.
fn of_task(m: &mut Machine<'_>, task: Address, name: &str) -> Result<u64, Stop> {
    is_current(m, task)?;
    beyond(m, name)
}

/// `int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, unsigned int flags)`
///
/// The iterator is the next task and its kind, 8 bytes each. There is one task.
fn bpf_iter_task_new(
    m: &mut Machine<'_>,
    [iterator, task, flags, ..]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_TASK_ITER_ALL_PROCS`, `BPF_TASK_ITER_ALL_THREADS`, `BPF_TASK_ITER_PROC_THREADS`
    const KINDS: u64 = 3;
    const PROC_THREADS: u64 = 2;
    const INT: u64 = 0xffff_ffff;
    let flags = u64::from(low(flags));
    let next = match flags {
        PROC_THREADS if task == 0 => 0,
        flags if flags >= KINDS => 0,
        _ => {
            if task != 0 {
                is_current(m, task)?;
            }
            current(m)?
        }
    };
    m.memory.put(iterator, &next.to_le_bytes())?;
    Ok(if next == 0 { error(errno::EINVAL) & INT } else { 0 })
}

/// `struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it)`
fn bpf_iter_task_next(m: &mut Machine<'_>, [iterator, ..]: [u64; 5]) -> Result<u64, Stop> {
    let next = m.memory.read_u64(iterator)?;
    m.memory.put(iterator, &[0; 8])?;
    Ok(next)
}

/// `long bpf_copy_from_user_task(void *dst, u32 size, const void *user_ptr, struct task_struct *tsk, u64 flags)`
fn bpf_copy_from_user_task(
    m: &mut Machine<'_>,
    [to, size, from, task, flags]: [u64; 5],
) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    is_current(m, task)?;
    let size = low(size) as usize;
    let bytes = if size == 0 { Some(Vec::new()) } else { m.user_bytes(from, size)? };
    put_or_clear(m, to, size, bytes.as_deref())
}

/// `int bpf_copy_from_user_task_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, struct task_struct *tsk, u64 flags)`
fn bpf_copy_from_user_task_str(
    m: &mut Machine<'_>,
    [to, size, from, task, flags]: [u64; 5],
) -> Result<u64, Stop> {
    is_current(m, task)?;
    bpf_copy_from_user_str(m, [to, size, from, flags, 0])
}

/// `long bpf_get_task_stack(struct task_struct *task, void *buf, u32 size, u64 flags)`
fn bpf_get_task_stack(m: &mut Machine<'_>, args: [u64; 5]) -> Result<u64, Stop> {
    is_current(m, args[0])?;
    bpf_get_stack(m, args)
}

/// `int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type, u64 value)`
fn bpf_send_signal_task(
    m: &mut Machine<'_>,
    [task, signal, kind, ..]: [u64; 5],
) -> Result<u64, Stop> {
    const INT: u64 = 0xffff_ffff;
    is_current(m, task)?;
    // `PIDTYPE_PID` and `PIDTYPE_TGID`
    if low(kind) > 1 {
        return Ok(error(errno::EINVAL) & INT);
    }
    Ok(bpf_send_signal(m, [signal, 0, 0, 0, 0])? & INT)
}

/// `struct task_struct *bpf_task_from_pid(s32 pid)`
fn bpf_task_from_pid(m: &mut Machine<'_>, [pid, ..]: [u64; 5]) -> Result<u64, Stop> {
    if pid & 0xffff_ffff == u64::from(m.current.pid) { current(m) } else { Ok(0) }
}
