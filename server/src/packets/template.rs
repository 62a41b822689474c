//! Packets from templates: `tcp4`, `vlan+ipv6+udp:dport=53,len=100`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder};
use etherparse::{PacketBuilderStep, TcpHeader, VlanHeader, VlanId};

/// Why a text is no template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// A part in front of the colon is no layer.
    #[error(
        "`{0}` is no layer; there are vlan, qinq, ipv4, ipv6, tcp, udp, icmp, and tcp4, tcp6, udp4, udp6, icmp4, icmp6"
    )]
    Layer(String),
    /// The layers do not stand in an order that packets have.
    #[error(
        "the layers stand in no order that packets have: vlan or qinq, ipv4 or ipv6, tcp, udp or icmp"
    )]
    Order,
    /// A part behind the colon is no field.
    #[error("`{0}` is no field; there are {fields}", fields = FIELDS.join(", "))]
    Field(String),
    /// A field has a value that it cannot have.
    #[error("`{value}` is no value of `{field}`")]
    Value {
        /// The field.
        field: String,
        /// What stands behind it.
        value: String,
    },
}

/// The fields of templates.
pub const FIELDS: [&str; 13] = [
    "smac",
    "dmac",
    "vlan",
    "inner-vlan",
    "src",
    "dst",
    "ttl",
    "sport",
    "dport",
    "seq",
    "flags",
    "len",
    "payload",
];

/// What comes behind the link layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Transport {
    None,
    Tcp,
    Udp,
    Icmp,
}

#[derive(Debug, Default)]
struct Layers {
    tags: u8,
    version: Option<u8>,
    transport: Option<Transport>,
}

/// The bytes of a template.
pub(super) fn build(spec: &str) -> Result<Vec<u8>, TemplateError> {
    let (layers, fields) = spec.split_once(':').unwrap_or((spec, ""));
    let layers = Layers::parse(layers)?;
    let fields = Fields::parse(fields)?;
    let payload = fields.payload.clone().unwrap_or_else(|| {
        // Bytes that tell their places apart.
        (0..fields.len).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect()
    });
    let ethernet = PacketBuilder::ethernet2(fields.smac, fields.dmac);
    let Some(version) = layers.version else {
        // Nothing but the link layer: an experimental Ethernet type.
        let mut bytes = [&fields.dmac[..], &fields.smac, &[0x88, 0xb5]].concat();
        bytes.extend(payload);
        return Ok(bytes);
    };
    let ip = ip(version, &fields)?;
    let step = match layers.tags {
        0 => ethernet.ip(ip),
        1 => ethernet
            .vlan(VlanHeader::Single(etherparse::SingleVlanHeader {
                vlan_id: fields.vlan,
                ..Default::default()
            }))
            .ip(ip),
        _ => ethernet.double_vlan(fields.vlan, fields.inner_vlan).ip(ip),
    };
    transport(step, layers.transport.unwrap_or(Transport::None), version, &fields, &payload)
}

fn ip(version: u8, fields: &Fields) -> Result<IpHeaders, TemplateError> {
    if version == 4 {
        let address = |field, text: &Option<String>, default: [u8; 4]| match text {
            Some(text) => value::<Ipv4Addr>(field, text).map(|address| address.octets()),
            None => Ok(default),
        };
        let header = Ipv4Header {
            source: address("src", &fields.src, [10, 0, 0, 1])?,
            destination: address("dst", &fields.dst, [10, 0, 0, 2])?,
            time_to_live: fields.ttl,
            ..Ipv4Header::default()
        };
        return Ok(IpHeaders::Ipv4(header, Default::default()));
    }
    let address = |field, text: &Option<String>, last: u16| match text {
        Some(text) => value::<Ipv6Addr>(field, text).map(|address| address.octets()),
        None => Ok(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).octets()),
    };
    let header = Ipv6Header {
        source: address("src", &fields.src, 1)?,
        destination: address("dst", &fields.dst, 2)?,
        hop_limit: fields.ttl,
        flow_label: Ipv6FlowLabel::ZERO,
        ..Ipv6Header::default()
    };
    Ok(IpHeaders::Ipv6(header, Default::default()))
}

