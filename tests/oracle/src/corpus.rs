//! The files of the corpus: topics, their sources, objects and what lies beside them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, read_text};

/// The directory of the corpus and the one beside it whose sources it compiles too.
#[derive(Clone, Debug)]
pub struct Corpus {
    root: PathBuf,
    /// Whether there are sources; otherwise the objects are from elsewhere.
    has_sources: bool,
}

/// One source file with the object compiled from it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Topic {
    /// The directory below the corpus, `tc`.
    pub family: String,
    /// The file without its ending, `packet`.
    pub name: String,
}

/// The family whose sources are the catalogue of dynptr patterns beside the corpus.
pub const CATALOGUE: &str = "catalogue";

/// The family of programs that show what is noted of programs the kernel accepts. They are not recorded.
pub const NOTES: &str = "notes";

/// The entries that maps of objects from elsewhere get where their loaders set them. Which number it is matters little to
/// a verdict, but both sides need the same.
pub const OPEN_ENTRIES: u32 = 1;

/// How a line begins that gives more arguments to the compiler.
const CLANG_MARK: &str = "// clang: ";

impl Topic {
    /// `tc/packet`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.family, self.name)
    }
}

impl Corpus {
    /// The corpus of this repository.
    pub fn of_repository() -> Self {
        Self::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"))
    }

    /// The corpus in a directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), has_sources: true }
    }

    /// Objects from elsewhere, which have no sources here and are never run.
    pub fn of_objects(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), has_sources: false }
    }

    /// Whether the objects are compiled from sources of this corpus.
    pub fn has_sources(&self) -> bool {
        self.has_sources
    }

    /// The directory of the corpus.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All topics that have a source, by path; all objects if they are from elsewhere.
    pub fn topics(&self) -> Result<Vec<Topic>> {
        if !self.has_sources {
            return self.objects();
        }
        let mut topics = BTreeSet::new();
        for family in self.families()? {
            for file in names(&self.root.join(self.source_directory(&family)))? {
                if let Some(name) = file.strip_suffix(".bpf.c") {
                    topics.insert(Topic { family: family.clone(), name: name.to_owned() });
                }
            }
        }
        Ok(topics.into_iter().collect())
    }

    /// The topics that are loaded into a kernel, which are all but [`NOTES`].
    pub fn recorded_topics(&self) -> Result<Vec<Topic>> {
        let mut topics = self.topics()?;
        topics.retain(|topic| topic.family != NOTES);
        Ok(topics)
    }

    /// All objects that lie in the corpus, as topics.
    pub fn objects(&self) -> Result<Vec<Topic>> {
        let mut topics = BTreeSet::new();
        for family in self.families()? {
            for file in names(&self.root.join(&family))? {
                if let Some(name) = file.strip_suffix(".bpf.o") {
                    topics.insert(Topic { family: family.clone(), name: name.to_owned() });
                }
            }
        }
        Ok(topics.into_iter().collect())
    }

    /// The directories that hold topics.
    pub fn families(&self) -> Result<Vec<String>> {
        let mut families = vec![CATALOGUE.to_owned()];
        for name in names(&self.root)? {
            let is_ours = !matches!(name.as_str(), "include" | "recordings" | CATALOGUE);
            if is_ours && self.root.join(&name).is_dir() {
                families.push(name);
            }
        }
        families.sort();
        Ok(families)
    }

    /// The source of a topic, relative to the corpus.
    pub fn source(&self, topic: &Topic) -> String {
        format!("{}/{}.bpf.c", self.source_directory(&topic.family), topic.name)
    }

    /// The object of a topic.
    pub fn object(&self, topic: &Topic) -> PathBuf {
        self.root.join(&topic.family).join(format!("{}.bpf.o", topic.name))
    }

    /// Where the runs of a topic are stated; the file need not exist.
    pub fn runs(&self, topic: &Topic) -> PathBuf {
        self.root.join(&topic.family).join(format!("{}.runs.toml", topic.name))
    }

    /// What more the source of a topic wants from the compiler.
    pub fn compiler_arguments(&self, topic: &Topic) -> Result<Vec<String>> {
        let text = read_text(&self.root.join(self.source(topic)))?;
        let lines = text.lines().filter_map(|line| line.strip_prefix(CLANG_MARK));
        Ok(lines.flat_map(str::split_whitespace).map(str::to_owned).collect())
    }

    /// The source of a topic and all headers it includes by quotes, relative to the corpus, with their texts.
    pub fn sources(&self, topic: &Topic) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let mut pending = vec![self.source(topic)];
        let mut seen = BTreeSet::new();
        while let Some(path) = pending.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let text = read_text(&self.root.join(&path))?;
            for name in included(&text) {
                let beside = Path::new(&path).parent().unwrap_or(Path::new("")).join(name);
                let below = |directory: &str| Path::new(directory).join(name);
                let candidates = [beside, below("include"), below("include/compat")];
                let Some(header) =
                    candidates.iter().find(|header| self.root.join(header).is_file())
                else {
                    return Err(Error::NoHeader { file: path, header: name.to_owned() });
                };
                pending.push(header.display().to_string());
            }
            found.push((path, text));
        }
        found.sort();
        Ok(found)
    }

    fn source_directory(&self, family: &str) -> String {
        if family == CATALOGUE { format!("../{CATALOGUE}") } else { family.to_owned() }
    }
}

/// The names of a directory's entries, in order; empty if there is no such directory.
fn names(directory: &Path) -> Result<Vec<String>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |source| Error::Io { path: directory.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The headers that a text includes.
fn included(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("#include")?.trim_start();
        let rest = rest.strip_prefix(['"', '<'])?;
        rest.split(['"', '>']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found() {
        let text = "#include \"a.h\"\n  #include <b/c.h>\n// #include \"d.h\"\nint x;\n";
        assert_eq!(included(text).collect::<Vec<_>>(), ["a.h", "b/c.h"]);
    }

    #[test]
    fn the_catalogue_is_a_family_with_sources_elsewhere() {
        let corpus = Corpus::of_repository();
        let topics = corpus.topics().expect("can be read");
        let misuse = topics.iter().find(|topic| topic.path() == "catalogue/misuse");
        let misuse = misuse.expect("is a topic");
        let sources = corpus.sources(misuse).expect("can be read");
        let paths: Vec<&str> = sources.iter().map(|(path, _)| path.as_str()).collect();
        assert!(paths.contains(&"../catalogue/misuse.bpf.c"), "{paths:?}");
        assert!(paths.contains(&"include/corpus.h"), "{paths:?}");
    }
}
