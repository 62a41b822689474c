//! What a run did against what is expected of it.

use std::path::Path;

use btf::TypeId;
use runtime::{EventAccess, Image, Target};
use serde_json::Value;

use super::Mismatch;
use super::runner::named_packet;
use crate::config::{BytePattern, Config, Expected, TestSpec, byte_pattern};
use crate::run::{KeptMap, Report, Shown, context, input, retval, typed};

/// What is expected, with the bytes of packets.
pub(super) struct Wanted<'t> {
    expected: &'t Expected,
    packet: Option<WantedPacket>,
}

enum WantedPacket {
    Unchanged,
    Bytes(BytePattern),
}

impl<'t> Wanted<'t> {
    pub(super) fn new(config: &Config, root: &Path, test: &'t TestSpec) -> Result<Self, String> {
        let packet = match test.expected.packet.as_deref() {
            None => None,
            Some("unchanged") => Some(WantedPacket::Unchanged),
            Some(text) => Some(WantedPacket::Bytes(match byte_pattern(text) {
                Some(bytes) => bytes,
                None => match named_packet(config, root, text)?.as_slice() {
                    [one] => one.input.bytes.iter().copied().map(Some).collect(),
                    several => return Err(format!("`{text}` is {} packets", several.len())),
                },
            })),
        };
        Ok(Self { expected: &test.expected, packet })
    }
}

/// All that is not as expected.
///
/// # Errors
///
/// If the program cannot do what is expected, because a map, a variable or a field does not exist.
pub(super) fn mismatches(
    image: &Image,
    wanted: &Wanted<'_>,
    report: &Report,
) -> Result<Vec<Mismatch>, String> {
    let mut found = Vec::new();
    if let Some(run) = report.runs.first() {
        let fault = fault(wanted.expected, run);
        if fault.is_some() || run.fault().is_some() {
            // After a fault nothing else is as it should be.
            return Ok(fault.into_iter().collect());
        }
        found.extend(result(image, wanted.expected, run));
        found.extend(packet(wanted, run));
        found.extend(metadata(wanted.expected, run));
        found.extend(fields(image, wanted.expected, run)?);
        found.extend(values(wanted.expected, run)?);
        for (name, value) in &wanted.expected.maps {
            found.extend(map(image, run, name, value)?);
        }
        for (name, records) in &wanted.expected.records {
            found.extend(self::records(image, run, name, records)?);
        }
        found.extend(printed(wanted.expected, run));
        for (what, target, wanted) in [
            ("sent", Target::Geometry, &wanted.expected.sent),
            ("signals", Target::Task, &wanted.expected.signals),
        ] {
            found.extend(sent(what, target, wanted.as_deref(), run));
        }
    }
    for divergence in &report.divergences {
        found.push(Mismatch::new("layouts", crate::run::divergence_message(divergence)));
    }
    if wanted.expected.layouts && report.cut_off {
        return Err("not all layouts could be tried; see --max-runs and --max-time".to_owned());
    }
    Ok(found)
}

fn fault(expected: &Expected, run: &Shown) -> Option<Mismatch> {
    let message = match (&expected.fault, run.fault()) {
        (None, None) => return None,
        (Some(part), Some(fault)) if fault.to_string().contains(part) => return None,
        (Some(part), Some(fault)) => format!("expected `{part}`, got `{fault}`"),
        (Some(part), None) => format!("expected `{part}`, but nothing went wrong"),
        (None, Some(fault)) => format!("{}: {fault}", crate::run::place(&fault.at)),
    };
    Some(Mismatch::new("fault", message))
}

fn result(image: &Image, expected: &Expected, run: &Shown) -> Option<Mismatch> {
    let (value, text) = expected.retval.as_ref()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an int")]
    let (wanted, got) = (*value as u32, run.outcome.retval as u32);
    if wanted == got {
        return None;
    }
    let program = image.program_type();
    let named = |value: u32, text: Option<&str>| {
        let name = text.filter(|text| text.parse::<i64>().is_err());
        let signed = value.cast_signed();
        match name.or_else(|| retval::name(program, value)) {
            Some(name) => format!("{name} ({signed})"),
            None => signed.to_string(),
        }
    };
    let message = format!("expected {}, got {}", named(wanted, Some(text)), named(got, None));
    Some(Mismatch::new("retval", message))
}

