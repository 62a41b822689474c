//! Helpers of programs of routes that put headers in front of packets (`net/core/lwt_bpf.c` in Linux 6.18).

use super::skb::{low, noted};
use super::{Table, errno, error};
use crate::checksum;
use crate::event::Target;
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;

pub(super) const TABLE: &Table = &[("bpf_lwt_push_encap", bpf_lwt_push_encap)];

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// The lengths of the headers without options.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// The protocol of an outer header and how long that is, or an errno.
fn outer(header: &[u8]) -> Result<(u16, usize), i32> {
    /// `LWT_BPF_MAX_HEADROOM`
    const MOST: usize = 256;
    if header.len() < IPV4_HEADER || header.len() > MOST {
        return Err(errno::EINVAL);
    }
    let own = usize::from(header[0] & 0xf) * 4;
    match header[0] >> 4 {
        4 if header.len() >= own => Ok((IPV4, own)),
        6 if header.len() >= IPV6_HEADER => Ok((IPV6, IPV6_HEADER)),
        _ => Err(errno::EINVAL),
    }
}

/// `long bpf_lwt_push_encap(struct sk_buff *skb, u32 type, void *hdr, u32 len)`
fn bpf_lwt_push_encap(
    m: &mut Machine<'_>,
    [skb, kind, from, len, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_LWT_ENCAP_SEG6`, `BPF_LWT_ENCAP_SEG6_INLINE`, `BPF_LWT_ENCAP_IP`
    const SEG6: u32 = 0;
    const SEG6_INLINE: u32 = 1;
    const IP: u32 = 2;
    /// Room for the link-layer header, and for that of a device.
    const LINK: u32 = 14;
    const DEVICE: u32 = 16;
    m.skb(skb, 0)?;
    let comes_in = m.context.program_type() == "lwt_in";
    let mut header = m.memory.read(from, low(len) as usize)?.to_vec();
    match low(kind) {
        IP => {}
        SEG6 | SEG6_INLINE if comes_in => {
            return Err(FaultKind::NotModelled("segment routing".to_owned()).into());
        }
        _ => return Ok(error(errno::EINVAL)),
    }
    let (protocol, own) = match outer(&header) {
        Ok(outer) => outer,
        Err(errno) => return Ok(error(errno)),
    };
    if m.context.word("gso_size") != 0 {
        return Err(FaultKind::NotModelled("headers in front of segments".to_owned()).into());
    }
    let len = low(len);
    let (packet, memory) = m.skb(skb, 0)?;
    packet.cow(memory, len.saturating_add(if comes_in { LINK } else { DEVICE }))?;
    packet.generic_push(memory, 0, len);
    if comes_in {
        packet.add(&header, 0);
    }
    if protocol == IPV4 && header[10..12] == [0, 0] {
        let sum = checksum::finished(checksum::partial(&header[..own], 0));
        header[10..12].copy_from_slice(&sum.to_le_bytes());
    }
    packet.copy_in(memory, 0, &header);
    packet.network = packet.data;
    packet.protocol = protocol;
    packet.encapsulated = true;
    m.context.set_word("hash", 0);
    noted(m, Target::Geometry, 0, len, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_headers_are_checked_in_the_order_of_the_kernel() {
        let header = |first: u8, len: usize| {
            let mut header = vec![0; len];
            header[0] = first;
            header
        };
        for (first, len, expected) in [
            (0x45, 20, Ok((IPV4, 20))),
            (0x46, 20, Err(errno::EINVAL)),
            (0x46, 28, Ok((IPV4, 24))),
            (0x45, 19, Err(errno::EINVAL)),
            (0x45, 257, Err(errno::EINVAL)),
            (0x60, 39, Err(errno::EINVAL)),
            (0x60, 48, Ok((IPV6, 40))),
            (0x50, 48, Err(errno::EINVAL)),
        ] {
            assert_eq!(outer(&header(first, len)), expected, "{first:#x} {len}");
        }
    }
}
