//! The committed BTF: a length of four bytes, little end first, and one LZ4 block.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::codegen::kernel_model::Snapshot;

/// The release that the rows describe.
pub(super) const MODELLED: &str = "6.18";

const HEADER: &str = "\
# What `vmlinux-6.18.btf.lz4` is: the length of the content in four bytes, little end first, and one LZ4 block.
# A BTF is a table of facts about a build of the kernel: names, types, sizes and offsets. It holds none of its code.
# `cargo xtask kernel-sync` writes both files anew; say in `source` what was built.
";

/// Compresses `bytes` as well as LZ4 can, and writes them with a description below `root`.
pub(super) fn write(
    root: &Path,
    bytes: &[u8],
    release: &str,
    from: &Path,
    before: &Snapshot,
) -> Result<()> {
    let mode = lz4::block::CompressionMode::HIGHCOMPRESSION(12);
    let packed = lz4::block::compress(bytes, Some(mode), true).context("compressing")?;
    let path = file(root);
    fs::write(&path, packed).with_context(|| format!("writing {}", path.display()))?;
    let same = digest(bytes) == before.sha256;
    let row = Snapshot {
        kernel: release.to_owned(),
        architecture: before.architecture.clone(),
        lists_variables: before.lists_variables,
        bytes: bytes.len(),
        sha256: digest(bytes),
        source: if same { before.source.clone() } else { from.display().to_string() },
    };
    let path = root.join("kernel-model/data/snapshot.toml");
    let text = format!("{HEADER}{}", toml::to_string(&row).context("describing the BTF")?);
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

/// The committed BTF below `root`, if it is what its description says.
#[cfg_attr(not(test), expect(dead_code, reason = "the program only writes it"))]
pub(super) fn read(root: &Path, row: &Snapshot) -> Result<Vec<u8>> {
    let path = file(root);
    let packed = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let bytes = lz4::block::decompress(&packed, None).context("decompressing")?;
    ensure!(bytes.len() == row.bytes, "{} bytes instead of {}", bytes.len(), row.bytes);
    ensure!(digest(&bytes) == row.sha256, "the SHA-256 is another");
    Ok(bytes)
}

fn file(root: &Path) -> PathBuf {
    root.join(format!("kernel-model/data/vmlinux-{MODELLED}.btf.lz4"))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
