//! Pages that are made of what the program knows: rules, settings, the kernel model, what the verifier says.

mod configuration;
mod messages;
mod model;
mod notes;
mod rules;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub use messages::contents as message_contents;
pub use rules::contents as rule_contents;

/// A page that is generated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its place below the text of the book.
    pub path: String,
    /// Its text, in Markdown.
    pub text: String,
}

impl Page {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

/// All generated pages of the repository at `root`.
///
/// # Errors
///
/// If a file of the repository cannot be read.
pub fn all(root: &Path) -> Result<Vec<Page>> {
    let mut pages = rules::pages();
    let read = |name: &str| {
        let path = root.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    pages.push(configuration::page(&read("docs/bpf-analyzer.schema.json")?)?);
    pages.extend(model::pages());
    pages.push(notes::page());
    pages.extend(messages::pages(root)?);
    pages.push(Page::new("inside/architecture.md", read("ARCHITECTURE.md")?));
    pages.push(Page::new("changes.md", read("CHANGELOG.md")?));
    Ok(pages)
}

/// A row of a table; what would end a cell is escaped.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The head of a table.
fn head(cells: &[&str]) -> String {
    row(cells) + &row(&vec!["---"; cells.len()])
}
