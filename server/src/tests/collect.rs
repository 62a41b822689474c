//! Finding tests: from paths to configurations, and from those to the files they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ignore::WalkBuilder;

use super::{Case, CaseResult, CaseStatus, What};
use crate::config::{Config, ConfigCache, ConfigError, FILE_NAME, Pattern, TestSpec};
use crate::paths::{normal, relative};

/// The most entries of directories that are looked at for a pattern.
const ENTRIES: usize = 200_000;
/// The most files that a pattern may match.
const FILES: usize = 2_000;

/// Why tests cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A path cannot be read.
    #[error("{}: {cause}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
}

/// The tests of a file.
#[derive(Clone, Debug)]
pub struct FileTests {
    /// The file, absolute.
    pub path: PathBuf,
    /// As it is shown.
    pub shown: String,
    /// The tests, with their configurations.
    pub tests: Vec<(Arc<Config>, usize)>,
}

impl FileTests {
    /// The tests, with their configurations.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Config>, &TestSpec)> {
        self.tests.iter().filter_map(|(config, index)| Some((config, config.tests.get(*index)?)))
    }

    /// All of them, which cannot be run, and why.
    pub fn broken(&self, why: &str) -> Vec<CaseResult> {
        let of = |(config, test): (&Arc<Config>, &TestSpec)| {
            let path = config.path.as_deref().unwrap_or(Path::new(""));
            let case = case(test, path, self.shown.clone());
            let status = CaseStatus::Broken(why.to_owned());
            CaseResult { case, status, elapsed: Duration::ZERO }
        };
        self.iter().map(of).collect()
    }
}

/// What paths stand for.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// By path.
    pub files: Vec<FileTests>,
    /// Tests whose files cannot be found, and why.
    pub broken: Vec<(Case, String)>,
}

/// Finds the tests that `paths` stand for: of a configuration; of a file with programs, those of the nearest configuration
/// above; of a directory, those of the nearest configuration above for files in it, and all of configurations in it.
///
/// # Errors
///
/// If a path does not exist, or a configuration is wrong.
pub fn collect(
    paths: &[PathBuf],
    configs: &mut ConfigCache<'_>,
    fixed: bool,
    what: What,
) -> Result<Collected, CollectError> {
    let mut search = Search { configs, what, fixed, by_file: BTreeMap::new(), broken: Vec::new() };
    for path in paths {
        search.path(path)?;
    }
    let files = search.by_file.into_iter().map(|(path, tests)| FileTests {
        shown: shown(&path),
        path,
        tests: tests.into_values().collect(),
    });
    Ok(Collected { files: files.collect(), broken: search.broken })
}

/// The tests of a file, by their configuration and place in it.
type OfFile = BTreeMap<(PathBuf, usize), (Arc<Config>, usize)>;

struct Search<'s, 'c> {
    configs: &'s mut ConfigCache<'c>,
    what: What,
    fixed: bool,
    by_file: BTreeMap<PathBuf, OfFile>,
    broken: Vec<(Case, String)>,
}

impl Search<'_, '_> {
    fn path(&mut self, path: &Path) -> Result<(), CollectError> {
        let wrong = |error: std::io::Error| CollectError::Path {
            path: path.to_owned(),
            cause: crate::source::plain(&error),
        };
        let absolute = normal(&std::path::absolute(path).map_err(wrong)?);
        let is_directory = fs::metadata(path).map_err(wrong)?.is_dir();
        if path.file_name().is_some_and(|name| name == FILE_NAME) {
            let directory = absolute.parent().unwrap_or(&absolute);
            let config = self.configs.for_directory(directory)?;
            self.config(&config, None);
            return Ok(());
        }
        let directory =
            if is_directory { absolute.as_path() } else { absolute.parent().unwrap_or(&absolute) };
        let nearest = self.configs.for_directory(directory)?;
        self.config(&nearest, Some(&absolute));
        if is_directory && !self.fixed {
            for inner in configurations(&absolute) {
                let config = self.configs.for_directory(&inner)?;
                self.config(&config, None);
            }
        }
        Ok(())
    }

