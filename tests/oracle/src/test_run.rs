//! Calls of loaded programs: what goes in, what comes out, and what is left in maps.

use std::collections::BTreeMap;

use bpf_object::{DataKind, Linked, MapKind, Program};
use kernel_model::ProgramType;
use oracle::compile::hex;
use oracle::recording::Outcome;
use oracle::runs::{Field, Packets, Run, unhex};

use crate::load::{LoadError, Loader, Log, map_type};
use crate::sys;

/// The greatest length of a linear part that the kernel makes for XDP.
const MOST_LINEAR: usize = 3520;

/// Room for a packet that comes back.
const PACKET_ROOM: usize = 1 << 17;

/// The size of `struct bpf_flow_keys`.
const FLOW_KEYS: usize = 56;

/// Contexts by program type: the structure, its size in bytes, and whether it comes back.
const CONTEXTS: [(&str, usize, bool); 10] = [
    ("sched_cls", 192, true),
    ("sched_act", 192, true),
    ("cgroup_skb", 192, true),
    ("socket_filter", 192, true),
    ("lwt_in", 192, true),
    ("lwt_out", 192, true),
    ("lwt_xmit", 192, true),
    ("lwt_seg6local", 192, true),
    ("xdp", 24, true),
    ("sk_lookup", 72, false),
];

/// Types of maps whose elements are recorded.
const LISTED: [u32; 7] = [
    map_type::HASH,
    map_type::ARRAY,
    map_type::PERCPU_HASH,
    map_type::PERCPU_ARRAY,
    map_type::LRU_HASH,
    map_type::LRU_PERCPU_HASH,
    map_type::LPM_TRIE,
];

/// Why a program cannot be run as stated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It cannot be loaded again.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The statement is at fault.
    #[error("{program}: {message}")]
    Statement {
        /// The program.
        program: String,
        /// What is wrong.
        message: String,
    },
}

/// What goes into a call.
struct Input {
    data: Option<Vec<u8>>,
    data_out: usize,
    context: Vec<u8>,
    context_out: usize,
}

