//! `maps.toml`: map types.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::write::{array, camel, header, joined, variants, version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapTable {
    source: String,
    only: Vec<OnlyRow>,
    pub(crate) map: Vec<MapRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyRow {
    helper: String,
    maps: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapRow {
    pub(crate) name: String,
    pub(crate) id: u32,
    since: String,
    what: String,
    key: String,
    value: String,
    entries: String,
    flags: Vec<String>,
    #[serde(default)]
    required: Vec<String>,
    helpers: Option<Vec<String>>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    for_each: bool,
    #[serde(default)]
    percpu: bool,
    #[serde(default)]
    inner: bool,
    #[serde(default)]
    btf: bool,
    #[serde(default)]
    sleepable: bool,
    #[serde(default)]
    socket_values: bool,
    #[serde(default)]
    read_only: bool,
    #[serde(default = "never")]
    direct: String,
    #[serde(default = "value")]
    lookup: String,
    #[serde(default)]
    note: String,
    source: String,
}

fn never() -> String {
    "never".to_owned()
}

fn value() -> String {
    "value".to_owned()
}

pub(super) fn render(table: &MapTable) -> Result<String> {
    let mut out = header(
        "Map types",
        "maps.toml",
        "use crate::{DirectValue, LookupResult, MapField, MapType, SizeRule, Step, Version};",
    );
    array(&mut out, "MAP_TYPES", "MapType", table.map.len());
    for row in &table.map {
        render_map(&mut out, row, &table.source).with_context(|| format!("map {}", row.name))?;
    }
    out += "];\n\n/// Helpers that take only some of the map types that would take them.\n";
    let names: BTreeSet<_> = table.map.iter().map(|row| row.name.as_str()).collect();
    let row = "(&str, &[&str])";
    array(&mut out, "HELPER_MAPS", row, table.only.len());
    for row in &table.only {
        let known = row.maps.iter().all(|name| names.contains(name.as_str()));
        ensure!(known, "{} is for an unknown map type", row.helper);
        writeln!(out, "({:?}, &{:?}),", row.helper, row.maps)?;
    }
    out += "];\n";
    Ok(out)
}

fn render_map(out: &mut String, row: &MapRow, table_source: &str) -> Result<()> {
    let helpers = match &row.helpers {
        Some(helpers) => format!("Some(&{helpers:?})"),
        None => "None".to_owned(),
    };
    writeln!(
        out,
        "MapType {{ name: {:?}, id: {}, since: {}, what: {:?}, key_size: {}, value_size: {}, max_entries: {}, \
         flags: &{:?}, required_flags: &{:?}, helpers: {helpers}, fields: {}, for_each: {}, percpu: {}, \
         inner_map: {}, needs_btf: {}, sleepable: {}, socket_values: {}, read_only: {}, \
         direct_value: DirectValue::{}, lookup: LookupResult::{}, note: {:?}, source: {:?} }},",
        row.name,
        row.id,
        version(&row.since)?,
        row.what,
        size_rule(&row.key)?,
        size_rule(&row.value)?,
        size_rule(&row.entries)?,
        row.flags,
        row.required,
        variants("MapField", &row.fields),
        row.for_each,
        row.percpu,
        row.inner,
        row.btf,
        row.sleepable,
        row.socket_values,
        row.read_only,
        camel(&row.direct),
        camel(&row.lookup),
        row.note,
        joined(table_source, Some(&row.source)),
    )?;
    Ok(())
}

/// `4`, `1..`, `5..260`, `8..16 step 8` or `4096.. power` as a `SizeRule`.
fn size_rule(text: &str) -> Result<String> {
    let (range, step) = match text.split_once(' ') {
        None => (text, "Step::MultipleOf(1)".to_owned()),
        Some((range, "power")) => (range, "Step::PowerOfTwo".to_owned()),
        Some((range, step)) => {
            let number = step.strip_prefix("step ").and_then(|number| number.parse::<u32>().ok());
            let number = number.with_context(|| format!("`{step}` is no step"))?;
            (range, format!("Step::MultipleOf({number})"))
        }
    };
    let number = |text: &str| text.parse::<u32>().with_context(|| format!("`{text}` is no size"));
    let (min, max) = match range.split_once("..") {
        None => (number(range)?, number(range)?.to_string()),
        Some((min, "")) => (number(min)?, "u32::MAX".to_owned()),
        Some((min, max)) => (number(min)?, number(max)?.to_string()),
    };
    Ok(format!("SizeRule {{ min: {min}, max: {max}, step: {step} }}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let rule = |text| size_rule(text).expect("a rule");
        assert_eq!(rule("4"), "SizeRule { min: 4, max: 4, step: Step::MultipleOf(1) }");
        assert_eq!(
            rule("4096.. power"),
            "SizeRule { min: 4096, max: u32::MAX, step: Step::PowerOfTwo }"
        );
        assert_eq!(rule("8..16 step 8"), "SizeRule { min: 8, max: 16, step: Step::MultipleOf(8) }");
        for text in ["", "x", "1..y", "1.. often", "1.. step x"] {
            assert!(size_rule(text).is_err(), "{text:?}");
        }
    }
}
