//! Structures of the kernel for programs that look into them: memory with the layout of the kernel's types, in which
//! what is modelled is filled in.

use btf::Kind;

use super::Packet;
use crate::fault::{FaultKind, Origin, Stop};
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};

/// A structure of the kernel with some numbers in it, the others zero. Not writable.
pub(crate) fn kernel_object(
    m: &mut Machine<'_>,
    name: &str,
    values: &[(&str, u64)],
) -> Result<Address, Stop> {
    let missing = || FaultKind::NotModelled(format!("struct {name}"));
    let types = bpf_object::vmlinux().ok_or_else(missing)?;
    let ty = types.find(name, Kind::Struct).ok_or_else(missing)?;
    let mut bytes = vec![0; ty.size().unwrap_or(0) as usize];
    for (path, value) in values {
        let field = types.field(ty.id(), path).map_err(|_| missing())?;
        let size = types.size_of(field.ty).unwrap_or(0).min(8);
        let (at, bit) = (field.bit_offset / 8, field.bit_offset % 8);
        let (at, size) =
            (usize::try_from(at).unwrap_or(usize::MAX), usize::try_from(size).unwrap_or(0));
        if field.bitfield > 0 {
            // Fields of bits that are filled in lie within a byte.
            let mask = (1_u64 << field.bitfield) - 1;
            if let Some(byte) = bytes.get_mut(at) {
                *byte |= ((value & mask) << bit).to_le_bytes()[0];
            }
        } else if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..size)) {
            place.copy_from_slice(&value.to_le_bytes()[..size]);
        }
    }
    let origin = Origin::Object { name: format!("struct {name}").into() };
    Ok(m.memory.allocate_bytes(&bytes, origin, false, Lifetime::Run)?.at(0))
}

/// Where a field of a structure of the kernel is.
pub(crate) fn kernel_offset(name: &str, path: &str) -> Result<u64, Stop> {
    let missing = || FaultKind::NotModelled(format!("struct {name}"));
    let types = bpf_object::vmlinux().ok_or_else(missing)?;
    let ty = types.find(name, Kind::Struct).ok_or_else(missing)?;
    let field = types.field(ty.id(), path).map_err(|_| missing())?;
    Ok(field.bit_offset / 8)
}

/// The `struct sk_buff` of the packet, as it is now.
pub(crate) fn sk_buff(m: &mut Machine<'_>) -> Result<Address, Stop> {
    let Some(packet) = &m.packet else {
        return Err(FaultKind::NotModelled("an skb without a packet".to_owned()).into());
    };
    let Packet { protocol, cloned, .. } = *packet;
    let (len, linear) = (packet.len(), packet.linear());
    let field = |name| u64::from(m.context.word(name));
    let values = [
        ("len", len.into()),
        ("data_len", (len - linear).into()),
        ("protocol", protocol.swap_bytes().into()),
        ("mark", field("mark")),
        ("priority", field("priority")),
        ("hash", field("hash")),
        ("skb_iif", field("ingress_ifindex")),
        ("queue_mapping", field("queue_mapping")),
        ("cloned", cloned.into()),
        ("mac_header", packet.mac.into()),
        ("network_header", packet.network.into()),
    ];
    kernel_object(m, "sk_buff", &values)
}
