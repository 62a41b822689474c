//! Include directories and commands from a compilation database (`compile_commands.json`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::paths::normal;
use crate::source::plain;

/// The largest database that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How source files are compiled.
#[derive(Clone, Debug, Default)]
pub struct CompileCommands {
    by_file: HashMap<PathBuf, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    include_dirs: Vec<PathBuf>,
    command: CompileCommand,
}

/// The command that compiles a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileCommand {
    /// Where it runs; absolute.
    pub directory: PathBuf,
    /// The program and its arguments as they stand in the database, which anyone may have written.
    pub arguments: Vec<String>,
}

/// Why a compilation database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CompileCommandsError {
    /// The file cannot be read.
    #[error("{path}: {}", plain(cause))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// It is not a compilation database.
    #[error("{path}: {cause}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct Entry {
    directory: PathBuf,
    file: PathBuf,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    command: String,
}

impl CompileCommands {
    /// Reads the database at `path`.
    pub fn read(path: &Path) -> Result<Self, CompileCommandsError> {
        let file = File::open(path)
            .map_err(|cause| CompileCommandsError::Read { path: path.to_owned(), cause })?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse(BufReader::new(file.take(MAX_BYTES)), base)
            .map_err(|cause| CompileCommandsError::Content { path: path.to_owned(), cause })
    }

    fn parse(input: impl Read, base: &Path) -> Result<Self, serde_json::Error> {
        let entries: Vec<Entry> = serde_json::from_reader(input)?;
        let mut by_file = HashMap::new();
        for entry in entries {
            let directory = base.join(&entry.directory);
            let arguments = if entry.arguments.is_empty() {
                shlex::split(&entry.command).unwrap_or_default()
            } else {
                entry.arguments
            };
            let dirs = include_dirs(&arguments).map(|dir| normal(&directory.join(dir))).collect();
            let file = normal(&directory.join(&entry.file));
            let command = CompileCommand { directory, arguments };
            by_file.entry(file).or_insert(Known { include_dirs: dirs, command });
        }
        Ok(Self { by_file })
    }

    /// The directories in which the file with the absolute path `file` looks for headers, in order.
    pub fn include_dirs(&self, file: &Path) -> &[PathBuf] {
        let known = self.by_file.get(&normal(file));
        known.map(|known| known.include_dirs.as_slice()).unwrap_or_default()
    }

    /// The command for the file with the absolute path `file`: its own, or else that of the BPF program whose path
    /// has most in common with it.
    pub fn command(&self, file: &Path) -> Option<&CompileCommand> {
        let file = normal(file);
        if let Some(known) = self.by_file.get(&file) {
            return Some(&known.command);
        }
        let is_bpf = |path: &Path, known: &Known| {
            path.as_os_str().as_encoded_bytes().ends_with(b".bpf.c")
                || known.command.arguments.iter().any(|argument| {
                    argument.starts_with("bpf") || argument.starts_with("--target=bpf")
                })
        };
        let shared = |path: &Path| {
            path.components().zip(file.components()).take_while(|(a, b)| a == b).count()
        };
        let near = self.by_file.iter().filter(|(path, known)| is_bpf(path, known));
        let nearest = near.max_by_key(|(path, _)| (shared(path), std::cmp::Reverse(*path)));
        nearest.map(|(_, known)| &known.command)
    }
}

const FLAGS: [&str; 4] = ["-I", "-isystem", "-iquote", "-idirafter"];

fn include_dirs(arguments: &[String]) -> impl Iterator<Item = &str> {
    arguments.iter().enumerate().filter_map(|(index, argument)| {
        let value = FLAGS.iter().find_map(|flag| argument.strip_prefix(flag))?;
        if value.is_empty() { arguments.get(index + 1).map(String::as_str) } else { Some(value) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_command_are_read() {
        let text = r#"[
            {"directory": "/b", "file": "x.c", "arguments": ["cc", "-I", "i", "-Ij/../k", "-DX"]},
            {"directory": "sub", "file": "../y.c", "command": "cc '-Iwith blank' -isystem /s -c y.c"},
            {"directory": "/b", "file": "z.c", "command": "cc 'unclosed"}
        ]"#;
        let database = CompileCommands::parse(text.as_bytes(), Path::new("/p")).expect("is valid");
        let dirs = |file: &str| database.include_dirs(Path::new(file)).to_vec();
        assert_eq!(dirs("/b/./x.c"), [Path::new("/b/i"), Path::new("/b/k")]);
        assert_eq!(dirs("/p/y.c"), [Path::new("/p/sub/with blank"), Path::new("/s")]);
        assert_eq!(dirs("/b/z.c"), Vec::<PathBuf>::new());
        assert_eq!(dirs("/b/none.c"), Vec::<PathBuf>::new());
        let command = |file: &str| database.command(Path::new(file));
        assert_eq!(command("/b/z.c").map(|found| found.arguments.len()), Some(0));
        assert_eq!(command("/b/new.c"), None, "no program for BPF is near");
        assert!(CompileCommands::parse(&b"{}"[..], Path::new("/p")).is_err());
    }

    #[test]
    fn a_new_program_is_compiled_like_its_neighbour() {
        let text = r#"[
            {"directory": "/p/a", "file": "x.bpf.c", "arguments": ["cc", "-DA"]},
            {"directory": "/p/b", "file": "y.c", "arguments": ["cc", "-target", "bpf", "-DB"]},
            {"directory": "/p/b", "file": "host.c", "arguments": ["cc", "-DHOST"]}
        ]"#;
        let database = CompileCommands::parse(text.as_bytes(), Path::new("/p")).expect("is valid");
        for (file, expected) in
            [("/p/a/new.bpf.c", "-DA"), ("/p/b/new.c", "-DB"), ("/p/b/host.c", "-DHOST")]
        {
            let command = database.command(Path::new(file)).expect("is found");
            assert_eq!(command.arguments.last().map(String::as_str), Some(expected), "{file}");
        }
    }
}