fn transport(
    step: PacketBuilderStep<IpHeaders>,
    transport: Transport,
    version: u8,
    fields: &Fields,
    payload: &[u8],
) -> Result<Vec<u8>, TemplateError> {
    let mut bytes = Vec::new();
    let written = match transport {
        Transport::None => {
            step.write(&mut bytes, IpNumber::EXPERIMENTAL_AND_TESTING_0, payload).ok()
        }
        Transport::Udp => step.udp(fields.sport, fields.dport).write(&mut bytes, payload).ok(),
        Transport::Tcp => {
            let mut header = TcpHeader::new(fields.sport, fields.dport, fields.seq, 64_240);
            header.syn = fields.flags.contains('S');
            header.ack = fields.flags.contains('A');
            header.fin = fields.flags.contains('F');
            header.rst = fields.flags.contains('R');
            header.psh = fields.flags.contains('P');
            step.tcp_header(header).write(&mut bytes, payload).ok()
        }
        Transport::Icmp if version == 4 => {
            step.icmpv4_echo_request(1, 1).write(&mut bytes, payload).ok()
        }
        Transport::Icmp => step.icmpv6_echo_request(1, 1).write(&mut bytes, payload).ok(),
    };
    let too_long =
        || TemplateError::Value { field: "len".to_owned(), value: payload.len().to_string() };
    written.map(|()| bytes).ok_or_else(too_long)
}

impl Layers {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut layers = Self::default();
        for word in text.split('+') {
            let (tags, version, transport) = match word {
                "eth" => (0, None, None),
                "vlan" => (1, None, None),
                "qinq" => (2, None, None),
                "ipv4" | "ip4" => (0, Some(4), None),
                "ipv6" | "ip6" => (0, Some(6), None),
                "tcp" => (0, None, Some(Transport::Tcp)),
                "udp" => (0, None, Some(Transport::Udp)),
                "icmp" => (0, None, Some(Transport::Icmp)),
                "tcp4" => (0, Some(4), Some(Transport::Tcp)),
                "tcp6" => (0, Some(6), Some(Transport::Tcp)),
                "udp4" => (0, Some(4), Some(Transport::Udp)),
                "udp6" => (0, Some(6), Some(Transport::Udp)),
                "icmp4" => (0, Some(4), Some(Transport::Icmp)),
                "icmp6" => (0, Some(6), Some(Transport::Icmp)),
                _ => return Err(TemplateError::Layer(word.to_owned())),
            };
            layers.put(tags, version, transport)?;
        }
        match (layers.version, layers.transport) {
            (None, Some(_)) => Err(TemplateError::Order),
            _ => Ok(layers),
        }
    }

    fn put(
        &mut self,
        tags: u8,
        version: Option<u8>,
        transport: Option<Transport>,
    ) -> Result<(), TemplateError> {
        let late = (tags > 0 && (self.tags > 0 || self.version.is_some()))
            || (version.is_some() && self.version.is_some())
            || (self.transport.is_some());
        if late {
            return Err(TemplateError::Order);
        }
        self.tags += tags;
        self.version = version.or(self.version);
        self.transport = transport;
        Ok(())
    }
}

#[derive(Debug)]
struct Fields {
    smac: [u8; 6],
    dmac: [u8; 6],
    vlan: VlanId,
    inner_vlan: VlanId,
    src: Option<String>,
    dst: Option<String>,
    ttl: u8,
    sport: u16,
    dport: u16,
    seq: u32,
    flags: String,
    len: u16,
    payload: Option<Vec<u8>>,
}

