//! What a recorded run was given, as the runtime takes it.

use bpf_object::{Linked, Program};
use kernel_model::ProgramType;
use oracle::recording::Outcome;
use oracle::runs::{Field, Packets, Run, unhex};
use runtime::{Input, Layout, Machine, PacketInput};

/// The greatest length of a linear part that the kernel makes for XDP.
const MOST_LINEAR: u32 = 3520;
/// The size of a fragment that the kernel makes.
const PAGE: u32 = 4096;

/// Enough for `may_goto` to give up.
const BUDGET: u64 = 1 << 27;

/// An input, and what the kernel was given in its place.
pub(crate) struct Made {
    pub(crate) input: Input,
    /// `data_in`: metadata and packet.
    pub(crate) data: Option<Vec<u8>>,
    /// `ctx_in`.
    pub(crate) context: Vec<u8>,
}

pub(crate) fn input(program: &Program, run: &Run, outcome: &Outcome, packets: &Packets) -> Made {
    let kind = program.load.program_type.expect("is known");
    let packet = outcome.packet.as_deref().map(|name| packets.get(name).expect("is a packet"));
    let record = kernel_model::context_layout(kind, None).and_then(|layout| layout.record);
    let size = match kind.name {
        "sk_lookup" => 72,
        "xdp" => 24,
        _ if kind.context == "__sk_buff" => record.map_or(0, |record| record.size as usize),
        _ => 0,
    };
    let mut context = if size > 0 {
        vec![0; size]
    } else {
        run.args.iter().flat_map(|word| word.to_le_bytes()).collect()
    };
    if let Some(bytes) = &run.bytes {
        context = unhex(bytes).expect("is hexadecimal");
    }
    for (name, value) in &run.context {
        set_field(kind, &mut context, name, value);
    }
    let is_xdp = kind.name == "xdp";
    let metadata: Vec<u8> =
        if is_xdp { (0..=u8::MAX).cycle().take(run.meta as usize).collect() } else { Vec::new() };
    let all = u32::try_from(packet.map_or(0, <[u8]>::len)).expect("is short");
    let linear = if is_xdp { outcome.linear.unwrap_or(all.min(MOST_LINEAR)).min(all) } else { all };
    let mut fragments = Vec::new();
    let mut left = all - linear;
    while left > 0 {
        fragments.push(left.min(PAGE));
        left -= left.min(PAGE);
    }
    let data = packet.map(|packet| [metadata.as_slice(), packet].concat());
    if is_xdp && packet.is_some() {
        context[..4].copy_from_slice(&run.meta.to_le_bytes());
        context[4..8].copy_from_slice(&(linear + run.meta).to_le_bytes());
    }
    let packet = packet.map(|bytes| PacketInput {
        bytes: bytes.to_vec(),
        metadata,
        layout: Layout { linear: Some(linear), fragments, ..Layout::default() },
    });
    let input = Input { packet, context: context.clone(), budget: BUDGET, ..Input::default() };
    Made { input, data, context }
}

fn set_field(kind: &ProgramType, context: &mut [u8], name: &str, value: &Field) {
    let field = kind.context_fields.iter().find(|field| field.name == name).expect("is a field");
    let values = match value {
        Field::One(value) => std::slice::from_ref(value),
        Field::Many(values) => values,
    };
    let (start, size) = (field.offset as usize, field.element_size() as usize);
    for (index, value) in values.iter().enumerate() {
        let place = &mut context[start + index * size..start + (index + 1) * size];
        place.copy_from_slice(&value.to_le_bytes()[..size]);
    }
}

pub(crate) fn put_elements(
    machine: &mut Machine<'_>,
    linked: &Linked<'_>,
    run: &Run,
) -> Result<(), String> {
    for (name, elements) in &run.maps {
        let index = linked.maps.iter().position(|map| map.name == *name).expect("is a map");
        for (key, value) in elements {
            let (key, value) = unhex(key).zip(unhex(value)).expect("is hexadecimal");
            machine
                .set_map_entry(index, &key, &value)
                .map_err(|error| format!("map {name} takes no element: {error}"))?;
        }
    }
    Ok(())
}
