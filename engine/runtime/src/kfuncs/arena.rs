//! Pages of arenas (`kernel/bpf/arena.c` of Linux 6.18).

use crate::arena;
use crate::fault::Stop;
use crate::helpers::{Table, error};
use crate::machine::Machine;
use crate::maps::arena::{Arena, PAGE};
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_arena_alloc_pages", bpf_arena_alloc_pages),
    ("bpf_arena_free_pages", bpf_arena_free_pages),
    ("bpf_arena_reserve_pages", bpf_arena_reserve_pages),
];

fn int(value: u64) -> usize {
    (value & 0xffff_ffff) as usize
}

/// The arena that an argument is.
fn arena<'m>(m: &'m mut Machine<'_>, map: Address) -> Result<&'m mut Arena, Stop> {
    let index = m.map_at(map, 0)?;
    let wrong = m.wrong_argument(0, "an arena");
    m.maps.get(index)?.arena().ok_or(wrong)
}

/// The offset of an address of user space in the arena, as 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the lower half counts")]
fn offset(known: &Arena, address: u64) -> usize {
    (address as u32).wrapping_sub(known.id.at(0) as u32) as usize
}

/// `void *bpf_arena_alloc_pages(void *p__map, void *addr__ign, u32 page_cnt, int node_id, u64 flags)`
fn bpf_arena_alloc_pages(
    m: &mut Machine<'_>,
    [map, address, count, _, flags]: [u64; 5],
) -> Result<u64, Stop> {
    let count = int(count);
    let known = arena(m, map)?;
    let at = offset(known, address);
    if flags != 0 || count == 0 || (address != 0 && !at.is_multiple_of(PAGE)) {
        return Ok(0);
    }
    let Some(first) = known.take((address != 0).then_some(at / PAGE), count) else { return Ok(0) };
    let (id, reach) = (known.id, known.reach());
    let range = first * PAGE..(first + count) * PAGE;
    m.memory
        .bytes_mut(id)
        .and_then(|bytes| bytes.get_mut(range.clone()))
        .unwrap_or_default()
        .fill(0);
    m.memory.set_reach(id, reach);
    Ok(arena::user(id.at(i64::try_from(range.start).unwrap_or(0))))
}

/// `void bpf_arena_free_pages(void *p__map, void *ptr__ign, u32 page_cnt)`
fn bpf_arena_free_pages(
    m: &mut Machine<'_>,
    [map, address, count, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let count = int(count);
    let known = arena(m, map)?;
    if count > 0 && address != 0 {
        let first = offset(known, address) / PAGE;
        known.free(first, count);
        let (id, reach) = (known.id, known.reach());
        m.memory.set_reach(id, reach);
    }
    Ok(0)
}

/// `int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt)`
fn bpf_arena_reserve_pages(
    m: &mut Machine<'_>,
    [map, address, count, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let count = int(count);
    let known = arena(m, map)?;
    let at = offset(known, address);
    if count == 0 || !at.is_multiple_of(PAGE) {
        return Ok(0);
    }
    Ok(match known.reserve(at / PAGE, count) {
        0 => 0,
        failed => error(-failed) & 0xffff_ffff,
    })
}
