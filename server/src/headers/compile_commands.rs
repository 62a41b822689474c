//! Include directories from a compilation database (`compile_commands.json`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::paths::normal;
use crate::source::plain;

/// The largest database that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Include directories by source file.
#[derive(Clone, Debug, Default)]
pub struct CompileCommands {
    by_file: HashMap<PathBuf, Vec<PathBuf>>,
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
            by_file.entry(normal(&directory.join(&entry.file))).or_insert(dirs);
        }
        Ok(Self { by_file })
    }

    /// The directories in which the file with the absolute path `file` looks for headers, in order.
    pub fn include_dirs(&self, file: &Path) -> &[PathBuf] {
        self.by_file.get(&normal(file)).map(Vec::as_slice).unwrap_or_default()
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
        assert!(CompileCommands::parse(&b"{}"[..], Path::new("/p")).is_err());
    }
}
