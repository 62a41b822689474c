//! Where things are: the repository, what was built, and the tools that `.ci/test` installs.

use std::path::{Path, PathBuf};

/// A file or directory of the repository.
///
/// # Panics
///
/// If there is none.
pub fn repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).canonicalize().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The directory of everything that is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository("target"), Into::into)
}

/// The directory with the commands of Python packages that tests use.
///
/// # Panics
///
/// If `.ci/test` did not install them.
pub fn python_tools() -> PathBuf {
    let directory = target().join("python/bin");
    let missing = "is not there; `.ci/test` installs the tools that tests use";
    directory.canonicalize().unwrap_or_else(|_| panic!("{} {missing}", directory.display()))
}

/// Settings of cargo with which tests compile packages: all is as it is shipped but how far it is optimised, which takes
/// minutes and of which these tests say nothing. They are the same everywhere, so that all is compiled once.
pub const SHIPPED_BUT_SLOW: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"), ("CARGO_PROFILE_RELEASE_DEBUG", "false")];

/// `PATH` with these directories in front.
///
/// # Panics
///
/// If a directory has a colon in its name.
pub fn search_path(first: &[&Path]) -> std::ffi::OsString {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let first = first.iter().map(|path| path.to_path_buf());
    std::env::join_paths(first.chain(std::env::split_paths(&usual))).expect("no colons")
}
