//! Helpers that work on the elements of maps.

use super::Table;
use crate::fault::Stop;
use crate::machine::Machine;

pub(super) const TABLE: &Table = &[
    ("bpf_map_delete_elem", bpf_map_delete_elem),
    ("bpf_map_lookup_elem", bpf_map_lookup_elem),
    ("bpf_map_update_elem", bpf_map_update_elem),
];

/// `void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)`
fn bpf_map_lookup_elem(m: &mut Machine<'_>, [map, key, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let key = m.memory.read(key, m.maps.sizes(map).0)?.to_vec();
    let value = m.maps.get(map)?.lookup(&mut m.memory, &key)?;
    Ok(value.unwrap_or(0))
}

/// `long bpf_map_update_elem(struct bpf_map *map, const void *key, const void *value, u64 flags)`
fn bpf_map_update_elem(
    m: &mut Machine<'_>,
    [map, key, value, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let (key_size, value_size) = m.maps.sizes(map);
    let key = m.memory.read(key, key_size)?.to_vec();
    let value = m.memory.read(value, value_size)?.to_vec();
    let result = m.maps.get(map)?.update(&mut m.memory, &key, &value, flags)?;
    Ok(i64::from(result).cast_unsigned())
}

/// `long bpf_map_delete_elem(struct bpf_map *map, const void *key)`
fn bpf_map_delete_elem(m: &mut Machine<'_>, [map, key, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let key = m.memory.read(key, m.maps.sizes(map).0)?.to_vec();
    let result = m.maps.get(map)?.delete(&mut m.memory, &key)?;
    Ok(i64::from(result).cast_unsigned())
}
