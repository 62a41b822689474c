//! Control groups: the root, and those of the task and of sockets, which lie below it.

use crate::attached::set_pointer;
use crate::fault::{FaultKind, Stop};
use crate::helpers::Table;
use crate::helpers::skb::low;
use crate::machine::Machine;
use crate::memory::Address;
use crate::packet::{kernel_object, kernel_offset};

pub(crate) const TABLE: &Table = &[
    // Groups do not end, so that references need not be counted.
    ("bpf_cgroup_acquire", |_, [group, ..]| Ok(group)),
    ("bpf_cgroup_ancestor", bpf_cgroup_ancestor),
    ("bpf_cgroup_from_id", bpf_cgroup_from_id),
    ("bpf_cgroup_release", |_, _| Ok(0)),
    ("bpf_task_get_cgroup1", bpf_task_get_cgroup1),
    ("bpf_task_under_cgroup", bpf_task_under_cgroup),
];

/// The number of the root.
const ROOT: u64 = 1;

/// The `struct cgroup` of a group, in which its number and its level are filled in.
pub(crate) fn group(m: &mut Machine<'_>, number: u64) -> Result<Address, Stop> {
    if let Some((_, known)) = m.groups.iter().find(|(known, _)| *known == number) {
        return Ok(*known);
    }
    let node = kernel_object(m, "kernfs_node", &[("id", number)])?;
    let level = u64::from(number != ROOT);
    let group = kernel_object(m, "cgroup", &[("level", level), ("kn", node)])?;
    m.groups.push((number, group));
    if number != ROOT {
        let root = self::group(m, ROOT)?;
        let parent = kernel_offset("cgroup", "self.parent")?;
        let parent = u32::try_from(parent).unwrap_or(u32::MAX);
        set_pointer(m, group, parent, root)?;
    }
    Ok(group)
}

/// The number of the group that an argument is.
fn number(m: &Machine<'_>, address: Address, argument: u8) -> Result<u64, Stop> {
    let found = m.groups.iter().find(|(_, known)| *known == address);
    found.map(|(number, _)| *number).ok_or_else(|| match m.memory.origin_at(address) {
        Some((crate::fault::Origin::Object { name }, ..)) if &**name == "struct cgroup" => {
            FaultKind::NotModelled("a control group that is not the task's".to_owned()).into()
        }
        _ => m.wrong_argument(argument, "a control group"),
    })
}

/// `struct cgroup *bpf_cgroup_from_id(u64 cgid)`
fn bpf_cgroup_from_id(m: &mut Machine<'_>, [id, ..]: [u64; 5]) -> Result<u64, Stop> {
    let is_known = id == ROOT
        || id == m.current.cgroup
        || m.sockets.iter().any(|socket| socket.cgroup == id && id != 0);
    if is_known { group(m, id) } else { Ok(0) }
}

/// `struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level)`
fn bpf_cgroup_ancestor(m: &mut Machine<'_>, [address, level, ..]: [u64; 5]) -> Result<u64, Stop> {
    let number = number(m, address, 0)?;
    match low(level) {
        0 => group(m, ROOT),
        1 if number != ROOT => Ok(address),
        _ => Ok(0),
    }
}

/// `long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor)`
fn bpf_task_under_cgroup(m: &mut Machine<'_>, [task, of, ..]: [u64; 5]) -> Result<u64, Stop> {
    super::task::is_current(m, task)?;
    let number = number(m, of, 1)?;
    Ok((number == ROOT || number == m.current.cgroup).into())
}

/// `struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy_id)`: there is no hierarchy of the first
/// version.
fn bpf_task_get_cgroup1(m: &mut Machine<'_>, [task, ..]: [u64; 5]) -> Result<u64, Stop> {
    super::task::is_current(m, task)?;
    Ok(0)
}
