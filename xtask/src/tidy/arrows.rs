//! Which crate may use which: the block marked `arrows` in ARCHITECTURE.md against the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

/// The crates each crate uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Compares what is written with what is built.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let (written, mut complaints) = written(&document);
    complaints.extend(compare(&written, &built(root)?));
    Ok(complaints)
}

/// The arrows of a document, and the lines among them that cannot be read.
fn written(document: &str) -> (Arrows, Vec<String>) {
    let mut arrows = Arrows::new();
    let mut complaints = Vec::new();
    let block = document.lines().skip_while(|line| *line != "```arrows").skip(1);
    for line in block.take_while(|line| *line != "```") {
        match line.split_once("->") {
            Some((from, to)) => {
                let to = to.split_whitespace().map(str::to_owned).collect();
                arrows.insert(from.trim().to_owned(), to);
            }
            None => complaints.push(format!("ARCHITECTURE.md: `{line}` is no arrow")),
        }
    }
    (arrows, complaints)
}

/// The arrows of the manifests, without those that only tests use.
fn built(root: &Path) -> Result<Arrows> {
    let workspace = manifest(&root.join("Cargo.toml"))?;
    let members = workspace["workspace"]["members"].as_array().context("no members")?;
    let mut manifests = Vec::new();
    for member in members.iter().filter_map(|member| member.as_str()) {
        manifests.push(manifest(&root.join(member).join("Cargo.toml"))?);
    }
    let name = |manifest: &Table| Some(manifest.get("package")?.get("name")?.as_str()?.to_owned());
    let names: BTreeSet<String> = manifests.iter().filter_map(name).collect();
    let mut arrows = Arrows::new();
    for manifest in &manifests {
        let used = manifest.get("dependencies").and_then(|table| table.as_table());
        let used = used.into_iter().flat_map(Table::keys).filter(|name| names.contains(*name));
        arrows.insert(name(manifest).context("no package name")?, used.cloned().collect());
    }
    Ok(arrows)
}

fn manifest(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

fn compare(written: &Arrows, built: &Arrows) -> Vec<String> {
    let mut complaints = Vec::new();
    for (from, to) in built {
        match written.get(from) {
            None => complaints.push(format!("ARCHITECTURE.md: no arrows of `{from}`")),
            Some(allowed) => {
                for extra in to.difference(allowed) {
                    complaints
                        .push(format!("`{from}` uses `{extra}`, which ARCHITECTURE.md forbids"));
                }
                for unused in allowed.difference(to) {
                    complaints.push(format!("ARCHITECTURE.md: `{from}` does not use `{unused}`"));
                }
            }
        }
    }
    for unknown in written.keys().filter(|name| !built.contains_key(*name)) {
        complaints.push(format!("ARCHITECTURE.md: there is no crate `{unknown}`"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named() {
        let document = "# A\n```arrows\na ->\nb -> a c\nd -> a\nnonsense\n```\ne -> f\n";
        let (arrows, complaints) = written(document);
        assert_eq!(complaints, ["ARCHITECTURE.md: `nonsense` is no arrow"]);
        let (built, _) = written("```arrows\na -> b\nb -> a\nc ->\n```");
        assert_eq!(
            compare(&arrows, &built),
            [
                "`a` uses `b`, which ARCHITECTURE.md forbids",
                "ARCHITECTURE.md: `b` does not use `c`",
                "ARCHITECTURE.md: no arrows of `c`",
                "ARCHITECTURE.md: there is no crate `d`",
            ]
        );
        assert!(compare(&built, &built).is_empty());
    }
}
