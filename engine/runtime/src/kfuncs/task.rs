//! The task that programs run in ([`crate::Task`]): a thread of a process that is its own parent.

use btf::Kind;

use crate::fault::{FaultKind, Origin, Stop};
use crate::helpers::Table;
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};

pub(crate) const TABLE: &Table = &[
    ("bpf_get_current_task", |m, _| current(m)),
    ("bpf_get_current_task_btf", |m, _| current(m)),
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

/// `struct task_struct *bpf_task_from_pid(s32 pid)`
fn bpf_task_from_pid(m: &mut Machine<'_>, [pid, ..]: [u64; 5]) -> Result<u64, Stop> {
    if pid & 0xffff_ffff == u64::from(m.current.pid) { current(m) } else { Ok(0) }
}
