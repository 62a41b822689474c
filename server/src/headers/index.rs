//! All headers of a workspace by file name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Beyond this many headers the index stops growing; names it lacks are then simply not found.
const MAX_HEADERS: usize = 500_000;

/// The headers below a directory that version control does not ignore.
#[derive(Debug, Default)]
pub(super) struct WorkspaceIndex {
    by_name: HashMap<OsString, Vec<PathBuf>>,
}

impl WorkspaceIndex {
    /// Walks `root`, without following links.
    pub(super) fn build(root: &Path) -> Self {
        let mut index = Self::default();
        let walk = ignore::WalkBuilder::new(root).require_git(false).build();
        let headers =
            walk.flatten().map(ignore::DirEntry::into_path).filter(|path| is_header(path));
        for path in headers.take(MAX_HEADERS) {
            if let Some(name) = path.file_name() {
                index.by_name.entry(name.to_owned()).or_default().push(path);
            }
        }
        index
    }

    /// The only header whose path ends in the components of `suffix`.
    pub(super) fn unique(&self, suffix: &str) -> Option<PathBuf> {
        let suffix = Path::new(suffix);
        let candidates = self.by_name.get(suffix.file_name()?)?;
        let mut fitting = candidates.iter().filter(|path| path.ends_with(suffix));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}

fn is_header(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "h")
}
