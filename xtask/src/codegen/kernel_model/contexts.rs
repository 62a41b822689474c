//! `contexts.toml`: records and what the verifier makes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::programs::ProgramTable;
use super::write::{array, camel, header, joined, static_name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextTable {
    source: String,
    pub(crate) record: Vec<RecordRow>,
    layout: Vec<LayoutRow>,
    pointer: Vec<LayoutRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordRow {
    pub(crate) name: String,
    pub(crate) size: u32,
    source: String,
    /// Name, C type, offset and size.
    pub(crate) fields: Vec<(String, String, u32, u32)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutRow {
    #[serde(default)]
    programs: Vec<String>,
    kind: Option<String>,
    #[serde(default)]
    record: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Bytes without a field that read as numbers.
    #[serde(default)]
    padding: Vec<(u32, u32)>,
    /// Bytes that are read as words of 8.
    words: Option<(u32, u32)>,
    /// Bytes that are accessed with any aligned width.
    scalars: Option<(u32, u32)>,
    /// Bytes that are accessed with any width, aligned or not.
    bytes: Option<(u32, u32)>,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    writable: bool,
    #[serde(default)]
    tp_buffer: bool,
    #[serde(default)]
    btf_args: bool,
    source: Option<String>,
}

pub(super) fn render(table: &ContextTable, programs: &ProgramTable) -> Result<String> {
    let mut out = header(
        "What programs see through their context pointer",
        "contexts.toml",
        "use crate::context::LayoutRow;\nuse crate::{AttachType, Capability, ContextField, ContextLayout, FieldValue, \
         ProgramSet, Record, Region, Width};",
    );
    for record in &table.record {
        let name = static_name(&record.name);
        let fields = format!("{name}_FIELDS");
        array(&mut out, &fields, "ContextField", record.fields.len());
        for (field, c_type, offset, size) in &record.fields {
            writeln!(
                out,
                "ContextField {{ name: {field:?}, c_type: {c_type:?}, offset: {offset}, size: {size} }},"
            )?;
        }
        writeln!(
            out,
            "];\n\nstatic {name}: Record = Record {{ name: {:?}, size: {}, fields: &{fields}, source: {:?} }};\n",
            record.name, record.size, record.source,
        )?;
    }
    array(&mut out, "LAYOUTS", "LayoutRow", table.layout.len());
    for row in &table.layout {
        let (set, attached) = programs.who(&row.programs)?;
        let layout = render_layout(table, row);
        let layout = layout.with_context(|| format!("layout of {:?}", row.programs))?;
        writeln!(out, "LayoutRow {{ programs: {set}, attached: {attached}, layout: {layout} }},")?;
    }
    out += "];\n\n/// By `PointerKind`.\n";
    array(&mut out, "POINTER_LAYOUTS", "ContextLayout", table.pointer.len());
    let kinds: Vec<_> = table.pointer.iter().filter_map(|row| row.kind.as_deref()).collect();
    ensure!(
        kinds == ["sock_common", "sock", "tcp_sock", "xdp_sock", "flow_keys"],
        "pointers are in the order of `PointerKind`"
    );
    for row in &table.pointer {
        let layout = render_layout(table, row);
        writeln!(out, "{},", layout.with_context(|| format!("layout of {:?}", row.kind))?)?;
    }
    out += "];\n";
    Ok(out)
}

fn render_layout(table: &ContextTable, row: &LayoutRow) -> Result<String> {
    let record = table.record.iter().find(|record| record.name == row.record);
    let mut regions = String::new();
    if let Some(record) = record {
        let known = |name: &String| record.fields.iter().any(|(field, ..)| field == name);
        if let Some(name) = row.fields.keys().find(|name| !known(name)) {
            bail!("{} has no field `{name}`", record.name);
        }
        for (name, c_type, offset, size) in &record.fields {
            let Some(spec) = row.fields.get(name) else { continue };
            let element = element_size(c_type, *size);
            regions += &region(name, (*offset, offset + size), element, spec)?;
        }
    }
    for &range in &row.padding {
        regions += &region("", range, range.1 - range.0, "narrow")?;
    }
    if let Some(range) = row.words {
        regions += &region("", range, 8, "exact")?;
    }
    if row.tp_buffer {
        regions += &region("", (0, 8), 8, "exact tp_buffer")?;
    }
    if let Some((from, to)) = row.scalars {
        let from = if row.tp_buffer { from + 1 } else { from };
        let width = if row.whole { "exact" } else { "unbounded" };
        let spec = if row.writable { format!("{width}; write {width}") } else { width.to_owned() };
        regions += &region("", (from, to), to - from, &spec)?;
    }
    if let Some(range) = row.bytes {
        let spec = if row.writable { "unaligned; write unaligned" } else { "unaligned" };
        regions += &region("", range, range.1 - range.0, spec)?;
    }
    let record =
        record.map_or("None".to_owned(), |record| format!("Some(&{})", static_name(&record.name)));
    Ok(format!(
        "ContextLayout {{ record: {record}, regions: &[{regions}], btf_args: {}, source: {:?} }}",
        row.btf_args,
        joined(&table.source, row.source.as_deref()),
    ))
}

/// One region from `WIDTH [VALUE]; write WIDTH; needs CAPABILITY`.
fn region(name: &str, (from, to): (u32, u32), element: u32, spec: &str) -> Result<String> {
    let (mut read, mut write) = ("None".to_owned(), "None".to_owned());
    let (mut value, mut capability) = ("Scalar".to_owned(), "None".to_owned());
    for part in spec.split(';').map(str::trim) {
        match part.split_whitespace().collect::<Vec<_>>()[..] {
            ["write", width] => write = format!("Some(Width::{})", camel(width)),
            ["needs", name] => capability = camel(name),
            [width] => read = format!("Some(Width::{})", camel(width)),
            [width, kind] => {
                read = format!("Some(Width::{})", camel(width));
                value = camel(kind);
            }
            [width, "trusted", record] => {
                read = format!("Some(Width::{})", camel(width));
                value = format!("Trusted({record:?})");
            }
            _ => bail!("`{part}` is no rule of access"),
        }
    }
    Ok(format!(
        "Region {{ name: {name:?}, offset: {from}, size: {}, element: {element}, read: {read}, write: {write}, \
         value: FieldValue::{value}, capability: Capability::{capability} }},\n",
        to - from,
    ))
}

/// The size of one element of a type such as `__u32[4]`.
fn element_size(c_type: &str, size: u32) -> u32 {
    let count = c_type.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')?.parse().ok());
    size / count.filter(|count| *count > 0).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_access_are_read() {
        let text = region("sk", (8, 16), 8, "exact sock; write narrow; needs bpf").expect("a rule");
        assert!(
            text.contains("offset: 8, size: 8, element: 8, read: Some(Width::Exact)"),
            "{text}"
        );
        assert!(text.contains("write: Some(Width::Narrow), value: FieldValue::Sock"), "{text}");
        assert!(text.contains("capability: Capability::Bpf"), "{text}");
        assert!(region("sk", (8, 16), 8, "exact sock or none").is_err());
        assert_eq!((element_size("__u32[4]", 16), element_size("__u64", 8)), (4, 8));
    }
}
