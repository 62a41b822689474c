//! `vmlinux.h` for programs that include it and have none: the types of the kernel that comes with the program.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use btf::{Btf, C_HEADER_REVISION, CHeader};

use super::cache::digest;

/// Name of the header.
pub(super) const NAME: &str = "vmlinux.h";

/// Headers of other versions that are left in place: another version of the program may be in use.
const KEPT: usize = 3;

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum VmlinuxError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Btf(String),
}

/// The directory below `root` in which the header is; it is written if it is not there.
pub(super) fn directory(root: &Path) -> Result<PathBuf, VmlinuxError> {
    let bytes = kernel_model::vmlinux_btf();
    let parent = root.join("vmlinux");
    let name = format!("{}-{C_HEADER_REVISION}", &digest(bytes)[..32]);
    let dir = parent.join(name);
    if dir.join(NAME).is_file() {
        return Ok(dir);
    }
    let text = text()?;
    fs::create_dir_all(&dir)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&dir)?;
    file.write_all(text.as_bytes())?;
    // It may be read by whoever may read the directory.
    file.persist(dir.join(NAME)).map_err(|error| error.error)?;
    forget_old(&parent, &dir);
    Ok(dir)
}

/// The header.
fn text() -> Result<String, VmlinuxError> {
    let fail = |error: &dyn std::fmt::Display| VmlinuxError::Btf(error.to_string());
    let btf = Btf::parse(kernel_model::vmlinux_btf()).map_err(|error| fail(&error))?;
    Ok(CHeader::of(&btf).map_err(|error| fail(&error))?.text)
}

fn forget_old(parent: &Path, current: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let mut others: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path != current)
        .map(|path| (fs::metadata(&path).and_then(|data| data.modified()).ok(), path))
        .collect();
    others.sort();
    for (_, path) in others.iter().rev().skip(KEPT) {
        let _ = fs::remove_dir_all(path);
    }
}
