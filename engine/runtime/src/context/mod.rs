//! The context of a program: what R1 points to at the beginning.
//!
//! Where the kernel rewrites accesses to a context, the structure of the user-space interface is kept as bytes, fields
//! that describe the packet are computed when they are read, and each access must be one that the model's layout
//! allows. Contexts of other programs are plain memory.

mod around;

use kernel_model::{ContextLayout, FieldValue};

pub(crate) use around::{data_bytes, set_socket, socket, values};

use crate::attached::Attached;
use crate::fault::{Access, FaultKind, Origin, Stop};
use crate::image::ProgramImage;
use crate::input::{Input, PacketInput};
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Lifetime};
use crate::packet::{self, Kind, Packet};
use crate::sockets::SocketIndex;

/// The length of `struct bpf_flow_keys`.
const FLOW_KEYS: usize = 56;
/// `NFPROTO_IPV4` and `NF_INET_LOCAL_OUT`, the hook of a test run.
const NF_STATE: [(&str, u64); 2] = [("pf", 2), ("hook", 3)];

/// The context of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// What R1 points to.
    pub(crate) id: Option<AllocId>,
    /// The structure of the user-space interface, if accesses are rewritten.
    image: Vec<u8>,
    /// Its bytes before the first instruction.
    pub(crate) at_start: Vec<u8>,
    layout: Option<&'static ContextLayout>,
    program_type: &'static str,
    /// What a flow dissector writes to.
    flow_keys: Option<AllocId>,
    /// Structures of the kernel that fields point to, by name.
    objects: Vec<(&'static str, Address)>,
    /// What it has beside its bytes.
    pub(crate) attached: Attached,
    /// The socket that it is about, once that is known.
    socket: Option<Option<SocketIndex>>,
    /// The bytes that fields point to the beginning and the end of: of an option, a header.
    pub(crate) data: Option<AllocId>,
}

impl Context {
    /// The bytes of a field of the structure, by its name.
    pub(crate) fn field_mut(&mut self, name: &str) -> Option<&mut [u8]> {
        let record = self.layout?.record?;
        let field = record.fields.iter().find(|field| field.name == name)?;
        self.image.get_mut(field.offset as usize..(field.offset + field.size) as usize)
    }

    /// The bytes of a field from its beginning on.
    pub(crate) fn field<const N: usize>(&self, name: &str) -> [u8; N] {
        let record = self.layout.and_then(|layout| layout.record);
        let field = record.and_then(|record| record.fields.iter().find(|field| field.name == name));
        let bytes = field.and_then(|field| self.image.get(field.offset as usize..));
        bytes.and_then(|bytes| bytes.first_chunk()).copied().unwrap_or([0; N])
    }

    /// Whether the structure has a field.
    fn has(&self, name: &str) -> bool {
        let record = self.layout.and_then(|layout| layout.record);
        record.is_some_and(|record| record.fields.iter().any(|field| field.name == name))
    }

    /// A field of 32 bits; 0 if there is none.
    pub(crate) fn word(&self, name: &str) -> u32 {
        u32::from_le_bytes(self.field(name))
    }

    /// Sets a field of 32 bits.
    pub(crate) fn set_word(&mut self, name: &str, value: u32) {
        if let Some(place) = self.field_mut(name).and_then(|field| field.first_chunk_mut()) {
            *place = value.to_le_bytes();
        }
    }

    /// Sets the first bytes of a field.
    pub(crate) fn set(&mut self, name: &str, bytes: &[u8]) {
        if let Some(place) = self.field_mut(name).and_then(|field| field.get_mut(..bytes.len())) {
            place.copy_from_slice(bytes);
        }
    }

    /// The name of the type of the program.
    pub(crate) fn program_type(&self) -> &'static str {
        self.program_type
    }
}

/// Makes the context and the packet of a run; returns the address that R1 holds.
pub(crate) fn create(
    m: &mut Machine<'_>,
    program: &ProgramImage,
    input: &Input,
) -> Result<Address, Stop> {
    let program_type = program.program_type;
    let attach = kernel_model::AttachType::from_id(program.attach_type);
    let attach = attach.filter(|attach| program_type.attach_types.contains(attach));
    let layout = kernel_model::context_layout(program_type, attach);
    let kind = match program_type.packet {
        _ if program_type.name == "netfilter" => Some(Kind::Skb),
        kernel_model::Packet::Skb if program_type.context == "__sk_buff" => Some(Kind::Skb),
        kernel_model::Packet::Xdp => Some(Kind::Xdp),
        _ => None,
    };
    let record = layout.and_then(|layout| layout.record);
    let mut image = input.context.clone();
    image.resize(image.len().max(record.map_or(0, |record| record.size as usize)), 0);
    if program_type.name == "tracing" && program.attach_type == around::ITERATOR {
        image.resize(image.len().max(around::ITERATOR_LEN), 0);
    }
    let plain = record.is_none();
    let bytes = if plain { image.as_slice() } else { &[] };
    let id = m.memory.allocate_bytes(bytes, Origin::Context, true, Lifetime::Run)?;
    m.context = Context {
        id: Some(id),
        image,
        at_start: Vec::new(),
        layout: layout.filter(|_| !plain),
        program_type: program_type.name,
        flow_keys: None,
        objects: Vec::new(),
        attached: input.attached.clone(),
        socket: None,
        data: None,
    };
    let nothing = PacketInput::default();
    let packet = input.packet.as_ref().unwrap_or(&nothing);
    m.packet = match kind {
        Some(kind) => Some(packet::build(m, kind, program_type, packet)?),
        None => None,
    };
    if let Some(kind) = kind {
        defaults(m, kind, packet);
    }
    if program_type.name == "flow_dissector" {
        flow_keys(m, packet)?;
    }
    around::create(m, program, id)?;
    m.context.at_start = contents(m);
    Ok(id.at(0))
}