/// Runs a program as stated, loading it anew for each packet and each layout.
pub(crate) fn run(
    linked: &Linked<'_>,
    program: &Program,
    packets: &Packets,
    (number, run): (usize, &Run),
) -> Result<Vec<Outcome>, RunError> {
    let names: Vec<Option<&str>> = match run.packets.as_slice() {
        [] => vec![None],
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    let mut outcomes = Vec::new();
    for name in names {
        let packet = match name {
            Some(name) => Some(
                packets.get(name).ok_or_else(|| wrong(program, &format!("no packet `{name}`")))?,
            ),
            None => None,
        };
        for linear in run.lengths(packet.map_or(0, <[u8]>::len)) {
            let mut loader = Loader::new(linked)?;
            let loaded = loader.load(program, Log::Short)?.program;
            let fd = loaded.map_err(|_| wrong(program, "is rejected and cannot be run"))?;
            put_elements(linked, &loader, program, run)?;
            let input = input(program, run, packet, linear)?;
            for call in 0..run.times {
                let at = Outcome {
                    packet: name.map(str::to_owned),
                    linear,
                    run: number,
                    call,
                    ..Outcome::default()
                };
                outcomes.push(outcome(&input, at, program, &fd, linked, &loader));
            }
        }
    }
    Ok(outcomes)
}

fn wrong(program: &Program, message: &str) -> RunError {
    RunError::Statement { program: program.name.clone(), message: message.to_owned() }
}

fn put_elements(
    linked: &Linked<'_>,
    loader: &Loader<'_>,
    program: &Program,
    run: &Run,
) -> Result<(), RunError> {
    for (name, elements) in &run.maps {
        let index = linked.maps.iter().position(|map| map.name == *name);
        let map = index.and_then(|index| loader.map(index));
        let map = map.ok_or_else(|| wrong(program, &format!("uses no map `{name}`")))?;
        for (key, value) in elements {
            let bytes = unhex(key).zip(unhex(value));
            let (key, value) = bytes.ok_or_else(|| wrong(program, "no hexadecimal in `maps`"))?;
            map.update(&key, &value)
                .map_err(|error| wrong(program, &format!("map `{name}`: {error}")))?;
        }
    }
    Ok(())
}

fn input(
    program: &Program,
    run: &Run,
    packet: Option<&[u8]>,
    linear: Option<u32>,
) -> Result<Input, RunError> {
    let kind = program.load.program_type.map_or("", |kind| kind.name);
    let mut context = match CONTEXTS.iter().find(|(name, _, _)| *name == kind) {
        Some(&(_, size, _)) => vec![0; size],
        None => run.args.iter().flat_map(|word| word.to_le_bytes()).collect(),
    };
    if let Some(bytes) = &run.bytes {
        context = unhex(bytes).ok_or_else(|| wrong(program, "`bytes` is no hexadecimal"))?;
    }
    for (name, value) in &run.context {
        let set =
            program.load.program_type.and_then(|kind| set_field(kind, &mut context, name, value));
        set.ok_or_else(|| wrong(program, &format!("there is no field `{name}`")))?;
    }
    let mut data = packet.map(<[u8]>::to_vec);
    if let (Some(data), "xdp") = (&mut data, kind) {
        let meta = (0..=u8::MAX).cycle().take(run.meta as usize);
        data.splice(0..0, meta);
        let linear = linear
            .map_or(data.len().min(MOST_LINEAR), |linear| linear as usize + run.meta as usize);
        for (place, number) in [(0, run.meta as usize), (4, linear)] {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            context[place..place + 4].copy_from_slice(&number.to_le_bytes());
        }
    }
    let comes_back = CONTEXTS.iter().any(|&(name, _, back)| name == kind && back);
    let data_out = match kind {
        "flow_dissector" => FLOW_KEYS,
        "netfilter" => 0,
        _ if data.is_some() => PACKET_ROOM,
        _ => 0,
    };
    let context_out = if comes_back { context.len() } else { 0 };
    Ok(Input { data, data_out, context, context_out })
}

fn set_field(kind: &ProgramType, context: &mut [u8], name: &str, value: &Field) -> Option<()> {
    let field = kind.context_fields.iter().find(|field| field.name == name)?;
    let values = match value {
        Field::One(value) => std::slice::from_ref(value),
        Field::Many(values) => values,
    };
    let (start, size) = (field.offset as usize, field.element_size() as usize);
    for (index, value) in values.iter().enumerate() {
        let place = context.get_mut(start + index * size..start + (index + 1) * size)?;
        place.copy_from_slice(value.to_le_bytes().get(..size)?);
    }
    Some(())
}

fn outcome(
    input: &Input,
    mut outcome: Outcome,
    program: &Program,
    fd: &std::os::fd::OwnedFd,
    linked: &Linked<'_>,
    loader: &Loader<'_>,
) -> Outcome {
    let spec = sys::RunSpec {
        data: input.data.as_deref(),
        data_out: input.data_out,
        context: &input.context,
        context_out: input.context_out,
    };
    match sys::run(fd, &spec) {
        Err(error) => outcome.errno = -error.raw_os_error().unwrap_or(0),
        Ok(result) => {
            outcome.retval = result.retval;
            let is_new = input.data.as_ref().is_some_and(|data| *data != result.data);
            outcome.data_out = (input.data_out > 0 && is_new).then(|| hex(&result.data));
            outcome.context_out = changed_fields(program, &input.context, &result.context);
        }
    }
    outcome.maps = contents(linked, loader, program);
    outcome
}

fn changed_fields(program: &Program, before: &[u8], after: &[u8]) -> BTreeMap<String, String> {
    let fields = program.load.program_type.map_or(&[][..], |kind| kind.context_fields);
    let mut changed = BTreeMap::new();
    if fields.is_empty() || before.len() != after.len() {
        if before != after {
            changed.insert("bytes".to_owned(), hex(after));
        }
        return changed;
    }
    for field in fields {
        let range = field.offset as usize..(field.offset + field.size) as usize;
        if let (Some(old), Some(new)) = (before.get(range.clone()), after.get(range))
            && old != new
        {
            changed.insert(field.name.to_owned(), hex(new));
        }
    }
    changed
}

/// What is in the maps that a program refers to, without zeros.
fn contents(
    linked: &Linked<'_>,
    loader: &Loader<'_>,
    program: &Program,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut contents = BTreeMap::new();
    for reference in &program.map_references {
        let index = reference.map.0;
        let (Some(map), Some(made)) = (linked.maps.get(index), loader.map(index)) else { continue };
        let value_size = map.definition.value_size as usize;
        let is_array = matches!(map.definition.map_type, map_type::ARRAY | map_type::PERCPU_ARRAY);
        let mut found = BTreeMap::new();
        match (map.kind, map.definition.map_type) {
            (MapKind::Data(DataKind::Data | DataKind::Zero), _) => {
                let value = made.lookup(&0u32.to_le_bytes()).unwrap_or_default();
                found = variables(linked, &map.name, &map.data, &value);
            }
            (MapKind::Defined, kind) if LISTED.contains(&kind) => {
                let mut key = made.next_key(None);
                while let Some(at) = key {
                    let mut value = made.lookup(&at).unwrap_or_default();
                    // Of several processors, the one that the program was run on.
                    value.truncate(value_size);
                    if !is_array || value.iter().any(|byte| *byte != 0) {
                        found.insert(hex(&at), hex(&value));
                    }
                    key = made.next_key(Some(&at));
                }
            }
            (MapKind::Defined, map_type::RINGBUF) => {
                let records = made.records().unwrap_or_default();
                for (number, (submitted, bytes)) in records.iter().enumerate() {
                    let fate = if *submitted { "submitted" } else { "discarded" };
                    found.insert(format!("{number:04} {fate}"), hex(bytes));
                }
            }
            _ => {}
        }
        if !found.is_empty() {
            contents.insert(map.name.clone(), found);
        }
    }
    contents
}

/// The variables of a section that are not what they were at the beginning.
fn variables(
    linked: &Linked<'_>,
    section: &str,
    initial: &[u8],
    value: &[u8],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some(btf) = &linked.object.btf else { return found };
    let Some(section) = btf.find(section, btf::Kind::DataSec) else { return found };
    for variable in section.variables().iter() {
        let range = variable.offset as usize..(variable.offset + variable.size) as usize;
        let (Some(ty), Some(bytes)) = (btf.get(variable.ty), value.get(range.clone())) else {
            continue;
        };
        let before = range.map(|at| initial.get(at).copied().unwrap_or(0));
        if !before.eq(bytes.iter().copied()) {
            found.insert(ty.name().to_owned(), hex(bytes));
        }
    }
    found
}
