//! Helpers over storage of sockets, tasks, inodes and control groups.

use super::{Helper, Table, errno, error};
use crate::fault::Stop;
use crate::machine::Machine;
use crate::maps::storage;

pub(super) const TABLE: &Table = &[
    ("bpf_cgrp_storage_delete", DELETE),
    ("bpf_cgrp_storage_get", GET),
    ("bpf_get_local_storage", bpf_get_local_storage),
    ("bpf_inode_storage_delete", DELETE),
    ("bpf_inode_storage_get", GET),
    ("bpf_sk_storage_delete", DELETE),
    ("bpf_sk_storage_get", GET),
    ("bpf_task_storage_delete", DELETE),
    ("bpf_task_storage_get", GET),
];

/// `BPF_LOCAL_STORAGE_GET_F_CREATE`
const CREATE: u64 = 1;

const GET: Helper = get;
const DELETE: Helper = delete;

/// `void *bpf_task_storage_get(struct bpf_map *map, struct task_struct *task, void *value, u64 flags)` and the like
fn get(m: &mut Machine<'_>, [map, owner, value, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    if owner == 0 || flags & !CREATE != 0 {
        return Ok(0);
    }
    let key = owner.to_le_bytes();
    let known = m.maps.get(map)?.lookup(&mut m.memory, &key)?;
    if let Some(place) = known {
        return Ok(place);
    }
    if flags & CREATE == 0 {
        return Ok(0);
    }
    let size = m.maps.sizes(map).1;
    let value = if value == 0 { Vec::new() } else { m.memory.read(value, size)?.to_vec() };
    let made = m.maps.get(map)?;
    made.update(&mut m.memory, &key, &value, 0)?;
    Ok(made.lookup(&mut m.memory, &key)?.unwrap_or(0))
}

/// `long bpf_task_storage_delete(struct bpf_map *map, struct task_struct *task)` and the like
fn delete(m: &mut Machine<'_>, [map, owner, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    if owner == 0 {
        return Ok(error(errno::EINVAL));
    }
    let result = m.maps.get(map)?.delete(&mut m.memory, &owner.to_le_bytes())?;
    Ok(i64::from(result).cast_unsigned())
}

/// `void *bpf_get_local_storage(void *map, u64 flags)`
fn bpf_get_local_storage(m: &mut Machine<'_>, [map, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let storage = m.maps.get(map)?;
    if let Some(place) = storage.lookup(&mut m.memory, &storage::GROUP)? {
        return Ok(place);
    }
    storage.update(&mut m.memory, &storage::GROUP, &[], 0)?;
    Ok(storage.lookup(&mut m.memory, &storage::GROUP)?.unwrap_or(0))
}
