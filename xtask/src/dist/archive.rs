//! The archive: the program with completions, manual pages, licences and the bill of materials. The same program gives
//! the same archive.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::metadata::Metadata;
use super::name;
use super::program::{self, Program};

/// What is copied from the root of the repository.
const PAGES: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Writes the archive into `out`.
pub(super) fn write(
    root: &Path,
    metadata: &Metadata,
    program: &Program,
    sbom: &str,
    out: &Path,
) -> Result<PathBuf> {
    let top = name(metadata);
    let path = out.join(format!("{top}.tar.gz"));
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut archive = Archive {
        builder: Builder::new(GzEncoder::new(file, Compression::best())),
        top: Path::new(&top).to_owned(),
    };
    let executable = program.path.file_name().unwrap_or_default();
    archive.add(Path::new(executable), &fs::read(&program.path)?, 0o755)?;
    for page in PAGES {
        archive.add(Path::new(page), &fs::read(root.join(page))?, 0o644)?;
    }
    archive.add(Path::new("THIRD_PARTY_NOTICES.md"), &notices(root, metadata)?, 0o644)?;
    archive.add(Path::new("bpf-analyzer.cdx.json"), sbom.as_bytes(), 0o644)?;
    let documents = program::documents(root, metadata, &program.path)?;
    for directory in ["completions", "man"] {
        let mut names = fs::read_dir(documents.join(directory))?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let path = Path::new(directory).join(name);
            archive.add(&path, &fs::read(documents.join(&path))?, 0o644)?;
        }
    }
    archive.builder.into_inner()?.finish()?.sync_all()?;
    Ok(path)
}

struct Archive {
    builder: Builder<GzEncoder<File>>,
    top: PathBuf,
}

impl Archive {
    fn add(&mut self, path: &Path, content: &[u8], mode: u32) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_mtime(0);
        self.builder.append_data(&mut header, self.top.join(path), content)?;
        Ok(())
    }
}

/// The licences of the crates that are linked in, as the extension for VS Code has them, too.
fn notices(root: &Path, metadata: &Metadata) -> Result<Vec<u8>> {
    let output = Command::new("node")
        .args(["vsix/notices.mjs", "--triple", &metadata.triple])
        .current_dir(root)
        .output()
        .context("the licences of what is linked in need node")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "vsix/notices.mjs failed: {said}");
    Ok(output.stdout)
}
