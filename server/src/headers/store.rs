//! Headers by path, read again only when the file changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::{MAX_HEADER_BYTES, lock};

/// What is kept of a header.
pub trait Scan: Send + Sync {
    /// Takes the content of the header at `path`.
    fn scan(path: &Path, text: Arc<str>) -> Self;
}

/// Headers by path. Each is scanned once and shared by the files that include it.
#[derive(Debug)]
pub struct HeaderStore<T> {
    entries: Mutex<HashMap<PathBuf, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    stamp: Stamp,
    value: Option<Arc<T>>,
}

/// What tells that a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl<T> Default for HeaderStore<T> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<T: Scan> HeaderStore<T> {
    /// The header at `path`; `None` if it is unreadable, no text or larger than [`MAX_HEADER_BYTES`].
    pub fn load(&self, path: &Path) -> Option<Arc<T>> {
        let metadata = fs::metadata(path).ok()?;
        let stamp = Stamp { modified: metadata.modified().ok(), bytes: metadata.len() };
        if let Some(entry) = lock(&self.entries).get(path).filter(|entry| entry.stamp == stamp) {
            return entry.value.clone();
        }
        let readable = metadata.is_file() && stamp.bytes <= MAX_HEADER_BYTES;
        let text = if readable { fs::read_to_string(path).ok() } else { None };
        let value = text.map(|text| Arc::new(T::scan(path, text.into())));
        lock(&self.entries).insert(path.to_owned(), Entry { stamp, value: value.clone() });
        value
    }
}
