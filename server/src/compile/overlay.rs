//! Texts that are not saved, in the place of files: clang reads them under the names of the files, so that includes
//! and messages are those of the files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

/// Writes the texts below `scratch`, and the description that `-ivfsoverlay` reads. Returns its path.
pub(super) fn write(scratch: &Path, texts: &[(PathBuf, Arc<str>)]) -> io::Result<PathBuf> {
    let mut roots = Vec::new();
    for (number, (path, text)) in texts.iter().enumerate() {
        let content = scratch.join(format!("unsaved-{number}"));
        fs::write(&content, text.as_bytes())?;
        roots.push(json!({ "type": "file", "name": path, "external-contents": content }));
    }
    let overlay = json!({
        "version": 0,
        "use-external-names": false,
        "case-sensitive": true,
        "roots": roots,
    });
    let path = scratch.join("overlay.json");
    fs::write(&path, overlay.to_string())?;
    Ok(path)
}
