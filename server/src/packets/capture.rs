//! Packets of captures, pcap and pcapng.

use std::path::Path;

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::PacketError;

/// The packets of a capture; `None` if the bytes are none.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Option<Vec<Vec<u8>>>, PacketError> {
    let Some(magic) = bytes.first_chunk::<4>() else { return Ok(None) };
    let error = |number: usize, error: pcap_file::PcapError| PacketError::Capture {
        path: path.to_owned(),
        number,
        message: error.to_string(),
    };
    match magic {
        // Microseconds and nanoseconds, in both orders of bytes.
        [0xd4, 0xc3, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0xc3, 0xd4]
        | [0x4d, 0x3c, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0x3c, 0x4d] => {
            let mut reader = PcapReader::new(bytes).map_err(|cause| error(0, cause))?;
            let mut packets = Vec::new();
            while let Some(packet) = reader.next_packet() {
                let packet = packet.map_err(|cause| error(packets.len() + 1, cause))?;
                packets.push(packet.data.into_owned());
            }
            Ok(Some(packets))
        }
        [0x0a, 0x0d, 0x0d, 0x0a] => {
            let mut reader = PcapNgReader::new(bytes).map_err(|cause| error(0, cause))?;
            let mut packets = Vec::new();
            while let Some(block) = reader.next_block() {
                match block.map_err(|cause| error(packets.len() + 1, cause))? {
                    Block::EnhancedPacket(packet) => packets.push(packet.data.into_owned()),
                    Block::SimplePacket(packet) => {
                        // The data are filled up to a multiple of 4.
                        let mut data = packet.data.into_owned();
                        data.truncate(packet.original_len as usize);
                        packets.push(data);
                    }
                    Block::Packet(packet) => packets.push(packet.data.into_owned()),
                    _ => {}
                }
            }
            Ok(Some(packets))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use pcap_file::DataLink;
    use pcap_file::pcap::{PcapPacket, PcapWriter};
    use pcap_file::pcapng::PcapNgBlock;
    use pcap_file::pcapng::PcapNgWriter;
    use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;
    use pcap_file::pcapng::blocks::simple_packet::SimplePacketBlock;
    use std::time::Duration;

    use super::*;

    #[test]
    fn captures_are_read_and_other_bytes_are_none() {
        let path = Path::new("x");
        let mut writer = PcapWriter::new(Vec::new()).expect("writes");
        for data in [&[1u8, 2, 3][..], &[4, 5]] {
            let len = u32::try_from(data.len()).expect("is small");
            writer.write_packet(&PcapPacket::new(Duration::ZERO, len, data)).expect("writes");
        }
        let pcap = writer.into_writer();
        assert_eq!(read(path, &pcap).expect("reads"), Some(vec![vec![1, 2, 3], vec![4, 5]]));

        let mut writer = PcapNgWriter::new(Vec::new()).expect("writes");
        let interface =
            InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options: vec![] };
        writer.write_block(&interface.into_block()).expect("writes");
        let packet = SimplePacketBlock { original_len: 3, data: (&[7u8, 8, 9][..]).into() };
        writer.write_block(&packet.into_block()).expect("writes");
        assert_eq!(read(path, &writer.into_inner()).expect("reads"), Some(vec![vec![7, 8, 9]]));

        assert_eq!(read(path, b"raw bytes").expect("reads"), None);
        assert!(read(path, &pcap[..pcap.len() - 1]).is_err(), "a cut capture is an error");
    }
}
