//! The inventory of programs about which the verifier does not say what the kernel said.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::corpus::Corpus;
use crate::error::{Error, Result, read_text};
use crate::mode::Mode;
use crate::replay::{Comparison, Kind};

/// A known miss.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Miss {
    /// `family/topic:program`.
    pub program: String,
    /// As whom it is loaded.
    #[serde(default)]
    pub mode: Mode,
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

/// The known misses of all modes.
pub fn read(corpus: &Corpus) -> Result<Vec<Miss>> {
    let path = path(corpus);
    let file: File =
        toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))?;
    Ok(file.miss)
}

/// How the comparisons of a mode differ from the inventory: new misses, and listed ones that are none any more.
pub fn differences(known: &[Miss], mode: Mode, all: &[Comparison]) -> Vec<String> {
    let known = known.iter().filter(|miss| miss.mode == mode);
    let known: BTreeMap<&str, &str> =
        known.map(|miss| (miss.program.as_str(), miss.kind.as_str())).collect();
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

/// Writes the inventory of a mode anew; reasons that were given are kept, and so are misses of other modes.
pub fn write(corpus: &Corpus, mode: Mode, all: &[Comparison]) -> Result<()> {
    let path = path(corpus);
    let known = if path.is_file() { read(corpus)? } else { Vec::new() };
    let mut text = "# Programs of the corpus about which `verify` does not say what Linux 6.18 says.\n\
                    # `cargo run -p oracle --bin verdicts -- --misses` writes the list; give reasons by hand.\n"
        .to_owned();
    for miss in known.iter().filter(|miss| miss.mode != mode) {
        put(&mut text, &miss.program, miss.mode, &miss.kind, &miss.reason);
    }
    for one in all.iter().filter(|one| !one.kind.is_fine()) {
        let program = one.path();
        let kept = known.iter().find(|miss| {
            miss.mode == mode && miss.program == program && miss.kind == one.kind.word()
        });
        let reason = match (&one.kind, kept) {
            (Kind::Unsupported(what) | Kind::Panic(what) | Kind::Unlinked(what), _) => what.clone(),
            (_, Some(miss)) => miss.reason.clone(),
            _ => "not known".to_owned(),
        };
        put(&mut text, &program, mode, one.kind.word(), &reason);
    }
    fs::write(&path, text).map_err(|source| Error::Io { path, source })
}

fn put(text: &mut String, program: &str, mode: Mode, kind: &str, reason: &str) {
    let mode = match mode {
        Mode::Root => String::new(),
        other => format!("mode = \"{other}\"\n"),
    };
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n[[miss]]\nprogram = {program:?}\n{mode}kind = {kind:?}\nreason = {reason:?}\n"
    );
}
