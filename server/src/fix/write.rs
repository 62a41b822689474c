//! Replacing a file so that a reader sees the old content or the new one, never a part.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a mended file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write: {source}")]
pub struct WriteError {
    #[from]
    source: io::Error,
}

/// Replaces the content of `path`, keeping its permissions. A symbolic link stays; its target is replaced.
pub fn replace_file(path: &Path, content: &str) -> Result<(), WriteError> {
    let target = fs::canonicalize(path)?;
    let metadata = fs::metadata(&target)?;
    if metadata.permissions().readonly() {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
    }
    let _writing = super::interrupt::writing();
    let directory = target.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut file = tempfile::Builder::new().prefix(".bpf-analyzer-").tempfile_in(directory)?;
    file.write_all(content.as_bytes())?;
    file.as_file().set_permissions(metadata.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn permissions_and_links_stay() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let file = dir.path().join("a.bpf.c");
        let link = dir.path().join("link.bpf.c");
        fs::write(&file, "old").expect("can write");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("can change");
        symlink(&file, &link).expect("can link");
        replace_file(&link, "new").expect("can replace");
        assert_eq!(fs::read_to_string(&file).expect("is there"), "new");
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
        let mode = fs::metadata(&file).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let entries = fs::read_dir(dir.path()).expect("is there").count();
        assert_eq!(entries, 2, "no temporary file is left");
    }

    #[test]
    fn a_read_only_file_is_left_alone() {
        let dir = tempfile::tempdir().expect("can create a directory");
        let file = dir.path().join("a.bpf.c");
        fs::write(&file, "old").expect("can write");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("can change");
        let error = replace_file(&file, "new").expect_err("must be refused");
        assert_eq!(error.to_string(), "cannot write: permission denied");
        assert_eq!(fs::read_to_string(&file).expect("is there"), "old");
    }
}
