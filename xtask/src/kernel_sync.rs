//! `cargo xtask kernel-sync`: refreshes the committed BTF and reports the rows that disagree with one.

mod compare;
mod ctype;
mod snapshot;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use btf::Btf;

use crate::codegen::kernel_model::Rows;

/// Where a running kernel shows its BTF.
const RUNNING: &str = "/sys/kernel/btf/vmlinux";
/// Where it shows its release.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// What to do.
pub(crate) struct Options {
    /// The BTF to look at; that of the running kernel if there is none.
    pub(crate) btf: Option<PathBuf>,
    /// The release it is of, for a file.
    pub(crate) release: Option<String>,
    /// Change nothing; only report.
    pub(crate) check: bool,
}

/// Reports how the rows below `root` disagree with a BTF, and makes it the committed one unless told not to.
/// Returns whether they agree.
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let path = options.btf.as_deref().unwrap_or(Path::new(RUNNING));
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let btf = Btf::parse(bytes.as_slice()).with_context(|| format!("in {}", path.display()))?;
    let rows = Rows::read(root)?;
    let found = compare::disagreements(&btf, &rows)?;
    let mut out = io::stdout().lock();
    for line in &found {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{}: {} types, {} disagreements", path.display(), btf.len(), found.len())?;
    if !options.check {
        let release = release(options)?;
        snapshot::write(root, &bytes, &release, path, &rows.snapshot)?;
        writeln!(out, "the committed BTF is now that of {release}; run `cargo xtask codegen`")?;
    }
    Ok(found.is_empty())
}

/// The release the BTF is of. Another one than the rows describe must not become the default by accident.
fn release(options: &Options) -> Result<String> {
    let release = match (&options.release, &options.btf) {
        (Some(release), _) => release.clone(),
        (None, Some(_)) => bail!("say with --release which kernel the file is of"),
        (None, None) => {
            fs::read_to_string(RELEASE).with_context(|| format!("reading {RELEASE}"))?
        }
    };
    let release = release.trim().split('-').next().unwrap_or_default().to_owned();
    ensure!(
        release.starts_with(&format!("{}.", snapshot::MODELLED)),
        "the rows describe {}, and this is a BTF of {release}: use --check to compare only",
        snapshot::MODELLED,
    );
    Ok(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn the_rows_agree_with_the_committed_btf() {
        let rows = Rows::read(&root()).expect("the rows are well formed");
        let bytes = snapshot::read(&root(), &rows.snapshot).expect("the committed BTF is whole");
        let btf = Btf::parse(bytes).expect("the committed BTF is a BTF");
        let found = compare::disagreements(&btf, &rows).expect("it can be compared");
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_btf_of_another_release_is_not_made_the_default() {
        let file = |release: &str| Options {
            btf: Some("vmlinux".into()),
            release: Some(release.to_owned()),
            check: false,
        };
        assert_eq!(release(&file("6.18.7-arch1")).expect("it is modelled"), "6.18.7");
        assert!(release(&file("6.1.90")).is_err());
        assert!(release(&Options { release: None, ..file("") }).is_err());
    }
}
