//! Where `#include` leads, without a compiler: next to the including file, through the compilation
//! database and the configured directories, then to the only file of the workspace whose path ends so.

mod compile_commands;
mod index;
mod store;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use compile_commands::{CompileCommand, CompileCommands, CompileCommandsError};
use sema::Header;
pub use store::{HeaderStore, Scan};

use crate::config::{Config, FILE_NAME};
use crate::paths::normal;
use index::WorkspaceIndex;

/// The largest header that is read, in bytes; a generated `vmlinux.h` has about 3 MB.
pub const MAX_HEADER_BYTES: u64 = 32 * 1024 * 1024;

/// Includes nested deeper than this are not followed.
const MAX_DEPTH: usize = 64;

/// No more headers than this are read for one file.
const MAX_HEADERS: usize = 1_000;

/// A header on disk.
#[derive(Clone, Debug)]
pub struct HeaderFile {
    /// Where it was found.
    pub path: PathBuf,
    /// What it defines.
    pub header: Arc<Header>,
}

impl Scan for HeaderFile {
    fn scan(path: &Path, text: Arc<str>) -> Self {
        Self { path: path.to_owned(), header: Arc::new(Header::scan(text)) }
    }
}

/// Answers `#include` for one file that is linted.
pub trait HeaderProvider: Sync {
    /// The header that `#include` of `name` in the file `includer` means; `system` for `<…>`. `None` if it
    /// is not there, ambiguous or unreadable.
    fn header(&self, name: &str, system: bool, includer: &Path) -> Option<Arc<HeaderFile>>;
}

/// Knows no header.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHeaders;

impl HeaderProvider for NoHeaders {
    fn header(&self, _: &str, _: bool, _: &Path) -> Option<Arc<HeaderFile>> {
        None
    }
}

/// The headers that the file `path` includes, directly or through others, in the order in which a
/// preprocessor would be done with them. `includes` are the names in the file, and whether in `<…>`.
pub fn included<'i>(
    provider: &dyn HeaderProvider,
    path: &Path,
    includes: impl Iterator<Item = (&'i str, bool)>,
) -> sema::Headers {
    let files = included_files(provider, path, includes);
    files.iter().map(|file| Arc::clone(&file.header)).collect()
}

/// The same with the places where the headers were found.
pub fn included_files<'i>(
    provider: &dyn HeaderProvider,
    path: &Path,
    includes: impl Iterator<Item = (&'i str, bool)>,
) -> Vec<Arc<HeaderFile>> {
    let mut closure = Closure { provider, seen: HashSet::new(), done: Vec::new() };
    for (name, system) in includes {
        closure.add(name, system, path, 0);
    }
    closure.done
}

struct Closure<'p> {
    provider: &'p dyn HeaderProvider,
    seen: HashSet<PathBuf>,
    done: Vec<Arc<HeaderFile>>,
}

impl Closure<'_> {
    fn add(&mut self, name: &str, system: bool, includer: &Path, depth: usize) {
        if depth == MAX_DEPTH || self.seen.len() == MAX_HEADERS {
            return;
        }
        let Some(file) = self.provider.header(name, system, includer) else { return };
        if self.seen.insert(file.path.clone()) {
            for (name, system) in file.header.includes() {
                self.add(name, system, &file.path, depth + 1);
            }
            self.done.push(file);
        }
    }
}

/// What is known about headers in one run: indices, compilation databases and texts, each read once.
#[derive(Debug, Default)]
pub struct Headers {
    store: HeaderStore<HeaderFile>,
    roots: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
    indices: Mutex<HashMap<PathBuf, Arc<WorkspaceIndex>>>,
    databases: Mutex<HashMap<PathBuf, Option<Arc<CompileCommands>>>>,
    open: Mutex<HashMap<PathBuf, Arc<OpenHeader>>>,
}

/// A file open in an editor: its text counts, not the one on disk. It is scanned when it is included.
#[derive(Debug)]
struct OpenHeader {
    path: PathBuf,
    text: Arc<str>,
    scanned: OnceLock<Arc<HeaderFile>>,
}

impl OpenHeader {
    fn file(&self) -> Arc<HeaderFile> {
        let scan = || Arc::new(HeaderFile::scan(&self.path, Arc::clone(&self.text)));
        Arc::clone(self.scanned.get_or_init(scan))
    }
}

