//! The inventory of programs about which the verifier does not say what the kernel said.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::corpus::Corpus;
use crate::error::{Error, Result, read_text};
use crate::replay::{Comparison, Kind};

/// A known miss.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Miss {
    /// `family/topic:program`.
    pub program: String,
    /// [`Kind::word`].
    pub kind: String,
    /// What keeps us from saying what the kernel says.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    miss: Vec<Miss>,
}

fn path(corpus: &Corpus) -> PathBuf {
    corpus.root().join("misses.toml")
}

/// The known misses.
pub fn read(corpus: &Corpus) -> Result<Vec<Miss>> {
    let path = path(corpus);
    let file: File =
        toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))?;
    Ok(file.miss)
}

/// How the comparisons differ from the inventory: new misses, and listed ones that are none any more.
pub fn differences(known: &[Miss], all: &[Comparison]) -> Vec<String> {
    let known: BTreeMap<&str, &str> =
        known.iter().map(|miss| (miss.program.as_str(), miss.kind.as_str())).collect();
    let mut found = Vec::new();
    let mut seen = 0;
    for one in all {
        let path = one.path();
        let listed = known.get(path.as_str()).copied();
        seen += usize::from(listed.is_some());
        match (listed, one.kind.is_fine()) {
            (None, true) => {}
            (None, false) => found.push(format!("{path}: new miss: {:?}", one.kind)),
            (Some(_), true) => found.push(format!("{path}: is fine now; strike it off")),
            (Some(kind), false) if kind != one.kind.word() => {
                found.push(format!("{path}: listed as {kind}, is {:?}", one.kind));
            }
            (Some(_), false) => {}
        }
    }
    if seen != known.len() {
        found.push(format!("{} listed programs are not in the corpus", known.len() - seen));
    }
    found
}

/// Writes the inventory anew; reasons that were given are kept.
pub fn write(corpus: &Corpus, all: &[Comparison]) -> Result<()> {
    let path = path(corpus);
    let known = if path.is_file() { read(corpus)? } else { Vec::new() };
    let mut text = "# Programs of the corpus about which `verify` does not say what Linux 6.18 says.\n\
                    # `cargo run -p oracle --bin verdicts -- --misses` writes the list; give reasons by hand.\n"
        .to_owned();
    for one in all.iter().filter(|one| !one.kind.is_fine()) {
        let program = one.path();
        let kept =
            known.iter().find(|miss| miss.program == program && miss.kind == one.kind.word());
        let reason = match (&one.kind, kept) {
            (Kind::Unsupported(what) | Kind::Panic(what) | Kind::Unlinked(what), _) => what.clone(),
            (_, Some(miss)) => miss.reason.clone(),
            _ => "not known".to_owned(),
        };
        let _ = write!(
            text,
            "\n[[miss]]\nprogram = {program:?}\nkind = {:?}\nreason = {reason:?}\n",
            one.kind.word()
        );
    }
    fs::write(&path, text).map_err(|source| Error::Io { path, source })
}
