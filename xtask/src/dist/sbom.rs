//! The bill of materials: CycloneDX 1.5 as JSON, with every crate that is compiled for the program. Nothing in it
//! depends on the day or the machine.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::metadata::{Crate, Metadata};
use super::program::Program;
use super::sha256;

/// The document about `program`.
pub(super) fn write(metadata: &Metadata, program: &Program) -> Result<String> {
    let bytes = fs::read(&program.path).with_context(|| program.path.display().to_string())?;
    // What cargo knows is more: also what features of other crates of the workspace would add.
    let compiled = |id: &str| metadata.crates.get(id).filter(|_| program.crates.contains(id));
    let unknown = program.crates.iter().find(|id| !metadata.crates.contains_key(*id));
    ensure!(unknown.is_none(), "a crate was compiled that cargo does not know: {unknown:?}");
    let others = program.crates.iter().filter(|id| **id != metadata.root);
    let mut main = compiled(&metadata.root).map(component).unwrap_or_default();
    main["type"] = "application".into();
    main["hashes"] = json!([{ "alg": "SHA-256", "content": sha256(&bytes) }]);
    let dependencies = program.crates.iter().filter_map(|id| compiled(id)).map(|each| {
        let used = each.uses.iter().filter_map(|id| compiled(id)).map(reference);
        json!({ "ref": reference(each), "dependsOn": used.collect::<Vec<_>>() })
    });
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": main,
            "properties": [{ "name": "cdx:rustc:target", "value": metadata.triple }],
        },
        "components": others.filter_map(|id| compiled(id)).map(component).collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// The package URL, which is also the reference within the document.
fn reference(each: &Crate) -> String {
    format!("pkg:cargo/{}@{}", each.package.name, each.package.version)
}

fn component(each: &Crate) -> Value {
    let package = &each.package;
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(each),
        "purl": reference(each),
        "name": package.name,
        "version": package.version,
        "scope": "required",
    });
    if let Some(description) = &package.description {
        component["description"] = description.trim().into();
    }
    if let Some(license) = &package.license {
        // Some crates write the choice in an old way.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(checksum) = &each.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}