/// What `BPF_PROG_TEST_RUN` sets where nothing is given: the loopback device, the length on the wire, for whom the packet
/// is, and a socket with its addresses.
fn defaults(m: &mut Machine<'_>, kind: Kind, input: &PacketInput) {
    let Some(packet) = &m.packet else { return };
    if kind == Kind::Xdp {
        if m.context.word("ingress_ifindex") == 0 {
            m.context.set_word("ingress_ifindex", 1);
        }
        return;
    }
    let (len, protocol) = (packet.len(), packet.protocol);
    for (name, value) in [("ifindex", 1), ("wire_len", len)] {
        if m.context.word(name) == 0 {
            m.context.set_word(name, value);
        }
    }
    // `eth_type_trans` on a device whose address is zero.
    let frame = input.bytes.as_slice();
    let kind = match frame.first() {
        Some(_) if frame.get(..6).is_some_and(|to| to == [0xff; 6]) => 1,
        Some(first) if first & 1 == 1 => 2,
        Some(_) if frame.get(..6).is_some_and(|to| to == [0; 6]) => 0,
        Some(_) => 3,
        None => 0,
    };
    m.context.set_word("pkt_type", kind);
    let (family, local, remote, from) = match protocol {
        0x0800 => (2, "local_ip4", "remote_ip4", 26..30),
        0x86dd => (10, "local_ip6", "remote_ip6", 22..38),
        _ => return,
    };
    m.context.set_word("family", family);
    let size = from.len();
    let to = from.end..from.end + size;
    if let (Some(source), Some(destination)) = (frame.get(from), frame.get(to)) {
        for (name, bytes) in [(local, source), (remote, destination)] {
            if let Some(place) = m.context.field_mut(name) {
                place.copy_from_slice(bytes);
            }
        }
    }
}

/// What a flow dissector begins with (`bpf_flow_dissect`).
fn flow_keys(m: &mut Machine<'_>, input: &PacketInput) -> Result<(), Stop> {
    let mut keys = [0; FLOW_KEYS];
    // `nhoff`, `thoff` and `n_proto`.
    keys[0] = 14;
    keys[2] = 14;
    if let Some(protocol) = input.bytes.get(12..14) {
        keys[10..12].copy_from_slice(protocol);
    }
    let origin = Origin::Object { name: "struct bpf_flow_keys".into() };
    let id = m.memory.allocate_bytes(&keys, origin, true, Lifetime::Run)?;
    m.context.flow_keys = Some(id);
    Ok(())
}

/// The context afterwards.
pub(crate) fn contents(m: &Machine<'_>) -> Vec<u8> {
    match m.context.id {
        Some(id) if m.context.layout.is_none() => m.memory.bytes(id).unwrap_or_default().to_vec(),
        _ => m.context.image.clone(),
    }
}

/// The keys that a flow dissector has found, with offsets inside the packet.
pub(crate) fn found_flow_keys(m: &Machine<'_>) -> Option<Vec<u8>> {
    let mut keys = m.memory.bytes(m.context.flow_keys?)?.to_vec();
    let len = m.packet.as_ref().map_or(0, Packet::len);
    let most = u16::try_from(len).unwrap_or(u16::MAX);
    let word = |keys: &[u8], at: usize| u16::from_le_bytes([keys[at], keys[at + 1]]);
    let network = word(&keys, 0).clamp(most.min(14), most);
    let transport = word(&keys, 2).clamp(network, most);
    keys[..2].copy_from_slice(&network.to_le_bytes());
    keys[2..4].copy_from_slice(&transport.to_le_bytes());
    Some(keys)
}

