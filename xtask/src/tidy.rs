//! The house rules that a machine can check.

mod arrows;
mod documents;
mod rules;
mod sources;

use std::path::{Path, PathBuf};

use anyhow::Result;
use ignore::WalkBuilder;

/// What is wrong in the repository below `root`, one line each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let files = files(root)?;
    let mut complaints = arrows::check(root)?;
    complaints.extend(sources::check(root, &files)?);
    complaints.extend(documents::check(root, &files)?);
    complaints.extend(rules::check(root, &files)?);
    Ok(complaints)
}

/// The files that version control does not ignore, relative to `root`, by path.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let no_repository = |entry: &ignore::DirEntry| entry.file_name() != ".git";
    for entry in WalkBuilder::new(root).hidden(false).filter_entry(no_repository).build() {
        let entry = entry?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            files.push(entry.path().strip_prefix(root)?.to_owned());
        }
    }
    files.sort();
    Ok(files)
}

/// Those of `files` with this extension.
fn with_extension<'f>(
    files: &'f [PathBuf],
    extension: &'static str,
) -> impl Iterator<Item = &'f PathBuf> {
    files.iter().filter(move |file| file.extension().is_some_and(|found| found == extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let root = crate::root().expect("xtask lies in the repository");
        let complaints = check(&root).expect("can be read");
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