/// The headers as one linted file sees them.
#[derive(Debug)]
pub struct FileHeaders<'h> {
    headers: &'h Headers,
    directories: Vec<PathBuf>,
    root: Option<PathBuf>,
}

impl Headers {
    /// The headers seen from the file with the absolute path `file`.
    pub fn for_file(&self, file: &Path, config: &Config) -> FileHeaders<'_> {
        let database = self.database_of(file, config);
        let mut directories: Vec<PathBuf> =
            database.map(|database| database.include_dirs(file).to_vec()).unwrap_or_default();
        directories.extend(config.header_paths.iter().cloned());
        FileHeaders { headers: self, directories, root: self.root(file) }
    }

    /// The command that compiles the file with the absolute path `file`, or a BPF program near it.
    pub fn compile_command(&self, file: &Path, config: &Config) -> Option<CompileCommand> {
        self.database_of(file, config)?.command(file).cloned()
    }

    fn database_of(&self, file: &Path, config: &Config) -> Option<Arc<CompileCommands>> {
        match &config.compile_commands {
            Some(path) => self.database(path),
            None => file
                .ancestors()
                .skip(1)
                .find_map(|dir| self.database(&dir.join("compile_commands.json"))),
        }
    }

    /// Reads a compilation database the user asked for, so that a mistake in it is reported.
    pub fn load_database(&self, path: &Path) -> Result<(), CompileCommandsError> {
        let database = Arc::new(CompileCommands::read(path)?);
        lock(&self.databases).insert(path.to_owned(), Some(database));
        Ok(())
    }

    /// From now on the file at the absolute path `path` has the text `text`, whatever is on disk.
    pub fn set_open(&self, path: &Path, text: Arc<str>) {
        let path = normal(path);
        let open = OpenHeader { path: path.clone(), text, scanned: OnceLock::new() };
        lock(&self.open).insert(path, Arc::new(open));
    }

    /// The file at `path` is as it is on disk again.
    pub fn set_closed(&self, path: &Path) {
        lock(&self.open).remove(&normal(path));
    }

    /// Forgets which headers and compilation databases there are; texts that did not change stay known.
    pub fn forget_places(&self) {
        lock(&self.roots).clear();
        lock(&self.indices).clear();
        lock(&self.databases).clear();
    }

    fn open(&self, path: &Path) -> Option<Arc<OpenHeader>> {
        lock(&self.open).get(path).cloned()
    }

    fn database(&self, path: &Path) -> Option<Arc<CompileCommands>> {
        let mut databases = lock(&self.databases);
        let read = || CompileCommands::read(path).ok().map(Arc::new);
        databases.entry(path.to_owned()).or_insert_with(read).clone()
    }

    /// The nearest directory above `file` with a repository or a configuration.
    pub(crate) fn root(&self, file: &Path) -> Option<PathBuf> {
        let directory = file.parent()?;
        let is_root = |dir: &&Path| dir.join(".git").exists() || dir.join(FILE_NAME).exists();
        lock(&self.roots)
            .entry(directory.to_owned())
            .or_insert_with(|| directory.ancestors().find(is_root).map(Path::to_owned))
            .clone()
    }

    fn index(&self, root: &Path) -> Arc<WorkspaceIndex> {
        // Building it under the lock makes the other threads wait for it instead of building it too.
        let mut indices = lock(&self.indices);
        let index = indices.entry(root.to_owned());
        Arc::clone(index.or_insert_with(|| Arc::new(WorkspaceIndex::build(root))))
    }
}

impl HeaderProvider for FileHeaders<'_> {
    fn header(&self, name: &str, system: bool, includer: &Path) -> Option<Arc<HeaderFile>> {
        let beside = if system { None } else { includer.parent() };
        let directories = beside.into_iter().chain(self.directories.iter().map(PathBuf::as_path));
        let exists = |path: &PathBuf| self.headers.open(path).is_some() || path.is_file();
        let found = directories.map(|dir| normal(&dir.join(name))).find(exists);
        let path = found.or_else(|| self.headers.index(self.root.as_deref()?).unique(name))?;
        match self.headers.open(&path) {
            Some(open) => Some(open.file()),
            None => self.headers.store.load(&path),
        }
    }
}

