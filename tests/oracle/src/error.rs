//! What can go wrong with the files of the corpus.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the corpus or the recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file includes a header that is neither beside it nor in `include`.
    #[error("{file}: there is no header `{header}` in the repository")]
    NoHeader {
        /// The including file.
        file: String,
        /// The header, as it is written.
        header: String,
    },
    /// A file of rows or of recordings is not what it should be.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The compiler is missing or refuses a source.
    #[error("{file}: {message}")]
    Compiler {
        /// The source.
        file: String,
        /// What the compiler says.
        message: String,
    },
}

impl Error {
    /// An error in the content of a file.
    pub(crate) fn format(path: &Path, message: &impl ToString) -> Self {
        Self::Format { path: path.to_owned(), message: message.to_string() }
    }
}

/// A text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// A file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Writes a file, and its directory if there is none.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)
}
