//! Objects by what went into them. A disk that is full or may not be written to only means that nothing is kept.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The form of the entries; others are not read.
const FORM: &str = "objects-1";

/// The largest entry that is read, in bytes.
const MAX_ENTRY: u64 = 256 * 1024 * 1024;

/// What is left behind by a program that was killed while writing is removed after this time.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The directory of this program among the user's caches, or one of the user's own among temporary files. `None` if
/// there is neither.
pub(super) fn default_directory() -> Option<PathBuf> {
    let home = etcetera::choose_base_strategy().ok().map(|dirs| dirs.cache_dir());
    let usable = home.map(|dir| dir.join("bpf-analyzer")).filter(|dir| is_writable(dir));
    usable.or_else(private_temporary)
}

fn is_writable(dir: &Path) -> bool {
    fs::create_dir_all(dir).is_ok() && tempfile::Builder::new().tempfile_in(dir).is_ok()
}

/// A directory whose place others can guess must be ours: they could put objects into theirs.
#[cfg(unix)]
fn private_temporary() -> Option<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let user = rustix::process::geteuid().as_raw();
    let dir = std::env::temp_dir().join(format!("bpf-analyzer-{user}"));
    // It may be there already; who owns it decides.
    let _ = fs::DirBuilder::new().mode(0o700).create(&dir);
    let found = fs::symlink_metadata(&dir).ok()?;
    (found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0).then_some(dir)
}

#[cfg(not(unix))]
fn private_temporary() -> Option<PathBuf> {
    None
}

/// Objects in a directory.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    directory: PathBuf,
    max_bytes: u64,
}

/// What is kept of a compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) object: Vec<u8>,
    /// What clang said.
    pub(super) messages: String,
    pub(super) inputs: Inputs,
}

/// The files that decided what came out, beside the program itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inputs {
    pub(super) read: Vec<Input>,
    /// Files that would be read if they existed.
    pub(super) absent: Vec<PathBuf>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) digest: String,
}

#[derive(Serialize, Deserialize)]
struct Head {
    form: String,
    object_bytes: u64,
    object_digest: String,
    messages: String,
    inputs: Inputs,
}

/// What a compilation is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// Of parts, whose order and borders count.
    pub(super) fn of<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hex(&hasher.finalize()))
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Cache {
    /// In the directory `root`, with at most `max_bytes` of entries.
    pub(super) fn new(root: &Path, max_bytes: u64) -> Self {
        Self { directory: root.join(FORM), max_bytes }
    }

    /// The entry of `key`, if it is whole and `is_current` says that its inputs are still what they were.
    pub(super) fn load(&self, key: &Key, is_current: impl Fn(&Inputs) -> bool) -> Option<Entry> {
        let path = self.path(key);
        let mut file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        (&mut file).take(MAX_ENTRY).read_to_end(&mut bytes).ok()?;
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..line]).ok()?;
        let object = bytes.split_off(line + 1);
        let whole = head.form == FORM
            && head.object_bytes == object.len() as u64
            && head.object_digest == digest(&object);
        if !whole || !is_current(&head.inputs) {
            return None;
        }
        // The oldest entries go first; this one was wanted just now.
        let _ = File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(Entry { object, messages: head.messages, inputs: head.inputs })
    }

    /// Keeps an entry, and gives up the oldest ones if there are too many.
    pub(super) fn store(&self, key: &Key, entry: &Entry) -> io::Result<()> {
        let head = Head {
            form: FORM.to_owned(),
            object_bytes: entry.object.len() as u64,
            object_digest: digest(&entry.object),
            messages: entry.messages.clone(),
            inputs: entry.inputs.clone(),
        };
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.directory)?;
        file.write_all(&serde_json::to_vec(&head)?)?;
        file.write_all(b"\n")?;
        file.write_all(&entry.object)?;
        // Others see the whole entry or none.
        file.persist(self.path(key)).map_err(|error| error.error)?;
        self.shrink();
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(&key.0)
    }

    fn shrink(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let unfinished = entry.file_name().as_encoded_bytes().starts_with(b".");
            let age = SystemTime::now().duration_since(modified).unwrap_or_default();
            if !unfinished {
                files.push((modified, metadata.len(), entry.path()));
            } else if age > ABANDONED {
                let _ = fs::remove_file(entry.path());
            }
        }
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, bytes, path) in files {
            if total <= self.max_bytes {
                break;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(path);
            total -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: usize) -> Entry {
        let read = vec![Input { path: "/a.h".into(), digest: digest(b"a") }];
        let inputs = Inputs { read, absent: vec!["/b.h".into()] };
        Entry { object: vec![b'\n'; bytes], messages: "a.c:1:1: warning: x\n".into(), inputs }
    }

    fn key(name: &str) -> Key {
        Key::of([name.as_bytes()])
    }

    #[test]
    fn what_was_kept_comes_back_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let cache = Cache::new(dir.path(), 1 << 20);
        assert_eq!(cache.load(&key("a"), |_| true), None);
        cache.store(&key("a"), &entry(100)).expect("can write");
        assert_eq!(cache.load(&key("a"), |_| true), Some(entry(100)));
        assert_eq!(cache.load(&key("a"), |_| false), None, "an input changed");
        assert_eq!(cache.load(&key("b"), |_| true), None);
        let path = cache.path(&key("a"));
        let bytes = fs::read(&path).expect("is there");
        for broken in [&bytes[..bytes.len() - 1], &bytes[..20], b"", b"{}\n"] {
            fs::write(&path, broken).expect("can write");
            assert_eq!(cache.load(&key("a"), |_| true), None);
        }
    }

    #[test]
    fn the_oldest_entries_are_given_up() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let cache = Cache::new(dir.path(), 6_000);
        for (age, name) in [(30, "old"), (20, "used"), (10, "new")] {
            cache.store(&key(name), &entry(1_500)).expect("can write");
            let file = File::options().append(true).open(cache.path(&key(name))).expect("is there");
            let then = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(then).expect("can be set");
        }
        cache.load(&key("used"), |_| true).expect("is there");
        cache.store(&key("newest"), &entry(1_500)).expect("can write");
        let kept = ["old", "new", "used", "newest"].map(|name| cache.path(&key(name)).exists());
        assert_eq!(kept, [false, true, true, true]);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_an_error_to_ignore() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("can write");
        let cache = Cache::new(&file, 1 << 20);
        assert!(cache.store(&key("a"), &entry(1)).is_err());
        assert_eq!(cache.load(&key("a"), |_| true), None);
    }

    #[test]
    fn the_borders_of_parts_count() {
        assert_ne!(Key::of([&b"ab"[..], b"c"]), Key::of([&b"a"[..], b"bc"]));
    }
}
