//! Helpers that work on the elements of maps.

use super::{Table, errno, error};
use crate::fault::{Origin, Stop};
use crate::image::Image;
use crate::machine::Machine;
use crate::memory::Lifetime;

pub(super) const TABLE: &Table = &[
    ("bpf_for_each_map_elem", bpf_for_each_map_elem),
    ("bpf_map_delete_elem", bpf_map_delete_elem),
    ("bpf_map_lookup_elem", bpf_map_lookup_elem),
    ("bpf_map_lookup_percpu_elem", bpf_map_lookup_percpu_elem),
    ("bpf_map_peek_elem", bpf_map_peek_elem),
    ("bpf_map_pop_elem", bpf_map_pop_elem),
    ("bpf_map_push_elem", bpf_map_push_elem),
    ("bpf_map_sum_elem_count", bpf_map_sum_elem_count),
    ("bpf_map_update_elem", bpf_map_update_elem),
];

/// `void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)`
fn bpf_map_lookup_elem(m: &mut Machine<'_>, [map, key, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let key = m.memory.read(key, m.maps.sizes(map).0)?.to_vec();
    let value = match m.maps.get(map)?.sockets() {
        Some(_) => match m.socket_in(map, &key)? {
            Some(index) => Some(m.socket(index)?.address),
            None => None,
        },
        None => m.maps.get(map)?.lookup(&mut m.memory, &key)?,
    };
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
    if m.maps.get(map)?.sockets().is_some() {
        let socket = m.socket_at(value, 2)?;
        return m.put_socket(map, &key, socket, flags);
    }
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

/// `void *bpf_map_lookup_percpu_elem(struct bpf_map *map, const void *key, u32 cpu)`
fn bpf_map_lookup_percpu_elem(
    m: &mut Machine<'_>,
    [map, key, cpu, ..]: [u64; 5],
) -> Result<u64, Stop> {
    // There is one processor.
    if cpu & 0xffff_ffff != 0 {
        return Ok(0);
    }
    bpf_map_lookup_elem(m, [map, key, 0, 0, 0])
}

/// `long bpf_map_push_elem(struct bpf_map *map, const void *value, u64 flags)`
fn bpf_map_push_elem(m: &mut Machine<'_>, [map, value, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let value = m.memory.read(value, m.maps.sizes(map).1)?.to_vec();
    Ok(i64::from(m.maps.get(map)?.push(&value, flags)).cast_unsigned())
}

/// `long bpf_map_pop_elem(struct bpf_map *map, void *value)`
fn bpf_map_pop_elem(m: &mut Machine<'_>, [map, value, ..]: [u64; 5]) -> Result<u64, Stop> {
    take(m, map, value, true)
}

/// `long bpf_map_peek_elem(struct bpf_map *map, void *value)`
fn bpf_map_peek_elem(m: &mut Machine<'_>, [map, value, ..]: [u64; 5]) -> Result<u64, Stop> {
    take(m, map, value, false)
}

fn take(m: &mut Machine<'_>, map: u64, value: u64, removes: bool) -> Result<u64, Stop> {
    let map = m.map_at(map, 0)?;
    let size = m.maps.sizes(map).1;
    let asked = m.memory.read(value, size)?.to_vec();
    let is_filter = m.maps.kind(map) == crate::maps::map_type::BLOOM_FILTER;
    match m.maps.get(map)?.take(removes, &asked) {
        Ok(Some(bytes)) => m.memory.put(value, &bytes)?,
        Ok(None) => {}
        Err(errno) => {
            // What is not there is zero.
            if !is_filter {
                m.memory.write(value, size)?.fill(0);
            }
            return Ok(i64::from(errno).cast_unsigned());
        }
    }
    Ok(0)
}

/// `long bpf_for_each_map_elem(struct bpf_map *map, void *callback_fn, void *callback_ctx, u64 flags)`
fn bpf_for_each_map_elem(
    m: &mut Machine<'_>,
    [address, callback, context, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let map = m.map_at(address, 0)?;
    if flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    m.maps.get(map)?;
    let keys: Vec<Vec<u8>> =
        m.map_entries(map).unwrap_or_default().into_iter().map(|(key, _)| key).collect();
    let origin = Origin::Object { name: "the key of an element".into() };
    let mut count = 0;
    for key in keys {
        let Some(value) = m.maps.get(map)?.lookup(&mut m.memory, &key)? else { continue };
        let key = m.memory.allocate_bytes(&key, origin.clone(), false, Lifetime::Run)?;
        count += 1;
        let stop =
            m.call_back(callback, [Image::map_address(map), key.at(0), value, context, 0])?;
        if stop != 0 {
            break;
        }
    }
    Ok(count)
}

/// `s64 bpf_map_sum_elem_count(const struct bpf_map *map)`
///
/// Only hash tables count their elements.
fn bpf_map_sum_elem_count(m: &mut Machine<'_>, [map, ..]: [u64; 5]) -> Result<u64, Stop> {
    use crate::maps::map_type::{HASH, LRU_HASH, LRU_PERCPU_HASH, PERCPU_HASH};
    let map = m.map_at(map, 0)?;
    let counts = matches!(m.maps.kind(map), HASH | PERCPU_HASH | LRU_HASH | LRU_PERCPU_HASH);
    let count = if counts { m.map_entries(map).map_or(0, |entries| entries.len()) } else { 0 };
    Ok(count as u64)
}
