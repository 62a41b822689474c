//! `helpers/protos.toml`: the verifier's prototypes of helpers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::programs::ProgramTable;
use super::write::{camel, flags, joined};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtoTable {
    source: String,
    groups: BTreeMap<String, Vec<String>>,
    pub(crate) proto: Vec<ProtoRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtoRow {
    pub(crate) helper: String,
    pub(crate) args: Vec<String>,
    pub(crate) ret: String,
    #[serde(default)]
    gpl_only: bool,
    #[serde(default)]
    pkt_access: bool,
    #[serde(default)]
    might_sleep: bool,
    #[serde(default)]
    allow_fastcall: bool,
    allowed: Option<String>,
    #[serde(default = "none")]
    capability: String,
    programs: Vec<String>,
    #[serde(default)]
    pub(crate) hooks: Vec<String>,
    source: Option<String>,
}

fn none() -> String {
    "none".to_owned()
}

impl ProtoTable {
    /// The names of the helpers that have a prototype.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.proto.iter().map(|row| row.helper.as_str())
    }

    /// The prototypes of the helper called `name`, as rows of a list.
    pub(super) fn render(&self, name: &str, programs: &ProgramTable) -> Result<String> {
        let mut out = String::new();
        for row in self.proto.iter().filter(|row| row.helper == name) {
            let row = self.render_row(row, programs);
            out += &row.with_context(|| format!("prototype of {name}"))?;
        }
        Ok(out)
    }

    fn render_row(&self, row: &ProtoRow, programs: &ProgramTable) -> Result<String> {
        ensure!(row.args.len() <= 5, "five registers carry arguments");
        let mut args = String::new();
        for arg in &row.args {
            let typed = Typed::parse(arg)?;
            let size = typed.size.map_or("None".to_owned(), |size| format!("Some({size})"));
            writeln!(
                args,
                "Arg {{ base: ArgBase::{}, flags: {}, btf: {:?}, size: {size} }},",
                camel(typed.base),
                flags("TypeFlags", typed.flags.iter().copied()),
                typed.btf,
            )?;
        }
        let ret = Typed::parse(&row.ret)?;
        ensure!(ret.size.is_none(), "a result has no size");
        let names = row.programs.iter().flat_map(|name| match self.groups.get(name) {
            Some(group) => group.as_slice(),
            None => std::slice::from_ref(name),
        });
        let (set, attached) = programs.who(names)?;
        Ok(format!(
            "HelperProto {{ args: &[{args}], ret: Ret {{ base: RetBase::{}, flags: {}, btf: {:?} }}, gpl_only: {}, \
             pkt_access: {}, might_sleep: {}, allow_fastcall: {}, allowed: {:?}, capability: Capability::{}, \
             programs: {set}, attached: {attached}, hooks: &{:?}, source: {:?} }},\n",
            camel(ret.base),
            flags("TypeFlags", ret.flags.iter().copied()),
            ret.btf,
            row.gpl_only,
            row.pkt_access,
            row.might_sleep,
            row.allow_fastcall,
            row.allowed,
            camel(&row.capability),
            row.hooks,
            joined(&self.source, row.source.as_deref()),
        ))
    }
}

/// A kind with flags and a detail: `ptr_to_mem | mem_fixed_size: 8`.
#[derive(Debug, PartialEq)]
pub(crate) struct Typed<'a> {
    pub(crate) base: &'a str,
    pub(crate) flags: Vec<&'a str>,
    pub(crate) btf: Option<&'a str>,
    size: Option<u32>,
}

impl<'a> Typed<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let (kind, detail) = match text.split_once(':') {
            Some((kind, detail)) => (kind, Some(detail.trim())),
            None => (text, None),
        };
        let mut words = kind.split('|').map(str::trim);
        let base = words.next().filter(|base| !base.is_empty());
        let base = base.with_context(|| format!("`{text}` has no kind"))?;
        let (mut btf, mut size) = (None, None);
        match detail {
            None => {}
            Some(detail) => match (detail.strip_prefix("struct "), detail.parse()) {
                (Some(name), _) => btf = Some(name),
                (None, Ok(bytes)) => size = Some(bytes),
                (None, Err(_)) => bail!("`{detail}` is neither a structure nor a size"),
            },
        }
        Ok(Self { base, flags: words.collect(), btf, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_flags_and_details() {
        let typed =
            Typed::parse("ptr_to_mem | mem_rdonly | mem_fixed_size: 20").expect("well formed");
        assert_eq!((typed.base, typed.size), ("ptr_to_mem", Some(20)));
        assert_eq!(typed.flags, ["mem_rdonly", "mem_fixed_size"]);
        let typed = Typed::parse("ptr_to_btf_id: struct file").expect("well formed");
        assert_eq!(typed.btf, Some("file"));
        assert!(Typed::parse("ptr_to_btf_id: file").is_err());
        assert!(Typed::parse("").is_err());
    }
}