fn packet(wanted: &Wanted<'_>, run: &Shown) -> Option<Mismatch> {
    let bytes: BytePattern = match wanted.packet.as_ref()? {
        WantedPacket::Unchanged => run.bytes.iter().copied().map(Some).collect(),
        WantedPacket::Bytes(bytes) => bytes.clone(),
    };
    let Some(after) = &run.outcome.packet else {
        return Some(Mismatch::new("packet", "the program has no packet"));
    };
    bytes_differ("packet", &bytes, after)
}

fn metadata(expected: &Expected, run: &Shown) -> Option<Mismatch> {
    bytes_differ("metadata", expected.metadata.as_ref()?, &run.outcome.metadata)
}

fn bytes_differ(what: &str, wanted: &BytePattern, got: &[u8]) -> Option<Mismatch> {
    if fits(wanted, got) {
        return None;
    }
    let message = if wanted.len() == got.len() {
        let differ = wanted.iter().zip(got).filter(|(a, b)| a.is_some_and(|a| a != **b)).count();
        format!("{differ} of {} bytes differ", got.len())
    } else {
        format!("expected {} bytes, got {}", wanted.len(), got.len())
    };
    Some(Mismatch { what: what.to_owned(), message, bytes: Some((wanted.clone(), got.to_vec())) })
}

fn fits(wanted: &BytePattern, got: &[u8]) -> bool {
    wanted.len() == got.len() && wanted.iter().zip(got).all(|(a, b)| a.is_none_or(|a| a == *b))
}

fn fields(image: &Image, expected: &Expected, run: &Shown) -> Result<Vec<Mismatch>, String> {
    let mut found = Vec::new();
    if expected.context.is_empty() {
        return Ok(found);
    }
    let program = image.program_type();
    let record = context::record(image)
        .ok_or_else(|| format!("the context of {} programs has no named fields", program.name))?;
    for (name, value) in &expected.context {
        let (at, bytes) =
            context::context_field(record, name, value).map_err(|why| format!("context: {why}"))?;
        let got = run.outcome.context.get(at..at + bytes.len()).unwrap_or_default();
        if got != bytes {
            let mut word = [0; 8];
            let shown = match got.len() {
                1..=8 => {
                    word[..got.len()].copy_from_slice(got);
                    u64::from_le_bytes(word).to_string()
                }
                _ => typed::digits(got),
            };
            found.push(Mismatch::new(
                format!("context {name}"),
                format!("expected {value}, got {shown}"),
            ));
        }
    }
    Ok(found)
}

/// What the context has beside its bytes, and what an iterator has written.
fn values(expected: &Expected, run: &Shown) -> Result<Vec<Mismatch>, String> {
    let mut found = Vec::new();
    for (name, pattern) in &expected.values {
        let known = run.outcome.values.iter().find(|(known, _)| known == name);
        let (_, got) = known.ok_or_else(|| format!("the context has no `{name}` afterwards"))?;
        found.extend(bytes_differ(name, pattern, got));
    }
    if let Some(wanted) = &expected.sequence {
        let got = String::from_utf8_lossy(&run.outcome.sequence);
        if got != wanted.as_str() {
            found.push(Mismatch::new("sequence", format!("expected {wanted:?}, got {got:?}")));
        }
    }
    Ok(found)
}

/// The map with a name, as it was kept.
fn kept<'r>(run: &'r Shown, image: &Image, name: &str) -> Result<&'r KeptMap, String> {
    let found = run.kept.iter().find(|map| image.maps()[map.index].name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = image.maps().iter().map(|map| map.name.as_str()).collect();
        format!("there is no map `{name}`; there are {}", names.join(", "))
    })
}