/// A poisoned lock still guards a usable cache: entries are inserted whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(path, text).expect("can write");
    }

    #[test]
    fn the_nearest_way_to_a_header_wins() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let root = dir.path().canonicalize().expect("exists");
        for (path, text) in [
            ("bpf-analyzer.toml", ""),
            ("src/a.bpf.c", ""),
            ("src/near.h", "near"),
            ("inc/near.h", "far"),
            ("inc/common.h", "common"),
            ("configured/set.h", "set"),
            ("deep/er/net/only.h", "only"),
            ("one/twice.h", "1"),
            ("two/twice.h", "2"),
            ("build/hidden.h", "generated"),
            (".gitignore", "build\n"),
        ] {
            write(&root, path, text);
        }
        let database = serde_json::json!([{
            "directory": root.join("src"),
            "file": "a.bpf.c",
            "arguments": ["clang", "-I../inc", "-c", "a.bpf.c"],
        }]);
        write(&root, "compile_commands.json", &database.to_string());
        let file = root.join("src/a.bpf.c");
        let config = Config { header_paths: vec![root.join("configured")], ..Config::default() };
        let headers = Headers::default();
        let seen = headers.for_file(&file, &config);
        let text = |name, system| {
            seen.header(name, system, &file).map(|found| found.header.text().to_owned())
        };
        assert_eq!(text("near.h", false).as_deref(), Some("near"));
        assert_eq!(text("near.h", true).as_deref(), Some("far"));
        assert_eq!(text("common.h", true).as_deref(), Some("common"));
        assert_eq!(text("set.h", true).as_deref(), Some("set"));
        assert_eq!(text("net/only.h", true).as_deref(), Some("only"));
        assert_eq!(text("xnet/only.h", true), None);
        assert_eq!(text("twice.h", false), None, "two candidates are none");
        assert_eq!(text("hidden.h", false), None, "ignored files are no candidates");
        assert_eq!(text("../src/near.h", false).as_deref(), Some("near"));
        assert_eq!(text("../../../../../../nothing.h", false), None);
    }

    #[test]
    fn a_changed_header_is_read_again() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let root = dir.path().canonicalize().expect("exists");
        write(&root, "a.h", "one");
        let headers = Headers::default();
        let file = root.join("a.bpf.c");
        let seen = headers.for_file(&file, &Config::default());
        let first = seen.header("a.h", false, &file).expect("is there");
        let again = seen.header("a.h", false, &file).expect("is there");
        assert!(Arc::ptr_eq(&first, &again));
        write(&root, "a.h", "another");
        assert_eq!(seen.header("a.h", false, &file).expect("is there").header.text(), "another");
    }

    #[test]
    fn an_open_header_hides_the_one_on_disk() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let root = dir.path().canonicalize().expect("exists");
        write(&root, "a.h", "disk");
        let headers = Headers::default();
        let file = root.join("a.bpf.c");
        let seen = headers.for_file(&file, &Config::default());
        let text = |name| seen.header(name, false, &file).map(|h| h.header.text().to_owned());
        headers.set_open(&root.join("sub/../a.h"), "editor".into());
        headers.set_open(&root.join("new.h"), "unsaved".into());
        assert_eq!(text("a.h").as_deref(), Some("editor"));
        assert_eq!(text("new.h").as_deref(), Some("unsaved"));
        headers.set_closed(&root.join("a.h"));
        headers.set_closed(&root.join("new.h"));
        assert_eq!(text("a.h").as_deref(), Some("disk"));
        assert_eq!(text("new.h"), None);
    }

    #[test]
    fn headers_of_headers_come_first_and_cycles_end() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let root = dir.path().canonicalize().expect("exists");
        write(&root, "a.h", "#include \"sub/b.h\"\n#include \"none.h\"\nint a;");
        write(&root, "sub/b.h", "#include \"c.h\"\nint b;");
        write(&root, "sub/c.h", "#include \"../a.h\"\nint c;");
        let headers = Headers::default();
        let file = root.join("x.bpf.c");
        let seen = headers.for_file(&file, &Config::default());
        let found = included(&seen, &file, [("a.h", false), ("sub/c.h", false)].into_iter());
        let last_lines: Vec<_> =
            found.iter().filter_map(|header| header.text().lines().last()).collect();
        assert_eq!(last_lines, ["int c;", "int b;", "int a;"]);
    }
}
