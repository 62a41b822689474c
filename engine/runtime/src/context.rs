//! The context of a program: what R1 points to at the beginning.
//!
//! Where the kernel rewrites accesses to a context, the structure of the user-space interface is kept as bytes, fields
//! that describe the packet are computed when they are read, and each access must be one that the model's layout
//! allows. Contexts of other programs are plain memory.

use kernel_model::{ContextLayout, FieldValue};

use crate::fault::{Access, FaultKind, Origin, Stop};
use crate::image::ProgramImage;
use crate::input::Input;
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Lifetime};
use crate::packet::{self, Kind};

/// The context of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// What R1 points to.
    pub(crate) id: Option<AllocId>,
    /// The structure of the user-space interface, if accesses are rewritten.
    pub(crate) image: Vec<u8>,
    layout: Option<&'static ContextLayout>,
    program_type: &'static str,
    /// The context is plain memory.
    plain: bool,
}

/// Makes the context and the packet of a run; returns the address that R1 holds.
pub(crate) fn create(
    m: &mut Machine<'_>,
    program: &ProgramImage,
    input: &Input,
) -> Result<Address, Stop> {
    let program_type = program.program_type;
    let attach =
        program_type.attach_types.iter().find(|ty| **ty as u32 == program.attach_type).copied();
    let layout = kernel_model::context_layout(program_type, attach);
    let kind = match program_type.packet {
        kernel_model::Packet::Skb if program_type.context == "__sk_buff" => Some(Kind::Skb),
        kernel_model::Packet::Xdp => Some(Kind::Xdp),
        _ => None,
    };
    let size = layout.and_then(|layout| layout.record).map_or(0, |record| record.size as usize);
    let mut image = input.context.clone();
    if image.len() < size {
        image.resize(size, 0);
    }
    let plain = kind.is_none();
    let bytes = if plain { image.as_slice() } else { &[] };
    let id = m.memory.allocate_bytes(bytes, Origin::Context, true, Lifetime::Run)?;
    m.context = Context { id: Some(id), image, layout, program_type: program_type.name, plain };
    m.packet = match (kind, &input.packet) {
        (Some(kind), Some(packet)) => Some(packet::build(m, kind, program_type, packet)?),
        (Some(kind), None) => {
            Some(packet::build(m, kind, program_type, &crate::input::PacketInput::default())?)
        }
        (None, _) => None,
    };
    defaults(m, kind);
    Ok(id.at(0))
}

/// What `BPF_PROG_TEST_RUN` sets where nothing is given: the loopback device, and the length on the wire.
fn defaults(m: &mut Machine<'_>, kind: Option<Kind>) {
    let len = m.packet.as_ref().map_or(0, packet::Packet::len);
    let defaults: &[(&str, u32)] = match kind {
        Some(Kind::Skb) => &[("ifindex", 1), ("wire_len", len)],
        Some(Kind::Xdp) => &[("ingress_ifindex", 1)],
        None => &[],
    };
    for (name, value) in defaults {
        let place = m.context.field_mut(name);
        if let Some(place) = place.filter(|place| place.iter().all(|byte| *byte == 0)) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
}

impl Context {
    /// The bytes of a field of the structure, by its name.
    pub(crate) fn field_mut(&mut self, name: &str) -> Option<&mut [u8]> {
        let record = self.layout?.record?;
        let field = record.fields.iter().find(|field| field.name == name)?;
        self.image.get_mut(field.offset as usize..(field.offset + field.size) as usize)
    }
}

/// The context afterwards.
pub(crate) fn contents(m: &Machine<'_>) -> Vec<u8> {
    match m.context.id {
        Some(id) if m.context.plain => m.memory.bytes(id).unwrap_or_default().to_vec(),
        _ => m.context.image.clone(),
    }
}

/// A load from a context whose accesses are rewritten.
pub(crate) fn load(m: &mut Machine<'_>, offset: i64, size: u32) -> Result<u64, Stop> {
    let Some(region) =
        m.context.layout.and_then(|layout| layout.access(offset, size, kernel_model::Access::Read))
    else {
        return Err(refused(m, Access::Read, offset, size));
    };
    let packet = m.packet.as_ref();
    match region.value {
        FieldValue::Packet => Ok(packet.map_or(0, packet::Packet::data_address)),
        FieldValue::PacketMeta => Ok(packet.map_or(0, packet::Packet::meta_address)),
        FieldValue::PacketEnd => Ok(packet.map_or(0, packet::Packet::end_address)),
        FieldValue::Scalar => scalar(m, region.name, offset, size),
        _ => Err(FaultKind::NotModelled(format!("field {} of the context", region.name)).into()),
    }
}

/// A store to a context whose accesses are rewritten.
pub(crate) fn store(m: &mut Machine<'_>, offset: i64, bytes: &[u8]) -> Result<(), Stop> {
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let region = m
        .context
        .layout
        .and_then(|layout| layout.access(offset, size, kernel_model::Access::Write));
    if region.is_none() {
        return Err(refused(m, Access::Write, offset, size));
    }
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let place = m.context.image.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len()));
    place
        .map(|place| place.copy_from_slice(bytes))
        .ok_or_else(|| FaultKind::Internal("a context is too short").into())
}

fn refused(m: &Machine<'_>, access: Access, offset: i64, len: u32) -> Stop {
    FaultKind::Context { access, offset, len, program_type: m.context.program_type }.into()
}

fn scalar(m: &Machine<'_>, name: &str, offset: i64, size: u32) -> Result<u64, Stop> {
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut word = [0; 8];
    match (name, &m.packet) {
        ("len", Some(packet)) => {
            word[..4].copy_from_slice(&packet.len().to_le_bytes());
            let shift = at % 4;
            word.copy_within(shift.., 0);
        }
        _ => {
            let bytes = m.context.image.get(at..).and_then(|rest| rest.get(..size as usize));
            let bytes = bytes.ok_or(FaultKind::Internal("a context is too short"))?;
            word[..bytes.len()].copy_from_slice(bytes);
        }
    }
    let bits = 64 - 8 * u32::min(size, 8);
    Ok(u64::from_le_bytes(word) << bits >> bits)
}
