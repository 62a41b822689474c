//! `kfuncs/sets.toml`: the verifier's view of kfuncs.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::write::{array, camel, flags, header, joined, variants};

/// The ends of parameter names that steer the verifier, and what they are called in the model.
const SUFFIXES: [(&str, &str); 13] = [
    ("__sz", "Size"),
    ("__szk", "ConstSize"),
    ("__k", "Constant"),
    ("__ign", "Ignore"),
    ("__uninit", "Uninit"),
    ("__alloc", "Alloc"),
    ("__refcounted_kptr", "RefcountedKptr"),
    ("__opt", "Optional"),
    ("__nullable", "Nullable"),
    ("__str", "ConstStr"),
    ("__map", "Map"),
    ("__prog", "Prog"),
    ("__irq_flag", "IrqFlag"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetTable {
    source: String,
    pub(crate) set: Vec<SetRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetRow {
    name: String,
    hooks: Vec<String>,
    #[serde(default = "all")]
    filter: String,
    source: String,
    #[serde(default = "yes")]
    pub(crate) btf: bool,
    pub(crate) kfuncs: Vec<KfuncRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KfuncRow {
    pub(crate) decl: String,
    #[serde(default)]
    pub(crate) flags: String,
}

fn all() -> String {
    "all".to_owned()
}

fn yes() -> bool {
    true
}

impl SetTable {
    /// The names of all kfuncs that are in a set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let rows = self.set.iter().flat_map(|set| &set.kfuncs);
        rows.filter_map(|row| Some(Declaration::parse(&row.decl)?.name))
    }

    /// The kfunc called `name`, as an `Option<Kfunc>`.
    pub(super) fn render(&self, name: &str) -> Result<String> {
        let mut found = None;
        for (index, set) in self.set.iter().enumerate() {
            for row in &set.kfuncs {
                let decl = Declaration::parse(&row.decl);
                let decl = decl.with_context(|| format!("`{}` is no declaration", row.decl))?;
                if decl.name == name {
                    ensure!(found.is_none(), "{name} is in two sets");
                    found = Some((index, set, row, decl));
                }
            }
        }
        let Some((index, set, row, decl)) = found else { return Ok("None".to_owned()) };
        let mut args = String::new();
        for (name, c_type) in &decl.params {
            let suffix = SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix));
            let suffix = match suffix {
                Some((_, suffix)) => format!("Some(KfuncSuffix::{suffix})"),
                None => "None".to_owned(),
            };
            writeln!(args, "KfuncArg {{ name: {name:?}, c_type: {c_type:?}, suffix: {suffix} }},")?;
        }
        let names: Vec<_> =
            row.flags.split('|').map(str::trim).filter(|flag| !flag.is_empty()).collect();
        Ok(format!(
            "Some(Kfunc {{ ret: {:?}, args: &[{args}], flags: {}, set: &KFUNC_SETS[{index}], in_snapshot: {}, \
             source: {:?} }})",
            decl.ret,
            flags("KfuncFlags", names.iter().copied()),
            set.btf,
            joined(&self.source, Some(&set.source)),
        ))
    }
}

pub(super) fn render_sets(table: &SetTable) -> Result<String> {
    let mut out = header(
        "Sets of kfuncs",
        "kfuncs/sets.toml",
        "use crate::{KfuncFilter, KfuncHook, KfuncSet};",
    );
    array(&mut out, "KFUNC_SETS", "KfuncSet", table.set.len());
    for set in &table.set {
        let filter = match set.filter.strip_prefix("struct_ops ") {
            Some(name) => format!("StructOps({name:?})"),
            None => camel(&set.filter),
        };
        writeln!(
            out,
            "KfuncSet {{ name: {:?}, hooks: {}, filter: KfuncFilter::{filter}, source: {:?} }},",
            set.name,
            variants("KfuncHook", &set.hooks),
            set.source,
        )?;
    }
    out += "];\n";
    Ok(out)
}

/// A C declaration of a function: `int f(struct file *file, size_t len__sz)`.
#[derive(Debug, PartialEq)]
pub(crate) struct Declaration<'a> {
    pub(crate) name: &'a str,
    pub(crate) ret: &'a str,
    /// Name and type of each parameter.
    pub(crate) params: Vec<(&'a str, String)>,
}

impl<'a> Declaration<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (head, rest) = text.split_once('(')?;
        let (ret, name) = split_name(head)?;
        let list = rest.strip_suffix(')')?;
        let mut params = Vec::new();
        let (mut depth, mut start) = (0, 0);
        for (at, byte) in list.bytes().chain([b',']).enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b',' if depth == 0 => {
                    params.push(parameter(list[start..at].trim())?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        if list == "void" {
            params.clear();
        }
        Some(Self { name, ret, params })
    }
}

/// The name and the type of one parameter. A variable list has neither, so both are dots.
fn parameter(text: &str) -> Option<(&str, String)> {
    if matches!(text, "void" | "...") {
        return Some((text, text.to_owned()));
    }
    if let Some((before, rest)) = text.split_once("(*") {
        let (name, after) = rest.split_once(')')?;
        return Some((name, format!("{before}(*){after}")));
    }
    let (c_type, name) = split_name(text)?;
    Some((name, c_type.to_owned()))
}

/// `struct file *file` as its type and its name.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let start = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')? + 1;
    let (c_type, name) = text.split_at(start);
    (!name.is_empty()).then_some((c_type.trim_end(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_taken_apart() {
        let text = "int f(struct bpf_rb_node *node, bool (*less)(void *, int), u64 off__k)";
        let decl = Declaration::parse(text).expect("a declaration");
        assert_eq!((decl.name, decl.ret), ("f", "int"));
        let params = [
            ("node", "struct bpf_rb_node *"),
            ("less", "bool (*)(void *, int)"),
            ("off__k", "u64"),
        ];
        assert_eq!(decl.params, params.map(|(name, c_type)| (name, c_type.to_owned())));
        let decl = Declaration::parse("const char *g(void)").expect("a declaration");
        assert_eq!((decl.name, decl.ret, decl.params.len()), ("g", "const char *", 0));
        for text in ["", "f", "f()", "int (void)", "int f(int a"] {
            assert_eq!(Declaration::parse(text), None, "{text:?}");
        }
    }
}
