//! From sources to objects: the compiler's arguments, and hashes that tell without a compiler whether an object
//! belongs to its source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::build::elf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::corpus::{Corpus, Topic};
use crate::error::{Error, Result, read_bytes, read_text, write};

/// The compilers that will do; objects of other versions differ.
const COMPILERS: [&str; 2] = ["clang-19", "clang"];

/// What the version of the compiler must contain.
const COMPILER_VERSION: &str = "version 19.";

/// The arguments for every source. Paths in debug information are relative to the corpus.
const ARGUMENTS: [&str; 12] = [
    "-g",
    "-O2",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-fno-addrsig",
    "-fdebug-compilation-dir=.",
    "-Wall",
    "-Werror",
    // Some patterns of the catalogue are about results that nobody uses.
    "-Wno-unused-variable",
    "-Iinclude",
    "-Iinclude/compat",
];

/// Sections with this beginning are dropped from objects: nothing reads them, and they name the compiler's
/// package.
const DWARF: [&str; 2] = [".debug", ".rel.debug"];

/// The file in each family that says what its objects were compiled from.
const LOCK: &str = "objects.toml";

/// Hashes of an object and of what it was compiled from, in hexadecimal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hashes {
    /// Of the arguments, the source and its headers.
    pub sources: String,
    /// Of the object.
    pub object: String,
}

/// What a build did, or with `check` would do.
#[derive(Debug, Default)]
pub struct Built {
    /// Objects that were compiled, or differ from what their source compiles to.
    pub changed: Vec<Topic>,
    /// Objects without a source, which were removed or should be.
    pub removed: Vec<Topic>,
}

/// Compiles the sources that changed since the last build. With `check`, compiles all and writes nothing.
pub fn build(corpus: &Corpus, check: bool) -> Result<Built> {
    let mut built = Built::default();
    let mut locks: BTreeMap<String, BTreeMap<String, Hashes>> = BTreeMap::new();
    let topics = corpus.topics()?;
    let mut compiler = None;
    for topic in &topics {
        let known = match up_to_date(corpus, topic)? {
            Some(hashes) if !check => hashes,
            before => {
                let compiler = match &compiler {
                    Some(compiler) => compiler,
                    None => compiler.insert(find_compiler()?),
                };
                let object = compile(corpus, topic, compiler)?;
                let hashes = Hashes { sources: source_hash(corpus, topic)?, object: hash(&object) };
                if before.as_ref() != Some(&hashes) {
                    built.changed.push(topic.clone());
                }
                if !check {
                    write(&corpus.object(topic), &object)?;
                }
                hashes
            }
        };
        locks.entry(topic.family.clone()).or_default().insert(topic.name.clone(), known);
    }
    built.removed = corpus.objects()?;
    built.removed.retain(|topic| !topics.contains(topic));
    if !check {
        for topic in &built.removed {
            let path = corpus.object(topic);
            std::fs::remove_file(&path).map_err(|source| Error::Io { path, source })?;
        }
        for (family, lock) in locks {
            let path = lock_path(corpus, &family);
            let text = toml::to_string(&lock).map_err(|error| Error::format(&path, &error))?;
            write(&path, text.as_bytes())?;
        }
    }
    Ok(built)
}

/// The hashes of a topic if its object was compiled from its sources as they are.
pub fn up_to_date(corpus: &Corpus, topic: &Topic) -> Result<Option<Hashes>> {
    let path = lock_path(corpus, &topic.family);
    if !path.is_file() || !corpus.object(topic).is_file() {
        return Ok(None);
    }
    let lock: BTreeMap<String, Hashes> =
        toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))?;
    let Some(recorded) = lock.get(&topic.name) else { return Ok(None) };
    let object = hash(&read_bytes(&corpus.object(topic))?);
    let sources = source_hash(corpus, topic)?;
    let fits = recorded.sources == sources && recorded.object == object;
    Ok(fits.then(|| recorded.clone()))
}

/// A hash in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock_path(corpus: &Corpus, family: &str) -> PathBuf {
    corpus.root().join(family).join(LOCK)
}

fn source_hash(corpus: &Corpus, topic: &Topic) -> Result<String> {
    let mut all = Sha256::new();
    for argument in ARGUMENTS {
        all.update(argument);
        all.update([0]);
    }
    for (path, text) in corpus.sources(topic)? {
        for part in [path.as_str(), text.as_str()] {
            all.update(part.len().to_le_bytes());
            all.update(part);
        }
    }
    Ok(hex(&all.finalize()))
}

fn find_compiler() -> Result<String> {
    for name in COMPILERS {
        let output = Command::new(name).arg("--version").output();
        let version = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        if version.is_ok_and(|version| version.contains(COMPILER_VERSION)) {
            return Ok(name.to_owned());
        }
    }
    let message = format!("no clang 19 found; tried {}", COMPILERS.join(", "));
    Err(Error::Compiler { file: "corpus".to_owned(), message })
}

fn compile(corpus: &Corpus, topic: &Topic, compiler: &str) -> Result<Vec<u8>> {
    let file = corpus.source(topic);
    let failed = |message: String| Error::Compiler { file: file.clone(), message };
    let output = Command::new(compiler)
        .current_dir(corpus.root())
        .args(ARGUMENTS)
        .args(corpus.compiler_arguments(topic)?)
        .args(["-c", &file, "-o", "-"])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    without_dwarf(Path::new(&file), &output.stdout)
}

fn without_dwarf(file: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: object::build::Error| Error::format(file, &error);
    let mut builder = elf::Builder::read(bytes).map_err(failed)?;
    for section in &mut builder.sections {
        let name = section.name.to_string();
        section.delete = DWARF.iter().any(|beginning| name.starts_with(beginning));
    }
    builder.delete_orphans();
    // The compiler keeps section names among those of symbols, which the writer does not do.
    let names = builder.sections.add();
    names.name = b".shstrtab"[..].into();
    names.sh_type = object::elf::SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = elf::SectionData::SectionString;
    let mut out = Vec::new();
    builder.write(&mut out).map_err(failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_sha256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash(b""), empty);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(without_dwarf(Path::new("a"), b"no object").is_err());
    }
}
