//! What cargo knows about the workspace: version, places, and the crates that end in the program.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The package that is shipped.
const PACKAGE: &str = "bpf-analyzer";

/// The answer to the questions of this module.
pub(super) struct Metadata {
    pub(super) version: String,
    /// The platform that is built for.
    pub(super) triple: String,
    /// The platform of this machine.
    pub(super) host: String,
    pub(super) target_directory: PathBuf,
    /// The crates that are compiled for the program, itself included, by identity.
    pub(super) crates: BTreeMap<String, Crate>,
    /// The identity of the program's own crate.
    pub(super) root: String,
}

/// A crate with those it uses.
pub(super) struct Crate {
    pub(super) package: Package,
    pub(super) uses: BTreeSet<String>,
    /// The SHA-256 of its archive; of crates of a registry.
    pub(super) checksum: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    packages: Vec<Package>,
    resolve: Resolve,
    target_directory: PathBuf,
}

/// As cargo describes it.
#[derive(Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    pub(super) description: Option<String>,
    pub(super) repository: Option<String>,
    /// Where it comes from; `None` for crates of this repository.
    pub(super) source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The cargo that runs this.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Metadata {
    /// Asks cargo about the workspace at `root` for the platform `target`.
    pub(super) fn read(root: &Path, target: Option<&str>) -> Result<Self> {
        let host = host()?;
        let triple = target.unwrap_or(&host).to_owned();
        let output = Command::new(cargo())
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &triple])
            .current_dir(root)
            .output()
            .context("cannot run cargo")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {said}");
        let answer: Answer = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
        let own = |package: &&Package| package.name == PACKAGE && package.source.is_none();
        let package = answer.packages.iter().find(own).context("no package bpf-analyzer")?;
        let (root_id, version) = (package.id.clone(), package.version.clone());
        let lock = fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        let lock: Lock = toml::from_str(&lock).context("Cargo.lock")?;
        Ok(Self {
            version,
            triple,
            host,
            target_directory: answer.target_directory,
            crates: reached(&root_id, answer.packages, &answer.resolve.nodes, &lock.package),
            root: root_id,
        })
    }
}

/// The crates that the one called `root` uses, directly or not, for itself or to be built.
fn reached(
    root: &str,
    packages: Vec<Package>,
    nodes: &[Node],
    locked: &[Locked],
) -> BTreeMap<String, Crate> {
    let nodes: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let uses = |id: &str| -> BTreeSet<String> {
        let is_shipped = |kind: &Kind| kind.kind.as_deref() != Some("dev");
        let all = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let used = all.filter(|dependency| dependency.dep_kinds.iter().any(is_shipped));
        used.map(|dependency| dependency.pkg.clone()).collect()
    };
    let mut packages: BTreeMap<String, Package> =
        packages.into_iter().map(|package| (package.id.clone(), package)).collect();
    let mut crates = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(id) = waiting.pop() {
        let Some(package) = packages.remove(&id) else { continue };
        let uses = uses(&id);
        waiting.extend(uses.iter().cloned());
        let entry = locked
            .iter()
            .find(|locked| locked.name == package.name && locked.version == package.version);
        let checksum = entry.and_then(|entry| entry.checksum.clone());
        crates.insert(id, Crate { package, uses, checksum });
    }
    crates
}

/// The platform of this machine, as rustc says it.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}