    /// Adds the tests of a configuration, of files below a path if there is one.
    fn config(&mut self, config: &Arc<Config>, below: Option<&Path>) {
        let Some(path) = &config.path else { return };
        let root = config.root().unwrap_or(Path::new("/"));
        let mut walked = None;
        for (index, test) in config.tests.iter().enumerate() {
            let wanted = match self.what {
                What::Runs => test.expected.is_of_run(),
                What::Verdicts => test.expected.verdict.is_some(),
            };
            if !wanted {
                continue;
            }
            for file in &test.files {
                let found = match files(root, file, &mut walked) {
                    Ok(found) => found,
                    Err(why) => {
                        let known = |(case, _): &(Case, String)| {
                            case.config == shown(path) && case.line == test.line
                        };
                        if !self.broken.iter().any(known) {
                            self.broken.push((case(test, path, file.clone()), why));
                        }
                        continue;
                    }
                };
                for file in found {
                    if below.is_none_or(|below| file.starts_with(below)) {
                        let tests = self.by_file.entry(file).or_default();
                        tests.insert((path.clone(), index), (Arc::clone(config), index));
                    }
                }
            }
        }
    }
}

/// A test that does not get as far as a program.
pub(super) fn case(test: &TestSpec, config: &Path, file: String) -> Case {
    Case {
        file,
        program: test.program_text.clone().unwrap_or_default(),
        name: test.name.clone(),
        packet: None,
        config: shown(config),
        line: test.line,
    }
}

/// A path as people see it: relative to the current directory if it lies below.
pub(super) fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&current) {
        Ok(below) => below.display().to_string(),
        Err(_) => {
            let way = relative(path, &current);
            let ups = way.components().filter(|part| *part == std::path::Component::ParentDir);
            // A way far up and down again says less than where something is.
            if ups.count() <= 2 { way.display().to_string() } else { path.display().to_string() }
        }
    }
}

/// Directories with configurations below one.
fn configurations(directory: &Path) -> BTreeSet<PathBuf> {
    let walk = WalkBuilder::new(directory).require_git(false).build().take(ENTRIES).flatten();
    walk.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter(|entry| entry.file_name() == FILE_NAME)
        .filter_map(|entry| Some(entry.path().parent()?.to_owned()))
        .collect()
}

/// The files that a path or pattern of a configuration stands for. `walked` are the files below `root`, once they are
/// known.
fn files(
    root: &Path,
    file: &str,
    walked: &mut Option<Vec<PathBuf>>,
) -> Result<Vec<PathBuf>, String> {
    if !file.contains(['*', '?', '[', '{']) {
        let path = normal(&root.join(file));
        return match fs::metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(vec![path]),
            Ok(_) => Err(format!("{} is no file", shown(&path))),
            Err(error) => Err(format!("{}: {}", shown(&path), crate::source::plain(&error))),
        };
    }
    let pattern = Pattern::new(file).map_err(|error| error.to_string())?;
    let all = walked.get_or_insert_with(|| programs(root));
    let matching = all
        .iter()
        .filter(|path| path.strip_prefix(root).is_ok_and(|relative| pattern.matches(relative)));
    let found: Vec<PathBuf> = matching.cloned().collect();
    match found.len() {
        0 => Err(format!("no file matches `{file}`")),
        count if count > FILES => Err(format!("more than {FILES} files match `{file}`")),
        _ => Ok(found),
    }
}

/// The files below a directory that can hold programs.
fn programs(root: &Path) -> Vec<PathBuf> {
    let walk = WalkBuilder::new(root).require_git(false).build().take(ENTRIES).flatten();
    let files = walk.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let mut files: Vec<PathBuf> = files
        .map(ignore::DirEntry::into_path)
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "c" || extension == "o")
        })
        .collect();
    files.sort();
    files
}
