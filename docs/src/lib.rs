//! The book: pages from `docs/text`, and pages made of what the program itself knows.
//!
//! [`build`] copies the text, writes the generated pages beside it, and has mdBook make HTML of both. [`links`] finds
//! links of the result that lead nowhere.

pub mod links;
pub mod pages;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mdbook_driver::MDBook;

/// Builds the book of the repository at `root` into `target`; the directory of the HTML is returned.
///
/// # Errors
///
/// If a file cannot be read or written, or mdBook refuses a page.
pub fn build(root: &Path, target: &Path) -> Result<PathBuf> {
    let source = root.join("docs");
    let text = target.join("text");
    if text.exists() {
        fs::remove_dir_all(&text).with_context(|| text.display().to_string())?;
    }
    copy(&source.join("text"), &text)?;
    let settings = source.join("book.toml");
    fs::copy(&settings, target.join("book.toml"))
        .with_context(|| settings.display().to_string())?;
    for page in pages::all(root)? {
        let path = text.join(&page.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, page.text).with_context(|| path.display().to_string())?;
    }
    let summary = text.join("SUMMARY.md");
    let contents = fs::read_to_string(&summary).with_context(|| summary.display().to_string())?;
    let contents = contents.replace("{{rules}}", &pages::rule_contents());
    fs::write(&summary, contents.replace("{{messages}}", &pages::message_contents()))?;
    MDBook::load(target)?.build()?;
    Ok(target.join("book"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