impl Fields {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let tag = |number: u16| VlanId::try_new(number).unwrap_or(VlanId::ZERO);
        let mut fields = Self {
            smac: [2, 0, 0, 0, 0, 1],
            dmac: [2, 0, 0, 0, 0, 2],
            vlan: tag(1),
            inner_vlan: tag(2),
            src: None,
            dst: None,
            ttl: 64,
            sport: 40_000,
            dport: 80,
            seq: 1,
            flags: "S".to_owned(),
            len: 32,
            payload: None,
        };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, value) = part.split_once('=').unwrap_or((part, ""));
            fields.set(field, value)?;
        }
        Ok(fields)
    }

    fn set(&mut self, field: &str, text: &str) -> Result<(), TemplateError> {
        let wrong = || TemplateError::Value { field: field.to_owned(), value: text.to_owned() };
        let tag = || VlanId::try_new(value(field, text)?).map_err(|_| wrong());
        match field {
            "smac" => self.smac = mac(text).ok_or_else(wrong)?,
            "dmac" => self.dmac = mac(text).ok_or_else(wrong)?,
            "vlan" => self.vlan = tag()?,
            "inner-vlan" => self.inner_vlan = tag()?,
            "src" => self.src = Some(text.to_owned()),
            "dst" => self.dst = Some(text.to_owned()),
            "ttl" => self.ttl = value(field, text)?,
            "sport" => self.sport = value(field, text)?,
            "dport" => self.dport = value(field, text)?,
            "seq" => self.seq = value(field, text)?,
            "flags" if text.chars().all(|flag| "SAFRP".contains(flag)) => {
                text.clone_into(&mut self.flags);
            }
            "flags" => return Err(wrong()),
            "len" => self.len = value(field, text)?,
            "payload" => self.payload = Some(super::hex(text).ok_or_else(wrong)?),
            _ => return Err(TemplateError::Field(field.to_owned())),
        }
        Ok(())
    }
}

fn value<T: FromStr>(field: &str, text: &str) -> Result<T, TemplateError> {
    text.parse()
        .map_err(|_| TemplateError::Value { field: field.to_owned(), value: text.to_owned() })
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let bytes: Option<Vec<u8>> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    use super::*;

    #[test]
    fn packets_are_what_their_templates_say() {
        for (spec, len, vlans, v4) in [
            ("tcp4", 14 + 20 + 20 + 32, 0, true),
            ("udp6:len=0", 14 + 40 + 8, 0, false),
            ("vlan+ipv6+tcp:vlan=100,dport=443", 14 + 4 + 40 + 20 + 32, 1, false),
            ("qinq+udp4:payload=0102", 14 + 8 + 20 + 8 + 2, 2, true),
            ("icmp4", 14 + 20 + 8 + 32, 0, true),
        ] {
            let bytes = build(spec).unwrap_or_else(|error| panic!("{spec}: {error}"));
            assert_eq!(bytes.len(), len, "{spec}");
            let sliced = SlicedPacket::from_ethernet(&bytes).expect("is a packet");
            assert_eq!(sliced.vlan_ids().len(), vlans, "{spec}");
            assert_eq!(matches!(sliced.net, Some(NetSlice::Ipv4(_))), v4, "{spec}");
            if spec.contains("443") {
                let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else { panic!("{spec}") };
                assert_eq!((tcp.destination_port(), tcp.syn()), (443, true));
                assert_eq!(sliced.vlan_ids()[0].value(), 100);
            }
        }
        assert_eq!(build("eth:len=3").expect("builds").len(), 17);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (spec, error) in [
            ("sctp4", TemplateError::Layer("sctp4".to_owned())),
            ("tcp+ipv4", TemplateError::Order),
            ("tcp", TemplateError::Order),
            ("ipv4+vlan", TemplateError::Order),
            ("tcp4:window=1", TemplateError::Field("window".to_owned())),
            (
                "tcp4:dport=70000",
                TemplateError::Value { field: "dport".to_owned(), value: "70000".to_owned() },
            ),
            (
                "tcp4:src=::1",
                TemplateError::Value { field: "src".to_owned(), value: "::1".to_owned() },
            ),
            (
                "vlan+tcp4:vlan=5000",
                TemplateError::Value { field: "vlan".to_owned(), value: "5000".to_owned() },
            ),
        ] {
            assert_eq!(build(spec), Err(error), "{spec}");
        }
    }
}
