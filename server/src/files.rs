//! Which files are linted: those named, and the BPF C in the directories named.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};

use crate::config::{Config, ConfigCache, ConfigError};

/// A file to lint.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as it is shown and opened.
    pub path: PathBuf,
    /// The same, absolute.
    pub absolute: PathBuf,
    /// The configuration that applies to it.
    pub config: Arc<Config>,
    /// Whether it is linted only if its beginning looks like BPF C.
    pub only_if_bpf: bool,
}

/// A path that could not be visited.
#[derive(Debug)]
pub struct Unvisited {
    /// The path as it is shown.
    pub path: PathBuf,
    /// Why, without the path.
    pub cause: String,
}

/// What is to be linted.
#[derive(Debug, Default)]
pub struct Discovered {
    /// By path, each file once.
    pub files: Vec<SourceFile>,
    /// What could not be visited.
    pub unvisited: Vec<Unvisited>,
}

/// Finds the files that `paths` stand for. A named file is always linted; a named directory is walked:
/// files ignored by version control and hidden ones are skipped, symbolic links are followed.
pub fn discover(
    paths: &[PathBuf],
    configs: &mut ConfigCache<'_>,
) -> Result<Discovered, ConfigError> {
    let mut discovery = Discovery { configs, found: Discovered::default(), saw_link: false };
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => match std::path::absolute(path) {
                Ok(_) => discovery.walk(path)?,
                // The current directory is gone: it can be walked, but has no files any more.
                Err(error) => discovery.unvisited(path, &error),
            },
            Ok(_) => discovery.add_named(path)?,
            Err(error) => discovery.unvisited(path, &error),
        }
    }
    let Discovery { mut found, saw_link, .. } = discovery;
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    if paths.len() > 1 || saw_link {
        drop_repeated(&mut found.files);
    }
    found.unvisited.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

struct Discovery<'d, 'c> {
    configs: &'d mut ConfigCache<'c>,
    found: Discovered,
    saw_link: bool,
}

impl Discovery<'_, '_> {
    fn add_named(&mut self, path: &Path) -> Result<(), ConfigError> {
        let Some((absolute, config)) = self.configured(path)? else { return Ok(()) };
        self.found.files.push(SourceFile {
            path: path.to_owned(),
            absolute,
            config,
            only_if_bpf: false,
        });
        Ok(())
    }

    fn walk(&mut self, directory: &Path) -> Result<(), ConfigError> {
        for entry in WalkBuilder::new(directory).require_git(false).follow_links(true).build() {
            match entry {
                Ok(entry) => self.visit(&entry)?,
                Err(error) => self.not_walked(directory, &error),
            }
        }
        Ok(())
    }

    fn visit(&mut self, entry: &DirEntry) -> Result<(), ConfigError> {
        self.saw_link |= entry.path_is_symlink();
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            return Ok(());
        }
        let path = shown(entry.path());
        let Some((absolute, config)) = self.configured(path)? else { return Ok(()) };
        let included = config.includes(&absolute);
        let wanted = included || path.extension().is_some_and(|extension| extension == "c");
        if !wanted || config.excludes(&absolute) {
            return Ok(());
        }
        let only_if_bpf = !included && !path.as_os_str().as_encoded_bytes().ends_with(b".bpf.c");
        self.found.files.push(SourceFile { path: path.to_owned(), absolute, config, only_if_bpf });
        Ok(())
    }

    fn configured(&mut self, path: &Path) -> Result<Option<(PathBuf, Arc<Config>)>, ConfigError> {
        match std::path::absolute(path) {
            Ok(absolute) => {
                let directory = absolute.parent().unwrap_or(&absolute);
                let config = self.configs.for_directory(directory)?;
                Ok(Some((absolute, config)))
            }
            Err(error) => {
                self.unvisited(path, &error);
                Ok(None)
            }
        }
    }

    fn unvisited(&mut self, path: &Path, error: &io::Error) {
        let cause = crate::source::plain(error);
        self.found.unvisited.push(Unvisited { path: path.to_owned(), cause });
    }

    fn not_walked(&mut self, root: &Path, error: &ignore::Error) {
        let (path, cause) = describe(error);
        let path = path.map_or(root, shown).to_owned();
        self.found.unvisited.push(Unvisited { path, cause });
    }
}

/// The path an error of the walk is about, and the cause without the path.
fn describe(error: &ignore::Error) -> (Option<&Path>, String) {
    match error {
        ignore::Error::WithPath { path, err } => (Some(path), describe(err).1),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            describe(err)
        }
        ignore::Error::Loop { ancestor, child } => {
            (Some(child), format!("directory loop: links back to {}", shown(ancestor).display()))
        }
        ignore::Error::Io(error) => (None, crate::source::plain(error)),
        other => (None, other.to_string()),
    }
}

/// Without the `./` that walking the current directory puts in front.
fn shown(path: &Path) -> &Path {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest,
        _ => path,
    }
}

/// A file can be reached in several ways: through links, or because arguments overlap.
fn drop_repeated(files: &mut Vec<SourceFile>) {
    let mut seen = HashSet::new();
    // A named file comes before the same file found by walking, so that it is linted in any case.
    files.sort_by(|a, b| (a.only_if_bpf, &a.path).cmp(&(b.only_if_bpf, &b.path)));
    files.retain(|file| match fs::canonicalize(&file.path) {
        Ok(canonical) => seen.insert(canonical),
        Err(_) => true,
    });
    files.sort_by(|a, b| a.path.cmp(&b.path));
}