/// A load from a context whose accesses are rewritten.
pub(crate) fn load(m: &mut Machine<'_>, offset: i64, size: u32) -> Result<u64, Stop> {
    let layout = m.context.layout;
    let region = layout.and_then(|layout| layout.access(offset, size, kernel_model::Access::Read));
    let Some(region) = region else { return Err(refused(m, Access::Read, offset, size)) };
    let packet = m.packet.as_ref();
    match region.value {
        FieldValue::Packet => Ok(packet.map_or_else(|| around::data(m), Packet::data_address)),
        FieldValue::PacketMeta => Ok(packet.map_or(0, Packet::meta_address)),
        FieldValue::PacketEnd => Ok(packet.map_or_else(|| around::end(m), Packet::end_address)),
        FieldValue::FlowKeys => Ok(m.context.flow_keys.map_or(0, |id| id.at(0))),
        FieldValue::Trusted(name) => object(m, name),
        FieldValue::Scalar => scalar(m, region.name, offset, size),
        // Nothing is moved from one socket to another.
        FieldValue::SockCommonOrNull if region.name == "migrating_sk" => Ok(0),
        FieldValue::Sock | FieldValue::SockOrNull | FieldValue::SockCommonOrNull => {
            match socket(m)? {
                Some(index) => Ok(m.socket(index)?.address),
                None => Ok(0),
            }
        }
        FieldValue::TpBuffer => Ok(around::data(m)),
    }
}

/// The structure of the kernel that a field points to.
fn object(m: &mut Machine<'_>, name: &'static str) -> Result<u64, Stop> {
    if let Some((_, address)) = m.context.objects.iter().find(|(known, _)| *known == name) {
        return Ok(*address);
    }
    let address = match name {
        "sk_buff" => packet::sk_buff(m)?,
        "nf_hook_state" => packet::kernel_object(m, name, &NF_STATE)?,
        _ => return Err(FaultKind::NotModelled(format!("struct {name}")).into()),
    };
    m.context.objects.push((name, address));
    Ok(address)
}

/// The structure of the kernel behind a context; a context that is plain memory is one itself.
pub(crate) fn kernel(m: &mut Machine<'_>, context: Address) -> Result<Address, Stop> {
    match m.packet.as_ref().map(|packet| packet.kind) {
        Some(Kind::Skb) => {
            m.skb(context, 0)?;
            object(m, "sk_buff")
        }
        Some(Kind::Xdp) => Err(FaultKind::NotModelled("struct xdp_buff".to_owned()).into()),
        None => Ok(context),
    }
}

/// A store to a context whose accesses are rewritten.
pub(crate) fn store(m: &mut Machine<'_>, offset: i64, bytes: &[u8]) -> Result<(), Stop> {
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let layout = m.context.layout;
    let region = layout.and_then(|layout| layout.access(offset, size, kernel_model::Access::Write));
    let Some(region) = region else { return Err(refused(m, Access::Write, offset, size)) };
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let old = m.context.word(region.name);
    let place = m.context.image.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len()));
    place.ok_or(FaultKind::Internal("a context is too short"))?.copy_from_slice(bytes);
    // Two fields have 16 bits in the kernel, and no queue has the last number.
    let new = m.context.word(region.name);
    match region.name {
        "queue_mapping" if new >= 0xffff => m.context.set_word(region.name, old),
        "tc_index" => m.context.set_word(region.name, new & 0xffff),
        _ => {}
    }
    Ok(())
}

fn refused(m: &Machine<'_>, access: Access, offset: i64, len: u32) -> Stop {
    FaultKind::Context { access, offset, len, program_type: m.context.program_type }.into()
}

/// A number: computed if it is about the packet, otherwise what is in the structure.
fn scalar(m: &Machine<'_>, name: &str, offset: i64, size: u32) -> Result<u64, Stop> {
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let (protocol, tci) = m.packet.as_ref().and_then(|packet| packet.vlan).unwrap_or_default();
    let computed = match (name, &m.packet) {
        ("len", Some(packet)) => Some(packet.len()),
        ("protocol", Some(packet)) => Some(packet.protocol.swap_bytes().into()),
        ("vlan_present", Some(packet)) => Some(packet.vlan.is_some().into()),
        ("vlan_proto", Some(_)) => Some(protocol.swap_bytes().into()),
        ("vlan_tci", Some(_)) => Some(tci.into()),
        ("gso_size" | "gso_segs", Some(packet)) if packet.gso_reset => Some(0),
        ("size", None) if m.message.is_some() => {
            m.message.as_ref().map(crate::message::Message::size)
        }
        _ => None,
    };
    let mut word = [0; 8];
    if let Some(number) = computed {
        // These fields have 4 bytes and are aligned.
        let shift = 8 * (at % 4);
        word = (u64::from(number) >> shift).to_le_bytes();
    } else {
        let bytes = m.context.image.get(at..).and_then(|rest| rest.get(..size as usize));
        let bytes = bytes.ok_or(FaultKind::Internal("a context is too short"))?;
        word[..bytes.len()].copy_from_slice(bytes);
    }
    let bits = 64 - 8 * size.min(8);
    Ok(u64::from_le_bytes(word) << bits >> bits)
}
