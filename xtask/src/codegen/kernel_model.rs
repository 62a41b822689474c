//! Turns the rows under `kernel-model/data/` into the committed Rust under `kernel-model/src/generated/`.

mod contexts;
mod features;
mod functions;
mod kfuncs;
mod maps;
mod messages;
mod programs;
mod protos;
mod targets;
mod write;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::contexts::ContextTable;
use self::features::FeatureTable;
use self::functions::FunctionTable;
pub(crate) use self::kfuncs::Declaration;
use self::kfuncs::SetTable;
use self::maps::MapTable;
use self::messages::Family;
use self::programs::{AttachTable, ProgramTable, SectionTable};
use self::protos::ProtoTable;
pub(crate) use self::protos::Typed;
use self::targets::{CallbackTable, IteratorTable, TargetTable};

/// All rows, as they are written.
pub(crate) struct Rows {
    pub(crate) functions: Vec<FunctionTable>,
    pub(crate) protos: ProtoTable,
    pub(crate) sets: SetTable,
    pub(crate) programs: ProgramTable,
    pub(crate) attach: AttachTable,
    sections: SectionTable,
    pub(crate) contexts: ContextTable,
    pub(crate) maps: MapTable,
    pub(crate) targets: TargetTable,
    pub(crate) iterators: IteratorTable,
    callbacks: CallbackTable,
    features: FeatureTable,
    messages: Vec<Family>,
    pub(crate) constants: ConstantTable,
    pub(crate) snapshot: Snapshot,
}

impl Rows {
    /// Reads the rows below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let data = root.join("kernel-model/data");
        Ok(Self {
            functions: vec![read(&data.join("helpers.toml"))?, read(&data.join("kfuncs.toml"))?],
            protos: read(&data.join("helpers/protos.toml"))?,
            sets: read(&data.join("kfuncs/sets.toml"))?,
            programs: read(&data.join("programs.toml"))?,
            attach: read(&data.join("attach.toml"))?,
            sections: read(&data.join("sections.toml"))?,
            contexts: read(&data.join("contexts.toml"))?,
            maps: read(&data.join("maps.toml"))?,
            targets: read(&data.join("targets.toml"))?,
            iterators: read(&data.join("iterators.toml"))?,
            callbacks: read(&data.join("callbacks.toml"))?,
            features: read(&data.join("features.toml"))?,
            messages: messages::read(&data.join("messages"))?,
            constants: read(&data.join("constants.toml"))?,
            snapshot: read(&data.join("snapshot.toml"))?,
        })
    }
}

/// Writes the generated files below `root`, or with `check` fails if one of them is out of date.
pub(crate) fn generate(root: &Path, check: bool) -> Result<()> {
    let rows = Rows::read(root)?;
    let functions = functions::render(&rows.functions, &rows.protos, &rows.sets, &rows.programs)?;
    let files = [
        ("functions.rs", functions),
        ("kfunc_sets.rs", kfuncs::render_sets(&rows.sets)?),
        ("programs.rs", programs::render_programs(&rows.programs)?),
        ("attach.rs", programs::render_attach(&rows.attach)?),
        ("sections.rs", programs::render_sections(&rows.sections, &rows.programs)?),
        ("contexts.rs", contexts::render(&rows.contexts, &rows.programs)?),
        ("maps.rs", maps::render(&rows.maps)?),
        ("targets.rs", targets::render(&rows.targets, &rows.iterators, &rows.callbacks)?),
        ("features.rs", features::render(&rows.features)?),
        ("messages.rs", messages::render(&rows.messages)?),
        ("constants.rs", render_constants(&rows.constants)?),
        ("snapshot.rs", render_snapshot(&rows.snapshot)),
    ];
    for (name, text) in files {
        let path = root.join("kernel-model/src/generated").join(name);
        let text = write::rustfmt(root, &text).with_context(|| format!("formatting {name}"))?;
        super::put(&path, &text, check)?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstantTable {
    pub(crate) group: Vec<ConstantGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstantGroup {
    source: String,
    pub(crate) values: std::collections::BTreeMap<String, i64>,
}

/// What the committed BTF is.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub(crate) kernel: String,
    pub(crate) architecture: String,
    pub(crate) lists_variables: bool,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    pub(crate) source: String,
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

fn render_constants(table: &ConstantTable) -> Result<String> {
    let mut values = Vec::new();
    for group in &table.group {
        ensure!(!group.source.is_empty(), "a group of constants has no source");
        values.extend(&group.values);
    }
    values.sort();
    let mut out = write::header("Constants by name", "constants.toml", "use crate::Constant;");
    write::array(&mut out, "CONSTANTS", "Constant", values.len());
    for (name, value) in values {
        out += &format!("Constant {{ name: {name:?}, value: {value} }},\n");
    }
    out += "];\n";
    Ok(out)
}

fn render_snapshot(row: &Snapshot) -> String {
    let mut out =
        write::header("What the committed BTF is", "snapshot.toml", "use crate::Snapshot;");
    out += &format!(
        "/// The BTF that [`crate::vmlinux_btf`] gives.\npub const SNAPSHOT: Snapshot = Snapshot {{ kernel: {:?}, \
         architecture: {:?}, lists_variables: {}, bytes: {}, sha256: {:?}, source: {:?} }};\n",
        row.kernel, row.architecture, row.lists_variables, row.bytes, row.sha256, row.source,
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        generate(&root, true).expect("`cargo xtask codegen` changes nothing");
    }
}