fn map(image: &Image, run: &Shown, name: &str, wanted: &Value) -> Result<Vec<Mismatch>, String> {
    let kept = kept(run, image, name)?;
    let map = &image.maps()[kept.index];
    let wrong = |why: String| format!("map {name}: {why}");
    if Image::is_data(map) {
        return variables(image, kept, name, wanted).map_err(wrong);
    }
    let Value::Array(elements) = wanted else {
        return Err(wrong("a list of tables with `key` and `value` is needed".to_owned()));
    };
    let types = image.types();
    let definition = &map.definition;
    let mut found = Vec::new();
    for element in elements {
        let key = element.get("key").ok_or_else(|| wrong("an element has no `key`".to_owned()))?;
        let size = definition.key_size as usize;
        let bytes = typed::write(types, definition.key_type, size, key).map_err(wrong)?;
        let absent = element.get("absent") == Some(&Value::Bool(true));
        let entry = kept.entries.iter().find(|(known, _)| *known == bytes);
        let what = || format!("map {name}[{key}]");
        match (entry, element.get("value")) {
            (None, _) if absent => {}
            (Some((_, value)), _) if absent => {
                let got = typed::read(types, definition.value_type, value);
                found.push(Mismatch::new(what(), format!("expected no element, got {got}")));
            }
            (None, _) => found.push(Mismatch::new(what(), "there is no element")),
            (Some((_, value)), Some(wanted)) => {
                found.extend(
                    value_differs(image, definition.value_type, what(), value, wanted)
                        .map_err(wrong)?,
                );
            }
            (Some(_), None) => {
                return Err(wrong("an element has neither `value` nor `absent`".to_owned()));
            }
        }
    }
    Ok(found)
}

fn variables(
    image: &Image,
    kept: &KeptMap,
    name: &str,
    wanted: &Value,
) -> Result<Vec<Mismatch>, String> {
    let Value::Object(values) = wanted else {
        return Err("a table with variables is needed".to_owned());
    };
    let types = image.types().ok_or_else(|| "the object has no types".to_owned())?;
    let section = image.maps()[kept.index].definition.value_type;
    let bytes = kept.entries.first().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
    let mut found = Vec::new();
    for (variable, value) in values {
        let (range, id) = input::variable(types, section, variable)?;
        let part = bytes.get(range).ok_or_else(|| format!("{variable} lies outside"))?;
        found.extend(value_differs(image, id, format!("{name} {variable}"), part, value)?);
    }
    Ok(found)
}

fn value_differs(
    image: &Image,
    id: TypeId,
    what: String,
    bytes: &[u8],
    wanted: &Value,
) -> Result<Option<Mismatch>, String> {
    if typed::matches(image.types(), id, bytes, wanted)? {
        return Ok(None);
    }
    let got = typed::read(image.types(), id, bytes);
    Ok(Some(Mismatch::new(what, format!("expected {wanted}, got {got}"))))
}

fn records(
    image: &Image,
    run: &Shown,
    name: &str,
    wanted: &[BytePattern],
) -> Result<Vec<Mismatch>, String> {
    let kept = kept(run, image, name)?;
    let got: Vec<&[u8]> = kept
        .records
        .iter()
        .filter(|(submitted, _)| *submitted)
        .map(|(_, bytes)| bytes.as_slice())
        .collect();
    let mut found = Vec::new();
    if wanted.len() != got.len() {
        let message = format!("expected {} records, got {}", wanted.len(), got.len());
        found.push(Mismatch::new(format!("map {name}"), message));
    }
    for (number, (wanted, got)) in wanted.iter().zip(got).enumerate() {
        found.extend(bytes_differ(&format!("record {number} of {name}"), wanted, got));
    }
    Ok(found)
}

fn printed(expected: &Expected, run: &Shown) -> Option<Mismatch> {
    let mut lines = run.printed();
    let missing = expected.printed.iter().find(|text| !lines.any(|line| line.contains(*text)))?;
    let all: Vec<&str> = run.printed().map(str::trim_end).collect();
    let got = if all.is_empty() { "nothing".to_owned() } else { format!("{all:?}") };
    Some(Mismatch::new("printed", format!("expected {missing:?}, got {got}")))
}

/// Numbers of what was sent: of interfaces or signals.
fn sent(what: &str, target: Target, wanted: Option<&[u32]>, run: &Shown) -> Option<Mismatch> {
    let wanted = wanted?;
    let events = run.outcome.events.iter().filter(|event| event.target == target);
    let got: Vec<u32> = events
        .filter_map(|event| match event.result {
            EventAccess::Sent(number) => Some(number),
            _ => None,
        })
        .collect();
    (got != *wanted).then(|| Mismatch::new(what, format!("expected {wanted:?}, got {got:?}")))
}
