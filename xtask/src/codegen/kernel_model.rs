//! Turns the rows under `kernel-model/data/` into the committed Rust under `kernel-model/src/generated/`.

mod contexts;
mod features;
mod functions;
mod kfuncs;
mod maps;
mod programs;
mod protos;
mod write;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::programs::ProgramTable;

/// Writes the generated files below `root`, or with `check` fails if one of them is out of date.
pub(crate) fn generate(root: &Path, check: bool) -> Result<()> {
    let data = root.join("kernel-model/data");
    let programs: ProgramTable = read(&data.join("programs.toml"))?;
    let attach: programs::AttachTable = read(&data.join("attach.toml"))?;
    let sections: programs::SectionTable = read(&data.join("sections.toml"))?;
    let contexts: contexts::ContextTable = read(&data.join("contexts.toml"))?;
    let protos: protos::ProtoTable = read(&data.join("helpers/protos.toml"))?;
    let sets: kfuncs::SetTable = read(&data.join("kfuncs/sets.toml"))?;
    let constants: ConstantTable = read(&data.join("constants.toml"))?;
    let snapshot: Snapshot = read(&data.join("snapshot.toml"))?;
    let mut functions = Vec::new();
    for name in ["helpers.toml", "kfuncs.toml"] {
        let table: functions::FunctionTable = read(&data.join(name))?;
        functions.extend(table.function.into_iter().map(|row| (row, table.source.clone())));
    }
    let files = [
        ("functions.rs", functions::render(functions, &protos, &sets, &programs)?),
        ("kfunc_sets.rs", kfuncs::render_sets(&sets)?),
        ("programs.rs", programs::render_programs(&programs)?),
        ("attach.rs", programs::render_attach(&attach)?),
        ("sections.rs", programs::render_sections(&sections, &programs)?),
        ("contexts.rs", contexts::render(&contexts, &programs)?),
        ("maps.rs", maps::render(&read(&data.join("maps.toml"))?)?),
        ("features.rs", features::render(&read(&data.join("features.toml"))?)?),
        ("constants.rs", render_constants(constants)?),
        ("snapshot.rs", render_snapshot(&snapshot)),
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
struct ConstantTable {
    group: Vec<ConstantGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantGroup {
    source: String,
    values: std::collections::BTreeMap<String, i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    kernel: String,
    architecture: String,
    bytes: usize,
    sha256: String,
    source: String,
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

fn render_constants(table: ConstantTable) -> Result<String> {
    let mut values = Vec::new();
    for group in table.group {
        ensure!(!group.source.is_empty(), "a group of constants has no source");
        values.extend(group.values);
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
         architecture: {:?}, bytes: {}, sha256: {:?}, source: {:?} }};\n",
        row.kernel, row.architecture, row.bytes, row.sha256, row.source,
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
