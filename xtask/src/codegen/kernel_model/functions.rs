//! `helpers.toml` and `kfuncs.toml`: one row per function, with its prototypes and kfunc facts in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::kfuncs::SetTable;
use super::programs::ProgramTable;
use super::protos::ProtoTable;
use super::write::{array, camel, header, joined, version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionTable {
    pub(super) source: String,
    pub(crate) function: Vec<FunctionRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionRow {
    pub(crate) name: String,
    pub(crate) id: Option<u32>,
    since: String,
    ret: String,
    returns: String,
    #[serde(default)]
    params: Vec<ParamRow>,
    #[serde(default)]
    variadic: bool,
    #[serde(default)]
    changes_packet: bool,
    #[serde(default)]
    changes_geometry: bool,
    #[serde(default)]
    sleepable: bool,
    summary: String,
    #[serde(default)]
    errors: String,
    #[serde(default)]
    programs: String,
    /// Added behind the source of the whole table.
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamRow {
    name: String,
    #[serde(rename = "type")]
    c_type: String,
    role: String,
    #[serde(default)]
    nullable: bool,
    /// The name of the parameter that holds the length.
    size: Option<String>,
}

pub(super) fn render(
    tables: &[FunctionTable],
    protos: &ProtoTable,
    sets: &SetTable,
    programs: &ProgramTable,
) -> Result<String> {
    let rows = tables
        .iter()
        .flat_map(|table| table.function.iter().map(|row| (row, table.source.as_str())));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let mut out = header(
        "Helpers and kfuncs by name",
        "helpers.toml`, `data/kfuncs.toml` and the files below `data/helpers` and `data/kfuncs",
        "use super::kfunc_sets::KFUNC_SETS;\nuse crate::{Arg, ArgBase, AttachType, Capability, Function, FunctionKind, \
         HelperProto, Kfunc, KfuncArg, KfuncFlags, KfuncSuffix, Param, ProgramSet, Ret, RetBase, Returns, Role, \
         TypeFlags, Version};",
    );
    array(&mut out, "FUNCTIONS", "Function", rows.len());
    for (row, source) in &rows {
        let protos = protos.render(&row.name, programs)?;
        let kfunc = sets.render(&row.name)?;
        render_function(&mut out, row, source, &protos, &kfunc)
            .with_context(|| format!("function {}", row.name))?;
    }
    out += "];\n";
    let names: BTreeSet<_> = rows.iter().map(|(row, _)| row.name.as_str()).collect();
    for name in protos.names().chain(sets.names()) {
        ensure!(names.contains(name), "there is no function called `{name}`");
    }
    Ok(out)
}

fn render_function(
    out: &mut String,
    row: &FunctionRow,
    table_source: &str,
    protos: &str,
    kfunc: &str,
) -> Result<()> {
    let kind = match row.id {
        Some(id) => format!("FunctionKind::Helper {{ id: {id} }}"),
        None => "FunctionKind::Kfunc".to_owned(),
    };
    let mut params = String::new();
    for param in &row.params {
        let size = match &param.size {
            None => "None".to_owned(),
            Some(size) => {
                let index = row.params.iter().position(|other| other.name == *size);
                format!("Some({})", index.with_context(|| format!("no parameter `{size}`"))?)
            }
        };
        writeln!(
            params,
            "Param {{ name: {:?}, c_type: {:?}, role: Role::{}, nullable: {}, size_param: {size} }},",
            param.name,
            param.c_type,
            camel(&param.role),
            param.nullable,
        )?;
    }
    writeln!(
        out,
        "Function {{ name: {:?}, kind: {kind}, since: {}, ret_type: {:?}, params: &[{params}], \
         variadic: {}, changes_packet: {}, changes_geometry: {}, returns: Returns::{}, sleepable: {}, \
         summary: {:?}, errors: {:?}, programs: {:?}, source: {:?}, protos: &[{protos}], kfunc: {kfunc} }},",
        row.name,
        version(&row.since)?,
        row.ret,
        row.variadic,
        row.changes_packet,
        row.changes_geometry,
        camel(&row.returns),
        row.sleepable,
        row.summary,
        row.errors,
        row.programs,
        joined(table_source, row.source.as_deref()),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_must_be_a_parameter_of_the_same_function() {
        let row = r#"
            name = "f"
            since = "6.1"
            ret = "int"
            returns = "status"
            params = [{ name = "p", type = "void *", role = "mem_in", size = "n" }]
            summary = "Does it."
        "#;
        let row: FunctionRow = toml::from_str(row).expect("the row is well formed");
        let error = render_function(&mut String::new(), &row, "a header", "", "None")
            .expect_err("there is no n");
        assert_eq!(error.to_string(), "no parameter `n`");
    }
}
