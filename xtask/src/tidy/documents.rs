//! Markdown files: the paths they name exist.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::with_extension;

/// Checks all Markdown files.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    // The book's pages also link to pages that are generated; its own test follows all its links.
    for file in with_extension(files, "md").filter(|file| !file.starts_with("docs/text")) {
        let text =
            fs::read_to_string(root.join(file)).with_context(|| file.display().to_string())?;
        let directory = root.join(file).parent().map(Path::to_owned).unwrap_or_default();
        let (links, code) = (links(&text), code_paths(&text));
        let missing_links = links.filter(|link| !directory.join(link).exists());
        // What a build leaves in `target` need not be there.
        let in_house = |path: &&str| {
            let first = path.split('/').next().unwrap_or_default();
            first != "target" && root.join(first).exists()
        };
        let missing_code = code.filter(|path| in_house(path) && !root.join(path).exists());
        for path in missing_links.chain(missing_code) {
            complaints.push(format!("{}: there is no `{path}`", file.display()));
        }
    }
    Ok(complaints)
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of links to files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
        .filter(|target| !target.contains("://") && !target.starts_with('#') && !target.is_empty())
        .map(|target| target.split('#').next().unwrap_or(target))
}

/// What stands between backticks and looks like a path with a directory.
fn code_paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |code: &&str| {
        code.contains('/')
            && !code.starts_with('/')
            && code.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
    };
    prose(text).flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_paths_are_found_outside_fences() {
        let text = "see [a](b/c.md#d), [e](https://f) and `g/h.rs`, `i j/k`, `l`, `/m/n`\n```\n`o/p`\n```\n`q/r`";
        assert_eq!(links(text).collect::<Vec<_>>(), ["b/c.md"]);
        assert_eq!(code_paths(text).collect::<Vec<_>>(), ["g/h.rs", "q/r"]);
    }
}
