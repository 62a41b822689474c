//! Slices: pointers to the bytes behind a dynptr where they lie next to each other, copies of them elsewhere.

use super::{Dynptr, Kind, XDP_MOST, low, note};
use crate::event::Access;
use crate::fault::{Origin, Stop};
use crate::helpers::Table;
use crate::input::Slices;
use crate::machine::Machine;
use crate::memory::Address;
use crate::packet::{Packet, Place};

pub(crate) const TABLE: &Table = &[
    ("bpf_dynptr_data", bpf_dynptr_data),
    ("bpf_dynptr_slice", bpf_dynptr_slice),
    ("bpf_dynptr_slice_rdwr", bpf_dynptr_slice_rdwr),
];

/// What [`Slices::Poisoned`] fills buffers with.
const POISON: u8 = 0xa5;

/// What of a dynptr is asked for, and how.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    offset: u32,
    len: u32,
    writes: bool,
}

/// `void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)`
fn bpf_dynptr_slice(
    m: &mut Machine<'_>,
    [at, offset, buffer, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    slice(m, at, buffer, Wanted { offset: low(offset), len: low(len), writes: false })
}

/// `void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)`
fn bpf_dynptr_slice_rdwr(
    m: &mut Machine<'_>,
    [at, offset, buffer, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    slice(m, at, buffer, Wanted { offset: low(offset), len: low(len), writes: true })
}

fn slice(m: &mut Machine<'_>, at: Address, buffer: Address, want: Wanted) -> Result<u64, Stop> {
    let Some(dynptr) = Dynptr::load(m, at, 0)? else { return Ok(0) };
    let refused = (want.writes && dynptr.read_only) || !dynptr.holds(want.offset, want.len);
    let (address, result) = match dynptr.kind {
        _ if refused => (0, Access::Null),
        Kind::Local | Kind::Ringbuf => {
            let at = u64::from(dynptr.offset + want.offset);
            (dynptr.data.wrapping_add(at), Access::Direct)
        }
        Kind::SkbMeta => of_metadata(m, dynptr, want)?,
        Kind::Skb | Kind::Xdp => of_packet(m, dynptr, buffer, want)?,
    };
    note(m, dynptr, want.offset, want.len, result);
    Ok(address)
}

fn of_metadata(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    want: Wanted,
) -> Result<(Address, Access), Stop> {
    let at = dynptr.offset + want.offset;
    let packet = m.packet.as_ref().filter(|packet| at + want.len <= packet.meta);
    let place = packet.map(|packet| Place {
        id: packet.head,
        start: packet.data - packet.meta + at,
        part: 0,
    });
    match place {
        Some(place) => Ok((direct(m, place, want)?, Access::Direct)),
        None => Ok((0, Access::Null)),
    }
}

fn of_packet(
    m: &mut Machine<'_>,
    dynptr: Dynptr,
    buffer: Address,
    want: Wanted,
) -> Result<(Address, Access), Stop> {
    let Some(packet) = &m.packet else { return Ok((0, Access::Null)) };
    let (at, size) = (dynptr.offset + want.offset, want.len as usize);
    let place = together(packet, dynptr.kind, at, want.len);
    let beyond = at + want.len > packet.len();
    let is_long_enough = buffer != 0 && m.memory.try_write(buffer, size).is_some();
    let forced = m.slices == Slices::Buffer && is_long_enough;
    if let Some(place) = place.filter(|_| !forced) {
        let address = direct(m, place, want)?;
        if m.slices == Slices::Poisoned
            && is_long_enough
            && let Some(place) = m.memory.try_write(buffer, size)
        {
            place.fill(POISON);
        }
        return Ok((address, Access::Direct));
    }
    if buffer == 0 || (dynptr.kind == Kind::Skb && beyond) {
        return Ok((0, Access::Null));
    }
    // What an XDP frame no longer has stays as it is in the buffer.
    let mut bytes = m.memory.write(buffer, size)?.to_vec();
    if let Some(packet) = &m.packet {
        packet.copy_out(&m.memory, at, &mut bytes);
    }
    m.memory.put(buffer, &bytes)?;
    Ok((buffer, Access::Buffer))
}

/// Where bytes of a packet lie, if a slice points to them: skbs give their linear part (`skb_header_pointer`), XDP frames
/// any part (`bpf_xdp_pointer`).
fn together(packet: &Packet, kind: Kind, at: u32, len: u32) -> Option<Place> {
    match kind {
        Kind::Skb => {
            let is_linear = at + len <= packet.linear();
            is_linear.then_some(Place { id: packet.head, start: packet.data + at, part: 0 })
        }
        _ if at > XDP_MOST || len > XDP_MOST => None,
        _ => packet.contiguous(at, len),
    }
}

/// Whether the kernel takes a slice of the bytes without a buffer.
pub(super) fn is_direct(m: &Machine<'_>, dynptr: Dynptr, offset: u32, len: u32) -> bool {
    dynptr.holds(offset, len)
        && match (dynptr.kind, &m.packet) {
            (Kind::Local | Kind::Ringbuf | Kind::SkbMeta, _) => true,
            (kind, Some(packet)) => together(packet, kind, dynptr.offset + offset, len).is_some(),
            (_, None) => false,
        }
}

/// A pointer to bytes of the packet, which ends when the packet changes.
fn direct(m: &mut Machine<'_>, place: Place, want: Wanted) -> Result<Address, Stop> {
    let Wanted { offset, len, writes } = want;
    let key = (place.id, place.start, len, offset, writes);
    if let Some(view) = m.packet.as_ref().and_then(|packet| packet.slices.get(&key)) {
        return Ok(view.at(0));
    }
    let origin = Origin::Slice { offset, len, data: false };
    let view = m.memory.run_view(place.id, place.start, len, origin, writes)?;
    if let Some(packet) = &mut m.packet {
        packet.slices.insert(key, view);
    }
    Ok(view.at(0))
}

/// `void *bpf_dynptr_data(const struct bpf_dynptr *ptr, u32 offset, u32 len)`
fn bpf_dynptr_data(m: &mut Machine<'_>, [at, offset, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (offset, len) = (low(offset), low(len));
    let Some(dynptr) = Dynptr::load(m, at, 0)? else { return Ok(0) };
    let is_memory = matches!(dynptr.kind, Kind::Local | Kind::Ringbuf);
    if !dynptr.holds(offset, len) || dynptr.read_only || !is_memory {
        note(m, dynptr, offset, len, Access::Null);
        return Ok(0);
    }
    note(m, dynptr, offset, len, Access::Direct);
    Ok(dynptr.data.wrapping_add(u64::from(dynptr.offset + offset)))
}
