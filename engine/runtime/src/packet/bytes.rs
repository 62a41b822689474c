//! Reading and writing bytes of a packet, wherever they lie.

use super::Packet;
use crate::machine::Machine;

/// Copies bytes out of the packet; false, with nothing copied, if it is too short.
pub(crate) fn load(m: &Machine<'_>, packet: &Packet, offset: u32, to: &mut [u8]) -> bool {
    let end = u64::from(offset) + to.len() as u64;
    if end > u64::from(packet.len()) {
        return false;
    }
    let linear = (packet.head, packet.data, packet.linear());
    let fragments = packet.fragments.iter().map(|one| (one.id, one.start, one.len));
    let (mut at, mut to) = (offset as usize, to);
    for (id, start, len) in std::iter::once(linear).chain(fragments) {
        let len = len as usize;
        if at >= len {
            at -= len;
            continue;
        }
        let take = to.len().min(len - at);
        let (now, rest) = to.split_at_mut(take);
        let from = start as usize + at;
        let bytes = m.memory.bytes(id).and_then(|bytes| bytes.get(from..from + take));
        now.copy_from_slice(bytes.unwrap_or_default());
        (to, at) = (rest, 0);
        if to.is_empty() {
            break;
        }
    }
    true
}
