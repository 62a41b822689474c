//! Whether a run of the runtime ended as the kernel's did.

use std::collections::BTreeMap;

use bpf_object::{DataKind, Linked, MapKind, Program};
use oracle::compile::hex;
use oracle::recording::Outcome;
use runtime::{FaultKind, Machine};

use crate::input::Made;

/// Types of maps whose elements are recorded.
const LISTED: [u32; 7] = [1, 2, 5, 6, 9, 10, 11];
const ARRAYS: [u32; 2] = [2, 6];
const RINGBUF: u32 = 27;
/// The Ethernet header, which comes back as zeros if the program began behind it.
const ETHERNET: usize = 14;
/// The fields of `__sk_buff` that come back from a run (`convert_skb_to___skb`).
const RETURNED: [&str; 9] = [
    "mark",
    "priority",
    "ingress_ifindex",
    "ifindex",
    "tstamp",
    "cb",
    "wire_len",
    "gso_segs",
    "hwtstamp",
];

type Contents = BTreeMap<String, BTreeMap<String, String>>;

/// How a run compares.
pub(crate) enum Answer {
    Equal,
    Different(String),
    NotModelled(String),
}

pub(crate) fn compare(
    linked: &Linked<'_>,
    program: &Program,
    machine: &Machine<'_>,
    made: &Made,
    ours: &runtime::Outcome,
    recorded: &Outcome,
) -> Answer {
    if let Some(fault) = &ours.fault {
        return match &fault.kind {
            FaultKind::NotModelled(what) => Answer::NotModelled(what.clone()),
            _ => Answer::Different(format!("ends with: {fault}")),
        };
    }
    let mut wrong = Vec::new();
    #[expect(clippy::cast_possible_truncation, reason = "the kernel records the lower half")]
    let retval = ours.retval as u32;
    if retval != recorded.retval {
        wrong.push(format!("result {retval:#x} instead of {:#x}", recorded.retval));
    }
    let data = data_out(program, made, ours);
    if data != recorded.data_out {
        wrong.push(difference("packet", data.as_deref(), recorded.data_out.as_deref()));
    }
    let context = context_out(program, made, ours);
    if context != recorded.context_out {
        wrong.push(format!("context {context:?} instead of {:?}", recorded.context_out));
    }
    match contents(linked, program, machine) {
        Ok(maps) if maps == recorded.maps => {}
        Ok(maps) => wrong.push(format!("maps {maps:?} instead of {:?}", recorded.maps)),
        Err(what) => return Answer::NotModelled(what),
    }
    if wrong.is_empty() { Answer::Equal } else { Answer::Different(wrong.join("; ")) }
}

fn difference(what: &str, ours: Option<&str>, recorded: Option<&str>) -> String {
    match (ours, recorded) {
        (Some(ours), Some(recorded)) => {
            let at = ours.bytes().zip(recorded.bytes()).take_while(|(a, b)| a == b).count();
            let (lengths, from) = ((ours.len() / 2, recorded.len() / 2), at / 2 * 2);
            let part =
                |text: &str| text.get(from..text.len().min(from + 16)).unwrap_or("").to_owned();
            let (a, b) = (part(ours), part(recorded));
            format!(
                "{what} of {} bytes, not {}; at {} {a} instead of {b}",
                lengths.0,
                lengths.1,
                at / 2
            )
        }
        (None, _) => format!("{what} unchanged"),
        (_, None) => format!("{what} changed"),
    }
}

/// `data_out`, if it is not what went in.
fn data_out(program: &Program, made: &Made, ours: &runtime::Outcome) -> Option<String> {
    let kind = program.load.program_type.expect("is known");
    let before = made.data.as_ref()?;
    let mut after = ours.metadata.clone();
    match kind.name {
        "netfilter" | "sk_lookup" => return None,
        // What it has found comes back in the place of the packet.
        "flow_dissector" => return ours.flow_keys.as_deref().map(hex),
        "xdp" | "sched_cls" | "sched_act" => {}
        _ => {
            let seen = ETHERNET.min(before.len());
            after.resize(seen, 0);
        }
    }
    after.extend_from_slice(ours.packet.as_deref()?);
    (after != *before).then(|| hex(&after))
}

/// The fields of the context that changed.
fn context_out(
    program: &Program,
    made: &Made,
    ours: &runtime::Outcome,
) -> BTreeMap<String, String> {
    let kind = program.load.program_type.expect("is known");
    let mut changed = BTreeMap::new();
    let mut after = made.context.clone();
    match kind.name {
        "xdp" => {
            let meta = u32::try_from(ours.metadata.len()).expect("is short");
            let end = ours.layout.linear.unwrap_or(0) + meta;
            if made.data.is_some() {
                after[..4].copy_from_slice(&meta.to_le_bytes());
                after[4..8].copy_from_slice(&end.to_le_bytes());
            }
        }
        "syscall" => {
            if ours.context != made.context {
                changed.insert("bytes".to_owned(), hex(&ours.context));
            }
            return changed;
        }
        "sk_lookup" | "flow_dissector" => return changed,
        _ if kind.context == "__sk_buff" => {
            for field in kind.context_fields.iter().filter(|field| RETURNED.contains(&field.name)) {
                let range = field.offset as usize..(field.offset + field.size) as usize;
                after[range.clone()].copy_from_slice(&ours.context[range]);
            }
        }
        _ => return changed,
    }
    for field in kind.context_fields {
        let range = field.offset as usize..(field.offset + field.size) as usize;
        let (old, new) = (&made.context[range.clone()], &after[range]);
        if old != new {
            changed.insert(field.name.to_owned(), hex(new));
        }
    }
    changed
}

/// What is in the maps that a program refers to, without zeros.
fn contents(
    linked: &Linked<'_>,
    program: &Program,
    machine: &Machine<'_>,
) -> Result<Contents, String> {
    let mut contents = BTreeMap::new();
    for reference in &program.map_references {
        let index = reference.map.0;
        let map = &linked.maps[index];
        let kind = map.definition.map_type;
        let entries = || machine.map_entries(index).ok_or_else(|| format!("map {}", map.name));
        let mut found = BTreeMap::new();
        match map.kind {
            MapKind::Data(DataKind::Data | DataKind::Zero) => {
                let entries = entries()?;
                let value = entries.first().map_or(&[][..], |(_, value)| value.as_slice());
                found = variables(linked, &map.name, &map.data, value);
            }
            MapKind::Defined if LISTED.contains(&kind) => {
                for (key, value) in entries()? {
                    if !ARRAYS.contains(&kind) || value.iter().any(|byte| *byte != 0) {
                        found.insert(hex(&key), hex(&value));
                    }
                }
            }
            MapKind::Defined if kind == RINGBUF => {
                for (number, (submitted, bytes)) in machine.map_records(index).iter().enumerate() {
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
    Ok(contents)
}

/// The variables of a section that are not what they were at the beginning.
fn variables(
    linked: &Linked<'_>,
    section: &str,
    initial: &[u8],
    value: &[u8],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let btf = linked.object.btf.as_ref().expect("there are types");
    let section = btf.find(section, btf::Kind::DataSec).expect("is a section");
    for variable in section.variables().iter() {
        let range = variable.offset as usize..(variable.offset + variable.size) as usize;
        let (name, bytes) =
            (btf.get(variable.ty).expect("is a type").name(), &value[range.clone()]);
        let before = range.map(|at| initial.get(at).copied().unwrap_or(0));
        if !before.eq(bytes.iter().copied()) {
            found.insert(name.to_owned(), hex(bytes));
        }
    }
    found
}
