//! How rows and a BTF disagree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use btf::{Btf, Kind, Type, TypeId};

use super::ctype::spell;
use crate::codegen::kernel_model::{Declaration, Rows, Typed};

/// How a line about a disagreement begins that is no mistake of a row, and why it is none.
const KNOWN: [(&str, &str); 1] = [(
    "NFPROTO_NUMPROTO is ",
    "the header for user space still counts DECnet, which the kernel has dropped",
)];

/// A line for every disagreement between the rows and a BTF of the kernel they describe.
///
/// Rows about what a kernel has only with some option on are not missed if the BTF lacks them.
pub(super) fn disagreements(btf: &Btf<'_>, rows: &Rows) -> Result<Vec<String>> {
    let mut report = Report { btf, lines: Vec::new() };
    report.numbers(rows)?;
    report.kfuncs(rows)?;
    report.records(rows);
    report.named_types(rows)?;
    report.constants(rows);
    report.lines.retain(|line| !KNOWN.iter().any(|(known, _)| line.starts_with(known)));
    report.lines.sort();
    Ok(report.lines)
}

struct Report<'b> {
    btf: &'b Btf<'b>,
    lines: Vec<String>,
}

impl Report<'_> {
    fn say(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Names and numbers of helpers, program types, attach types and map types, in both directions.
    fn numbers(&mut self, rows: &Rows) -> Result<()> {
        let helpers = rows.functions.iter().flat_map(|table| &table.function);
        let helpers = helpers.filter_map(|row| {
            let name = row.name.strip_prefix("bpf_")?;
            Some((format!("BPF_FUNC_{name}"), i128::from(row.id?)))
        });
        self.enumeration(
            "bpf_func_id",
            &helpers.collect(),
            &["BPF_FUNC_unspec", "__BPF_FUNC_MAX_ID"],
        )?;
        let programs = rows.programs.program.iter().map(|row| {
            (format!("BPF_PROG_TYPE_{}", row.name.to_ascii_uppercase()), i128::from(row.id))
        });
        let ends = ["BPF_PROG_TYPE_UNSPEC", "__MAX_BPF_PROG_TYPE"];
        self.enumeration("bpf_prog_type", &programs.collect(), &ends)?;
        let attach = rows
            .attach
            .attach
            .iter()
            .zip(0..)
            .map(|(row, id)| (format!("BPF_{}", row.name.to_ascii_uppercase()), id));
        self.enumeration("bpf_attach_type", &attach.collect(), &["__MAX_BPF_ATTACH_TYPE"])?;
        let maps = rows.maps.map.iter().map(|row| {
            (format!("BPF_MAP_TYPE_{}", row.name.to_ascii_uppercase()), i128::from(row.id))
        });
        let more = [
            "BPF_MAP_TYPE_UNSPEC",
            "__MAX_BPF_MAP_TYPE",
            "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED",
            "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED",
        ];
        self.enumeration("bpf_map_type", &maps.collect(), &more)
    }

    fn enumeration(
        &mut self,
        name: &str,
        rows: &BTreeMap<String, i128>,
        without_row: &[&str],
    ) -> Result<()> {
        let ty = self.btf.find(name, Kind::Enum);
        let ty = ty.with_context(|| format!("the BTF has no enum {name}"))?;
        let kernel: BTreeMap<_, _> =
            ty.enumerators().iter().map(|entry| (entry.name(), entry.value())).collect();
        for (entry, number) in rows {
            match kernel.get(entry.as_str()) {
                None => self.say(format!("{name}: the BTF has no {entry}")),
                Some(other) if other != number => {
                    self.say(format!("{name}: {entry} is {other}, the row says {number}"));
                }
                Some(_) => {}
            }
        }
        for (entry, number) in kernel {
            if !rows.contains_key(entry) && !without_row.contains(&entry) {
                self.say(format!("{name}: no row for {entry} = {number}"));
            }
        }
        Ok(())
    }

    /// Names, signatures and decl tags of kfuncs.
    fn kfuncs(&mut self, rows: &Rows) -> Result<()> {
        let btf = self.btf;
        let mut tagged: BTreeMap<&str, (Type<'_>, BTreeSet<&str>)> = BTreeMap::new();
        for tag in btf.types().filter(|ty| ty.kind() == Kind::DeclTag && ty.component().is_none()) {
            if let Some(function) = tag.target().and_then(|id| btf.get(id)) {
                let entry = tagged.entry(function.name()).or_insert((function, BTreeSet::new()));
                entry.1.insert(tag.name());
            }
        }
        tagged.retain(|_, (_, tags)| tags.contains("bpf_kfunc"));
        let mut seen = BTreeSet::new();
        for set in &rows.sets.set {
            for row in &set.kfuncs {
                let decl = Declaration::parse(&row.decl);
                let decl = decl.with_context(|| format!("`{}` is no declaration", row.decl))?;
                seen.insert(decl.name.to_owned());
                match tagged.get(decl.name) {
                    None if set.btf => self.say(format!("kfunc {}: not in the BTF", decl.name)),
                    None => {}
                    Some(_) if !set.btf => {
                        self.say(format!("kfunc {}: `btf = false`, but it is there", decl.name));
                    }
                    Some((function, tags)) => {
                        self.kfunc(&decl, *function);
                        if tags.contains("bpf_fastcall") != row.flags.contains("fastcall") {
                            self.say(format!("kfunc {}: the tag bpf_fastcall", decl.name));
                        }
                    }
                }
            }
        }
        for name in tagged.keys().filter(|name| !seen.contains(**name)) {
            self.say(format!("kfunc {name}: no row"));
        }
        Ok(())
    }

    fn kfunc(&mut self, decl: &Declaration<'_>, function: Type<'_>) {
        let Some(proto) = function.target().and_then(|id| self.btf.get(id)) else { return };
        let name = decl.name;
        let ret = spell(self.btf, proto.target().unwrap_or_default(), "");
        if ret != decl.ret {
            self.say(format!("kfunc {name}: returns {ret}, the row says {}", decl.ret));
        }
        let params = proto.params();
        if params.len() != decl.params.len() {
            let count = decl.params.len();
            self.say(format!("kfunc {name}: {} parameters, the row has {count}", params.len()));
        }
        for (param, (row, c_type)) in params.iter().zip(&decl.params) {
            if param.name() != *row && param.ty != TypeId::VOID {
                self.say(format!("kfunc {name}: parameter {}, the row says {row}", param.name()));
            }
            let spelt = spell(self.btf, param.ty, "");
            if spelt != *c_type && param.ty != TypeId::VOID {
                self.say(format!("kfunc {name}({row}): {spelt}, the row says {c_type}"));
            }
        }
    }

    /// Sizes of records, and offsets and sizes of their fields, in both directions.
    fn records(&mut self, rows: &Rows) {
        for row in &rows.contexts.record {
            let Some(ty) = self.btf.find(&row.name, Kind::Struct) else {
                self.say(format!("struct {}: not in the BTF", row.name));
                continue;
            };
            if ty.size() != Some(row.size) {
                let size = ty.size().unwrap_or_default();
                self.say(format!("struct {}: {size} bytes, the row says {}", row.name, row.size));
            }
            for (field, _, offset, size) in &row.fields {
                let found = self.btf.field(ty.id(), field).ok().map(|found| {
                    (found.bit_offset / 8, self.btf.size_of(found.ty).unwrap_or_default())
                });
                let wanted = (u64::from(*offset), u64::from(*size));
                if found != Some(wanted) {
                    let found = found.map_or("missing".to_owned(), |found| format!("{found:?}"));
                    self.say(format!("{}.{field}: {found}, the row says {wanted:?}", row.name));
                }
            }
            let names: BTreeSet<_> = row.fields.iter().map(|(name, ..)| name.as_str()).collect();
            for name in members(self.btf, ty, 8) {
                if !names.contains(name.as_str()) {
                    self.say(format!("{}.{name}: no row", row.name));
                }
            }
        }
    }

    /// Structures and functions that prototypes name.
    fn named_types(&mut self, rows: &Rows) -> Result<()> {
        for row in &rows.protos.proto {
            for text in row.args.iter().chain([&row.ret]) {
                let Some(name) = Typed::parse(text)?.btf else { continue };
                if self.btf.find(name, Kind::Struct).is_none() {
                    self.say(format!("{}: the BTF has no struct {name}", row.helper));
                }
            }
            for hook in &row.hooks {
                let known = [Kind::Func, Kind::Struct];
                if !known.iter().any(|kind| self.btf.find(hook, *kind).is_some()) {
                    self.say(format!("{}: the BTF has no {hook}", row.helper));
                }
            }
        }
        let flags = self.btf.find("bpf_type_flag", Kind::Enum);
        let flags = flags.context("the BTF has no enum bpf_type_flag")?;
        let names: BTreeSet<_> =
            flags.enumerators().iter().map(|entry| entry.name().to_ascii_lowercase()).collect();
        for row in &rows.protos.proto {
            for text in row.args.iter().chain([&row.ret]) {
                for flag in Typed::parse(text)?.flags.iter().filter(|flag| !names.contains(**flag))
                {
                    self.say(format!("{}: the BTF has no flag {flag}", row.helper));
                }
            }
        }
        Ok(())
    }

    /// Values of constants that are enumerators in the BTF.
    fn constants(&mut self, rows: &Rows) {
        let mut kernel: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        for ty in self.btf.types().filter(|ty| ty.kind().is_enum()) {
            for entry in ty.enumerators().iter() {
                // As the rows have it: an unsigned value beyond the signed range is its two's complement.
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the two's complement is meant"
                )]
                kernel.entry(entry.name()).or_default().insert(entry.value() as i64);
            }
        }
        for (name, value) in rows.constants.group.iter().flat_map(|group| &group.values) {
            if let Some(values) = kernel.get(name.as_str())
                && !values.contains(value)
            {
                self.say(format!("{name} is {values:?}, the row says {value}"));
            }
        }
    }
}

/// The names of the members of a structure, those of anonymous members among them.
fn members(btf: &Btf<'_>, ty: Type<'_>, depth: u32) -> Vec<String> {
    let mut names = Vec::new();
    for member in ty.members().iter() {
        if !member.is_anonymous() {
            names.push(member.name().to_owned());
        } else if let Some(inner) = btf.resolve(member.ty).filter(|_| depth > 0) {
            names.extend(members(btf, inner, depth - 1));
        }
    }
    names
}
