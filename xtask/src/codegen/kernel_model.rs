//! Turns the rows under `kernel-model/data/` into the committed Rust under `kernel-model/src/generated/`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Writes the generated files below `root`, or with `check` fails if one of them is out of date.
pub(crate) fn generate(root: &Path, check: bool) -> Result<()> {
    let data = root.join("kernel-model/data");
    let mut functions = Vec::new();
    for name in ["helpers.toml", "kfuncs.toml"] {
        let table: FunctionTable = read(&data.join(name))?;
        functions.extend(table.function.into_iter().map(|row| (row, table.source.clone())));
    }
    let programs: ProgramTable = read(&data.join("programs.toml"))?;
    let sections: SectionTable = read(&data.join("sections.toml"))?;
    let constants: ConstantTable = read(&data.join("constants.toml"))?;
    let files = [
        ("functions.rs", render_functions(functions)?),
        ("programs.rs", render_programs(&programs)?),
        ("sections.rs", render_sections(&sections, &programs)?),
        ("constants.rs", render_constants(constants)?),
    ];
    for (name, text) in files {
        let path = root.join("kernel-model/src/generated").join(name);
        let text = rustfmt(root, &text).with_context(|| format!("formatting {name}"))?;
        if !check {
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            bail!("{} is out of date: run `cargo xtask codegen`", path.display());
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionTable {
    source: String,
    function: Vec<FunctionRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionRow {
    name: String,
    id: Option<u32>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramTable {
    source: String,
    program: Vec<ProgramRow>,
    context: Vec<ContextRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramRow {
    name: String,
    title: String,
    #[serde(default)]
    context: String,
    #[serde(default = "none")]
    packet: String,
    #[serde(default)]
    packet_write: bool,
    #[serde(default = "none")]
    data_starts: String,
    #[serde(default = "not_allowed")]
    skb_dynptr: String,
    #[serde(default)]
    uncloned_by_prologue: bool,
    #[serde(default)]
    drop_codes: Vec<(String, i64)>,
    #[serde(default)]
    pass_codes: Vec<(String, i64)>,
    error_return: String,
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextRow {
    name: String,
    source: String,
    fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionTable {
    source: String,
    section: Vec<SectionRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionRow {
    name: String,
    program: String,
    /// Whether a slash and a target may follow.
    #[serde(default)]
    plus: bool,
    #[serde(default)]
    sleepable: bool,
    #[serde(default)]
    frags: bool,
    #[serde(default)]
    target: String,
    #[serde(default)]
    sloppy: bool,
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantTable {
    group: Vec<ConstantGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantGroup {
    source: String,
    values: std::collections::BTreeMap<String, i64>,
}

fn none() -> String {
    "none".to_owned()
}

fn not_allowed() -> String {
    "not_allowed".to_owned()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// The start of every generated file.
fn header(what: &str, from: &str, uses: &str) -> String {
    format!(
        "//! {what}. Written by `cargo xtask codegen` from `data/{from}`; do not edit.\n\n{uses}\n\n"
    )
}

fn render_functions(mut rows: Vec<(FunctionRow, String)>) -> Result<String> {
    rows.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let mut out = header(
        "Helpers and kfuncs by name",
        "helpers.toml` and `data/kfuncs.toml",
        "use crate::{Function, FunctionKind, Param, Returns, Role, Version};",
    );
    writeln!(out, "pub(crate) static FUNCTIONS: [Function; {}] = [", rows.len())?;
    for (row, source) in &rows {
        render_function(&mut out, row, source).with_context(|| format!("function {}", row.name))?;
    }
    out.push_str("];\n");
    Ok(out)
}

fn render_function(out: &mut String, row: &FunctionRow, table_source: &str) -> Result<()> {
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
         summary: {:?}, errors: {:?}, programs: {:?}, source: {:?} }},",
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

fn render_programs(table: &ProgramTable) -> Result<String> {
    let mut out = header(
        "Program types and their contexts",
        "programs.toml",
        "use crate::{ContextField, DataStarts, Packet, ProgramType, SkbDynptr};",
    );
    for context in &table.context {
        ensure!(!context.source.is_empty(), "context {} has no source", context.name);
        writeln!(out, "/// {}.", context.source)?;
        writeln!(
            out,
            "static {}: [ContextField; {}] = [",
            static_name(&context.name),
            context.fields.len()
        )?;
        for (name, c_type) in &context.fields {
            writeln!(out, "ContextField {{ name: {name:?}, c_type: {c_type:?} }},")?;
        }
        out.push_str("];\n\n");
    }
    writeln!(out, "pub(crate) static PROGRAM_TYPES: [ProgramType; {}] = [", table.program.len())?;
    for row in &table.program {
        let known = table.context.iter().any(|context| context.name == row.context);
        let fields =
            if known { format!("&{}", static_name(&row.context)) } else { "&[]".to_owned() };
        writeln!(
            out,
            "ProgramType {{ name: {:?}, title: {:?}, context: {:?}, packet: Packet::{}, packet_write: {}, \
             data_starts: DataStarts::{}, skb_dynptr: SkbDynptr::{}, uncloned_by_prologue: {}, \
             drop_codes: &{:?}, pass_codes: &{:?}, error_return: {:?}, context_fields: {fields}, source: {:?} }},",
            row.name,
            row.title,
            row.context,
            camel(&row.packet),
            row.packet_write,
            camel(&row.data_starts),
            camel(&row.skb_dynptr),
            row.uncloned_by_prologue,
            row.drop_codes,
            row.pass_codes,
            row.error_return,
            joined(&table.source, row.source.as_deref()),
        )?;
    }
    out.push_str("];\n");
    Ok(out)
}

fn render_sections(table: &SectionTable, programs: &ProgramTable) -> Result<String> {
    let mut out = header(
        "ELF section names of programs",
        "sections.toml",
        "use super::programs::PROGRAM_TYPES;\nuse crate::{SectionForm, SectionRow};",
    );
    writeln!(out, "pub(crate) static SECTIONS: [SectionRow; {}] = [", table.section.len())?;
    for row in &table.section {
        let index = programs.program.iter().position(|program| program.name == row.program);
        let index = index.with_context(|| format!("section {}: unknown program type", row.name))?;
        writeln!(
            out,
            "SectionRow {{ name: {:?}, form: SectionForm::{}, program_type: &PROGRAM_TYPES[{index}], \
             sleepable: {}, frags: {}, target: {:?}, sloppy: {}, source: {:?} }},",
            row.name,
            if row.plus { "OptionalTarget" } else { "Exact" },
            row.sleepable,
            row.frags,
            row.target,
            row.sloppy,
            joined(&table.source, row.source.as_deref()),
        )?;
    }
    out.push_str("];\n");
    Ok(out)
}

fn render_constants(table: ConstantTable) -> Result<String> {
    let mut values = Vec::new();
    for group in table.group {
        ensure!(!group.source.is_empty(), "a group of constants has no source");
        values.extend(group.values);
    }
    values.sort();
    let mut out = header("Constants by name", "constants.toml", "use crate::Constant;");
    writeln!(out, "pub(crate) static CONSTANTS: [Constant; {}] = [", values.len())?;
    for (name, value) in values {
        writeln!(out, "Constant {{ name: {name:?}, value: {value} }},")?;
    }
    out.push_str("];\n");
    Ok(out)
}

/// `dynptr_const` becomes `DynptrConst`.
fn camel(snake: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str())
    };
    snake.split('_').filter_map(capital).collect()
}

/// `__sk_buff` becomes `SK_BUFF`.
fn static_name(name: &str) -> String {
    name.trim_start_matches('_').to_ascii_uppercase()
}

fn joined(table: &str, row: Option<&str>) -> String {
    row.map_or_else(|| table.to_owned(), |row| format!("{table}; {row}"))
}

fn version(text: &str) -> Result<String> {
    let parts = text
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?)));
    let (major, minor) = parts.with_context(|| format!("`{text}` is not a version"))?;
    Ok(format!("Version::new({major}, {minor})"))
}

/// Formats `text` as `cargo fmt` would, so that formatting the tree never changes a generated file.
fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting rustfmt")?;
    let mut stdin = child.stdin.take().context("rustfmt has no standard input")?;
    let input = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the thread that feeds rustfmt panicked"))??;
    ensure!(output.status.success(), "rustfmt rejected the generated code");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        generate(&root, true).expect("`cargo xtask codegen` changes nothing");
    }

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
        let error =
            render_function(&mut String::new(), &row, "a header").expect_err("there is no n");
        assert_eq!(error.to_string(), "no parameter `n`");
    }

    #[test]
    fn names_and_versions_are_spelt_as_rust() {
        assert_eq!(camel("dynptr_const"), "DynptrConst");
        assert_eq!(static_name("__sk_buff"), "SK_BUFF");
        assert_eq!(version("5.10").expect("a version"), "Version::new(5, 10)");
        for text in ["", "5", "5.x", "five.ten", "-1.2"] {
            assert!(version(text).is_err(), "{text:?}");
        }
    }
}
