//! `programs.toml`, `attach.toml` and `sections.toml`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::write::{array, camel, header, joined, static_name, variants, version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgramTable {
    source: String,
    pub(crate) program: Vec<ProgramRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgramRow {
    pub(crate) name: String,
    pub(crate) id: u32,
    since: String,
    #[serde(default)]
    attach: Vec<String>,
    #[serde(default)]
    attach_required: bool,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    packet_read: bool,
    #[serde(default = "never")]
    sleepable: String,
    kfunc_hook: Option<String>,
    #[serde(default)]
    returns: Vec<ReturnRow>,
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
struct ReturnRow {
    #[serde(default)]
    attach: Vec<String>,
    /// A range `0..1`, or the name of a check.
    check: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachTable {
    source: String,
    pub(crate) attach: Vec<AttachRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachRow {
    pub(crate) name: String,
    since: String,
    what: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SectionTable {
    source: String,
    section: Vec<SectionRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionRow {
    name: String,
    program: String,
    attach: Option<String>,
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

fn none() -> String {
    "none".to_owned()
}

fn never() -> String {
    "never".to_owned()
}

fn not_allowed() -> String {
    "not_allowed".to_owned()
}

impl ProgramTable {
    /// A set of program types and a list of types with an attach type, from `xdp` and `tracing/trace_iter`.
    pub(super) fn who<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<(String, String)> {
        let (mut set, mut attached) = (0_u64, String::new());
        for name in names {
            let (program, attach) = match name.split_once('/') {
                Some((program, attach)) => (program, Some(attach)),
                None => (name.as_str(), None),
            };
            let row = self.program.iter().find(|row| row.name == program);
            let row = row.with_context(|| format!("there is no program type `{program}`"))?;
            match attach {
                None => set |= 1 << row.id,
                Some(attach) => write!(attached, "({program:?}, AttachType::{}),", camel(attach))?,
            }
        }
        Ok((format!("ProgramSet({set:#x})"), format!("&[{attached}]")))
    }
}

pub(super) fn render_programs(table: &ProgramTable) -> Result<String> {
    let mut out = header(
        "Program types",
        "programs.toml",
        "use super::contexts::*;\nuse crate::{AttachType, Capability, DataStarts, KfuncHook, Packet, ProgramType, \
         ReturnCheck, ReturnRule, SkbDynptr, Sleepable, Version};",
    );
    array(&mut out, "PROGRAM_TYPES", "ProgramType", table.program.len());
    for row in &table.program {
        let known = !row.context.is_empty() && row.context != "pt_regs";
        let fields =
            if known { format!("&{}_FIELDS", static_name(&row.context)) } else { "&[]".to_owned() };
        let hook = match &row.kfunc_hook {
            Some(hook) => format!("Some(KfuncHook::{})", camel(hook)),
            None => "None".to_owned(),
        };
        let mut returns = String::new();
        for rule in &row.returns {
            let check = match rule.check.split_once("..") {
                Some((min, max)) => format!("Range {{ min: {min}, max: {max} }}"),
                None => camel(&rule.check),
            };
            let attach = variants("AttachType", &rule.attach);
            write!(returns, "ReturnRule {{ attach: {attach}, check: ReturnCheck::{check} }},")?;
        }
        writeln!(
            out,
            "ProgramType {{ name: {:?}, id: {}, since: {}, attach_types: {}, attach_required: {}, capabilities: {}, \
             sleepable: Sleepable::{}, packet_read: {}, kfunc_hook: {hook}, returns: &[{returns}], title: {:?}, \
             context: {:?}, packet: Packet::{}, packet_write: {}, data_starts: DataStarts::{}, \
             skb_dynptr: SkbDynptr::{}, uncloned_by_prologue: {}, drop_codes: &{:?}, pass_codes: &{:?}, \
             error_return: {:?}, context_fields: {fields}, source: {:?} }},",
            row.name,
            row.id,
            version(&row.since)?,
            variants("AttachType", &row.attach),
            row.attach_required,
            variants("Capability", &row.capabilities),
            camel(&row.sleepable),
            row.packet_read,
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
    out += "];\n";
    Ok(out)
}

pub(super) fn render_attach(table: &AttachTable) -> Result<String> {
    let mut out = header("Attach types", "attach.toml", "use crate::Version;");
    let names: Vec<_> = table.attach.iter().map(|row| camel(&row.name)).collect();
    out += "/// How a program is attached, as in `enum bpf_attach_type` (v6.18).\n\
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]\npub enum AttachType {\n";
    for (row, name) in table.attach.iter().zip(&names) {
        writeln!(out, "/// {}\n{name},", row.what)?;
    }
    writeln!(out, "}}\n\nimpl AttachType {{\n/// All of them, by number.")?;
    writeln!(out, "pub const ALL: [Self; {}] = [", names.len())?;
    for name in &names {
        writeln!(out, "Self::{name},")?;
    }
    out += "];\n}\n\npub(crate) struct AttachRow {\npub(crate) name: &'static str,\npub(crate) since: Version,\n\
            pub(crate) what: &'static str,\npub(crate) source: &'static str,\n}\n\n";
    array(&mut out, "ATTACH_ROWS", "AttachRow", names.len());
    for row in &table.attach {
        writeln!(
            out,
            "AttachRow {{ name: {:?}, since: {}, what: {:?}, source: {:?} }},",
            row.name,
            version(&row.since)?,
            row.what,
            joined(&table.source, Some(&row.source)),
        )?;
    }
    out += "];\n";
    Ok(out)
}

pub(super) fn render_sections(table: &SectionTable, programs: &ProgramTable) -> Result<String> {
    let mut out = header(
        "ELF section names of programs",
        "sections.toml",
        "use super::programs::PROGRAM_TYPES;\nuse crate::{AttachType, SectionForm, SectionRow};",
    );
    array(&mut out, "SECTIONS", "SectionRow", table.section.len());
    for row in &table.section {
        let index = programs.program.iter().position(|program| program.name == row.program);
        let index = index.with_context(|| format!("section {}: unknown program type", row.name))?;
        let attach = match &row.attach {
            Some(attach) => format!("Some(AttachType::{})", camel(attach)),
            None => "None".to_owned(),
        };
        writeln!(
            out,
            "SectionRow {{ name: {:?}, form: SectionForm::{}, program_type: &PROGRAM_TYPES[{index}], \
             attach: {attach}, sleepable: {}, frags: {}, target: {:?}, sloppy: {}, source: {:?} }},",
            row.name,
            if row.plus { "OptionalTarget" } else { "Exact" },
            row.sleepable,
            row.frags,
            row.target,
            row.sloppy,
            joined(&table.source, row.source.as_deref()),
        )?;
    }
    out += "];\n";
    Ok(out)
}
